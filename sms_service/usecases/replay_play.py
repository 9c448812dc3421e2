"""Playing what a batch read: the stored events with their stored facts, step by step, and the texts they led to. No database.

Raises ``Differs`` with the first place where the rows tell something else, ``CannotPlay`` where something it needs is not kept.
Both name codes, steps and fields only, never a value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from sms_service.conversation import engine
from sms_service.conversation.definition import Conversation
from sms_service.conversation.render import render
from sms_service.conversation.types import (
    Answered,
    Begin,
    Channel,
    Dialogue,
    Event,
    Need,
    Outcome,
    Reply,
    Shown,
)
from sms_service.conversation.words import Words, WordsFault
from sms_service.security.vault import Unsealable, Vault
from sms_service.usecases.effects import coded_answer
from sms_service.usecases.replay_read import Batch, Stored, Versions
from sms_service.usecases.steps import event_of

_TEMPLATES = {"not_understood": "V13", "call_ack": "V10"}  # as the outbox names a dialogue's own replies
_THANKS, _STOPPED = Reply("thanks", ends=True), Reply("stopped_short", ends=True)


class Differs(Exception):
    """The stored events do not lead where the row stands, or to the text that is stored."""


class CannotPlay(Exception):
    """Something it depends on is not kept, or is another dialogue that differs (and is reported in its own place)."""


@dataclass(frozen=True, slots=True)
class Input:
    """One stored event, ready to be given to the engine. ``at`` is aware UTC."""

    seq: int
    channel: Channel
    event: Event
    facts: Mapping[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True)
class Said:
    """What a turn shows: the reply, and whose words it is in; None for the service's own texts. ``lacks`` says why that is not
    known.
    """

    reply: Reply
    words: Words | None
    lacks: str = ""


@dataclass(frozen=True, slots=True)
class Taken:
    """One step played: where it led, and what the engine made of it (nothing where the menu stayed as it was)."""

    place: Dialogue
    outcome: Outcome | None
    said: Said | None


def inputs_of(stored: Stored) -> list[Input]:
    """The events in order, none missing between the first and the last; a dial also knows how many there were."""
    turns = stored.head.turns if stored.kind == "dial" else None
    count = max(len(stored.events), 1) if turns is None else turns
    found = {row.seq for row in stored.events}
    for no in range(1, count + 1):
        if no not in found:
            raise Differs(f"event {no} is not stored")
    if len(stored.events) > count:
        raise Differs(f"event {count + 1} is one more than the dial counted")
    return [_input(row, "ussd" if stored.kind == "dial" else row.channel) for row in stored.events]


def _input(row: Row[Any], channel: Channel) -> Input:
    try:
        return Input(row.seq, channel, event_of(row.event), row.facts, row.at)
    except (AttributeError, KeyError, TypeError, ValueError) as fault:
        raise Differs(f"event {row.seq} cannot be read ({type(fault).__name__})") from None


def definition_of(known: Versions, stored: Stored) -> Conversation:
    """The version it is pinned to."""
    conversation = known.of(stored.place).conversation
    if conversation is None:
        raise Differs("the version of the conversation that it started on is not stored, or damaged")
    return conversation


def step(conversation: Conversation, place: Dialogue | None, given: Input) -> Outcome:
    """One stored event with its stored facts."""
    try:
        outcome = engine.step(conversation, place, given.event, given.facts, given.channel)
    except engine.EngineFault as fault:
        raise Differs(f"event {given.seq}: {fault}") from None
    except (AttributeError, KeyError, TypeError, ValueError) as fault:
        raise Differs(f"event {given.seq} cannot be read ({type(fault).__name__})") from None
    if isinstance(outcome, Need):
        raise Differs(f"event {given.seq}: the fact {outcome.name} is not stored")
    return outcome


def same_place(place: Dialogue | None, stored: Mapping[str, Any]) -> None:
    """Raises with the name of the first field that differs."""
    reached = place.to_json() if place else {}
    data, stored_data = dict(reached.pop("data", {})), stored.get("data")
    for name in ("conversation", "version", "step", "unclear", "done"):
        if reached.get(name) != stored.get(name):
            raise Differs(f"after the last event: {name} differs")
    if not isinstance(stored_data, dict):
        raise Differs("after the last event: data differs")
    for name in sorted({*data, *stored_data}):
        if (name in data, data.get(name)) != (name in stored_data, stored_data.get(name)):
            raise Differs(f"after the last event: data.{name} differs")


def answers_in(outcome: Outcome) -> list[tuple[str, str]]:
    """The coded answers a step saves: question and value."""
    saved = (effect.args for effect in outcome.effects if effect.name == "save_answer")
    return [(str(one["question"]), coded_answer(one["value"])) for one in saved]


class Player:
    """Plays the dialogues and dials of one batch after another; ``vault`` opens the stored texts."""

    def __init__(self, vault: Vault, known: Versions) -> None:
        self.known = known
        self._open = vault.open
        self._batch = Batch([], {})
        self._courses: dict[int, list[tuple[Input, Outcome]]] = {}

    def use(self, batch: Batch) -> None:
        """Go on with this batch."""
        self._batch = batch
        self._courses = {}

    def play(self, stored: Stored) -> None:
        """Play one dialogue or dial; returns if everything follows, to the last character of every text that is kept."""
        if stored.kind == "dialogue":
            self._dialogue(stored)
        else:
            self._dial(stored)

    # a dialogue: its place, the coded answers kept up to the last event read, then its texts

    def _dialogue(self, stored: Stored) -> None:
        inputs = inputs_of(stored)
        conversation = definition_of(self.known, stored)
        course: list[tuple[Input, Outcome]] = []
        place: Dialogue | None = None
        answers: list[tuple[int, str, str]] = []
        for given in inputs:
            outcome = step(conversation, place, given)
            place = outcome.dialogue
            course.append((given, outcome))
            answers += [(given.seq, *answer) for answer in answers_in(outcome)]
        moments = {given.at for given in inputs}
        # an answer that staff attached belongs to no event; one they corrected keeps its moment and no longer its value
        kept = [row for row in stored.answers if row.corrected_by is None or row.at in moments]
        for (seq, question, value), one in zip(answers, kept, strict=False):
            if question != one.question or (value != one.value and one.corrected_by is None):
                raise Differs(f"event {seq}: the answer to {question} is not the one that was kept")
        if len(answers) != len(kept):
            raise Differs(f"{len(answers)} answers were given and {len(kept)} were kept")
        same_place(place, stored.place)
        for row in stored.texts:
            self._text(stored, conversation, course, row)

    def _text(self, stored: Stored, conversation: Conversation, course: Sequence[tuple[Input, Outcome]], row: Row[Any]) -> None:
        """A text of the dialogue is the reply to the last text read before it, or the question that stood when it was made."""
        before = [(given, outcome) for given, outcome in course if given.at <= row.created_at]
        if row.kind == "reply":
            before = [one for one in before if one[0].channel == "sms"]
        if not before or not row.body:
            return
        given, outcome = before[-1]
        if row.kind != "reply":
            shown = engine.step(conversation, outcome.dialogue, Shown(), {}, "sms")
            replies = [*outcome.replies[:1], *(shown.replies[:1] if isinstance(shown, Outcome) else ())]
        elif _own_reply(given, outcome, row.template):
            replies = list(outcome.replies[:1])
        else:
            return  # the service's own words: an acknowledgement that went before whatever the dialogue had to say
        self._worded(stored)
        written = self._opened("outbox", "body", row.id, row.body, given.seq)
        if written not in (_filled(conversation.words, row.language, reply, "sms") for reply in replies):
            raise Differs(f"text differs at event {given.seq} ({row.template})")

    def _worded(self, stored: Stored) -> None:
        if not self.known.of(stored.place).worded:
            raise CannotPlay("words not kept")

    def _opened(self, table: str, column: str, row_id: int, blob: bytes, seq: int) -> str:
        try:
            return self._open(table, column, row_id, blob)
        except Unsealable:
            raise Differs(f"text at event {seq} cannot be opened") from None

    # a dial: its menu, from the last time it began, because a dial whose state was lost begins again with the menu of that day

    def _dial(self, stored: Stored) -> None:
        inputs = inputs_of(stored)
        home = definition_of(self.known, stored)
        begun = [no for no, given in enumerate(inputs) if isinstance(given.event, Begin)]
        place: Dialogue | None = None
        language = str(stored.head.language)
        lacks = ""
        for given, row in list(zip(inputs, stored.events, strict=True))[begun[-1] if begun else 0 :]:
            taken = self.turn(home, place, given)
            place = taken.place
            try:
                language = self._screen(stored, taken.said, given, row, language) if row.screen and taken.said else language
            except CannotPlay as fault:  # the way goes on without the text, and may differ
                lacks = lacks or str(fault)
        same_place(place, stored.place)
        if lacks:
            raise CannotPlay(lacks)

    def turn(self, home: Conversation, place: Dialogue | None, given: Input) -> Taken:
        """One turn: a stop in words leaves the menu where it is (S17), an open question takes its answer first (S12)."""
        event = given.event
        if place is not None and isinstance(event, Answered):
            if event.reading.intent == "stop":
                return Taken(place, None, Said(_STOPPED, None))
            if engine.at_resume(home, place) and not event.raw_key:
                found = self._taken_by_other(str(place.data.get("resume", "")), given)
                if found is not None and (found[1].replies or not found[1].dialogue.done):
                    words, other = found
                    ended = other.dialogue.done and other.replies[-1].ends
                    return Taken(replace(place, unclear=0, done=ended), other, _said(words, other))
        outcome = step(home, place, given)
        return Taken(outcome.dialogue, outcome, self._shown(home, outcome, given))

    def _shown(self, home: Conversation, outcome: Outcome, given: Input) -> Said:
        """The screen after a step of the menu: where another dialogue is to be answered, that dialogue's question."""
        if not engine.at_resume(home, outcome.dialogue):
            return _said(home.words, outcome)
        try:
            other, course = self._course(str(outcome.dialogue.data.get("resume", "")), given)
        except CannotPlay as fault:
            return Said(_THANKS, None, str(fault))
        places = [taken.dialogue for one, taken in course if one.at <= given.at]
        shown = engine.step(other, places[-1], Shown(), {}, "ussd") if places else None
        if not isinstance(shown, Outcome):
            return Said(_THANKS, None, f"event {given.seq} shows a dialogue that had not begun")
        return _said(other.words, shown)

    def _taken_by_other(self, reference: str, given: Input) -> tuple[Words, Outcome] | None:
        """What the open question made of this turn; None when it had closed meanwhile and took nothing."""
        other, course = self._course(reference, given)
        for one, outcome in course:
            if one.channel == "ussd" and one.at == given.at:
                if one.event != given.event:
                    raise Differs(f"event {given.seq} is not what dialogue {reference} was given as its event {one.seq}")
                return other.words, outcome
        return None

    def _course(self, reference: str, given: Input) -> tuple[Conversation, list[tuple[Input, Outcome]]]:
        """Another dialogue of the batch, played to its end once."""
        stored = self._batch.others.get(int(reference)) if reference.isdecimal() else None
        if stored is None:
            raise CannotPlay(f"event {given.seq} asked for a dialogue that is not stored")
        try:
            conversation = definition_of(self.known, stored)
            course = self._courses.get(stored.head.id)
            if course is None:
                course = self._courses[stored.head.id] = list(_played(conversation, inputs_of(stored)))
        except Differs:
            raise CannotPlay(f"event {given.seq} needs dialogue {reference}, which cannot be played") from None
        return conversation, course

    def _screen(self, stored: Stored, said: Said, given: Input, row: Row[Any], language: str) -> str:
        """The language the stored screen is in: a turn does not keep it, so it is the one whose words are these."""
        if said.lacks:
            raise CannotPlay(said.lacks)
        written = self._opened("turn", "screen", row.id, row.screen, given.seq)
        if said.words is not None:
            self._worded(stored)
        wordings = [said.words] if said.words is not None else self.known.notices
        if not wordings:
            raise CannotPlay("words not kept")
        for words in wordings:
            if _filled(words, language, said.reply, "ussd") == written:
                return language
        for words in wordings:
            for other in words.languages:
                if _filled(words, other, said.reply, "ussd") == written:
                    return other
        raise Differs(f"text differs at event {given.seq}")


def _played(conversation: Conversation, inputs: Sequence[Input]) -> Iterator[tuple[Input, Outcome]]:
    place: Dialogue | None = None
    for given in inputs:
        outcome = step(conversation, place, given)
        place = outcome.dialogue
        yield given, outcome


def _said(words: Words, outcome: Outcome) -> Said:
    return Said(outcome.replies[-1], words) if outcome.replies else Said(_THANKS, None)


def _own_reply(given: Input, outcome: Outcome, template: str) -> bool:
    """Whether the reply was the dialogue's own: not the acknowledgement of a crisis text, which goes before (S22)."""
    if not outcome.replies or (isinstance(given.event, Answered) and given.event.reading.alert != "none"):
        return False
    key = outcome.replies[0].key
    return _TEMPLATES.get(key, key) == template


def _filled(words: Words, language: str, reply: Reply, channel: Channel) -> str | None:
    """The text in this language; None if it has none, which is no text that was ever sent."""
    try:
        return render(words, language, reply, channel)
    except WordsFault:
        return None
