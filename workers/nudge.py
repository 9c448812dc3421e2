"""Sending nudges through RQ: at most one of a kind waits, and a queue store that is away costs a webhook nothing (I13)."""

from __future__ import annotations

import time
from collections.abc import Callable

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue

from sms_service import jobs

_AWAY_SECONDS = 2.0
_MARK_SECONDS = 30


class Nudger:
    """``nudge(kind, row_id)``: tells a worker to look again. Never raises; the sweep finds what a lost nudge meant."""

    def __init__(self, redis: Redis, clock: Callable[[], float] = time.monotonic) -> None:
        self._redis = redis
        self._queue = Queue(jobs.QUEUE, connection=redis, serializer="json")
        self._clock = clock
        self._away_until = 0.0

    def __call__(self, kind: str, row_id: int) -> None:
        if kind not in jobs.KINDS or self._clock() < self._away_until:
            return
        try:
            if self._redis.set(mark(kind), 1, nx=True, ex=_MARK_SECONDS):
                self._queue.enqueue_call(
                    f"workers.tasks.{kind}",
                    timeout=jobs.TIMEOUT_SECONDS,
                    result_ttl=0,
                    failure_ttl=3600,
                    ttl=300,
                    description=kind,
                )
        except (RedisError, OSError):
            self._away_until = self._clock() + _AWAY_SECONDS

    def waiting(self) -> int | None:
        """How many nudges wait for a worker; None when the queue store does not answer."""
        try:
            return int(self._redis.llen(self._queue.key))
        except (RedisError, OSError):
            return None


def mark(kind: str) -> str:
    """The key that says a nudge of this kind waits; the job removes it before it looks, so that a later nudge is not lost."""
    return f"nudge:{kind}"
