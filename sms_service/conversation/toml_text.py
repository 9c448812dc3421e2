"""A definition or a words file written as TOML that people go on editing: what ``tomllib`` reads back is the same.

In: tables of texts, whole numbers, true/false, lists and tables. Out: text. Steps, texts, ``forms`` and ``labels`` are tables of
their own; what stands in a step is written on a line each.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sms_service.conversation.definition import Conversation
from sms_service.conversation.outline import outline
from sms_service.conversation.translations import AWAITING
from sms_service.conversation.words import Words

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_FIRST = ("name", "class", "channels", "report", "start", "exit", "home", "closes", "closes_after_hours")
_STEP_FIRST = ("kind", "sms", "ussd", "ussd_when", "values", "answer", "low", "high", "source", "save", "record", "fact", "args")
_INNER_FIRST = ("name", "number", "value", "label", "only_if", "next")
_WIDEST = 100


def definition_text(conversation: Conversation, table: Mapping[str, Any]) -> str:
    """The definition in ``table`` (``Conversation.canonical``, parsed), its steps in the order a person meets them."""
    steps: Mapping[str, Mapping[str, Any]] = table["steps"]
    lines = [f"# {conversation.name}"]
    rest = {key: value for key, value in table.items() if key != "steps"}
    for key in _sorted(rest, _FIRST):
        lines += _assigned(key, rest[key])
    for step in outline(conversation):
        lines += ["", f"[steps.{_name(step.name)}]"]
        for key in _sorted(steps[step.name], _STEP_FIRST):
            lines += _assigned(key, steps[step.name][key])
    return "\n".join(lines) + "\n"


def words_text(words: Words, language: str, keys: Sequence[str], reviewer: str = "") -> str:
    """One language's texts in the order of ``keys``, then labels and forms, as a file of ``templates/messages/<language>``."""
    lines = [f"review = {_value(reviewer or AWAITING)}"]
    entries, forms = words.entries.get(language, {}), words.forms.get(language)
    for key in (*(key for key in keys if key in entries), *sorted(set(entries) - set(keys))):
        entry = entries[key]
        lines += ["", f"[{_name(key)}]", *_assigned("class", entry.text_class)]
        lines += _assigned("channel", entry.channel) if entry.channel != "sms" else []
        lines += _assigned("text", entry.text)
    if labels := words.option_labels.get(language):
        lines += ["", "[labels]", *(line for key, label in sorted(labels.items()) for line in _assigned(key, label))]
    if forms is not None:
        lists = {"weekdays": forms.weekdays, "weekdays_short": forms.weekdays_short, "hours": forms.hours}
        said: dict[str, Any] = {**{name: list(texts) for name, texts in lists.items()}, "or": forms.or_word, "soon": forms.soon}
        lines += ["", "[forms]", *(line for key, value in said.items() for line in _assigned(key, value))]
    return "\n".join(lines) + "\n"


def _sorted(table: Mapping[str, Any], first: Sequence[str]) -> list[str]:
    """Well-known keys in their order, then the others by name, tables last."""
    others = sorted(set(table) - set(first), key=lambda key: (isinstance(table[key], Mapping | list), key))
    return [*(key for key in first if key in table), *others]


def _assigned(key: str, value: Any) -> list[str]:
    """``key = value`` on one line; a list of tables, and any long list, an entry a line."""
    line = f"{_name(key)} = {_value(value)}"
    if isinstance(value, list | tuple) and value and (isinstance(value[0], Mapping) or len(line) > _WIDEST):
        return [f"{_name(key)} = [", *(f"    {_value(one)}," for one in value), "]"]
    return [line]


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Mapping):
        pairs = (f"{_name(key)} = {_value(value[key])}" for key in _sorted(value, _INNER_FIRST))
        return f"{{ {', '.join(pairs)} }}" if value else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(one) for one in value)}]"
    return f'"{"".join(_escaped(one) for one in str(value))}"'


def _escaped(character: str) -> str:
    """A character inside quotes; a control character by its code."""
    known = _ESCAPES.get(character)
    if known is not None:
        return known
    return f"\\u{ord(character):04x}" if ord(character) < 0x20 or ord(character) == 0x7F else character


def _name(key: str) -> str:
    return key if _BARE.fullmatch(key) else _value(key)
