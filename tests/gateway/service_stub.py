"""A stand-in for the service: notes every callback and answers what the test tells it to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

Reply = tuple[int, str, bytes]
OK: Reply = (200, "text/plain; charset=utf-8", b"OK")


@dataclass(slots=True)
class ServiceStub:
    """``seen`` holds (kind, raw body, fields) in order of arrival; ``reply`` decides each answer.

    ``hop`` is sent as the hop header, ``hops_seen`` are those received; GET answers ``told``.
    """

    url: str = ""
    hop: str = ""
    told: str = ""
    hops_seen: list[str] = field(default_factory=list)
    seen: list[tuple[str, bytes, dict[str, str]]] = field(default_factory=list)
    reply: Callable[[str, dict[str, str]], Reply] = lambda kind, fields: OK

    def of(self, kind: str) -> list[dict[str, str]]:
        """The fields of every callback of one kind."""
        return [fields for found, _, fields in self.seen if found == kind]


@contextmanager
def service_stub() -> Iterator[ServiceStub]:
    """A stub listening on loopback for as long as the block lasts."""
    stub = ServiceStub()

    class Callback(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            fields = dict(parse_qsl(body.decode(), keep_blank_values=True))
            kind = self.path.rsplit("/", 1)[-1]
            stub.seen.append((kind, body, fields))
            stub.hops_seen.append(self.headers.get("at-ussd-hop-metadata", ""))
            status, content_type, answer = stub.reply(kind, fields)
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(answer)))
            if stub.hop:
                self.send_header("at-ussd-hop-metadata", stub.hop)
            self.end_headers()
            self.wfile.write(answer)

        def do_GET(self) -> None:
            body = stub.told.encode()
            self.send_response(200 if body else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 128

    server = Server(("127.0.0.1", 0), Callback)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    stub.url = f"http://127.0.0.1:{server.server_port}/callbacks/africastalking/secret"
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()


def menu(kind: str, fields: dict[str, str]) -> Reply:
    """A small USSD service: shows the text it was given, ends on ``9``; everything else is ``OK``."""
    if kind != "ussd":
        return OK
    text = fields.get("text", "")
    word = "END" if text.split("*")[-1] == "9" else "CON"
    return 200, "text/plain; charset=utf-8", f"{word} Heard [{text}]\n1. Yes\n2. No".encode()
