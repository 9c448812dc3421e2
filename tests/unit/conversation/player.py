"""A small host for the engine in tests: keeps a dialogue as JSON between steps, answers needs, renders replies."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from sms_service.catalogue import Catalogue, read_catalogue
from sms_service.conversation.definition import Conversation
from sms_service.conversation.engine import step, wants
from sms_service.conversation.render import render
from sms_service.conversation.types import Answered, Begin, Channel, Dialogue, Effect, Event, Need, Outcome, PinChecked
from sms_service.text.reply_types import Expectation, Reading

Fact = Mapping[str, Any] | Callable[[Mapping[str, Any]], Mapping[str, Any]]

TEMPLATES = Path(__file__).parents[3] / "templates"
LANGUAGES = ("en", "fr", "rw", "sw")
HOME = {"language_known": True, "facilitator": False, "personal": True, "unregistered": False}
BEGINNINGS: dict[str, dict[str, Any]] = {
    "optin": {},
    "reminder": {"day": "2025-11-12", "time": "14:00"},
    "moved": {"old_day": "2025-11-12", "day": "2025-11-13", "time": "14:00"},
    "missed": {"day": "2025-11-12"},
    "checkin": {},
    "report": {"group": "G07", "no": 5},
    "cascade": {"pair": "R12", "month": "2025-11", "last": "2025-11-30"},
    "home": HOME,
}
USUAL: dict[str, Fact] = {"support_line": {"result": "usual"}}  # a day outside the months of remembrance


@cache
def catalogue() -> Catalogue:
    """The shipped catalogue, read once."""
    return read_catalogue(TEMPLATES)


def read_digits(text: str, expected: Expectation) -> Reading:
    """The plainest reader there can be: digits only, ``?`` for 'I do not know'; all else is not understood."""
    value: Any = None
    if text == "?":
        return Reading("dont_know")
    if expected.kind == "yesno":
        value = {"1": True, "2": False}.get(text)
    elif text in {str(option.number) for option in expected.options}:
        value = next(option.value for option in expected.options if str(option.number) == text)
    elif expected.kind in ("scale", "number") and text.isdigit() and expected.low <= int(text) <= expected.high:
        value = int(text)
    elif expected.kind in ("date", "time") and text.isdigit() and len(text) == 4:
        value = text
    return Reading("unclear") if value is None else Reading("answer", value)


def settle(
    conversation: Conversation, dialogue: Dialogue | None, event: Event, channel: Channel, facts: Mapping[str, Fact]
) -> tuple[Outcome, list[str]]:
    """Call the engine until it needs nothing more; also the names of the facts it asked for, in order."""
    found: dict[str, Any] = {}
    asked: list[str] = []
    while True:
        result = step(conversation, dialogue, event, found, channel)
        if isinstance(result, Outcome):
            return result, asked
        assert isinstance(result, Need)
        assert result.name not in found, "the same fact was asked for twice"
        fact = facts[result.name]
        found[result.name] = json.loads(json.dumps(fact(result.args) if callable(fact) else fact))
        asked.append(result.name)


class Phone:
    """One person in one conversation, on one channel at a time."""

    def __init__(
        self, name: str, channel: Channel, language: str = "en", facts: Mapping[str, Fact] | None = None, **data: Any
    ) -> None:
        self.conversation = catalogue().conversations[name]
        self.channel: Channel = channel
        self.language = language
        self.facts = {**USUAL, **(facts or {})}
        self.stored = ""
        self.effects: list[tuple[str, dict[str, Any]]] = []
        self.shown = self.take(Begin({**BEGINNINGS[name], **data}))

    @property
    def dialogue(self) -> Dialogue:
        return Dialogue.from_json(json.loads(self.stored))

    def take(self, event: Event) -> str:
        """Take one event; the text shown, empty for silence. ``CON``/``END`` lead on USSD."""
        before = self.dialogue if self.stored else None
        outcome, _ = settle(self.conversation, before, event, self.channel, self.facts)
        self.stored = json.dumps(outcome.dialogue.to_json())
        self.effects = [(effect.name, dict(effect.args)) for effect in outcome.effects]
        self._language(outcome.effects)
        texts = [render(catalogue().words, self.language, reply, self.channel) for reply in outcome.replies]
        assert len(texts) <= 1, "one event, at most one text"
        return texts[0] if texts else ""

    def key(self, text: str) -> str:
        """Type something and send it."""
        expected = wants(self.conversation, self.dialogue)
        if expected.kind == "pin" and text.isdigit() and len(text) == 4:
            verdicts = {"1234": PinChecked("right", "P4821"), "9999": PinChecked("locked")}
            return self.take(verdicts.get(text, PinChecked("wrong")))
        return self.take(Answered(read_digits(text, expected), text if text in ("0", "00") else ""))

    def _language(self, effects: tuple[Effect, ...]) -> None:
        for effect in effects:
            if effect.name == "set_language":
                self.language = effect.args["language"]
