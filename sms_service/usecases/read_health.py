"""Health that tells the truth: ready only if a write works, the schema is current and the keys open a canary (I21).

Every question costs the same however many rows there are: it asks an index for one row, or stops counting at a bound (I22).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, func, select
from sqlalchemy.exc import SQLAlchemyError

from sms_service import clock, schema
from sms_service.models import findings, inbound, outbox, rota, spending, state, wall_clocks
from sms_service.models.concerns import alert
from sms_service.models.numbers import number
from sms_service.models.outbox import attempt
from sms_service.models.schedules import MISSED, occurrence
from sms_service.security.tokens import first_row_id_at
from sms_service.security.vault import Unsealable
from sms_service.usecases.compare_clocks import CLOCK
from sms_service.usecases.context import Context

NO_TICK = timedelta(minutes=3)
INBOUND_SECONDS, ALERT_SECONDS, REPLY_SECONDS = 60, 60, 300
MOST_UNKNOWN = 20
UNKNOWN_SHARE = 100  # one in so many of the last day's calls
DAY = timedelta(days=1)
DISK_SHARE = 0.8
BACKUP_AGE = timedelta(hours=26)
STEP_SHOWN_FOR = timedelta(minutes=15)
MISSED_PLANNED_WITHIN = timedelta(days=14)  # an occurrence falls due at most ten days before its last moment
LANES = (("alerts", 0), ("replies", 1), ("reminders", 2), ("broadcasts", 3))


@dataclass(slots=True)
class Health:
    """Whether the service may take traffic, what is degraded (named, nothing personal), and ages in seconds by kind."""

    ready: bool = True
    degraded: list[str] = field(default_factory=list)
    ages: dict[str, float] = field(default_factory=dict)


def read_health(context: Context) -> Health:
    """Look at the database with a write that is rolled back, at what is waiting and what was found; never raises."""
    health = Health()
    try:
        with context.database.engine.connect() as db:
            transaction = db.begin()
            look(context, db, health)
            transaction.rollback()
    except (SQLAlchemyError, Unsealable) as fault:
        health.ready = False
        health.degraded.append("keys" if isinstance(fault, Unsealable) else "database")
    if context.queue_length() is None:
        health.degraded.append("queue store away")
    if any(share > DISK_SHARE for share in disk_shares(context).values()):
        health.degraded.append("disk filling")
    return health


def look(context: Context, db: Connection, health: Health) -> None:
    """Everything that the database knows, into ``health``; the caller rolls back. Raises what the database and the keys do."""
    if not schema.is_current(db):
        health.ready = False
        health.degraded.append("schema")
        return
    now = context.now(db)
    _open_canary(context, db)
    health.ages = dict(_ages(db, now))
    health.degraded += [name for name, bad in _checks(context, db, now, health.ages) if bad]
    findings.try_to_write(db, now)


def _open_canary(context: Context, db: Connection) -> None:
    canary = db.execute(select(number.c.id, number.c.sealed).order_by(number.c.id.desc()).limit(1)).first()
    if canary is not None:
        context.vault.open("number", "sealed", canary.id, canary.sealed)


def _ages(db: Connection, now: datetime) -> Iterator[tuple[str, float]]:
    moments = {"inbound": inbound.oldest_waiting(db)}
    for name, lane in LANES:
        moments[name] = outbox.oldest_due(db, lane, now)
    moments["alert"] = db.execute(select(func.min(alert.c.opened_at)).where(alert.c.acknowledged_at.is_(None))).scalar()
    for name, moment in moments.items():
        if moment is not None:
            yield name, max(0.0, (now - moment).total_seconds())


def _checks(context: Context, db: Connection, now: datetime, ages: dict[str, float]) -> Iterator[tuple[str, bool]]:
    """Every degraded state by its name; ``rules.alarms`` says which of them call somebody, and after how long."""
    row = state.read(db)
    channel = state.read_channel(db)
    found = findings.found(db)
    step = found.get(findings.CLOCK)
    yield "clock", row.last_tick_at is None or now - row.last_tick_at > NO_TICK
    yield "schedules held", row.schedules_held_at is not None
    yield "clock stepped", step is not None and abs(now - step.found_at) < STEP_SHOWN_FOR
    yield "clocks apart", wall_clocks.clocks_apart(db, CLOCK)
    yield "texts may be missing", bool(wall_clocks.unchecked_outages(db))
    yield "outbound off", not row.outbound_on
    yield "conversations not published", bool(context.unpublished())
    yield "channel paused", channel.paused_at is not None
    yield "balance low", _bad(found.get(findings.BALANCE))
    yield "spend ceiling reached", spending.left(db, context.spending, now) <= 0
    yield "breaker open", channel.breaker_until is not None
    yield "nobody on duty", not rota.on_duty(db, now)
    yield "alert unacknowledged", "alert" in ages
    yield "inbound waiting", ages.get("inbound", 0.0) > INBOUND_SECONDS
    yield "alerts waiting", ages.get("alerts", 0.0) > ALERT_SECONDS
    yield "replies waiting", ages.get("replies", 0.0) > REPLY_SECONDS
    yield "sends unknown", many_unknown(db, now)
    yield "occurrences missed", missed_count(db, now, most=1) > 0
    yield "audit broken", _bad(found.get(findings.AUDIT))
    yield "backup old", backup_is_old(context, last_good_backup(row), now)


def _bad(row: Row[Any] | None) -> bool:
    return row is not None and not row.ok


def last_good_backup(row: Row[Any]) -> datetime | None:
    """When the last backup was made; or tried by a restoration, where they are tried and the last one was not, or was found bad."""
    known = [moment for moment in (row.backup_at, row.backup_verified_at) if moment is not None]
    return min(known, default=None)


def backup_is_old(context: Context, made_at: datetime | None, now: datetime) -> bool:
    """Whether the last backup is over 26 hours old, or there is none where there must be one."""
    return context.reviewed_only if made_at is None else now - made_at > BACKUP_AGE


def counted(db: Connection, most: int, query: Any) -> int:
    """How many rows ``query`` finds; counting stops at ``most``."""
    return int(db.execute(select(func.count()).select_from(query.limit(most).subquery())).scalar_one())


def many_unknown(db: Connection, now: datetime) -> bool:
    """Whether over 20 sends have an unknown result, or over one in a hundred of the last day's."""
    rows = outbox.outbox.c
    unknown = select(rows.id).where(outbox.MOVING, rows.state == "unknown")
    every = counted(db, MOST_UNKNOWN + 1, unknown)
    if every == 0 or every > MOST_UNKNOWN:
        return every > MOST_UNKNOWN
    today = counted(db, every, unknown.where(rows.shown_at > now - DAY))
    # Row ids are drawn by the machine's own clock, which the offset of a demo does not move.
    calls = select(attempt.c.id).where(attempt.c.id >= first_row_id_at(clock.wall() - DAY))
    return counted(db, today * UNKNOWN_SHARE, calls) < today * UNKNOWN_SHARE if today else False


def missed_count(db: Connection, now: datetime, most: int) -> int:
    """Occurrences that were missed within the last day; counting stops at ``most``."""
    return counted(db, most, missed(now, DAY))


def missed(now: datetime, within: timedelta) -> Any:
    """The query of occurrences whose last moment passed unseen within that time, newest first."""
    rows = occurrence.c
    planned = rows.due_at > now - within - MISSED_PLANNED_WITHIN
    query = select(occurrence).where(MISSED, planned, rows.fired_at > now - within)
    return query.order_by(rows.due_at.desc())


def disk_shares(context: Context) -> dict[str, float]:
    """How full the disk is that holds the state folder, and the one of an SQLite file: 0 to 1, by this machine."""
    folders = {"data": context.data_dir}
    if not context.database.is_postgresql and context.database.url.database:
        folders["database"] = Path(context.database.url.database).parent
    shares = {}
    for name, folder in folders.items():
        if folder is not None and folder.is_dir():
            usage = shutil.disk_usage(folder)
            shares[name] = usage.used / (usage.used + usage.free)
    return shares
