"""Schedules: a meeting's occurrences, the texts each makes when it fires, and those that follow a change (I11, I12, S39)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, time, timedelta
from time import monotonic
from typing import Any

from sqlalchemy import Connection, Row, select
from sqlalchemy.exc import SQLAlchemyError

from sms_service import clock
from sms_service.models import groups, meetings, pauses, schedules
from sms_service.models.base import insert_ignore
from sms_service.models.outbox import outbox
from sms_service.rules.timing import FIRST_TEXT_BEFORE, FIRST_TEXT_WITHIN, next_allowed
from sms_service.security.tokens import new_row_id
from sms_service.usecases import campaign_schedule, follow_ups, question_sets, report_steps
from sms_service.usecases.compose import queue_texts
from sms_service.usecases.context import Context
from sms_service.usecases.facts import day_and_time
from sms_service.usecases.fence_facts import hours_of, windows_for
from sms_service.usecases.meeting_texts import about_meeting, phones_of_meeting, queue_reminder
from sms_service.usecases.open_dialogue import Questions

# An occurrence fires before the earliest moment any phone of the group could be due: each phone's own safe hours then
# place its text (the 48 h text may have to leave days earlier: one safe morning a week, remembrance week). A lead shorter
# than what ``reminder_times`` looks back would lose the text of a phone whose only allowed minute lies between.
FIRING = timedelta(hours=1)
LEAD_TWO_DAY = FIRST_TEXT_WITHIN + FIRING
LEAD_MORNING = FIRST_TEXT_BEFORE + FIRING
# Whoever joined since then is found by a second look, shortly before the usual moment of the text.
AGAIN_TWO_DAY = timedelta(hours=72)
AGAIN_MORNING = timedelta(hours=24)
MISSED_AT = time(10, 0)
MISSED_LIFE = timedelta(hours=33)


def plan_occurrences(context: Context, db: Connection, meeting: Row[Any], now: datetime) -> None:
    """Insert the occurrences of a planned meeting; planning twice plans nothing twice (I12)."""
    start = meeting.starts_at
    following = clock.local(start).date() + timedelta(days=1)
    missed = datetime.combine(following, MISSED_AT, tzinfo=clock.KIGALI)
    plans = (
        ("reminder_two_day", start - LEAD_TWO_DAY, start),
        ("reminder_morning", start - LEAD_MORNING, start),
        ("again_two_day", start - AGAIN_TWO_DAY, start),
        ("again_morning", start - AGAIN_MORNING, start),
        ("missed", missed, missed + MISSED_LIFE),
        *follow_ups.meeting_plans(db, meeting),
    )
    rows = [
        {
            "id": new_row_id(),
            "schedule": f"meeting:{meeting.id}:{kind}:{int(start.timestamp())}",
            "kind": kind,
            "group_id": meeting.group_id,
            "meeting_id": meeting.id,
            "due_at": due,
            "expires_at": expires,
            "state": "pending",
        }
        for kind, due, expires in plans
        if expires > now
    ]
    insert_ignore(db, schedules.occurrence, rows)
    campaign_schedule.plan_for_meeting(db, meeting, now)


def fire_due(context: Context, db: Connection, now: datetime, limit: int = 20, seconds: float = 10.0) -> int:
    """Fire what is due, until ``seconds`` have passed; returns how many. Once each; what expired while nobody looked is missed and
    listed, never sent late (I11, F38).

    One that cannot be fired is missed too, with an entry in the audit: it must not keep every other group's texts back. A kind that
    this release does not know is left to the one that does (I24).
    """
    due = schedules.due(db, now, limit, _FIRE.keys())
    until = monotonic() + seconds
    fired = 0
    for row in due:
        if fired and monotonic() > until:
            break
        fired += 1
        if row.expires_at <= now:
            schedules.mark(db, row.id, "missed", now)
            continue
        try:
            with db.begin_nested():
                _FIRE[row.kind](context, db, row, now)
        except SQLAlchemyError:
            raise  # the database's own: the whole is tried again
        except Exception as fault:
            context.record(db, "service", "occurrence.failed", row.kind, type(fault).__name__)
            schedules.mark(db, row.id, "missed", now)
        else:
            schedules.mark(db, row.id, "fired", now)
    return fired


def _coming(db: Connection, row: Row[Any], now: datetime) -> Row[Any] | None:
    """The meeting an occurrence reminds of, while it is still to come and its group has not closed."""
    meeting = meetings.get(db, row.meeting_id)
    if meeting is None or meeting.state not in meetings.OPEN or meeting.starts_at <= now:
        return None
    closed = select(groups.group.c.id).where(groups.group.c.id == meeting.group_id, groups.group.c.state == "closed")
    return meeting if db.execute(closed).first() is None else None


def _fire_reminder(context: Context, db: Connection, row: Row[Any], now: datetime) -> None:
    meeting = _coming(db, row, now)
    if meeting is None:
        return
    queue_reminder(context, db, meeting, kind=row.kind, now=now, key=f"occ:{row.id}")


def _fire_again(context: Context, db: Connection, row: Row[Any], now: datetime) -> None:
    """The reminder's second look: a text of the same occurrence for phones that have none yet, and for no other (I12)."""
    meeting = _coming(db, row, now)
    if meeting is None:
        return
    kind = row.kind.replace("again", "reminder")
    name = f"meeting:{meeting.id}:{kind}:{int(meeting.starts_at.timestamp())}"
    fired = schedules.occurrence.c
    first = db.execute(select(fired.id).where(fired.schedule == name, fired.state == "fired")).scalar()
    if first is not None:
        key = f"occ:{first}"
        rows = outbox.c
        had = select(rows.number_id).where(rows.meeting_id == meeting.id, rows.key.startswith(f"{key}:"))
        queue_reminder(context, db, meeting, kind=kind, now=now, key=key, skip=set(db.execute(had).scalars()))


def _fire_missed(context: Context, db: Connection, row: Row[Any], now: datetime) -> None:
    """V5, once, the day after, only to people marked absent, only on an own phone (class B)."""
    meeting = meetings.get(db, row.meeting_id)
    if meeting is None or meeting.state == "cancelled":
        return
    absent = {person for person, mark in meetings.attendance_of(db, meeting.id).items() if mark.status == "absent"}
    windows = windows_for(meeting.group_id, pauses.active(db, clock.local(now).date()))
    questions = Questions(context, db, now)
    texts = []
    for contacts, everyone in phones_of_meeting(db, meeting):
        first = contacts[0]
        alone = len(everyone) == 1 and first.ownership == "own" and first.opted_in_at is not None
        leaves = next_allowed(now, hours_of(everyone), windows, row.expires_at)
        language = first.number_language or first.person_language
        if first.person_id not in absent or not alone or leaves is None or not questions.speaks("missed", language):
            continue
        values = {"day": day_and_time(meeting.starts_at)["day"]}
        dialogue_id, body = questions.begin(
            "missed", values, number_id=first.number_id, person_id=first.person_id, language=language, meeting_id=meeting.id
        )
        key = f"occ:{row.id}"
        texts.append(
            about_meeting(key, meeting, first, True, language, "V5", body, leaves, row.expires_at, dialogue_id, text_class="B")
        )
    questions.store()
    queue_texts(context, db, texts, now)


_FIRE: Mapping[str, Callable[[Context, Connection, Row[Any], datetime], None]] = {
    "reminder_two_day": _fire_reminder,
    "reminder_morning": _fire_reminder,
    "again_two_day": _fire_again,
    "again_morning": _fire_again,
    "missed": _fire_missed,
    "check_in": follow_ups.fire_check_in,
    "feedback": follow_ups.fire_feedback,
    "practice": follow_ups.fire_practice,
    "caring": follow_ups.fire_caring,
    "referral": follow_ups.fire_referral,
    "referral_silent": follow_ups.fire_referral_silent,
    "question_set": question_sets.fire_question_set,
    "report_unsent": report_steps.fire_report_unsent,
    "campaign": campaign_schedule.fire_campaign,
}
