"""The harm log: a case where a text caused trouble, reviewed monthly; and the texts paused because of one (S44)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Row, String, Table, select, update

from sms_service.models.base import at, code, metadata, ref, row_id, sealed, word

harm = Table(
    "harm",
    metadata,
    row_id(),
    code(12),
    word("kind", 20),  # a name of usecases.harm.KINDS
    word("template", 20),  # which text it was about; empty when none
    ref("person_id", "person", nullable=True, index=True),
    sealed("note", nullable=True),
    ref("recorded_by", "staff", nullable=True),
    at("at", index=True),
    at("reviewed_at", nullable=True),
    ref("reviewed_by", "staff", nullable=True),
    word("decision", 20, nullable=True),
)

paused_text = Table(
    "paused_text",
    metadata,
    Column("template", String(20), primary_key=True),
    at("paused_at"),
    word("paused_by", 60),
    word("harm_code", 12, nullable=True),
)


def by_code(db: Connection, harm_code: str) -> Row[Any] | None:
    return db.execute(select(harm).where(harm.c.code == harm_code)).first()


def change(db: Connection, harm_id: int, **values: Any) -> None:
    db.execute(update(harm).where(harm.c.id == harm_id).values(**values))


def oldest_unreviewed(db: Connection) -> datetime | None:
    """When the oldest case nobody has reviewed was recorded."""
    return db.execute(select(harm.c.at).where(harm.c.reviewed_at.is_(None)).order_by(harm.c.at).limit(1)).scalar()


def paused_texts(db: Connection) -> frozenset[str]:
    """The texts that do not go until somebody lets them go again."""
    return frozenset(db.execute(select(paused_text.c.template)).scalars())
