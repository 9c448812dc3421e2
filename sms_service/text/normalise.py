"""Step 1 of reading a reply (domain guide 9.1): one plain form for the text and for the lexicon.

Every step is linear in the text: character maps and regular expressions without nested repetition (I22).
"""

from __future__ import annotations

import re
import unicodedata

#: Characters of a text that are interpreted as an answer. The crisis scan alone goes on to the end of the text.
READ_CHARS = 1000

_APOSTROPHES = "'\u2018\u2019\u201a\u201b\u2032\u02bc\u00b4\u0060\u02bb"
#: Letters of other alphabets that look like Latin ones, as phones and pranks mix them in. Lower case, after folding.
_LOOK_ALIKE_LETTERS = {
    **dict(zip("авсԁеһіјкӏмոорԛгѕтиѵԝхуƽ", "abcdehijklmnopqrstuvwxys", strict=True)),
    **dict(zip("αβεηικμνορτυχγω", "abenikmvoptuxyw", strict=True)),
    **dict(zip("ɑɡıɩȷɴʀʙʜʟᴀᴄᴅᴇᴊᴋᴍᴏᴘᴛᴜᴠᴡᴢ", "agiijnrbhlacdejkmoptuvwz", strict=True)),
}
#: Laughing faces say that it is a joke, as ``haha`` does (S23).
_LAUGHING = "\U0001f602\U0001f923\U0001f605\U0001f606\U0001f639"
_BEFORE = str.maketrans(
    {
        # Arabic ligatures: one such sign grows to eighteen letters in the compatibility form (I22).
        **{chr(code): " " for code in range(0xFB50, 0xFE00)},
        **dict.fromkeys(_LAUGHING, " haha "),
        "\u00b4": "",
        "\u2044": "/",
    }
)
_REPEATS = re.compile(r"([a-z])\1+")
_LOST_ACCENT = re.compile(r"(?<=[a-z])[?\ufffd](?=[a-z])")
_LOOK_ALIKES = re.compile(r"(?<![a-z0-9])[0-9oil]+(?![a-z0-9])")
_INSIDE = re.compile(r"(?<=[a-z])0(?=[a-z])")
_TOKENS = re.compile(r"[0-9][0-9:/.,]*|[a-z]+")
_DIGITS = str.maketrans("oil", "011")


class _Bare(dict[int, str]):
    """What a character of the decomposed text becomes in ASCII, worked out at its first use (at most once each)."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        self[code] = bare = character if code < 0x80 else _bare(character)
        return bare


def _bare(character: str) -> str:
    kind = unicodedata.category(character)
    if kind in ("Mn", "Me", "Mc", "Cf", "Sk") or character in _APOSTROPHES:
        return ""
    digit = unicodedata.digit(character, None)
    if digit is not None:
        return str(digit)
    return _KEPT.get(character, " ")


_KEPT = {
    **_LOOK_ALIKE_LETTERS,
    "œ": "oe",
    "æ": "ae",
    "ø": "o",
    "ł": "l",
    "đ": "d",
    "ħ": "h",
    "\u2212": "-",
    "\u2010": "-",
    "\u2011": "-",
    "\u2013": "-",
    "\ufffd": "\ufffd",
}
_BARE = _Bare()


def plain(text: str) -> str:
    """Compatibility form, lower case, no accents or apostrophes, ASCII digits; a lost accent (``?``) becomes ``e``.

    Letters that only look Latin become Latin; invisible and direction marks vanish; any other sign is a space.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text.translate(_BEFORE)).casefold()
        text = unicodedata.normalize("NFD", text).translate(_BARE)
    return _LOST_ACCENT.sub("e", text.casefold().replace("'", "").replace("`", ""))


def squeeze(word: str) -> str:
    """Letters written several times count once: ``yeegooo`` is ``yego``. Digits stay as they are."""
    return _REPEATS.sub(r"\1", word)


def tokens(text: str) -> list[str]:
    """Squeezed words and numbers of an already ``plain`` text; ``4/5`` or ``14:30`` stay one token.

    O, l and I are digits only inside a group that holds a digit (``1O`` is ten, ``oya`` stays a word).
    """
    text = _REPEATS.sub(r"\1", _LOOK_ALIKES.sub(_as_digits, _INSIDE.sub("o", text)))
    return [found.rstrip(":/.,") for found in _TOKENS.findall(text)]


def _as_digits(found: re.Match[str]) -> str:
    group = found.group()
    return group.translate(_DIGITS) if any(c.isdigit() for c in group) else group


def joined(phrase: str) -> str:
    """The spelling-proof key of a lexicon phrase: plain, squeezed, without spaces."""
    return squeeze("".join(tokens(plain(phrase))))
