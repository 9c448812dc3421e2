"""Draining what waits: the same loops serve the nudged workers and the clock's sweep, which needs no Redis (I13)."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import timedelta

from sqlalchemy.exc import SQLAlchemyError

from sms_service import jobs
from sms_service.models import inbound
from sms_service.usecases.context import Context
from sms_service.usecases.process_inbound import process_inbound
from sms_service.usecases.send_texts import CALLS_A_ROUND, send_round

BATCH = 200


def never() -> bool:
    """Nobody asks this drain to stop."""
    return False


def drain_inbound(
    context: Context,
    *,
    seconds: float = jobs.WORK_SECONDS,
    older_than: timedelta = timedelta(),
    stopping: Callable[[], bool] = never,
) -> int:
    """Process waiting texts, oldest first, until none is left or the time is up; then nudge the sender."""
    done = 0
    until = time.monotonic() + seconds
    stuck: set[int] = set()
    while time.monotonic() < until and not stopping():
        with context.database.begin() as db:
            waiting = [one for one in inbound.waiting(db, BATCH, context.now(db) - older_than) if one not in stuck]
        if not waiting:
            break
        for row_id in waiting:
            if stopping():
                break
            if not process_inbound(context, row_id):
                stuck.add(row_id)
            done += 1
            context.database.give_way()
    if done:
        context.nudge(jobs.SEND, 0)
    return done


def drain_outbox(
    context: Context,
    pool: Executor,
    *,
    seconds: float = jobs.WORK_SECONDS,
    grace: timedelta = timedelta(),
    calls: int = CALLS_A_ROUND,
    stopping: Callable[[], bool] = never,
) -> int:
    """Send rounds until nothing is due, the time is up or ``stopping`` says so; a database fault ends the drain.

    A round under way is finished: its calls are never left without their answers (F5).
    """
    done = 0
    until = time.monotonic() + seconds
    while time.monotonic() < until and not stopping():
        try:
            worked = send_round(context, pool, calls=calls, grace=grace)
        except SQLAlchemyError:
            if done:
                return done
            raise
        if not worked:
            break
        done += worked
        context.database.give_way()
    return done
