"""Processes killed or asked to end under load: the web (F1), a worker alone (F3), all at once (F4), politely (F5)."""

from __future__ import annotations

import os
import random
import signal
import time
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from tests.faults.conftest import SHORT, Start
from tests.faults.load import InboundLoad
from tests.faults.processes import wait_for
from tests.faults.service import RunningService

LEASES = timedelta(seconds=100)


def kill_the_web(service: RunningService, rounds: int) -> None:
    """Alternately the serving process, the master alone and both, while people write."""
    phones = service.people(20)
    service.start()
    with InboundLoad(service, phones) as load:
        for no in range(rounds):
            time.sleep(random.uniform(0.3, 1.0))
            with service.fault():
                kill_one_way(service, no % 3)
    load.check()
    service.check()


def kill_one_way(service: RunningService, way: int) -> None:
    """The serving process (0), the master alone (1) or both (2); then wait until the web answers again."""
    if way == 0:
        os.kill(service.web.children()[-1], signal.SIGKILL)
        wait_for(service.web_answers, 30, "the web after its serving process was killed")
        return
    orphans = [Path(f"/proc/{pid}") for pid in service.web.children()]
    service.web.kill(alone=way == 1)
    wait_for(partial(gone, orphans), 10, "the end of the web's own processes")
    service.start(service.web)


def gone(processes: list[Path]) -> bool:
    """Whether none of these processes is left."""
    return not any(path.exists() for path in processes)


def kill_everything(service: RunningService, texts: int) -> None:
    """All processes at once in the middle of sends and texts in; restarted in any order, all is normal within a minute."""
    *phones, newcomer = service.people(21)
    service.start()
    service.simulator.switch(latency_ms=30)
    with InboundLoad(service, phones) as load:
        service.queue("out", phones, each=texts)
        wait_for(lambda: len(service.taken("out")) > texts * 3, 30, "the first sends")
        with service.fault():
            for process in random.sample(service.processes, len(service.processes)):
                process.kill()
        began = time.monotonic()
        for process in random.sample(service.processes, len(service.processes)):
            service.start_redis() if process is service.redis else process.start()
        wait_for(service.web_answers, 60, "the web's answer")
        service.queue("new", [newcomer])
        wait_for(lambda: service.states("new") == {"delivered": 1}, 60, "a new text")
        assert time.monotonic() - began < 60
    service.forward(LEASES)
    load.check()
    states = service.settle()
    assert states.get("queued", 0) == 0
    service.check()


def end_politely(service: RunningService, texts: int) -> None:
    """TERM to every process in the middle of sends."""
    phones = service.people(20)
    service.start()
    service.simulator.switch(latency_ms=200)
    service.queue("out", phones, each=texts)
    wait_for(lambda: len(service.taken("out")) > texts, 30, "the first sends")
    ending = [service.web, *service.workers, *service.clocks]
    began = time.monotonic()
    with service.fault():
        for process in ending:
            process.terminate()
        codes = [process.wait(30) for process in ending]
    assert time.monotonic() - began < 30
    assert codes == [0] * len(ending)
    states = service.states("out")
    assert not set(states) & {"calling", "unknown", "reserved"}, states
    assert states.get("queued"), "the service ended only when everything was sent: nothing was proved"
    service.simulator.switch(latency_ms=0)
    service.start()
    assert set(service.settle("out")) <= {"accepted", "delivered"}
    service.check()


@pytest.mark.fault("F1")
@SHORT
def test_the_web_killed_under_load(start_service: Start) -> None:
    """F1, I1, I2: what got no 200 is delivered again and processed once; no process outlives its master."""
    kill_the_web(start_service(), rounds=3)


@pytest.mark.fault("F3", "F4")
@SHORT
def test_everything_killed_at_once(start_service: Start) -> None:
    """F3, F4, I7, I8: nothing doubled, nothing lost, normal within a minute."""
    kill_everything(start_service(), texts=5)


@pytest.mark.fault("F5")
@SHORT
def test_a_polite_end_leaves_nothing_unknown(start_service: Start) -> None:
    """F5: every process ends within 30 seconds, and no text is left in a state that has to be guessed."""
    end_politely(start_service(), texts=20)


@pytest.mark.fault("F1")
@pytest.mark.full
def test_in_full_the_web_killed_twenty_times(start_service: Start) -> None:
    """F1 at full length, on both databases."""
    kill_the_web(start_service(), rounds=20)


@pytest.mark.fault("F3", "F4")
@pytest.mark.full
@pytest.mark.parametrize("round_no", range(2))
def test_in_full_everything_killed(start_service: Start, round_no: int) -> None:
    """F3, F4 at full length: two workers, two thousand texts, on both databases."""
    kill_everything(start_service(workers=2), texts=100)


@pytest.mark.fault("F5")
@pytest.mark.full
@pytest.mark.parametrize("round_no", range(2))
def test_in_full_a_polite_end(start_service: Start, round_no: int) -> None:
    """F5 with several workers and clocks, on both databases."""
    end_politely(start_service(workers=2, clocks=2), texts=100)
