"""The service directory: public numbers, each checked by a call and good for 90 days (S38)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select, update

from sms_service.models.directory import directory_entry
from sms_service.text.gsm import fold
from sms_service.usecases.context import Context
from sms_service.usecases.faults import Faults, UseFault
from sms_service.usecases.find import already_made, once_id, staff_named

VALID_FOR = timedelta(days=90)
SLOTS = ("police", "ambulance", "health", "other")
KINDS = ("emergency", "health", "protection", "legal", "support", "other")
_PHONE = re.compile(r"\+?[0-9]{3,15}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Entry:
    """A service as written on the form: which place of a text it may fill (``slot``), and what staff must know to
    offer it.
    """

    slot: str
    name: str
    kind: str
    phone: str
    area: str
    hours: str
    cost: str


def _tidied(entry: Entry) -> Entry:
    phone = re.sub(r"[\s().-]", "", entry.phone)
    words = (" ".join(fold(text).split()) for text in (entry.name, entry.area, entry.hours, entry.cost))
    name, area, hours, cost = words
    return Entry(entry.slot, name, entry.kind, phone, area, hours, cost)


def _check(entry: Entry) -> None:
    faults = Faults()
    faults.need(entry.slot in SLOTS, "slot", "choose what the number is for")
    faults.need(entry.kind in KINDS, "kind", "choose the kind of service")
    faults.need(_PHONE.fullmatch(entry.phone), "phone", "write 3 to 15 digits, as people dial them")
    for field, text, most in (
        ("name", entry.name, 80),
        ("area", entry.area, 60),
        ("hours", entry.hours, 60),
        ("cost", entry.cost, 20),
    ):
        faults.need(1 <= len(text) <= most, field, "write 1 to %(most)s characters", most=most)
    faults.done()


def add_entry(context: Context, entry: Entry, actor: str, once: int | None = None) -> int:
    """Add a service whose number was just checked by a call; it may be used for 90 days. Returns the row id."""
    made = _tidied(entry)
    _check(made)
    with context.database.begin() as db:
        now, row_id = context.now(db), once_id(once)
        if already_made(db, "directory_entry", row_id):
            return row_id
        rows = directory_entry.c
        same = (rows.slot == made.slot) & (rows.name == made.name) & (rows.area == made.area)
        if db.execute(select(rows.id).where(same)).first() is not None:
            raise UseFault("name", "this service is in the directory already; verify or change that entry")
        db.execute(
            insert(directory_entry).values(
                id=row_id,
                slot=made.slot,
                name=made.name,
                kind=made.kind,
                phone=made.phone,
                area=made.area,
                hours=made.hours,
                cost=made.cost,
                verified_on=now,
                verified_by=_verifier(db, actor),
                valid_until=now + VALID_FOR,
                created_at=now,
            )
        )
        context.record(db, actor, "directory.add", made.slot, made.name)
        return row_id


def _verifier(db: Connection, actor: str) -> int | None:
    return None if actor == "command" else int(staff_named(db, actor).id)


def verify_entry(context: Context, entry_id: int, phone: str, actor: str) -> datetime:
    """The number was called and is right, or is now ``phone``: good for 90 days more; returns until when (aware
    UTC).
    """
    digits = re.sub(r"[\s().-]", "", phone)
    if not _PHONE.fullmatch(digits):
        raise UseFault("phone", "write 3 to 15 digits, as people dial them")
    with context.database.begin() as db:
        now = context.now(db)
        row = db.execute(select(directory_entry).where(directory_entry.c.id == entry_id)).first()
        if row is None:
            raise UseFault("phone", "this entry is no longer there; open the directory again")
        until = now + VALID_FOR
        db.execute(
            update(directory_entry)
            .where(directory_entry.c.id == entry_id)
            .values(phone=digits, verified_on=now, verified_by=_verifier(db, actor), valid_until=until)
        )
        context.record(db, actor, "directory.verify", row.slot, row.name)
        return until


def expire_entry(context: Context, entry_id: int, actor: str) -> None:
    """The number is wrong: it may not be used from now on (S38)."""
    with context.database.begin() as db:
        now = context.now(db)
        row = db.execute(select(directory_entry).where(directory_entry.c.id == entry_id)).first()
        if row is None or row.valid_until <= now:
            raise UseFault("entry", "this entry has expired already")
        db.execute(update(directory_entry).where(directory_entry.c.id == entry_id).values(valid_until=now))
        context.record(db, actor, "directory.expire", row.slot, row.name)
