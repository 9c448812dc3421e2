"""Characters and length of an outgoing text (domain guide section 10, gateway contract section 6, S6).

Pure counting: texts go in, numbers of units and parts come out. GSM-7 counts characters of the basic alphabet as one
unit and of the extension table as two; UCS-2 counts 16-bit units.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Literal

Encoding = Literal["GSM-7", "UCS-2"]

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = frozenset("^{}\\[~]|€\f")

#: Units of a single text, and of each part when there are several, by encoding.
SINGLE: dict[Encoding, int] = {"GSM-7": 160, "UCS-2": 70}
PART: dict[Encoding, int] = {"GSM-7": 153, "UCS-2": 67}

_FOLDS = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u02bc\u00b4\u0060", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"'),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
        **dict.fromkeys("\u00a0\u2007\u2009\u202f\u2002\u2003", " "),
        "\u2026": "...",
        **dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff\u00ad", ""),
        "\u2022": "-",
    }
)
_LIGATURES = str.maketrans({"œ": "oe", "Œ": "OE"})


@dataclass(frozen=True, slots=True)
class Segments:
    """How one text travels: ``units`` used, ``parts`` billed, units ``left`` in the last part, and its ``culprits``.

    ``culprits`` are the distinct characters outside GSM-7, in order of first use; empty when the encoding is GSM-7.
    """

    encoding: Encoding
    units: int
    parts: int
    left: int
    culprits: tuple[str, ...] = ()


def encoding_of(text: str) -> Encoding:
    """The encoding a handset will receive: one character outside GSM-7 turns the whole text into UCS-2."""
    return "UCS-2" if any(c not in BASIC and c not in EXTENSION for c in text) else "GSM-7"


def _is_surrogate_pair(character: str) -> bool:
    return ord(character) > 0xFFFF


def segments(text: str) -> Segments:
    """Count units and parts; an extension pair or a surrogate pair is never split over two parts (S6)."""
    encoding = encoding_of(text)
    doubled = EXTENSION.__contains__ if encoding == "GSM-7" else _is_surrogate_pair
    sizes = [2 if doubled(c) else 1 for c in text]
    units = sum(sizes)
    culprits = tuple(dict.fromkeys(c for c in text if c not in BASIC and c not in EXTENSION))
    if units <= SINGLE[encoding]:
        return Segments(encoding, units, 1, SINGLE[encoding] - units, culprits)
    room = PART[encoding]
    parts, used = 1, 0
    for size in sizes:
        if used + size > room:
            parts, used = parts + 1, 0
        used += size
    return Segments(encoding, units, parts, room - used, culprits)


def fold(text: str) -> str:
    """Word-processor characters to their plain form: quotes, dashes, ellipsis, odd spaces (domain guide section 10)."""
    return text.translate(_FOLDS)


def drop_accents_outside_gsm(text: str) -> str:
    """Drop only the accents GSM-7 lacks (ê to e, ç to c, œ to oe); é, è, à, ù and Ç stay."""
    return "".join(_plain_outside_gsm(c) for c in unicodedata.normalize("NFC", text).translate(_LIGATURES))


def _plain_outside_gsm(character: str) -> str:
    if character in BASIC or character in EXTENSION:
        return character
    bare = "".join(c for c in unicodedata.normalize("NFD", character) if not unicodedata.combining(c))
    return bare if bare and all(c in BASIC for c in bare) else character
