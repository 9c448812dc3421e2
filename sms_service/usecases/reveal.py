"""Showing who a code is: with a reason, audited, and noticed when one person looks too often (S31, T9, I17)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, func, select

from sms_service.models import numbers, people
from sms_service.models.audit import audit
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
        raise_concern(context, db, About(kind="reveals", severity="amber", note_code=me.code), now)
