"""The lint against topic words in anything a phone may show (S1)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sms_service.text.forbidden import Forbidden
from sms_service.text.normalise import plain, squeeze

NOTHING = Forbidden()
_WORD = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Topics:
    """``stems`` match at the start of a word, ``words`` whole words to the letter, ``inside`` anywhere in a word.

    ``forbidden`` is what no question may ask about (S4).
    """

    stems: tuple[str, ...]
    words: frozenset[str]
    inside: tuple[str, ...]
    allowed: frozenset[str]
    forbidden: Forbidden = NOTHING


def build_topics(table: Mapping[str, Any], forbidden: Forbidden = NOTHING) -> Topics:
    """Make the lint list from the parsed ``topics.toml``: lists ``stems``, ``words``, ``inside``, ``allowed``."""
    return Topics(
        stems=_folded(table["stems"]),
        words=frozenset(plain(entry) for entry in table["words"]),
        inside=_folded(table["inside"]),
        allowed=frozenset(_folded(table["allowed"])),
        forbidden=forbidden,
    )


def _folded(entries: Sequence[str]) -> tuple[str, ...]:
    return tuple(squeeze(plain(entry)) for entry in entries)


def topic_word_in(text: str, topics: Topics) -> str | None:
    """The first word of ``text`` that names a topic, in its plain form, or None (S1)."""
    # Apostrophes part words here: "l'abus" and "n'ihohoterwa" must not hide behind the article.
    for written in re.split(r"['\u2019\u2018`\s]", text):
        for found in _WORD.finditer(plain(written)):
            word: str = found.group()
            key = squeeze(word)
            if key in topics.allowed:
                continue
            if word in topics.words or key.startswith(topics.stems) or any(part in key for part in topics.inside):
                return word
    return None
