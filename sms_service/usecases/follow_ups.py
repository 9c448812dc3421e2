"""What follows a meeting, a referral and the end of a group: V6, V7, V8, V18 and V19, each when its occurrence fires."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select, update

from sms_service import clock
from sms_service.models import concerns, groups, meetings, people, referrals
from sms_service.models.base import insert_ignore
from sms_service.models.groups import group
from sms_service.models.outbox import MAY_HAVE_LEFT, cancel_queued, outbox
from sms_service.models.schedules import occurrence
from sms_service.security.tokens import new_row_id
from sms_service.usecases.context import Context
from sms_service.usecases.fence_facts import WEEK
from sms_service.usecases.personal_texts import Own, Personal, own_phones, queue_personal
from sms_service.usecases.raise_concern import About, raise_concern

FEEDBACK_AT = time(15, 0)  # more than a day after the reminder of the meeting's own morning
PRACTICE_AT = CARING_AT = REFERRAL_AT = time(10, 0)
PRACTICE_AFTER = timedelta(days=3)
REFERRAL_AFTER = timedelta(days=7)
REFERRAL_SILENT = timedelta(days=4)  # V19 may wait 33 hours for the phone's safe hours, and 72 for its answer
REFERRAL_KEPT = timedelta(days=30)  # a service that was down looks into it when it is back: a call is never too late
LIFE = timedelta(hours=33)  # until the evening of the next day: a phone may have its safe hours then
CARING_MONTHS = (1, 2, 4, 6, 9, 12)
CARING_LASTS = timedelta(days=400)
VERIFIED_BEFORE_CLOSING = timedelta(days=30)


def at_local_time(day: date, at: time) -> datetime:
    """The aware UTC moment of a local day and time."""
    return datetime.combine(day, at, tzinfo=clock.KIGALI).astimezone(UTC)


def meeting_plans(db: Connection, meeting: Row[Any]) -> list[tuple[str, datetime, datetime]]:
    """Kind, moment and end of what follows this meeting: V7 the day after, V8 three days after where an exercise is agreed."""
    day = clock.local(meeting.starts_at).date()
    feedback = at_local_time(day + timedelta(days=1), FEEDBACK_AT)
    plans = [("feedback", feedback, feedback + LIFE)]
    template = groups.session_template
    agreed = select(template.c.home_practice).where(template.c.id == meeting.template_id)
    if meeting.template_id is not None and db.execute(agreed).scalar():
        practice = at_local_time(day + PRACTICE_AFTER, PRACTICE_AT)
        plans.append(("practice", practice, practice + LIFE))
    return plans


def fire_check_in(context: Context, db: Connection, row: Row[Any], now: datetime) -> None:
    """V6, weekly, while the group runs, to who agreed to check-ins."""
    group_row = db.execute(select(group).where(group.c.id == row.group_id)).one()
    if group_row.state == "running":
        what = Personal("V6", "checkin", f"occ:{row.id}", row.due_at, row.expires_at, row.group_id)
        queue_personal(context, db, what, _consenting(db, groups.members(db, row.group_id)), now)


def fire_feedback(context: Context, db: Connection, row: Row[Any], now: datetime) -> None:
    """V7, the day after, to those who were there."""
    _ask_present(context, db, row, "V7", "feedback", now)


def fire_practice(context: Context, db: Connection, row: Row[Any], now: datetime) -> None:
    """V8, three days after, to those who were there when the exercise was agreed."""
    _ask_present(context, db, row, "V8", "practice", now)


def _ask_present(context: Context, db: Connection, row: Row[Any], template: str, conversation: str, now: datetime) -> None:
    meeting = meetings.get(db, row.meeting_id)
    if meeting is None or meeting.state == "cancelled":
        return
    there = {person for person, mark in meetings.attendance_of(db, meeting.id).items() if mark.status == "present"}
    members = [one for one in groups.members(db, meeting.group_id) if one.id in there]
    what = Personal(template, conversation, f"occ:{row.id}", row.due_at, row.expires_at, meeting.group_id, meeting.id)
    queue_personal(context, db, what, _consenting(db, members), now)


def _consenting(db: Connection, members: Sequence[Row[Any]]) -> list[Own]:
    return own_phones(db, [one for one in members if one.may_check_in])


def close_group_in(db: Connection, group_id: int, now: datetime) -> None:
    """The group closes: no reminder leaves any more, and its caring messages are planned (V18), to numbers verified in the month
    before or since (S14).
    """
    groups.change(db, group_id, closed_at=now, verified_since=now - VERIFIED_BEFORE_CLOSING)
    cancel_queued(db, now, "closed", outbox.c.group_id == group_id, outbox.c.template.in_(("V3", "V3b", "V6")))
    closed = clock.local(now).date()
    rows = []
    for months in CARING_MONTHS:
        due = at_local_time(_months_after(closed, months), CARING_AT)
        rows.append(
            {
                "id": new_row_id(),
                "schedule": f"group:{group_id}:caring:{months}:{int(now.timestamp())}",
                "kind": "caring",
                "group_id": group_id,
                "due_at": due,
                "expires_at": due + LIFE,
                "state": "pending",
            }
        )
    insert_ignore(db, occurrence, rows)


def reopen_group_in(db: Connection, group_id: int, now: datetime) -> None:
    """The group runs again: no caring message leaves."""
    groups.change(db, group_id, closed_at=None, verified_since=None)
    mine = (occurrence.c.group_id == group_id, occurrence.c.kind == "caring", occurrence.c.state == "pending")
    db.execute(update(occurrence).where(*mine).values(state="cancelled"))
    cancel_queued(db, now, "reopened", outbox.c.group_id == group_id, outbox.c.template == "V18")


def _months_after(day: date, months: int) -> date:
    """The same day of a later month, or that month's last day."""
    year, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + year, month + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def fire_caring(context: Context, db: Connection, row: Row[Any], now: datetime) -> None:
    """V18, to numbers that were verified at closing or since; it asks nothing, and its own silence freezes nobody (S14).

    Who was in two groups that closed has one in a week, not one of each.
    """
    group_row = db.execute(select(group).where(group.c.id == row.group_id)).one()
    if group_row.state != "closed" or group_row.verified_since is None:
        return
    phones = _consenting(db, groups.members(db, group_row.id))
    since = group_row.verified_since
    had = select(outbox.c.number_id).where(
        outbox.c.number_id.in_([one.number_id for one in phones]),
        outbox.c.template == "V18",
        outbox.c.state.in_(("queued", "reserved", *MAY_HAVE_LEFT)),
        outbox.c.not_before > row.due_at - WEEK,
    )
    lately = set(db.execute(had).scalars())
    verified = [one for one in phones if one.verified_at is not None and one.verified_at >= since and one.number_id not in lately]
    queue_personal(context, db, Personal("V18", "caring", f"occ:{row.id}", row.due_at, row.expires_at, group_row.id), verified, now)


def plan_referral_follow_up(db: Connection, referral_id: int, made_at: datetime) -> None:
    """V19 seven days after the referral, and four days later a look at whether anything came of it."""
    due = at_local_time(clock.local(made_at).date() + REFERRAL_AFTER, REFERRAL_AT)
    moments = (("referral", due, due + LIFE), ("referral_silent", due + REFERRAL_SILENT, due + REFERRAL_SILENT + REFERRAL_KEPT))
    rows = [
        {
            "id": new_row_id(),
            "schedule": f"{kind}:{referral_id}",
            "kind": kind,
            "about": str(referral_id),
            "due_at": at,
            "expires_at": expires,
            "state": "pending",
        }
        for kind, at, expires in moments
    ]
    insert_ignore(db, occurrence, rows)


def fire_referral(context: Context, db: Connection, row: Row[Any], now: datetime) -> None:
    """V19 on an own phone; whoever cannot be asked by text is called: no answer is not safety (S30).

    Who was referred without consent asked for nothing, and is never asked by text whether they got it (S28).
    """
    found = referrals.get(db, int(row.about))
    if found is None or found.outcome is not None or found.followed_up_at is not None:
        return
    going: dict[int, int | None] = {}
    who = db.execute(select(people.person).where(people.person.c.id == found.person_id, people.person.c.status == "active")).first()
    if who is not None and found.consent != "imminent":
        what = Personal("V19", "referral", f"occ:{row.id}", row.due_at, row.expires_at)
        going = queue_personal(context, db, what, _consenting(db, [who]), now)
    referrals.change(db, found.id, followed_up_at=now, dialogue_id=going.get(found.person_id))
    if not going:
        _call_about(context, db, found, "not_asked", now)


def fire_referral_silent(context: Context, db: Connection, row: Row[Any], now: datetime) -> None:
    """Whoever has not answered V19, or was not reached by it after all (a stop, a full week, a service that was down), is called,
    once: no answer is not safety (S30).
    """
    found = referrals.get(db, int(row.about))
    if found is None or found.outcome is not None or (found.followed_up_at is not None and found.dialogue_id is None):
        return
    _call_about(context, db, found, "no_answer", now)
    referrals.change(db, found.id, followed_up_at=found.followed_up_at or now)


def _call_about(context: Context, db: Connection, found: Row[Any], note_code: str, now: datetime) -> None:
    came_from = concerns.get(db, found.concern_id)
    number_id = came_from.number_id if came_from is not None else None
    about = About(kind="referral_call", person_id=found.person_id, number_id=number_id, note_code=note_code)
    raise_concern(context, db, about, now)
