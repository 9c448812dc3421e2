"""What a reply may be expected to be, and what it was read as."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Alert = Literal["none", "amber", "red"]
Intent = Literal[
    "answer",
    "stop",
    "start",
    "help",
    "language",
    "code_word",
    "wrong_person",
    "dont_know",
    "unclear",
    "crisis",
]
ExpectationKind = Literal["none", "yesno", "scale", "options", "number", "date", "time", "text", "pin"]

ALERT_ORDER: dict[Alert, int] = {"none": 0, "amber": 1, "red": 2}


@dataclass(frozen=True, slots=True)
class Option:
    """One numbered choice: the digit a person presses and the words that mean the same.

    ``labels`` are the full option texts in every language; a reply may use them instead of the digit.
    """

    number: int
    value: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Expectation:
    """The answer the open question asks for; ``none`` when no question is open.

    ``low`` and ``high`` bound ``scale`` and ``number`` (inclusive). ``options`` serves ``options``; for ``yesno``
    digit 1 is yes and digit 2 is no. ``date`` is DDMM and ``time`` HHMM, both kept as four digits.
    """

    kind: ExpectationKind = "none"
    low: int = 0
    high: int = 0
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """How one text was understood (section 'Reading replies' of docs/replies.md).

    ``value``: True/False for yesno, int for scale and number, the option's ``value`` for options, four digits for
    date and time, the kept text for text, a language code for the language intent, else None.
    ``alert`` is set independently of ``intent`` (S22, S23). ``rule`` names the matched rule; ``confidence`` is 0..1.
    ``alert_rule`` explains the alert by codes alone, never by the person's words (S32): severity, topic, layer, and what
    lowered or raised it, as ``amber:wish_to_die:exact:denied``.
    """

    intent: Intent
    value: Any = None
    alert: Alert = "none"
    rule: str = ""
    confidence: float = 1.0
    alert_rule: str = ""
    notes: tuple[str, ...] = field(default=())
