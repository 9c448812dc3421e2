"""The statistical layer (S22-S24): a linear model over letters, words and concepts, for what no list holds.

What a text is made of falls into a table of fixed size; each head (``red``, ``alert``: AMBER or RED, ``stop``) adds up the weights
found there. Trained by ``tests/bench/train.py`` and kept as ``model.toml``; pure, and bounded by ``MOST_WORDS`` (I22). It explains
itself by concepts, never by the person's words (S32).
"""

from __future__ import annotations

import zlib
from base64 import b32decode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

from sms_service.text.concepts import Concepts, build_concepts

HEADS = ("red", "alert", "stop")
LIMITS = ("red", "amber", "stop", "unlikely", "unlikely_long")
#: Words looked at together; a longer text is looked at in pieces that overlap by half.
WINDOW = 24
#: Words of one text that are looked at.
MOST_WORDS = 240
_SHORTEST, _LONGEST = 3, 5
_LONGEST_WORD = 40
#: Spellings that sound alike where texts are typed by ear (``ke`` for ``que``, ``frapé`` for ``frapper``), and mute endings.
_SOUNDS = (
    ("ph", "f"), ("eau", "o"), ("au", "o"), ("qu", "k"), ("q", "k"), ("ce", "se"), ("ci", "si"), ("cy", "si"), ("ch", "C"),
    ("c", "k"), ("C", "ch"), ("ai", "e"), ("ei", "e"), ("y", "i"), ("w", "u"),
)  # fmt: skip
_MUTE = "estxdzr"
#: A text says how long it is in steps of so many words, so many times over, up to the last step.
_LENGTH_STEP, _LENGTH_WEIGHT, _LAST_STEP = 3, 3, 6
_BITS = range(8, 21)


@dataclass(frozen=True, slots=True)
class Weighed:
    """The score of each head, the highest of all pieces, and the concepts that spoke most for the alert, strongest first."""

    red: float
    alert: float
    stop: float
    words: Sequence[str]


@dataclass(frozen=True, slots=True)
class Model:
    """``weights``: one signed byte a place of the table and head, times ``scales``, plus ``biases``. ``limits``: by name, the score
    from which a text is RED, AMBER or a stop, and that below which a RED of the lists is unlikely in a short or a longer text.
    """

    mask: int
    weights: Mapping[str, Sequence[int]]
    scales: Mapping[str, float]
    biases: Mapping[str, float]
    limits: Mapping[str, float]
    concepts: Concepts

    def score(self, head: str, places: Sequence[int]) -> float:
        """One head over the places of one piece of text."""
        total = sum(map(self.weights[head].__getitem__, places))
        return self.biases[head] + self.scales[head] * total / sqrt(len(places) + 1)

    def weigh(self, words: Sequence[str]) -> Weighed:
        """All heads over a text, its words in crisis spelling."""
        best = dict.fromkeys(HEADS, float("-inf"))
        strongest: Sequence[str] = ()
        for piece in pieces(words):
            places = places_of(piece, self.concepts, self.mask)
            for head in HEADS:
                score = self.score(head, places)
                if score > best[head]:
                    best[head] = score
                    strongest = piece if head == "red" else strongest
        return Weighed(best["red"], best["alert"], best["stop"], strongest)

    def stop(self, words: Sequence[str]) -> float:
        """The stop head alone over a short text."""
        return self.score("stop", places_of(words[:WINDOW], self.concepts, self.mask))

    def why(self, head: str, words: Sequence[str]) -> str:
        """The two concepts, or pairs of them, that weigh most for ``head`` in a piece of text: codes, no words of it (S32)."""
        table = self.weights[head]
        found = ((table[_place(f"c {name}".encode(), self.mask)], name) for name in self.concepts.said(words))
        most = sorted(((-weight, name) for weight, name in found if weight > 0), key=lambda one: (one[0], one[1]))
        return "+".join(name for _, name in most[:2]) or "letters"


def pieces(words: Sequence[str]) -> Iterator[Sequence[str]]:
    """The text whole, or, when it is longer than a window, overlapping windows of it."""
    words = words[:MOST_WORDS]
    last = max(len(words) - WINDOW, 0)
    for start in [*range(0, last, WINDOW // 2), last]:
        yield words[start : start + WINDOW]


def places_of(words: Sequence[str], concepts: Concepts, mask: int) -> list[int]:
    """Where a piece of text falls in the table: its words, as written and as they sound, their neighbours and parts, its concepts
    and its length, each place once.
    """
    step = min(len(words) // _LENGTH_STEP, _LAST_STEP)
    places = {_place(b"n %d %d" % (step, times), mask) for times in range(_LENGTH_WEIGHT)}
    before, earlier, heard = b"^", b"^", b"^"
    for word in words:
        written = b"0" if word[0].isdigit() else word[:_LONGEST_WORD].encode()
        sound = b"0" if word[0].isdigit() else sound_of(word[:_LONGEST_WORD]).encode()
        places.add(_place(b"p " + sound, mask))
        places.add(_place(b"p " + heard + b" " + sound, mask))
        edged = b"<" + written + b">"
        places.add(_place(b"w " + written, mask))
        places.add(_place(before + b" " + written, mask))
        places.add(_place(earlier + b" . " + written, mask))
        for size in range(_SHORTEST, _LONGEST + 1):
            for start in range(len(edged) - size + 1):
                places.add(_place(edged[start : start + size], mask))
        before, earlier, heard = written, before, sound
    places.add(_place(before + b" $", mask))
    places.update(_place(f"c {name}".encode(), mask) for name in concepts.said(words))
    return sorted(places)


def sound_of(word: str) -> str:
    """A word as it sounds, roughly and in any of the languages, so that its spellings fall together."""
    for spelt, sound in _SOUNDS:
        if spelt in word:
            word = word.replace(spelt, sound)
    return word.rstrip(_MUTE) or word


def _place(feature: bytes, mask: int) -> int:
    return zlib.crc32(feature) & mask


def build_model(table: Mapping[str, Any], concepts: Mapping[str, Any]) -> Model:
    """The parsed ``model.toml`` with the parsed ``concepts.toml`` ready to weigh texts.

    ``KeyError``, ``TypeError`` or ``ValueError`` for tables that do not belong together: check_model.py tells why.
    """
    size = 1 << int(table["bits"])
    kept = zlib.decompress(b32decode("".join(table["weights"]), casefold=True))
    if len(kept) != size * len(HEADS) or int(table["bits"]) not in _BITS or table["concepts"] != fingerprint(concepts):
        raise ValueError("model.toml was trained on other concepts or is not whole")
    whole = memoryview(kept).cast("b")
    return Model(
        mask=size - 1,
        weights={head: whole[place * size : (place + 1) * size] for place, head in enumerate(HEADS)},
        scales={head: float(table["scales"][head]) for head in HEADS},
        biases={head: float(table["biases"][head]) for head in HEADS},
        limits={name: float(table["limits"][name]) for name in LIMITS},
        concepts=build_concepts(concepts),
    )


def fingerprint(concepts: Mapping[str, Any]) -> int:
    """A number that changes with the lists of ``concepts.toml``: the weights belong to them."""
    lines = (f"{name}={','.join(map(str, entries))}" for name, entries in sorted(concepts["concept"].items()))
    return zlib.crc32("\n".join(lines).encode())
