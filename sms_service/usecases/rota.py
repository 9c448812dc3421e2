"""The duty rota: who holds which line, from when to when, on which duty phone (S25)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from sms_service.models import numbers, staff
from sms_service.models.rota import duty
from sms_service.rules.roles import allows
from sms_service.usecases.contacts import read_phone
from sms_service.usecases.context import Context
from sms_service.usecases.faults import Faults, UseFault
from sms_service.usecases.find import already_made, once_id, staff_named

LINES = (1, 2, 3)  # 3 is the coordinator
LONGEST = timedelta(days=31)  # one turn of duty: debriefs need an end to it


def add_duty(
    context: Context,
    who: str,
    line: int,
    starts_at: datetime,
    ends_at: datetime,
    phone: str,
    actor: str,
    once: int | None = None,
) -> int:
    """Put a staff account (code or login) on a line from ``starts_at`` to ``ends_at`` (aware); returns the row id.

    ``phone`` is the duty phone as written; it becomes a staff phone, which gets alerts and no participant's text. A
    line has one person at a time. Raises ``UseFault``.
    """
    with context.database.begin() as db:
        now, row_id = context.now(db), once_id(once)
        if already_made(db, "duty", row_id):
            return row_id
        holder = staff_named(db, who, "who")
        faults = Faults()
        faults.need(allows(staff.roles_of(db, holder.id), "work_concerns"), "who", "duty is held by the safeguarding role")
        faults.need(line in LINES, "line", "choose line 1, 2 or 3")
        faults.need(starts_at < ends_at, "ends_at", "duty ends before it begins; give the times in order")
        faults.need(ends_at > now, "ends_at", "this duty is already over; give a time to come")
        faults.need(ends_at - starts_at <= LONGEST, "ends_at", "a turn of duty lasts 31 days at most")
        faults.need(not _overlaps(db, line, starts_at, ends_at), "line", "this line is already staffed in that time")
        faults.done()
        number_id = numbers.ensure(db, context.vault, read_phone(phone), now)
        numbers.change(db, number_id, staff_phone=True)
        db.execute(
            insert(duty).values(
                id=row_id,
                staff_id=holder.id,
                number_id=number_id,
                line=line,
                starts_at=starts_at,
                ends_at=ends_at,
                created_at=now,
            )
        )
        context.record(db, actor, "rota.add", holder.code, f"line {line}")
        return row_id


def _overlaps(db: Connection, line: int, starts_at: datetime, ends_at: datetime) -> bool:
    query = select(duty.c.id).where(duty.c.line == line, duty.c.starts_at < ends_at, duty.c.ends_at > starts_at)
    return db.execute(query.limit(1)).first() is not None


def end_duty(context: Context, duty_id: int, actor: str) -> None:
    """Take a turn of duty off the rota: one to come is removed, one that runs ends now. Raises ``UseFault``."""
    with context.database.begin() as db:
        now = context.now(db)
        row = db.execute(select(duty).where(duty.c.id == duty_id, duty.c.ends_at > now)).first()
        if row is None:
            raise UseFault("duty", "this turn of duty is already over")
        holder = staff.get(db, row.staff_id)
        if row.starts_at > now:
            db.execute(delete(duty).where(duty.c.id == duty_id))
        else:
            db.execute(update(duty).where(duty.c.id == duty_id).values(ends_at=now))
        context.record(db, actor, "rota.end", holder.code if holder is not None else None, f"line {row.line}")


def coming_duty(db: Connection, now: datetime, limit: int = 60) -> Sequence[Row[Any]]:
    """Turns of duty that run or are to come, soonest first; the phone by its code only."""
    query = (
        select(duty, staff.staff.c.code.label("staff_code"), numbers.number.c.code.label("number_code"))
        .join(staff.staff, staff.staff.c.id == duty.c.staff_id)
        .join(numbers.number, numbers.number.c.id == duty.c.number_id)
        .where(duty.c.ends_at > now)
        .order_by(duty.c.starts_at, duty.c.line)
        .limit(limit)
    )
    return db.execute(query).all()
