"""The few facts there is one of: the outbound switch, the clock's offset, the sending channel's pause, rate and breaker."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Connection, Float, Integer, Row, String, Table, select, update

from sms_service.models.base import at, insert_ignore, metadata, word

service_state = Table(
    "service_state",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("outbound_on", Boolean, nullable=False, default=True),
    word("held_reason", 60, nullable=True),
    Column("clock_offset_us", BigInteger, nullable=False, default=0),
    at("last_tick_at", nullable=True),
    at("schedules_held_at", nullable=True),
    word("schema_note", 40, nullable=True),
    Column("publications", Integer, nullable=False, default=0),  # counts up: a process that sees another number loads anew
    at("backup_at", nullable=True),
    at("backup_verified_at", nullable=True),
)

channel = Table(
    "channel",
    metadata,
    Column("name", String(8), primary_key=True),
    at("paused_at", nullable=True),
    word("pause_reason", 40, nullable=True),
    Column("failures", Integer, nullable=False, default=0),
    at("breaker_until", nullable=True),
    at("slow_until", nullable=True),
    Column("tokens", Float, nullable=False, default=0.0),
    at("tokens_at", nullable=True),
    Column("balance", Float, nullable=True),
    at("balance_at", nullable=True),
)


def make_rows(db: Connection) -> None:
    """The single rows, made by the first migration and kept for ever."""
    insert_ignore(db, service_state, {"id": 1, "outbound_on": True, "clock_offset_us": 0, "publications": 0})
    insert_ignore(db, channel, {"name": "sms", "failures": 0, "tokens": 0.0})


def read(db: Connection) -> Row[Any]:
    return db.execute(select(service_state).where(service_state.c.id == 1)).one()


def share(db: Connection) -> Row[Any]:
    """Read the switch under a shared lock, so that turning it off waits for no fence and none slips past it (S41)."""
    return db.execute(select(service_state).where(service_state.c.id == 1).with_for_update(read=True)).one()


def change(db: Connection, **values: Any) -> None:
    db.execute(update(service_state).where(service_state.c.id == 1).values(**values))


def read_channel(db: Connection) -> Row[Any]:
    """The sending channel as it is, without keeping others from it."""
    return db.execute(select(channel).where(channel.c.name == "sms")).one()


def lock_channel(db: Connection) -> Row[Any]:
    return db.execute(select(channel).where(channel.c.name == "sms").with_for_update()).one()


def change_channel(db: Connection, **values: Any) -> None:
    db.execute(update(channel).where(channel.c.name == "sms").values(**values))


def pause_channel(db: Connection, now: datetime, reason: str) -> bool:
    """Stop sending until a person resumes it; True when this call did it, so that one alarm is raised, not a thousand."""
    statement = update(channel).where(channel.c.name == "sms", channel.c.paused_at.is_(None))
    return db.execute(statement.values(paused_at=now, pause_reason=reason)).rowcount == 1
