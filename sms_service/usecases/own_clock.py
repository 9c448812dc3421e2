"""Whether this process may trust the time it works by (F39, F40): what nobody asked for leaves only while it may.

A text that is due, or late, by a wrong clock would leave early, or after its meeting. Answers, urgent texts and alerts go on:
they are due now by any clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from sms_service import clock
from sms_service.models import wall_clocks

MOST_APART = timedelta(seconds=60)
DOUBT_SECONDS = 30.0  # a step of the clock: by then the clock process has ticked, and holds schedules or has seen two ticks agree
HEARD_WITHIN = timedelta(seconds=80)  # a beat every ten seconds, and a minute's difference


class OwnClock:
    """Compares this process's wall clock with its monotonic one at each question, with the database's and with the others'."""

    def __init__(self, wall: Callable[[], datetime] = clock.wall, steady: Callable[[], float] = time.monotonic) -> None:
        self._wall, self._steady = wall, steady
        self._last = (wall(), steady())
        self._doubt_until = float("-inf")

    def trusted(self, db: Connection, switch: Any, now: datetime) -> bool:
        """Whether texts that answer nobody may go; ``switch`` is the state row, ``now`` the service's time."""
        wall, steady = self._wall(), self._steady()
        stepped = (wall - self._last[0]).total_seconds() - (steady - self._last[1])
        self._last = (wall, steady)
        if abs(stepped) > MOST_APART.total_seconds():
            self._doubt_until = steady + DOUBT_SECONDS
        real = now - timedelta(microseconds=switch.clock_offset_us)
        if switch.schedules_held_at is not None or steady < self._doubt_until or abs(wall - real) > MOST_APART:
            return False
        return db.dialect.name == "postgresql" or heard_about_now(db, real)


def heard_about_now(db: Connection, real: datetime) -> bool:
    """Whether any process wrote its time about now by this process's clock: on one file each works by a clock of its own.

    True when there is no other process's row.
    """
    own = wall_clocks.own_name("")
    others = [row.wall_at for row in wall_clocks.all_clocks(db) if not row.process.endswith(own)]
    return not others or any(abs(moment - real) <= HEARD_WITHIN for moment in others)
