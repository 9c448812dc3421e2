"""What the gateway does to a call over the wire: errors, resets, nonsense, a part, a report before its answer."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from sms_service.models import numbers, state
from sms_service.models.outbox import outbox
from sms_service.usecases.send_texts import CALL_DEADLINE_SECONDS, give_back_stale
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


def in_part(service: RunningService, phones: list[str]) -> None:
    """One call of which six in ten are accepted, two refused, one not sent and one missing, in any order: each by its number."""
    tenth = len(phones) // 10
    service.simulator.switch(send="partial", times=1)
    service.queue("part", phones, same=True)
    final = {"refused": 2 * tenth, "unknown": tenth}
    with service.fault():
        first = {"delivered": 6 * tenth, "queued": tenth} | final
        wait_for(lambda: service.states("part") == first, 30, f"{len(phones)} ways to end")
    by_number = {line["number"]: line for line in service.simulator.record("send") if " part " in line["text"]}
    assert ends_as_recorded(service, by_number)
    service.forward(timedelta(minutes=1))
    service.context.nudge("send", 0)
    wait_for(lambda: service.states("part") == {"delivered": 7 * tenth} | final, 30, "the second try")


def ends_as_recorded(service: RunningService, by_number: dict[str, dict[str, Any]]) -> bool:
    """Whether each row says what the gateway's own record says of its number."""
    with service.context.database.begin() as db:
        rows = db.execute(select(outbox.c.number_id, outbox.c.state).where(outbox.c.key.startswith("part:"))).all()
        phones = {row.id: numbers.reveal(service.context.vault, row) for row in db.execute(select(numbers.number))}
    wanted = {(101, True): "delivered", (101, False): "unknown", (406, True): "refused", (500, True): "queued"}
    lines = {row.number_id: by_number[phones[row.number_id]] for row in rows}
    return all(row.state == wanted[lines[row.number_id]["statusCode"], lines[row.number_id]["mentioned"]] for row in rows)


def without_end(service: RunningService, mode: str, phones: list[str]) -> float:
    """One call whose answer does not end; the other texts go meanwhile. The (monotonic) moment at which the call was there."""
    first, *others = phones
    service.simulator.switch(send=mode, times=1)
    service.queue(mode, [first])
    wait_for(lambda: len(service.taken(mode)) == 1, 20, f"the call that is left to {mode}")
    began = time.monotonic()
    with service.fault():
        service.queue(f"beside-{mode}", others)
        service.arrive_at_gateway(f"beside-{mode}", len(others), 20)
    assert service.states(mode) == {"calling": 1}
    return began


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

    service.simulator.switch(reports="normal", latency_ms=0)
    in_part(service, phones)
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


@pytest.mark.fault("F20", "F21")
@SHORT
def test_a_call_that_hangs_or_drips_holds_back_nothing_else(start_service: Start) -> None:
    """F20, F21, I8: the other answers of its round are recorded at once, and the other texts go on by the clock's sweep."""
    service = start_service(reports="off")
    phones = service.people(12)
    service.start(*service.workers, *service.clocks)
    without_end(service, "hang", phones[:6])
    without_end(service, "drip", phones[6:])
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


@pytest.mark.fault("F24")
@pytest.mark.full
def test_in_full_a_hundred_in_part(start_service: Start) -> None:
    """F24 with a hundred recipients in one call: 60 accepted, 20 refused, 10 not sent, 10 missing, on both databases."""
    service = start_service()
    phones = service.people(100)
    service.start(service.web, *service.workers)
    in_part(service, phones)
    service.check()


@pytest.mark.fault("F20", "F21")
@pytest.mark.full
@pytest.mark.parametrize("mode", ["hang", "hang-before", "drip"])
def test_in_full_the_total_deadline_holds(start_service: Start, mode: str) -> None:
    """F20, F21 to the end, on both databases: after thirty seconds in all the call is left, and its text is unknown."""
    service = start_service(reports="off")
    phones = service.people(6)
    service.start(*service.workers, *service.clocks)
    service.simulator.switch(send=mode, times=1)
    if mode == "hang-before":
        service.queue(mode, phones[:1])
        wait_for(lambda: service.states(mode) == {"calling": 1}, 20, "the call")
        began = time.monotonic()
    else:
        began = without_end(service, mode, phones)
    wait_for(lambda: service.states(mode) == {"unknown": 1}, 60, "the end of the call")
    took = time.monotonic() - began
    assert took <= CALL_DEADLINE_SECONDS + 5, f"the call was left after {took:.0f} s"
    service.note(f"{mode}: left after {took:.1f} s")
    service.check()
