"""The one module that reads the clock: the database's time plus an offset row that only the demo and tests may set."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, literal, select

from sms_service.models import state
from sms_service.models.state import service_state

KIGALI = ZoneInfo("Africa/Kigali")


# A file with the seconds by which this process's clock is wrong, for tests of steps and skew; refused by production's settings.
_WRONG_BY = os.environ.get("SMS_CLOCK_WRONG_BY", "")


def wall() -> datetime:
    """This process's own clock, aware UTC: for comparing with the database's, and for nothing that is due."""
    if _WRONG_BY:
        return datetime.now(UTC) + timedelta(seconds=float(Path(_WRONG_BY).read_text("ascii")))
    return datetime.now(UTC)


# Built once, for every transaction asks. What SQLite has no clock for is taken from this process.
TIME_COLUMNS = {
    "postgresql": (func.clock_timestamp().label("database_time"), service_state.c.clock_offset_us, service_state.c.publications),
    "sqlite": (literal(None).label("database_time"), service_state.c.clock_offset_us, service_state.c.publications),
}
_NOW = {name: select(*columns).where(service_state.c.id == 1) for name, columns in TIME_COLUMNS.items()}


def now(db: Connection) -> datetime:
    """The service's time, aware UTC: due times and leases use it in every process (design decision 9)."""
    return of(read(db))


def read(db: Connection) -> Any:
    """The single state row with ``TIME_COLUMNS``: the time, and how often something was published."""
    return db.execute(_NOW[db.dialect.name]).one()


def of(row: Any) -> datetime:
    """The service's time as a row with ``TIME_COLUMNS`` of the single state row told it."""
    base: datetime = wall() if row.database_time is None else row.database_time.astimezone(UTC)
    return base + timedelta(microseconds=row.clock_offset_us)


def set_now(db: Connection, wanted: datetime) -> None:
    """Move the service's time to ``wanted`` (aware). Demo and tests only: production never calls it."""
    offset = wanted - (now(db) - timedelta(microseconds=state.read(db).clock_offset_us))
    state.change(db, clock_offset_us=int(offset / timedelta(microseconds=1)))


def local(moment: datetime) -> datetime:
    """The same moment as people in Rwanda say it."""
    return moment.astimezone(KIGALI)
