"""The simulated gateway misbehaves on demand, by switch and by number, and its record tells the truth (F18-F27)."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from sms_service.simulator.outcomes import BY_NUMBER_STATUS, NOT_TAKEN, SEND_MODES, table
from sms_service.simulator.report_plans import REPORT_PLANS
from tests.gateway.service_stub import ServiceStub, service_stub
from tests.simulator_process import SimulatorProcess

ALINE = "+250788000001"


@pytest.fixture(scope="module")
def stub() -> Iterator[ServiceStub]:
    """The service the reports go to."""
    with service_stub() as running:
        yield running


@pytest.fixture(scope="module")
def process(stub: ServiceStub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorProcess]:
    """One simulator for this module."""
    with SimulatorProcess(tmp_path_factory.mktemp("faults"), stub.url, report_delay_ms=20) as running:
        yield running


@pytest.fixture
def simulator(process: SimulatorProcess, stub: ServiceStub) -> SimulatorProcess:
    """The simulator with its switches as they were."""
    process.switch(send="normal", latency_ms=0, reports="none", hang_ms=300, drip_ms=2, retry_ms=20)
    stub.seen.clear()
    return process


def send(simulator: SimulatorProcess, *numbers: str, timeout: float = 5.0) -> tuple[int, dict[str, str], bytes]:
    """One send on a connection of its own: status, headers in lower case, body."""
    fields = {"username": simulator.username, "to": ",".join(numbers or (ALINE,)), "message": "Muraho"}
    connection = http.client.HTTPConnection(urlsplit(simulator.url).netloc, timeout=timeout)
    headers = {"apiKey": simulator.api_key, "Content-Type": "application/x-www-form-urlencoded"}
    try:
        connection.request("POST", "/version1/messaging", urlencode(fields), headers)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def recipients(body: bytes) -> list[dict[str, Any]]:
    """The Recipients of a good answer."""
    found: list[dict[str, Any]] = json.loads(body)["SMSMessageData"]["Recipients"]
    return found


@pytest.mark.parametrize(
    ("mode", "status", "content_type", "start"),
    [
        ("500-before", 500, "", b""),
        ("500-after", 500, "", b""),
        ("429", 429, "text/plain; charset=UTF-8", b"Too many requests"),
        ("429-retry-after", 429, "text/plain; charset=UTF-8", b"Too many requests"),
        ("redirect", 302, "", b""),
        ("json-charset", 201, "application/json; charset=utf-8", b'{"SMSMessageData"'),
        ("bad-json", 201, "application/json", b'{"SMSMessageData"'),
        ("html", 200, "text/html; charset=UTF-8", b"<html>"),
        ("list", 201, "application/json", b"[]"),
        ("null", 201, "application/json", b"null"),
        ("huge", 201, "application/json", b'{"SMSMessageData"'),
        ("utf-16", 201, "application/json", b"\xff\xfe{\x00"),
        ("empty-list", 201, "application/json", b'{"SMSMessageData":{"Message":"InvalidSenderId","Recipients":[]}}'),
        ("401", 401, "text/plain; charset=UTF-8", b"The supplied authentication is invalid"),
        ("drip", 201, "application/json", b'{"SMSMessageData"'),
    ],
)
def test_answers_that_go_wrong(simulator: SimulatorProcess, mode: str, status: int, content_type: str, start: bytes) -> None:
    """F18-F23: each switch gives its answer once, and the record says whether the message was taken."""
    simulator.switch(send=mode, times=1)
    before = len(simulator.record())
    found = send(simulator)
    assert (found[0], found[1].get("content-type", "")) == (status, content_type)
    assert found[2].startswith(start)
    assert ("retry-after" in found[1]) == (mode == "429-retry-after")
    taken = [line for line in simulator.record("send", since=before) if line["taken"]]
    assert len(taken) == (0 if mode in NOT_TAKEN else 1)
    assert send(simulator)[0] == 201


@pytest.mark.parametrize(
    ("mode", "taken"),
    [("reset-before", 0), ("reset-after", 1), ("reset-middle", 1), ("hang", 1), ("hang-before", 0)],
)
def test_no_whole_answer(simulator: SimulatorProcess, mode: str, taken: int) -> None:
    """F20, F22: dropped connections and hangs, before and after recording: the duplicate-send test needs both."""
    simulator.switch(send=mode, times=1)
    before = len(simulator.record())
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        send(simulator)
    assert len(simulator.record("send", since=before)) == taken


def test_dripping_takes_its_time(simulator: SimulatorProcess) -> None:
    """F21: the whole answer comes, one byte at a time, so that a timeout per read never strikes."""
    simulator.switch(send="drip", times=1, drip_ms=1)
    started = time.monotonic()
    body = send(simulator, timeout=0.5)[2]
    assert recipients(body)[0]["statusCode"] == 101
    assert time.monotonic() - started > 0.2


def test_partial_success(simulator: SimulatorProcess) -> None:
    """F24: of 100 recipients 60 accepted, 20 refused, 10 with id None and 500, 10 taken but missing; shuffled."""
    simulator.switch(send="partial", times=1)
    numbers = [f"+25078800{place:04d}" for place in range(100)]
    before = len(simulator.record())
    found = recipients(send(simulator, *numbers)[2])
    codes = sorted(item["statusCode"] for item in found)
    assert codes == [101] * 60 + [406] * 20 + [500] * 10
    assert [item["number"] for item in found] != [number for place, number in enumerate(numbers) if place % 10 != 9]
    lines = simulator.record("send", since=before)
    assert sum(line["taken"] for line in lines) == 70
    assert sum(not line["mentioned"] for line in lines) == 10


def test_missing_and_shuffled_and_balance(simulator: SimulatorProcess) -> None:
    """Section 13.2: the last recipient missing, another order, no balance."""
    numbers = [ALINE, "+250788000002", "+250788000003"]
    simulator.switch(send="missing", times=1)
    assert [item["number"] for item in recipients(send(simulator, *numbers)[2])] == numbers[:2]
    simulator.switch(send="shuffled", times=1)
    mixed = [item["number"] for item in recipients(send(simulator, *numbers)[2])]
    assert mixed != numbers
    assert sorted(mixed) == numbers
    simulator.switch(send="no-balance", times=1)
    assert {(item["statusCode"], item["messageId"]) for item in recipients(send(simulator, *numbers)[2])} == {(405, "None")}


def test_every_special_ending_by_number(simulator: SimulatorProcess) -> None:
    """Section 13.2: every status code by number, with or without an id; the switch turns them off."""
    numbers = [f"+25078800{ending}" for ending in BY_NUMBER_STATUS]
    found = {item["number"][-4:]: item for item in recipients(send(simulator, *numbers)[2])}
    for ending, outcome in BY_NUMBER_STATUS.items():
        assert found[ending]["statusCode"] == outcome.code
        assert (found[ending]["messageId"] != "None") == outcome.with_id
    assert send(simulator, "+250788009029")[0] == 429
    assert send(simulator, "+250788009051")[0] == 500
    simulator.switch(by_number=False)
    try:
        assert recipients(send(simulator, "+250788009029")[2])[0]["statusCode"] == 101
    finally:
        simulator.switch(by_number=True)
    assert len(dict(table())) == len(table()), "an ending means two things"


def test_times_counts_down_and_wrong_switches_are_named(simulator: SimulatorProcess) -> None:
    """A mode holds for so many calls; a wrong switch changes nothing and says what is known."""
    simulator.switch(send="500-before", times=2)
    assert [send(simulator)[0] for _ in range(3)] == [500, 500, 201]
    with pytest.raises(ValueError, match=r"send must be one of normal, 500-before"):
        simulator.switch(send="nonsense")
    with pytest.raises(ValueError, match=r"unknown switch sned; known are "):
        simulator.switch(sned="normal")
    with pytest.raises(ValueError, match="latency_ms must be a whole number"):
        simulator.switch(latency_ms=-1)
    assert send(simulator)[0] == 201
    assert set(SEND_MODES) >= NOT_TAKEN


@pytest.mark.parametrize(
    ("mode", "statuses"),
    [
        ("normal", ["Success"]),
        ("full", ["Sent", "Submitted", "Buffered", "Success"]),
        ("shuffled", ["Success", "Buffered", "Sent", "Submitted"]),
        ("duplicated", ["Success"] * 3),
        ("unknown-status", ["Teleported"]),
        ("absent-then-success", ["AbsentSubscriber", "Success"]),
        ("failed-then-success", ["Failed", "Success"]),
    ],
)
def test_delivery_reports(simulator: SimulatorProcess, stub: ServiceStub, mode: str, statuses: list[str]) -> None:
    """F28, section 13.4: the reports of one message in the order of the plan, with the contract's fields."""
    simulator.switch(reports=mode)
    message = recipients(send(simulator)[2])[0]
    simulator.wait_for(lambda: len(stub.of("delivery")) == len(statuses))
    assert [item["status"] for item in stub.of("delivery")] == statuses
    assert {item["id"] for item in stub.of("delivery")} == {message["messageId"]}
    assert stub.of("delivery")[0]["phoneNumber"] == ALINE
    assert stub.of("delivery")[0]["networkCode"] == "63510"


def test_reports_that_match_nothing_or_are_misspelt(simulator: SimulatorProcess, stub: ServiceStub) -> None:
    """Section 13.4: unknown id, the id None, the misspelt reason; all by number in one call."""
    sent = recipients(send(simulator, "+250788009306", "+250788009307", "+250788009313", "+250788009300")[2])
    simulator.wait_for(lambda: len(stub.of("delivery")) == 3)
    found = {item["phoneNumber"][-4:]: item for item in stub.of("delivery")}
    assert found["9306"]["failureReason"] == "NotNetworkSubcriber"
    assert found["9306"]["retryCount"] == "0"
    assert found["9307"]["id"] not in {item["messageId"] for item in sent}
    assert found["9313"]["id"] == "None"
    assert REPORT_PLANS["none"] == ()


def test_a_report_can_come_before_the_answer(simulator: SimulatorProcess, stub: ServiceStub) -> None:
    """F27: the report is posted, then the send is answered after the latency."""
    simulator.switch(reports="before", latency_ms=100)
    send(simulator)
    lines = simulator.record()
    assert lines[-1]["callback"] == "delivery"
    assert len(stub.of("delivery")) == 1


def test_reports_are_repeated_until_200(simulator: SimulatorProcess, stub: ServiceStub) -> None:
    """Section 9: anything but 200 brings the same report again."""
    answers = iter([503, 404, 200])
    stub.reply = lambda kind, fields: (next(answers), "text/plain", b"x")
    simulator.switch(reports="normal")
    send(simulator)
    simulator.wait_for(lambda: len(stub.of("delivery")) == 3)
    assert len({item["id"] for item in stub.of("delivery")}) == 1
    time.sleep(0.2)
    assert len(stub.of("delivery")) == 3
    stub.reply = lambda kind, fields: (200, "text/plain", b"OK")


def test_unregistered_sender(simulator: SimulatorProcess) -> None:
    """Section 1.1: an unregistered sender is 201 with an empty list."""
    simulator.switch(sender_ids=["1234"])
    try:
        assert recipients(send(simulator)[2]) == []
    finally:
        simulator.switch(sender_ids=[])


def test_fast_enough_to_be_no_bottleneck(simulator: SimulatorProcess) -> None:
    """Reliability section 9: 40 calls of 50 ms go on at once, and a kept connection is not capped at 25 a second."""
    simulator.switch(latency_ms=50)
    threads = [threading.Thread(target=send, args=(simulator,)) for _ in range(40)]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - started < 1.0, "40 calls of 50 ms one after the other would take 2 s"
    simulator.switch(latency_ms=0)
    connection = http.client.HTTPConnection(urlsplit(simulator.url).netloc, timeout=5)
    headers = {"apiKey": simulator.api_key}
    started = time.monotonic()
    for _ in range(100):
        connection.request("GET", f"/version1/user?username={simulator.username}", headers=headers)
        assert connection.getresponse().read().startswith(b'{"UserData"')
    connection.close()
    assert time.monotonic() - started < 2.0, "at 25 a second this takes 4 s"
