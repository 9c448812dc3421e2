"""Draining the texts that wait: the same loop serves the nudged workers and the clock's sweep, which needs no Redis (I13)."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

from sms_service import jobs
from sms_service.models import inbound
from sms_service.usecases.context import Context
from sms_service.usecases.process_inbound import TEXTS_A_ROUND, process_waiting
from sms_service.usecases.send_texts import never

HELD_SECONDS = 0.5  # how long a drain with nothing else to do waits for numbers that somebody holds: a dial's turn is over sooner
LOOK_AGAIN = 0.05


def drain_inbound(
    context: Context,
    *,
    seconds: float = jobs.WORK_SECONDS,
    older_than: timedelta = timedelta(),
    stopping: Callable[[], bool] = never,
) -> int:
    """Process waiting texts, oldest first, until none is left or the time is up; then nudge the sender.

    A number whose text cannot be taken now, because somebody holds it or its step failed, is left to the next drain (F13).
    """
    with context.database.reading() as db:  # on SQLite beside whoever writes: most looks find nothing
        if not inbound.any_waiting(db, context.now(db) - older_than):
            return 0
    done, patience = 0, HELD_SECONDS
    until = time.monotonic() + seconds
    held: set[int] = set()
    failed: set[int] = set()
    while time.monotonic() < until and not stopping():
        this = process_waiting(context, older_than=older_than, but=held | failed)
        done += this.done
        held |= this.held
        failed |= this.failed
        if this.taken < TEXTS_A_ROUND:  # nothing else waits, and what comes now has a nudge of its own
            if not held or patience <= 0:
                break
            time.sleep(LOOK_AGAIN)
            patience -= LOOK_AGAIN
            held.clear()
        context.database.give_way()
    if done:
        context.nudge(jobs.SEND, 0)
    return done
