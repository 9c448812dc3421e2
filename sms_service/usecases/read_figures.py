"""The figures behind the metrics and the console's health page: counts, ages and totals, each at a constant cost (I16, I22)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, literal, select, union_all
from sqlalchemy.exc import SQLAlchemyError

from sms_service.models import findings, inbound, state, wall_clocks
from sms_service.models.groups import group
from sms_service.models.outbox import MOVING, QUEUED, outbox
from sms_service.security.vault import Unsealable
from sms_service.usecases.context import Context
from sms_service.usecases.read_health import LANES, Health, counted, disk_shares, missed, missed_count

NOT_FINAL = ("queued", "reserved", "calling", "unknown")  # final rows grow without end and are not counted
MOST_COUNTED = 10_000  # more rows than the expansion of a broadcast lets wait
MOST_MISSED = 1_000
HOUR = timedelta(hours=1)
HEARD_WITHIN = timedelta(seconds=30)
MISSED_SHOWN = timedelta(days=7)
MISSED_ROWS = 50


@dataclass(slots=True)
class Figures:
    """Numbers by name; ``rows`` by (state, lane), ``last_hour`` by state, ``processes`` and ``beats`` (seconds) by role.

    A count that has reached its bound means 'at least so many'. ``nudges`` is None when the queue store does not answer.
    """

    health: Health = field(default_factory=Health)
    now: datetime | None = None
    rows: dict[tuple[str, str], int] = field(default_factory=dict)
    last_hour: dict[str, int] = field(default_factory=dict)
    totals: dict[str, int] = field(default_factory=dict)
    needs_person: int = 0
    missed: int = 0
    nudges: int | None = None
    outbound_on: bool = False
    channel: Row[Any] | None = None
    tick_age: float | None = None
    last_tick: datetime | None = None
    backup_age: float | None = None
    processes: dict[str, int] = field(default_factory=dict)
    beats: dict[str, float] = field(default_factory=dict)
    apart: set[str] = field(default_factory=set)
    disks: dict[str, float] = field(default_factory=dict)
    findings: dict[str, Row[Any]] = field(default_factory=dict)


def read_figures(context: Context, health: Health) -> Figures:
    """Everything at once, beside a ``health`` that was just read; with the database away, what is known without it."""
    figures = Figures(health=health, nudges=context.queue_length(), disks=disk_shares(context))
    if health.ready:
        try:
            with context.database.engine.connect() as db:
                _read(context, db, figures)
                db.rollback()
        except (SQLAlchemyError, Unsealable):
            health.ready = False
            health.degraded.append("database")
    return figures


def _read(context: Context, db: Connection, figures: Figures) -> None:
    now = figures.now = context.now(db)
    row = state.read(db)
    figures.rows = _rows(db)
    figures.last_hour = _last_hour(db, now)
    figures.totals = {one.name: int(one.total) for one in findings.totals(db)}
    figures.needs_person = counted(db, MOST_MISSED, select(inbound.inbound.c.id).where(inbound.NEEDS_PERSON))
    figures.missed = missed_count(db, now, MOST_MISSED)
    figures.outbound_on = bool(row.outbound_on)
    figures.channel = state.read_channel(db)
    figures.last_tick = row.last_tick_at
    figures.tick_age = None if row.last_tick_at is None else max(0.0, (now - row.last_tick_at).total_seconds())
    figures.findings = dict(findings.found(db))
    figures.backup_age = None if row.backup_at is None else max(0.0, (now - row.backup_at).total_seconds())
    _hear(db, now - timedelta(microseconds=row.clock_offset_us), figures)


def _rows(db: Connection) -> dict[tuple[str, str], int]:
    rows = outbox.c
    parts = []
    for state_name in NOT_FINAL:
        these = (QUEUED,) if state_name == "queued" else (MOVING, rows.state == state_name)
        for lane_name, lane in LANES:
            some = select(rows.id).where(*these, rows.lane == lane).limit(MOST_COUNTED).subquery()
            parts.append(select(literal(state_name), literal(lane_name), func.count()).select_from(some))
    return {(row[0], row[1]): int(row[2]) for row in db.execute(union_all(*parts))}


def _last_hour(db: Connection, now: datetime) -> dict[str, int]:
    """What became of the newest rows that were written, sent or closed within the hour."""
    rows = outbox.c
    newest = select(rows.state).where(rows.shown_at > now - HOUR).order_by(rows.shown_at.desc()).limit(MOST_COUNTED).subquery()
    return {row[0]: int(row[1]) for row in db.execute(select(newest.c.state, func.count()).group_by(newest.c.state))}


def _hear(db: Connection, real: datetime, figures: Figures) -> None:
    """The processes that wrote their time of late; those long silent have ended."""
    for row in wall_clocks.all_clocks(db):
        age = abs((real - row.wall_at).total_seconds())
        figures.beats[row.role] = min(age, figures.beats.get(row.role, age))
        if age <= HEARD_WITHIN.total_seconds():
            figures.processes[row.role] = figures.processes.get(row.role, 0) + 1
            if row.apart_from:
                figures.apart.add(row.role)


def missed_rows(db: Connection, now: datetime) -> Sequence[Row[Any]]:
    """The newest occurrences of the last week that were missed, with their group's code, for staff to act on (F38)."""
    some = missed(now, MISSED_SHOWN).limit(MISSED_ROWS).subquery()
    query = select(some.c.kind, some.c.due_at, some.c.expires_at, group.c.code).outerjoin(group, group.c.id == some.c.group_id)
    return db.execute(query.order_by(some.c.due_at.desc())).all()
