"""The one module that reads the clock: the database's time plus an offset row that only the demo and tests may set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, select

from sms_service.models import state
from sms_service.models.state import service_state

KIGALI = ZoneInfo("Africa/Kigali")


def wall() -> datetime:
    """This process's own clock, aware UTC: for comparing with the database's, and for nothing that is due."""
    return datetime.now(UTC)


def now(db: Connection) -> datetime:
    """The service's time, aware UTC: due times and leases use it in every process (design decision 9)."""
    if db.dialect.name == "postgresql":
        row = db.execute(
            select(func.clock_timestamp().label("time"), service_state.c.clock_offset_us).where(service_state.c.id == 1)
        ).one()
        base: datetime = row.time.astimezone(UTC)
        return base + timedelta(microseconds=row.clock_offset_us)
    offset = db.execute(select(service_state.c.clock_offset_us).where(service_state.c.id == 1)).scalar_one()
    return wall() + timedelta(microseconds=offset)


def set_now(db: Connection, wanted: datetime) -> None:
    """Move the service's time to ``wanted`` (aware). Demo and tests only: production never calls it."""
    offset = wanted - (now(db) - timedelta(microseconds=state.read(db).clock_offset_us))
    state.change(db, clock_offset_us=int(offset / timedelta(microseconds=1)))


def local(moment: datetime) -> datetime:
    """The same moment as people in Rwanda say it."""
    return moment.astimezone(KIGALI)
