"""The outgoing client against a server of raw bytes: every row of the outbox table and the fault shapes F18-F24."""

from __future__ import annotations

import gzip
import socket
import time

import pytest

from sms_service.gateway.africastalking import Client
from sms_service.gateway.results import RecipientResult
from tests.gateway.client_scripts import (
    KEY,
    ONE,
    TEXT,
    always,
    closed_port,
    gateway,
    not_http,
    one,
    recipient,
    reset_after_reading,
    sent,
)
from tests.gateway.raw_server import Peer, RawServer, Script


def no_http(peer: Peer, first: bytes) -> None:
    peer.read_request()
    peer.sock.sendall(first)


@pytest.mark.parametrize(
    ("code", "message_id", "kind"),
    [
        *((code, "ATXid_1", "accepted") for code in (100, 101, 102)),
        *((code, "None", "unknown") for code in (100, 101, 102)),
        *((code, "None", "refused") for code in (401, 403, 404, 406, 409)),
        *((code, "ATXid_1", "refused") for code in (401, 403, 404, 406, 409)),
        (402, "None", "not_sent_config"),
        (405, "None", "not_sent_balance"),
        *((code, "None", "not_sent") for code in (407, 500, 501, 502)),
        *((code, "ATXid_1", "unknown") for code in (402, 405, 407, 500, 501, 502, 103, 999, -1, 10**30)),
        *((code, "None", "refused") for code in (103, 999)),
        ("101", "ATXid_1", "unknown"),
        (True, "ATXid_1", "unknown"),
        (101.0, "ATXid_1", "unknown"),
        (None, "None", "unknown"),
        (101, None, "unknown"),
        (101, "", "unknown"),
        (101, 7, "unknown"),
        (101, "x" * 129, "unknown"),
        (500, "", "not_sent"),
    ],
)
def test_each_recipient_code_by_id(code: object, message_id: object, kind: str) -> None:
    """I7, F24: an id means it was taken in; without one a refusal is proved not sent."""
    result = one(always("201 Created", sent(recipient(code=code, message_id=message_id))))
    assert result.kind == result.recipients[ONE].kind == kind
    assert result.recipients[ONE].gateway_id == ("ATXid_1" if message_id == "ATXid_1" else None)
    assert result.status == 201


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((status, "not_sent_our_fault") for status in (400, 405, 415, 422)),
        *((status, "not_sent_config") for status in (401, 402, 403, 404, 408, 409, 413, 418)),
        (429, "not_sent_rate"),
        *((status, "unknown") for status in (301, 302, 303, 307, 308, 304, 500, 502, 503, 504, 599)),
    ],
)
def test_each_http_status(status: int, kind: str) -> None:
    """F18, F19, F26: a 4xx is proved not sent, a 5xx or a redirect is not."""
    result = one(always(f"{status} X", b"nope", "Location: http://127.0.0.1:1/", content_type="text/plain"))
    assert (result.kind, result.status) == (kind, status)
    assert result.recipients[ONE].reason == f"HTTP {status}"


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        (["Retry-After: 17"], 17.0),
        (["Retry-After: 999999"], 3600.0),
        (["Retry-After: -5"], None),
        (["Retry-After: soon"], None),
        (["Date: Mon, 02 Mar 2026 06:00:00 GMT", "Retry-After: Mon, 02 Mar 2026 06:00:30 GMT"], 30.0),
        (["Date: Mon, 02 Mar 2026 06:00:00 GMT", "Retry-After: Mon, 02 Mar 2026 05:00:00 GMT"], 0.0),
        (["Retry-After: Mon, 02 Mar 2026 06:00:30 GMT"], None),
        ([], None),
    ],
)
def test_throttling_says_how_long(headers: list[str], wait: float | None) -> None:
    """F19."""
    result = one(always("429 Too Many Requests", b"", *headers))
    assert (result.kind, result.retry_after) == ("not_sent_rate", wait)


@pytest.mark.parametrize(
    ("body", "content_type", "kind"),
    [
        (sent(recipient()), "application/json; charset=utf-8", "accepted"),
        (sent(recipient()), "Application/JSON", "accepted"),
        (sent(recipient()), "text/html", "unknown"),
        (sent(recipient()), "", "unknown"),
        (sent(), "application/json", "not_sent_config"),
        (b'{"SMSMessageData":{"Message":"InvalidSenderId","Recipients":[]}}', "application/json", "not_sent_config"),
        (sent(), "text/html", "unknown"),
        (b"<html>welcome</html>", "text/html", "unknown"),
        (b'{"SMSMessageData":{"Mess', "application/json", "unknown"),
        (b"[]", "application/json", "unknown"),
        (b"null", "application/json", "unknown"),
        (b"{}", "application/json", "unknown"),
        (b'{"SMSMessageData":null}', "application/json", "unknown"),
        (b'{"SMSMessageData":{"Recipients":null}}', "application/json", "unknown"),
        (b'{"SMSMessageData":{"Recipients":{}}}', "application/json", "unknown"),
        (b'{"SMSMessageData":{"Recipients":"' + ONE.encode() + b'"}}', "application/json", "unknown"),
        (b"", "application/json", "unknown"),
        (b"[" * 200_000, "application/json", "unknown"),
        (sent(recipient()).decode().encode("utf-16"), "application/json", "unknown"),
        (b"\xff\xfe\xff", "application/json", "unknown"),
        (b" " * 10_000_000, "application/json", "unknown"),
        (sent(recipient(code=101), *["x"] * 300_000), "application/json", "unknown"),
        (sent(None, 7, [], {}, {"number": 5}, {"number": ONE}), "application/json", "unknown"),
        (sent(recipient(number="+250788999999")), "application/json", "unknown"),
        (sent(recipient(number="0788000001")), "application/json", "accepted"),
        (sent(recipient(), recipient()), "application/json", "accepted"),
        (sent(recipient(), recipient(code=403, message_id="None")), "application/json", "unknown"),
    ],
)
def test_each_2xx_body(body: bytes, content_type: str, kind: str) -> None:
    """F23: what cannot be read may have gone out; the body is capped."""
    result = one(always("201 Created", body, content_type=content_type))
    assert result.kind == result.recipients[ONE].kind == kind


def test_partial_success_is_read_by_number() -> None:
    """F24: shuffled, some refused, some missing; position means nothing."""
    numbers = [f"+2507880001{place:02}" for place in range(100)]
    entries = [recipient(number, 101, f"ATXid_{number}") for number in numbers[:60]]
    entries += [recipient(number, 406, "None", cost="0") for number in numbers[60:80]]
    entries += [recipient(number, 502, "None") for number in numbers[80:90]]
    result = one(always("201 Created", sent(*reversed(entries))), *numbers)
    assert result.kind == "mixed"
    assert list(result.recipients) == numbers
    kinds = [result.recipients[number].kind for number in numbers]
    assert kinds == ["accepted"] * 60 + ["refused"] * 20 + ["not_sent"] * 10 + ["unknown"] * 10
    assert all(result.recipients[number].gateway_id == f"ATXid_{number}" for number in numbers[:60])
    assert result.recipients[numbers[60]] == RecipientResult("refused", 406, None, "0", "blacklisted")


def reset_at_once(peer: Peer) -> None:
    peer.reset()


def reset_mid_body(peer: Peer) -> None:
    peer.read_request()
    peer.sock.sendall(b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{")
    peer.reset()


def close_after_reading(peer: Peer) -> None:
    peer.read_request()


def short_body(peer: Peer) -> None:
    peer.read_request()
    body = sent(recipient())
    head = f"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: {len(body) + 5}\r\n\r\n"
    peer.sock.sendall(head.encode() + body)


def endless_head(peer: Peer) -> None:
    no_http(peer, b"HTTP/1.1 201 Created\r\n" + b"X-A: b\r\n" * 500)


def bad_gzip(peer: Peer) -> None:
    peer.read_request()
    peer.answer("201 Created", b"not gzip at all", "Content-Encoding: gzip")


def gzip_bomb(peer: Peer) -> None:
    peer.read_request()
    peer.answer("201 Created", gzip.compress(b" " * 50_000_000), "Content-Encoding: gzip")


def broken_chunks(peer: Peer) -> None:
    no_http(peer, b"HTTP/1.1 201 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{")


@pytest.mark.parametrize(
    "script",
    [
        reset_at_once,
        reset_after_reading,
        reset_mid_body,
        close_after_reading,
        short_body,
        not_http,
        endless_head,
        bad_gzip,
        gzip_bomb,
        broken_chunks,
    ],
)
def test_once_a_byte_may_have_left_it_is_unknown(script: Script) -> None:
    """F22, I7: the client cannot tell a reset before recording from one after."""
    assert one(script).kind == "unknown"


def answer_and_close(peer: Peer) -> None:
    peer.read_request()
    peer.answer("201 Created", sent(recipient()), "Connection: close")


def test_a_complete_answer_on_a_closing_connection_counts() -> None:
    assert one(answer_and_close).kind == "accepted"


def test_a_gzipped_answer_is_read() -> None:
    result = one(always("201 Created", gzip.compress(sent(recipient())), "Content-Encoding: gzip"))
    assert result.kind == "accepted"


def test_a_body_without_length_is_read_to_its_end() -> None:
    head = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n\r\n"
    assert one(lambda peer: no_http(peer, head + sent(recipient()))).kind == "accepted"
    assert one(lambda peer: no_http(peer, head + sent(recipient())[:-9])).kind == "unknown"


def test_what_never_connected_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """F25: refused, unknown host, a connection that stays unanswered, a server that speaks no TLS."""
    address = closed_port()
    assert Client("u", KEY, base_url=f"http://{address}").send([ONE], TEXT, sender=None).kind == "not_sent"
    with RawServer(lambda peer: peer.sock.sendall(b"not TLS\r\n")) as server:
        secure = Client("u", KEY, base_url=server.url.replace("http", "https"))
        assert secure.send([ONE], TEXT, sender=None, deadline=3).kind == "not_sent"
        assert not server.requests

    def no_such_host(*args: object, **kwargs: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_such_host)
    result = Client("u", KEY, base_url="https://gateway.invalid").send([ONE], TEXT, sender=None)
    assert (result.kind, result.status) == ("not_sent", None)


def test_a_reset_while_connecting_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """F22: a reset on accept is seen while connecting or at the first read, as it happens; both mean the same."""

    def reset(*args: object, **kwargs: object) -> None:
        raise ConnectionResetError(104, "Connection reset by peer")

    monkeypatch.setattr("urllib3.util.connection.create_connection", reset)
    assert Client("u", KEY, base_url="http://127.0.0.1:9").send([ONE], TEXT, sender=None).kind == "unknown"


def test_a_connection_never_answered_is_not_sent() -> None:
    """A full backlog drops the handshake: connect time-out, nothing written."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(address)
        client = Client("u", KEY, base_url=f"http://127.0.0.1:{address[1]}")
        assert client.send([ONE], TEXT, sender=None, deadline=0.4).kind == "not_sent"
        for filler in fillers:
            filler.close()


def hang(peer: Peer) -> None:
    peer.read_request()
    peer.server.closing.wait(5)


def drip_head(peer: Peer) -> None:
    peer.read_request()
    for byte in b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n\r\n" * 9:
        peer.sock.sendall(bytes([byte]))
        time.sleep(0.05)


def drip_body(peer: Peer) -> None:
    peer.read_request()
    peer.sock.sendall(b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n")
    for _ in range(200):
        peer.sock.sendall(b" ")
        time.sleep(0.05)


@pytest.mark.parametrize("script", [hang, drip_head, drip_body])
def test_the_total_deadline_holds(script: Script) -> None:
    """F20, F21: a time-out per read would let a drip hold the call for ever."""
    began = time.monotonic()
    assert one(script, deadline=0.4).kind == "unknown"
    assert time.monotonic() - began < 1.5


def test_a_deadline_already_past_writes_nothing() -> None:
    with gateway(always("201 Created", sent(recipient()))) as (client, server):
        assert client.send([ONE], TEXT, sender=None, deadline=0.0).kind == "not_sent"
        assert not server.requests


@pytest.mark.parametrize("status", ["302 Found", "307 Temporary Redirect", "308 Permanent Redirect"])
def test_a_redirect_is_never_followed(status: str) -> None:
    """The key, the number and the text would go to another host."""
    with RawServer(always("201 Created", sent(recipient()))) as other:
        assert one(always(status, b"x" * 10, f"Location: {other.url}/version1/messaging")).kind == "unknown"
        assert other.connections == 0
