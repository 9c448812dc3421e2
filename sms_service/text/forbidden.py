"""What no question on a phone may ask about, and which instruments never go by phone (S4, domain section 5): lists and match.

In: the parsed ``templates/lexicon/forbidden.toml``. Entries carry their source and the state of their review, so that whoever
changes a list can be asked why.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sms_service.text.normalise import plain

LANGUAGES = ("rw", "en", "fr", "sw")
SUBJECTS = ("violence", "safety at home", "fear", "1994", "self-harm", "ethnicity", "religion", "politics", "alcohol")
"""The subjects of S4."""

_PART = re.compile(r"[a-z0-9]+")
_LONGEST_NAME = 5  # words of an instrument's name that are read as one


@dataclass(frozen=True, slots=True)
class Instrument:
    """An instrument that may not be asked on ``channels``: its name, its spellings as keys, and why."""

    name: str
    keys: frozenset[str]
    channels: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Subject:
    """Words by which a question asks about a subject: ``stems`` begin a word, ``words`` are whole words or phrases to the letter,
    ``inside`` may stand anywhere in a word.
    """

    about: str
    stems: tuple[str, ...]
    words: tuple[str, ...]
    inside: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Forbidden:
    """Both lists; empty ones forbid nothing."""

    instruments: tuple[Instrument, ...] = ()
    subjects: tuple[Subject, ...] = ()


def forbidden_faults(table: Mapping[str, Any]) -> list[str]:
    """What is wrong with the file's shape: an entry without source or review, an unknown subject or language, no words."""
    faults: list[str] = []
    for place, entry in enumerate(_rows(table, "instruments"), start=1):
        where = f"instrument {place}"
        faults += [f"{where}: '{key}' is missing" for key in ("name", "channels", "reason", "source") if not entry.get(key)]
        if not _words(entry.get("names")) or not set(_listed(entry, "channels")) <= {"sms", "ussd"}:
            faults.append(f"{where}: 'names' must list its spellings, 'channels' sms, ussd or both")
    covered = set()
    for place, entry in enumerate(_rows(table, "subjects"), start=1):
        where = f"subject {place}"
        faults += [f"{where}: '{key}' is missing" for key in ("about", "language", "source", "review") if not entry.get(key)]
        if entry.get("about") not in SUBJECTS or entry.get("language") not in LANGUAGES:
            faults.append(f"{where}: 'about' must be one of {', '.join(SUBJECTS)}; 'language' one of {', '.join(LANGUAGES)}")
        if not all(_words(entry.get(key, [])) for key in ("stems", "words", "inside")):
            faults.append(f"{where}: 'stems', 'words' and 'inside' must be lists of words")
        covered.add((entry.get("about"), entry.get("language")))
    missing = [f"{about} in {language}" for about in SUBJECTS for language in LANGUAGES if (about, language) not in covered]
    return faults + [f"no words for {one}: a question about it would pass (S4)" for one in missing]


def build_forbidden(table: Mapping[str, Any]) -> Forbidden:
    """The lists of a file without faults."""
    instruments = tuple(
        Instrument(
            name=entry["name"],
            keys=frozenset("".join(_PART.findall(plain(name))) for name in (entry["name"], *entry["names"])),
            channels=tuple(entry["channels"]),
            reason=entry["reason"],
        )
        for entry in _rows(table, "instruments")
    )
    subjects = tuple(
        Subject(
            about=entry["about"],
            stems=_folded(entry, "stems"),
            words=_folded(entry, "words"),
            inside=_folded(entry, "inside"),
        )
        for entry in _rows(table, "subjects")
    )
    return Forbidden(instruments, subjects)


def subject_in(text: str, forbidden: Forbidden) -> tuple[str, str] | None:
    """The first word or phrase of ``text`` that asks about a forbidden subject, and the subject; None when there is none (S4)."""
    words = [found for part in re.split(r"['\u2019\u2018`\s]", text) for found in _PART.findall(plain(part))]
    line = f" {' '.join(words)} "
    for subject in forbidden.subjects:
        for word in words:
            if word.startswith(subject.stems) or any(part in word for part in subject.inside):
                return word, subject.about
        for wanted in subject.words:
            if f" {wanted} " in line:
                return wanted, subject.about
    return None


def instrument_in(text: str, channels: Sequence[str], forbidden: Forbidden) -> Instrument | None:
    """The instrument ``text`` names that may not be asked on one of ``channels``, whatever its spelling."""
    keys = set(_runs(_PART.findall(plain(text))))
    for instrument in forbidden.instruments:
        if keys & instrument.keys and set(channels) & set(instrument.channels):
            return instrument
    return None


def _runs(parts: Sequence[str]) -> Iterator[str]:
    for first in range(len(parts)):
        for length in range(1, _LONGEST_NAME + 1):
            yield "".join(parts[first : first + length])


def _rows(table: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    found = table.get(key, [])
    return [row for row in found if isinstance(row, Mapping)] if isinstance(found, list) else []


def _listed(entry: Mapping[str, Any], key: str) -> list[str]:
    found = entry.get(key)
    return found if isinstance(found, list) else [""]


def _words(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(word, str) and word.strip() for word in value)


def _folded(entry: Mapping[str, Any], key: str) -> tuple[str, ...]:
    return tuple(" ".join(_PART.findall(plain(word.replace("'", " ")))) for word in entry.get(key, ()))
