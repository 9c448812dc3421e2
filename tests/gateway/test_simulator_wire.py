"""The simulated gateway speaks the gateway's wire form to the byte (contract sections 3-5, 7 and 13)."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import africastalking
import pytest
import requests

from sms_service.simulator.wire import form_decode, form_encode
from tests.simulator_process import SimulatorProcess

ALINE, INES = "+250788000001", "+250722000002"
FORM = "application/x-www-form-urlencoded"
KEY = {"apiKey": SimulatorProcess.api_key}


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorProcess]:
    """One simulator for this module; nothing listens at its service address."""
    url = "http://127.0.0.1:9/callbacks/africastalking/secret"
    with SimulatorProcess(tmp_path_factory.mktemp("wire"), url, reports="off") as process:
        yield process


@pytest.fixture
def sdk(simulator: SimulatorProcess, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The official SDK, pointed at the simulator."""
    monkeypatch.setenv("NO_PROXY", "*")
    service = africastalking.SMSService(simulator.username, simulator.api_key)
    service._baseUrl = service._contentUrl = f"{simulator.url}/version1"
    return service


def post(simulator: SimulatorProcess, fields: dict[str, str], **headers: str) -> requests.Response:
    """One send as a form, with the key unless told otherwise."""
    session = requests.Session()
    session.trust_env = False
    return session.post(f"{simulator.url}/version1/messaging", data=fields, headers=headers or KEY, timeout=10)


def form(to: str = ALINE, **more: str) -> dict[str, str]:
    """The fields of a send."""
    return {"username": SimulatorProcess.username, "to": to, "message": "Muraho", "bulkSMSMode": "1", **more}


def fixed(body: bytes) -> str:
    """The body with message ids replaced, so that the rest can be compared to the byte."""
    return re.sub(r"ATXid_[0-9a-f]{32}", "ATXid_*", body.decode())


def ok(number: str, code: int = 101, cost: str = "RWF 10.0000") -> str:
    """One accepted recipient as the gateway writes it."""
    return f'{{"cost":"{cost}","messageId":"ATXid_*","number":"{number}","status":"Success","statusCode":{code}}}'


def test_a_raw_request_of_the_sdk_gets_the_recorded_bytes(simulator: SimulatorProcess) -> None:
    """Section 4, template 1, with the headers seen on real traffic, read from a bare socket."""
    body = "username=amahoro&to=%2B250788000001%2C%2B250722000002&message=Muraho+%26+murakaza+neza&bulkSMSMode=1"
    address = urlsplit(simulator.url)
    head = (
        f"POST /version1/messaging HTTP/1.1\r\nHost: {address.netloc}\r\nAccept: application/json\r\n"
        f"Connection: keep-alive\r\napiKey: {simulator.api_key}\r\nContent-Length: {len(body)}\r\n"
        f"Content-Type: {FORM}\r\n\r\n"
    )
    with socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=5) as connection:
        connection.sendall((head + body).encode())
        answer = connection.recv(65536)
    headers, _, text = answer.partition(b"\r\n\r\n")
    lines = headers.decode().split("\r\n")
    assert lines[0] == "HTTP/1.1 201 Created"
    assert re.fullmatch(r"Date: [A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", lines[1])
    assert lines[2:] == [
        "Content-Type: application/json",
        f"Content-Length: {len(text)}",
        "Connection: keep-alive",
        "Server: akka-http/10.2.10",
    ]
    assert fixed(text) == (
        '{"SMSMessageData":{"Message":"Sent to 2/2 Total Cost: RWF 20.0000 Message parts: 1","Recipients":['
        f"{ok(ALINE)},{ok(INES)}]}}}}"
    )


def refused(number: str, status: str, code: int) -> str:
    """The answer to one refused recipient."""
    entry = f'{{"cost":"0","messageId":"None","number":"{number}","status":"{status}","statusCode":{code}}}'
    return f'"Sent to 0/1 Total Cost: 0","Recipients":[{entry}]'


def taken(recipient: str, total: str = "10.0000", parts: int = 1) -> str:
    """The answer to one accepted recipient."""
    return f'"Sent to 1/1 Total Cost: RWF {total} Message parts: {parts}","Recipients":[{recipient}]'


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (form(enqueue="1"), taken(ok(ALINE, 102))),
        (form(message="a" * 161), taken(ok(ALINE, 101, "RWF 20.0000"), "20.0000", 2)),
        (form(bulkSMSMode="0"), f'"Sent to 1/1","Recipients":[{ok(ALINE, 102, "0")}]'),
        (form(to="+250788009406"), refused("+250788009406", "UserInBlacklist", 406)),
        (form(to="+250788009020"), '"InvalidSenderId","Recipients":[]'),
        (form(to="12"), refused("12", "InvalidPhoneNumber", 403)),
        (form(to="0788000001"), taken(ok(ALINE))),
    ],
    ids=["queued", "two parts", "premium", "all refused", "sender", "no number", "normalised"],
)
def test_each_answer_template(simulator: SimulatorProcess, fields: dict[str, str], expected: str) -> None:
    """Section 4: templates 1 to 4; enqueue=1 is 102, absent is 101."""
    answer = post(simulator, fields)
    assert answer.status_code == 201
    assert answer.headers["Content-Type"] == "application/json"
    assert fixed(answer.content) == f'{{"SMSMessageData":{{"Message":{expected}}}}}'


@pytest.mark.parametrize("headers", [{"apiKey": "wrong"}, {"apikey": SimulatorProcess.api_key}])
def test_the_key_is_checked_and_header_names_are_not_case_sensitive(simulator: SimulatorProcess, headers: dict[str, str]) -> None:
    """Section 5: a wrong key is 401 with the recorded 38 bytes."""
    answer = post(simulator, form(), **headers)
    if headers == {"apiKey": "wrong"}:
        assert answer.status_code == 401
        assert answer.headers["Content-Type"] == "text/plain; charset=UTF-8"
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="api",charset=UTF-8'
        assert answer.content == b"The supplied authentication is invalid"
    else:
        assert answer.status_code == 201


def test_other_http_errors(simulator: SimulatorProcess) -> None:
    """Section 5: wrong username, no key, missing fields, wrong method, wrong media type."""
    assert post(simulator, {**form(), "username": "Amahoro"}).text == "The supplied authentication is invalid"
    nothing = post(simulator, form(), Accept="*/*")
    assert (nothing.status_code, nothing.text) == (
        401, "The resource requires authentication, which was not supplied with the request"
    )  # fmt: skip
    for field in ("username", "to", "message"):
        answer = post(simulator, {name: value for name, value in form().items() if name != field})
        assert (answer.status_code, answer.text) == (400, f"Request is missing required form field '{field}'")
    url = f"{simulator.url}/version1/messaging"
    assert requests.put(url, headers=KEY, timeout=5).status_code == 405
    assert requests.post(url, json=form(), headers=KEY, timeout=5).status_code == 415
    assert requests.get(f"{simulator.url}/version2", timeout=5).status_code == 404


def test_balance_and_inbox(simulator: SimulatorProcess, sdk: Any) -> None:
    """Section 7: the balance's key is UserData; the inbox gives texts after an id, with integer ids."""
    answer = requests.get(f"{simulator.url}/version1/user", params={"username": "amahoro"}, headers=KEY, timeout=5)
    assert answer.content == b'{"UserData":{"balance":"RWF 1785.5000"}}'
    simulator.text(ALINE, "Ndaza", redeliver=False)
    simulator.text(INES, "Sinza", redeliver=False)
    messages = sdk.fetch_messages()["SMSMessageData"]["Messages"]
    assert [list(item) for item in messages] == [["linkId", "text", "to", "id", "date", "from"]] * 2
    assert [(item["text"], item["from"], item["id"]) for item in messages] == [("Ndaza", ALINE, 1), ("Sinza", INES, 2)]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", messages[0]["date"])
    assert [item["id"] for item in sdk.fetch_messages(1)["SMSMessageData"]["Messages"]] == [2]


def test_the_official_sdk_is_understood(simulator: SimulatorProcess, sdk: Any) -> None:
    """Section 8: dict on success, every misbehaviour of the answer as the SDK shows it."""
    before = len(simulator.record())
    result = sdk.send("Muraho & murakaza neza", [ALINE, INES], sender_id="1234", enqueue=True)
    assert [item["statusCode"] for item in result["SMSMessageData"]["Recipients"]] == [102, 102]
    sends = simulator.record("send", since=before)
    assert [(item["number"], item["text"], item["from"]) for item in sends] == [
        (ALINE, "Muraho & murakaza neza", "1234"),
        (INES, "Muraho & murakaza neza", "1234"),
    ]
    assert len({item["call"] for item in sends}) == 1
    simulator.switch(send="json-charset", times=1)
    assert json.loads(sdk.send("x", [ALINE]))["SMSMessageData"]["Message"].startswith("Sent to 1/1")
    simulator.switch(send="401", times=1)
    with pytest.raises(Exception, match=r"^The supplied authentication is invalid$"):
        sdk.send("x", [ALINE])


def test_forms_are_encoded_as_a_form_encoder_does() -> None:
    """Section 13.7: space is +, the rest percent-encoded; raw leaves * and + alone."""
    fields = {"from": "+250788123456", "text": "1*2# é & ="}
    assert form_encode(fields) == b"from=%2B250788123456&text=1%2A2%23+%C3%A9+%26+%3D"
    assert form_encode(fields, raw=True) == b"from=+250788123456&text=1*2%23+%C3%A9+%26+%3D"
    assert form_decode(form_encode(fields)) == fields
    assert form_decode(form_encode(fields, raw=True))["from"] == " 250788123456"


def test_it_says_why_it_does_not_start(simulator: SimulatorProcess, tmp_path: Path) -> None:
    """A port in use is one sentence and exit status 1, never a traceback."""
    taken_port = urlsplit(simulator.url).port
    second = SimulatorProcess(tmp_path, "http://127.0.0.1:9", port=taken_port)
    done = subprocess.run(second.command, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1
    assert done.stderr.strip().endswith("Address already in use; choose another --port or --record")
    assert len(done.stderr.splitlines()) == 1


def test_the_record_survives_a_kill_and_is_continued(tmp_path: Path) -> None:
    """I8: what was answered is in the record; a torn last line is cut off; ids are not used again."""
    url = "http://127.0.0.1:9/x"
    for _ in range(2):
        with SimulatorProcess(tmp_path, url, reports="off", seed=5) as simulator:
            post(simulator, form())
            os.kill(simulator.pid, signal.SIGKILL)
        with (tmp_path / "record.jsonl").open("ab") as file:
            file.write(b'{"seq": 99, "torn')
    with SimulatorProcess(tmp_path, url) as simulator:
        lines = simulator.record()
        assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))
        sent = [line["messageId"] for line in lines if line["kind"] == "send"]
        assert len(sent) == len(set(sent)) == 2
        assert simulator.record(since=len(lines)) == []
