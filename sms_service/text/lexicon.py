"""The compiled lexicon of four languages: phrase keys and what they mean (domain guide 9.2).

A key is the phrase without spaces, accents, apostrophes or doubled letters, so that joined, split and stretched
spellings meet at the same key. One key may mean several things; the open question decides which one counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sms_service.text.crisis_lexicon import CrisisLexicon, build_crisis
from sms_service.text.normalise import joined, plain, tokens

LANGUAGES = ("rw", "en", "fr", "sw")

#: Categories a language file may list under ``[words]``; ``_leading`` counts only first, ``_alone`` only by itself.
WORD_KINDS = frozenset(
    {
        "yes",
        "yes_leading",
        "no",
        "no_leading",
        "no_alone",
        "dont_know",
        "stop",
        "stop_request",
        "start",
        "help",
        "help_request",
        "wrong_person",
        "courtesy",
        "filler",
        "label",
        "negator",
        "correction",
        "ignore",
        "common",
        "language",
    }
)
_SHORTEST_FUZZY = 5


class LexiconFault(ValueError):
    """A lexicon table that cannot be used; the message names the file and the entry."""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """``meanings``: key to category to value. ``guesses``: single words a misspelt word may stand for."""

    meanings: Mapping[str, Mapping[str, Any]]
    guesses: tuple[str, ...]
    common: frozenset[str]
    hours: Mapping[str, int]
    clock_words: frozenset[str]
    half: frozenset[str]
    evening: frozenset[str]
    months: Mapping[str, int]
    crisis: CrisisLexicon


def build_lexicon(tables: Mapping[str, Mapping[str, Any]]) -> Lexicon:
    """Compile parsed TOML tables, keyed ``rw``, ``en``, ``fr``, ``sw``, ``crisis``; ``LexiconFault`` names a fault."""
    missing = [name for name in (*LANGUAGES, "crisis") if name not in tables]
    if missing:
        raise LexiconFault(f"lexicon: {', '.join(missing)}.toml missing; every language and crisis need a file")
    meanings: dict[str, dict[str, Any]] = {}
    singles: set[str] = set()
    common: set[str] = set()
    for language in LANGUAGES:
        for category, value, phrase in _entries(language, tables[language]):
            key = joined(phrase)
            if not key:
                raise LexiconFault(f"lexicon {language}.toml, {category}: an entry without a letter; remove it")
            meanings.setdefault(key, {}).setdefault(category, value)
            words = tokens(plain(phrase))
            if category == "common":
                common.update(words)
            elif len(words) == 1 and len(key) >= _SHORTEST_FUZZY:
                singles.add(key)
    clocks = [tables[language]["clock"] for language in LANGUAGES]
    try:
        crisis = build_crisis(tables["crisis"], {*meanings, *common})
    except KeyError as absent:
        raise LexiconFault(f"lexicon crisis.toml: list {absent} missing; add it, empty if need be") from None
    return Lexicon(
        meanings=meanings,
        guesses=tuple(sorted(singles - common)),
        common=frozenset(common),
        hours={joined(w): n for c in clocks for n, names in enumerate(c["hours"], start=1) for w in names},
        clock_words=frozenset(joined(w) for c in clocks for w in c["saa"]),
        half=frozenset(joined(w) for c in clocks for w in c["half"]),
        evening=frozenset(joined(w) for c in clocks for w in c["evening"]),
        months={joined(w): n for c in clocks for n, names in enumerate(c["months"], start=1) for w in names},
        crisis=crisis,
    )


def _entries(language: str, table: Mapping[str, Any]) -> Iterator[tuple[str, Any, str]]:
    """Every (category, value, phrase) of one language file."""
    for section in ("words", "numbers", "scale", "clock"):
        if section not in table:
            raise LexiconFault(f"lexicon {language}.toml: section [{section}] missing; add it")
    words = table["words"]
    unknown = sorted(set(words) - WORD_KINDS)
    if unknown:
        raise LexiconFault(f"lexicon {language}.toml: unknown list {unknown[0]}; use one of {sorted(WORD_KINDS)}")
    for category in sorted(set(words) - {"language"}):
        for phrase in words[category]:
            yield category, True, phrase
    for code, phrases in words.get("language", {}).items():
        for phrase in phrases:
            yield "language", code, phrase
    for place, phrases in table["scale"].items():
        for phrase in phrases:
            yield "scale", int(place), phrase
    yield from _numbers(table["numbers"])


def _numbers(table: Mapping[str, Any]) -> Iterator[tuple[str, Any, str]]:
    """Number words 0 to 99: units of every noun class, tens, and tens with units."""
    units: list[list[str]] = table["units"]
    tens = {int(ten): names for ten, names in table["tens"].items()}
    for value, names in enumerate(units):
        for name in names:
            yield "number", value, name
    for ten, names in tens.items():
        for name in names:
            yield "number", ten, name
            for unit in range(1, _units_after(ten, len(units))):
                for connector in table["connectors"]:
                    for word in units[unit]:
                        yield "number", ten + unit, f"{name} {connector} {word}"


def _units_after(ten: int, known: int) -> int:
    # French counts on from sixty and eighty: soixante-quinze, quatre-vingt-douze.
    return min(known, 20) if ten in (60, 80) and known > 11 else min(known, 10)
