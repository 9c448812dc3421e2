"""Pause windows: setting and ending them, and handing them to the rules of timing (domain section 8.5)."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import Connection, insert, select, update

from sms_service import clock
from sms_service.models import groups, pauses
from sms_service.models.pauses import pause_window
from sms_service.rules.timing import PauseWindow
from sms_service.usecases.context import Context
from sms_service.usecases.faults import Faults, UseFault
from sms_service.usecases.fence_facts import windows_for
from sms_service.usecases.find import already_made, group_named, once_id, staff_named

BEHAVIOURS = ("block", "reword", "allow_urgent")
REASONS = ("remembrance", "holiday", "harvest", "security", "weather", "other")
LONGEST = timedelta(days=366)


def windows_of(db: Connection, group_id: int | None, from_day: date) -> tuple[PauseWindow, ...]:
    """The windows that hold for one group (its own and everyone's) on or after ``from_day`` (local)."""
    return tuple(windows_for(group_id, pauses.active(db, from_day)))


def add_pause(
    context: Context,
    first_day: date,
    last_day: date,
    behaviour: str,
    reason: str,
    actor: str,
    *,
    group_code: str = "",
    once: int | None = None,
) -> int:
    """Set a pause window (both days included, local days) for one group or, without a code, for everyone.

    Meetings that the window now covers (unless it only rewords) shift as a chain, with their texts. Returns the row id.
    Raises ``UseFault`` naming every field.
    """
    from sms_service.usecases.move_meeting import settle_group_in

    with context.database.begin() as db:
        now = context.now(db)
        row_id = once_id(once)
        if already_made(db, "pause_window", row_id):
            return row_id
        _check(first_day, last_day, behaviour, reason, now)
        where = group_named(db, group_code) if group_code.strip() else None
        db.execute(
            insert(pause_window).values(
                id=row_id,
                first_day=first_day,
                last_day=last_day,
                behaviour=behaviour,
                group_id=where.id if where is not None else None,
                reason=reason,
                staff_id=None if actor == "command" else staff_named(db, actor).id,
                created_at=now,
            )
        )
        context.record(db, actor, "pause.add", where.code if where is not None else "all", f"{first_day} {last_day}")
        if behaviour != "reword":
            for row in [where] if where is not None else groups.all_groups(db):
                settle_group_in(context, db, row, now, reason="paused")
    return row_id


def _check(first_day: date, last_day: date, behaviour: str, reason: str, now: datetime) -> None:
    faults = Faults()
    faults.need(first_day <= last_day, "last_day", "the last day lies before the first; give the days in order")
    faults.need(last_day - first_day < LONGEST, "last_day", "a window lasts a year at most; set a shorter one")
    faults.need(last_day >= clock.local(now).date(), "last_day", "this window is already over; give a day to come")
    faults.need(behaviour in BEHAVIOURS, "behaviour", "choose what the window does")
    faults.need(reason in REASONS, "reason", "choose a reason from the list")
    faults.done()


def end_pause(context: Context, pause_id: int, actor: str) -> None:
    """End a window now; the yearly remembrance week is a rule and cannot be ended. Raises ``UseFault``."""
    with context.database.begin() as db:
        changed = db.execute(
            update(pause_window)
            .where(pause_window.c.id == pause_id, pause_window.c.ended_at.is_(None))
            .values(ended_at=context.now(db))
        ).rowcount
        if not changed:
            raise UseFault("pause", "this window has already been ended")
        code = db.execute(
            select(groups.group.c.code)
            .join(pause_window, pause_window.c.group_id == groups.group.c.id)
            .where(pause_window.c.id == pause_id)
        ).scalar()
        context.record(db, actor, "pause.end", code or "all")
