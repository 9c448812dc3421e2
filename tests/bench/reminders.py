"""Every group's reminder due in the same minute: planned by the clock's own use case, then sent by the workers."""

from __future__ import annotations

import time
from datetime import timedelta

from sqlalchemy import func, select

from sms_service import clock
from sms_service.models.meetings import meeting
from sms_service.models.outbox import attempt, counts_by_state, outbox
from sms_service.usecases.occurrences import plan_occurrences
from sms_service.usecases.tick import run_schedules
from tests.bench.figures import Figure
from tests.bench.seed import NOW, seed
from tests.bench.send import wait_until_sent
from tests.bench.site import Site, site

PEOPLE, A_GROUP = 100_000, 15
MOST_SECONDS = 180.0
PLANNED_AT_ONCE = 100


def measure(kind: str, *, people: int = PEOPLE, workers: int = 2) -> list[Figure]:
    """Seconds from the first call to the last record; wrong are texts nobody can account for, or that went after their meeting."""
    with site(kind, latency_ms=50) as here:
        seed(here.context, people, 0, groups=-(-people // A_GROUP), ownership="shared_other")
        began = time.monotonic()
        occurrences = _plan(here)
        planning = time.monotonic() - began
        with here.context.database.begin() as db:
            clock.set_now(db, NOW)  # 48 hours before every group's meeting, to the minute
        here.clock()
        for number in range(workers):
            here.worker(f"worker{number}")
        wait_until_sent(here, 2 * MOST_SECONDS)
        return _figures(here, kind, people, occurrences, planning)


def _plan(here: Site) -> int:
    """Let every group's occurrences be planned and those that are due fire, as the clock does; returns how many fired."""
    context = here.context
    with context.database.begin() as db:
        clock.set_now(db, NOW - timedelta(days=1))
        rows = db.execute(select(meeting)).all()
    for start in range(0, len(rows), PLANNED_AT_ONCE):
        with context.database.begin() as db:
            for row in rows[start : start + PLANNED_AT_ONCE]:
                plan_occurrences(context, db, row, context.now(db))
    return run_schedules(context)


def _figures(here: Site, kind: str, people: int, occurrences: int, planning: float) -> list[Figure]:
    with here.context.database.begin() as db:
        due = outbox.c.template.in_(("V3", "V3b")) & (outbox.c.attempts > 0)
        counts = counts_by_state(db)
        query = select(func.min(attempt.c.started_at), func.max(attempt.c.ended_at), func.count(attempt.c.call_id.distinct()))
        first, last, calls = db.execute(query).one()
        handed = int(db.execute(select(func.count()).where(due, outbox.c.state == "accepted")).scalar_one())
        late = int(db.execute(select(func.count()).where(due, outbox.c.accepted_at >= outbox.c.expires_at)).scalar_one())
    explained = sum(counts.get(state, 0) for state in ("expired", "suppressed", "cancelled", "refused", "unknown"))
    seconds = (last - first).total_seconds() if first and last else 0.0
    rate = f"{handed / seconds:.0f}/s in {calls} calls, {explained} explained" if seconds else "nothing was sent"
    name = f"reminders: {people} due in the same minute, until all are handed over"
    return [
        Figure(name, kind, seconds, "s", MOST_SECONDS, wrong=late + max(0, people - handed - explained), note=rate),
        Figure(
            "reminders: planned days ahead", kind, people / planning, "/s", note=f"{occurrences} occurrences in {planning:.0f} s"
        ),
    ]
