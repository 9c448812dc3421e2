"""The service directory: public numbers that may be put into a text only while their check is fresh (S38)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Table, UniqueConstraint, func, select

from sms_service.models.base import at, metadata, ref, row_id, word

directory_entry = Table(
    "directory_entry",
    metadata,
    row_id(),
    word("slot", 20),  # police | ambulance | health | other: which placeholder it may fill
    word("name", 80),
    word("kind", 20),
    word("phone", 16),
    word("area", 60),
    word("hours", 60),
    word("cost", 20),
    at("verified_on"),
    ref("verified_by", "staff", nullable=True),
    at("valid_until"),
    at("created_at"),
    UniqueConstraint("slot", "name", "area"),
)

URGENT_SLOTS = ("police", "ambulance", "health")


def urgent_numbers(db: Connection, now: datetime) -> dict[str, str] | None:
    """The three numbers of V11, or None when one is missing or expired: then the first sentence goes alone."""
    query = select(directory_entry.c.slot, directory_entry.c.phone).where(
        directory_entry.c.slot.in_(URGENT_SLOTS), directory_entry.c.valid_until > now
    )
    found = {row.slot: row.phone for row in db.execute(query)}
    return found if len(found) == len(URGENT_SLOTS) else None


def health_line(db: Connection, now: datetime) -> str | None:
    """The health line's number while its check is fresh, the latest checked one (S38)."""
    rows = directory_entry.c
    query = select(rows.phone).where(rows.slot == "health", rows.valid_until > now).order_by(rows.verified_on.desc())
    return db.execute(query.limit(1)).scalar()


def all_entries(db: Connection) -> Sequence[Row[Any]]:
    return db.execute(select(directory_entry).order_by(directory_entry.c.slot, directory_entry.c.name)).all()


def valid_until(db: Connection) -> dict[str, datetime]:
    """Until when each slot has a number whose check is fresh: its best entry's, run out or not (S38)."""
    rows = directory_entry.c
    return {
        row.slot: row.until for row in db.execute(select(rows.slot, func.max(rows.valid_until).label("until")).group_by(rows.slot))
    }
