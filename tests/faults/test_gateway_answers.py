"""What the gateway does to a call over the wire: errors, resets, nonsense, a part, a report before its answer."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sms_service.models import state
from sms_service.usecases.send_texts import give_back_stale
from tests.faults.conftest import SHORT, Start
from tests.faults.processes import wait_for
from tests.faults.service import RunningService

# mode of the simulator: whether it took the messages. None of these says so, and each ends unknown.
SILENT = {"reset-before": False, "reset-after": True, "reset-middle": True}
ERRORS = {"500-before": False, "500-after": True}
NONSENSE = {"html": True, "bad-json": True, "list": True, "null": True, "utf-16": True, "huge": True}


def send_in_mode(service: RunningService, mode: str, phones: list[str]) -> dict[str, int]:
    """One call of a text for these phones in a mode; the states in the end."""
    service.simulator.switch(send=mode, times=1)
    service.queue(mode, phones, same=True)
    with service.fault():
        return service.settle(mode, 20)


def everything_once(service: RunningService, modes: dict[str, bool], members: int) -> None:
    """Each mode by itself; a good call in between, so that the breaker stays closed."""
    phones = service.people(members)
    service.start(service.web, *service.workers)
    for mode, taken in modes.items():
        assert send_in_mode(service, mode, phones) == {"unknown": members}, mode
        assert len(service.taken(mode)) == (members if taken else 0), mode
        service.queue(f"after-{mode}", phones[:1])
        service.settle(f"after-{mode}", 20)
    service.check()


def breaker_open(service: RunningService) -> bool:
    """Whether no call is made for the moment."""
    with service.context.database.begin() as db:
        return state.lock_channel(db).breaker_until is not None


@pytest.mark.fault("F18", "F22", "F23")
@SHORT
def test_no_ambiguous_answer_is_sent_again(start_service: Start) -> None:
    """F18, F22, F23, I7, I9: 500 and resets before and after recording, nonsense of each kind: unknown, once at most."""
    everything_once(start_service(reports="off"), ERRORS | SILENT | NONSENSE, 3)


@pytest.mark.fault("F24", "F27")
@SHORT
def test_a_part_is_recorded_by_number_and_a_report_before_its_answer_counts(start_service: Start) -> None:
    """F24: six of ten accepted, two refused, one not sent, one missing. F27: the report came first, and its reason counts."""
    service = start_service()
    *phones, barred = service.people(11)
    service.start(service.web, *service.workers)
    service.simulator.switch(reports="before", latency_ms=700)
    service.queue("early", phones, same=True)
    with service.fault():
        assert service.settle("early") == {"delivered": 10}
    service.simulator.switch(reports="blacklisted")
    service.queue("barred", [barred])
    assert service.settle("barred") == {"failed": 1}
    service.queue("later", [barred])
    assert service.settle("later") == {"suppressed": 1}

    service.simulator.switch(reports="normal", latency_ms=0, send="partial", times=1)
    service.queue("part", phones, same=True)
    with service.fault():
        wait_for(lambda: service.states("part") == {"delivered": 6, "refused": 2, "queued": 1, "unknown": 1}, 20, "ten ways to end")
    service.forward(timedelta(minutes=1))
    service.context.nudge("send", 0)
    wait_for(lambda: service.states("part") == {"delivered": 7, "refused": 2, "unknown": 1}, 20, "the second try")
    service.check()


@pytest.mark.fault("F27")
@SHORT
def test_an_answer_after_its_lease_is_still_evidence(start_service: Start) -> None:
    """I8, I9: a row given up as unknown becomes accepted by its own late answer, and goes nowhere else."""
    service = start_service()
    phones = service.people(3)
    service.start(service.web, *service.workers)
    service.simulator.switch(latency_ms=1500)
    service.queue("slow", phones, same=True)
    wait_for(lambda: len(service.taken("slow")) == 3, 20, "the call")
    service.forward(timedelta(seconds=100))
    with service.context.database.begin() as db:
        assert give_back_stale(service.context, db, service.context.now(db)) == (0, 3)
    assert service.states("slow") == {"unknown": 3}
    service.arrive("slow", 3)
    service.check()


@pytest.mark.fault("F20")
@SHORT
def test_a_call_that_hangs_holds_back_nothing_else(start_service: Start) -> None:
    """F20, I8: the other answers of its round are recorded at once, and the other texts go on by the clock's sweep."""
    service = start_service(reports="off")
    first, *others = service.people(6)
    service.start(*service.workers, *service.clocks)
    service.simulator.switch(send="hang", times=1)
    service.queue("hung", [first])
    wait_for(lambda: len(service.taken("hung")) == 1, 20, "the call that hangs")
    with service.fault():
        service.queue("others", others)
        service.arrive_at_gateway("others", 5, 20)
    assert service.states("hung") == {"calling": 1}
    service.check()


@pytest.mark.fault("F25")
@SHORT
def test_a_gateway_that_is_down_opens_the_breaker_and_loses_nothing(start_service: Start) -> None:
    """F25, I8: refused connections are proved not sent; the breaker opens, and everything goes when the gateway is back."""
    service = start_service(reports="off")
    phones = service.people(12)
    service.simulator.stop()
    service.queue("down", phones)
    with service.fault():
        service.start(*service.workers)
        wait_for(lambda: breaker_open(service), 20, "the opening of the breaker")
        assert service.states("down") == {"queued": 12}
        service.simulator.start()
    for _ in range(3):  # one text tries the gateway first; then all the others, as their waits end
        service.forward(timedelta(minutes=1))
        service.context.nudge("send", 0)
        wait_for(lambda: not breaker_open(service), 20, "the closing of the breaker")
    assert service.settle("down") == {"accepted": 12}
    service.check()


@pytest.mark.fault("F18", "F22", "F23")
@pytest.mark.full
def test_in_full_whole_calls_in_every_mode(start_service: Start) -> None:
    """F18, F22, F23: the same with a hundred members a call, on both databases."""
    everything_once(start_service(reports="off"), ERRORS | SILENT | NONSENSE, 100)
