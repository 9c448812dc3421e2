"""Is every answer to a question read as itself: by its digit, its label in every language, and the words beside its digit?

The real reader decides (domain guide 9), so a label that a lexicon word, another option or a request to stop would claim is
found here and not on somebody's phone. In: a definition, its words and the lexicon. Out: faults.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from sms_service.conversation.definition import Ask, Choice, Conversation
from sms_service.conversation.engine import wants
from sms_service.conversation.faults import Fault, shortly
from sms_service.conversation.types import Dialogue
from sms_service.conversation.words import PLACEHOLDER
from sms_service.text.lexicon import Lexicon
from sms_service.text.reading import read_reply
from sms_service.text.reply_types import Expectation, Reading

LISTED = re.compile(r"(?:^|(?<=[\s,;:.(]))([0-9]{1,2})\s?(?:=|\))\s?([^,;.\n=)]{0,60})", re.MULTILINE)
"""A digit that a text offers, and the words beside it: ``1 = Yes`` in an SMS, ``1) Yes`` on a screen."""

_MOST_SPAN = 99
"""Numbers of a scale that are tried one by one; of a longer one both ends."""


def check_replies(conversation: Conversation, lexicon: Lexicon) -> list[Fault]:
    """Every answer that is read as something else, by language."""
    faults: list[Fault] = []
    for step in conversation.steps.values():
        if isinstance(step, Ask) and step.answer in ("yesno", "options", "scale", "number"):
            said = _Question(conversation, step, lexicon).reasons()
            faults.extend(Fault(conversation.file, step.name, language, reason, fix) for language, reason, fix in said)
    return list(dict.fromkeys(faults))


def keyed(ask: Ask) -> Mapping[int, Any]:
    """What each digit of a question stands for."""
    if ask.answer == "yesno":
        return {1: True, 2: False}
    span = range(ask.low, ask.high + 1) if ask.answer in ("scale", "number") else range(0)
    ends = span if len(span) <= _MOST_SPAN else (ask.low, ask.high)
    return {**{number: number for number in ends}, **{choice.number: str(choice.value) for choice in ask.choices}}


class _Question:
    def __init__(self, conversation: Conversation, ask: Ask, lexicon: Lexicon) -> None:
        self.conversation = conversation
        self.ask = ask
        self.lexicon = lexicon
        self.words = conversation.words
        self.keyed = keyed(ask)
        self.expected = self._expected()
        bare = tuple(replace(option, labels=()) for option in self.expected.options)
        self.digits = replace(self.expected, options=bare)

    def _expected(self) -> Expectation:
        every_option = {choice.only_if: True for choice in self.ask.choices if choice.only_if}
        place = Dialogue(self.conversation.name, self.conversation.fingerprint, self.ask.name, every_option)
        return wants(self.conversation, place)

    def reasons(self) -> Iterator[tuple[str, str, str]]:
        for number, value in self.keyed.items():
            for typed in (str(number), f"{number})", f"{number}."):
                yield from self._must_be(typed, value)
        for language in self.words.languages:
            if "sms" in self.conversation.channels:
                for choice in self.ask.choices:
                    yield from self._label(language, choice)
                yield from self._beside(language)

    def _label(self, language: str, choice: Choice) -> Iterator[tuple[str, str, str]]:
        label = self.words.option_labels.get(language, {}).get(choice.label, "")
        if not label:
            return
        for reader in self.words.languages:
            read = self._as_label(label, reader, str(choice.value))
            if read.intent != "answer" or str(read.value) != str(choice.value):
                meant = f"label '{shortly(label)}' of option {choice.number} is read as {_said(read)}"
                yield language, meant, "word it otherwise, or make the other word longer"
                return
            if read.alert != "none":
                alarming = f"label '{shortly(label)}' of option {choice.number} raises an alert ({read.alert})"
                yield language, alarming, "word it otherwise"
                return

    def _as_label(self, label: str, reader: str, value: str) -> Reading:
        """The label as it is read; where it wins as a label, what a lexicon word in it says by itself (``one`` is a number)."""
        read = self._read(label, reader)
        if read.intent != "answer" or str(read.value) != value:
            return read
        by_itself = read_reply(self.lexicon, label, self.digits, language=reader)
        return by_itself if by_itself.intent == "answer" else read

    def _beside(self, language: str) -> Iterator[tuple[str, str, str]]:
        """The words that stand beside a digit are what people type back: they may be unclear, but never another answer."""
        for _, key in self.ask.message.shown():
            entry = self.words.entries.get(language, {}).get(key)
            for digit, beside in LISTED.findall(PLACEHOLDER.sub(" ", entry.text)) if entry else ():
                value = self.keyed.get(int(digit))
                read = self._read(beside.strip(), language)
                if value is not None and read.intent == "answer" and read.value != value:
                    reason = f"text '{key}' says '{shortly(beside)}' beside {digit}, which is read as {_said(read)}"
                    yield language, reason, "word it otherwise"

    def _must_be(self, typed: str, value: Any) -> Iterator[tuple[str, str, str]]:
        read = self._read(typed, "")  # a digit is the same in every language
        if read.intent != "answer" or read.value != value or type(read.value) is not type(value):
            yield "", f"'{typed}' is read as {_said(read)}, not as answer {value}", "choose another number"

    def _read(self, text: str, language: str) -> Reading:
        return read_reply(self.lexicon, text, self.expected, language=language)


def _said(read: Reading) -> str:
    return f"answer {read.value}" if read.intent == "answer" else f"'{read.intent}' ({read.rule})"
