"""What every use case is handed: the database, the keys, the words and the conversations; built by ``wiring``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from sms_service import clock
from sms_service.conversation.definition import Conversation
from sms_service.conversation.words import Words
from sms_service.database import Database
from sms_service.gateway.registry import Gateway
from sms_service.models import audit
from sms_service.rules.caps import Caps
from sms_service.security.vault import Vault
from sms_service.text.reading import Lexicon
from sms_service.text.topics import Topics


def no_nudge(job: str, row_id: int) -> None:
    """The nudge of a process without Redis: nothing, because the sweep finds the row within 5 s."""


@dataclass(frozen=True)
class Context:
    """The service as a use case sees it.

    ``nudge(job, row_id)`` tells a worker to look again; it never raises and losing it loses nothing (design decision 1).
    ``topics`` are the words that no outgoing text may hold (S1). ``client`` is the gateway; None where nothing is sent.
    ``stored_versions`` are the fingerprints this process has seen committed, so that a dial need not store them again.
    """

    database: Database
    vault: Vault
    audit_key: bytes
    words: Words
    conversations: Mapping[str, Conversation]
    lexicon: Lexicon
    topics: Topics
    client: Gateway | None = None
    nudge: Callable[[str, int], None] = no_nudge
    sender_id: str = ""
    short_code: str = ""
    broadcast_delay_seconds: int = 300
    send_rate_per_second: float = 50.0
    price_per_segment: float = 10.0
    currency: str = "RWF"
    public_url: str = ""
    caps: Caps = field(default_factory=Caps)
    older_versions: dict[str, Conversation] = field(default_factory=dict)
    stored_versions: set[str] = field(default_factory=set)

    def now(self, db: Connection) -> datetime:
        """The service's time (aware UTC), from the database's clock."""
        return clock.now(db)

    def record(self, db: Connection, actor: str, act: str, subject: str | None = None, reason: str = "") -> None:
        """Append to the audit in the caller's transaction: no audit, no act (I17)."""
        audit.append(db, self.audit_key, self.vault, self.now(db), actor, act, subject, reason)
