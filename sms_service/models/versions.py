"""Versions of conversations and of the own texts: immutable, published one of a name at a time, signed off by language."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Index, Integer, Row, String, Table, Text, UniqueConstraint, func, insert, select, update

from sms_service.models.base import at, insert_ignore, metadata, row_id, sealed, word
from sms_service.models.state import service_state

MOST_VERSIONS = 2**31 - 1

conversation_version = Table(
    "conversation_version",
    metadata,
    row_id(),
    word("name", 40),
    Column("number", Integer, nullable=False),
    Column("fingerprint", String(64), nullable=False, unique=True),
    Column("definition", Text, nullable=False),
    Column("words", Text, nullable=True),  # null: it ran before words were kept with their version
    word("state", 10),  # draft | published | retired
    word("origin", 10),  # release | console | command
    at("imported_at"),
    word("imported_by", 60),
    at("approved_at", nullable=True),
    word("approved_by", 60, nullable=True),
    at("published_at", nullable=True),
    word("published_by", 60, nullable=True),
    UniqueConstraint("name", "number"),
    Index("ix_conversation_version_state", "state"),
)

text_review = Table(
    "text_review",
    metadata,
    row_id(),
    word("conversation", 40),
    word("language", 8),
    Column("texts_hash", String(64), nullable=False),
    sealed("reviewer"),
    word("recorded_by", 60),
    at("at"),
    UniqueConstraint("conversation", "language", "texts_hash"),
)


def add(db: Connection, values: dict[str, Any]) -> int:
    """Store a version under the next number of its name; returns the number."""
    highest = select(func.coalesce(func.max(conversation_version.c.number), 0)).where(conversation_version.c.name == values["name"])
    number = int(db.execute(highest).scalar_one()) + 1
    db.execute(insert(conversation_version).values(number=number, **values))
    return number


def by_fingerprint(db: Connection, fingerprint: str) -> Row[Any] | None:
    return db.execute(select(conversation_version).where(conversation_version.c.fingerprint == fingerprint)).first()


def by_number(db: Connection, name: str, number: int) -> Row[Any] | None:
    """The version of this number; a number no column holds is that of no version."""
    if not 0 < number <= MOST_VERSIONS:
        return None
    found = conversation_version.c
    return db.execute(select(conversation_version).where(found.name == name, found.number == number)).first()


def published(db: Connection) -> Sequence[Row[Any]]:
    """What runs: one version of each name."""
    return db.execute(select(conversation_version).where(conversation_version.c.state == "published")).all()


def all_versions(db: Connection, name: str | None = None) -> Sequence[Row[Any]]:
    """Every version, or those of one name, newest first; without definition and words."""
    found = conversation_version.c
    columns = [column for column in found if column.name not in ("definition", "words")]
    query = select(*columns).order_by(found.name, found.number.desc())
    return db.execute(query if name is None else query.where(found.name == name)).all()


def change(db: Connection, version_id: int, **values: Any) -> None:
    """Change what happened to a version, never the version itself (decision 4)."""
    db.execute(update(conversation_version).where(conversation_version.c.id == version_id).values(**values))


def publish(db: Connection, version_id: int, name: str, by: str, now: datetime) -> None:
    """Make this the one version of its name that runs, and let every process know at its next transaction."""
    found = conversation_version.c
    running = update(conversation_version).where(found.name == name, found.state == "published")
    db.execute(running.values(state="retired"))
    change(db, version_id, state="published", published_at=now, published_by=by)
    db.execute(update(service_state).where(service_state.c.id == 1).values(publications=service_state.c.publications + 1))


def lock_publications(db: Connection) -> None:
    """One import or publication at a time, so that numbers follow one another and one version of a name runs."""
    db.execute(select(service_state.c.id).where(service_state.c.id == 1).with_for_update())


def add_review(db: Connection, values: dict[str, Any]) -> bool:
    """Keep a sign-off of one language's texts; False when these very texts were signed off before."""
    return insert_ignore(db, text_review, values) > 0


def reviews_of(db: Connection, conversation: str) -> Sequence[Row[Any]]:
    query = select(text_review).where(text_review.c.conversation == conversation)
    return db.execute(query.order_by(text_review.c.at)).all()
