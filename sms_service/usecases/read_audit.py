"""Reading the audit: entries by code, and the walk along its chain (I17, T19)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from sms_service.models import audit as table
from sms_service.models import findings
from sms_service.models.audit import audit
from sms_service.rules.roles import allows
from sms_service.security.audit_chain import Head, verify
from sms_service.usecases.context import Context
from sms_service.usecases.sign_in import SignedIn


@dataclass(frozen=True, slots=True)
class Entry:
    """One act. ``reason`` is empty for readers who may not see why."""

    seq: int
    at: datetime
    actor: str
    act: str
    subject: str
    reason: str


def entries(
    context: Context, db: Connection, me: SignedIn, *, limit: int, before: int | None = None, act: str = ""
) -> Sequence[Entry]:
    """Newest first. A reason may tell of a person: it is opened for those who may read concerns, for nobody else."""
    may_read = allows(me.roles, "see_concerns")
    return [
        Entry(
            row.seq,
            row.at,
            row.actor,
            row.act,
            row.subject or "",
            context.vault.open("audit", "reason", row.seq, row.reason) if may_read and row.reason is not None else "",
        )
        for row in table.latest(db, limit, before, act or None)
    ]


def acts(db: Connection) -> Sequence[str]:
    """Every kind of act there is an entry of."""
    return db.execute(select(audit.c.act).distinct().order_by(audit.c.act)).scalars().all()


@dataclass(frozen=True, slots=True)
class Checked:
    """``first_bad`` is the number of the first entry that is not as it was written, None when all are."""

    count: int
    first_bad: int | None


def check(context: Context) -> Checked:
    """Walk the chain from its first entry to its last."""
    with context.database.begin() as db:
        count = db.execute(select(audit.c.seq).order_by(audit.c.seq.desc()).limit(1)).scalar() or 0
        return Checked(count, verify(table.chain(db), context.audit_key))


CHECK_EVERY = timedelta(hours=1)
ENTRIES_A_STEP = 1_000


def check_by_itself(context: Context, stopping: Callable[[], bool]) -> bool:
    """Once an hour walk the whole chain, a thousand entries a transaction, and keep what was found for health (I17, I21).

    A chain shorter than it was has lost its tail. True when a walk was finished.
    """
    with context.database.begin() as db:
        now = context.now(db)
        before = findings.found(db).get(findings.AUDIT)
    if before is not None and timedelta() <= now - before.found_at < CHECK_EVERY:
        return False
    last, bad = Head(), None
    while not stopping():
        with context.database.begin() as db:
            entries = table.after(db, last.seq, ENTRIES_A_STEP)
        bad = verify(entries, context.audit_key, start=last)
        if bad is not None or not entries:
            break
        last = Head(entries[-1][0], bytes(entries[-1][2]))
        context.database.give_way()
    else:
        return False
    with context.database.begin() as db:
        known = 0 if before is None else before.figure
        findings.note(db, findings.AUDIT, now, ok=bad is None and last.seq >= known, figure=max(known, last.seq))
    return True
