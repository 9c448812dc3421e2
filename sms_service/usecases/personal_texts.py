"""Texts to one person on an own phone (class B, S3): who may have one, in which room of the week, and not beside a reminder.

V6, V7, V8, V18, V19 and the question sets that go by SMS are put into the outbox here. A text that the week's cap or the day
around a meeting's text forbids is dropped with its reason, never postponed (S39, domain section 9.3).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select, update

from sms_service import clock
from sms_service.conversation.definition import Ask
from sms_service.models import meetings, pauses, people
from sms_service.models.groups import membership
from sms_service.models.meetings import attendance
from sms_service.models.outbox import MAY_HAVE_LEFT, outbox
from sms_service.models.schedules import occurrence
from sms_service.rules.audience import invited
from sms_service.rules.caps import keep_within_week
from sms_service.rules.safe_hours import SafeHours
from sms_service.rules.sending import APART_FROM_MEETING_TEXT, FROZEN, NEAR_MEETING_TEXT, STOPPED
from sms_service.rules.timing import PauseWindow, next_allowed, reminder_times
from sms_service.usecases.compose import LANE_REMINDER, Outgoing, queue_texts
from sms_service.usecases.context import Context
from sms_service.usecases.fence_facts import MEETING_TEXTS, WEEK, hours_of, windows_for
from sms_service.usecases.open_dialogue import Questions, first_text

WEEK_IS_FULL = "weekly cap: the reminders go first"
NO_MINUTE = "no allowed minute before it expires"
_PLANNED = {"check_in": "V6", "practice": "V8"}
SOON = timedelta(minutes=5)
_WAITING = ("queued", "reserved")

__all__ = ["Own", "Personal", "full_weeks", "own_phones", "queue_personal"]


@dataclass(frozen=True, slots=True)
class Personal:
    """What is sent to several people: ``template`` is its name in the outbox (V7), ``conversation`` the one that says it.

    ``key`` begins the outbox keys; ``due_at`` (when its occurrence was to fire) and ``expires_at`` are aware UTC. With a
    ``group_id`` only its members get it.
    """

    template: str
    conversation: str
    key: str
    due_at: datetime
    expires_at: datetime
    group_id: int | None = None
    meeting_id: int | None = None


@dataclass(frozen=True, slots=True)
class Own:
    """A person on a phone that is theirs alone and has opted in (S16). ``silent`` says why nothing may leave for it now (I6)."""

    person_id: int
    number_id: int
    language: str
    verified_at: datetime | None
    silent: str
    everyone: Sequence[Row[Any]]


def own_phones(db: Connection, members: Sequence[Row[Any]]) -> list[Own]:
    """The first own, opted-in phone of each of these people; a phone that serves somebody else too is nobody's own (S9)."""
    first: dict[int, Row[Any]] = {}
    for found in people.phones_of(db, [one.id for one in members]):
        if found.ownership == "own" and found.opted_in_at is not None:
            first.setdefault(found.person_id, found)
    holders: dict[int, list[Row[Any]]] = {}
    for contact in people.contact_points_of(db, [phone.number_id for phone in first.values()]):
        holders.setdefault(contact.number_id, []).append(contact)
    return [
        Own(one.id, phone.number_id, phone.language or one.language, phone.verified_at, _silent(phone), holders[phone.number_id])
        for one in members
        if (phone := first.get(one.id)) is not None and len(holders[phone.number_id]) == 1
    ]


def _silent(phone: Row[Any]) -> str:
    return STOPPED if phone.stopped_at is not None else FROZEN if phone.frozen_at is not None else ""


def queue_personal(context: Context, db: Connection, what: Personal, phones: Sequence[Own], now: datetime) -> dict[int, int | None]:
    """Queue the text for each phone; returns the dialogue it opened (None: it asks nothing) by person who is going to get it.

    What may not go is in the outbox as suppressed, with its reason. Nothing happens while the conversation is not published.
    """
    conversation = context.conversations.get(what.conversation)
    if conversation is None or not phones:
        return {}
    questions = Questions(context, db, now)
    unsaid = {one.language for one in phones if not questions.speaks(what.conversation, one.language)}
    phones = [one for one in phones if one.language not in unsaid]
    if unsaid:
        context.record(db, "service", "text.language_missing", what.conversation, " ".join(sorted(unsaid)))
    if not phones:
        return {}
    asks = any(isinstance(step, Ask) for step in conversation.steps.values())
    windows = windows_for(what.group_id, pauses.active(db, clock.local(now).date()))
    # The minute it was due, not the second it fired: a weekly text is then never a moment less than a week after the last (S39).
    begins = what.due_at if now - what.due_at < SOON else now
    around = _look_around(db, phones, now)
    texts: list[Outgoing] = []
    dropped: dict[str, list[str]] = {}
    going: dict[int, int | None] = {}
    for phone in phones:
        hours = hours_of(phone.everyone)
        leaves = next_allowed(begins, hours, windows, what.expires_at)
        reason = phone.silent or NO_MINUTE
        if leaves is not None and not phone.silent:
            beside = asks and around.beside_meeting_text(phone.number_id, leaves)
            reason = NEAR_MEETING_TEXT if beside else _full(context, around, what, phone, leaves, hours, windows)
        dialogue_id = None
        if reason or not asks:
            body = first_text(conversation, phone.language)
        else:
            dialogue_id, body = questions.begin(
                what.conversation,
                {},
                number_id=phone.number_id,
                person_id=phone.person_id,
                language=phone.language,
                meeting_id=what.meeting_id,
            )
        text = _outgoing(what, phone, body, leaves or now, dialogue_id)
        texts.append(text)
        if reason:
            dropped.setdefault(reason, []).append(text.key)
        else:
            going[phone.person_id] = dialogue_id
    questions.store()
    queue_texts(context, db, texts, now)
    for reason, keys in dropped.items():
        rows = outbox.c.key.in_(keys) & (outbox.c.state == "queued")
        db.execute(update(outbox).where(rows).values(state="suppressed", reason=reason, closed_at=now, shown_at=now))
    return going


def _outgoing(what: Personal, phone: Own, body: str, leaves: datetime, dialogue_id: int | None) -> Outgoing:
    return Outgoing(
        key=f"{what.key}:{phone.number_id}",
        number_id=phone.number_id,
        language=phone.language,
        template=what.template,
        kind="scheduled",
        text_class="B",
        lane=LANE_REMINDER,
        body=body,
        not_before=leaves,
        expires_at=what.expires_at,
        person_id=phone.person_id,
        group_id=what.group_id,
        meeting_id=what.meeting_id,
        dialogue_id=dialogue_id,
    )


@dataclass(slots=True)
class Around:
    """What lies around these phones: by number the meeting texts, the texts that count as gone, and those that wait; by person
    the coming meetings and the questions still to be planned (moment, kind).
    """

    meeting_texts: dict[int, list[datetime]] = field(default_factory=dict)
    gone: dict[int, list[datetime]] = field(default_factory=dict)
    waiting: dict[int, list[tuple[datetime, str]]] = field(default_factory=dict)
    meetings: dict[int, list[Row[Any]]] = field(default_factory=dict)
    planned: dict[int, list[tuple[datetime, str]]] = field(default_factory=dict)

    def beside_meeting_text(self, number_id: int, leaves: datetime) -> bool:
        """Whether a V3 or V4 leaves within 24 h of ``leaves``: a second question would close it (domain section 9.3)."""
        return any(abs(at - leaves) <= APART_FROM_MEETING_TEXT for at in self.meeting_texts.get(number_id, ()))


def _look_around(db: Connection, phones: Sequence[Own], now: datetime) -> Around:
    found = Around()
    rows = outbox.c
    columns = (rows.number_id, rows.not_before, rows.template, rows.kind, rows.state)
    mine = (rows.number_id.in_({one.number_id for one in phones}), rows.not_before > now - WEEK)
    ours = rows.kind.in_(("scheduled", "broadcast")) | rows.template.in_(MEETING_TEXTS)
    for row in db.execute(select(*columns).where(*mine, ours, rows.state.in_((*_WAITING, *MAY_HAVE_LEFT)))):
        if row.template in MEETING_TEXTS:
            if row.state != "failed":
                found.meeting_texts.setdefault(row.number_id, []).append(row.not_before)
        elif row.state in _WAITING:
            kind = "broadcast" if row.kind == "broadcast" else row.template
            found.waiting.setdefault(row.number_id, []).append((row.not_before, kind))
        if row.state in MAY_HAVE_LEFT and row.kind in ("scheduled", "broadcast"):
            found.gone.setdefault(row.number_id, []).append(row.not_before)
    people_ids = [one.person_id for one in phones]
    for meeting in meetings.upcoming_of_people(db, people_ids, now, limit=12 * len(phones)):
        found.meetings.setdefault(meeting.person_id, []).append(meeting)
    for row in db.execute(_to_be_planned(people_ids, now)):
        if row.kind == "check_in" or row.status == "present":
            found.planned.setdefault(row.person_id, []).append((row.due_at, _PLANNED[row.kind]))
    return found


def _to_be_planned(people_ids: Sequence[int], now: datetime) -> Any:
    """The check-ins and practice questions of the coming week that are kept before what is sent now (S39)."""
    return (
        select(membership.c.person_id, occurrence.c.due_at, occurrence.c.kind, attendance.c.status)
        .join(occurrence, occurrence.c.group_id == membership.c.group_id)
        .outerjoin(
            attendance,
            (attendance.c.meeting_id == occurrence.c.meeting_id) & (attendance.c.person_id == membership.c.person_id),
        )
        .where(
            membership.c.person_id.in_(list(people_ids)),
            membership.c.left_at.is_(None),
            occurrence.c.kind.in_(tuple(_PLANNED)),
            occurrence.c.state == "pending",
            occurrence.c.expires_at > now,  # one due at this very moment fires later, and comes first all the same
            occurrence.c.due_at < now + WEEK,
        )
    )


def _full(
    context: Context,
    around: Around,
    what: Personal,
    phone: Own,
    leaves: datetime,
    hours: SafeHours,
    windows: Sequence[PauseWindow],
) -> str:
    """``WEEK_IS_FULL`` when a text kept before this one needs its place in the week, else empty (S39)."""
    coming = _reminders(around.meetings.get(phone.person_id, ()), leaves, hours, windows)
    coming += around.waiting.get(phone.number_id, ())
    coming += [one for one in around.planned.get(phone.person_id, ()) if one[1] != what.template]  # not this very occurrence
    gone = around.gone.get(phone.number_id, ())
    return "" if _has_room(context, what.template, leaves, gone, coming) else WEEK_IS_FULL


def full_weeks(
    context: Context,
    db: Connection,
    what: Personal,
    phones: Sequence[Own],
    leaves: Mapping[int, datetime],
    windows: Sequence[PauseWindow],
    now: datetime,
) -> set[int]:
    """The numbers whose week has no place for this text, leaving then (by number): those kept before it need them (S39)."""
    around = _look_around(db, phones, now)
    return {
        phone.number_id
        for phone in phones
        if phone.number_id in leaves
        and _full(context, around, what, phone, leaves[phone.number_id], hours_of(phone.everyone), windows)
    }


def _reminders(
    ahead: Sequence[Row[Any]], leaves: datetime, hours: SafeHours, windows: Sequence[PauseWindow]
) -> list[tuple[datetime, str]]:
    """The reminders still to come to this person: of every meeting they are invited to."""
    found: list[tuple[datetime, str]] = []
    for meeting in ahead:
        if meeting.starts_at > leaves and invited(meeting.audience, meeting.part, meeting.sex):
            moments = reminder_times(meeting.starts_at, leaves, hours, windows)
            named = zip(moments, ("V3_two_day", "V3_morning"), strict=True)
            found += [(at, kind) for at, kind in named if at is not None and at < leaves + WEEK]
    return found


def _has_room(
    context: Context, kind: str, leaves: datetime, gone: Sequence[datetime], coming: Sequence[tuple[datetime, str]]
) -> bool:
    """Whether this text takes no place, in any seven days it falls into, that a text kept before it needs (S39)."""
    for end in (leaves, *(at for at, _ in coming if leaves <= at < leaves + WEEK)):
        kinds = [other for at, other in coming if end - WEEK < at <= end] + [kind]
        already = sum(1 for at in gone if at > end - WEEK)
        if not keep_within_week(kinds, already, 0, context.caps)[-1]:
            return False
    return True
