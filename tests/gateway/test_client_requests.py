"""What the outgoing client writes, keeps, refuses and never tells."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

import pytest

from sms_service.gateway import transport
from sms_service.gateway.africastalking import Client, InboxFault, InboxMessage, checked_base_url
from sms_service.gateway.registry import client_for
from sms_service.gateway.results import Balance
from tests.gateway.client_scripts import (
    KEY,
    ONE,
    TEXT,
    TWO,
    always,
    closed_port,
    gateway,
    not_http,
    one,
    recipient,
    reset_after_reading,
    sent,
)
from tests.gateway.raw_server import Peer, RawServer


def fields_of(request: bytes) -> Mapping[str, list[str]]:
    return parse_qs(request.partition(b"\r\n\r\n")[2].decode(), keep_blank_values=True)


def test_the_request_is_the_sdk_s_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Same address, headers, fields and order; the proxy settings of the machine are not used."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with gateway(always("201 Created", sent(recipient(), recipient(TWO)))) as (client, server):
        assert client.send([ONE, TWO, ONE], "Muraho & murakaza neza", sender="AMAHORO").kind == "accepted"
        client.send([ONE], TEXT, sender=None, enqueue=True)
        client.send([ONE], TEXT, sender="", enqueue=False)
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /version1/messaging HTTP/1.1\r\n")
    assert body == (
        b"username=amahoro&to=%2B250788000001%2C%2B250722000002&message=Muraho+%26+murakaza+neza&bulkSMSMode=1&from=AMAHORO"
    )
    names = {line.split(b":")[0].lower(): line.split(b": ", 1)[1] for line in head.split(b"\r\n")[1:]}
    assert names[b"apikey"] == KEY.encode()
    assert names[b"accept"] == b"application/json"
    assert names[b"content-type"] == b"application/x-www-form-urlencoded"
    assert names[b"user-agent"].startswith(b"africastalking-python/")
    assert names[b"accept-encoding"] == b"gzip, deflate"
    assert "enqueue" not in fields_of(server.requests[0])
    assert fields_of(server.requests[1])["enqueue"] == ["1"]
    assert fields_of(server.requests[2])["enqueue"] == ["0"]
    assert "from" not in fields_of(server.requests[1])
    assert "from" not in fields_of(server.requests[2])


def test_connections_are_kept_and_renewed_when_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    with gateway(always("201 Created", sent(recipient()))) as (client, server):
        for _ in range(5):
            client.send([ONE], TEXT, sender=None)
        assert server.connections == 1
        monkeypatch.setattr(transport, "IDLE_SECONDS", 0.0)
        assert client.send([ONE], TEXT, sender=None).kind == "accepted"
        assert server.connections == 2


def test_cookies_are_not_kept() -> None:
    with gateway(always("201 Created", sent(recipient()), "Set-Cookie: a=b")) as (client, server):
        for _ in range(2):
            client.send([ONE], TEXT, sender=None)
        assert b"cookie" not in server.requests[1].lower()


def test_threads_share_a_client() -> None:
    found: list[str] = []
    with gateway(always("201 Created", sent(*(recipient(f"+25078800010{n}", 101, f"id{n}") for n in range(8))))) as (
        client,
        _,
    ):

        def send(place: int) -> None:
            number = f"+25078800010{place}"
            for _ in range(5):
                result = client.send([number], TEXT, sender=None).recipients[number]
                found.append(f"{place}:{result.gateway_id}")

        threads = [threading.Thread(target=send, args=(place,)) for place in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(found) == sorted(f"{place}:id{place}" for place in range(8) for _ in range(5))


def test_a_forked_process_opens_its_own_connection() -> None:
    """Two processes on one connection would read each other's answers."""
    with gateway(always("201 Created", sent(recipient()))) as (client, server):
        client.send([ONE], TEXT, sender=None)
        child = os.fork()
        if child == 0:
            os._exit(0 if client.send([ONE], TEXT, sender=None).kind == "accepted" else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert client.send([ONE], TEXT, sender=None).kind == "accepted"
        assert server.connections == 2


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ([], TEXT),
        (ONE, TEXT),
        ([f"+2507880{place:05}" for place in range(101)], TEXT),
        (["0788000001"], TEXT),
        ([ONE, "+250788000001\n"], TEXT),
        (["+٢٥٠٧٨٨٠٠٠٠٠١"], TEXT),
        (["+25078"], TEXT),
        ([ONE], ""),
    ],
)
def test_what_must_not_be_sent_is_refused_before_any_byte(numbers: Any, text: str) -> None:
    with gateway(always("201 Created", sent(recipient()))) as (client, server):
        with pytest.raises(ValueError, match=r"expected|E\.164") as caught:
            client.send(numbers, text, sender=None)
        assert "788" not in str(caught.value)
        assert not server.requests


def test_a_generator_of_numbers_is_sent_whole() -> None:
    with gateway(always("201 Created", sent(recipient(), recipient(TWO)))) as (client, server):
        numbers: Any = (number for number in (ONE, TWO))
        assert client.send(numbers, TEXT, sender=None).kind == "accepted"
        assert fields_of(server.requests[0])["to"] == [f"{ONE},{TWO}"]


def test_key_text_and_number_stay_out_of_logs_and_results(caplog: pytest.LogCaptureFixture) -> None:
    """I16, T15, T18."""
    caplog.set_level(logging.DEBUG)
    said = ""
    for script in (always("500 X", TEXT.encode()), reset_after_reading, not_http, always("201 Created", TEXT.encode())):
        result = one(script)
        said += result.detail + result.recipients[ONE].reason
    said += repr(Client("u", KEY, base_url=f"http://{closed_port()}").send([ONE], TEXT, sender=None).detail)
    said += repr(Client("u", KEY)) + caplog.text
    for canary in (KEY, TEXT, ONE, ONE[1:], "Servas", "%2B250"):
        assert canary not in said


@pytest.mark.parametrize(
    ("body", "status", "expected"),
    [
        (b'{"UserData":{"balance":"RWF 1785.5000"}}', "200 OK", Balance("RWF", Decimal("1785.5000"))),
        (b'{"userData":{"balance":"KES -3"}}', "200 OK", Balance("KES", Decimal(-3))),
        (b'{"UserData":{"balance":1785}}', "200 OK", None),
        (b'{"UserData":{"balance":"lots"}}', "200 OK", None),
        (b'{"UserData":[]}', "200 OK", None),
        (b"[]", "200 OK", None),
        (b"{", "200 OK", None),
        (b"The supplied authentication is invalid", "401 Unauthorized", None),
    ],
)
def test_balance(body: bytes, status: str, expected: Balance | None) -> None:
    with gateway(always(status, body)) as (client, server):
        assert client.balance() == expected
        assert server.requests[0].startswith(b"GET /version1/user?username=amahoro HTTP/1.1")


def reset_at_once(peer: Peer) -> None:
    peer.reset()


def test_inbox() -> None:
    messages = [
        {"linkId": "", "text": "b", "to": "1234", "id": 2, "date": "2018-03-19T08:34:18.445Z", "from": TWO},
        {"text": "a", "to": "1234", "id": 1, "date": "x", "from": ONE, "linkId": None},
        {"text": "no id"},
        "junk",
    ]
    body = json.dumps({"SMSMessageData": {"Messages": messages}}).encode()
    with gateway(always("200 OK", body)) as (client, server):
        first, second = client.fetch_inbox(0)
        assert first == InboxMessage(1, ONE, "1234", "a", "x", "")
        assert (second.inbox_id, second.sender_raw) == (2, TWO)
        assert b"lastReceivedId=0" in server.requests[0]
    for script in (always("500 X"), always("200 OK", b"[]"), always("200 OK", b"{"), reset_at_once):
        with gateway(script) as (client, _), pytest.raises(InboxFault, match="try again later"):
            client.fetch_inbox(7)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", ""),
        ("https://api.africastalking.com", "https://api.africastalking.com"),
        ("https://gateway.example:8443/at/", "https://gateway.example:8443/at"),
        ("http://127.0.0.1:9000/", "http://127.0.0.1:9000"),
        ("http://localhost:9000", "http://localhost:9000"),
        ("http://[::1]:9000", "http://[::1]:9000"),
    ],
)
def test_good_base_urls(given: str, expected: str) -> None:
    assert checked_base_url(given) == expected


@pytest.mark.parametrize(
    "given",
    [
        "http://api.africastalking.com",
        "ftp://127.0.0.1",
        "api.africastalking.com",
        "https://",
        "https://user:pw@host",
        "https://host/version1",
        "https://host?x=1",
        "https://host#x",
        "https://host:99999",
        "https://ho\nst",
        "http://127.0.0.1.evil.example",
    ],
)
def test_bad_base_urls(given: str) -> None:
    with pytest.raises(ValueError, match="AT_BASE_URL: expected"):
        Client("u", KEY, base_url=given)


@pytest.mark.parametrize(
    ("username", "key"),
    [("", KEY), ("a\nb", KEY), ("Sandbox", KEY), ("u", ""), ("u", "a b"), ("u", "a\r\nX: y"), ("u", "é")],
)
def test_bad_accounts(username: str, key: str) -> None:
    with pytest.raises(ValueError, match=r"AT_(USERNAME|API_KEY)") as caught:
        Client(username, key)
    assert KEY not in str(caught.value)


class _Held:
    def get_secret_value(self) -> str:
        return KEY


class _Settings:
    at_username = "amahoro"
    at_base_url: str | None = None
    at_api_key_file = None

    def __init__(self, at_api_key: str | _Held, at_base_url: str | None = None) -> None:
        self.at_api_key = at_api_key
        self.at_base_url = at_base_url


@pytest.mark.parametrize("key", [KEY, _Held()])
def test_the_registry_makes_a_client_from_settings(key: str | _Held) -> None:
    with RawServer(always("201 Created", sent(recipient()))) as server:
        assert client_for(_Settings(key, server.url)).send([ONE], TEXT, sender=None).kind == "accepted"
    assert isinstance(client_for(_Settings(key)), Client)
    with pytest.raises(ValueError, match="expected one of africastalking"):
        client_for(_Settings(key), gateway="other")
