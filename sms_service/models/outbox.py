"""The outbox: one row a message and recipient, its attempts, and reports that came before their row (reliability section 4)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Float,
    Index,
    Integer,
    Row,
    String,
    Table,
    UniqueConstraint,
    func,
    select,
    update,
)

from sms_service.models.base import UtcTime, at, keyed_hash, metadata, ref, row_id, sealed, word


def _when_written(context: Any) -> Any:
    return context.get_current_parameters()["created_at"]


outbox = Table(
    "outbox",
    metadata,
    row_id(),
    Column("key", String(80), nullable=False, unique=True),
    ref("number_id", "number"),
    ref("person_id", "person", nullable=True, index=True),
    ref("group_id", "peace_group", nullable=True),
    ref("meeting_id", "meeting", nullable=True, index=True),
    ref("dialogue_id", "dialogue", nullable=True, index=True),
    ref("inbound_id", "inbound", nullable=True),
    ref("broadcast_id", "broadcast", nullable=True),
    ref("alert_id", "alert", nullable=True),
    ref("replaces_id", "outbox", nullable=True),
    word("template", 20),  # V3, V10, broadcast, alert ...
    word("kind", 10),  # scheduled | broadcast | v4 | reply | alert
    word("text_class", 1),
    Column("lane", Integer, nullable=False),
    word("language", 2),
    sealed("body"),
    keyed_hash("body_hash"),
    Column("segments", Integer, nullable=False, default=1),
    word("state", 12),  # queued reserved calling accepted refused unknown delivered failed expired cancelled suppressed given_up
    word("stage", 12, nullable=True),  # Sent | Submitted | Buffered while accepted
    word("reason", 60, nullable=True),
    word("token", 40, nullable=True),
    at("lease_until", nullable=True),
    at("not_before"),
    at("expires_at"),
    Column("attempts", Integer, nullable=False, default=0),
    Column("gateway_id", String(128), nullable=True),
    Column("cost", Float, nullable=True),
    word("currency", 3, nullable=True),
    at("created_at"),
    Column("shown_at", UtcTime, nullable=False, default=_when_written),  # where the log shows it: written, then sent or closed
    at("accepted_at", nullable=True),
    at("closed_at", nullable=True),
    Index("ix_outbox_due", "state", "lane", "not_before"),
    Index("ix_outbox_number_id_state", "number_id", "state"),
    Index("ix_outbox_broadcast_id_state", "broadcast_id", "state"),
    Index("ix_outbox_shown_at", "shown_at"),
    Index("ix_outbox_gateway_id", "gateway_id"),
    Index("ix_outbox_body_hash", "body_hash"),
    Index("ix_outbox_group_id_not_before", "group_id", "not_before"),
)

attempt = Table(
    "attempt",
    metadata,
    row_id(),
    ref("outbox_id", "outbox", index=True),
    word("call_id", 40),
    word("token", 40),
    at("started_at"),
    at("ended_at", nullable=True),
    word("result", 20, nullable=True),
    Column("code", Integer, nullable=True),
    word("detail", 60, nullable=True),
)

parked_report = Table(
    "parked_report",
    metadata,
    row_id(),
    Column("gateway_id", String(128), nullable=False),
    word("status", 40),
    word("failure_reason", 60, nullable=True),
    ref("number_id", "number", nullable=True, index=True),
    at("received_at", index=True),
    UniqueConstraint("gateway_id", "status"),
)

SENDING = ("reserved", "calling")
MAY_HAVE_LEFT = ("accepted", "delivered", "failed", "unknown", "calling")
FINAL = ("delivered", "failed", "refused", "expired", "cancelled", "suppressed", "given_up")


def get(db: Connection, outbox_id: int) -> Row[Any] | None:
    return db.execute(select(outbox).where(outbox.c.id == outbox_id)).first()


def by_gateway_id(db: Connection, gateway_id: str) -> Row[Any] | None:
    return db.execute(select(outbox).where(outbox.c.gateway_id == gateway_id).with_for_update()).first()


def cancel_queued(db: Connection, now: datetime, reason: str, *where: Any) -> int:
    """Cancel rows that hold no lease; one already past its fence may finish (F42)."""
    return db.execute(
        update(outbox)
        .where(outbox.c.state.in_(("queued", "reserved")), *where)
        .values(state="cancelled", reason=reason, closed_at=now, shown_at=now, token=None, lease_until=None)
    ).rowcount


def counts_by_state(db: Connection, *where: Any) -> dict[str, int]:
    query = select(outbox.c.state, func.count()).where(*where).group_by(outbox.c.state)
    return {state: int(count) for state, count in db.execute(query)}


def question_since(db: Connection, number_id: int, since: datetime) -> bool:
    """Whether a question was queued or sent to this number since then: then an equal text is a new answer, not a repeat (I3)."""
    query = select(outbox.c.id).where(
        outbox.c.number_id == number_id,
        outbox.c.dialogue_id.is_not(None),
        outbox.c.kind != "reply",
        (outbox.c.created_at >= since) | (outbox.c.accepted_at >= since),
    )
    return db.execute(query.limit(1)).first() is not None


def replies_since(db: Connection, number_id: int, since: datetime) -> int:
    query = (
        select(func.count())
        .select_from(outbox)
        .where(outbox.c.number_id == number_id, outbox.c.kind == "reply", outbox.c.created_at >= since)
    )
    return int(db.execute(query).scalar_one())


def next_due(db: Connection, now: datetime) -> datetime | None:
    query = select(outbox.c.not_before).where(outbox.c.state == "queued", outbox.c.not_before > now)
    return db.execute(query.order_by(outbox.c.not_before).limit(1)).scalar()
