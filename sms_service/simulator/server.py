"""A small threaded HTTP/1.1 server that can also behave badly on purpose.

It keeps connections alive and writes each answer in a single send: headers and body apart would meet the peer's delayed
acknowledgement and cap a connection at 25 requests a second. Hanging, dripping and resetting need the bare socket,
which is why this is not a WSGI server.
"""

from __future__ import annotations

import json
import os
import select
import socket
import struct
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sms_service.simulator.wire import FORM_TYPE, JSON_TYPE, PLAIN_TYPE, compact, form_decode

SERVER_NAME = "akka-http/10.2.10"
LARGEST_BODY = 4_194_304
IDLE_SECONDS = 120
_TEN_MEGABYTES = 10_000_000


@dataclass(frozen=True, slots=True)
class Request:
    """One request: header names in lower case, the query decoded, the body as bytes."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def media_type(self) -> str:
        """The content type without parameters, in lower case."""
        return self.headers.get("content-type", "").split(";")[0].strip().lower()

    def form(self) -> dict[str, str]:
        """The form fields of the body; empty when the body is no form."""
        return form_decode(self.body) if self.media_type == FORM_TYPE else {}

    def json_object(self) -> dict[str, Any]:
        """The body as a JSON object; ``ValueError`` says what is wrong with it."""
        try:
            value = json.loads(self.body or b"{}")
        except ValueError as fault:
            raise ValueError(f"the body is not JSON: {fault}") from None
        if not isinstance(value, dict):
            raise ValueError("the body must be a JSON object")
        return value


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. ``delivery`` is ``whole``, or how the bytes go wrong: hang, drip, reset, reset-middle.

    ``seconds`` is how long a hang lasts, or the time between two dripped bytes.
    """

    status: int
    body: bytes = b""
    content_type: str = PLAIN_TYPE
    headers: tuple[tuple[str, str], ...] = ()
    delivery: str = "whole"
    seconds: float = 0.0

    def delivered(self, delivery: str, seconds: float = 0.0) -> Answer:
        """The same answer, sent another way."""
        return replace(self, delivery=delivery, seconds=seconds)


def plain(status: int, text: str, *headers: tuple[str, str]) -> Answer:
    """A plain text answer."""
    return Answer(status, text.encode(), headers=headers)


def json_answer(value: Any, status: int = 200) -> Answer:
    """A compact JSON answer."""
    return Answer(status, compact(value), JSON_TYPE)


class _Connection(BaseHTTPRequestHandler):
    """One kept-alive connection; each request goes to the server's ``answer`` function."""

    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True
    server: SimulatorServer

    def handle_one_request(self) -> None:
        """Read one request, answer it, and say whether the connection stays open."""
        try:
            self.raw_requestline = self.rfile.readline(65_537)
            if not self.raw_requestline or len(self.raw_requestline) > 65_536:
                self.close_connection = True
            elif self.parse_request():
                self._serve()
        except (OSError, ValueError):
            # The peer went away or reset the connection: nothing left to answer.
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Write no access log: the record holds what matters, and paths may hold a secret."""

    def _serve(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not (length.isascii() and length.isdigit()):
            self._refuse(411, "Send a Content-Length")
        elif int(length) > LARGEST_BODY:
            self._refuse(413, f"The body may hold {LARGEST_BODY} bytes")
        else:
            body = self.rfile.read(int(length))
            if len(body) < int(length):
                self.close_connection = True
                return
            url = urlsplit(self.path)
            query = dict(parse_qsl(url.query, keep_blank_values=True))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self._write(self.server.answer(Request(self.command, url.path, query, headers, body)))

    def _refuse(self, status: int, text: str) -> None:
        self.close_connection = True
        self._write(plain(status, text))

    def _write(self, answer: Answer) -> None:
        if answer.delivery == "hang":
            # Ends early when the caller gives up, so that hung calls do not pile up threads.
            select.select([self.connection], [], [], answer.seconds)
            self.close_connection = True
        elif answer.delivery == "reset":
            self._reset()
        elif answer.delivery == "reset-middle":
            raw = self._bytes(answer)
            self.connection.sendall(raw[: -max(1, len(answer.body) // 2)])
            self._reset()
        elif answer.delivery == "drip":
            raw = self._bytes(answer)
            for position in range(len(raw)):
                self.connection.sendall(raw[position : position + 1])
                time.sleep(answer.seconds)
        else:
            self.connection.sendall(self._bytes(answer))

    def _bytes(self, answer: Answer) -> bytes:
        lines = [
            f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}",
            f"Date: {formatdate(usegmt=True)}",
        ]
        if answer.body:
            lines.append(f"Content-Type: {answer.content_type}")
        lines.append(f"Content-Length: {len(answer.body)}")
        lines.append(f"Connection: {'close' if self.close_connection else 'keep-alive'}")
        lines.append(f"Server: {SERVER_NAME}")
        lines.extend(f"{name}: {value}" for name, value in answer.headers)
        head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
        return head if self.command == "HEAD" else head + answer.body

    def _reset(self) -> None:
        """Close with a reset instead of an orderly end."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())


class SimulatorServer(ThreadingHTTPServer):
    """Listens at once; ``answer`` turns each request into an answer, in the connection's thread."""

    daemon_threads = True
    request_queue_size = 512

    def __init__(self, host: str, port: int, answer: Callable[[Request], Answer]) -> None:
        super().__init__((host, port), _Connection)
        self.answer = answer

    def server_bind(self) -> None:
        """Bind without the reverse name look-up of the standard library, which may take seconds."""
        self.allow_reuse_address = True
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])


def huge_body(body: bytes) -> bytes:
    """The body padded with spaces to 10 MB: valid JSON that no client should read to its end."""
    return body + b" " * (_TEN_MEGABYTES - len(body))
