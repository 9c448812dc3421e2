"""Schedules: a meeting's occurrences, the texts each makes when it fires, and those that follow a change (I11, I12, S39)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select

from sms_service import clock
from sms_service.models import dialogues, groups, meetings, pauses, people, schedules
from sms_service.models.base import insert_ignore
from sms_service.models.dialogues import dialogue
from sms_service.models.outbox import outbox
from sms_service.rules.audience import invited
from sms_service.rules.timing import PauseWindow, next_allowed, reminder_times
from sms_service.security.tokens import new_row_id
from sms_service.usecases.compose import LANE_REMINDER, Outgoing, queue_texts
from sms_service.usecases.context import Context
from sms_service.usecases.facts import day_and_time
from sms_service.usecases.fence_facts import hours_of, windows_for
from sms_service.usecases.open_dialogue import asked_again, open_dialogue
from sms_service.usecases.raise_concern import About, raise_concern

# An occurrence fires this long before the earliest moment any phone of the group could be due: each phone's own safe
# hours then place its text (the 48 h text may have to leave days earlier on a phone with one safe morning a week).
LEAD_TWO_DAY = timedelta(days=6)
LEAD_MORNING = timedelta(hours=40)
MISSED_AT = time(10, 0)
MISSED_LIFE = timedelta(hours=33)
CHECK_IN_AT = time(10, 0)
CHECK_IN_LIFE = timedelta(hours=30)
OPT_IN_LIFE = timedelta(days=7)
APART_FROM_REMINDER = timedelta(hours=24)


def plan_occurrences(context: Context, db: Connection, meeting: Row[Any], now: datetime) -> None:
    """Insert the occurrences of a planned meeting; planning twice plans nothing twice (I12)."""
    start = meeting.starts_at
    following = clock.local(start).date() + timedelta(days=1)
    missed = datetime.combine(following, MISSED_AT, tzinfo=clock.KIGALI)
    plans = (
        ("reminder_two_day", start - LEAD_TWO_DAY, start),
        ("reminder_morning", start - LEAD_MORNING, start),
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
    """Fire what is due: once each; what expired while nobody looked is missed and listed, never sent late (I11, F38)."""
    due = schedules.due(db, now, limit)
    for row in due:
        if row.expires_at <= now:
            schedules.mark(db, row.id, "missed", now)
            continue
        _FIRE[row.kind](context, db, row, now)
        schedules.mark(db, row.id, "fired", now)
    return len(due)


def _fire_reminder(context: Context, db: Connection, row: Row[Any], now: datetime) -> None:
    meeting = meetings.get(db, row.meeting_id)
    if meeting is None or meeting.state not in meetings.OPEN or meeting.starts_at <= now:
        return
    queue_reminder(context, db, meeting, kind=row.kind, now=now, key=f"occ:{row.id}")


def queue_reminder(
    context: Context, db: Connection, meeting: Row[Any], *, kind: str, now: datetime, key: str = ""
) -> list[datetime]:
    """Queue V3 or V3b to every phone of the meeting's audience, keyed ``<key>:<number row id>``; returns when each leaves.

    ``kind``: reminder_two_day, reminder_morning, or ``remind`` (now, by a facilitator; its key is the meeting and local day). A phone of one person that is her own is
    asked; any other gets V3b, once a number and addressed to nobody (S9). After a "no" there is no second reminder, after an
    answer no second question.
    """
    key = key or f"remind:{meeting.id}:{clock.local(now).date().isoformat()}"
    windows = windows_for(meeting.group_id, pauses.active(db, clock.local(now).date()))
    answers = dialogues.answers_to(db, "coming", meeting.id)
    texts: list[Outgoing] = []
    for contacts, everyone in _phones(db, meeting):
        first = contacts[0]
        alone = len(everyone) == 1 and first.ownership == "own"
        if not any(one.may_remind and (one.ownership != "own" or one.opted_in_at) for one in contacts):
            continue
        said = answers.get(first.person_id) if alone else None
        if said == "no" and kind != "reminder_two_day":
            continue
        leaves = _reminder_moment(meeting, kind, now, everyone, windows)
        if leaves is None:
            continue
        values = day_and_time(meeting.starts_at)
        language = first.number_language or first.person_language
        dialogue_id, template = None, "V3b"
        if alone and said is None:
            dialogue_id, body = _question(context, db, meeting, first, values, language, now)
            template = "V3"
        else:
            body = context.words.text(language, "reminder_plain", values)
        texts.append(
            _outgoing(key, meeting, first, alone, language, template, body, leaves, meeting.starts_at, dialogue_id)
        )
    queue_texts(context, db, texts, now)
    return [one.not_before for one in texts]


def _reminder_moment(
    meeting: Row[Any], kind: str, now: datetime, contacts: Sequence[Row[Any]], windows: Sequence[PauseWindow]
) -> datetime | None:
    hours = hours_of(contacts)
    if kind == "remind":
        return next_allowed(now, hours, windows, meeting.starts_at)
    two_day, morning = reminder_times(meeting.starts_at, now, hours, windows)
    return two_day if kind == "reminder_two_day" else morning


def _question(
    context: Context,
    db: Connection,
    meeting: Row[Any],
    contact: Row[Any],
    values: dict[str, Any],
    language: str,
    now: datetime,
) -> tuple[int, str]:
    """The meeting's question to one person: the one still open is asked again (its one repeat), else a new one begins."""
    query = select(dialogue).where(
        dialogue.c.person_id == contact.person_id,
        dialogue.c.meeting_id == meeting.id,
        dialogue.c.conversation == "reminder",
        dialogue.c.state.in_(("waiting", "open")),
    )
    existing = db.execute(query.order_by(dialogue.c.id.desc()).limit(1)).first()
    if existing is not None:
        return existing.id, asked_again(context, db, existing, language)
    return open_dialogue(
        context,
        db,
        "reminder",
        values,
        number_id=contact.number_id,
        person_id=contact.person_id,
        language=language,
        now=now,
        meeting_id=meeting.id,
        meeting_starts_at=meeting.starts_at,
    )


def _phones(db: Connection, meeting: Row[Any]) -> list[tuple[list[Row[Any]], list[Row[Any]]]]:
    """Each phone of the meeting's audience: the invited people on it, and everyone on it."""
    members = {
        row.id: row for row in groups.members(db, meeting.group_id) if invited(meeting.audience, row.part, row.sex)
    }
    if not members:
        return []
    own = people.phones_of(db, members)
    by_number: dict[int, list[Row[Any]]] = {}
    ids = {contact.number_id for contact in own if contact.ownership != "none"}
    for contact in people.contact_points_of(db, ids):
        by_number.setdefault(contact.number_id, []).append(contact)
    pairs = []
    for everyone in by_number.values():
        invited_here = [one for one in everyone if one.person_id in members and one.ownership != "none"]
        if invited_here:
            pairs.append((invited_here, everyone))
    return pairs


def _outgoing(
    key: str,
    meeting: Row[Any],
    contact: Any,
    alone: bool,
    language: str,
    template: str,
    body: str,
    leaves: datetime,
    expires_at: datetime,
    dialogue_id: int | None,
    kind: Any = "scheduled",
    text_class: str = "A",
) -> Outgoing:
    return Outgoing(
        key=f"{key}:{contact.number_id}",
        number_id=contact.number_id,
        language=language,
        template=template,
        kind=kind,
        text_class=text_class,
        lane=LANE_REMINDER,
        body=body,
        not_before=leaves,
        expires_at=expires_at,
        person_id=contact.person_id if alone else None,
        group_id=meeting.group_id,
        meeting_id=meeting.id,
        dialogue_id=dialogue_id,
    )


def queue_v4(
    context: Context, db: Connection, meeting: Row[Any], *, old_start: datetime, cancelled: bool, now: datetime
) -> int:
    """Tell the audience that a meeting has moved or will not take place; returns how many texts were queued.

    V4 obeys quiet hours and is exempt from the weekly cap; when no allowed minute is left before the old start, the
    facilitator gets a call task instead.
    """
    windows = windows_for(meeting.group_id, pauses.active(db, clock.local(now).date()))
    old_day = day_and_time(old_start)["day"]
    new = day_and_time(meeting.starts_at)
    texts: list[Outgoing] = []
    for contacts, everyone in _phones(db, meeting):
        first = contacts[0]
        if not any(one.may_remind and (one.ownership != "own" or one.opted_in_at) for one in contacts):
            continue
        leaves = next_allowed(now, hours_of(everyone), windows, old_start, urgent=True)
        if leaves is None:
            about = About(kind="meeting_change_untold", number_id=first.number_id, group_id=meeting.group_id)
            raise_concern(context, db, about, now)
            continue
        alone = len(everyone) == 1 and first.ownership == "own"
        language = first.number_language or first.person_language
        dialogue_id = None
        if cancelled:
            template, body = "cancelled", context.words.text(language, "cancelled", {"day": old_day})
        elif alone:
            template = "V4"
            dialogue_id, body = open_dialogue(
                context,
                db,
                "moved",
                {"old_day": old_day, **new},
                number_id=first.number_id,
                person_id=first.person_id,
                language=language,
                now=now,
                meeting_id=meeting.id,
                meeting_starts_at=meeting.starts_at,
            )
        else:
            template, body = "V4b", context.words.text(language, "moved_plain", {"old_day": old_day, **new})
        key = f"v4:{meeting.id}:{int(old_start.timestamp())}:{'x' if cancelled else int(meeting.starts_at.timestamp())}"
        texts.append(
            _outgoing(key, meeting, first, alone, language, template, body, leaves, old_start, dialogue_id, kind="v4")
        )
    return queue_texts(context, db, texts, now)


def _fire_missed(context: Context, db: Connection, row: Row[Any], now: datetime) -> None:
    """V5, once, the day after, only to people marked absent, only on an own phone (class B)."""
    meeting = meetings.get(db, row.meeting_id)
    if meeting is None or meeting.state == "cancelled":
        return
    absent = {person for person, mark in meetings.attendance_of(db, meeting.id).items() if mark.status == "absent"}
    windows = windows_for(meeting.group_id, pauses.active(db, clock.local(now).date()))
    texts = []
    for contacts, everyone in _phones(db, meeting):
        first = contacts[0]
        alone = len(everyone) == 1 and first.ownership == "own" and first.opted_in_at is not None
        leaves = next_allowed(now, hours_of(everyone), windows, row.expires_at)
        if first.person_id not in absent or not alone or leaves is None:
            continue
        language = first.number_language or first.person_language
        values = {"day": day_and_time(meeting.starts_at)["day"]}
        dialogue_id, body = open_dialogue(
            context,
            db,
            "missed",
            values,
            number_id=first.number_id,
            person_id=first.person_id,
            language=language,
            now=now,
            meeting_id=meeting.id,
        )
        key = f"occ:{row.id}"
        texts.append(
            _outgoing(
                key, meeting, first, True, language, "V5", body, leaves, row.expires_at, dialogue_id, text_class="B"
            )
        )
    queue_texts(context, db, texts, now)


def _fire_check_in(context: Context, db: Connection, row: Row[Any], now: datetime) -> None:
    """V6, weekly, opt-in, own phone only, and not within 24 h of a V3 or V4 on that number (domain section 9.3)."""
    group = db.execute(select(groups.group).where(groups.group.c.id == row.group_id)).one()
    windows = windows_for(group.id, pauses.active(db, clock.local(now).date()))
    texts = []
    for member in groups.members(db, group.id):
        own = [
            one for one in people.phones_of(db, [member.id]) if one.ownership == "own" and one.opted_in_at is not None
        ]
        if not member.may_check_in or not own:
            continue
        phone = own[0]
        everyone = people.contact_points_of(db, [phone.number_id])
        leaves = next_allowed(now, hours_of(everyone), windows, row.expires_at)
        if len(everyone) != 1 or leaves is None or _near_reminder(db, phone.number_id, leaves):
            continue
        language = phone.language or member.language
        dialogue_id, body = open_dialogue(
            context, db, "checkin", {}, number_id=phone.number_id, person_id=member.id, language=language, now=now
        )
        texts.append(
            Outgoing(
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
        )
    queue_texts(context, db, texts, now)


def _near_reminder(db: Connection, number_id: int, leaves: datetime) -> bool:
    rows = outbox.c
    query = select(rows.id).where(
        rows.number_id == number_id,
        rows.template.in_(("V3", "V3b", "V4", "V4b")),
        rows.state.in_(("queued", "reserved", "calling", "accepted", "delivered", "unknown")),
        rows.not_before.between(leaves - APART_FROM_REMINDER, leaves + APART_FROM_REMINDER),
    )
    return db.execute(query.limit(1)).first() is not None


def queue_opt_in(context: Context, db: Connection, contact_id: int, now: datetime) -> None:
    """V1, after enrolment face to face, on an own phone: at the next allowed minute, once a contact point (S16)."""
    number_id = db.execute(
        select(people.contact_point.c.number_id).where(people.contact_point.c.id == contact_id)
    ).scalar_one()
    everyone = people.contact_points_of(db, [number_id])
    contact = next(one for one in everyone if one.id == contact_id)
    windows = windows_for(None, pauses.active(db, clock.local(now).date()))
    expires = now + OPT_IN_LIFE
    leaves = next_allowed(now, hours_of(everyone), windows, expires)
    if leaves is None:
        return
    language = contact.number_language or contact.person_language
    dialogue_id, body = open_dialogue(
        context, db, "optin", {}, number_id=number_id, person_id=contact.person_id, language=language, now=now
    )
    text = Outgoing(
        key=f"optin:{contact.id}",
        number_id=number_id,
        language=language,
        template="V1",
        kind="scheduled",
        text_class="B",
        lane=LANE_REMINDER,
        body=body,
        not_before=leaves,
        expires_at=expires,
        person_id=contact.person_id,
        dialogue_id=dialogue_id,
    )
    queue_texts(context, db, [text], now)


_FIRE = {
    "reminder_two_day": _fire_reminder,
    "reminder_morning": _fire_reminder,
    "missed": _fire_missed,
    "check_in": _fire_check_in,
}
