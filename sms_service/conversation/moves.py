"""Everything that can happen to a waiting dialogue, as one event for each class of input, for exploring a conversation.

In: a definition and a dialogue. Out: named events. The classes: every answer there is and its neighbours outside (each option
offered or not, both ends of a scale and one beyond, yes, no, does not know, values of the wrong type), not understood, the keys
0 and 00, a blank reply or a dropped dial taken up again, stop, start, help, a language word, a code word, a wrong person, a
crisis, a PIN right, wrong and locked, and the question running out of time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sms_service.conversation.definition import Ask, Conversation, Pin
from sms_service.conversation.engine import wants
from sms_service.conversation.paging import MORE
from sms_service.conversation.types import Answered, Dialogue, Event, PinChecked, Shown, TimedOut
from sms_service.text.reply_types import Expectation, Intent, Reading

PASSING: tuple[Intent, ...] = ("stop", "start", "help", "language", "code_word", "wrong_person", "crisis")
"""What the host hears before any answer is read; in the engine it changes nothing."""

_WRONG_VALUES: tuple[Any, ...] = (None, True, -1, 10**9, 1.5, "", "no such answer", ["1"])
_TIMES = (1, 99, 100, 1430, 2359, 2360, 2400)
_FOUR_DIGITS = ("0112", "1430", "0000", "9999", "123", "12345", "12a4")


@dataclass(frozen=True, slots=True)
class Move:
    """One thing that happens; ``name`` says it to an author (``answers 3``, ``keys 0``)."""

    name: str
    event: Event


def moves_at(conversation: Conversation, dialogue: Dialogue) -> Iterator[Move]:
    """Every class of event at the step the dialogue waits at."""
    yield Move("says nothing, or comes back after a dropped line", Shown())
    for key in ("0", "00"):
        yield Move(f"keys {key}", Answered(Reading("unclear"), key))
    for intent in PASSING:
        yield Move(f"says {intent}", Answered(Reading(intent)))
    yield Move("is not understood", Answered(Reading("unclear")))
    yield Move("does not know", Answered(Reading("dont_know")))
    yield Move("enters a wrong PIN", PinChecked("wrong"))
    current = conversation.steps[dialogue.step]
    if isinstance(current, Pin):
        yield Move("enters the right PIN", PinChecked("right", "P4821"))
        yield Move("has locked the PIN", PinChecked("locked"))
    values = list(_values(current, wants(conversation, dialogue))) if isinstance(current, Ask) else []
    for value in (*values, *_WRONG_VALUES):
        yield Move(f"answers {value!r}", Answered(Reading("answer", value)))
    yield Move("lets the time run out", TimedOut())


def _values(ask: Ask, expected: Expectation) -> Iterator[Any]:
    if ask.answer == "yesno":
        yield from (True, False)
    if ask.answer in ("scale", "number"):
        yield from (ask.low - 1, ask.low, ask.low + 1, ask.high - 1, ask.high, ask.high + 1)
    if ask.answer in ("date", "time"):
        yield from _FOUR_DIGITS
    if ask.answer == "time":
        yield from _TIMES
    # an option that is not offered just now is tried as well: it must be refused
    yield from (str(choice.value) for choice in ask.choices)
    yield from (option.value for option in expected.options if ask.answer == "list" or option.value == MORE)
