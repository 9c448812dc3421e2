"""Is each step of a conversation whole: its answers, facts, effects, flags, and the values of its texts?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sms_service.conversation.definition import (
    END,
    Ask,
    Branch,
    Conversation,
    EffectSpec,
    Fetch,
    Message,
    Pin,
    Resume,
    Say,
    Step,
)
from sms_service.conversation.faults import Fault
from sms_service.conversation.graph import edges, known_on_arrival
from sms_service.conversation.types import Channel
from sms_service.conversation.vocabulary import EFFECTS, FACTS, NOTICES, Kind
from sms_service.conversation.words import Words


@dataclass(frozen=True, slots=True)
class Use:
    """One text shown at one place: by which file and step, on which channel, with values of which kinds."""

    file: str
    step: str
    key: str
    channel: Channel
    text_class: str
    values: Mapping[str, Kind]


def fields_of(conversation: Conversation) -> dict[str, Kind]:
    """Every field a dialogue may hold that the service itself put there, with its kind; never a person's own answer."""
    fields: dict[str, Kind] = {"person": "code", **conversation.args}
    for step in conversation.steps.values():
        if isinstance(step, Fetch) and step.fact in FACTS:
            shape = FACTS[step.fact].fields
            fields.update({name: shape[source] for name, source in step.keep.items() if source in shape})
        elif isinstance(step, Ask) and step.answer == "list" and step.save:
            fields[step.save] = "code"
        elif isinstance(step, Resume) and step.flag:
            fields[step.flag] = "flag"
    return fields


def answers_of(conversation: Conversation) -> set[str]:
    """Fields that hold what a person answered; they are never shown again (S5)."""
    asks = (step for step in conversation.steps.values() if isinstance(step, Ask) and step.answer != "list")
    return {ask.save for ask in asks if ask.save}


def uses_of(conversation: Conversation) -> list[Use]:
    """Where each text of the catalogue is shown by this conversation."""
    fields = fields_of(conversation)
    found: list[Use] = []

    def use(step: str, key: str, channel: Channel, values: tuple[str, ...] = ()) -> None:
        kinds = {name: fields[name] for name in values if name in fields}
        found.append(Use(conversation.file, step, key, channel, conversation.text_class, kinds))

    for step in conversation.steps.values():
        if isinstance(step, Ask | Say):
            for channel, key in step.message.shown():
                use(step.name, key, channel, step.message.values)
        elif isinstance(step, Pin):
            for key in (step.ask, step.wrong, step.locked):
                use(step.name, key, "ussd")
    if "sms" in conversation.channels:
        kinds: Mapping[str, Kind] = NOTICES["not_understood"]
        found.append(Use(conversation.file, "", "not_understood", "sms", conversation.text_class, kinds))
    return found


def check_steps(conversation: Conversation, words: Words) -> list[Fault]:
    """The faults of every step, each with what was expected."""
    checker = _Checker(conversation, words)
    reasons = [(step.name, reason) for step in conversation.steps.values() for reason in checker.reasons(step)]
    if "ussd" in conversation.channels and conversation.closes == "dial":
        if not (conversation.exit and conversation.home):
            reasons.append(("", "a dial needs 'exit' and 'home': 0 and 00 must lead somewhere (S12)"))
        silent_ends = {edge.source for edge in edges(conversation) if edge.target == END}
        reasons.extend((name, "ends without a last screen: on a dial every way ends in a 'say'") for name in silent_ends)
    return [Fault(conversation.file, step, "", reason) for step, reason in reasons]


class _Checker:
    def __init__(self, conversation: Conversation, words: Words) -> None:
        self.conversation = conversation
        self.words = words
        self.fields = fields_of(conversation)
        self.answers = answers_of(conversation)
        self.known = known_on_arrival(conversation)

    def reasons(self, step: Step) -> Iterator[str]:
        if isinstance(step, Ask):
            yield from self._message(step.name, step.message, needed=True)
            yield from self._ask(step)
            for way in (step.way, *(step.ways or {}).values(), *(choice.way for choice in step.choices)):
                yield from self._effects(way.effects)
        elif isinstance(step, Say):
            yield from self._message(step.name, step.message, needed=self.conversation.closes == "dial")
            yield from self._effects(step.effects)
        elif isinstance(step, Fetch):
            yield from self._fetch(step)
        elif isinstance(step, Branch):
            yield from self._flag(step.flag)
        elif "ussd" not in self.conversation.channels:
            yield "PIN and resume steps belong to USSD only (S11)"

    def _message(self, name: str, message: Message, *, needed: bool) -> Iterator[str]:
        for channel, key in (("sms", message.sms), ("ussd", message.ussd)):
            if channel in self.conversation.channels and needed and not key:
                yield f"has no '{channel}' text, but the conversation runs on {channel}"
            if channel not in self.conversation.channels and key:
                yield f"has a '{channel}' text, but the conversation does not run on {channel}"
        for flag, _ in message.ussd_when:
            yield from self._flag(flag)
        for value in message.values:
            if value in self.answers:
                yield f"shows '{value}', which a person answered: an answer is never repeated to a phone (S5)"
            elif value not in self.fields:
                yield f"value '{value}' is neither an argument nor kept from a fact"
            elif value not in self.known.get(name, frozenset(self.fields)):
                yield f"value '{value}' is not known on every way to this step"

    def _ask(self, ask: Ask) -> Iterator[str]:
        numbers = [choice.number for choice in ask.choices]
        values = [str(choice.value) for choice in ask.choices]
        if len(set(numbers)) < len(numbers) or len(set(values)) < len(values):
            yield "an option number or value is given twice"
        if ask.answer == "options" and not ask.choices:
            yield "answer 'options' needs [[options]]"
        if ask.answer in ("yesno", "list", "date", "number") and ask.choices:
            yield f"answer '{ask.answer}' takes no options"
        if ask.answer != "yesno" and ask.ways:
            yield "'yes', 'no' and 'dont_know' belong to answer 'yesno'"
        if ask.answer in ("scale", "number") and not 0 <= ask.low < ask.high <= 9999:
            yield f"answer '{ask.answer}' needs 'low' below 'high', from 0 to 9999"
        if ask.answer in ("scale", "number") and ask.low == 0 and "ussd" in self.conversation.channels:
            yield "'low' is 0, but on USSD 0 always leaves (S12): begin at 1"
        if ask.answer == "scale" and any(ask.low <= number <= ask.high for number in numbers):
            yield "an option has a number of the scale"
        if ask.answer == "list" and (self.fields.get(ask.source) != "list" or not ask.save):
            yield "answer 'list' needs 'source', a list kept from a fact, and 'save'"
        if ask.answer in ("list", "date", "time") and "sms" in self.conversation.channels:
            yield f"answer '{ask.answer}' works on USSD only"
        for choice in ask.choices:
            yield from self._choice(choice.number, choice.label, choice.only_if)

    def _choice(self, number: int, label: str, only_if: str) -> Iterator[str]:
        if only_if:
            yield from self._flag(only_if)
        if not label and "sms" in self.conversation.channels:
            yield f"option {number} needs a 'label', so that its words can be read in a reply"
        if label:
            for language in self.words.languages:
                if label not in self.words.option_labels.get(language, {}):
                    yield f"label '{label}' of option {number} is missing in language {language}"

    def _fetch(self, fetch: Fetch) -> Iterator[str]:
        shape = FACTS.get(fetch.fact)
        if shape is None:
            yield f"unknown fact '{fetch.fact}': expected {', '.join(sorted(FACTS))}"
            return
        if set(fetch.cases) != shape.results:
            yield f"'cases' must be exactly {', '.join(sorted(shape.results))}, the results of '{fetch.fact}'"
        if set(fetch.args) != shape.args:
            yield f"'args' must be exactly {', '.join(sorted(shape.args))}, the arguments of '{fetch.fact}'"
        for source in sorted(set(fetch.keep.values()) - set(shape.fields)):
            yield f"'keep' names '{source}', which fact '{fetch.fact}' does not carry"
        yield from self._drawn(fetch.args)

    def _effects(self, effects: tuple[EffectSpec, ...]) -> Iterator[str]:
        for effect in effects:
            expected = EFFECTS.get(effect.name)
            if expected is None:
                yield f"unknown effect '{effect.name}': expected {', '.join(sorted(EFFECTS))}"
            elif set(effect.args) != expected:
                yield f"effect '{effect.name}' takes exactly: {', '.join(sorted(expected)) or 'nothing'}"
            elif effect.name == "set_language" and effect.args["language"] not in self.words.languages:
                yield f"effect 'set_language' names '{effect.args['language']}', for which there are no words"
            yield from self._drawn(effect.args)

    def _drawn(self, args: Mapping[str, Any]) -> Iterator[str]:
        for value in args.values():
            if isinstance(value, str) and value.startswith("$") and value[1:] not in {*self.fields, *self.answers}:
                yield f"'{value}' draws on a field that no step and no argument fills"

    def _flag(self, flag: str) -> Iterator[str]:
        if self.fields.get(flag) != "flag":
            yield f"'{flag}' is not a flag of this conversation: declare it under [args]"
