"""What every use case is handed: the database, the keys, what is published and the reader's lexicon; built by ``wiring``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from sms_service import clock
from sms_service.conversation.definition import Conversation
from sms_service.conversation.version import NOTICES_NAME
from sms_service.conversation.words import Words
from sms_service.database import Database
from sms_service.gateway.registry import Gateway
from sms_service.models import audit
from sms_service.models.spending import Ceilings
from sms_service.rules.caps import Caps
from sms_service.rules.retention import Periods
from sms_service.security.vault import Vault
from sms_service.text.reading import Lexicon
from sms_service.text.topics import Topics
from sms_service.usecases.own_clock import OwnClock
from sms_service.usecases.published import Published

FIRST_LANGUAGES = ("rw", "fr", "en", "sw")
"""The order of languages in a form; any further one follows by its code."""


def no_queue() -> int:
    """The queue of a process without Redis: nothing waits in it, and nothing is missed."""
    return 0


def no_nudge(job: str, row_id: int) -> None:
    """The nudge of a process without Redis: nothing, because the sweep finds the row within 5 s."""


@dataclass(frozen=True)
class Context:
    """The service as a use case sees it.

    ``nudge(job, row_id)`` tells a worker to look again; it never raises and losing it loses nothing (design decision 1).
    ``topics`` are the words that no outgoing text may hold (S1). ``client`` is the gateway; None where nothing is sent.
    ``queue_length`` says how many nudges wait, None when the queue store does not answer. ``data_dir`` is where state lies.
    ``shipped`` are the words that came with the program: staff texts, and the apology when nothing can be read.
    ``read_lexicon`` gives what replies are read by, built when a process first reads one. ``expected`` names what this program
    needs published to do all its work. ``published`` is what runs, as the database says; it follows every publication at the next
    transaction. ``own_clock`` judges whether this process's time is right. ``reviewed_only`` holds where real people are at the
    other end: no language is published without a native reviewer's sign-off.
    """

    database: Database
    vault: Vault
    audit_key: bytes
    shipped: Words
    read_lexicon: Callable[[], Lexicon]
    topics: Topics
    client: Gateway | None = None
    nudge: Callable[[str, int], None] = no_nudge
    queue_length: Callable[[], int | None] = no_queue
    data_dir: Path | None = None
    sender_id: str = ""
    short_code: str = ""
    broadcast_delay_seconds: int = 300
    send_rate_per_second: float = 50.0
    price_per_segment: float = 10.0
    spending: Ceilings = field(default_factory=Ceilings)
    currency: str = "RWF"
    public_url: str = ""
    caps: Caps = field(default_factory=Caps)
    periods: Periods = field(default_factory=Periods)
    expected: frozenset[str] = frozenset()
    reviewed_only: bool = False
    published: Published = field(default_factory=Published)
    own_clock: OwnClock = field(default_factory=OwnClock)

    @property
    def lexicon(self) -> Lexicon:
        """What replies are read by; the first use in a process takes some half a second."""
        return self.read_lexicon()

    @property
    def conversations(self) -> Mapping[str, Conversation]:
        """The published conversations by name, as of this process's last transaction."""
        return self.published.running.conversations

    @property
    def words(self) -> Words:
        """The published texts that the service sends by itself (``NOTICES``)."""
        return self.published.running.notices

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages in which the service's own texts are published (those that ship, while nothing is); two letters each."""
        known = self.words.languages or self.shipped.languages
        return (*(one for one in FIRST_LANGUAGES if one in known), *(one for one in known if one not in FIRST_LANGUAGES))

    def language_for(self, *chosen: str | None, said: Words | None = None) -> str:
        """The first of these languages (the number's, the person's) that the published texts have, ``said`` if given, else the
        service's own; Kinyarwanda when they have none of them.

        What is published can be older than a language people chose: a stop, an answer to danger and news of a meeting come all the
        same (S17, S22).
        """
        known = (said if said is not None else self.words).languages or self.languages
        wanted = [one for one in (*chosen, *FIRST_LANGUAGES) if one in known]
        return wanted[0] if wanted else known[0]

    def unpublished(self) -> list[str]:
        """What this program expects and nobody has published here: its texts do not leave."""
        running = self.published.running
        named = {*running.conversations, *([NOTICES_NAME] if running.notices.languages else [])}
        return sorted(self.expected - named)

    def now(self, db: Connection) -> datetime:
        """The service's time (aware UTC), from the database's clock; what is published is followed on the way."""
        return self.at(db, clock.read(db))

    def at(self, db: Connection, row: Any) -> datetime:
        """The same from a row with ``clock.TIME_COLUMNS``."""
        self.published.follow(db, row.publications)
        return clock.of(row)

    def record(self, db: Connection, actor: str, act: str, subject: str | None = None, reason: str = "") -> None:
        """Append to the audit in the caller's transaction: no audit, no act (I17)."""
        audit.append(db, self.audit_key, self.vault, self.now(db), actor, act, subject, reason)
