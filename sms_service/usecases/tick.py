"""The clock's own work, every five seconds and safe in two processes at once: schedules, alerts, leases (I11, I12, F37)."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Connection

from sms_service import clock, jobs
from sms_service.models import dialogues, findings, outbox, state
from sms_service.usecases.campaign_schedule import plan_campaigns
from sms_service.usecases.check_ins import plan_check_ins
from sms_service.usecases.compare_clocks import CLOCK, Beat
from sms_service.usecases.context import Context
from sms_service.usecases.dial_rows import close_silent
from sms_service.usecases.expand_broadcast import due_broadcasts, expand_broadcast, finish_broadcasts
from sms_service.usecases.occurrences import fire_due
from sms_service.usecases.question_sets import plan_question_sets
from sms_service.usecases.raise_concern import repeat_alerts
from sms_service.usecases.seasons import run_seasons
from sms_service.usecases.send_texts import expire_late, give_back_stale
from sms_service.usecases.silence import freeze_silent
from sms_service.usecases.take_report import match_parked

STEP = timedelta(seconds=60)
FIRED_AT_ONCE, FIRE_SECONDS = 8, 0.05


class Pace:
    """Compares wall and monotonic time between ticks: a disagreement of over 60 s holds schedules until two ticks agree (F40).

    ``beat`` is the clock process's own, which compares it with the other processes (F39).
    """

    def __init__(
        self,
        wall: Callable[[], datetime] = clock.wall,
        steady: Callable[[], float] = time.monotonic,
        beat: Beat | None = None,
    ) -> None:
        self._wall, self._steady = wall, steady
        self._last = (wall(), steady())
        self._agreed = 2
        self.stepped = False
        self.beat = beat or Beat(CLOCK)

    def trusted(self, database_time: datetime, offset: timedelta, apart: bool = False) -> bool:
        """Whether schedules may fire: clocks steady, process and database within 60 s of each other, and ``apart`` false: no
        other process's clock is further away.
        """
        now, steady = self._wall(), self._steady()
        passed = (now - self._last[0]).total_seconds() - (steady - self._last[1])
        self.stepped = abs(passed) > STEP.total_seconds()
        agree = not self.stepped and abs(now - (database_time - offset)) <= STEP and not apart
        self._last = (now, steady)
        self._agreed = self._agreed + 1 if agree else 0
        return self._agreed >= 2


def tick(context: Context, pace: Pace) -> None:
    """One round. Each part is its own transaction and a fault in one keeps the others going; the first is raised at the end."""
    with context.database.begin() as db:
        now = context.now(db)
        row = state.read(db)
        apart = pace.beat.beat(db)
        trusted = pace.trusted(now, timedelta(microseconds=row.clock_offset_us), bool(apart))
        held = None if trusted else (row.schedules_held_at or now)
        state.change(db, last_tick_at=now, schedules_held_at=held)
        if pace.stepped:
            findings.note(db, findings.CLOCK, now, ok=False)  # named for a while after schedules go again: somebody must look (F40)
    parts: list[Callable[[], object]] = [
        lambda: context.database.run(lambda db: repeat_alerts(context, db, context.now(db))),
        lambda: context.database.run(lambda db: _housekeeping(context, db, trusted=trusted)),
    ]
    hourly = row.last_tick_at is None or now - row.last_tick_at > STEP or now.hour != row.last_tick_at.hour
    if hourly and trusted:
        parts.append(lambda: context.database.run(lambda db: freeze_silent(context, db, now)))
    if trusted and context.words.languages:
        # before anything is published nothing can be said: schedules wait for it as for a clock, until they expire
        parts.append(lambda: run_schedules(context))
        if hourly:
            parts.append(lambda: run_seasons(context))
            parts.append(lambda: context.database.run(lambda db: plan_campaigns(db, now)))
    parts += [lambda: expand_due(context), lambda: _nudge(context)]
    faults = [fault for part in parts if (fault := _fault_of(part)) is not None]
    if faults:
        raise faults[0]


def _fault_of(part: Callable[[], object]) -> Exception | None:
    try:
        part()
    except Exception as fault:
        return fault
    return None


def _nudge(context: Context) -> None:
    with context.database.reading() as db:
        due = outbox.any_due(db, context.now(db))
    if due:
        context.nudge(jobs.SEND, 0)


def run_schedules(context: Context) -> int:
    """Plan the weekly check-ins and fire every due occurrence, in transactions of a few: a dial waits for some 50 ms at most."""
    context.database.run(lambda db: _plan(context, db))
    fired = 0
    while done := context.database.run(lambda db: fire_due(context, db, context.now(db), FIRED_AT_ONCE, FIRE_SECONDS)):
        fired += done
        context.database.give_way()
    return fired


def _plan(context: Context, db: Connection) -> None:
    now = context.now(db)
    plan_check_ins(db, now)
    plan_question_sets(context, db, now)


def _housekeeping(context: Context, db: Connection, *, trusted: bool) -> None:
    """Leases end by any clock, because a lease given back too early costs nothing; what a wrong clock would end for good waits."""
    now = context.now(db)
    give_back_stale(context, db, now)
    match_parked(context, db)
    if not trusted:
        return
    expire_late(db, now)
    close_silent(db, now)
    dialogues.close_where(db, now, dialogues.dialogue.c.closes_at <= now)


def expand_due(context: Context, most_chunks: int = 40) -> bool:
    """Write the next chunks of every broadcast whose wait is over, and close those whose rows are all final; True while some of
    them has more to write.
    """
    with context.database.reading() as db:
        due = due_broadcasts(db, context.now(db))
    more = [one for one in due if not expand_broadcast(context, one, most_chunks=most_chunks)]
    finish_broadcasts(context)
    return bool(more)
