"""Made-up arguments and facts for playing a conversation: one plausible value of every kind, and reading the author's own.

Nothing here is anybody's; days and times are Africa/Kigali. ``ValueError`` says which name or value was expected.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sms_service.conversation.definition import Conversation
from sms_service.conversation.vocabulary import FACTS, FactShape, Kind

_VALUES: Mapping[Kind, Any] = {
    "code": "G07",
    "count": 3,
    "phone": "0788000000",
    "clock": "14:00",
    "day": "2026-11-25",
    "time": "14:00",
    "moment": "2026-11-25T07:00",
    "choices": [1, 2],
    "soon": "soon",
    "list": ["G07", "G12"],
    "flag": False,
    "row": "",
}
_SET_FLAGS = frozenset({"language_known", "personal"})  # a registered person, alone on an own phone, whose language is known
_LIKELY = ("ok", "some", "planned", "sent", "usual")
_YES_NO = {"yes": True, "true": True, "no": False, "false": False}


def begin_with(conversation: Conversation) -> dict[str, Any]:
    """Every argument the conversation begins with."""
    return {name: True if name in _SET_FLAGS else _copy(_VALUES[kind]) for name, kind in conversation.args.items()}


def argument(conversation: Conversation, name: str, text: str) -> Any:
    """One argument as an author writes it."""
    if name not in conversation.args:
        expected = ", ".join(sorted(conversation.args)) or "none"
        raise ValueError(f"'{conversation.name}' begins without '{name}': its arguments are {expected}")
    return _read(conversation.args[name], name, text)


def made_up_fact(name: str) -> dict[str, Any]:
    """The fact as it mostly is: a meeting is planned, a command is carried out, no question waits."""
    shape = FACTS[name]
    if "row" in shape.fields.values():
        return {"result": "none"}
    result = next((one for one in _LIKELY if one in shape.results), shape.carries or min(shape.results))
    return _filled(shape, result)


def fact(name: str, text: str) -> dict[str, Any]:
    """A fact as an author writes it: ``ok yes=3 no=1``; what its result carries and is not written is made up."""
    if name not in FACTS:
        raise ValueError(f"there is no fact '{name}': expected one of {', '.join(sorted(FACTS))}")
    shape = FACTS[name]
    result, *pairs = text.split()
    if result not in shape.results:
        raise ValueError(f"fact '{name}' has no result '{result}': expected {', '.join(sorted(shape.results))}")
    found = _filled(shape, result)
    for pair in pairs:
        field, sign, value = pair.partition("=")
        if not sign or field not in found or field == "result":
            carried = ", ".join(sorted(set(found) - {"result"})) or "nothing"
            raise ValueError(f"'{pair}' does not fit fact '{name}': with result {result} it carries {carried}")
        found[field] = _read(shape.fields[field], field, value)
    return found


def _filled(shape: FactShape, result: str) -> dict[str, Any]:
    values = {name: _copy(_VALUES[kind]) for name, kind in shape.fields.items()} if result == shape.carries else {}
    return {"result": result, **values}


def _read(kind: Kind, name: str, text: str) -> Any:
    if kind == "flag":
        if text not in _YES_NO:
            raise ValueError(f"'{name}' is yes or no, not '{text}'")
        return _YES_NO[text]
    if kind == "count":
        if not (text.isascii() and text.isdigit()):
            raise ValueError(f"'{name}' is a number, not '{text}'")
        return int(text)
    if kind in ("list", "choices"):
        codes = [part for part in text.split(",") if part]
        return [int(code) for code in codes] if kind == "choices" and all(map(str.isdigit, codes)) else codes
    return text


def _copy(value: Any) -> Any:
    return list(value) if isinstance(value, list) else value
