"""What is published as one: a conversation with its words, or the texts the service sends by itself; immutable (decision 4).

In and out: canonical JSON texts, as they are stored. The fingerprint is the SHA-256 of both, so that the same definition with
the same words is the same version on every machine, and a corrected word is another one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sms_service.conversation.vocabulary import NOTICES
from sms_service.conversation.words import Entry, Forms, Words

if TYPE_CHECKING:
    from sms_service.conversation.definition import Conversation

NOTICES_NAME = "notices"
"""The name under which the texts of ``NOTICES`` are versioned, reviewed and published."""

NOTICES_DEFINITION = '{"name":"notices"}'
"""The notices have no steps: this stands where a conversation has its definition."""


@dataclass(frozen=True, slots=True)
class Version:
    """``conversation`` is None for the notices. ``definition`` and ``stored_words(words)`` rebuild the version exactly."""

    name: str
    definition: str
    words: Words
    conversation: Conversation | None
    fingerprint: str


def canonical_json(value: Any) -> str:
    """One text for one value: keys sorted, no spaces, characters as they are."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)


def fingerprint_of(definition: str, words: Words) -> str:
    """SHA-256 in hexadecimal digits over the definition and the words."""
    return hashlib.sha256(f"{definition}\n{stored_words(words)}".encode()).hexdigest()


def stored_words(words: Words) -> str:
    """The words as canonical JSON: texts with class and channel, labels and forms of each language; no file, no review."""
    return canonical_json({language: _language(words, language) for language in words.languages})


def read_stored_words(stored: str) -> Words:
    """The words that ``stored_words`` wrote; ValueError, KeyError or TypeError for anything it never writes."""
    tables: Mapping[str, Mapping[str, Any]] = json.loads(stored)
    entries = {
        language: {key: Entry(one["text"], one["class"], one["channel"]) for key, one in table["texts"].items()}
        for language, table in tables.items()
    }
    forms = {language: _forms(table["forms"]) for language, table in tables.items() if table["forms"]}
    return Words(entries, forms, {language: dict(table["labels"]) for language, table in tables.items()})


def version_of(conversation: Conversation) -> Version:
    """The version a checked conversation makes."""
    return Version(conversation.name, conversation.canonical, conversation.words, conversation, conversation.fingerprint)


def notices_version(words: Words) -> Version:
    """The version that the service's own texts make, out of the whole catalogue."""
    own = words.only(NOTICES.keys(), ())
    return Version(NOTICES_NAME, NOTICES_DEFINITION, own, None, fingerprint_of(NOTICES_DEFINITION, own))


def texts_hash(version: Version, language: str) -> str:
    """SHA-256 over everything this version says in one language: what a reviewer signs off (native review)."""
    return hashlib.sha256(canonical_json(_language(version.words, language)).encode()).hexdigest()


def _language(words: Words, language: str) -> dict[str, Any]:
    forms = words.forms.get(language)
    texts = words.entries.get(language, {})
    return {
        "texts": {key: {"text": one.text, "class": one.text_class, "channel": one.channel} for key, one in texts.items()},
        "labels": dict(words.option_labels.get(language, {})),
        "forms": _stored_forms(forms) if forms else {},
    }


def _stored_forms(forms: Forms) -> dict[str, Any]:
    return {
        "weekdays": list(forms.weekdays),
        "weekdays_short": list(forms.weekdays_short),
        "hours": list(forms.hours),
        "or": forms.or_word,
        "soon": dict(forms.soon),
    }


def _forms(stored: Mapping[str, Any]) -> Forms:
    return Forms(
        tuple(stored["weekdays"]), tuple(stored["weekdays_short"]), tuple(stored["hours"]), stored["or"], dict(stored["soon"])
    )
