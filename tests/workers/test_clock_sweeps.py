"""The clock alone, with neither worker nor queue store: texts in are taken while sends fill every call (F36, I13)."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from sms_service.gateway.results import CallResult
from sms_service.models import numbers
from sms_service.models.inbound import inbound
from sms_service.usecases.compose import LANE_REPLY, Outgoing, queue_texts
from sms_service.usecases.context import Context
from tests.faults.processes import wait_for
from tests.service import Recorder, Service
from workers.clock import SWEEP_CALLS, run_clock


@dataclass
class Hanging(Recorder):
    """A gateway that answers nobody before ``released`` is set; ``calls`` counts who waits."""

    released: threading.Event = field(default_factory=threading.Event)
    calls: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def send(
        self, numbers: Sequence[str], text: str, *, sender: str | None, enqueue: bool | None = None, deadline: float = 40.0
    ) -> CallResult:
        self.calls.release()
        self.released.wait(30)
        return super().send(numbers, text, sender=sender, enqueue=enqueue, deadline=deadline)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_texts_in_are_taken_while_every_call_hangs(service: Service) -> None:
    """F36, F20: the sweep of texts in does not stand behind the sweep of texts out."""
    gateway = Hanging()
    context = replace(service.context, client=gateway)
    with context.database.begin() as db:
        now = context.now(db)
        phones = [f"+25078{number:07d}" for number in range(SWEEP_CALLS * 3)]
        to = [numbers.ensure(db, context.vault, phone, now) for phone in phones]
        queue_texts(context, db, [answer_to(place, row_id, now - timedelta(minutes=1)) for place, row_id in enumerate(to)], now)
    stop = threading.Event()
    clock = threading.Thread(target=run_clock, args=(context, stop))
    clock.start()
    try:
        assert gateway.calls.acquire(timeout=20), "the clock sent nothing: nothing was proved"
        assert service.text("+250788000077", "Muraho").status_code == 200
        wait_for(lambda: state(context) == "done", 14, "the text's turn")
        assert not gateway.released.is_set()
    finally:
        stop.set()
        gateway.released.set()
        clock.join(60)


def answer_to(place: int, number_id: int, now: datetime) -> Outgoing:
    return Outgoing(
        key=f"hangs:{place}",
        number_id=number_id,
        language="rw",
        template="V10",
        kind="reply",
        text_class="A",
        lane=LANE_REPLY,
        body=f"Inama {place}",
        not_before=now,
        expires_at=now + timedelta(hours=1),
    )


def state(context: Context) -> str | None:
    with context.database.begin() as db:
        return db.execute(select(inbound.c.state)).scalar()
