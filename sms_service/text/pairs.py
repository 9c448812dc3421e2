"""Two things said near one another: ``drank`` ... ``poison``, ``mureke`` ... ``sms``, with other words between them.

A pair has a first and a second side, each a list of words, of runs of up to four words, or of beginnings (``tuer*``).
It is found where a word of the second side follows one of the first within so many words. Pure and bounded: a word is
looked up a fixed number of times and at most ``MOST_PAIRS`` pairs of one text are told (I22).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sms_service.text.patterns import expand

RUN = 4
#: Pairs of one text that are looked at; a text that repeats itself says nothing new after that many.
MOST_PAIRS = 200
#: Words between which two sides still belong together, unless the pair says otherwise.
WITHIN = 4
MOST_WITHIN = 8
SIDES = ("first", "second")
_STEM = 3

_Side = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Pair:
    """One entry ready to be looked for: the place in its list, the words between, whether the order matters."""

    number: int
    within: int
    either: bool


@dataclass(frozen=True, slots=True)
class Pairs:
    """Compiled pairs: runs and beginnings by key, each with the (pair, side) they stand on; ``words`` are all single words."""

    pairs: Sequence[Pair]
    runs: Mapping[str, tuple[_Side, ...]]
    starts: Mapping[str, tuple[_Side, ...]]
    words: frozenset[str]
    lengths: tuple[int, ...]

    def find(self, words: Sequence[str]) -> Iterator[tuple[int, int, int, int, int]]:
        """(number of the pair, first word, last word, begin and end of the words between), in the order of the text."""
        told = 0
        known: dict[str, tuple[_Side, ...]] = {}
        recent: dict[_Side, tuple[int, int]] = {}
        for place in range(len(words)):
            for length in range(1, min(RUN, len(words) - place) + 1):
                for number, side in self._sides("".join(words[place : place + length]), length, known):
                    pair = self.pairs[number]
                    begun = recent.get((number, 1 - side)) if side or pair.either else None
                    if begun is not None and begun[1] <= place and place - begun[1] <= pair.within:
                        told += 1
                        yield number, begun[0], place + length - 1, begun[1], place
                        if told >= MOST_PAIRS:
                            return
                    kept = recent.get((number, side))
                    if kept is None or kept[1] <= place or place + length < kept[1]:
                        # Of runs that overlap the one that ends first stays: "me coupe la" is no "me coupera".
                        recent[number, side] = (place, place + length)

    def _sides(self, key: str, length: int, known: dict[str, tuple[_Side, ...]]) -> tuple[_Side, ...]:
        if length > 1:
            return self.runs.get(key, ())
        found = known.get(key)
        if found is None:
            begun = (self.starts.get(key[:size], ()) for size in self.lengths if size <= len(key))
            known[key] = found = (*self.runs.get(key, ()), *(side for sides in begun for side in sides))
        return found


def build_pairs(blocks: Sequence[Mapping[str, Any]], key: Callable[[str], str]) -> Pairs:
    """Compile ``[[pair]]`` tables; ``key`` writes a phrase in the spelling the words of a text have.

    ``KeyError``, ``TypeError`` or ``PatternFault`` for a table that is none: check_pairs.py tells them all.
    """
    pairs: list[Pair] = []
    runs: dict[str, list[_Side]] = {}
    starts: dict[str, list[_Side]] = {}
    words: set[str] = set()
    for number, block in enumerate(blocks):
        pairs.append(Pair(number, int(block.get("within", WITHIN)), bool(block.get("either", False))))
        for side, name in enumerate(SIDES):
            for phrase in sorted({phrase for written in block[name] for phrase in expand(written)}):
                into = starts if phrase.endswith("*") else runs
                into.setdefault(key(phrase.rstrip("*")), []).append((number, side))
                if into is runs and " " not in phrase:
                    words.add(key(phrase))
    return Pairs(
        pairs=tuple(pairs),
        runs={word: tuple(sides) for word, sides in runs.items()},
        starts={word: tuple(sides) for word, sides in starts.items()},
        words=frozenset(words),
        lengths=tuple(sorted({len(word) for word in starts})),
    )
