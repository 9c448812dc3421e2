"""The engine: one pure function takes a dialogue and an event to the next dialogue, its replies and its effects.

``step`` may pass through several steps in one call (fetch, branch, say). It returns a ``Need`` when a fact is
missing; the caller fetches it, adds it to ``facts[name]`` and calls again with the *same* dialogue and event. A fact
is used at most once in a call, so a command (remind, move, cancel) is carried out once and its stored result makes
the step repeatable (design decision 5).

What the host owes the engine
- Stop, start, help, code word, wrong person, language words and crisis are the host's; here they change nothing (on
  USSD the screen is shown again).
- Effects are applied in order and in the same transaction, ``set_language`` before the replies are rendered.
  ``EFFECTS`` lists them.
- On USSD a reply with ``ends`` closes the dial (END), any other keeps it open (CON).
- A PIN turn arrives as ``PinChecked``, never as digits; what is not four digits arrives as ``Answered`` and shows the
  screen again.
- ``Begin`` on a running dialogue starts a new one. A dialogue that is done takes no event: nothing happens.

Answering questions inside a dial (S12). When the home dialogue stands at a ``resume`` step, ``wants`` is kind ``none``,
``at_resume`` is true and ``dialogue.data["resume"]`` holds the reference of another dialogue:
(a) the host calls ``step(other, other_dialogue, Shown(), facts, "ussd")`` and sends that screen;
(b) the next input, if ``0`` or ``00``, goes to the home dialogue as ``Answered`` with its ``raw_key``; any other is
    read against ``wants(other, other_dialogue)`` and stepped there. Not done: its reply is the screen. Done with a
    reply: that reply ends the dial;
(c) done without a reply (or the question was closed meanwhile): ``step(home, home_dialogue, Answered(reading))`` goes
    on to the next open question or to the last screen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from sms_service.conversation import paging
from sms_service.conversation.definition import END, Ask, Branch, Conversation, EffectSpec, Fetch, Pin, Resume, Say, Way
from sms_service.conversation.definition import Step as StepDefinition
from sms_service.conversation.types import (
    Begin,
    Channel,
    Dialogue,
    Effect,
    Event,
    Need,
    Outcome,
    PinChecked,
    Reply,
    Shown,
    TimedOut,
)
from sms_service.conversation.vocabulary import EFFECTS, MAX_HOPS, MAX_UNCLEAR
from sms_service.text.reply_types import Expectation, Option, Reading

__all__ = ["EFFECTS", "EngineFault", "at_resume", "step", "wants"]

_REFUSED = object()
_FIRST_TIME = 100  # 01:00 as a number; below it only the keys of options count
_LAST_TIME = 2359


class EngineFault(ValueError):
    """The caller's or the definition's mistake: wrong version, missing argument, a fact that breaks its shape. Nothing
    has changed.
    """


def wants(conversation: Conversation, dialogue: Dialogue) -> Expectation:
    """What the next input should be read against; kind ``none`` when no question is open."""
    if dialogue.done:
        return Expectation()
    current = _current(conversation, dialogue)
    if isinstance(current, Pin):
        return Expectation("pin")
    if not isinstance(current, Ask):
        return Expectation()
    if current.answer == "list":
        return Expectation("options", options=paging.page_of(dialogue.data, current.source).options())
    options = tuple(Option(one.number, str(one.value), one.labels) for one in current.offered(dialogue.data))
    if current.page and current.page_at(dialogue.data).more:
        options += (Option(paging.MORE_KEY, paging.MORE),)
    if current.answer == "time" and options:
        # one key stands beside four digits (1 = same time), so both are read as one number
        return Expectation("number", 1, _LAST_TIME)
    return Expectation(current.answer, current.low, current.high, options)


def at_resume(conversation: Conversation, dialogue: Dialogue) -> bool:
    """Is another dialogue to be shown and answered here?"""
    return not dialogue.done and isinstance(_current(conversation, dialogue), Resume)


def step(
    conversation: Conversation,
    dialogue: Dialogue | None,
    event: Event,
    facts: Mapping[str, Any],
    channel: Channel,
) -> Outcome | Need:
    """Take one event. Raises ``EngineFault`` only for a wrong call, never for anything a participant can do."""
    if isinstance(event, Begin):
        missing = sorted(name for name, kind in conversation.args.items() if kind != "flag" and name not in event.data)
        if missing:
            raise EngineFault(f"conversation '{conversation.name}' cannot begin without {', '.join(missing)}")
        return _Run(conversation, dict(event.data), facts, channel).enter(conversation.start)
    if dialogue is None:
        raise EngineFault(f"conversation '{conversation.name}' has no dialogue to give this event to: begin it first")
    current = _current(conversation, dialogue)
    if dialogue.done:
        return Outcome(dialogue)
    if isinstance(event, TimedOut):
        return Outcome(_at(dialogue, done=True))
    run = _Run(conversation, dict(dialogue.data), facts, channel)
    if isinstance(event, Shown):
        return run.show(dialogue, current)
    if isinstance(event, PinChecked):
        return run.pin(dialogue, current, event)
    # on USSD 0 and 00 are never answers (V6, S12); by SMS a 0 may be a number's answer and is read like any other text
    if channel == "ussd" and event.raw_key:
        if event.raw_key == "00" and isinstance(current, Ask) and current.page_at(run.data).number:
            return run.turn(current, -1)
        target = _way_out(conversation, current, event.raw_key)
        return run.enter(target) if target else run.show(dialogue, current)
    if isinstance(current, Resume):
        return run.resumed(current)
    if isinstance(current, Ask):
        return run.answer(dialogue, current, event.reading)
    return run.show(dialogue, current)


def _way_out(conversation: Conversation, current: StepDefinition, key: str) -> str:
    """Where 0 and 00 lead (S12), empty where this conversation leaves that to the dial around it."""
    if key == "0":
        return conversation.exit
    own = current.back if isinstance(current, Ask) else ""
    return own or conversation.home


def _current(conversation: Conversation, dialogue: Dialogue) -> StepDefinition:
    if dialogue.conversation != conversation.name or dialogue.version != conversation.fingerprint:
        raise EngineFault(
            f"the dialogue runs '{dialogue.conversation}' version {dialogue.version[:8]}, "
            f"not '{conversation.name}' version {conversation.fingerprint[:8]}: hand in the definition it started on"
        )
    found = conversation.steps.get(dialogue.step)
    if found is None:
        raise EngineFault(f"conversation '{conversation.name}' has no step '{dialogue.step}'")
    return found


def _at(dialogue: Dialogue, *, unclear: int = 0, done: bool = False) -> Dialogue:
    return Dialogue(dialogue.conversation, dialogue.version, dialogue.step, dialogue.data, unclear, done)


class _Run:
    """One call of the engine: the working copy of the data, and the replies and effects gathered on the way."""

    def __init__(self, conversation: Conversation, data: dict[str, Any], facts: Mapping[str, Any], channel: Channel) -> None:
        self.conversation = conversation
        self.data = data
        self.facts = facts
        self.channel: Channel = channel
        self.replies: list[Reply] = []
        self.effects: list[Effect] = []
        self.used: set[str] = set()

    def enter(self, target: str) -> Outcome | Need:
        """Go on from ``target`` until a person must act, a fact is missing or the dialogue is done; bounded (I22)."""
        last = self.conversation.start
        for _ in range(MAX_HOPS):
            if target == END:
                return self._outcome(last, done=True)
            last = target
            found = self.conversation.steps.get(target)
            if isinstance(found, Fetch):
                fact = self._fact(found)
                if isinstance(fact, Need):
                    return fact
                target = self._keep(found, fact)
            elif isinstance(found, Branch):
                target = found.yes if self.data.get(found.flag) else found.no
            elif isinstance(found, Pin) and self.data.get("person"):
                target = found.next
            elif isinstance(found, Ask) and found.answer == "list" and len(only := paging.entries(self.data, found.source)) == 1:
                target = self._take(found, only[0], found.way)
            elif found is None:
                raise EngineFault(f"conversation '{self.conversation.name}' has no step '{target}'")
            else:
                return self._arrive(found)
        raise EngineFault(f"conversation '{self.conversation.name}' passed {MAX_HOPS} steps without asking anything (I22)")

    def show(self, dialogue: Dialogue, current: StepDefinition) -> Outcome:
        """The current text or screen again; nothing else changes, not even the count of unclear answers."""
        if isinstance(current, Ask):
            self._question(current)
        elif isinstance(current, Pin):
            self._say(current.ask)
        return Outcome(dialogue, tuple(self.replies))

    def turn(self, ask: Ask, pages: int) -> Outcome:
        """The next page of a long list or menu (1), or the one before (-1)."""
        self.data[paging.PLACE] = ask.page_at(self.data).number + pages
        self._question(ask)
        return self._outcome(ask.name)

    def pin(self, dialogue: Dialogue, current: StepDefinition, event: PinChecked) -> Outcome | Need:
        """S11: right goes on as that person, wrong asks again, locked ends; the texts never say more than that."""
        if not isinstance(current, Pin):
            return self.show(dialogue, current)
        if event.verdict == "right":
            self.data["person"] = event.person
            return self.enter(current.next)
        locked = event.verdict == "locked"
        self._say(current.locked if locked else current.wrong, ends=locked)
        return self._outcome(current.name, done=locked)

    def resumed(self, current: Resume) -> Outcome | Need:
        """The other dialogue is done with: go on, and remember that something was answered."""
        self.data.pop("resume", None)
        if current.flag:
            self.data[current.flag] = True
        return self.enter(current.next)

    def answer(self, dialogue: Dialogue, ask: Ask, reading: Reading) -> Outcome | Need:
        """A reply to the open question: taken, not understood, or not meant for the engine."""
        value, way = self._accept(ask, reading)
        if value == paging.MORE:
            return self.turn(ask, 1) if self.channel == "ussd" else self._unclear(dialogue, ask)
        if value is not _REFUSED:
            return self.enter(self._take(ask, value, way))
        if self.channel == "ussd":
            return self.show(dialogue, ask)
        if reading.intent in ("unclear", "answer", "dont_know"):
            return self._unclear(dialogue, ask)
        return Outcome(dialogue)

    def _accept(self, ask: Ask, reading: Reading) -> tuple[Any, Way]:
        if reading.intent == "dont_know" and ask.answer == "yesno":
            return None, (ask.ways or {}).get("dont_know", ask.way)
        if reading.intent != "answer":
            return _REFUSED, ask.way
        value = reading.value
        if ask.answer == "yesno":
            if not isinstance(value, bool):
                return _REFUSED, ask.way
            return value, (ask.ways or {}).get("yes" if value else "no", ask.way)
        if ask.answer == "time" and ask.choices and type(value) is int:
            value = self._time_or_option(ask, value)
        for choice in ask.offered(self.data):
            if isinstance(value, str) and value == str(choice.value):
                return choice.value, choice.way
        return (value if self._fits(ask, value) else _REFUSED), ask.way

    def _time_or_option(self, ask: Ask, number: int) -> str:
        if _FIRST_TIME <= number <= _LAST_TIME:
            return f"{number:04d}"
        return next((str(choice.value) for choice in ask.choices if choice.number == number), "")

    def _fits(self, ask: Ask, value: Any) -> bool:
        if ask.answer in ("scale", "number"):
            return isinstance(value, int) and not isinstance(value, bool) and ask.low <= value <= ask.high
        if ask.answer in ("date", "time"):
            return isinstance(value, str) and len(value) == 4 and value.isascii() and value.isdigit()
        page = ask.page_at(self.data)
        return isinstance(value, str) and (value in page.codes or (page.more and value == paging.MORE))

    def _take(self, ask: Ask, value: Any, way: Way) -> str:
        if ask.save:
            self.data[ask.save] = value
        if ask.record:
            self.effects.append(Effect("save_answer", {"question": ask.record, "value": value}))
        self._act(way.effects)
        return way.next

    def _unclear(self, dialogue: Dialogue, ask: Ask) -> Outcome:
        """V13 at most twice in a row, then a task for a person, once, and never a third text."""
        if dialogue.unclear < MAX_UNCLEAR:
            self.replies.append(Reply("not_understood", {"choices": self._choices(ask)}))
        elif dialogue.unclear == MAX_UNCLEAR:
            self.effects.append(Effect("unclear_task"))
        count = min(dialogue.unclear + 1, MAX_UNCLEAR + 1)
        return Outcome(_at(dialogue, unclear=count), tuple(self.replies), tuple(self.effects))

    def _choices(self, ask: Ask) -> list[int] | str:
        if ask.answer == "yesno":
            return [1, 2]
        if ask.answer == "number":
            return f"{ask.low}-{ask.high}"
        scale = list(range(ask.low, ask.high + 1)) if ask.answer == "scale" else []
        return scale + [choice.number for choice in ask.offered(self.data)]

    def _arrive(self, found: StepDefinition) -> Outcome:
        if isinstance(found, Say):
            self._act(found.effects)
            self._say(found.message.key(self.channel, self.data), found.message.values, ends=True)
        elif isinstance(found, Ask):
            if found.answer == "list" and not paging.entries(self.data, found.source):
                raise EngineFault(f"step '{found.name}' has an empty list in '{found.source}': its fact must say none instead")
            self.data.pop(paging.PLACE, None)
            self._question(found)
        elif isinstance(found, Pin):
            self._say(found.ask)
        return self._outcome(found.name, done=isinstance(found, Say))

    def _fact(self, fetch: Fetch) -> Mapping[str, Any] | Need:
        if fetch.fact in self.used:
            raise EngineFault(f"step '{fetch.name}' needs fact '{fetch.fact}' a second time without a question between")
        self.used.add(fetch.fact)
        if fetch.fact not in self.facts:
            return Need(fetch.fact, {name: self._drawn(value) for name, value in fetch.args.items()})
        fact = self.facts[fetch.fact]
        if not isinstance(fact, Mapping) or fact.get("result") not in fetch.cases:
            raise EngineFault(f"fact '{fetch.fact}' for step '{fetch.name}' needs a result of {', '.join(sorted(fetch.cases))}")
        return cast("Mapping[str, Any]", fact)

    def _keep(self, fetch: Fetch, fact: Mapping[str, Any]) -> str:
        for name, source in fetch.keep.items():
            if source in fact:
                self.data[name] = fact[source]
        return fetch.cases[fact["result"]]

    def _act(self, effects: tuple[EffectSpec, ...]) -> None:
        for effect in effects:
            self.effects.append(Effect(effect.name, {name: self._drawn(value) for name, value in effect.args.items()}))

    def _drawn(self, value: Any) -> Any:
        if isinstance(value, str) and value.startswith("$"):
            return self.data.get(value[1:])
        return value

    def _question(self, ask: Ask) -> None:
        paged = {paging.MENU if ask.page else ask.source: ask.page_at(self.data).shown()} if ask.page or ask.source else {}
        key, values = ask.message.key(self.channel, self.data), ask.message.values
        self._say(key, values, given={name: one for name, one in paged.items() if name in values or self.channel == "ussd"})

    def _say(self, key: str, values: tuple[str, ...] = (), *, ends: bool = False, given: Mapping[str, Any] | None = None) -> None:
        if not key:
            return
        missing = [name for name in values if name not in self.data]
        if missing:
            raise EngineFault(f"text '{key}' of conversation '{self.conversation.name}' lacks {', '.join(missing)}")
        self.replies.append(Reply(key, {**{name: self.data[name] for name in values}, **(given or {})}, ends))

    def _outcome(self, at: str, *, done: bool = False) -> Outcome:
        dialogue = Dialogue(self.conversation.name, self.conversation.fingerprint, at, self.data, 0, done)
        return Outcome(dialogue, tuple(self.replies), tuple(self.effects))
