"""Every process writes the time it works by beside the others' and compares (reliability section 5, F39).

On PostgreSQL all work by the server's clock and agree; on SQLite each works by its own. The same rows tell, at the start of a
web process, for how long there was none to take a text (section 3).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from sms_service import clock
from sms_service.models import wall_clocks
from sms_service.usecases.context import Context
from sms_service.usecases.own_clock import HEARD_WITHIN, MOST_APART

LONGEST_REDELIVERY = timedelta(hours=12)  # the gateway gives up after about so long (section 3)
LOOKS_UNSURE = 3
KEPT_FOR = timedelta(hours=1)
EVERY_SECONDS = 10.0
WEB, WORKER, CLOCK = "web", "worker", "clock"


class Beat:
    """One process's part: ``beat`` in a transaction every few seconds, from one thread.

    ``own_time`` (aware UTC) is for tests that set two processes' clocks apart; without it the time is the one this process works
    by, without the offset that a demo sets. ``steady`` counts seconds and never steps.
    """

    def __init__(
        self, role: str, *, own_time: Callable[[], datetime] | None = None, steady: Callable[[], float] = time.monotonic
    ) -> None:
        self.role = role
        self.process = wall_clocks.own_name(role)
        self._own_time, self._steady = own_time, steady
        self._last_look = steady()
        self._seen: dict[str, datetime] = {}
        self._started = False
        self._looks_unsure = LOOKS_UNSURE

    def beat(self, db: Connection) -> tuple[str, ...]:
        """Write this process's time; returns the roles whose clocks are over a minute from it, none when all agree.

        A row that has not changed since the last look may belong to a process that has ended: it is not compared. One that has
        changed was written since then, so its time may differ by the time between two looks and no more than a minute besides.
        """
        mine = self._time(db)
        steady = self._steady()
        allowed = MOST_APART + timedelta(seconds=steady - self._last_look)
        rows = [row for row in wall_clocks.all_clocks(db) if row.process != self.process]
        apart = sorted({row.role for row in rows if self._alive(row) and abs(row.wall_at - mine) > allowed})
        if not apart and self._out_of_the_machine_s_time(db, mine):
            apart = [wall_clocks.DATABASE]
        if self._unsure(rows, mine):
            apart = apart or ["others"]
        if not self._started:
            if self.role == WEB:
                self._note_outage(db, mine)
            # Rows of processes that have ended must not pile up; one that still runs writes its own again.
            wall_clocks.forget(db, self.role, mine - KEPT_FOR, mine + KEPT_FOR)
        wall_clocks.write(db, self.process, self.role, mine, ",".join(apart)[:40] or None)
        self._last_look, self._started = steady, True
        return tuple(apart)

    def _time(self, db: Connection) -> datetime:
        if self._own_time is not None:
            return self._own_time()
        row = clock.read(db)
        return clock.of(row) - timedelta(microseconds=row.clock_offset_us)

    def _out_of_the_machine_s_time(self, db: Connection, mine: datetime) -> bool:
        """Whether this machine's clock is over a minute from the database server's, by which it works."""
        return self._own_time is None and db.dialect.name == "postgresql" and abs(clock.wall() - mine) > MOST_APART

    def _unsure(self, rows: Sequence[Any], mine: datetime) -> bool:
        """Whether, in the first looks, all that others wrote is long past or to come: they have ended, or this clock is wrong.

        Whoever is alive has written once more by the third look, and is compared.
        """
        if not self._looks_unsure or not rows or any(abs(row.wall_at - mine) <= HEARD_WITHIN for row in rows):
            self._looks_unsure = 0
            return False
        self._looks_unsure -= 1
        return True

    def _alive(self, row: Any) -> bool:
        """Whether the row was written since the last look; never at the first one."""
        known = self._seen.get(row.process)
        self._seen[row.process] = row.wall_at
        return known is not None and known != row.wall_at

    def _note_outage(self, db: Connection, mine: datetime) -> None:
        last = wall_clocks.last_beat(db, WEB)
        if last is not None and mine - last > LONGEST_REDELIVERY:
            wall_clocks.note_outage(db, WEB, last, mine)


def beat_once(context: Context, beat: Beat) -> int:
    """One beat in its own transaction; returns how many outages nobody has looked into yet."""

    def work(db: Connection) -> int:
        beat.beat(db)
        return len(wall_clocks.unchecked_outages(db))

    return context.database.run(work)
