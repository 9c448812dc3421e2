"""The worker process: one queue, JSON, jobs that drain SQL; it exits when the queue store is gone and is started again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from redis import Redis
from rq import Queue, SimpleWorker

from sms_service import jobs
from sms_service.usecases.context import Context
from sms_service.usecases.send_texts import CALLS_A_ROUND


@dataclass(frozen=True)
class Running:
    """What the jobs of this process work with."""

    context: Context
    redis: Redis
    pool: ThreadPoolExecutor


_running: list[Running] = []


def running() -> Running:
    """The process's own context; a job only ever runs inside ``run_worker``."""
    return _running[0]


class NudgeWorker(SimpleWorker):
    """RQ's worker with the times this service needs: a dead worker's nudge is not waited for, the sweep has it (reliability 6).

    Jobs run in this process and in its own connections: nothing is forked, so no database connection is shared.
    """

    def __init__(self, queue: Queue, redis: Redis) -> None:
        super().__init__(
            [queue],
            connection=redis,
            serializer="json",
            worker_ttl=30,
            job_monitoring_interval=5,
            maintenance_interval=10,
            log_job_description=False,
        )


def run_worker(context: Context, redis: Redis, *, burst: bool = False) -> None:
    """Work on nudges until told to stop; a TERM lets the job in hand finish (F5)."""
    pool = ThreadPoolExecutor(CALLS_A_ROUND, thread_name_prefix="call")
    _running[:] = [Running(context, redis, pool)]
    try:
        queue = Queue(jobs.QUEUE, connection=redis, serializer="json")
        NudgeWorker(queue, redis).work(burst=burst, with_scheduler=False, logging_level="WARNING")
    finally:
        pool.shutdown(wait=True)
