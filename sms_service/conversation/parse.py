"""From one parsed TOML table to a ``Conversation``, noting every fault of shape instead of stopping at the first.

In: a mapping as ``tomllib`` gives it, the file's name for messages, and the words (for the labels of options). Out:
the definition, or None when its shape leaves nothing to work on, and the faults. Whether steps fit together is the
check's business.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar

from sms_service.conversation.definition import (
    ANSWER_KINDS,
    AnswerKind,
    Ask,
    Branch,
    Choice,
    Conversation,
    EffectSpec,
    Fetch,
    Message,
    Pin,
    QuestionSet,
    Resume,
    Say,
    Step,
    Way,
    labels_of,
    texts_of,
)
from sms_service.conversation.faults import Fault, nearest, shortly
from sms_service.conversation.version import (
    NOTICES_DEFINITION,
    NOTICES_NAME,
    Version,
    canonical_json,
    fingerprint_of,
    version_of,
)
from sms_service.conversation.vocabulary import CHANNELS, KINDS, MAX_STEPS, Kind
from sms_service.conversation.words import Words

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
"""How a conversation, and a question whose answer is kept, is named: in addresses, file names, the audit trail, columns."""

MAX_VALUE = 20
"""Characters of an answer as it is kept."""

Given = TypeVar("Given", str, int, bool)
Closes = Literal["hours", "meeting_start", "dial"]


class _Table:
    """One TOML table being read: every key asked for is remembered, so that ``finish`` can name the unknown ones."""

    def __init__(self, file: str, step: str, value: Any, faults: list[Fault]) -> None:
        self.file = file
        self.step = step
        self.faults = faults
        self.value: Mapping[str, Any] = value if isinstance(value, Mapping) else {}
        self.asked: set[str] = set()
        if not isinstance(value, Mapping):
            self.fault("a table was expected here")

    def fault(self, reason: str, fix: str = "") -> None:
        self.faults.append(Fault(self.file, self.step, "", reason, fix))

    def get(self, key: str, default: Given) -> Given:
        """The value of ``key``, of the same type as ``default``."""
        self.asked.add(key)
        value = self.value.get(key, default)
        if type(value) is not type(default):
            self.fault(f"'{key}' must be of type {type(default).__name__}, not {type(value).__name__}")
            return default
        return value

    def need(self, key: str) -> str:
        """A text that must be there."""
        if key not in self.value:
            self.fault(f"'{key}' is missing")
        return self.get(key, "")

    def names(self, key: str) -> tuple[str, ...]:
        self.asked.add(key)
        value = self.value.get(key, [])
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
        self.fault(f"'{key}' must be a list of names")
        return ()

    def pairs(self, key: str) -> dict[str, str]:
        self.asked.add(key)
        value = self.value.get(key, {})
        if isinstance(value, Mapping) and all(isinstance(item, str) for item in value.values()):
            return dict(value)
        self.fault(f"'{key}' must be a table of names")
        return {}

    def rows(self, key: str) -> list[_Table]:
        self.asked.add(key)
        value = self.value.get(key, [])
        if not isinstance(value, list):
            self.fault(f"'{key}' must be a list of tables")
            return []
        return [_Table(self.file, self.step, row, self.faults) for row in value]

    def inner(self, key: str) -> _Table | None:
        self.asked.add(key)
        return _Table(self.file, self.step, self.value[key], self.faults) if key in self.value else None

    def finish(self) -> None:
        for key in sorted(set(self.value) - self.asked):
            self.fault(f"unknown key '{key}': expected {', '.join(sorted(self.asked))}", nearest(key, self.asked) or "remove it")


def parse_conversation(file: str, table: Mapping[str, Any], words: Words) -> tuple[Conversation | None, list[Fault]]:
    """The definition in ``table`` and what is wrong with its shape; ``file`` is only used to say where."""
    faults: list[Fault] = []
    top = _Table(file, "", table, faults)
    name = top.need("name")
    if name and not NAME.fullmatch(name):
        top.fault(f"'{shortly(name)}' is no name: a small letter, then small letters, digits and _, 40 at most")
    steps_table = top.inner("steps")
    if steps_table is None or not steps_table.value:
        top.fault("no steps: at least one [steps.<name>] is needed")
        return None, faults
    if len(steps_table.value) > MAX_STEPS:
        top.fault(f"{len(steps_table.value)} steps, at most {MAX_STEPS} are allowed: split the conversation (I22)")
        return None, faults
    steps: dict[str, Step] = {}
    for step_name, value in steps_table.value.items():
        step = _step(_Table(file, step_name, value, faults), step_name, words)
        if step is not None:
            steps[step_name] = step
    text_class = top.need("class")
    if text_class not in ("A", "B"):
        top.fault(f"class must be A or B, not '{text_class}': sensitive conversations (C) never run by phone (S3)")
    channels = top.names("channels")
    if not channels or not set(channels) <= set(CHANNELS):
        top.fault("'channels' must name sms, ussd or both")
    closes, hours = _closing(top)
    canonical = canonical_json(table)
    own_words = words.only(texts_of(steps), labels_of(steps))
    conversation = Conversation(
        name=name,
        file=file,
        text_class=text_class,
        channels=channels,
        start=top.need("start"),
        exit=top.get("exit", ""),
        home=top.get("home", ""),
        closes=closes,
        closes_after_hours=hours,
        args=_args(top),
        steps=steps,
        words=own_words,
        canonical=canonical,
        fingerprint=fingerprint_of(canonical, own_words),
        report=top.get("report", False),
        question_set=_question_set(top),
    )
    top.finish()
    return conversation, faults


def unpack(definition: str, words: Words) -> Version:
    """A version as it was stored (``Version.definition`` and its words); ValueError if it is damaged."""
    if definition == NOTICES_DEFINITION:
        return Version(NOTICES_NAME, definition, words, None, fingerprint_of(definition, words))
    conversation, faults = parse_conversation("stored", json.loads(definition), words)
    if conversation is None or faults:
        raise ValueError(f"the stored conversation cannot be rebuilt: {'; '.join(str(fault) for fault in faults)}")
    return version_of(conversation)


def _closing(top: _Table) -> tuple[Closes, int]:
    hours = top.get("closes_after_hours", 0)
    closes = top.get("closes", "hours")
    if closes == "hours":
        if not 1 <= hours <= 24 * 28:
            top.fault("'closes_after_hours' must be 1 to 672, or 'closes' must be meeting_start or dial")
        return "hours", hours
    if closes == "meeting_start":
        return "meeting_start", 0
    if closes != "dial":
        top.fault("'closes' must be meeting_start or dial; for hours give 'closes_after_hours'")
    return "dial", 0


def _question_set(top: _Table) -> QuestionSet | None:
    table = top.inner("question_set")
    if table is None:
        return None
    found = QuestionSet(table.need("purpose"), table.need("instrument"), table.get("cap_days", 0), table.names("when"))
    table.finish()
    return found


def _args(top: _Table) -> dict[str, Kind]:
    args: dict[str, Kind] = {}
    for name, given in top.pairs("args").items():
        kind = next((kind for kind in KINDS if kind == given), None)
        if kind is None:
            # S5, S31: the kinds are a closed set, so that nothing of a person can ever fill a text
            reason = f"argument '{name}' has unknown kind '{given}': expected {', '.join(KINDS)}"
            top.fault(reason, nearest(given, KINDS) or "there is no kind for a name or for anybody's words")
        else:
            args[name] = kind
    return args


def _step(table: _Table, name: str, words: Words) -> Step | None:
    kind = table.need("kind")
    build = _STEP_KINDS.get(kind)
    if build is None:
        table.fault(f"unknown kind of step '{kind}': expected {', '.join(sorted(_STEP_KINDS))}", nearest(kind, _STEP_KINDS))
        return None
    step = build(table, name, words)
    table.finish()
    return step


def _message(table: _Table) -> Message:
    return Message(
        sms=table.get("sms", ""),
        ussd=table.get("ussd", ""),
        ussd_when=tuple(table.pairs("ussd_when").items()),
        values=table.names("values"),
    )


def _effects(table: _Table) -> tuple[EffectSpec, ...]:
    found = []
    for row in table.rows("effects"):
        name = row.need("name")
        args = {key: value for key, value in row.value.items() if key != "name"}
        if not all(isinstance(value, str | int | bool) for value in args.values()):
            row.fault(f"arguments of effect '{name}' must be texts, numbers or true/false")
        found.append(EffectSpec(name, args))
    return tuple(found)


def _way(table: _Table, fallback: str = "") -> Way:
    return Way(table.get("next", fallback), _effects(table))


def _choice(table: _Table, fallback: str, words: Words) -> Choice:
    number = table.get("number", 0)
    if not 1 <= number <= 9:
        table.fault(f"option number {number}: 1 to 9 are allowed, 0 and 00 leave or go back")
    value = table.value.get("value")
    table.asked.add("value")
    if isinstance(value, bool) or not isinstance(value, str | int):
        table.fault(f"option {number} needs a 'value', a code or a number")
        value = ""
    elif len(str(value)) > MAX_VALUE:
        table.fault(f"option {number}: its 'value' has more than {MAX_VALUE} characters", "write a short code")
        value = ""
    label = table.get("label", "")
    choice = Choice(number, value, _way(table, fallback), label, words.labels(label), table.get("only_if", ""))
    table.finish()
    return choice


def _ask(table: _Table, name: str, words: Words) -> Ask:
    given = table.need("answer")
    answer: AnswerKind = next((kind for kind in ANSWER_KINDS if kind == given), "yesno")
    if answer != given:
        table.fault(f"unknown answer '{given}': expected {', '.join(ANSWER_KINDS)}", nearest(given, ANSWER_KINDS))
    record = table.get("record", "")
    if record and not NAME.fullmatch(record):
        table.fault(f"'{shortly(record)}' is no name of a question: a small letter, then small letters, digits and _, 40 at most")
    way = _way(table)
    ways: dict[str, Way] = {}
    for case in ("yes", "no", "dont_know"):
        own = table.inner(case)
        if own is not None:
            ways[case] = _way(own, way.next)
            own.finish()
    return Ask(
        name=name,
        message=_message(table),
        answer=answer,
        way=way,
        choices=tuple(_choice(row, way.next, words) for row in table.rows("options")),
        ways=ways,
        low=table.get("low", 0),
        high=table.get("high", 0),
        source=table.get("source", ""),
        save=table.get("save", ""),
        record=record,
        back=table.get("back", ""),
        page=table.get("page", 0),
    )


def _pin(table: _Table, name: str, _words: Words) -> Pin:
    return Pin(name, table.need("ask"), table.need("wrong"), table.need("locked"), table.need("next"))


def _fetch(table: _Table, name: str, _words: Words) -> Fetch:
    return Fetch(name, table.need("fact"), table.pairs("args"), table.pairs("keep"), table.pairs("cases"))


def _branch(table: _Table, name: str, _words: Words) -> Branch:
    return Branch(name, table.need("flag"), table.need("yes"), table.need("no"))


def _say(table: _Table, name: str, _words: Words) -> Say:
    return Say(name, _message(table), _effects(table))


def _resume(table: _Table, name: str, _words: Words) -> Resume:
    return Resume(name, table.need("next"), table.get("flag", ""))


_STEP_KINDS: Mapping[str, Callable[[_Table, str, Words], Step]] = {
    "ask": _ask,
    "pin": _pin,
    "fetch": _fetch,
    "branch": _branch,
    "say": _say,
    "resume": _resume,
}
