"""A person's phones: adding, changing, verifying and ending a contact point (S8, S14; domain section 3)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from sms_service.models import numbers, people
from sms_service.models.outbox import cancel_queued, outbox
from sms_service.models.people import contact_point
from sms_service.rules.safe_hours import SafeHours, SafeHoursFault
from sms_service.security.tokens import new_row_id
from sms_service.text.phone import PhoneFault, parse_for_import
from sms_service.usecases.context import Context
from sms_service.usecases.faults import UseFault
from sms_service.usecases.find import contact_named, person_to_change

OWNERSHIPS = ("own", "shared_partner", "shared_other")
NO_PHONE = "none"
DEFAULT_OWNERSHIP = "shared_other"  # unknown means shared, logistics only (S8)
OVERTNESS = ("discreet", "open")


def read_phone(written: str) -> str:
    """The E.164 number of a form's field, or a fault on ``phone`` that never repeats it."""
    try:
        return parse_for_import(written)
    except PhoneFault as fault:
        raise UseFault("phone", str(fault)) from None


def read_safe_hours(written: str) -> str:
    """Safe hours in their one written form (``Mon-Fri 09:00-12:00``; empty = all day), or a fault on ``safe_hours``."""
    try:
        return SafeHours.parse(written).format()
    except SafeHoursFault as fault:
        raise UseFault("safe_hours", str(fault)) from None


def add_phone(
    context: Context,
    person_code: str,
    phone: str,
    ownership: str,
    safe_hours: str,
    actor: str,
    *,
    overtness: str = "discreet",
) -> int:
    """Record, face to face, a phone of a person; returns the contact point's row id. Raises ``UseFault``."""
    with context.database.begin() as db:
        who = person_to_change(db, person_code)
        contact_id = add_phone_in(
            context,
            db,
            who,
            read_phone(phone),
            ownership,
            read_safe_hours(safe_hours),
            context.now(db),
            overtness=overtness,
        )
        context.record(db, actor, "contact.add", who.code)
        return contact_id


def add_phone_in(
    context: Context,
    db: Connection,
    who: Any,
    e164: str,
    ownership: str,
    safe_hours: str,
    now: datetime,
    *,
    overtness: str = "discreet",
    checked: bool = False,
) -> int:
    """As ``add_phone`` in the caller's transaction, with values already read. Stopped numbers stay stopped (S17).

    A phone that was ended for this person is taken up again. ``checked``: the caller knows that own and shared do not
    meet on it. Raises ``UseFault``.
    """
    number_id = numbers.ensure(db, context.vault, e164, now)
    if not checked:
        check_ownership(db, number_id, ownership, who.id)
    values = {
        "ownership": ownership,
        "safe_hours": safe_hours,
        "overtness": overtness,
        "verified_at": now,
        "ended_at": None,
    }
    mine = (contact_point.c.person_id == who.id) & (contact_point.c.number_id == number_id)
    contact_id = db.execute(select(contact_point.c.id).where(mine)).scalar()
    if contact_id is None:
        contact_id = new_row_id()
        fixed = {"id": contact_id, "person_id": who.id, "number_id": number_id, "created_at": now}
        db.execute(insert(contact_point).values(**fixed, **values, channels=["sms", "ussd"]))
    else:
        people.change_contact(db, contact_id, **values)
    return int(contact_id)


def check_ownership(db: Connection, number_id: int, ownership: str, person_id: int | None) -> None:
    """An own phone belongs to one person (S9). Raises ``UseFault`` when the number would be own and shared at once."""
    if ownership not in OWNERSHIPS:
        raise UseFault("phone_ownership", "choose own, shared_partner or shared_other (none: without a number)")
    others = [row for row in people.contact_points_of(db, [number_id]) if row.person_id != person_id]
    if others and (ownership == "own" or any(row.ownership == "own" for row in others)):
        raise UseFault(
            "phone_ownership",
            "this number already serves another person; record it as shared for each of them, or check the digits",
        )


def change_phone(context: Context, contact_id: int, ownership: str, safe_hours: str, overtness: str, actor: str) -> None:
    """Change a phone's safety profile, as told in person (S8). Raises ``UseFault``."""
    with context.database.begin() as db:
        row = contact_named(db, contact_id)
        check_ownership(db, row.number_id, ownership, row.person_id)
        if overtness not in OVERTNESS:
            raise UseFault("overtness", "choose discreet or open")
        people.change_contact(db, row.id, ownership=ownership, safe_hours=read_safe_hours(safe_hours), overtness=overtness)
        if ownership != "own":
            cancel_personal_in(db, row.number_id, context.now(db))
        context.record(db, actor, "contact.change", row.person_code)


def cancel_personal_in(db: Connection, number_id: int, now: datetime) -> int:
    """Cancel what is queued for this number and may go to own phones only (class B, S3); returns how many texts."""
    return cancel_queued(db, now, "phone_shared", outbox.c.number_id == number_id, outbox.c.text_class == "B", outbox.c.lane > 1)


def verify_phone(context: Context, contact_id: int, actor: str) -> None:
    """The person was met with this phone: it counts as seen, and a frozen number is taken into use again (S14)."""
    with context.database.begin() as db:
        row, now = contact_named(db, contact_id), context.now(db)
        numbers.lock(db, row.number_id)
        people.change_contact(db, row.id, verified_at=now)
        numbers.change(db, row.number_id, frozen_at=None, frozen_reason=None, unclear_run=0)
        context.record(db, actor, "contact.verify", row.person_code)


def resume_phone(context: Context, contact_id: int, actor: str) -> None:
    """Consent recorded anew, face to face: a number stopped here or at the network is taken into use again, logged (S19)."""
    with context.database.begin() as db:
        row, now = contact_named(db, contact_id), context.now(db)
        numbers.lock(db, row.number_id)
        people.change_contact(db, row.id, verified_at=now, opted_out_at=None)
        numbers.change(db, row.number_id, stopped_at=None, stop_reason=None, network_opt_out_at=None)
        context.record(db, actor, "contact.resume", row.person_code)


def end_phone(context: Context, contact_id: int, actor: str) -> None:
    """This phone is no longer the person's: nothing more goes there for them; PIN and code word go with it."""
    with context.database.begin() as db:
        row = contact_named(db, contact_id)
        end_phone_in(db, row, context.now(db))
        context.record(db, actor, "contact.end", row.person_code)


def end_phone_in(db: Connection, row: Any, now: datetime) -> None:
    """As ``end_phone`` in the caller's transaction."""
    people.change_contact(
        db,
        row.id,
        ended_at=now,
        pin_hash=None,
        pin_salt=None,
        code_word=None,
        opted_in_at=None,
    )
    cancel_queued(db, now, "phone_ended", outbox.c.number_id == row.number_id, outbox.c.person_id == row.person_id)


def phones_of(db: Connection, person_id: int) -> Sequence[Row[Any]]:
    """A person's phones in use, with the number's code and state; never the number itself."""
    return people.phones_of(db, [person_id])
