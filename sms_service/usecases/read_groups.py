"""What the pages of groups and meetings show: codes, dates and counts, never a name, a number or an answer (S31,
S43).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from sms_service.models import groups, meetings, reports
from sms_service.models.groups import curriculum, group, group_facilitator, membership, programme
from sms_service.models.meetings import attendance, meeting
from sms_service.models.people import person
from sms_service.usecases.attendance import coming_counts
from sms_service.usecases.groups import people_of_pair


@dataclass(frozen=True, slots=True)
class GroupLine:
    """One group in a list; ``next_at`` aware UTC, None when nothing is planned."""

    row: Any
    members: int
    next_at: datetime | None


@dataclass(frozen=True, slots=True)
class GroupView:
    """One group with its meetings (each with marks by status), members by code, and its pair.

    ``flagged`` are the meetings whose reports staff should look at (V15).
    """

    row: Any
    programme: str
    meetings: Sequence[Any]
    marks: Mapping[int, Mapping[str, int]]
    members: Sequence[Any]
    pair: Sequence[str]
    next_meeting: Any
    coming: tuple[int, int, int]
    flagged: Collection[int]


@dataclass(frozen=True, slots=True)
class MeetingView:
    """One meeting with who was marked how, by person code."""

    row: Any
    members: Sequence[Any]
    marks: Mapping[str, str]
    coming: tuple[int, int, int]
    begun: bool


def group_lines(db: Connection, now: datetime, facilitator_id: int | None = None) -> list[GroupLine]:
    """All groups, or those of one facilitator only."""
    query = (
        select(group, programme.c.code.label("programme"))
        .join(curriculum, curriculum.c.id == group.c.curriculum_id)
        .join(programme, programme.c.id == curriculum.c.programme_id)
        .order_by(group.c.code)
    )
    if facilitator_id is not None:
        query = query.join(group_facilitator, group_facilitator.c.group_id == group.c.id).where(
            group_facilitator.c.person_id == facilitator_id
        )
    counts = {
        row.group_id: int(row.members)
        for row in db.execute(
            select(membership.c.group_id, func.count().label("members"))
            .join(person, person.c.id == membership.c.person_id)
            .where(membership.c.left_at.is_(None), person.c.status == "active")
            .group_by(membership.c.group_id)
        )
    }
    coming = {
        row.group_id: row.next_at
        for row in db.execute(
            select(meeting.c.group_id, func.min(meeting.c.starts_at).label("next_at"))
            .where(meeting.c.starts_at > now, meeting.c.state.in_(meetings.OPEN))
            .group_by(meeting.c.group_id)
        )
    }
    return [GroupLine(row, counts.get(row.id, 0), coming.get(row.id)) for row in db.execute(query)]


def find_group(db: Connection, code: str, facilitator_id: int | None = None) -> Any:
    """The group of this code; for a facilitator only an own one: another's is the same as none (T12)."""
    query = select(group).where(group.c.code == code)
    if facilitator_id is not None:
        query = query.join(group_facilitator, group_facilitator.c.group_id == group.c.id).where(
            group_facilitator.c.person_id == facilitator_id
        )
    return db.execute(query).first()


def view_group(db: Connection, row: Any, now: datetime) -> GroupView:
    """Everything one group's page shows."""
    marks: dict[int, dict[str, int]] = {}
    query = (
        select(attendance.c.meeting_id, attendance.c.status, func.count().label("people"))
        .join(meeting, meeting.c.id == attendance.c.meeting_id)
        .where(meeting.c.group_id == row.id)
        .group_by(attendance.c.meeting_id, attendance.c.status)
    )
    for meeting_id, status, people in db.execute(query):
        marks.setdefault(meeting_id, {})[status] = int(people)
    coming = meetings.next_of_group(db, row.id, now)
    belongs = (
        select(programme.c.code)
        .join(curriculum, curriculum.c.programme_id == programme.c.id)
        .where(curriculum.c.id == row.curriculum_id)
    )
    return GroupView(
        row=row,
        programme=db.execute(belongs).scalar_one(),
        meetings=meetings.of_group(db, row.id),
        marks=marks,
        members=groups.members(db, row.id),
        pair=people_of_pair(db, row.id),
        next_meeting=coming,
        coming=coming_counts(db, coming) if coming is not None else (0, 0, 0),
        flagged=reports.flagged_in(db, row.id),
    )


def view_meeting(db: Connection, group_id: int, meeting_id: int, now: datetime) -> MeetingView | None:
    """One meeting of this group, or None when it is another's."""
    row = meetings.get(db, meeting_id)
    if row is None or row.group_id != group_id:
        return None
    members = groups.members(db, group_id)
    marked = meetings.attendance_of(db, meeting_id)
    marks = {one.code: marked[one.id].status for one in members if one.id in marked}
    return MeetingView(row, members, marks, coming_counts(db, row), row.starts_at <= now)


def programmes(db: Connection) -> list[tuple[str, str]]:
    """(code, code) of each programme, for a list to choose from."""
    return [(code, code) for code in db.execute(select(programme.c.code).order_by(programme.c.code)).scalars()]
