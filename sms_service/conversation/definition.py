"""A conversation as the engine sees it: steps, answers, ways on. Built from TOML by ``parse``, never changed
afterwards.

Kinds of step:
``ask``     shows a text and waits for an answer (yesno, scale, options, number, date, time, list)
``pin``     asks for the PIN and waits for its verdict; passed over once a person is known in this dialogue (S11)
``fetch``   needs a fact or carries out a command, keeps fields of it, branches on its result
``branch``  goes one of two ways on a flag of the dialogue
``say``     shows a last text and ends
``resume``  another dialogue is shown and answered here by the host, then the way goes on
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sms_service.conversation import paging
from sms_service.conversation.types import Channel
from sms_service.conversation.vocabulary import Kind
from sms_service.conversation.words import LIST_MORE, Words

AnswerKind = Literal["yesno", "scale", "options", "number", "date", "time", "list"]
ANSWER_KINDS: tuple[AnswerKind, ...] = ("yesno", "scale", "options", "number", "date", "time", "list")

END = "end"
"""The way on that ends a dialogue without a text."""


@dataclass(frozen=True, slots=True)
class Message:
    """The text of a step by channel, and the fields of the dialogue that fill it.

    ``ussd_when`` holds (flag, key): the first flag that is set chooses another screen. An empty key shows nothing.
    """

    sms: str = ""
    ussd: str = ""
    ussd_when: tuple[tuple[str, str], ...] = ()
    values: tuple[str, ...] = ()

    def key(self, channel: Channel, data: Mapping[str, Any]) -> str:
        """The words catalogue key to show, empty for none."""
        if channel == "sms":
            return self.sms
        return next((key for flag, key in self.ussd_when if data.get(flag)), self.ussd)

    def shown(self) -> tuple[tuple[Channel, str], ...]:
        """Every channel and key this message may show."""
        pairs: list[tuple[Channel, str]] = [("sms", self.sms), ("ussd", self.ussd)]
        pairs.extend(("ussd", key) for _, key in self.ussd_when)
        return tuple(pair for pair in pairs if pair[1])


@dataclass(frozen=True, slots=True)
class EffectSpec:
    """An effect to ask for; an argument ``$field`` is drawn from the dialogue's data when it happens."""

    name: str
    args: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Way:
    """Where to go on, and what to have done on the way."""

    next: str
    effects: tuple[EffectSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """One numbered option: ``label`` names its words in the catalogue, ``labels`` holds them in every language."""

    number: int
    value: str | int
    way: Way
    label: str = ""
    labels: tuple[str, ...] = ()
    only_if: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """A question. ``save`` keeps the answer in the dialogue, ``record`` saves it as the answer to a question of that
    name.

    ``low``..``high`` bound scale and number; ``source`` is the field a list is drawn from; ``back`` is where ``00``
    leads.
    ``page`` shows so many labelled options a screen, where they do not all fit one (0: the text names them itself).
    ``ways`` holds own ways for yes, no and dont_know; without one of its own an answer takes ``way``.
    """

    name: str
    message: Message
    answer: AnswerKind
    way: Way
    choices: tuple[Choice, ...] = ()
    ways: Mapping[str, Way] | None = None
    low: int = 0
    high: int = 0
    source: str = ""
    save: str = ""
    record: str = ""
    back: str = ""
    page: int = 0

    def offered(self, data: Mapping[str, Any]) -> tuple[Choice, ...]:
        """The options that a dialogue with this data may choose."""
        return tuple(one for one in self.choices if not one.only_if or data.get(one.only_if))

    def page_at(self, data: Mapping[str, Any]) -> paging.Page | paging.Menu:
        """The page of a long list or menu that a dialogue with this data stands at; page 0 for every other question."""
        if not self.page:
            return paging.page_of(data, self.source)
        return paging.menu_of(data, [(one.number, one.label) for one in self.offered(data)], self.page)


@dataclass(frozen=True, slots=True)
class Pin:
    name: str
    ask: str
    wrong: str
    locked: str
    next: str


@dataclass(frozen=True, slots=True)
class Fetch:
    """``args`` may draw ``$field`` from the dialogue; ``keep`` maps a field of the dialogue to a field of the fact."""

    name: str
    fact: str
    args: Mapping[str, Any]
    keep: Mapping[str, str]
    cases: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Branch:
    name: str
    flag: str
    yes: str
    no: str


@dataclass(frozen=True, slots=True)
class Say:
    name: str
    message: Message
    effects: tuple[EffectSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class Resume:
    """``flag`` is set in the dialogue when something was shown here, so that a later branch can thank for it."""

    name: str
    next: str
    flag: str = ""


Step = Ask | Pin | Fetch | Branch | Say | Resume


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """What makes a conversation a set of outcome questions (domain section 2.6).

    ``purpose`` and ``instrument`` are for people; ``when`` names the moments of a group's life at which it is asked (those of
    ``QUESTION_MOMENTS``), ``cap_days`` the days within which nobody is asked twice.
    """

    purpose: str
    instrument: str
    cap_days: int
    when: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Conversation:
    """An immutable definition.

    ``closes``: ``hours`` (then ``closes_after_hours``), ``meeting_start``, or ``dial`` (it lives as long as the dial).
    ``exit`` is the step that ``0`` leads to on USSD, ``home`` the one that ``00`` leads to where a step names no
    ``back``. ``args`` are the fields ``Begin`` must bring, with their kinds.
    ``words`` are the texts, labels and forms that this conversation says, in every language, and nothing else.
    ``canonical`` is the definition as JSON text; with the words it is enough to rebuild the conversation.
    ``fingerprint`` is the SHA-256 of both and is what a dialogue pins: a corrected word is another version.
    ``report`` marks counts that a facilitator or practitioner reports, USSD only and after the PIN: the one exception to
    S5, its numbers may be shown again before they are sent (V15).
    """

    name: str
    file: str
    text_class: str
    channels: tuple[str, ...]
    start: str
    exit: str
    home: str
    closes: Literal["hours", "meeting_start", "dial"]
    closes_after_hours: int
    args: Mapping[str, Kind]
    steps: Mapping[str, Step]
    words: Words
    canonical: str
    fingerprint: str
    report: bool = False
    question_set: QuestionSet | None = None


ENGINE_TEXTS = frozenset({"not_understood"})
"""What the engine itself says by SMS in any conversation (V13)."""


def texts_of(steps: Mapping[str, Step]) -> frozenset[str]:
    """The keys of every text these steps may say, those of the engine among them."""
    keys = set(ENGINE_TEXTS)
    for step in steps.values():
        if isinstance(step, Ask | Say):
            keys.update(key for _, key in step.message.shown())
            if isinstance(step, Ask) and (step.answer == "list" or step.page):
                keys.add(LIST_MORE)
        elif isinstance(step, Pin):
            keys.update((step.ask, step.wrong, step.locked))
    return frozenset(keys - {""})


def labels_of(steps: Mapping[str, Step]) -> frozenset[str]:
    """The keys of the labels of every numbered option."""
    asks = (step for step in steps.values() if isinstance(step, Ask))
    return frozenset(choice.label for ask in asks for choice in ask.choices if choice.label)
