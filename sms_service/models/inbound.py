"""Inbound SMS: stored before it is answered (I1), processed once (I2), in arrival order for each number (I4)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
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
    bindparam,
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


def claim(db: Connection, limit: int, older_than: datetime, but: Collection[int] = ()) -> dict[int, int]:
    """Take the oldest texts not yet processed, but for these numbers, for this transaction alone: their ids and their numbers' ids.

    What another process has taken is passed over, so that two never work on the same text; no nudge is needed to find one.
    """
    query = select(inbound.c.id, inbound.c.number_id).where(NEW, inbound.c.received_at <= older_than)
    if but:
        query = query.where(inbound.c.number_id.not_in(sorted(but)))
    rows = db.execute(query.order_by(inbound.c.id).limit(limit).with_for_update(skip_locked=True))
    return {row.id: row.number_id for row in rows}


def first_in_line(db: Connection, ids: Sequence[int], number_ids: Collection[int]) -> Sequence[Row[Any]]:
    """Of these texts those still to be processed before which no other of their number has to be taken (I4), oldest first."""
    elder = select(inbound.c.number_id, func.min(inbound.c.id).label("first"))
    elder = elder.where(NEW, inbound.c.number_id.in_(sorted(number_ids)), inbound.c.id.not_in(ids)).group_by(inbound.c.number_id)
    before = {row.number_id: row.first for row in db.execute(elder)}
    rows = db.execute(select(inbound).where(inbound.c.id.in_(ids), inbound.c.state == "new").order_by(inbound.c.id)).all()
    return [row for row in rows if row.id < before.get(row.number_id, row.id + 1)]


def any_waiting(db: Connection, older_than: datetime) -> bool:
    """Whether a text that came before then is not yet processed."""
    return db.execute(select(inbound.c.id).where(NEW, inbound.c.received_at <= older_than).limit(1)).first() is not None


def oldest_waiting(db: Connection) -> datetime | None:
    """When the longest waiting unprocessed text came."""
    return db.execute(select(func.min(inbound.c.received_at)).where(NEW)).scalar()


def count_for_a_person(db: Connection) -> int:
    """How many texts could not be processed and wait for a person."""
    query = select(func.count()).select_from(inbound).where(NEEDS_PERSON)
    return int(db.execute(query).scalar_one())


def same_texts_since(db: Connection, texts: Sequence[Row[Any]], window: timedelta) -> dict[int, Row[Any]]:
    """For each of these texts the latest earlier one of its number with the same words, at most ``window`` before it, that is no
    repeat itself (I3, S42).
    """
    query = select(inbound).where(
        inbound.c.number_id.in_([text.number_id for text in texts]),
        inbound.c.text_hash.in_({text.text_hash for text in texts}),
        inbound.c.received_at >= min(text.received_at for text in texts) - window,
        inbound.c.repeat_of.is_(None),
    )
    said = db.execute(query.order_by(inbound.c.id.desc())).all()
    found: dict[int, Row[Any]] = {}
    for text in texts:
        for one in said:
            same = (one.number_id, one.text_hash) == (text.number_id, text.text_hash)
            if same and one.id < text.id and one.received_at >= text.received_at - window:
                found[text.id] = one
                break
    return found


_DONE = (
    update(inbound)
    .where(inbound.c.id == bindparam("row"))
    .values(
        {name: bindparam(f"new_{name}") for name in ("intent", "value", "rule", "confidence", "dialogue_id", "repeat_of")}
        | {"state": "done", "processed_at": bindparam("at")}
    )
)


def mark_done(db: Connection, texts: Mapping[int, Mapping[str, Any]], now: datetime) -> None:
    """Mark texts as processed, with what each was read as: intent, value, rule, confidence, dialogue_id and repeat_of."""
    rows = [{"row": one, "at": now} | {f"new_{name}": value for name, value in values.items()} for one, values in texts.items()]
    if rows:
        db.execute(_DONE, rows)


def change(db: Connection, inbound_id: int, **values: Any) -> None:
    db.execute(update(inbound).where(inbound.c.id == inbound_id).values(**values))
