"""The compiled lexicon of four languages: phrase keys and what they mean (domain guide 9.2).

A key is the phrase without spaces, accents, apostrophes or doubled letters, so that joined, split and stretched
spellings meet at the same key. One key may mean several things; the open question decides which one counts.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sms_service.text.confidence import SHORTEST_FUZZY, TWICE_FUZZY
from sms_service.text.crisis_lexicon import LANGUAGES, CrisisLexicon, build_crisis
from sms_service.text.fuzzy import Neighbours
from sms_service.text.model import Model, build_model
from sms_service.text.normalise import joined, plain, tokens
from sms_service.text.pairs import Pairs, build_pairs
from sms_service.text.patterns import PatternFault, expand

#: What an ``[[entry]]`` may mean without a value; ``_leading`` counts only first, ``_alone`` only by itself.
WORD_MEANINGS = frozenset(
    {
        "yes",
        "yes_leading",
        "no",
        "no_leading",
        "no_alone",
        "dont_know",
        "stop",
        "stop_request",
        "stay",
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
    }
)
#: What needs a ``value``: a number, a place on the scale, a language code, tens to count on from, an hour, a month.
VALUE_MEANINGS = frozenset({"number", "scale", "language", "tens", "hour", "month"})
#: Words that join tens and units, and words of clock times.
HELPER_MEANINGS = frozenset({"connector", "clock", "half", "evening"})
MEANINGS = WORD_MEANINGS | VALUE_MEANINGS | HELPER_MEANINGS


class LexiconFault(ValueError):
    """A lexicon table that cannot be used; the message names the file and the entry."""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """``meanings``: key to category to value. ``guesses``: single words a misspelt word may stand for."""

    meanings: Mapping[str, Mapping[str, Any]]
    guesses: Neighbours
    common: frozenset[str]
    longest_key: int
    hours: Mapping[str, int]
    clock_words: frozenset[str]
    half: frozenset[str]
    evening: frozenset[str]
    months: Mapping[str, int]
    crisis: CrisisLexicon
    stops: Pairs
    stays: Pairs
    model: Model | None = None


def build_lexicon(tables: Mapping[str, Mapping[str, Any]]) -> Lexicon:
    """Compile parsed TOML tables, keyed ``rw``, ``en``, ``fr``, ``sw``, ``crisis`` and, if there, ``near``, ``model``
    with ``concepts``; ``LexiconFault`` names a fault.
    """
    missing = [name for name in (*LANGUAGES, "crisis") if name not in tables]
    if missing:
        raise LexiconFault(f"lexicon: {', '.join(missing)}.toml missing; every language and crisis need a file")
    meanings: dict[str, dict[str, Any]] = {}
    singles: set[str] = set()
    common: set[str] = set()
    clock: dict[str, dict[str, Any]] = {meaning: {} for meaning in ("clock", "half", "evening", "hour", "month")}
    for language in LANGUAGES:
        try:
            entries = list(entries_of(tables[language]))
        except (KeyError, TypeError, PatternFault) as fault:
            raise LexiconFault(f"lexicon {language}.toml cannot be used ({fault}); run check for every fault") from None
        for meaning, value, phrase in (*entries, *_counted(entries)):
            key = joined(phrase)
            if not key:
                raise LexiconFault(f"lexicon {language}.toml, {meaning}: an entry without a letter; remove it")
            if meaning in clock:
                clock[meaning][key] = value
            elif meaning not in ("connector", "tens"):
                words = tokens(plain(phrase))
                meanings.setdefault(key, {}).setdefault(meaning, value)
                if meaning == "common":
                    common.update(words)
                elif len(words) == 1 and len(key) >= SHORTEST_FUZZY:
                    singles.add(key)
    try:
        near = tables.get("near", {}).get("pair", ())
        crisis = build_crisis(tables["crisis"], {*meanings, *common}, [one for one in near if one["role"] not in ("stop", "stay")])
        stops, stays = (
            build_pairs([one for one in near if one["role"] == role], lambda phrase: "".join(tokens(plain(phrase))))
            for role in ("stop", "stay")
        )
    except (KeyError, TypeError, PatternFault) as fault:
        raise LexiconFault(f"lexicon crisis.toml or near.toml cannot be used ({fault}); run check for every fault") from None
    try:
        model = build_model(tables["model"], tables["concepts"]) if "model" in tables else None
    except (KeyError, TypeError, ValueError, zlib.error) as fault:
        raise LexiconFault(f"lexicon model.toml or concepts.toml cannot be used ({fault}); run check for every fault") from None
    return Lexicon(
        meanings=meanings,
        guesses=Neighbours(singles - common, twice=TWICE_FUZZY),
        common=frozenset(common),
        longest_key=max(map(len, meanings)),
        hours=clock["hour"],
        clock_words=frozenset(clock["clock"]),
        half=frozenset(clock["half"]),
        evening=frozenset(clock["evening"]),
        months=clock["month"],
        crisis=crisis,
        stops=stops,
        stays=stays,
        model=model,
    )


def entries_of(table: Mapping[str, Any]) -> Iterator[tuple[str, Any, str]]:
    """(meaning, value, phrase) of one language file, alternatives written out; ``value`` is True where none is due."""
    for entry in table["entry"]:
        for written in entry["words"]:
            for phrase in expand(written):
                yield entry["meaning"], entry.get("value", True), phrase


def _counted(entries: list[tuple[str, Any, str]]) -> Iterator[tuple[str, Any, str]]:
    """Number words to 99: each of the tens, and each with the units."""
    units = [(value, phrase) for meaning, value, phrase in entries if meaning == "number"]
    connectors = [phrase for meaning, _, phrase in entries if meaning == "connector"]
    most = max((value for value, _ in units), default=0)
    for meaning, ten, name in entries:
        if meaning != "tens":
            continue
        yield "number", ten, name
        # French counts on from sixty and eighty: soixante-quinze, quatre-vingt-douze.
        last = 19 if ten in (60, 80) and most > 11 else 9
        for value, word in units:
            for connector in ("", *connectors) if 1 <= value <= last else ():
                yield "number", ten + value, f"{name} {connector} {word}"
