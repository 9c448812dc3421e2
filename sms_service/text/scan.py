"""What the words of a reply mean: the longest lexicon phrase at each place, then joined, then misspelt words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sms_service.text.confidence import EXACT, GUESSED, SHORTEST_FUZZY
from sms_service.text.lexicon import Lexicon

Meanings = Mapping[str, Any]

_LONGEST_PHRASE = 7
#: Words of one text that may be guessed at (misspelt or joined); beyond it a text is a story, not an answer (I22).
_GUESSES = 40
_LEAST_JOINED = 6
_LEAST_SPLIT_KEY = 4
_NEGATIVE_STARTS = ("si", "nti", "nta", "ntu")


@dataclass(frozen=True, slots=True)
class Hit:
    """Tokens ``start`` to ``end`` (exclusive) and what they may mean; no meanings for an unknown word."""

    start: int
    end: int
    text: str
    meanings: Meanings
    confidence: float = EXACT

    def has(self, *categories: str) -> bool:
        return any(category in self.meanings for category in categories)


def scan(lexicon: Lexicon, words: Sequence[str], labels: Mapping[str, Any]) -> list[Hit]:
    """Cover ``words`` with hits from left to right; ``labels`` are option texts of the open question, by key."""
    hits: list[Hit] = []
    place = guesses = 0
    while place < len(words):
        if words[place][0].isdigit():
            hits.append(Hit(place, place + 1, words[place], {}))
            place += 1
            continue
        found = _longest(lexicon, words, place, labels)
        if found is None and guesses < _GUESSES and len(words[place]) <= 40:
            guesses += 1
            hits.extend(_guess(lexicon, words[place], place))
            place += 1
            continue
        found = found or Hit(place, place + 1, words[place], {})
        hits.append(found)
        place = found.end
    return hits


def _longest(lexicon: Lexicon, words: Sequence[str], place: int, labels: Mapping[str, Any]) -> Hit | None:
    best: Hit | None = None
    key = ""
    for end in range(place, min(len(words), place + _LONGEST_PHRASE)):
        word = words[end]
        # A letter doubled over the word boundary counts once in keys.
        key += word[1:] if key and key[-1] == word[0] and word[0].isalpha() else word
        meanings: dict[str, Any] = dict(lexicon.meanings.get(key, {}))
        meanings.pop("common", None)
        if key in labels:
            meanings["option"] = labels[key]
        if meanings and (end == place or len(key) >= _LEAST_SPLIT_KEY):
            best = Hit(place, end + 1, key, meanings)
    return best


def _guess(lexicon: Lexicon, word: str, place: int) -> list[Hit]:
    """A misspelt word, or several words written as one; otherwise the word itself, unknown."""
    unknown = [Hit(place, place + 1, word, {})]
    if word in lexicon.common or word in lexicon.crisis.known:
        return unknown
    candidate = misspelt(lexicon, word)
    if candidate is not None:
        return [Hit(place, place + 1, candidate, lexicon.meanings[candidate], GUESSED)]
    parts = _split(lexicon, word) if len(word) >= _LEAST_JOINED else None
    if parts is None:
        return unknown
    return [Hit(place, place + 1, part, lexicon.meanings[part], GUESSED) for part in parts]


def misspelt(lexicon: Lexicon, word: str) -> str | None:
    """The one known word meant by ``word``: one edit from 5 letters, two from 8; None when two meanings are as near."""
    if len(word) < SHORTEST_FUZZY:
        return None
    negative = word.startswith(_NEGATIVE_STARTS)
    near = [
        (candidate, distance)
        for distance, candidate in lexicon.guesses.near(word)
        if candidate[0] == word[0] and negative == candidate.startswith(_NEGATIVE_STARTS)
    ]
    if not near:
        return None
    best = min(distance for _, distance in near)
    nearest = sorted(candidate for candidate, distance in near if distance == best)
    first = lexicon.meanings[nearest[0]]
    return nearest[0] if all(lexicon.meanings[other] == first for other in nearest) else None


def _split(lexicon: Lexicon, word: str) -> list[str] | None:
    """Cut a joined word wholly into known words, longest first; a part has three letters or more (``ok`` apart)."""
    ways: dict[int, list[str]] = {0: []}
    for end in range(2, len(word) + 1):
        for start in sorted(ways):
            part = word[start:end]
            if (len(part) >= 3 or part == "ok") and part in lexicon.meanings and len(ways[start]) < 4:
                ways[end] = [*ways[start], part]
                break
    return ways.get(len(word))
