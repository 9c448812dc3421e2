"""Draining the texts that wait: the same loop serves the nudged workers and the clock's sweep, which needs no Redis (I13)."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

from sms_service import jobs
from sms_service.models import inbound
from sms_service.usecases.context import Context
from sms_service.usecases.process_inbound import process_inbound
from sms_service.usecases.send_texts import never

BATCH = 200


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
    done = 0
    until = time.monotonic() + seconds
    stuck: set[int | None] = set()
    while time.monotonic() < until and not stopping():
        with context.database.reading() as db:
            waiting = inbound.waiting(db, BATCH, context.now(db) - older_than, stuck)
        if not waiting:
            break
        for row in waiting:
            if stopping():
                break
            if row.number_id in stuck:
                continue
            if not process_inbound(context, row.id):
                stuck.add(row.number_id)
            done += 1
            context.database.give_way()
    if done:
        context.nudge(jobs.SEND, 0)
    return done
