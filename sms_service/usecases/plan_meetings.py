"""Making a group's meetings from its curriculum: a chain of weekly dates that skips no number (domain section 2.2)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, insert, update

from sms_service import clock
from sms_service.models import groups, meetings
from sms_service.models.groups import curriculum
from sms_service.models.meetings import meeting
from sms_service.rules.timing import meeting_dates, stage_dates
from sms_service.security.tokens import new_row_id
from sms_service.usecases import check_ins, occurrences
from sms_service.usecases.context import Context
from sms_service.usecases.faults import UseFault
from sms_service.usecases.find import group_named, read_time
from sms_service.usecases.pauses import windows_of


def plan_meetings(context: Context, group_code: str, first_day: date, actor: str) -> int:
    """Make every meeting of the group's curriculum from ``first_day`` (local) on; returns how many. Raises
    ``UseFault``.
    """
    with context.database.begin() as db:
        row = group_named(db, group_code)
        return plan_meetings_in(context, db, row, first_day, actor, context.now(db))


def plan_meetings_in(context: Context, db: Connection, group_row: Any, first_day: date, actor: str, now: datetime) -> int:
    """As ``plan_meetings``, in the caller's transaction.

    Dates are weekly on the group's weekday from the first such day not before ``first_day``, none in a block window; a
    curriculum of stages (each with its days after the first) lies from ``first_day`` itself, on any day but Sunday. The
    curriculum is frozen by its first use (domain section 3). The group's meetings can be made once.
    """
    if meetings.of_group(db, group_row.id):
        raise UseFault("first_day", "this group has its meetings already; move or cancel single ones instead")
    if first_day < clock.local(now).date():
        raise UseFault("first_day", "the first day lies in the past; give a day to come")
    templates = [row for row in groups.templates(db, group_row.curriculum_id) if row.no >= 1]
    if not templates:
        raise UseFault("programme", "the curriculum has no meetings; choose another version")
    windows = windows_of(db, group_row.id, first_day)
    at = read_time("start_time", group_row.start_time)
    if all(row.offset_days is not None for row in templates):
        starts = stage_dates(first_day, [(row.offset_days, row.days) for row in templates], at, windows)
    else:
        starts = meeting_dates(first_day, group_row.weekday, at, len(templates), windows)
    if len(starts) < len(templates):
        raise UseFault("first_day", "pause windows leave no day for some meetings within a year; end or shorten one first")
    made = [
        {
            "id": new_row_id(),
            "group_id": group_row.id,
            "template_id": template.id,
            "no": template.no,
            "starts_at": start,
            "state": "planned",
        }
        for template, start in zip(templates, starts, strict=True)
    ]
    db.execute(insert(meeting), made)
    db.execute(
        update(curriculum).where(curriculum.c.id == group_row.curriculum_id, curriculum.c.frozen_at.is_(None)).values(frozen_at=now)
    )
    for one in made:
        row = meetings.get(db, one["id"])
        if row is not None and row.starts_at > now:
            occurrences.plan_occurrences(context, db, row, now)
    if group_row.state in ("planned", "enrolling"):
        groups.change(db, group_row.id, state="running")
        check_ins.resume(db, group_row.id, now)
    context.record(db, actor, "group.plan", group_row.code, first_day.isoformat())
    return len(made)
