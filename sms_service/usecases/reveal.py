"""Showing who a code is: with a reason, audited, and noticed when one person looks too often (S31, T9, I17)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, func, select

from sms_service.models import numbers, people
from sms_service.models.audit import audit
from sms_service.models.dials import turn
from sms_service.models.inbound import inbound
from sms_service.models.people import identity
from sms_service.rules.roles import allows
from sms_service.usecases.context import Context
from sms_service.usecases.faults import UseFault
from sms_service.usecases.raise_concern import About, raise_concern
from sms_service.usecases.sign_in import SignedIn

MANY_A_DAY = 20
REASON_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Identity:
    """A person's name, and each phone as (number, ownership code, safe hours). Shown once, never stored elsewhere."""

    name: str
    phones: Sequence[tuple[str, str, str]]


def reveal(context: Context, me: SignedIn, code: str, reason: str) -> Identity:
    """Name and numbers of a person, audited with the reason; the 21st in 24 hours raises a task for safeguarding.

    Raises ``UseFault`` for a missing reason, an unknown code, or a role that may not.
    """
    reason = reason.strip()
    if not 3 <= len(reason) <= REASON_LIMIT:
        raise UseFault("reason", "Say why, in 3 to %(most)s characters.", most=REASON_LIMIT)
    with context.database.begin() as db:
        row = people.by_code(db, code)
        if row is None or not allows(me.roles, "reveal_identity"):
            raise UseFault("person", "There is no person with this code.")
        context.record(db, me.code, "identity.reveal", code, reason)
        _notice_many(context, db, me)
        sealed = db.execute(select(identity.c.name).where(identity.c.person_id == row.id)).scalar()
        phones = [
            (numbers.reveal(context.vault, numbers.get(db, contact.number_id)), contact.ownership, contact.safe_hours)
            for contact in people.phones_of(db, [row.id])
        ]
        name = context.vault.open("identity", "name", row.id, sealed) if sealed is not None else ""
        return Identity(name, phones)


def _notice_many(context: Context, db: Connection, me: SignedIn) -> None:
    now = context.now(db)
    since = now - timedelta(days=1)
    counted = select(func.count()).select_from(audit)
    counted = counted.where(audit.c.actor == me.code, audit.c.act == "identity.reveal", audit.c.at > since)
    if db.execute(counted).scalar_one() == MANY_A_DAY + 1:
        raise_concern(context, db, About(kind="many_reveals", note_code=me.code), now)


def open_held(context: Context, me: SignedIn, source: str, row_id: int, reason: str) -> str:
    """The words of one flagged text (``in``) or turn (``dial``), for safeguarding, audited with the reason (S32, I17).

    Raises ``UseFault`` for a missing reason, and alike for a text that is not there, not flagged or not theirs to read.
    """
    reason = reason.strip()
    if not 3 <= len(reason) <= REASON_LIMIT:
        raise UseFault("reason", "Say why, in 3 to %(most)s characters.", most=REASON_LIMIT)
    with context.database.begin() as db:
        sealed = held_text(db, source, row_id)
        if sealed is None or not allows(me.roles, "open_flagged"):
            raise UseFault("text", "There is no text here that you may open.")
        context.record(db, me.code, "text.open", f"{source}:{row_id}", reason)
        table, column = ("inbound", "body") if source == "in" else ("turn", "typed")
        return context.vault.open(table, column, row_id, sealed)


def held_text(db: Connection, source: str, row_id: int) -> bytes | None:
    """The sealed words of a flagged row; None when there is no such row."""
    table, column = (inbound, inbound.c.body) if source == "in" else (turn, turn.c.typed)
    found: bytes | None = db.execute(select(column).where(table.c.id == row_id, table.c.alert != "none")).scalar()
    return found
