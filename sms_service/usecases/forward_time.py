"""Moving the service's time to the next thing that happens, in a demo only (design decision 9)."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from sms_service import clock, jobs
from sms_service.models import outbox, schedules
from sms_service.models.broadcasts import broadcast
from sms_service.models.concerns import alert
from sms_service.usecases.context import Context
from sms_service.usecases.tick import run_schedules

SETTLE = timedelta(seconds=2)


def next_event(db: Connection, now: datetime) -> datetime | None:
    """When the next thing is due: an occurrence, a text, a broadcast, a repeat of an alert."""
    waiting = [
        schedules.next_due(db, now),
        outbox.next_due(db, now),
        db.execute(select(func.min(broadcast.c.starts_at)).where(broadcast.c.state == "approved")).scalar(),
        db.execute(select(func.min(alert.c.next_at)).where(alert.c.acknowledged_at.is_(None))).scalar(),
    ]
    coming = [one for one in waiting if one is not None and one > now]
    return min(coming) if coming else None


def forward_time(context: Context) -> tuple[datetime, bool]:
    """Set the clock just past the next event and let its occurrences fire; (new time, whether anything was due)."""
    with context.database.begin() as db:
        now = context.now(db)
        coming = next_event(db, now)
        if coming is None:
            return now, False
        clock.set_now(db, coming + SETTLE)
    run_schedules(context)
    context.nudge(jobs.SEND, 0)
    with context.database.begin() as db:
        return context.now(db), True
