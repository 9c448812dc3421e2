"""Pause windows: days on which routine texts are held (domain section 8.5); the yearly remembrance week is a rule, not a row."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Column, Connection, Date, Row, Table, select

from sms_service.models.base import at, metadata, ref, row_id, word

pause_window = Table(
    "pause_window",
    metadata,
    row_id(),
    Column("first_day", Date, nullable=False),
    Column("last_day", Date, nullable=False),
    word("behaviour", 12),  # block | reword | allow_urgent
    ref("group_id", "peace_group", nullable=True),  # no group: everyone
    word("reason", 40),
    ref("staff_id", "staff", nullable=True),
    at("created_at"),
    at("ended_at", nullable=True),
)


def active(db: Connection, from_day: date) -> Sequence[Row[Any]]:
    """Windows that still matter on or after this local day, for every scope."""
    query = select(pause_window).where(pause_window.c.ended_at.is_(None), pause_window.c.last_day >= from_day)
    return db.execute(query.order_by(pause_window.c.first_day)).all()
