"""The jobs RQ runs: each drains what waits in SQL. They carry nothing: one run twice, or never, changes nothing (I2, I7)."""

from __future__ import annotations

from sms_service.usecases.send_texts import send_due
from sms_service.usecases.sweep import drain_inbound
from sms_service.usecases.tick import expand_due
from workers.entry import running
from workers.nudge import mark


def _begin(kind: str) -> None:
    running().redis.delete(mark(kind))


def inbound() -> None:
    _begin("inbound")
    drain_inbound(running().context, stopping=running().stop.is_set)


def send() -> None:
    _begin("send")
    worker = running()
    send_due(worker.context, worker.pool, stopping=worker.stop.is_set)


def expand_broadcast() -> None:
    _begin("expand_broadcast")
    expand_due(running().context)
    send()
