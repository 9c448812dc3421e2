"""The values the engine works on: a dialogue, what happens to it, and what comes out of one step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sms_service.text.reply_types import Reading

Channel = Literal["sms", "ussd"]


@dataclass(frozen=True, slots=True)
class Dialogue:
    """One person's place in one conversation; plain JSON values only, so that it can be stored and replayed.

    ``version`` is the fingerprint of the definition the dialogue started on (it never changes under a running
    dialogue).
    ``data`` holds coded answers and the arguments handed in at the start, never a participant's own words.
    ``unclear`` counts answers in a row that were not understood at this step.
    """

    conversation: str
    version: str
    step: str
    data: Mapping[str, Any] = field(default_factory=dict)
    unclear: int = 0
    done: bool = False

    def to_json(self) -> dict[str, Any]:
        return {
            "conversation": self.conversation,
            "version": self.version,
            "step": self.step,
            "data": dict(self.data),
            "unclear": self.unclear,
            "done": self.done,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Dialogue:
        return cls(
            conversation=value["conversation"],
            version=value["version"],
            step=value["step"],
            data=dict(value["data"]),
            unclear=value["unclear"],
            done=value["done"],
        )


@dataclass(frozen=True, slots=True)
class Begin:
    """Open the conversation at its start step; ``data`` are the arguments (meeting codes, day and time values)."""

    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answered:
    """A reply, already read against ``wants()``. ``raw_key`` is the trimmed input when it was ``0`` or ``00``, else
    empty.
    """

    reading: Reading
    raw_key: str = ""


@dataclass(frozen=True, slots=True)
class PinChecked:
    """The PIN turn as it may be stored: never the digits. ``person`` is the code the PIN belongs to when right."""

    verdict: Literal["right", "wrong", "locked"]
    person: str = ""


@dataclass(frozen=True, slots=True)
class TimedOut:
    """The question closed without an answer (V3 and V4 at the meeting's start, others after 72 h)."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The current step is to be shown again (blank reply, live dial repeated with empty text, resumed on another
    channel).
    """


Event = Begin | Answered | PinChecked | TimedOut | Shown


@dataclass(frozen=True, slots=True)
class Reply:
    """A text to render: words catalogue key and its filled values. ``ends`` closes a USSD dial (END instead of CON)."""

    key: str
    values: Mapping[str, Any] = field(default_factory=dict)
    ends: bool = False


@dataclass(frozen=True, slots=True)
class Effect:
    """Something the use case must do in the same transaction, by name (the list is ``EFFECTS`` in the engine)."""

    name: str
    args: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The new dialogue, the replies in order, and the effects to carry out."""

    dialogue: Dialogue
    replies: tuple[Reply, ...] = ()
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True, slots=True)
class Need:
    """The step cannot be taken without a fact: fetch ``name`` with ``args``, add it to ``facts[name]`` and call again.

    A fact is a JSON object with a ``result`` key to branch on. A fact may be a command (remind, move, cancel): it is
    carried out once, in the same transaction, and its recorded result makes the step repeatable.
    """

    name: str
    args: Mapping[str, Any] = field(default_factory=dict)
