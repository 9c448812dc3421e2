"""Texts in, dials and texts out while parts of the service die: a load that remembers what it asked for."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any

import requests
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


class DialLoad:
    """People who dial, choose a line of the first screen and ring off, ``every`` seconds, while the block runs."""

    def __init__(self, service: RunningService, phones: Sequence[str], every: float = 0.5) -> None:
        self._service, self._phones, self._every = service, phones, every
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._dial)
        self.hops: list[dict[str, Any]] = []

    def __enter__(self) -> DialLoad:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    def _dial(self) -> None:
        no = 0
        while not self._stop.wait(self._every):
            phone = self._phones[no % len(self._phones)]
            no += 1
            with suppress(requests.RequestException):  # the simulator itself may be away: then nobody dialled
                hop = self._service.simulator.dial(phone)
                self.hops.append(hop)
                if hop["open"]:
                    hop = self._service.simulator.key(hop["session"], "1")
                    self.hops.append(hop)
                if hop["open"]:
                    self._service.simulator.hangup(hop["session"])

    def check(self, within: float = 10.0) -> None:
        """Every hop was answered with a screen, ``CON`` or ``END``, within so many seconds (I15); some reached the menu."""
        refused = [(hop["status"], hop["error"]) for hop in self.hops if hop["error"]]
        assert not refused, f"{len(refused)} of {len(self.hops)} hops had no screen: {refused[:3]}"
        slowest = max(int(hop["milliseconds"]) for hop in self.hops)
        assert slowest < within * 1000, f"a dial was answered after {slowest} ms"
        assert any(hop["open"] for hop in self.hops), "nobody ever saw the menu"


class Load:
    """The load of the full forms: five texts in and two dials a second from ``phones``, and ``texts`` out to each at once.

    ``away`` is for faults that take the web process itself: hops without an answer are then no fault of the service.
    """

    def __init__(self, service: RunningService, phones: Sequence[str], texts: int = 100, *, away: bool = False) -> None:
        self._service, self._phones, self._texts, self._away = service, phones, texts, away
        self.inbound = InboundLoad(service, phones, every=0.2)
        self.dials = DialLoad(service, phones)

    def __enter__(self) -> Load:
        self._service.queue("load", self._phones, each=self._texts)
        self.inbound.__enter__()
        self.dials.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self.dials.__exit__(kind, fault, trace)
        self.inbound.__exit__(kind, fault, trace)

    def check(self, within: float = 10.0) -> None:
        """Texts in: answered 200 in the end, stored and processed once. Dials: a screen every time. Texts out: none waits."""
        states = self._service.settle("load", 180)
        self.inbound.check()
        if not self._away:
            self.dials.check(within)
        assert sum(states.values()) == self._texts * len(self._phones)
        assert set(states) <= {"accepted", "delivered", "unknown"}, states
