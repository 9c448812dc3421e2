"""Inbound SMS: stored before it is answered (I1), processed once (I2), in arrival order for each number (I4)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
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

from sms_service.models.base import at, keyed_hash, metadata, one_of, partial, ref, row_id, sealed, where_given, word

inbound = Table(
    "inbound",
    metadata,
    row_id(),
    word("channel", 8),
    Column("provider_id", String(128), nullable=False),
    ref("number_id", "number", nullable=True),
    sealed("sender", nullable=True),  # only when it could not be read as a number (W9)
    sealed("body"),
    keyed_hash("text_hash", index=True),
    word("alert", 5),
    Column("is_stop", Boolean, nullable=False, default=False),
    word("state", 12),  # new | done | needs_person
    Column("fails", Integer, nullable=False, default=0),
    Column("repeat_of", BigInteger, nullable=True),
    word("intent", 12, nullable=True),
    word("value", 40, nullable=True),
    word("rule", 60, nullable=True),
    Column("confidence", Float, nullable=True),
    Column("dialogue_id", BigInteger, nullable=True),
    word("network_code", 12, nullable=True),
    word("sent_date", 40, nullable=True),
    at("received_at", index=True),
    at("processed_at", nullable=True),
    UniqueConstraint("channel", "provider_id"),
    Index("ix_inbound_number_id_received_at", "number_id", "received_at"),
)
NEW = one_of(inbound.c.state, "new")
NEEDS_PERSON = one_of(inbound.c.state, "needs_person")
partial("ix_inbound_new", inbound.c.id, where=NEW)
partial("ix_inbound_new_number_id", inbound.c.number_id, where=NEW)
partial("ix_inbound_needs_person", inbound.c.id, where=NEEDS_PERSON)
where_given(inbound, "dialogue_id")


def get(db: Connection, inbound_id: int) -> Row[Any] | None:
    return db.execute(select(inbound).where(inbound.c.id == inbound_id)).first()


def waiting(db: Connection, limit: int, older_than: datetime, but: Collection[int | None] = ()) -> Sequence[Any]:
    """Rows (id, number_id) not yet processed, oldest first, but for these numbers: the sweep's own list, so that a lost nudge loses
    nothing.
    """
    query = select(inbound.c.id, inbound.c.number_id).where(NEW, inbound.c.received_at <= older_than)
    if but:
        query = query.where(inbound.c.number_id.not_in(sorted(one for one in but if one is not None)))
    return db.execute(query.order_by(inbound.c.id).limit(limit)).all()


def oldest_waiting(db: Connection) -> datetime | None:
    """When the longest waiting unprocessed text came."""
    return db.execute(select(func.min(inbound.c.received_at)).where(NEW)).scalar()


def count_for_a_person(db: Connection) -> int:
    """How many texts could not be processed and wait for a person."""
    query = select(func.count()).select_from(inbound).where(NEEDS_PERSON)
    return int(db.execute(query).scalar_one())


def older_waiting(db: Connection, row: Any) -> int | None:
    """An earlier unprocessed text of the same number, which must be taken first (I4)."""
    query = select(inbound.c.id).where(inbound.c.number_id == row.number_id, NEW, inbound.c.id < row.id)
    return db.execute(query.order_by(inbound.c.id).limit(1)).scalar()


def same_text_since(db: Connection, row: Any, since: datetime) -> Row[Any] | None:
    """The latest earlier row of this number with the same text since then that is no repeat itself (I3, S42)."""
    query = select(inbound).where(
        inbound.c.number_id == row.number_id,
        inbound.c.text_hash == row.text_hash,
        inbound.c.id < row.id,
        inbound.c.received_at >= since,
        inbound.c.repeat_of.is_(None),
    )
    return db.execute(query.order_by(inbound.c.id.desc()).limit(1)).first()


def change(db: Connection, inbound_id: int, **values: Any) -> None:
    db.execute(update(inbound).where(inbound.c.id == inbound_id).values(**values))
