"""Referrals: to which service of the directory somebody was pointed, on whose word, and what came of it (S28, V19)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Table, select, update

from sms_service.models.base import at, metadata, ref, row_id, sealed, word
from sms_service.models.directory import directory_entry
from sms_service.models.staff import staff

referral = Table(
    "referral",
    metadata,
    row_id(),
    ref("concern_id", "concern", index=True),
    ref("person_id", "person", nullable=True, index=True),
    ref("entry_id", "directory_entry"),
    word("consent", 12),  # oral | written | imminent: without consent, for imminent danger only
    sealed("decision", nullable=True),  # why somebody acted without consent, in their words
    ref("made_by", "staff"),
    at("created_at"),
    ref("dialogue_id", "dialogue", nullable=True, index=True),
    at("followed_up_at", nullable=True),
    word("outcome", 12, nullable=True),  # yes | not_yet | not_needed
    at("outcome_at", nullable=True),
)


def get(db: Connection, referral_id: int) -> Row[Any] | None:
    return db.execute(select(referral).where(referral.c.id == referral_id)).first()


def of_concern(db: Connection, concern_id: int) -> Sequence[Row[Any]]:
    """The referrals of a concern, oldest first, with the service's name and who made them."""
    query = (
        select(referral, directory_entry.c.name.label("service"), staff.c.code.label("made_by_code"))
        .join(directory_entry, directory_entry.c.id == referral.c.entry_id)
        .join(staff, staff.c.id == referral.c.made_by)
        .where(referral.c.concern_id == concern_id)
    )
    return db.execute(query.order_by(referral.c.created_at, referral.c.id)).all()


def answered(db: Connection, dialogue_id: int, outcome: str, now: datetime) -> None:
    """Keep what the person answered to the follow-up (V19)."""
    db.execute(update(referral).where(referral.c.dialogue_id == dialogue_id).values(outcome=outcome, outcome_at=now))


def change(db: Connection, referral_id: int, **values: Any) -> None:
    db.execute(update(referral).where(referral.c.id == referral_id).values(**values))
