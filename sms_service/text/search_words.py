"""Words of a text for the sealed index and for queries: the same function on both sides (design decision 6)."""

from __future__ import annotations

import re

from sms_service.text.normalise import plain

SHORTEST = 2
LONGEST = 40
MOST_WORDS = 60
#: Only this much of a text is indexed: enough for sixty words of forty characters.
_CHARS = 4000
_WORD = re.compile(r"[a-z0-9]+")


def search_words(text: str) -> tuple[str, ...]:
    """Distinct accent-free lower-case words of 2 to 40 characters in order of first use, at most 60."""
    found = dict.fromkeys(word for word in _WORD.findall(plain(text[:_CHARS])) if SHORTEST <= len(word) <= LONGEST)
    return tuple(found)[:MOST_WORDS]
