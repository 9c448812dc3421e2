"""Why a text of a group did not go on a day: by the codes of number and person, with its reason (S39).

For people who may read the log; everybody else sees counts (S31). What was written for that day and did not leave, what was
missed, and who was not written to at all although the meeting is theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select

from sms_service import clock
from sms_service.models import dialogues, groups, meetings, pauses, people
from sms_service.models.numbers import number
from sms_service.models.outbox import outbox
from sms_service.models.people import person
from sms_service.models.schedules import AGAIN, occurrence
from sms_service.rules.audience import invited
from sms_service.rules.timing import FIRST_TEXT_BEFORE, FIRST_TEXT_WITHIN
from sms_service.usecases.fence_facts import windows_for
from sms_service.usecases.meeting_texts import NO_FIRST_MINUTE, agreed_to_reminders, has_no_first_minute, phones_of_meeting
from sms_service.usecases.read_calendar import REMINDERS, template_of

MOST = 500
_REMINDED = (*meetings.OPEN, "held", "reported")
_LEFT = ("accepted", "delivered", "calling", "reserved")


@dataclass(frozen=True, slots=True)
class NotSent:
    """One text that did not go, or has not gone yet. Codes are empty where there is none.

    ``at`` (aware UTC) is when it was to leave; ``state`` the outbox state, ``missed`` for an occurrence nobody fired, ``unwritten``
    for a person who was not written to; ``reason`` a code that the console explains.
    """

    template: str
    at: datetime
    state: str
    reason: str
    number_code: str = ""
    person_code: str = ""


def not_sent(db: Connection, group_id: int, day: date, now: datetime) -> list[NotSent]:
    """What did not go of this group's texts on a local day, by time; at most ``MOST`` rows of the outbox (I22)."""
    start = datetime.combine(day, datetime.min.time(), tzinfo=clock.KIGALI)
    end = start + timedelta(days=1)
    found = _stayed(db, group_id, start, end, now) + _missed(db, group_id, start, end) + _unwritten(db, group_id, start, end)
    return sorted(found, key=lambda one: (one.at, one.template, one.person_code, one.number_code))


def _stayed(db: Connection, group_id: int, start: datetime, end: datetime, now: datetime) -> list[NotSent]:
    rows = outbox.c
    query = (
        select(rows.template, rows.not_before, rows.state, rows.reason, number.c.code, person.c.code.label("person_code"))
        .join(number, number.c.id == rows.number_id)
        .outerjoin(person, person.c.id == rows.person_id)
        .where(
            rows.group_id == group_id,
            rows.kind != "alert",
            rows.not_before >= start,
            rows.not_before < end,
            rows.state.not_in(_LEFT),
            (rows.state != "queued") | (rows.not_before <= now),
        )
        .order_by(rows.not_before, rows.id)
        .limit(MOST)
    )
    return [
        NotSent(row.template, row.not_before, row.state, row.reason or "", row.code, row.person_code or "")
        for row in db.execute(query)
    ]


def _missed(db: Connection, group_id: int, start: datetime, end: datetime) -> list[NotSent]:
    """Occurrences that nobody fired in time; a reminder's on the day of its meeting, whose texts it would have been."""
    due = occurrence.c
    mine = (due.group_id == group_id, due.state == "missed", due.kind.not_in(AGAIN))
    query = select(occurrence).where(*mine, due.expires_at >= start, due.due_at < end)
    found = []
    for row in db.execute(query.order_by(due.due_at)):
        at = row.expires_at if row.kind in REMINDERS else row.due_at
        if start <= at < end:
            found.append(NotSent(template_of(row.kind), at, "missed", ""))
    return found


def _unwritten(db: Connection, group_id: int, start: datetime, end: datetime) -> list[NotSent]:
    """Members whose meeting was reminded of on this day, and for whom no reminder was ever written: with the likely reason now.

    And the phones that could have no two-day reminder, on the day it would have left at the latest.
    """
    rows = outbox.c
    reminded = select(rows.meeting_id, rows.not_before).where(
        rows.group_id == group_id,
        rows.template.in_(("V3", "V3b")),
        rows.kind == "scheduled",
        rows.not_before >= start,
        rows.not_before < end,
    )
    days: dict[int, datetime] = {}
    for row in db.execute(reminded.order_by(rows.not_before.desc())):
        days[row.meeting_id] = row.not_before
    found = _without_minute(db, group_id, start, end)
    told = {one.person_code for one in found}
    for meeting_id, at in days.items():
        meeting = meetings.get(db, meeting_id)
        if meeting is not None:
            left_out = _left_out(db, meeting)
            found += [NotSent("V3", at, "unwritten", reason, "", code) for code, reason in left_out if code not in told]
    return found


def _without_minute(db: Connection, group_id: int, start: datetime, end: datetime) -> list[NotSent]:
    """Phones whose hours left no minute for the two-day reminder of a meeting 48 h after this day; a shared phone names nobody."""
    rows = meetings.meeting.c
    day = (rows.starts_at >= start + FIRST_TEXT_BEFORE, rows.starts_at < end + FIRST_TEXT_BEFORE)
    found = []
    for meeting_id in db.execute(select(rows.id).where(rows.group_id == group_id, rows.state.in_(_REMINDED), *day)).scalars().all():
        meeting = meetings.get(db, meeting_id)
        if meeting is None:
            continue
        at = meeting.starts_at - FIRST_TEXT_BEFORE
        windows = windows_for(group_id, pauses.active(db, clock.local(start).date() - FIRST_TEXT_WITHIN))
        for contacts, everyone in phones_of_meeting(db, meeting):
            if agreed_to_reminders(contacts) and has_no_first_minute(meeting, everyone, windows):
                code = db.execute(select(number.c.code).where(number.c.id == contacts[0].number_id)).scalar_one()
                owner = contacts[0].person_id if len(everyone) == 1 else None
                whose = db.execute(select(person.c.code).where(person.c.id == owner)).scalar() if owner else None
                found.append(NotSent("V3", at, "unwritten", NO_FIRST_MINUTE, code, whose or ""))
    return found


def _left_out(db: Connection, meeting: Row[Any]) -> list[tuple[str, str]]:
    """(person code, reason) of every invited member to none of whose phones a reminder of this meeting was written."""
    members = [row for row in groups.members(db, meeting.group_id) if invited(meeting.audience, row.part, row.sex)]
    phones: dict[int, list[Any]] = {}
    for contact in people.phones_of(db, [row.id for row in members]) if members else ():
        phones.setdefault(contact.person_id, []).append(contact)
    rows = outbox.c
    had = select(rows.number_id).where(rows.meeting_id == meeting.id, rows.template.in_(("V3", "V3b")), rows.kind == "scheduled")
    written = set(db.execute(had).scalars())
    said = dialogues.answers_to(db, "coming", meeting.id)
    return [
        (row.code, _why(row, phones.get(row.id, ()), said.get(row.id)))
        for row in members
        if not any(phone.number_id in written for phone in phones.get(row.id, ()))
    ]


def _why(member: Any, phones: Sequence[Any], said: str | None) -> str:
    usable = [one for one in phones if one.ownership != "none"]
    if not usable:
        return "no_phone"
    if not member.may_remind:
        return "no consent for this purpose"
    if not any(one.ownership != "own" or one.opted_in_at is not None for one in usable):
        return "not_opted_in"
    return "said no" if said == "no" else "joined later"
