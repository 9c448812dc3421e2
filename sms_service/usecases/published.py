"""What runs: the published conversations and notices as this process last read them, and the older versions dialogues pin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

from sms_service.conversation.definition import Conversation
from sms_service.conversation.parse import unpack
from sms_service.conversation.version import Version, read_stored_words
from sms_service.conversation.words import Words
from sms_service.models import versions


class NotPublished(LookupError):
    """Nothing of this name is published: import it, have it reviewed and publish it, then it runs."""


@dataclass(frozen=True, slots=True)
class Running:
    """One consistent set: the count of publications it was read at, conversations by name, and the notices' words."""

    publications: int = -1
    conversations: Mapping[str, Conversation] = field(default_factory=dict)
    notices: Words = field(default_factory=Words)


@dataclass(slots=True)
class Published:
    """Held by a process and shared by its threads: replaced as a whole when a publication has happened."""

    running: Running = field(default_factory=Running)
    pinned: dict[str, Conversation] = field(default_factory=dict)

    def follow(self, db: Connection, publications: int) -> None:
        """Read the published versions again if the database counts another number of publications than this process."""
        if publications == self.running.publications:
            return
        found = [read_version(row.definition, row.words, self.running.notices) for row in versions.published(db)]
        notices = next((version.words for version in found if version.conversation is None), Words())
        conversations = {version.name: version.conversation for version in found if version.conversation is not None}
        self.running = Running(publications, conversations, notices)

    def conversation(self, name: str) -> Conversation:
        """The published conversation of this name; raises ``NotPublished``."""
        found = self.running.conversations.get(name)
        if found is None:
            raise NotPublished(f"conversation {name} is not published: sms-service conversation publish {name}")
        return found

    def version(self, db: Connection, name: str, fingerprint: str) -> Conversation:
        """The version a dialogue is pinned to, published or not (decision 4); LookupError if it is not stored."""
        current = self.running.conversations.get(name)
        if current is not None and current.fingerprint == fingerprint:
            return current
        known = self.pinned.get(fingerprint)
        if known is None:
            row = versions.by_fingerprint(db, fingerprint)
            if row is None:
                raise LookupError(f"conversation {name}: version {fingerprint[:12]} is not stored; restore it before going on")
            words = current.words if current is not None else self.running.notices
            read = read_version(row.definition, row.words, words).conversation
            if read is None:
                raise LookupError(f"version {fingerprint[:12]} is the service's own texts, not a conversation")
            # one that ran before words were kept carries the fingerprint its dialogues know
            known = self.pinned[fingerprint] = replace(read, fingerprint=fingerprint)
        return known


def read_version(definition: str, stored: str | None, fallback: Words) -> Version:
    """A stored version; ``fallback`` are the words of one that ran before words were kept. ValueError if it is damaged."""
    return unpack(definition, read_stored_words(stored) if stored is not None else fallback)
