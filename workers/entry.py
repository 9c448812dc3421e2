"""The worker process: one queue, JSON, in-process jobs that drain SQL; it outlives an absence of the queue store."""

from __future__ import annotations

import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import FrameType

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, SimpleWorker
from rq.exceptions import StopRequested
from rq.executions import Execution
from rq.job import Job
from rq.worker.base import WorkerStatus

from sms_service import jobs
from sms_service.logs import describe, logger
from sms_service.usecases.claim_texts import CALLS_A_ROUND
from sms_service.usecases.compare_clocks import WORKER
from sms_service.usecases.context import Context
from workers.heartbeat import start_heartbeat
from workers.nudge_job import NudgeJob

AWAY_SECONDS = 5.0

log = logger("worker")


@dataclass(frozen=True)
class Running:
    """What the jobs of this process work with; ``stop`` is set when the process was told to end."""

    context: Context
    redis: Redis
    pool: ThreadPoolExecutor
    stop: threading.Event


_running: list[Running] = []


def running() -> Running:
    """The process's own context; a job only ever runs inside ``run_worker``."""
    return _running[0]


class NudgeWorker(SimpleWorker):
    """RQ's worker with the times this service needs: a dead worker's nudge is not waited for, the sweep has it (reliability 6).

    Jobs run in this process and in its own connections: nothing is forked, so no database connection is shared.
    """

    max_connection_wait_time = AWAY_SECONDS

    def __init__(self, queue: Queue, redis: Redis, stop: threading.Event) -> None:
        super().__init__(
            [queue],
            connection=redis,
            serializer="json",
            worker_ttl=30,
            job_class=NudgeJob,
            job_monitoring_interval=5,
            maintenance_interval=10,
            log_job_description=False,
        )
        self._stop = stop

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """TERM or Ctrl-C, however often: the job in hand finishes its round, then the process ends (F5).

        RQ's own would write to the queue store from inside the signal, in the middle of a send, and kill at the second signal.
        """
        self._stop.set()
        self._stop_requested = True
        if self.get_state() != WorkerStatus.BUSY:
            raise StopRequested

    def perform_job(self, job: Job, queue: Queue, execution: Execution) -> bool:
        """Do what one of our nudges says; drop whatever else was put into the queue store, without reading further (T23)."""
        if isinstance(job, NudgeJob) and job.kind is not None:
            return bool(super().perform_job(job, queue, execution))
        log.error("nudge.refused", reason="not-ours")
        with self.connection.pipeline() as pipeline:
            self.cleanup_execution(job, pipeline)
            pipeline.execute()
        job.delete()
        return False

    def _install_signal_handlers(self) -> None:
        super()._install_signal_handlers()
        if self._stop.is_set():
            raise StopRequested


def run_worker(context: Context, redis: Redis, *, burst: bool = False) -> None:
    """Work on nudges until told to stop; meanwhile the queue store may come and go (I13)."""
    pool = ThreadPoolExecutor(CALLS_A_ROUND, thread_name_prefix="call")
    stop = threading.Event()
    _running[:] = [Running(context, redis, pool, stop)]
    start_heartbeat(context, WORKER, stop)
    try:
        while not stop.is_set():
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: stop.set())
            try:
                worker = NudgeWorker(Queue(jobs.QUEUE, connection=redis, serializer="json", job_class=NudgeJob), redis, stop)
                worker.work(burst=burst, with_scheduler=False, logging_level="WARNING")
            except StopRequested:
                break
            except (RedisError, OSError) as fault:
                log.error("worker.waits", **describe(fault))
            if burst:
                break
            stop.wait(AWAY_SECONDS)
    finally:
        pool.shutdown(wait=True)
