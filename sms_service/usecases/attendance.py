"""Attendance by person code, and who said they would come (domain section 3, S43: codes and counts only)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from sms_service.models import dialogues, groups, meetings, people
from sms_service.models.meetings import attendance
from sms_service.security.tokens import new_row_id
from sms_service.usecases import occurrences
from sms_service.usecases.context import Context
from sms_service.usecases.faults import UseFault
from sms_service.usecases.find import open_meeting

STATUSES = ("present", "absent", "unknown")
COMING_QUESTION = "coming"


@dataclass(frozen=True, slots=True)
class Dose:
    """Meetings attended of those offered to one person (domain section 2.2)."""

    attended: int
    offered: int


def mark_attendance(context: Context, meeting_id: int, marks: Mapping[str, str], actor: str, *, source: str) -> int:
    """Mark people of the meeting's group, person code to ``present``, ``absent`` or ``unknown``; returns how many
    changed.

    Whoever is not named stays as before, ``unknown`` at first. The first mark makes the meeting held. ``source`` is
    ``facilitator`` or ``staff``. Raises ``UseFault`` for a meeting to come, a stranger to the group or an unknown
    word.
    """
    with context.database.begin() as db:
        now = context.now(db)
        row = open_meeting(db, meeting_id)
        if row.starts_at > now:
            raise UseFault("meeting", "this meeting has not begun; mark attendance afterwards")
        if row.state == "cancelled":
            raise UseFault("meeting", "this meeting was cancelled; there is no attendance to mark")
        members = {one.code: one.id for one in groups.members(db, row.group_id)}
        before = meetings.attendance_of(db, meeting_id)
        changed = 0
        for code, status in marks.items():
            if code not in members:
                raise UseFault("person", "%(code)s is not in this group", code=code[:12])
            if status not in STATUSES:
                raise UseFault(code, "choose present, absent or unknown")
            changed += _mark(db, meeting_id, members[code], status, before.get(members[code]), source, now)
        if row.state in meetings.OPEN:
            meetings.change(db, meeting_id, state="held", held_at=row.starts_at)
            occurrences.plan_occurrences(context, db, open_meeting(db, meeting_id), now)
        context.record(db, actor, "attendance.mark", f"{row.group_code} {row.no}")
        return changed


def _mark(db: Connection, meeting_id: int, person_id: int, status: str, before: Any, source: str, now: datetime) -> int:
    if before is None and status == "unknown":
        return 0
    if before is not None and before.status == status:
        return 0
    if before is None:
        db.execute(
            insert(attendance).values(
                id=new_row_id(), meeting_id=meeting_id, person_id=person_id, status=status, source=source, at=now
            )
        )
    else:
        db.execute(attendance.update().where(attendance.c.id == before.id).values(status=status, source=source, at=now))
    if status == "present":
        people.change(db, person_id, last_seen_at=now)  # a sign of the person (S14)
    return 1


def coming_counts(db: Connection, meeting_row: Any) -> tuple[int, int, int]:
    """How many of the group's active people said yes, no, or nothing yet (or "don't know") for this meeting."""
    members = [row.id for row in groups.members(db, meeting_row.group_id)]
    answers = dialogues.answers_to(db, COMING_QUESTION, meeting_row.id)
    said = [answers[one] for one in members if one in answers]
    yes, no = said.count("yes"), said.count("no")
    return yes, no, len(members) - yes - no


def dose_of(db: Connection, person_id: int) -> Dose:
    """A person's meetings attended of those held in their groups (marks of ``unknown`` count as offered)."""
    held = select(meetings.meeting.c.id).join(groups.membership, groups.membership.c.group_id == meetings.meeting.c.group_id)
    held = held.where(groups.membership.c.person_id == person_id, meetings.meeting.c.state.in_(("held", "reported")))
    offered = set(db.execute(held).scalars())
    query = select(attendance.c.meeting_id).where(attendance.c.person_id == person_id, attendance.c.status == "present")
    return Dose(attended=len(offered & set(db.execute(query).scalars())), offered=len(offered))
