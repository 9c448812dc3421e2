"""Lexicon entries with alternatives: ``nda(shaka|senga) gupfa`` stands for two phrases, ``(really|) sad`` for two as well.

Alternatives do not nest. Short entries are written out (``expand``); the crisis list, whose entries stand for thousands
of phrases, is matched as it is (``compile_entry``), without repetition and so in bounded time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

#: Phrases an entry may stand for where each is written out.
MOST_PHRASES = 600
#: Words and beginnings one entry may have when it is matched as it is.
MOST_FORMS = 4000
_CHOICE = re.compile(r"\(([^()]*)\)")


class PatternFault(ValueError):
    """An entry whose brackets do not pair, nest, or make too many phrases; the message says which and what to do."""


class Lazy:
    """A regular expression compiled when it is first tried: of hundreds, one text meets a few."""

    __slots__ = ("_compiled", "_written")

    def __init__(self, written: str) -> None:
        self._written = written
        self._compiled: re.Pattern[str] | None = None

    def match(self, text: str, start: int, end: int) -> re.Match[str] | None:
        """The match that begins at ``start`` of ``text`` and ends at ``end`` or before, or None."""
        if self._compiled is None:
            self._compiled = re.compile(self._written)
        return self._compiled.match(text, start, end)


@dataclass(frozen=True, slots=True)
class Compiled:
    """``matches`` finds the entry in a line without spaces; ``starts`` are the first letters it may begin with,
    ``words`` all words it is made of.
    """

    matches: Lazy
    starts: frozenset[str]
    words: frozenset[str]


def choices_of(entry: str) -> list[tuple[str, ...]]:
    """The pieces of an entry, each with its alternatives; ``PatternFault`` for brackets that do not pair or that nest."""
    pieces = _CHOICE.split(entry)
    if any(mark in piece for piece in pieces[::2] for mark in "()|"):
        raise PatternFault("brackets do not pair or are nested; write alternatives as (one|two)")
    return [tuple(piece.split("|")) if place % 2 else (piece,) for place, piece in enumerate(pieces)]


def count(choices: Sequence[tuple[str, ...]]) -> int:
    """How many phrases the alternatives make."""
    phrases = 1
    for alternatives in choices:
        phrases *= len(alternatives)
    return phrases


def expand(entry: str) -> tuple[str, ...]:
    """The phrases one entry stands for, in order and each once; ``PatternFault`` for a malformed or too rich one."""
    choices = choices_of(entry)
    if count(choices) > MOST_PHRASES:
        raise PatternFault(f"stands for {count(choices)} phrases, the most is {MOST_PHRASES}; make two entries of it")
    return tuple(dict.fromkeys(" ".join("".join(chosen).split()) for chosen in product(*choices)))


def compile_entry(entry: str, spelling: Callable[[str], str], start: int) -> Compiled | None:
    """One entry ready to be matched; ``spelling`` makes letters of a piece comparable, spaces kept. ``start``: letters in
    ``starts``. None for an entry without ``start`` letters.
    """
    pieces = [tuple(dict.fromkeys(map(spelling, alternatives))) for alternatives in choices_of(entry)]
    starts = _starts(pieces, start)
    if not starts:
        return None
    written = "".join(_written(alternatives, first=not place) for place, alternatives in enumerate(pieces))
    return Compiled(Lazy(written), frozenset(starts), frozenset(_words(pieces)))


def _written(alternatives: Sequence[str], *, first: bool) -> str:
    bare = sorted({_joined(one) for one in alternatives}, key=lambda one: (-len(one), one))
    made = [_after(one) if one and not first else re.escape(one) for one in bare]
    return made[0] if len(made) == 1 else f"(?:{'|'.join(made)})"


def _after(piece: str) -> str:
    # A letter doubled where two pieces meet is written once in the line.
    letter, rest = re.escape(piece[0]), re.escape(piece[1:])
    return f"(?:(?<={letter})|{letter}){rest}"


def _joined(piece: str) -> str:
    return re.sub(r"([a-z])\1+", r"\1", piece.replace(" ", ""))


def _starts(pieces: Sequence[Sequence[str]], length: int) -> set[str]:
    begun = {""}
    for alternatives in pieces:
        longer = {_joined(start + one) if len(start) < length else start for start in begun for one in alternatives}
        begun = {start[:length] for start in longer}
        _bounded(len(begun))
    return {start for start in begun if len(start) == length}


def _words(pieces: Sequence[Sequence[str]]) -> Iterator[str]:
    open_words = {""}
    for alternatives in pieces:
        grown: set[str] = set()
        for one in alternatives:
            first, *others = one.split(" ")
            grown |= {word + first for word in open_words} if not others else {others[-1]}
            if others:
                yield from (word + first for word in open_words if word + first)
                yield from (word for word in others[:-1] if word)
        open_words = grown
        _bounded(len(open_words))
    yield from (word for word in open_words if word)


def _bounded(forms: int) -> None:
    if forms > MOST_FORMS:
        raise PatternFault(f"has more than {MOST_FORMS} forms; make two entries of it")
