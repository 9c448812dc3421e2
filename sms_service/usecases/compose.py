"""Putting texts into the outbox: sealed, counted, keyed so that each goes in once (reliability section 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, bindparam, select

from sms_service.models import search
from sms_service.models.base import insert_ignore
from sms_service.models.outbox import outbox
from sms_service.models.search import text_word
from sms_service.security.tokens import new_row_id
from sms_service.text.gsm import segments
from sms_service.text.search_words import search_words
from sms_service.usecases.context import Context

Kind = Literal["scheduled", "broadcast", "v4", "reply", "alert"]
LANE_ALERT, LANE_REPLY, LANE_REMINDER, LANE_BROADCAST = 0, 1, 2, 3


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One text for one number, before it is sealed. Times are aware UTC; ``key`` is the outbox key (I2, I7, I12)."""

    key: str
    number_id: int
    language: str
    template: str
    kind: Kind
    text_class: str
    lane: int
    body: str
    not_before: datetime
    expires_at: datetime
    person_id: int | None = None
    group_id: int | None = None
    meeting_id: int | None = None
    dialogue_id: int | None = None
    inbound_id: int | None = None
    broadcast_id: int | None = None
    alert_id: int | None = None
    replaces_id: int | None = None


def body_hash(context: Context, body: str) -> bytes:
    """The keyed hash under which identical texts are sent together and found by search."""
    return context.vault.text_hash("text", body)


def queue_texts(context: Context, db: Connection, texts: Sequence[Outgoing], now: datetime) -> int:
    """Queue texts in the caller's transaction; one whose key is already there is left alone. Returns how many went in."""
    rows = []
    searchable: dict[bytes, str] = {}
    for one in texts:
        row_id = new_row_id()
        digest = body_hash(context, one.body)
        if one.kind != "alert":
            searchable.setdefault(digest, one.body)
        rows.append(
            {
                "id": row_id,
                "key": one.key,
                "number_id": one.number_id,
                "person_id": one.person_id,
                "group_id": one.group_id,
                "meeting_id": one.meeting_id,
                "dialogue_id": one.dialogue_id,
                "inbound_id": one.inbound_id,
                "broadcast_id": one.broadcast_id,
                "alert_id": one.alert_id,
                "replaces_id": one.replaces_id,
                "template": one.template,
                "kind": one.kind,
                "text_class": one.text_class,
                "lane": one.lane,
                "language": one.language,
                "body": context.vault.seal("outbox", "body", row_id, one.body),
                "body_hash": digest,
                "segments": segments(one.body).parts,
                "state": "queued",
                "not_before": one.not_before,
                "expires_at": one.expires_at,
                "attempts": 0,
                "created_at": now,
                "shown_at": now,
            }
        )
    made = insert_ignore(db, outbox, rows)
    index_texts(context, db, searchable)
    return made


_INDEXED = select(text_word.c.text_hash).where(text_word.c.text_hash.in_(bindparam("digests", expanding=True))).distinct()


def index_texts(context: Context, db: Connection, texts: dict[bytes, str]) -> None:
    """Index the words of texts not indexed yet; flagged texts are never handed in (T13, S32)."""
    if not texts:
        return
    known = set(db.execute(_INDEXED, {"digests": list(texts)}).scalars())
    new = {digest: search_words(body) for digest, body in texts.items() if digest not in known}
    search.index(db, {digest: [context.vault.word_hash(word) for word in words] for digest, words in new.items()})
