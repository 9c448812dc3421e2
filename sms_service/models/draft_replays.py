"""What a draft would have changed: asked for by a person, worked out in the background, kept with its time; codes only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Connection, Index, Integer, Row, Table, and_, insert, or_, select, update

from sms_service.models.base import at, metadata, row_id, word

draft_replay = Table(
    "draft_replay",
    metadata,
    row_id(),
    word("conversation", 40),
    Column("number", Integer, nullable=False),
    Column("days", Integer, nullable=False),
    word("state", 10),  # waiting | running | done | failed
    word("asked_by", 60),
    at("asked_at"),
    at("beat_at"),  # while it runs: when it last said how far it is
    at("finished_at", nullable=True),
    Column("result", JSON, nullable=True),
    Index("ix_draft_replay_conversation_number", "conversation", "number"),
    Index("ix_draft_replay_state", "state"),
)


def add(db: Connection, values: Mapping[str, Any]) -> None:
    db.execute(insert(draft_replay).values(**values))


def latest(db: Connection, conversation: str, number: int) -> Row[Any] | None:
    """The one asked for last of this version."""
    mine = draft_replay.c
    query = select(draft_replay).where(mine.conversation == conversation, mine.number == number)
    return db.execute(query.order_by(mine.asked_at.desc(), mine.id.desc()).limit(1)).first()


def claim(db: Connection, now: datetime, silent_since: datetime) -> Row[Any] | None:
    """Take the oldest that waits, or that runs and has said nothing since ``silent_since``; None when there is none."""
    mine = draft_replay.c
    free = or_(mine.state == "waiting", and_(mine.state == "running", mine.beat_at < silent_since))
    row = db.execute(select(draft_replay).where(free).order_by(mine.asked_at, mine.id).limit(1)).first()
    if row is None:
        return None
    taken = update(draft_replay).where(mine.id == row.id, mine.state == row.state, mine.beat_at == row.beat_at)
    return row if db.execute(taken.values(state="running", beat_at=now)).rowcount == 1 else None


def change(db: Connection, replay_id: int, **values: Any) -> None:
    db.execute(update(draft_replay).where(draft_replay.c.id == replay_id).values(**values))
