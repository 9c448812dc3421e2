"""Words one or two edits away from a misspelt one, found by what both become when letters are left out.

Each known word is kept under every form it has with up to two letters missing; a misspelt word is near when they share a
form, which a true distance then confirms. A look-up costs some dozen dictionary reads however many words are known (I22).
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from itertools import combinations, pairwise

from rapidfuzz.distance import OSA, Levenshtein

#: Longer words are never corrected: nobody means one word with them.
LONGEST_CORRECTED = 40
_LONGEST_TWICE = 24
_OWNER_BITS = 20
_OWNER = (1 << _OWNER_BITS) - 1
_TAG = (1 << (64 - _OWNER_BITS)) - 1
#: Letters taken for one another by ear, and letters side by side on a keyboard.
_SOUNDS = ("aeiouy", "bpvf", "dt", "gkcqj", "sczxj", "rl", "mn", "hj", "wuv")
_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


class Neighbours:
    """Known words by their shortened forms. Words of ``twice`` letters or more may be two edits away, others one.

    Some hundred thousand forms are kept as numbers in one table, a few bytes each: every process carries it. A form that merely
    falls on another's number costs a distance and is then left out.
    """

    def __init__(self, words: Iterable[str], *, twice: int) -> None:
        self._twice = twice
        self._words = sorted(set(words))
        marks, owners = array("q"), array("I")
        for number, word in enumerate(self._words, start=1):
            for form in {word, *_shortened(word, 2 if len(word) >= twice - 1 else 1)}:
                marks.append(hash(form))
                owners.append(number)
        self._mask = (1 << (2 * len(marks) + 1).bit_length()) - 1
        self._slots = array("Q", bytes(8 * (self._mask + 1)))
        for mark, number in zip(marks, owners, strict=True):
            slot = mark & self._mask
            while self._slots[slot]:
                slot = (slot + 1) & self._mask
            self._slots[slot] = (mark >> _OWNER_BITS & _TAG) << _OWNER_BITS | number

    def near(self, word: str) -> list[tuple[int, str]]:
        """(distance, known word) for every known word within reach of ``word``, nearest first; itself at distance 0."""
        if len(word) > LONGEST_CORRECTED:
            return []
        edits = 2 if self._twice <= len(word) <= _LONGEST_TWICE else 1
        slots, mask = self._slots, self._mask
        found: set[int] = set()
        for form in (word, *_shortened(word, edits)):
            mark = hash(form)
            slot, tag = mark & mask, mark >> _OWNER_BITS & _TAG
            while kept := slots[slot]:
                if kept >> _OWNER_BITS == tag:
                    found.add(kept & _OWNER)
                slot = (slot + 1) & mask
        near = (self._words[number - 1] for number in found)
        measured = ((OSA.distance(word, known, score_cutoff=edits), known) for known in near)
        return sorted(pair for pair in measured if pair[0] <= edits)


def likely(meant: str, written: str) -> bool:
    """Whether ``written`` is a slip somebody makes: letters left out, doubled, swapped, or put for one that sounds alike or
    lies beside it on the keyboard. Another consonant altogether makes another word of many a Bantu verb.
    """
    if sorted(meant) == sorted(written):
        return True
    changes = Levenshtein.editops(meant, written)
    return all(one.tag != "replace" or (meant[one.src_pos] + written[one.dest_pos]) in _SLIPS for one in changes)


def _slips() -> frozenset[str]:
    alike = {one + other for group in _SOUNDS for one in group for other in group}
    beside = {pair for row in _KEYS for first, second in pairwise(row) for pair in (first + second, second + first)}
    return frozenset(alike | beside)


_SLIPS = _slips()


def _shortened(word: str, letters: int) -> Iterator[str]:
    for place in range(len(word)):
        yield word[:place] + word[place + 1 :]
    if letters > 1 and len(word) <= _LONGEST_TWICE:
        for first, second in combinations(range(len(word)), 2):
            yield word[:first] + word[first + 1 : second] + word[second + 1 :]
