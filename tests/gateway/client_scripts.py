"""What the client tests share: numbers, a text, answers to give and a client pointed at a scripted server."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from sms_service.gateway.africastalking import Client
from sms_service.gateway.results import CallResult
from tests.gateway.raw_server import Peer, RawServer, Script

ONE = "+250788000001"
TWO = "+250722000002"
KEY = "atsk_canary-key"
TEXT = "Servas: canary text"


def recipient(number: str = ONE, code: object = 101, message_id: object = "ATXid_1", **more: object) -> dict[str, object]:
    return {"cost": "RWF 10.0000", "messageId": message_id, "number": number, "statusCode": code, **more}


def sent(*recipients: object) -> bytes:
    return json.dumps({"SMSMessageData": {"Message": "Sent", "Recipients": list(recipients)}}).encode()


def always(status: str, body: bytes = b"", *headers: str, content_type: str = "application/json") -> Script:
    def script(peer: Peer) -> None:
        while peer.read_request():
            peer.answer(status, body, *headers, content_type=content_type)

    return script


@contextmanager
def gateway(script: Script) -> Iterator[tuple[Client, RawServer]]:
    with RawServer(script) as server:
        yield Client("amahoro", KEY, base_url=server.url), server


def one(script: Script, *numbers: str, deadline: float = 3.0) -> CallResult:
    with gateway(script) as (client, _):
        return client.send(numbers or (ONE,), TEXT, sender=None, deadline=deadline)


def closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"


def reset_after_reading(peer: Peer) -> None:
    peer.read_request()
    peer.reset()


def not_http(peer: Peer) -> None:
    peer.read_request()
    peer.sock.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
