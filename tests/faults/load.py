"""Texts in and texts out while parts of the service die: a load that remembers what it asked for."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from types import TracebackType

from sqlalchemy import select

from sms_service.models.inbound import inbound
from tests.faults.processes import wait_for
from tests.faults.service import CANARY, RunningService


class InboundLoad:
    """People who ask for a call, a text every ``every`` seconds, while the block runs.

    The simulator is the gateway: what is not answered 200 it delivers again, and again.
    """

    def __init__(self, service: RunningService, phones: Sequence[str], every: float = 0.1) -> None:
        self._service, self._phones, self._every = service, phones, every
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write)
        self.ids: list[str] = []

    def __enter__(self) -> InboundLoad:
        self._service.simulator.switch(retry_ms=200, retry_most_ms=1000)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    def _write(self) -> None:
        while not self._stop.is_set():
            no = len(self.ids)
            written = self._service.simulator.text(self._phones[no % len(self._phones)], f"mumpamagare {CANARY} {no}")
            self.ids.append(written["id"])
            time.sleep(self._every)

    def check(self) -> None:
        """Every text was answered 200 in the end, and is stored and processed exactly once (I1, I2)."""
        wait_for(self._all_accepted, 60, "the acceptance of every text")
        self._service.settle()
        with self._service.context.database.begin() as db:
            rows = db.execute(select(inbound.c.provider_id, inbound.c.state)).all()
        assert sorted(row.provider_id for row in rows) == sorted(self.ids)
        assert {row.state for row in rows} == {"done"}

    def _all_accepted(self) -> bool:
        accepted = {line["fields"]["id"] for line in self._service.simulator.callbacks("sms") if line["status"] == 200}
        return accepted == set(self.ids)
