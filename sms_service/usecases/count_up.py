"""Totals that only grow, for the metrics: the clock counts the new rows of a table a few thousand at a time, never the old ones."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Column, Connection, Table, func, literal, select

from sms_service import clock
from sms_service.models import findings
from sms_service.models.dials import turn
from sms_service.models.inbound import inbound
from sms_service.models.outbox import attempt
from sms_service.security.tokens import first_row_id_at
from sms_service.usecases.context import Context

SETTLED_AFTER = timedelta(minutes=2)  # by then a transaction has committed and a call has its result, or never will
ROWS_A_STEP = 20_000
STEPS = 20

ATTEMPTS, INBOUND, TURNS = "attempts", "inbound", "ussd_turns"
_SOURCES: Mapping[str, tuple[Table, Column[Any] | None]] = {
    ATTEMPTS: (attempt, attempt.c.result),
    INBOUND: (inbound, inbound.c.channel),
    TURNS: (turn, None),
}


def count_up(context: Context, at: datetime | None = None) -> int:
    """Add every row up to two minutes ago that is not in the totals yet; returns how many. ``at`` is for tests.

    The first time it only marks the place: what a site did before it counted is not looked for.
    """
    upto = first_row_id_at((at or clock.wall()) - SETTLED_AFTER)
    added = 0
    for name in _SOURCES:
        for _ in range(STEPS):
            step = context.database.run(partial(_step, name=name, upto=upto))
            added += step
            context.database.give_way()
            if step < ROWS_A_STEP:
                break
    return added


def _step(db: Connection, *, name: str, upto: int) -> int:
    table, label = _SOURCES[name]
    start = findings.lock_total(db, name, upto)
    if start >= upto:
        return 0
    kind = literal("all") if label is None else func.coalesce(label, "unrecorded")
    new = select(table.c.id, kind.label("kind")).where(table.c.id > start, table.c.id <= upto)
    rows = new.order_by(table.c.id).limit(ROWS_A_STEP).subquery()
    counts = db.execute(select(rows.c.kind, func.count(), func.max(rows.c.id)).group_by(rows.c.kind)).all()
    total = sum(row[1] for row in counts)
    reached = max(row[2] for row in counts) if total == ROWS_A_STEP else upto
    findings.add(db, name, reached, {row[0]: row[1] for row in counts})
    return total
