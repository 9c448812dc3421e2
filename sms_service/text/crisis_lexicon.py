"""The compiled crisis list: phrases as spelling-proof keys, made once from ``crisis.toml``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sms_service.text.normalise import plain, squeeze, tokens

_LIQUIDS = str.maketrans("l", "r")


def crisis_word(word: str) -> str:
    """A token in the crisis spelling: l and r are one letter, as many writers of Kinyarwanda treat them."""
    return squeeze(word.translate(_LIQUIDS))


@dataclass(frozen=True, slots=True)
class CrisisLexicon:
    """Keys in crisis spelling without spaces; ``vocabulary`` are the words misspelt ones are corrected to."""

    red: tuple[str, ...]
    always: frozenset[str]
    alone: frozenset[str]
    stems: tuple[str, ...]
    word_parts: tuple[str, ...]
    not_with: tuple[str, ...]
    amber: tuple[str, ...]
    raised: frozenset[str]
    weapons: frozenset[str]
    company: frozenset[str]
    excuses: tuple[str, ...]
    before: frozenset[str]
    linking: frozenset[str]
    near: frozenset[str]
    now: frozenset[str]
    idioms: tuple[str, ...]
    skip: frozenset[str]
    stem_starts: tuple[str, ...]
    known: frozenset[str]
    vocabulary: tuple[str, ...]
    phrases: tuple[str, ...]


#: Stands for a word that carries harm to oneself in its stem.
SELF = "-self-"

#: Words shorter than this are never corrected: too many ordinary words lie one letter away.
SHORTEST_CORRECTED = 6
_SHORTEST_JOINED = 10


def build_crisis(table: Mapping[str, Any], ordinary: Iterable[str]) -> CrisisLexicon:
    """Compile the parsed ``crisis.toml``; ``ordinary`` are words of the languages that are never taken as misspelt."""
    skip = frozenset(crisis_word(word) for word in table["skip"])

    def words(phrase: str) -> list[str]:
        return [word for word in map(crisis_word, tokens(plain(phrase))) if word not in skip]

    def keys(name: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(squeeze("".join(words(phrase))) for phrase in table[name]))

    parts = {word for name in ("red", "amber") for phrase in table[name] for word in words(phrase)}
    red, amber = keys("red"), keys("amber")
    known = frozenset(parts | {crisis_word(word) for word in ordinary})
    return CrisisLexicon(
        red=red,
        always=frozenset(keys("red_always")),
        alone=frozenset(keys("self_directed")) | {SELF},
        stems=keys("red_stems"),
        word_parts=keys("red_words_with"),
        not_with=keys("not_with"),
        amber=amber,
        raised=frozenset(keys("raised_by_now")),
        weapons=frozenset(keys("weapons")),
        company=frozenset(keys("weapon_company")),
        excuses=keys("weapon_excuses"),
        before=frozenset(keys("lowering_before")),
        linking=frozenset(keys("linking")),
        near=frozenset(keys("lowering_near")),
        now=frozenset(keys("now")),
        idioms=keys("idioms"),
        skip=skip,
        stem_starts=keys("stem_lowered_by_start"),
        known=known,
        vocabulary=tuple(sorted(word for word in parts if len(word) >= SHORTEST_CORRECTED)),
        phrases=tuple(key for key in red + amber if len(key) >= _SHORTEST_JOINED),
    )
