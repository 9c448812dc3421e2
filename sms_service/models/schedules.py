"""Occurrences: each moment at which a schedule speaks, once (I12)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Table, UniqueConstraint, select, update

from sms_service.models.base import at, metadata, one_of, partial, ref, row_id, word

occurrence = Table(
    "occurrence",
    metadata,
    row_id(),
    word("schedule", 80),  # meeting:<id>:reminder_two_day, group:<id>:check_in
    word("kind", 20),  # reminder_two_day | reminder_morning | again_two_day | again_morning | missed | check_in | feedback ...
    ref("group_id", "peace_group", nullable=True, index=True),
    ref("meeting_id", "meeting", nullable=True, index=True),
    word("about", 40, nullable=True),  # a referral's row id, or the name of a question set
    at("due_at"),
    at("expires_at"),
    word("state", 10),  # pending | fired | missed | cancelled
    at("fired_at", nullable=True),
    UniqueConstraint("schedule", "due_at"),
)
PENDING = one_of(occurrence.c.state, "pending")
MISSED = one_of(occurrence.c.state, "missed")
partial("ix_occurrence_pending", occurrence.c.due_at, where=PENDING)
partial("ix_occurrence_missed", occurrence.c.due_at, where=MISSED)


AGAIN = ("again_two_day", "again_morning")


def due(db: Connection, now: datetime, limit: int, kinds: Collection[str]) -> Sequence[Row[Any]]:
    """What is due, oldest first, of these kinds: another is a later release's, whose clock fires it (I24)."""
    query = select(occurrence).where(PENDING, occurrence.c.due_at <= now, occurrence.c.kind.in_(kinds))
    return db.execute(query.order_by(occurrence.c.due_at).limit(limit).with_for_update(skip_locked=True)).all()


def mark(db: Connection, occurrence_id: int, state: str, now: datetime) -> None:
    db.execute(update(occurrence).where(occurrence.c.id == occurrence_id).values(state=state, fired_at=now))


def cancel_of_meeting(db: Connection, meeting_id: int) -> None:
    db.execute(
        update(occurrence).where(occurrence.c.meeting_id == meeting_id, occurrence.c.state == "pending").values(state="cancelled")
    )


def next_due(db: Connection, now: datetime) -> datetime | None:
    """When something that people may notice is due; a second look for who has joined is left out."""
    waiting = (PENDING, occurrence.c.due_at > now, occurrence.c.kind.not_in(AGAIN))
    query = select(occurrence.c.due_at).where(*waiting)
    return db.execute(query.order_by(occurrence.c.due_at).limit(1)).scalar()
