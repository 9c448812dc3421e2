"""Reads the files people may change (``templates/``) and hands parsed tables to the pure core. A syntax error is a
fault like others.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sms_service.conversation.check import check_all, load
from sms_service.conversation.definition import Conversation
from sms_service.conversation.faults import Fault
from sms_service.conversation.version import Version, notices_version, version_of
from sms_service.conversation.words import Words
from sms_service.text.forbidden import Forbidden, build_forbidden, forbidden_faults
from sms_service.text.topics import Topics, build_topics, topic_word_in

MAX_FILE_BYTES = 512 * 1024
"""A definition or words file larger than this is refused unread (I22)."""

TOPICS_FILE = "topics"
FORBIDDEN_FILE = "forbidden"

AWAITING = "awaiting"
"""A ``review`` that begins so is no sign-off."""

AUDIENCES = "MWCFX"
"""Men, partners, couples, family, community; letters add up."""


class CatalogueFault(ValueError):
    """The catalogue may not run; ``faults`` holds every reason, sorted by file."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self.faults = faults
        super().__init__("\n".join(str(fault) for fault in faults))


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything read from ``templates/``: definitions by name, words, lexicon tables by file stem, topics, and all
    faults.

    ``reviews`` names the native reviewer of each language whose files all name one.
    ``lexicon`` holds the parsed tables of ``templates/lexicon`` but for the topic words, ``programmes`` those of
    ``templates/programmes``.
    """

    conversations: Mapping[str, Conversation]
    words: Words
    lexicon: Mapping[str, Mapping[str, Any]]
    topics: Topics
    programmes: tuple[Mapping[str, Any], ...]
    reviews: Mapping[str, str]
    faults: tuple[Fault, ...]

    def versions(self) -> list[Version]:
        """Everything that can be published: the notices, then each conversation by name."""
        return [notices_version(self.words), *(version_of(one) for _, one in sorted(self.conversations.items()))]


def read_catalogue(templates: Path) -> Catalogue:
    """Read and check everything under ``templates``; the faults are in the result, nothing is raised for them."""
    faults: list[Fault] = []
    conversations = {f"conversations/{stem}.toml": table for stem, table in _tables(templates, "conversations", faults)}
    folder = templates / "messages"
    languages = sorted(child.name for child in folder.iterdir() if child.is_dir()) if folder.is_dir() else []
    messages = {
        language: {f"messages/{language}/{stem}.toml": table for stem, table in _tables(templates, f"messages/{language}", faults)}
        for language in languages
    }
    lexicon = dict(_tables(templates, "lexicon", faults))
    forbidden = _forbidden(lexicon.pop(FORBIDDEN_FILE, None), faults)
    topics = _topics(lexicon.pop(TOPICS_FILE, None), forbidden, faults)
    programmes = _tables(templates, "programmes", faults)
    for stem, table in programmes:
        faults.extend(_programme_faults(f"programmes/{stem}.toml", table, languages, topics))
    loaded = load(conversations, messages)
    faults.extend(loaded.faults)
    faults.extend(check_all(loaded.conversations, loaded.words, topics))
    by_name = {conversation.name: conversation for conversation in loaded.conversations}
    plans = tuple(table for _, table in programmes)
    return Catalogue(by_name, loaded.words, lexicon, topics, plans, _reviews(messages), tuple(sorted(set(faults))))


def _reviews(messages: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> dict[str, str]:
    """The reviewers a language's files name, where every file names one."""
    found: dict[str, str] = {}
    for language, tables in messages.items():
        named = sorted({str(table.get("review", "")) for table in tables.values()})
        if named and not any(one.startswith(AWAITING) or not one for one in named):
            found[language] = ", ".join(named)
    return found


def load_catalogue(templates: Path) -> Catalogue:
    """The catalogue for running; raises ``CatalogueFault`` with every fault, so that the running version stays in
    place.
    """
    catalogue = read_catalogue(templates)
    if catalogue.faults:
        raise CatalogueFault(catalogue.faults)
    return catalogue


def _tables(templates: Path, folder: str, faults: list[Fault]) -> list[tuple[str, dict[str, Any]]]:
    found: list[tuple[str, dict[str, Any]]] = []
    files = sorted((templates / folder).glob("*.toml"))
    if not files:
        faults.append(Fault(folder, "", "", "no .toml file in this folder"))
    for file in files:
        name = f"{folder}/{file.name}"
        try:
            if file.stat().st_size > MAX_FILE_BYTES:
                raise ValueError(f"the file is larger than {MAX_FILE_BYTES} bytes")
            found.append((file.stem, tomllib.loads(file.read_text(encoding="utf-8"))))
        except (ValueError, OSError) as error:
            faults.append(Fault(name, "", "", f"cannot be read as TOML: {_reason(error)}"))
        except RecursionError:
            faults.append(Fault(name, "", "", "cannot be read as TOML: nested too deeply"))
    return found


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    return error.strerror or "the file cannot be opened" if isinstance(error, OSError) else str(error)


def _forbidden(table: Mapping[str, Any] | None, faults: list[Fault]) -> Forbidden:
    name = f"lexicon/{FORBIDDEN_FILE}.toml"
    if table is None:
        faults.append(Fault(name, "", "", "the list is missing: without it no question may be asked (S4)"))
        return Forbidden()
    found = forbidden_faults(table)
    faults.extend(Fault(name, "", "", reason) for reason in found)
    return Forbidden() if found else build_forbidden(table)


def _topics(table: Mapping[str, Any] | None, forbidden: Forbidden, faults: list[Fault]) -> Topics:
    empty: dict[str, list[str]] = {"stems": [], "words": [], "inside": [], "allowed": []}
    name = f"lexicon/{TOPICS_FILE}.toml"
    if table is None:
        faults.append(Fault(name, "", "", "the topic words are missing: without them no text may leave (S1)"))
        return build_topics(empty)
    lists = {key: table.get(key) for key in empty}
    wrong = [key for key, value in lists.items() if not _is_words(value)]
    if wrong:
        faults.append(Fault(name, "", "", f"{', '.join(wrong)} must be lists of words"))
        return build_topics(empty)
    return build_topics(lists, forbidden)


def _programme_faults(file: str, table: Mapping[str, Any], languages: list[str], topics: Topics) -> list[Fault]:
    """What is wrong with a programme's file: missing keys, an unknown audience, a label missing or naming a topic (S1)."""
    faults = [Fault(file, "", "", f"'{key}' is missing") for key in ("code", "version", "names", "session") if key not in table]
    for no, session in enumerate(table.get("session", ()), start=1):
        step = f"session {no}"
        missing = [key for key in ("phase", "audience", "theme", "minutes", "label") if key not in session]
        faults.extend(Fault(file, step, "", f"'{key}' is missing") for key in missing)
        if set(str(session.get("audience", ""))) - set(AUDIENCES):
            faults.append(Fault(file, step, "", f"audience may hold the letters {AUDIENCES} only"))
        for language in languages:
            label = session.get("label", {}).get(language)
            if not isinstance(label, str) or not label:
                faults.append(Fault(file, step, language, "the label is missing"))
            elif (word := topic_word_in(label, topics)) is not None:
                faults.append(Fault(file, step, language, f"topic word '{word}' in a label that may appear on a phone (S1)"))
    return faults


def _is_words(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(word, str) for word in value)
