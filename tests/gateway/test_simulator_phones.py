"""The phones of the simulated network: inbound texts, and USSD dials with what a network refuses (F1, F31, F34)."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sms_service.simulator.callbacks import ServiceAnswer
from sms_service.simulator.switches import Switches
from sms_service.simulator.ussd import NETWORK_ERROR, judge
from tests.gateway.service_stub import OK, Reply, ServiceStub, menu, service_stub
from tests.simulator_process import SimulatorProcess

ALINE, INES = "+250788000001", "+250722000002"
SWITCHES = Switches(api_key="k", service_url="http://127.0.0.1:9")


@pytest.fixture(scope="module")
def stub() -> Iterator[ServiceStub]:
    """The service that is texted and dialled."""
    with service_stub() as running:
        yield running


@pytest.fixture(scope="module")
def process(stub: ServiceStub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorProcess]:
    """One simulator for this module."""
    with SimulatorProcess(tmp_path_factory.mktemp("phones"), stub.url) as running:
        yield running


@pytest.fixture
def simulator(process: SimulatorProcess, stub: ServiceStub) -> SimulatorProcess:
    """The simulator with its switches, and the service with its manners, as they were."""
    process.switch(raw=False, end_events="on", retry_ms=20, ussd_deadline_ms=10_000, ussd_limits={"*": [160, 70]})
    stub.seen.clear()
    stub.hops_seen.clear()
    stub.hop = ""
    stub.reply = menu
    return process


def test_an_inbound_text_has_the_fields_of_the_contract(simulator: SimulatorProcess, stub: ServiceStub) -> None:
    """Section 10.1: the sample's fields in its order, form-encoded."""
    sent = simulator.text(ALINE, "Nitwa Aline, nzaza *1#")
    assert sent["statuses"] == [200]
    kind, body, fields = stub.seen[0]
    assert kind == "sms"
    assert re.fullmatch(
        rb"linkId=&text=Nitwa\+Aline%2C\+nzaza\+%2A1%23&to=1234&id=[0-9a-f-]{36}&"
        rb"date=\d{4}-\d\d-\d\d\+\d\d%3A\d\d%3A\d\d&from=%2B250788000001&cost=RWF\+0\.0000&networkCode=63510",
        body,
    )
    assert fields["id"] == sent["id"]


@pytest.mark.parametrize(
    ("form", "pattern"),
    [
        ("plain", r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"),
        ("zone", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"),
        ("millis", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z"),
    ],
)
def test_date_forms_and_optional_fields(simulator: SimulatorProcess, stub: ServiceStub, form: str, pattern: str) -> None:
    """Section 13.5: every date form seen; without linkId, cost and networkCode."""
    simulator.text(INES, "Ndaza", date_form=form, optional=False)
    (fields,) = stub.of("sms")
    assert set(fields) == {"text", "to", "id", "date", "from"}
    assert re.fullmatch(pattern, fields["date"])


def test_raw_encoding(simulator: SimulatorProcess, stub: ServiceStub) -> None:
    """Section 13.7: with the switch, + and * go out raw and the + reads as a space."""
    simulator.switch(raw=True)
    simulator.text(ALINE, "1*2")
    assert b"from=+250788000001" in stub.seen[0][1]
    assert b"text=1*2" in stub.seen[0][1]
    assert stub.of("sms")[0]["from"] == " 250788000001"


def test_a_text_is_delivered_again_until_200(simulator: SimulatorProcess, stub: ServiceStub) -> None:
    """F1, section 9: the same id and body again, with growing waits, until exactly one 200."""
    answers = iter([503, 500, 302, 200])
    moments: list[float] = []

    def reply(kind: str, fields: dict[str, str]) -> Reply:
        moments.append(time.monotonic())
        return next(answers), "text/plain", b"x"

    stub.reply = reply
    assert simulator.text(ALINE, "Ndaza")["statuses"] == [503]
    simulator.wait_for(lambda: len(stub.seen) == 4)
    time.sleep(0.25)
    assert len({body for _, body, _ in stub.seen}) == 1
    assert len(stub.seen) == 4
    assert moments[3] - moments[2] > moments[1] - moments[0]
    attempts = [line["attempt"] for line in simulator.callbacks("sms")][-4:]
    assert attempts == [1, 2, 3, 4]


def test_copies_are_posted_at_the_same_moment(simulator: SimulatorProcess, stub: ServiceStub) -> None:
    """F31: twenty identical posts are all under way together."""
    together = threading.Barrier(20, timeout=5)

    def reply(kind: str, fields: dict[str, str]) -> Reply:
        together.wait()
        return OK

    stub.reply = reply
    assert simulator.text(ALINE, "Ndaza", id="one-id", copies=20)["statuses"] == [200] * 20
    assert {fields["id"] for fields in stub.of("sms")} == {"one-id"}


def test_any_callback_and_missing_fields(simulator: SimulatorProcess, stub: ServiceStub) -> None:
    """Tests may post what they like: opt-outs, reports, texts without a field; nonsense is refused in words."""
    assert simulator.callback("opt-out", {"phoneNumber": ALINE})["statuses"] == [200]
    simulator.text(ALINE, "x", omit=["date", "id"], redeliver=False)
    assert "id" not in stub.of("sms")[0]
    with pytest.raises(ValueError, match="kind must be one of sms, ussd"):
        simulator.callback("fax", {})
    with pytest.raises(ValueError, match="unknown field colour"):
        simulator.text(ALINE, "x", colour="red")
    with pytest.raises(ValueError, match="date_form must be one of plain"):
        simulator.text(ALINE, "x", date_form="roman")


def test_the_text_of_a_dial_grows(simulator: SimulatorProcess, stub: ServiceStub) -> None:
    """Section 11.1: empty on dial, then every input joined with *; blanks, asterisks and Unicode survive."""
    dial = simulator.dial(ALINE)
    assert (dial["screen"], dial["open"], dial["error"]) == ("Heard []\n1. Yes\n2. No", True, "")
    for text in ("1", "", "2**3", "#", "é & +", "9"):
        turn = simulator.key(dial["session"], text)
    assert [item["text"] for item in stub.of("ussd")] == [
        "", "1", "1*", "1**2**3", "1**2**3*#", "1**2**3*#*é & +", "1**2**3*#*é & +*9",
    ]  # fmt: skip
    first = stub.of("ussd")[0]
    assert list(first) == ["sessionId", "serviceCode", "phoneNumber", "networkCode", "text"]
    assert re.fullmatch(r"ATUid_[0-9a-f]{32}", first["sessionId"])
    assert (first["serviceCode"], first["phoneNumber"], first["networkCode"]) == ("*384*123#", ALINE, "63510")
    assert turn["open"] is False
    assert simulator.key(dial["session"], "1")["error"] == "the dial has ended"


def test_deep_dial_wrong_code_and_hangup(simulator: SimulatorProcess, stub: ServiceStub) -> None:
    """Section 11.1: a deep dial carries its inputs on the first turn; another code reaches no service."""
    dial = simulator.dial(INES, "*384*123*1*2#")
    simulator.key(dial["session"], "3")
    assert [item["text"] for item in stub.of("ussd")] == ["1*2", "1*2*3"]
    assert stub.of("ussd")[0]["networkCode"] == "63514"
    wrong = simulator.dial(ALINE, "*384*9#")
    assert (wrong["open"], wrong["screen"]) == (False, NETWORK_ERROR)
    simulator.hangup(dial["session"])
    (end,) = simulator.wait_for(lambda: stub.of("ussd-end"))
    assert (end["status"], end["input"], end["hopsCount"]) == ("Incomplete", "1*2*3", "2")


def test_repeated_and_late_turns(simulator: SimulatorProcess, stub: ServiceStub) -> None:
    """F34, I15: the same turn twice at once; an older text late, without touching the handset's own history."""
    dial = simulator.dial(ALINE)
    twice = simulator.key(dial["session"], "1", copies=2)
    assert len(twice["answers"]) == 2
    simulator.key(dial["session"], "2")
    simulator.key(dial["session"], "", exact="1")
    simulator.key(dial["session"], "3")
    assert [item["text"] for item in stub.of("ussd")] == ["", "1", "1", "1*2", "1", "1*2*3"]


def test_end_event(simulator: SimulatorProcess, stub: ServiceStub) -> None:
    """Section 11.3: the sample's fields in order, the hop labels echoed and joined; twice and withheld by switch."""
    stub.hop = "menu"
    dial = simulator.dial(ALINE)
    simulator.switch(end_events="twice")
    simulator.key(dial["session"], "9")
    simulator.wait_for(lambda: len(stub.of("ussd-end")) == 2)
    end = stub.of("ussd-end")[0]
    assert list(end) == [
        "date", "sessionId", "serviceCode", "networkCode", "phoneNumber", "status", "cost", "durationInMillis",
        "hopsCount", "hopsMetadata", "input", "lastAppResponse",
    ]  # fmt: skip
    assert (end["status"], end["hopsMetadata"], end["input"]) == ("Success", "menu|menu", "9")
    assert end["lastAppResponse"].startswith("END Heard [9]")
    assert stub.hops_seen[:2] == ["", "menu"]
    simulator.switch(end_events="withheld")
    simulator.hangup(simulator.dial(ALINE)["session"])
    simulator.switch(end_events="delayed", end_delay_ms=200)
    simulator.hangup(simulator.dial(INES)["session"])
    assert len(stub.of("ussd-end")) == 2
    simulator.wait_for(lambda: len(stub.of("ussd-end")) == 3)
    assert stub.of("ussd-end")[2]["phoneNumber"] == INES


def test_a_bad_answer_ends_the_dial(simulator: SimulatorProcess, stub: ServiceStub) -> None:
    """Section 11.2: the caller sees a network error and the end event says Failed, with our body, even a bad one."""
    stub.reply = lambda kind, fields: (200, "text/html", b"<h1>Oops</h1>")
    turn = simulator.dial(ALINE)
    assert (turn["screen"], turn["open"]) == (NETWORK_ERROR, False)
    assert turn["error"] == "network error: the answer is text/html instead of text/plain"
    (end,) = simulator.wait_for(lambda: stub.of("ussd-end"))
    assert (end["status"], end["lastAppResponse"]) == ("Failed", "<h1>Oops</h1>")
    assert "text/html" in end["errorMessage"]


def test_the_deadline(simulator: SimulatorProcess, stub: ServiceStub) -> None:
    """Section 11.2: no whole answer within the deadline is a network error."""

    def slow(kind: str, fields: dict[str, str]) -> Reply:
        time.sleep(0.4)
        return menu(kind, fields)

    stub.reply = slow
    simulator.switch(ussd_deadline_ms=100)
    assert simulator.dial(ALINE)["error"] == "network error: no whole answer within 0.1 s"
    simulator.switch(ussd_deadline_ms=2000)
    assert simulator.dial(ALINE)["error"] == ""


def test_an_abandoned_dial_is_closed_by_the_network(stub: ServiceStub, tmp_path: Path) -> None:
    """Section 11.3: after too long a silence the network ends the dial and the end event says Incomplete."""
    stub.seen.clear()
    stub.reply = menu
    with SimulatorProcess(tmp_path, stub.url, ussd_idle_s=0) as simulator:
        dial = simulator.dial(ALINE)
        (end,) = simulator.wait_for(lambda: stub.of("ussd-end"))
        assert (end["sessionId"], end["status"]) == (dial["session"], "Incomplete")
        assert simulator.key(dial["session"], "1")["error"] == "the dial has ended"
    assert len(stub.of("ussd")) == 1


def test_limits_by_network(simulator: SimulatorProcess) -> None:
    """Section 13.6: the longest screen is set per network."""
    simulator.switch(ussd_limits={"*": [160, 70], "63514": [20, 10]})
    assert simulator.dial(ALINE)["error"] == ""
    assert "too long: 27 of at most 20" in simulator.dial(INES)["error"]
    assert simulator.dial(INES, network="63510")["error"] == ""


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"CON " + b"a" * 156, ""),
        (b"CON " + b"a" * 157, "too long: 161 of at most 160"),
        (b"CON " + b"a" * 155 + "€".encode(), "too long: 161 of at most 160"),
        ("CON ’".encode() + b"a" * 65, ""),
        ("CON ’".encode() + b"a" * 66, "too long: 71 of at most 70 characters in UCS-2 because of ’"),
        (b"", "the answer is empty"),
        (b"CON ", "the screen is empty"),
        (b"CON\nMenu", "does not begin with"),
        (b" CON Menu", "does not begin with"),
        (b"\xef\xbb\xbfCON Menu", "does not begin with"),
        (b"con Menu", "does not begin with"),
        (b"CON \xff", "not UTF-8"),
    ],
)
def test_what_a_network_refuses(body: bytes, error: str) -> None:
    """Section 11.2 and 12: prefix to the byte, 160 GSM-7 or 70 UCS-2 characters with it, nothing empty."""
    verdict = judge(ServiceAnswer(200, {"content-type": "text/plain; charset=utf-8"}, body, 5), SWITCHES, "63510")
    assert (error in verdict.error) if error else not verdict.error
    assert verdict.open == (not error)


@pytest.mark.parametrize("status", [None, 201, 204, 302, 404, 500])
def test_only_200_is_an_answer(status: int | None) -> None:
    """Section 11.2: any other status, or none, ends the dial."""
    answer = ServiceAnswer(status, {"content-type": "text/plain"}, b"CON Menu", 5, "the connection failed")
    assert judge(answer, SWITCHES, "63510").screen == NETWORK_ERROR
