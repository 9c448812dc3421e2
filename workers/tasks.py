"""The jobs RQ runs: each drains what waits in SQL. They carry nothing: one run twice, or never, changes nothing (I2, I7)."""

from __future__ import annotations

import time

from sms_service import jobs
from sms_service.usecases.send_texts import send_due
from sms_service.usecases.sweep import drain_inbound
from sms_service.usecases.tick import expand_due
from workers.entry import running
from workers.nudge import mark

GATHER_SECONDS = 0.1  # texts that come together are read together: a third of the work, and nobody sees it on a phone
CHUNKS_A_TURN = 4
SECONDS_A_TURN = 2.0


def _begin(kind: str) -> None:
    running().redis.delete(mark(kind))


def inbound() -> None:
    time.sleep(GATHER_SECONDS)  # and only then is the mark taken away: whatever came meanwhile needs no nudge of its own
    _begin("inbound")
    drain_inbound(running().context, stopping=running().stop.is_set)


def send() -> None:
    _begin("send")
    worker = running()
    send_due(worker.context, worker.pool, stopping=worker.stop.is_set)


def expand_broadcast() -> None:
    """Write and send by turns, so that what waits neither runs out nor grows long; another worker may send meanwhile."""
    _begin(jobs.EXPAND)
    worker = running()
    until = time.monotonic() + jobs.WORK_SECONDS
    while (more := expand_due(worker.context, CHUNKS_A_TURN)) and time.monotonic() < until and not worker.stop.is_set():
        send_due(worker.context, worker.pool, seconds=SECONDS_A_TURN, stopping=worker.stop.is_set)
    if more:
        worker.context.nudge(jobs.EXPAND, 0)
    send()
