"""Schedules: a meeting's occurrences, the texts each makes when it fires, and those that follow a change (I11, I12, S39)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select, update
from sqlalchemy.exc import SQLAlchemyError

from sms_service import clock
from sms_service.models import groups, meetings, pauses, people, schedules
from sms_service.models.base import insert_ignore
from sms_service.models.outbox import MAY_HAVE_LEFT, outbox
from sms_service.rules.audience import invited
from sms_service.rules.caps import keep_within_week
from sms_service.rules.safe_hours import SafeHours
from sms_service.rules.timing import PauseWindow, next_allowed, reminder_times
from sms_service.security.tokens import new_row_id
from sms_service.usecases.compose import LANE_REMINDER, Outgoing, queue_texts
from sms_service.usecases.context import Context
from sms_service.usecases.facts import day_and_time
from sms_service.usecases.fence_facts import WEEK, hours_of, windows_for
from sms_service.usecases.meeting_texts import about_meeting, phones_of_meeting, queue_reminder
from sms_service.usecases.open_dialogue import Questions

# An occurrence fires this long before the earliest moment any phone of the group could be due: each phone's own safe
# hours then place its text (the 48 h text may have to leave days earlier: one safe morning a week, remembrance week).
LEAD_TWO_DAY = timedelta(days=10)
LEAD_MORNING = timedelta(hours=40)
# Whoever joined since then is found by a second look, shortly before the usual moment of the text.
AGAIN_TWO_DAY = timedelta(hours=72)
AGAIN_MORNING = timedelta(hours=24)
MISSED_AT = time(10, 0)
MISSED_LIFE = timedelta(hours=33)
CHECK_IN_AT = time(10, 0)
CHECK_IN_LIFE = timedelta(hours=30)
APART_FROM_REMINDER = timedelta(hours=24)
_MAY_HAVE_GONE = ("calling", "accepted", "delivered", "unknown")


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


def plan_check_ins(db: Connection, group: Row[Any], now: datetime) -> None:
    """The next weekly check-in of a running group that has a check-in day (V6)."""
    if group.check_in_weekday is None or group.state != "running":
        return
    today = clock.local(now).date()
    day = today + timedelta(days=(group.check_in_weekday - today.weekday()) % 7)
    due = datetime.combine(day, CHECK_IN_AT, tzinfo=clock.KIGALI)
    row = {
        "id": new_row_id(),
        "schedule": f"group:{group.id}:check_in",
        "kind": "check_in",
        "group_id": group.id,
        "meeting_id": None,
        "due_at": due,
        "expires_at": due + CHECK_IN_LIFE,
        "state": "pending",
    }
    if row["expires_at"] > now:
        insert_ignore(db, schedules.occurrence, row)


def fire_due(context: Context, db: Connection, now: datetime, limit: int = 20) -> int:
    """Fire what is due: once each; what expired while nobody looked is missed and listed, never sent late (I11, F38).

    One that cannot be fired is missed too, with an entry in the audit: it must not keep every other group's texts back.
    """
    due = schedules.due(db, now, limit)
    for row in due:
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
    return len(due)


def _fire_reminder(context: Context, db: Connection, row: Row[Any], now: datetime) -> None:
    meeting = meetings.get(db, row.meeting_id)
    if meeting is None or meeting.state not in meetings.OPEN or meeting.starts_at <= now:
        return
    queue_reminder(context, db, meeting, kind=row.kind, now=now, key=f"occ:{row.id}")


def _fire_again(context: Context, db: Connection, row: Row[Any], now: datetime) -> None:
    """The reminder's second look: a text of the same occurrence for phones that have none yet, and for no other (I12)."""
    meeting = meetings.get(db, row.meeting_id)
    if meeting is None or meeting.state not in meetings.OPEN or meeting.starts_at <= now:
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
        if first.person_id not in absent or not alone or leaves is None:
            continue
        language = first.number_language or first.person_language
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


def _fire_check_in(context: Context, db: Connection, row: Row[Any], now: datetime) -> None:
    """V6, weekly, opt-in, own phone only, and not within 24 h of a V3 or V4 on that number (domain section 9.3)."""
    group = db.execute(select(groups.group).where(groups.group.c.id == row.group_id)).one()
    windows = windows_for(group.id, pauses.active(db, clock.local(now).date()))
    texts: list[Outgoing] = []
    dropped: list[str] = []
    questions = Questions(context, db, now)
    members = [one for one in groups.members(db, group.id) if one.may_check_in]
    own: dict[int, Row[Any]] = {}
    for found in people.phones_of(db, [one.id for one in members]):
        if found.ownership == "own" and found.opted_in_at is not None:
            own.setdefault(found.person_id, found)
    week = _look_around(db, own, now)
    holders: dict[int, list[Any]] = {}
    for contact in people.contact_points_of(db, [phone.number_id for phone in own.values()]):
        holders.setdefault(contact.number_id, []).append(contact)
    for member in members:
        phone = own.get(member.id)
        if phone is None:
            continue
        everyone = holders[phone.number_id]
        leaves = next_allowed(now, hours_of(everyone), windows, row.expires_at)
        if len(everyone) != 1 or leaves is None or week.near_reminder(phone.number_id, leaves):
            continue
        language = phone.language or member.language
        room = _leaves_room(context, week, phone.number_id, member.id, leaves, hours_of(everyone), windows)
        if room:
            dialogue_id, body = questions.begin("checkin", {}, number_id=phone.number_id, person_id=member.id, language=language)
        else:
            dialogue_id, body = None, context.published.conversation("checkin").words.text(language, "checkin")
        text = Outgoing(
            key=f"occ:{row.id}:{phone.number_id}",
            number_id=phone.number_id,
            language=language,
            template="V6",
            kind="scheduled",
            text_class="B",
            lane=LANE_REMINDER,
            body=body,
            not_before=leaves,
            expires_at=row.expires_at,
            person_id=member.id,
            group_id=group.id,
            dialogue_id=dialogue_id,
        )
        texts.append(text)
        if not room:
            dropped.append(text.key)
    questions.store()
    queue_texts(context, db, texts, now)
    if dropped:
        rows = outbox.c.key.in_(dropped) & (outbox.c.state == "queued")
        values = {"state": "suppressed", "reason": "weekly cap: the reminders go first", "closed_at": now}
        db.execute(update(outbox).where(rows).values(**values))


@dataclass(slots=True)
class Around:
    """What lies around a group's check-in: by number the reminders and the texts that count, by person the coming meetings."""

    reminders: dict[int, list[datetime]] = field(default_factory=dict)
    gone: dict[int, list[datetime]] = field(default_factory=dict)
    meetings: dict[int, list[Row[Any]]] = field(default_factory=dict)

    def near_reminder(self, number_id: int, leaves: datetime) -> bool:
        """Whether a V3 or V4 leaves within 24 h of ``leaves`` (domain section 9.3)."""
        return any(abs(at - leaves) <= APART_FROM_REMINDER for at in self.reminders.get(number_id, ()))


def _look_around(db: Connection, phones: Mapping[int, Row[Any]], now: datetime) -> Around:
    found = Around()
    rows = outbox.c
    mine = (rows.number_id.in_({one.number_id for one in phones.values()}), rows.not_before > now - WEEK)
    about = (rows.template.in_(("V3", "V3b", "V4", "V4b")), rows.state.in_(("queued", "reserved", *_MAY_HAVE_GONE)))
    for row in db.execute(select(rows.number_id, rows.not_before).where(*mine, *about)):
        found.reminders.setdefault(row.number_id, []).append(row.not_before)
    counted = (rows.kind.in_(("scheduled", "broadcast")), rows.state.in_(MAY_HAVE_LEFT))
    for row in db.execute(select(rows.number_id, rows.not_before).where(*mine, *counted)):
        found.gone.setdefault(row.number_id, []).append(row.not_before)
    for meeting in meetings.upcoming_of_people(db, list(phones), now, limit=12 * len(phones)):
        found.meetings.setdefault(meeting.person_id, []).append(meeting)
    return found


def _leaves_room(
    context: Context,
    week: Around,
    number_id: int,
    person_id: int,
    leaves: datetime,
    hours: SafeHours,
    windows: Sequence[PauseWindow],
) -> bool:
    """Whether a check-in at ``leaves`` takes no reminder's place in any seven days it falls into (S39: V3 is kept before V6)."""
    gone = [at for at in week.gone.get(number_id, ()) if at > leaves - WEEK]
    coming: list[tuple[datetime, str]] = []
    for meeting in week.meetings.get(person_id, ()):
        if meeting.starts_at > leaves and invited(meeting.audience, meeting.part, meeting.sex):
            moments = reminder_times(meeting.starts_at, leaves, hours, windows)
            named = zip(moments, ("V3_two_day", "V3_morning"), strict=True)
            coming += [(at, kind) for at, kind in named if at is not None and at < leaves + WEEK]
    for end, _ in [(leaves, "V6"), *coming]:
        kinds = [kind for at, kind in coming if at <= end] + ["V6"]
        already = sum(1 for at in gone if at > end - WEEK)
        if not keep_within_week(kinds, already, 0, context.caps)[-1]:
            return False
    return True


_FIRE = {
    "reminder_two_day": _fire_reminder,
    "reminder_morning": _fire_reminder,
    "again_two_day": _fire_again,
    "again_morning": _fire_again,
    "missed": _fire_missed,
    "check_in": _fire_check_in,
}
