"""F2: the sender is killed at each step of a send, and the row is where the table of the outbox says."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.faults.conftest import Start
from tests.faults.processes import wait_for
from tests.faults.service import RunningService

# place: (state when it died, state in the end, whether the gateway has the text)
STEPS = {
    "after_claim": ("reserved", "accepted", True),
    "after_fence": ("calling", "unknown", False),
    "after_answer": ("calling", "unknown", True),
    "after_record": ("accepted", "accepted", True),
    "before_claim": ("queued", "accepted", True),  # last, since the next worker finds its rows
}
LEASES = timedelta(seconds=100)
MEMBERS = 4


def kill_at_each_step(service: RunningService, members: int) -> None:
    """One batch of texts a step, each for its own members; then the leases end and what may be sent again is."""
    worker = service.workers[0]
    for place, (state, _, _) in STEPS.items():
        phones = service.people(members)
        service.queue(place, phones, same=True)
        with service.fault():
            worker.start(SMS_FAILPOINT=place)
            worker.wait_killed(30)
        assert service.states(place) == {state: members}, place
    kill_on_the_wire(service, members)

    service.forward(LEASES)
    service.start(worker, *service.clocks)
    service.settle()
    for place, (_, state, present) in STEPS.items():
        assert service.states(place) == {state: members}, place
        assert len(service.taken(place)) == (members if present else 0), place
    assert service.states("on_the_wire") == {"unknown": members}
    assert len(service.taken("on_the_wire")) == members


def kill_on_the_wire(service: RunningService, members: int) -> None:
    """The request is written and recorded by the gateway, its answer is not yet there. ``before_claim`` left rows that go first."""
    worker = service.workers[0]
    worker.start()
    service.context.nudge("send", 0)
    service.settle("before_claim")
    service.simulator.switch(latency_ms=20_000)
    service.queue("on_the_wire", service.people(members), same=True)
    wait_for(lambda: len(service.taken("on_the_wire")) == members, 20, "the request on the wire")
    worker.kill()
    assert service.states("on_the_wire") == {"calling": members}
    service.simulator.switch(latency_ms=0)


@pytest.mark.fault("F2")
def test_a_sender_killed_at_any_step_sends_nothing_twice_and_loses_nothing(start_service: Start) -> None:
    """F2, I7, I8, I9: reserved rows go again, calling rows become unknown and stay so, whatever the gateway has."""
    service = start_service(reports="off")
    kill_at_each_step(service, MEMBERS)
    service.check()


@pytest.mark.fault("F2")
@pytest.mark.full
@pytest.mark.parametrize("round_no", range(2))
def test_in_full_with_a_hundred_members_a_step(start_service: Start, round_no: int) -> None:
    """F2: the same with whole calls of a hundred numbers, twice over."""
    service = start_service(reports="off")
    kill_at_each_step(service, 100)
    service.check()
