"""Broadcasts: written by one person, approved by another, sent in chunks, recallable (S40)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    Integer,
    Row,
    Table,
    UniqueConstraint,
    select,
    update,
)

from sms_service.models.base import at, code, metadata, ref, row_id, sealed, word

broadcast = Table(
    "broadcast",
    metadata,
    row_id(),
    code(12),
    ref("author_id", "staff"),
    ref("approver_id", "staff", nullable=True),
    Column("group_ids", JSON, nullable=False),
    word("state", 12),  # draft | waiting (for approval) | approved | sending | done | recalled | refused
    Column("one_group", Boolean, nullable=False),
    Column("recipients", Integer, nullable=False, default=0),
    Column("excluded", JSON, nullable=False),  # reason -> count
    Column("languages", JSON, nullable=True),  # language -> recipients
    Column("segments", Integer, nullable=False, default=0),
    Column("cost", Float, nullable=False, default=0.0),
    Column("expanded_to", BigInteger, nullable=False, default=0),  # last number row id written, so that a crash resumes
    at("created_at"),
    at("approved_at", nullable=True),
    at("starts_at", nullable=True),
    at("expires_at", nullable=True),
    at("finished_at", nullable=True),
)

broadcast_text = Table(
    "broadcast_text",
    metadata,
    row_id(),
    ref("broadcast_id", "broadcast"),
    word("language", 2),
    sealed("body"),
    UniqueConstraint("broadcast_id", "language"),
)


def get(db: Connection, broadcast_id: int) -> Row[Any] | None:
    return db.execute(select(broadcast).where(broadcast.c.id == broadcast_id)).first()


def by_code(db: Connection, broadcast_code: str) -> Row[Any] | None:
    return db.execute(select(broadcast).where(broadcast.c.code == broadcast_code)).first()


def texts_of(db: Connection, broadcast_id: int) -> Sequence[Row[Any]]:
    query = select(broadcast_text).where(broadcast_text.c.broadcast_id == broadcast_id)
    return db.execute(query.order_by(broadcast_text.c.language)).all()


def change(db: Connection, broadcast_id: int, **values: Any) -> None:
    db.execute(update(broadcast).where(broadcast.c.id == broadcast_id).values(**values))


def recalled(db: Connection, ids: Sequence[int]) -> frozenset[int]:
    """Those of these broadcasts that were recalled: no text of theirs starts any more (S40)."""
    query = select(broadcast.c.id).where(broadcast.c.id.in_(ids), broadcast.c.state == "recalled")
    return frozenset(db.execute(query).scalars())
