"""Playing stored dialogues and dials again from their stored events and facts alone; nothing is changed (design decision 5).

The engine is a pure function, so the events and the facts stored with them must lead to the place that is stored, and to the coded
answers that were kept. What comes out names codes, steps and fields only, never a value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Literal

from sqlalchemy import Connection, Row, Select, Table, literal, null, select

from sms_service.conversation import engine
from sms_service.conversation.definition import Conversation
from sms_service.conversation.types import (
    Answered,
    Begin,
    Dialogue,
    Event,
    Need,
    Outcome,
    PinChecked,
    Shown,
    TimedOut,
)
from sms_service.models import dialogues
from sms_service.models.dialogues import dialogue, dialogue_event, response
from sms_service.models.dials import dial, turn
from sms_service.text.reply_types import Reading
from sms_service.usecases.context import Context
from sms_service.usecases.effects import coded_answer
from sms_service.usecases.steps import conversation_for

BATCH = 100  # a transaction each: on SQLite it holds the file's lock, and a dial may be waiting
Kind = Literal["dialogue", "dial"]
Verdict = Literal["same", "different", "not replayable"]


@dataclass(frozen=True, slots=True)
class Replayed:
    """One dialogue or dial played again.

    ``row_id`` is its row in the table ``kind``, ``steps`` the stored events (a dial's turns). ``first_difference`` says in codes
    where it went another way, or why it could not be played; empty when the verdict is ``same``.
    """

    kind: Kind
    row_id: int
    conversation: str
    steps: int
    verdict: Verdict = "same"
    first_difference: str = ""

    @property
    def same(self) -> bool:
        """Whether it led to the stored place and answers."""
        return self.verdict == "same"

    def __str__(self) -> str:
        return f"{self.kind} {self.row_id} {self.conversation} {self.verdict}: {self.first_difference or f'{self.steps} steps'}"


class _Differs(Exception):
    """The stored events do not lead where the row stands."""


class _CannotPlay(Exception):
    """It depends on another dialogue that cannot be played itself (and that is reported in its own place)."""


def replay_dialogues(context: Context, *, limit: int | None = None) -> Iterator[Replayed]:
    """Play every dialogue, then every dial again, newest first; with ``limit`` only so many of each.

    Reads in short transactions of its own and may run beside a working service. A row that cannot be read is a difference, not
    an error; raises only the database's own faults.
    """
    for kind in _KINDS:
        before: int | None = None
        left = limit
        while left is None or left > 0:
            size = BATCH if left is None else min(BATCH, left)
            with context.database.begin() as db:
                played = _batch(context, db, kind, before, size)
            yield from played
            if len(played) < size:
                break
            before = played[-1].row_id
            left = None if left is None else left - size
            context.database.give_way()


def event_of(stored: Mapping[str, Any]) -> Event:
    """The event that ``steps.event_json`` stored. Raises KeyError, TypeError or ValueError for anything it never stores."""
    kind, fields = stored["kind"], {name: value for name, value in stored.items() if name != "kind"}
    if kind == "Answered":
        reading = {**fields["reading"], "notes": tuple(fields["reading"]["notes"])}
        return Answered(Reading(**reading), fields["raw_key"])
    event: Event = _EVENTS[kind](**fields)
    return event


_EVENTS: Mapping[str, type[Begin | PinChecked | Shown | TimedOut]] = {
    one.__name__: one for one in (Begin, PinChecked, Shown, TimedOut)
}


def _batch(context: Context, db: Connection, kind: Kind, before: int | None, size: int) -> list[Replayed]:
    query, play = _KINDS[kind]
    done = []
    for row_id, group in groupby(db.execute(query(before, size)), key=lambda row: int(row.row_id)):
        rows = list(group)
        events = [row for row in rows if row.seq is not None]
        place = rows[0].place if isinstance(rows[0].place, dict) else {}
        verdict: Verdict = "same"
        why = ""
        try:
            _whole(events, rows[0].turns)
            play(context, db, row_id, place, events)
        except _Differs as fault:
            verdict, why = "different", str(fault)
        except _CannotPlay as fault:
            verdict, why = "not replayable", str(fault)
        done.append(Replayed(kind, row_id, str(place.get("conversation", "")), len(events), verdict, why))
    return done


def _newest(head: Table, before: int | None, size: int) -> Any:
    """The newest ``size`` rows of a table below an id; joined with their events so that no row is seen before its last event."""
    query = select(head).order_by(head.c.id.desc()).limit(size)
    return (query if before is None else query.where(head.c.id < before)).subquery()


def _dialogues(before: int | None, size: int) -> Select[Any]:
    one, event = _newest(dialogue, before, size), dialogue_event.c
    turns = null().label("turns")
    query = select(one.c.id.label("row_id"), one.c.place, turns, event.seq, event.channel, event.event, event.facts, event.at)
    return query.select_from(one.outerjoin(dialogue_event, event.dialogue_id == one.c.id)).order_by(one.c.id.desc(), event.seq)


def _dials(before: int | None, size: int) -> Select[Any]:
    one, event = _newest(dial, before, size), turn.c
    ussd = literal("ussd").label("channel")
    query = select(one.c.id.label("row_id"), one.c.place, one.c.turns, event.seq, ussd, event.event, event.facts, event.at)
    return query.select_from(one.outerjoin(turn, event.dial_id == one.c.id)).order_by(one.c.id.desc(), event.seq)


def _whole(events: Sequence[Row[Any]], expected: int | None) -> None:
    """No event is missing between the first and the last; a dial also knows how many there were."""
    count = max(len(events), 1) if expected is None else expected
    found = {row.seq for row in events}
    for no in range(1, count + 1):
        if no not in found:
            raise _Differs(f"event {no} is not stored")
    if len(events) > count:
        raise _Differs(f"event {count + 1} is one more than the dial counted")


def _definition(context: Context, db: Connection, place: Mapping[str, Any]) -> Conversation:
    try:
        return conversation_for(context, db, str(place["conversation"]), str(place["version"]))
    except (LookupError, ValueError):
        raise _Differs("the version of the conversation that it started on is not stored, or damaged") from None


def _step(conversation: Conversation, place: Dialogue | None, row: Row[Any]) -> Outcome:
    """One stored event with its stored facts."""
    try:
        outcome = engine.step(conversation, place, event_of(row.event), row.facts, row.channel)
    except engine.EngineFault as fault:
        raise _Differs(f"event {row.seq}: {fault}") from None
    except (AttributeError, KeyError, TypeError, ValueError) as fault:
        raise _Differs(f"event {row.seq} cannot be read ({type(fault).__name__})") from None
    if isinstance(outcome, Need):
        raise _Differs(f"event {row.seq}: the fact {outcome.name} is not stored")
    return outcome


def _same_place(place: Dialogue | None, stored: Mapping[str, Any]) -> None:
    """Raises with the name of the first field that differs."""
    reached = place.to_json() if place else {}
    data, stored_data = dict(reached.pop("data", {})), stored.get("data")
    for name in ("conversation", "version", "step", "unclear", "done"):
        if reached.get(name) != stored.get(name):
            raise _Differs(f"after the last event: {name} differs")
    if not isinstance(stored_data, dict):
        raise _Differs("after the last event: data differs")
    for name in sorted({*data, *stored_data}):
        if (name in data, data.get(name)) != (name in stored_data, stored_data.get(name)):
            raise _Differs(f"after the last event: data.{name} differs")


def _play_dialogue(context: Context, db: Connection, row_id: int, stored: Mapping[str, Any], events: Sequence[Row[Any]]) -> None:
    """The place, then the coded answers kept up to the last event read."""
    conversation = _definition(context, db, stored)
    place: Dialogue | None = None
    answers: list[tuple[int, str, str]] = []
    for row in events:
        outcome = _step(conversation, place, row)
        place = outcome.dialogue
        saved = [effect.args for effect in outcome.effects if effect.name == "save_answer"]
        answers += [(row.seq, one["question"], coded_answer(one["value"])) for one in saved]
    query = select(response.c.question, response.c.value).where(
        response.c.dialogue_id == row_id, response.c.at <= events[-1].at, response.c.corrected_by.is_(None)
    )
    kept = db.execute(query.order_by(response.c.at, response.c.id)).all()
    for (seq, *answer), one in zip(answers, kept, strict=False):
        if answer != [one.question, one.value]:
            raise _Differs(f"event {seq}: the answer to {answer[0]} is not the one that was kept")
    if len(answers) != len(kept):
        raise _Differs(f"{len(answers)} answers were given and {len(kept)} were kept")
    _same_place(place, stored)


def _play_dial(context: Context, db: Connection, row_id: int, stored: Mapping[str, Any], events: Sequence[Row[Any]]) -> None:
    """The dial's own menu, from the last time it began: a dial whose state was lost begins again with the menu of that day."""
    home = _definition(context, db, stored)
    begun = [no for no, row in enumerate(events) if isinstance(row.event, dict) and row.event.get("kind") == Begin.__name__]
    place: Dialogue | None = None
    for row in events[begun[-1] if begun else 0 :]:
        place = _turn(context, db, home, place, row)
    _same_place(place, stored)


def _turn(context: Context, db: Connection, home: Conversation, place: Dialogue | None, row: Row[Any]) -> Dialogue:
    """One turn: a stop in words leaves the menu where it is (S17), an open question takes its answer first (S12)."""
    answer = row.event.get("reading") if isinstance(row.event, dict) else None
    if place is not None and isinstance(answer, dict):
        if answer.get("intent") == "stop":
            return place
        if engine.at_resume(home, place) and not row.event.get("raw_key"):
            other = _taken_by_other(context, db, str(place.data.get("resume", "")), row)
            if other is not None and (other.replies or not other.dialogue.done):
                return replace(place, unclear=0, done=other.dialogue.done and other.replies[-1].ends)
    return _step(home, place, row).dialogue


def _taken_by_other(context: Context, db: Connection, reference: str, row: Row[Any]) -> Outcome | None:
    """What the open question made of this turn; None when it had closed meanwhile and took nothing."""
    other = dialogues.get(db, int(reference)) if reference.isdecimal() else None
    if other is None:
        raise _CannotPlay(f"event {row.seq} asked for a dialogue that is not stored")
    place: Dialogue | None = None
    try:
        conversation = _definition(context, db, other.place)
        for event in dialogues.events_of(db, other.id):
            outcome = _step(conversation, place, event)
            if event.channel == "ussd" and event.at == row.at:
                break
            place = outcome.dialogue
        else:
            return None
    except _Differs:
        raise _CannotPlay(f"event {row.seq} was answered in dialogue {other.id}, which cannot be played") from None
    if event.event != row.event:
        raise _Differs(f"event {row.seq} is not what dialogue {other.id} was given as its event {event.seq}")
    return outcome


_KINDS: Mapping[Kind, tuple[Callable[[int | None, int], Select[Any]], Callable[..., None]]] = {
    "dialogue": (_dialogues, _play_dialogue),
    "dial": (_dials, _play_dial),
}
