"""Doubt about who holds a phone, or whether its person may take part: routine texts stop at once, a person finds out (S14, S21)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from sms_service.models import numbers, people
from sms_service.usecases.context import Context
from sms_service.usecases.faults import UseFault
from sms_service.usecases.find import person_named
from sms_service.usecases.raise_concern import About, raise_concern


def another_name(context: Context, db: Connection, number_id: int, now: datetime) -> bool:
    """Somebody of another name answered this number: an own phone is frozen until verified in person, with a task (S14).

    On a shared phone somebody else answers every day: nothing follows. Returns whether it was frozen by this.
    """
    row = numbers.lock(db, number_id)
    contacts = people.contact_points_of(db, [number_id])
    if row.frozen_at is not None or len(contacts) != 1 or contacts[0].ownership != "own":
        return False
    numbers.change(db, number_id, frozen_at=now, frozen_reason="other_name")
    about = About(kind="frozen_number", number_id=number_id, person_id=contacts[0].person_id, note_code="other_name")
    raise_concern(context, db, about, now)
    return True


def mark_under_age(context: Context, person_code: str, actor: str) -> None:
    """A participant seems to be under 18: routine texts to the person stop, and a concern goes to child protection (S21).

    Answers to what the person writes still go. Texts go again when the hold on the person is lifted. Raises ``UseFault``.
    """
    with context.database.begin() as db:
        who = person_named(db, person_code)
        if who.status != "active":
            raise UseFault("person", "%(code)s has withdrawn", code=who.code)
        phones = people.phones_of(db, [who.id])
        people.change(db, who.id, outbound_held=True)
        number_id = phones[0].number_id if phones else None
        raise_concern(context, db, About(kind="under_age", number_id=number_id, person_id=who.id), context.now(db))
        context.record(db, actor, "person.under_age", who.code)
