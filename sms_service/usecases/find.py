"""Finding what a form names by its code, with the fault a person can act on."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy import Connection, Row, select

from sms_service import clock
from sms_service.models import groups, meetings, people
from sms_service.models.base import metadata
from sms_service.models.numbers import number
from sms_service.models.staff import staff
from sms_service.security.tokens import new_row_id
from sms_service.usecases.faults import UseFault

_ONCE_LIMIT = 1 << 63


def group_named(db: Connection, code: str) -> Row[Any]:
    """The group of this code, or a fault on the field ``group``."""
    row = groups.by_code(db, code.strip().upper())
    if row is None:
        raise UseFault("group", "there is no group %(code)s; add it first, or check the code", code=code.strip()[:12])
    return row


def person_named(db: Connection, code: str, field: str = "person") -> Row[Any]:
    """The person of this code (P4821), or a fault on ``field``."""
    row = people.by_code(db, code.strip().upper())
    if row is None:
        raise UseFault(field, "there is nobody with code %(code)s; check the code", code=code.strip()[:12])
    return row


def person_to_change(db: Connection, code: str) -> Row[Any]:
    """As ``person_named``, for what is written about somebody: nothing is, once they were erased (I19)."""
    row = person_named(db, code)
    if row.status == "erased":
        raise UseFault("person", "%(code)s was erased; enrol the person anew, under another code", code=row.code)
    return row


def staff_named(db: Connection, name: str, field: str = "actor") -> Row[Any]:
    """The active staff account with this code (S12) or login, or a fault on ``field``."""
    row = db.execute(select(staff).where((staff.c.code == name) | (staff.c.login == name), staff.c.disabled_at.is_(None))).first()
    if row is None:
        raise UseFault(field, "there is no active staff account %(name)s", name=name[:40])
    return row


def contact_named(db: Connection, contact_id: int) -> Row[Any]:
    """A person's phone by its row id, with the person's and the number's codes, or a fault on ``contact``."""
    points = people.contact_point
    row = db.execute(
        select(points, people.person.c.code.label("person_code"), number.c.code.label("number_code"))
        .join(people.person, people.person.c.id == points.c.person_id)
        .join(number, number.c.id == points.c.number_id)
        .where(points.c.id == contact_id, points.c.ended_at.is_(None))
    ).first()
    if row is None:
        raise UseFault("contact", "this phone is no longer in use; open the person again")
    return row


def open_meeting(db: Connection, meeting_id: int) -> Row[Any]:
    """A meeting by row id, whatever its state, or a fault on ``meeting``."""
    row = meetings.get(db, meeting_id)
    if row is None:
        raise UseFault("meeting", "there is no such meeting; open the group again")
    return row


def once_id(once: int | None) -> int:
    """The row id of what a form makes: the form's own, so that a double submit meets its own row; else a new one."""
    return once if once is not None and 0 < once < _ONCE_LIMIT else new_row_id()


def already_made(db: Connection, table: str, row_id: int) -> bool:
    """Whether the row a form would make is there: the form was sent twice (reliability section 10)."""
    rows = metadata.tables[table]
    return db.execute(select(rows.c.id).where(rows.c.id == row_id)).first() is not None


def read_day(field: str, written: str) -> date:
    """A day written ``2026-05-13`` (as date fields send it), or a fault."""
    try:
        day = date.fromisoformat(written.strip())
    except ValueError:
        raise UseFault(field, "write the day as year-month-day, for example 2026-05-13") from None
    if not 2000 <= day.year <= 2100:
        raise UseFault(field, "the year must lie between 2000 and 2100")
    return day


def read_time(field: str, written: str) -> time:
    """A time of day written ``14:00``, 00:00 to 23:59, or a fault."""
    hours, colon, minutes = written.strip().partition(":")
    plain = colon and hours.isascii() and hours.isdigit() and minutes.isascii() and minutes.isdigit()
    if not plain or len(hours) > 2 or len(minutes) != 2 or int(hours) > 23 or int(minutes) > 59:
        raise UseFault(field, "write the time with 24 hours, for example 14:00")
    return time(int(hours), int(minutes))


def local_moment(day: date, at: time) -> datetime:
    """The aware UTC moment of this day and time in Rwanda."""
    return datetime.combine(day, at, clock.KIGALI).astimezone(UTC)
