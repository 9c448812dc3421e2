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
from sms_service.conversation.faults import Fault, meant, nearest
from sms_service.conversation.graph import edges, known_on_arrival
from sms_service.conversation.paging import MENU, MORE_KEY, PER_PAGE
from sms_service.conversation.types import Channel
from sms_service.conversation.vocabulary import EFFECTS, FACTS, NOTICES, Kind
from sms_service.conversation.words import LIST_MORE, Words

MENU_KIND: Kind = "menu"


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
        elif isinstance(step, Ask) and step.save and _is_reported(conversation, step):
            fields[step.save] = "count"
        elif isinstance(step, Resume) and step.flag:
            fields[step.flag] = "flag"
    return fields


def answers_of(conversation: Conversation) -> set[str]:
    """Fields that hold what a person answered; they are never shown again (S5), but for the numbers of a report (V15)."""
    asks = (step for step in conversation.steps.values() if isinstance(step, Ask) and step.answer != "list")
    return {ask.save for ask in asks if ask.save and not _is_reported(conversation, ask)}


def _is_reported(conversation: Conversation, ask: Ask) -> bool:
    """Whether the answer is a count of people or activities in a report, which says nothing about whoever gives it."""
    return conversation.report and ask.answer == "number"


def uses_of(conversation: Conversation) -> list[Use]:
    """Where each text of the catalogue is shown by this conversation."""
    fields = fields_of(conversation)
    found: list[Use] = []

    def use(step: str, key: str, channel: Channel, values: tuple[str, ...] = (), menu: Mapping[str, Kind] | None = None) -> None:
        kinds = {**{name: fields[name] for name in values if name in fields}, **(menu or {})}
        found.append(Use(conversation.file, step, key, channel, conversation.text_class, kinds))

    for step in conversation.steps.values():
        if isinstance(step, Ask | Say):
            menu = {MENU: MENU_KIND} if isinstance(step, Ask) and step.page else {}
            for channel, key in step.message.shown():
                use(step.name, key, channel, step.message.values, menu if channel == "ussd" else {})
            if isinstance(step, Ask) and (step.answer == "list" or step.page):
                use(step.name, LIST_MORE, "ussd")
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
    found = [(step.name, *said) for step in conversation.steps.values() for said in checker.reasons(step)]
    found.extend(("", *said) for said in checker.closing())
    if "ussd" in conversation.channels and conversation.closes == "dial":
        if not (conversation.exit and conversation.home):
            found.append(("", "a dial needs 'exit' and 'home': 0 and 00 must lead somewhere (S12)", "exit = '...', home = '...'"))
        silent_ends = {edge.source for edge in edges(conversation) if edge.target == END}
        reason = "ends without a last screen: on a dial every way ends in a 'say'"
        found.extend((name, reason, "go on to a step of kind 'say'") for name in silent_ends)
    return [Fault(conversation.file, step, "", reason, fix) for step, reason, fix in found]


MOST_REPORTED = 999
"""The highest number a report takes: the longest count a screen is measured with. None is keyed as 000, because 0 leaves."""

Said = Iterator[tuple[str, str]]
"""Reasons, each with its suggestion or an empty one."""


class _Checker:
    def __init__(self, conversation: Conversation, words: Words) -> None:
        self.conversation = conversation
        self.words = words
        self.fields = fields_of(conversation)
        self.answers = answers_of(conversation)
        self.known = known_on_arrival(conversation)

    def closing(self) -> Said:
        """A question's end is defined for every conversation and channel (9.3)."""
        if self.conversation.closes == "dial" and "sms" in self.conversation.channels:
            yield "closes with the dial, but runs on sms, where there is none", "give 'closes_after_hours'"
        if self.conversation.closes == "meeting_start" and "day" not in self.conversation.args.values():
            yield "closes at the meeting's start, but no argument says which meeting", "declare day = 'day' under [args]"
        if self.conversation.report and (self.conversation.channels != ("ussd",) or self.conversation.text_class != "A"):
            yield "'report' is for counts of class A on USSD alone (V15, S5)", "class = 'A', channels = ['ussd'], or leave it out"

    def reasons(self, step: Step) -> Said:
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
            yield "PIN and resume steps belong to USSD only (S11)", "add ussd to 'channels', or remove the step"

    def _message(self, name: str, message: Message, *, needed: bool) -> Said:
        for channel, key in (("sms", message.sms), ("ussd", message.ussd)):
            if channel in self.conversation.channels and needed and not key:
                yield f"has no '{channel}' text, but the conversation runs on {channel}", f"{channel} = 'name_of_a_text'"
            if channel not in self.conversation.channels and key:
                yield f"has a '{channel}' text, but the conversation does not run on {channel}", f"add {channel} to 'channels'"
        for flag, _ in message.ussd_when:
            yield from self._flag(flag)
        for value in message.values:
            if value in self.answers:
                yield f"shows '{value}', which a person answered: an answer is never repeated to a phone (S5)", "leave it out"
            elif value not in self.fields:
                yield f"value '{value}' is neither an argument nor kept from a fact", meant(value, self.fields)
            elif value not in self.known.get(name, frozenset(self.fields)):
                yield f"value '{value}' is not known on every way to this step", "fetch it, or ask for it, on each way"

    def _ask(self, ask: Ask) -> Said:
        numbers = [choice.number for choice in ask.choices]
        values = [str(choice.value) for choice in ask.choices]
        free = next((str(number) for number in range(1, 10) if number not in numbers), "none")
        if len(set(numbers)) < len(numbers) or len(set(values)) < len(values):
            yield "an option number or value is given twice", f"the first free number is {free}"
        if ask.answer == "options" and not ask.choices:
            yield "answer 'options' needs [[options]]", "[[steps.NAME.options]] number = 1, value = '...', next = '...'"
        if ask.answer in ("yesno", "list", "date", "number") and ask.choices:
            yield f"answer '{ask.answer}' takes no options", "answer = 'options'"
        if ask.answer != "yesno" and ask.ways:
            yield "'yes', 'no' and 'dont_know' belong to answer 'yesno'", "answer = 'yesno', or give [[options]]"
        if ask.answer in ("scale", "number") and not 0 <= ask.low < ask.high <= 9999:
            yield f"answer '{ask.answer}' needs 'low' below 'high', from 0 to 9999", "low = 1, high = 5"
        reported = _is_reported(self.conversation, ask)
        if reported and ask.high > MOST_REPORTED:
            yield f"a report counts to {MOST_REPORTED}, so that its numbers fit on a screen", f"high = {MOST_REPORTED}"
        if ask.answer in ("scale", "number") and ask.low == 0 and "ussd" in self.conversation.channels and not reported:
            yield "'low' is 0, but on USSD 0 always leaves (S12): begin at 1", "low = 1"
        if ask.answer == "scale" and any(ask.low <= number <= ask.high for number in numbers):
            yield "an option has a number of the scale", "give it a number above 'high'"
        if ask.answer == "list" and (self.fields.get(ask.source) != "list" or not ask.save):
            lists = [name for name, kind in self.fields.items() if kind == "list"]
            yield "answer 'list' needs 'source', a list kept from a fact, and 'save'", f"lists here: {', '.join(lists) or 'none'}"
        yield from self._page(ask)
        for choice in ask.choices:
            yield from self._choice(choice.number, choice.label, choice.only_if)

    def _page(self, ask: Ask) -> Said:
        """What fits screens only; and a paged menu: labelled options, one digit each, and 9 turns the page."""
        if ask.answer in ("list", "date", "time") and "sms" in self.conversation.channels:
            yield f"answer '{ask.answer}' works on USSD only", "channels = ['ussd']"
        if not ask.page:
            return
        if ask.answer != "options" or "ussd" not in self.conversation.channels:
            yield "'page' belongs to answer 'options' on ussd", "leave it out"
        if not 1 <= ask.page <= PER_PAGE:
            yield f"'page' must be 1 to {PER_PAGE} options a screen", f"page = {PER_PAGE}"
        if any(choice.number == MORE_KEY for choice in ask.choices):
            yield f"option {MORE_KEY} of a paged menu: that key turns the page", "number the options 1 to 8"
        if not all(choice.label for choice in ask.choices):
            yield "an option of a paged menu has no 'label' to show", "label = 'name_of_a_label'"

    def _choice(self, number: int, label: str, only_if: str) -> Said:
        if only_if:
            yield from self._flag(only_if)
        if not label and "sms" in self.conversation.channels:
            yield f"option {number} needs a 'label', so that its words can be read in a reply", "label = 'name_of_a_label'"
        if label:
            known = {name for table in self.words.option_labels.values() for name in table}
            for language in self.words.languages:
                if label not in self.words.option_labels.get(language, {}):
                    english = self.words.option_labels.get("en", {}).get(label, "")
                    beside = f"{label} = '...' under [labels]; in en it is '{english}'" if english else nearest(label, known)
                    yield f"label '{label}' of option {number} is missing in language {language}", beside

    def _fetch(self, fetch: Fetch) -> Said:
        shape = FACTS.get(fetch.fact)
        if shape is None:
            yield f"unknown fact '{fetch.fact}': expected {', '.join(sorted(FACTS))}", meant(fetch.fact, FACTS)
            return
        if set(fetch.cases) != shape.results:
            reason = f"'cases' must be exactly {', '.join(sorted(shape.results))}, the results of '{fetch.fact}'"
            yield reason, _difference(fetch.cases, shape.results)
        if set(fetch.args) != shape.args:
            reason = f"'args' must be exactly {', '.join(sorted(shape.args))}, the arguments of '{fetch.fact}'"
            yield reason, _difference(fetch.args, shape.args)
        for source in sorted(set(fetch.keep.values()) - set(shape.fields)):
            yield f"'keep' names '{source}', which fact '{fetch.fact}' does not carry", meant(source, shape.fields)
        yield from self._drawn(fetch.args)

    def _effects(self, effects: tuple[EffectSpec, ...]) -> Said:
        for effect in effects:
            expected = EFFECTS.get(effect.name)
            if expected is None:
                yield f"unknown effect '{effect.name}': expected {', '.join(sorted(EFFECTS))}", meant(effect.name, EFFECTS)
            elif set(effect.args) != expected:
                reason = f"effect '{effect.name}' takes exactly: {', '.join(sorted(expected)) or 'nothing'}"
                yield reason, _difference(effect.args, expected)
            elif effect.name == "set_language" and effect.args["language"] not in self.words.languages:
                reason = f"effect 'set_language' names '{effect.args['language']}', for which there are no words"
                yield reason, f"languages: {', '.join(self.words.languages)}"
            yield from self._drawn(effect.args)

    def _drawn(self, args: Mapping[str, Any]) -> Said:
        known = {*self.fields, *self.answers}
        for value in args.values():
            if isinstance(value, str) and value.startswith("$") and value[1:] not in known:
                yield f"'{value}' draws on a field that no step and no argument fills", meant(value[1:], known)

    def _flag(self, flag: str) -> Said:
        if self.fields.get(flag) != "flag":
            flags = [name for name, kind in self.fields.items() if kind == "flag"]
            yield f"'{flag}' is not a flag of this conversation: declare it under [args]", meant(flag, flags)


def _difference(given: Mapping[str, Any], expected: frozenset[str]) -> str:
    """What is to be added and what removed."""
    missing, surplus = sorted(expected - set(given)), sorted(set(given) - expected)
    parts = [f"add {', '.join(missing)}"] if missing else []
    return "; ".join(parts + ([f"remove {', '.join(surplus)}"] if surplus else []))
