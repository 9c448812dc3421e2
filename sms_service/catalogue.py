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
from sms_service.conversation.words import Words
from sms_service.text.topics import Topics, build_topics

MAX_FILE_BYTES = 512 * 1024
"""A definition or words file larger than this is refused unread (I22)."""

TOPICS_FILE = "topics"


class CatalogueFault(ValueError):
    """The catalogue may not run; ``faults`` holds every reason, sorted by file."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self.faults = faults
        super().__init__("\n".join(str(fault) for fault in faults))


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything read from ``templates/``: definitions by name, words, lexicon tables by file stem, topics, and all
    faults.

    ``lexicon`` holds the parsed tables of ``templates/lexicon`` but for the topic words.
    """

    conversations: Mapping[str, Conversation]
    words: Words
    lexicon: Mapping[str, Mapping[str, Any]]
    topics: Topics
    faults: tuple[Fault, ...]


def read_catalogue(templates: Path) -> Catalogue:
    """Read and check everything under ``templates``; the faults are in the result, nothing is raised for them."""
    faults: list[Fault] = []
    conversations = {f"conversations/{stem}.toml": table for stem, table in _tables(templates, "conversations", faults)}
    folder = templates / "messages"
    languages = sorted(child.name for child in folder.iterdir() if child.is_dir()) if folder.is_dir() else []
    messages = {
        language: {
            f"messages/{language}/{stem}.toml": table
            for stem, table in _tables(templates, f"messages/{language}", faults)
        }
        for language in languages
    }
    lexicon = dict(_tables(templates, "lexicon", faults))
    topics = _topics(lexicon.pop(TOPICS_FILE, None), faults)
    loaded = load(conversations, messages)
    faults.extend(loaded.faults)
    faults.extend(check_all(loaded.conversations, loaded.words, topics))
    by_name = {conversation.name: conversation for conversation in loaded.conversations}
    return Catalogue(by_name, loaded.words, lexicon, topics, tuple(sorted(set(faults))))


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


def _topics(table: Mapping[str, Any] | None, faults: list[Fault]) -> Topics:
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
    return build_topics(lists)


def _is_words(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(word, str) for word in value)
