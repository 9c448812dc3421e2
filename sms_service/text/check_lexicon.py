"""What is wrong with the lexicon's files: every fault in one go, so that the words can be put right without code.

Pure: parsed tables in, records out; the catalogue makes the faults that ``check`` prints of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from sms_service.text.check_model import check_model
from sms_service.text.check_near import check_near
from sms_service.text.crisis_lexicon import CONTEXTS, FLAGS, LANGUAGES, ROLES
from sms_service.text.lexicon import MEANINGS, VALUE_MEANINGS
from sms_service.text.normalise import joined, plain, tokens
from sms_service.text.patterns import PatternFault, choices_of, expand

#: Characters of one entry, alternatives counted as written; a longer one is a list somebody forgot to part.
LONGEST_ENTRY = 60
LONGEST_PATTERN = 4000
REVIEW_STATES = ("awaiting native review", "reviewed")

#: Meanings that no single phrase of one language may have together: the reader could not tell which is meant.
_EXCLUSIVE = (
    ("yes", "no"),
    ("yes", "dont_know"),
    ("no", "dont_know"),
    ("start", "stop"),
    ("stop", "help"),
    ("stop", "help_request"),
    ("stop_request", "help_request"),
    ("start", "help"),
)
#: What a word that ends all messages may never mean besides (S17).
_NEVER_WITH_STOP = ("yes", "yes_leading", "no", "no_leading", "no_alone", "number", "scale", "dont_know")


@dataclass(frozen=True, slots=True, order=True)
class LexiconProblem:
    """One fault: the file's stem, the entry (meaning and phrase), the reason, and what would put it right."""

    file: str
    entry: str
    reason: str
    fix: str


def check_lexicon(tables: Mapping[str, Mapping[str, Any]]) -> tuple[LexiconProblem, ...]:
    """Every fault of the parsed tables keyed ``rw``, ``en``, ``fr``, ``sw``, ``crisis``, ``near``, ``concepts``, ``model``."""
    found: list[LexiconProblem] = []
    for name in (*LANGUAGES, "crisis"):
        table = tables.get(name)
        if table is None:
            found.append(LexiconProblem(name, "", "the file is missing: replies in that language are not understood", "add it"))
        elif name == "crisis":
            found.extend(_crisis(table))
        else:
            found.extend(_language(name, table))
    near = tables.get("near", {})
    for number, pair in enumerate(_tables(near.get("pair")), start=1):
        found.extend(_signed("near", f"pair {number}", pair))
    found.extend(LexiconProblem("near", *fault) for fault in check_near(near))
    for name in ("concepts", "model"):
        found.extend(_signed(name, "", tables[name]) if name in tables else ())
    found.extend(LexiconProblem(*fault) for fault in check_model(tables))
    return tuple(sorted(set(found)))


def _language(name: str, table: Mapping[str, Any]) -> Iterator[LexiconProblem]:
    entries = _tables(table.get("entry"))
    if not entries:
        yield LexiconProblem(name, "", "[[entry]] is missing", "write each meaning as an [[entry]] with its words")
        return
    meanings: dict[str, dict[str, str]] = {}
    for number, entry in enumerate(entries, start=1):
        meaning = str(entry.get("meaning", ""))
        label = meaning or f"entry {number}"
        yield from _signed(name, label, entry)
        if meaning not in MEANINGS:
            yield LexiconProblem(name, label, "its meaning is unknown", f"use one of {', '.join(sorted(MEANINGS))}")
        if (meaning in VALUE_MEANINGS) != ("value" in entry):
            yield LexiconProblem(
                name, label, "only numbers, scale, tens, hours, months and languages have a value", "add or remove it"
            )
        for phrase in _phrases(name, label, entry.get("words"), (found := [])):
            key = joined(phrase)
            if not key:
                found.append(LexiconProblem(name, f"{label}: {phrase}", "nothing is left of it after normalising", "remove it"))
            meanings.setdefault(key, {}).setdefault(_sense(meaning, entry), phrase)
        yield from found
        yield from _twice(name, label, entry)
    yield from _contradictions(name, meanings)


def _twice(name: str, label: str, entry: Mapping[str, Any]) -> Iterator[LexiconProblem]:
    words = [] if entry.get("meaning") == "common" or not isinstance(entry.get("words"), list) else entry["words"]
    seen: set[str] = set()
    for word in words:
        key = joined(word) if isinstance(word, str) and "(" not in word else ""
        if key and key in seen:
            yield LexiconProblem(name, f"{label}: {word}", "it stands there twice in other spelling", "remove one")
        seen.add(key)


def _sense(meaning: str, entry: Mapping[str, Any]) -> str:
    return f"{meaning} {entry['value']}" if "value" in entry else meaning


def _contradictions(name: str, meanings: Mapping[str, Mapping[str, str]]) -> Iterator[LexiconProblem]:
    for senses in meanings.values():
        for one, other in _EXCLUSIVE:
            if one in senses and other in senses:
                yield LexiconProblem(name, senses[one], f"it means both {one} and {other}", "keep it in one of them")
        if "stop" in senses or "stop_request" in senses:
            for other in senses:
                if other.split(" ")[0] in _NEVER_WITH_STOP:
                    yield LexiconProblem(
                        name, senses[other], f"it ends all messages and means {other} too", "keep one of them (S17)"
                    )
        for one, other in combinations(sorted(senses), 2):
            same = one.split(" ")[0] == other.split(" ")[0]
            if same and one.split(" ")[0] in ("number", "scale", "language", "month"):
                yield LexiconProblem(name, senses[one], f"it means both {one} and {other}", "keep it in one of them")


def _crisis(table: Mapping[str, Any]) -> Iterator[LexiconProblem]:
    idioms: set[str] = set()
    red: dict[str, str] = {}
    for kind, known in (("group", ROLES), ("context", CONTEXTS)):
        blocks = _tables(table.get(kind))
        if not blocks:
            yield LexiconProblem("crisis", "", f"[[{kind}]] is missing", "add it, or restore the file")
            continue
        for number, block in enumerate(blocks, start=1):
            role = str(block.get("role", ""))
            label = " ".join(part for part in (role, str(block.get("topic", ""))) if part) or f"{kind} {number}"
            yield from _signed("crisis", label, block)
            if role not in known:
                yield LexiconProblem("crisis", label, "its role is unknown", f"use one of {', '.join(sorted(known))}")
            unknown = set(block) - {"role", "topic", "source", "review", "mention", *FLAGS, *LANGUAGES}
            if unknown or (kind == "group" and not block.get("topic")):
                what = f"'{min(unknown)}' is unknown" if unknown else "its topic is missing: an alert could not be explained"
                yield LexiconProblem("crisis", label, what, "see the head of the file")
            found: list[LexiconProblem] = []
            for language in LANGUAGES:
                for phrase in _phrases("crisis", f"{label}, {language}", block.get(language, []), found, rich=True):
                    if role == "idiom" and "(" not in phrase:
                        idioms.add(joined(phrase))
                    elif role == "red" and "(" not in phrase:
                        red[joined(phrase)] = phrase
            yield from found
    for key in sorted(idioms & red.keys()):
        yield LexiconProblem("crisis", red[key], "it is RED and an idiom, and so no concern at all", "keep it in one of them (S23)")


def _tables(value: Any) -> list[Mapping[str, Any]]:
    """``value`` when it is a list of tables, else an empty list."""
    return value if isinstance(value, list) and all(isinstance(one, dict) for one in value) else []


def _signed(name: str, label: str, entry: Mapping[str, Any]) -> Iterator[LexiconProblem]:
    if not isinstance(entry.get("source"), str) or not entry["source"].strip():
        yield LexiconProblem(name, label, "its source is missing", "say where the words come from, as C22 or D")
    if entry.get("review") not in REVIEW_STATES:
        yield LexiconProblem(name, label, "its review state is missing", f"use one of: {'; '.join(REVIEW_STATES)}")


def _phrases(name: str, label: str, words: Any, found: list[LexiconProblem], *, rich: bool = False) -> Iterator[str]:
    """Every phrase of a list; what is wrong with the list goes to ``found``. ``rich``: alternatives stay unwritten."""
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        found.append(LexiconProblem(name, label, "its words are no list of texts", 'write words = ["one", "two"]'))
        return
    for written in words:
        try:
            choices_of(written)
            phrases = (written,) if rich else expand(written)
        except PatternFault as fault:
            found.append(LexiconProblem(name, f"{label}: {written[:LONGEST_ENTRY]}", str(fault).split(";")[0], "put it right"))
            continue
        longest = LONGEST_PATTERN if rich and "(" in written else LONGEST_ENTRY
        if not written.strip() or max(map(len, phrases)) > longest:
            what = "it is empty" if not written.strip() else f"it is longer than {longest} characters"
            found.append(LexiconProblem(name, f"{label}: {written[:LONGEST_ENTRY]}", what, "shorten it or remove it"))
        if lost := _lost(written):
            found.append(
                LexiconProblem(
                    name, f"{label}: {written[:LONGEST_ENTRY]}", f"normalising loses '{lost}'", "write it as people type it"
                )
            )
        yield from phrases


def _lost(written: str) -> str:
    """The first letter that normalising drops; accents, apostrophes, hyphens and brackets may go."""
    return next((letter for letter in written if letter.isalpha() and not tokens(plain(letter))), "")
