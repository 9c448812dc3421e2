"""Why each message was sent, and how each text was understood: from the stored rows alone (decision 5).

In: lines of the log as ``read_log`` gave them. Out: codes, times and counts, never a word of anybody's (S31). What a flagged text
was read as is told only to those who may open it (S32). Where a dialogue cannot be played again its step is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select

from sms_service.conversation.engine import EngineFault
from sms_service.conversation.types import Answered, Begin, Dialogue
from sms_service.models.broadcasts import broadcast
from sms_service.models.groups import group
from sms_service.models.inbound import inbound
from sms_service.models.meetings import meeting
from sms_service.models.outbox import outbox
from sms_service.models.schedules import occurrence
from sms_service.models.staff import staff
from sms_service.models.versions import conversation_version
from sms_service.usecases.context import Context
from sms_service.usecases.read_log import Line
from sms_service.usecases.replay_play import CannotPlay, Differs, Input, Player, definition_of, inputs_of, step
from sms_service.usecases.replay_read import Kind, Stored, Versions, read_batch

MOST = 200
"""Dialogues, and dials, that one page may name."""

ONE_STEP = timedelta(minutes=1)
"""Longer no transaction that takes a step lasts."""

RULES: Mapping[str, str] = {
    "occ": "schedule",
    "remind": "remind",
    "v4": "meeting_changed",
    "reply": "reply",
    "bc": "broadcast",
    "cp": "campaign",
    "optin": "opt_in",
    "v17": "remembrance",
    "alert": "alert",
}
"""How an outbox key begins -> the rule that wrote the text."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A text or key that something answers, in codes; ``held`` when it is flagged and the reader may not open it (S32)."""

    at: datetime
    held: bool
    intent: str = ""
    value: str = ""
    rule: str = ""
    confidence: float | None = None
    alert: str = "none"


@dataclass(frozen=True, slots=True)
class Stood:
    """Where a dialogue stood: its conversation, the number of its version (0 when that is not kept), the step."""

    conversation: str
    number: int
    step: str


@dataclass(frozen=True, slots=True)
class Why:
    """The explanation of one line. Times are aware UTC.

    ``rule`` is a value of ``RULES``, ``dial`` for a screen, ``heard`` for a text that came in, or ``other``. ``schedule`` is the
    kind of occurrence and ``due_at`` its moment; ``group``, ``meeting_no`` and ``meeting_at`` the meeting it is about;
    ``broadcast``, ``author`` and ``approver`` codes. ``after`` is where the dialogue stands with this message, ``before`` where it
    stood when the text came.
    """

    rule: str
    heard: Heard | None = None
    before: Stood | None = None
    after: Stood | None = None
    schedule: str = ""
    due_at: datetime | None = None
    group: str = ""
    meeting_no: int = 0
    meeting_at: datetime | None = None
    broadcast: str = ""
    author: str = ""
    approver: str = ""


@dataclass(slots=True)
class _Course:
    """A dialogue or dial played again, on the version of this number: for each input where it stood before and after."""

    number: int
    taken: list[_Taken] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Taken:
    given: Input
    turn_id: int
    before: Dialogue | None
    after: Dialogue


def explain(context: Context, lines: Sequence[Line], *, entitled: bool) -> dict[tuple[str, int], Why]:
    """An explanation of every line, by (source, id); ``entitled`` says whether the reader may open flagged texts.

    Uses short transactions of its own. A line of which nothing more is known is left out.
    """
    with context.database.begin() as db:
        facts = _Facts.of(db, lines)
    dials = {line.dial_id for line in lines if line.dial_id is not None}
    found: dict[tuple[str, int], Why] = {}
    courses = _courses(context, "dialogue", {row.dialogue_id for row in (*facts.sent.values(), *facts.came.values())})
    screens = _courses(context, "dial", dials)
    for line in lines:
        if line.source == "out" and line.id in facts.sent:
            found["out", line.id] = _sent(facts, courses, facts.sent[line.id], entitled)
        elif line.source == "in" and line.id in facts.came:
            row = facts.came[line.id]
            before = _asked(courses.get(row.dialogue_id), row.processed_at)
            found["in", line.id] = Why("heard", heard=_heard(row, entitled), before=before)
        elif line.source == "dial" and line.dial_id in screens and (entitled or not line.held):
            why = _screen(screens[line.dial_id], line.id)
            if why is not None:
                found["dial", line.id] = why
    return found


@dataclass(slots=True)
class _Facts:
    """The rows around the lines, each kind read once."""

    sent: dict[int, Any]
    came: dict[int, Any]
    occurrences: dict[int, Any]
    meetings: dict[int, Any]
    broadcasts: dict[int, Any]

    @classmethod
    def of(cls, db: Connection, lines: Sequence[Line]) -> _Facts:
        sent = _by_id(db, select(*_SENT), outbox.c.id, (line.id for line in lines if line.source == "out"))
        answered = {row.inbound_id for row in sent.values()} - {None}
        came = _by_id(db, select(*_CAME), inbound.c.id, {*answered, *(line.id for line in lines if line.source == "in")})
        moments = {_occurrence_of(row.key) for row in sent.values()} - {0}
        occurrences = _by_id(db, select(occurrence), occurrence.c.id, moments)
        about = {row.meeting_id for row in (*sent.values(), *occurrences.values())} - {None}
        places = select(meeting.c.id, meeting.c.no, meeting.c.starts_at, group.c.code).join(group, group.c.id == meeting.c.group_id)
        meetings = _by_id(db, places, meeting.c.id, about)
        author, approver = staff.alias(), staff.alias()
        written = (
            select(broadcast.c.id, broadcast.c.code, author.c.code.label("author"), approver.c.code.label("approver"))
            .join(author, author.c.id == broadcast.c.author_id)
            .outerjoin(approver, approver.c.id == broadcast.c.approver_id)
        )
        broadcasts = _by_id(db, written, broadcast.c.id, {row.broadcast_id for row in sent.values()} - {None})
        return cls(sent, came, occurrences, meetings, broadcasts)


_SENT = (
    outbox.c.id,
    outbox.c.key,
    outbox.c.kind,
    outbox.c.template,
    outbox.c.dialogue_id,
    outbox.c.inbound_id,
    outbox.c.broadcast_id,
    outbox.c.meeting_id,
    outbox.c.created_at,
)
_CAME = (
    inbound.c.id,
    inbound.c.received_at,
    inbound.c.processed_at,
    inbound.c.intent,
    inbound.c.value,
    inbound.c.rule,
    inbound.c.confidence,
    inbound.c.alert,
    inbound.c.dialogue_id,
)


def _by_id(db: Connection, query: Any, column: Any, ids: Iterable[int]) -> dict[int, Row[Any]]:
    wanted = list(ids)
    return {row.id: row for row in db.execute(query.where(column.in_(wanted)))} if wanted else {}


def _occurrence_of(key: str) -> int:
    kind, _, rest = key.partition(":")
    number = rest.partition(":")[0]
    return int(number) if kind == "occ" and number.isdecimal() else 0


def _sent(facts: _Facts, courses: Mapping[int, _Course], row: Any, entitled: bool) -> Why:
    moment = facts.occurrences.get(_occurrence_of(row.key))
    about = facts.meetings.get(row.meeting_id or (moment.meeting_id if moment is not None else 0) or 0)
    cast = facts.broadcasts.get(row.broadcast_id)
    came = facts.came.get(row.inbound_id)
    heard = _heard(came, entitled) if came is not None else None
    # S32: the step a dialogue went to tells what a flagged text was read as
    before, after = (None, None) if heard is not None and heard.held else _said(courses.get(row.dialogue_id), row)
    return Why(
        RULES.get(row.key.partition(":")[0], "other"),
        heard=heard,
        before=before,
        after=after,
        schedule=moment.kind if moment is not None else "",
        due_at=moment.due_at if moment is not None else None,
        group=about.code if about is not None else "",
        meeting_no=about.no if about is not None else 0,
        meeting_at=about.starts_at if about is not None else None,
        broadcast=cast.code if cast is not None else "",
        author=cast.author if cast is not None else "",
        approver=(cast.approver or "") if cast is not None else "",
    )


def _heard(row: Any, entitled: bool) -> Heard:
    if row.alert != "none" and not entitled:
        return Heard(row.received_at, held=True)
    return Heard(row.received_at, False, row.intent or "", row.value or "", row.rule or "", row.confidence, row.alert)


def _courses(context: Context, kind: Kind, ids: Iterable[int | None]) -> dict[int, _Course]:
    """The dialogues or dials of these row ids played again, as far as they can be."""
    wanted = sorted((one for one in ids if one is not None), reverse=True)[:MOST]
    if not wanted:
        return {}
    known = Versions()
    player = Player(context.vault, known)
    with context.database.begin() as db:
        batch = read_batch(context, db, known, kind, before=None, size=len(wanted), only=wanted)
        pinned = {str(one.place.get("version", "")) for one in batch.stored}
        version = conversation_version.c
        numbers = {
            row.fingerprint: row.number
            for row in db.execute(select(version.fingerprint, version.number).where(version.fingerprint.in_(pinned)))
        }
    player.use(batch)
    found = {}
    for stored in batch.stored:
        course = _Course(numbers.get(stored.place.get("version", ""), 0))
        # what was played up to a difference is still told; `sms-service replay` reports the difference itself
        with suppress(Differs, CannotPlay, EngineFault):
            _play(player, known, stored, course)
        found[stored.head.id] = course
    return found


def _play(player: Player, known: Versions, stored: Stored, course: _Course) -> None:
    conversation = definition_of(known, stored)
    place: Dialogue | None = None
    for given, row in zip(inputs_of(stored), stored.events, strict=True):
        if isinstance(given.event, Begin):
            place = None
        before = place
        if stored.kind == "dial":
            taken = player.turn(conversation, place, given)
            place = taken.place
        else:
            place = step(conversation, place, given).dialogue
        course.taken.append(_Taken(given, row.id if stored.kind == "dial" else 0, before, place))


def _stood(course: _Course, place: Dialogue | None) -> Stood | None:
    return Stood(place.conversation, course.number, place.step) if place is not None else None


def _said(course: _Course | None, row: Any) -> tuple[Stood | None, Stood | None]:
    """Where the dialogue stood and stands with a text: the last input before it, of those by SMS when it is a reply."""
    if course is None:
        return None, None
    taken = [one for one in course.taken if one.given.at <= row.created_at]
    if row.kind == "reply":
        taken = [one for one in taken if one.given.channel == "sms"]
    return (_stood(course, taken[-1].before), _stood(course, taken[-1].after)) if taken else (None, None)


def _asked(course: _Course | None, at: datetime | None) -> Stood | None:
    """Where the dialogue stood when a text was read."""
    if course is None or at is None:
        return None
    # the text's transaction takes its time before it takes the step
    answers = [one for one in course.taken if isinstance(one.given.event, Answered) and one.given.channel == "sms"]
    return next((_stood(course, one.before) for one in answers if at <= one.given.at <= at + ONE_STEP), None)


def _screen(course: _Course, turn_id: int) -> Why | None:
    found = next((one for one in course.taken if one.turn_id == turn_id), None)
    return Why("dial", before=_stood(course, found.before), after=_stood(course, found.after)) if found else None
