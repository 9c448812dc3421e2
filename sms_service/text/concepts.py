"""What words are about, whatever the language: ``concepts.toml`` compiled, and the concepts of the words of a text.

A concept is a list of words, beginnings (``suicid*``), endings (``*gura``) and parts (``*iyahur*``) in four languages. Pure; a
word costs a bounded number of dictionary reads (I22).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sms_service.text.crisis_lexicon import crisis_word
from sms_service.text.normalise import plain, tokens

#: Concepts so many words apart or fewer are said of one another.
WITHIN = 6
#: Longer words are texts written without spaces; their first letters are looked at.
_LONGEST = 40

Named = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Concepts:
    """Concept names by whole word, beginning, ending and part, and the lengths that parts have."""

    whole: Named
    starts: Named
    ends: Named
    parts: Named
    lengths: tuple[int, ...]

    def of(self, word: str) -> tuple[str, ...]:
        """The concepts of one word in crisis spelling, by name."""
        word = word[:_LONGEST]
        found = set(self.whole.get(word, ()))
        for size in range(1, len(word) + 1):
            found.update(self.starts.get(word[:size], ()), self.ends.get(word[-size:], ()))
        for size in self.lengths:
            for place in range(len(word) - size + 1):
                found.update(self.parts.get(word[place : place + size], ()))
        return tuple(sorted(found))

    def said(self, words: Sequence[str]) -> set[str]:
        """Every concept of a text (``child``), every two in it (``child&lock``) and, when near, in order (``lock>child``)."""
        found: set[str] = set()
        places: list[tuple[int, str]] = []
        for place, word in enumerate(words):
            named = self.of(word)
            near = [name for earlier, name in places if place - earlier <= WITHIN]
            found.update(named, (f"{first}>{second}" for first in near for second in named))
            places.extend((place, name) for name in named)
        every = sorted({name for _, name in places})
        found.update(f"{first}&{second}" for at, first in enumerate(every) for second in every[at + 1 :])
        return found


def build_concepts(table: Mapping[str, Any]) -> Concepts:
    """Compile the parsed ``concepts.toml``; ``KeyError`` or ``TypeError`` for a table that is none."""
    kinds: dict[str, dict[str, set[str]]] = {"whole": {}, "starts": {}, "ends": {}, "parts": {}}
    for name, written in table["concept"].items():
        for entry in written:
            if key := spelling(entry):
                kinds[kind_of(entry)].setdefault(key, set()).add(name)
    whole, starts, ends, parts = (_sorted(kinds[kind]) for kind in ("whole", "starts", "ends", "parts"))
    return Concepts(whole, starts, ends, parts, tuple(sorted({len(key) for key in parts})))


def kind_of(entry: str) -> str:
    """Whether an entry is a whole word, a beginning, an ending or any part of a word."""
    if entry.startswith("*"):
        return "parts" if entry.endswith("*") and len(entry) > 1 else "ends"
    return "starts" if entry.endswith("*") else "whole"


def spelling(entry: str) -> str:
    """An entry as words of a text are spelt for the crisis check; empty when it is not one word."""
    words = tokens(plain(entry.strip("*")))
    return crisis_word(words[0]) if len(words) == 1 else ""


def _sorted(found: Mapping[str, Iterable[str]]) -> Named:
    return {key: tuple(sorted(names)) for key, names in found.items()}
