"""What the engine really shows, in every language: rendered with the longest real values, and offering what it takes.

In: a definition, its words, and what ``explore`` found. Out: faults. Where ``check_texts`` measures texts one by one, this
renders each reply as it leaves: with the pages of its lists and the numbers of its question.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sms_service.conversation.check_replies import LISTED
from sms_service.conversation.check_steps import fields_of
from sms_service.conversation.definition import Ask, Conversation, Step
from sms_service.conversation.engine import wants
from sms_service.conversation.explore import Exploration, Taken
from sms_service.conversation.faults import Fault
from sms_service.conversation.paging import MENU, MORE
from sms_service.conversation.render import render
from sms_service.conversation.types import Channel, Reply
from sms_service.conversation.vocabulary import SMS_LIMIT, Kind
from sms_service.conversation.words import PLACEHOLDER, Words, WordsFault
from sms_service.text.gsm import segments

_LONGEST: dict[Kind, tuple[Any, ...]] = {
    "code": ("G99999",),
    "count": (999,),
    "phone": ("0788888888",),
    "clock": ("20:58",),
    "day": tuple(f"2026-12-{day}" for day in range(21, 28)),
    "time": tuple(f"{hour:02d}:{minute}" for hour in range(24) for minute in ("00", "30")),
    "moment": tuple(f"2026-12-{day}T{hour:02d}:00" for day in range(21, 28) for hour in range(24)),
    "soon": ("soon", "tomorrow"),
}
"""Real values of each kind, the longest in any language among them."""


@dataclass(frozen=True, slots=True)
class Screen:
    """One reply as it leaves: from which step, on which channel, and the numbers that the question then takes."""

    step: str
    channel: Channel
    key: str
    lists: tuple[tuple[str, str], ...]
    offered: frozenset[int]
    asked: str


def check_screens(conversation: Conversation, found: Exploration) -> list[Fault]:
    """Each reply once, in each language of the conversation's words."""
    kinds = fields_of(conversation)
    words = conversation.words
    faults: list[Fault] = []
    for screen, reply in _shown(conversation, found).items():
        for language in words.languages:
            if reply.key not in words.entries[language] or language not in words.forms:
                continue  # a fault already: the text is missing, or how the language says days
            text = words.entries[language][reply.key].text
            said = _length(words, language, screen, reply, kinds)
            faults.extend(Fault(conversation.file, screen.step, language, *one) for one in said)
            offers = _offers(conversation.steps[screen.step], screen, text)
            faults.extend(Fault(conversation.file, screen.step, language, *one) for one in offers)
    return faults


def _shown(conversation: Conversation, found: Exploration) -> dict[Screen, Reply]:
    screens: dict[Screen, Reply] = {}
    for taken in found.taken:
        for reply in taken.outcome.replies:
            screens.setdefault(_screen(conversation, taken, reply), reply)
    return screens


def _screen(conversation: Conversation, taken: Taken, reply: Reply) -> Screen:
    after = taken.outcome.dialogue
    current = conversation.steps[after.step]
    lists = tuple((name, str(value)) for name, value in sorted(reply.values.items()) if not isinstance(value, str | int))
    if after.done or not isinstance(current, Ask) or reply.key not in {key for _, key in current.message.shown()}:
        return Screen(after.step, taken.channel, reply.key, lists, frozenset(), "")
    expected = wants(conversation, after)
    offered = {1, 2} if current.answer == "yesno" else {one.number for one in expected.options if one.value != MORE}
    if current.answer == "time":
        offered = {choice.number for choice in current.choices}
    return Screen(after.step, taken.channel, reply.key, lists, frozenset(offered), current.answer)


def _length(words: Words, language: str, screen: Screen, reply: Reply, kinds: dict[str, Kind]) -> Iterator[tuple[str, str]]:
    """S6: at most 160 characters as they leave, those that keep the dial open or close it among them.

    A text without a list is measured the same by ``check_texts``, which says so once for all steps.
    """
    try:
        text = _longest(words, language, reply, screen.channel, kinds)
    except WordsFault as fault:
        yield f"cannot be shown: {fault}", ""
        return
    measured = segments(text)
    units = measured.units
    if measured.culprits:
        yield f"text '{reply.key}' leaves with characters outside GSM-7: {' '.join(measured.culprits)} (S6)", "look at its labels"
    if units > SMS_LIMIT and screen.lists:
        fix = f"shorten it by {units - SMS_LIMIT}"
        yield f"text '{reply.key}' leaves as {units} characters with its longest values, at most {SMS_LIMIT} fit (S6)", fix


def _longest(words: Words, language: str, reply: Reply, channel: Channel, kinds: dict[str, Kind]) -> str:
    values = dict(reply.values)
    for name in reply.values:
        candidates = _LONGEST.get(kinds.get(name, "row"), ())
        texts = ((render(words, language, Reply(reply.key, {**values, name: one}), channel), one) for one in candidates)
        values[name] = max(texts, key=lambda pair: len(pair[0]), default=("", values[name]))[1]
    return render(words, language, Reply(reply.key, values, reply.ends), channel)


def _offers(step: Step, screen: Screen, text: str) -> Iterator[tuple[str, str]]:
    """Every number the question takes is in the text, and none that it does not take (0 and 00 aside)."""
    if not isinstance(step, Ask) or not screen.asked:
        return
    bare = PLACEHOLDER.sub(" ", text)
    if step.page and screen.channel == "ussd":
        if (MENU, "menu") not in PLACEHOLDER.findall(text):
            yield f"text '{screen.key}' does not show its options a page at a time", f"{{{MENU}:menu}}"
        return
    if screen.asked == "list":
        if (step.source, "list") not in PLACEHOLDER.findall(text):
            yield f"text '{screen.key}' does not show the list it asks about", f"{{{step.source}:list}}"
        return
    listed = {int(digit) for digit, _ in LISTED.findall(bare)} - {0}
    missing = sorted(number for number in screen.offered if not re.search(rf"(?<![0-9]){number}(?![0-9])", bare))
    if missing:
        yield f"text '{screen.key}' does not offer {_numbers(missing)}, which the question takes", f"add '{missing[0]} = ...'"
    if screen.asked in ("options", "yesno", "scale"):
        allowed = screen.offered | (set(range(step.low, step.high + 1)) if screen.asked == "scale" else set())
        surplus = sorted(listed - allowed)
        if surplus:
            reason = f"text '{screen.key}' offers {_numbers(surplus)}, which the question does not take"
            yield reason, f"remove it, or add option {surplus[0]}"


def _numbers(numbers: list[int]) -> str:
    return " and ".join(str(number) for number in numbers)
