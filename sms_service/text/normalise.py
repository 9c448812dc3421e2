"""Step 1 of reading a reply (domain guide 9.1): one plain form for the text and for the lexicon.

Every step is linear in the text: character maps and regular expressions without nested repetition (I22).
"""

from __future__ import annotations

import re
import unicodedata

#: Characters of a text that are interpreted as an answer. The crisis scan alone goes on to the end of the text.
READ_CHARS = 1000

_MARKS = str.maketrans(
    {
        **dict.fromkeys("'\u2018\u2019\u201a\u201b\u2032\u02bc\u00b4\u0060\u02bb", ""),
        **dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff\u00ad\ufe0f\u20e3", ""),
        # Arabic ligatures: one such sign grows to eighteen letters in the compatibility form (I22).
        **{chr(code): " " for code in range(0xFB50, 0xFE00)},
        "œ": "oe",
        "æ": "ae",
        "ø": "o",
        "ł": "l",
        "\u2044": "/",
        "\u2212": "-",
        "\u2013": "-",
    }
)
_REPEATS = re.compile(r"([a-z])\1+")
_LOST_ACCENT = re.compile(r"(?<=[a-z])[?\ufffd](?=[a-z])")
_LOOK_ALIKES = re.compile(r"(?<![a-z0-9])[0-9oil]+(?![a-z0-9])")
_TOKENS = re.compile(r"[0-9][0-9:/.,]*|[a-z]+")
_DIGITS = str.maketrans("oil", "011")


def plain(text: str) -> str:
    """Compatibility form, lower case, no accents or apostrophes, ASCII digits; a lost accent (``?``) becomes ``e``."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text.translate(_MARKS)).casefold()
        text = unicodedata.normalize("NFD", text).translate(_MARKS)
        text = "".join(c if c < "\x80" else _bare(c) for c in text)
    return _LOST_ACCENT.sub("e", text.casefold().replace("'", "").replace("`", ""))


def _bare(character: str) -> str:
    if unicodedata.combining(character):
        return ""
    digit = unicodedata.digit(character, None)
    if digit is not None:
        return str(digit)
    return "\ufffd" if character == "\ufffd" else " "


def squeeze(word: str) -> str:
    """Letters written several times count once: ``yeegooo`` is ``yego``. Digits stay as they are."""
    return _REPEATS.sub(r"\1", word)


def tokens(text: str) -> list[str]:
    """Squeezed words and numbers of an already ``plain`` text; ``4/5`` or ``14:30`` stay one token.

    O, l and I are digits only inside a group that holds a digit (``1O`` is ten, ``oya`` stays a word).
    """
    text = _LOOK_ALIKES.sub(_as_digits, text)
    return [squeeze(found.rstrip(":/.,")) for found in _TOKENS.findall(text)]


def _as_digits(found: re.Match[str]) -> str:
    group = found.group()
    return group.translate(_DIGITS) if any(c.isdigit() for c in group) else group


def joined(phrase: str) -> str:
    """The spelling-proof key of a lexicon phrase: plain, squeezed, without spaces."""
    return squeeze("".join(tokens(plain(phrase))))
