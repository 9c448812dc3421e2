"""The service as the gateway meets it: callbacks over a real port, workers drained on demand, a gateway that only remembers."""

from __future__ import annotations

import http.client
import logging
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Flask
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

from handlers.app import create_app
from sms_service import clock
from sms_service.config import Settings
from sms_service.gateway.results import Balance, CallResult, RecipientResult
from sms_service.usecases.context import Context
from sms_service.usecases.forward_time import next_event
from sms_service.usecases.published import Published
from sms_service.usecases.send_texts import send_due
from sms_service.usecases.sweep import drain_inbound
from sms_service.usecases.tick import Pace, tick

FORM = "application/x-www-form-urlencoded"
PREFIX = "/callbacks/africastalking"
SETTLE = timedelta(seconds=1)
MOST_EVENTS = 400

logging.getLogger("werkzeug").setLevel(logging.ERROR)  # no line for each request: paths hold the secret


@dataclass
class Recorder:
    """A gateway that accepts every text and remembers (number, text, gateway id) in order."""

    sent: list[tuple[str, str, str]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def send(
        self, numbers: Sequence[str], text: str, *, sender: str | None, enqueue: bool | None = None, deadline: float = 40.0
    ) -> CallResult:
        results = {}
        with self._lock:
            for number in numbers:
                gateway_id = f"ATXid_{len(self.sent):032x}"
                self.sent.append((number, text, gateway_id))
                results[number] = RecipientResult("accepted", 101, gateway_id, "RWF 10.0000", "")
        return CallResult("accepted", results, 201, None, "")

    def balance(self, *, deadline: float = 10.0) -> Balance | None:
        """Nothing is known of the account."""
        return None


class Service:
    """One running service. ``renew`` hands every part a fresh context, so that nothing can live on outside the database."""

    def __init__(self, context: Context, settings: Settings) -> None:
        self.gateway = Recorder()
        self.base = replace(context, client=self.gateway, short_code="1234")
        self.context = self.base
        self.settings = settings
        self.secret = settings.webhook_secret[0]
        self.app: Flask = create_app(self.base, settings, surfaces=("callbacks", "health"))
        self._hurried: Context = self.app.extensions["ussd_service"]
        self._server = make_server("127.0.0.1", 0, self.app, threaded=True)
        self._serving = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._serving.start()
        self._pool = ThreadPoolExecutor(4)
        self._pace = Pace()
        self._serial = 0

    def close(self) -> None:
        self._server.shutdown()
        self._serving.join()
        self._server.server_close()
        self._pool.shutdown()
        self._hurried.database.dispose()

    def renew(self) -> None:
        """Forget whatever a process could remember between two requests."""
        self.context = replace(self.base, published=Published())
        self.app.extensions["service"] = self.context
        self.app.extensions["ussd_service"] = replace(self._hurried, published=Published())

    def post(self, kind: str, data: bytes | dict[str, Any], content_type: str = FORM, secret: str = "") -> Response:
        """Post a callback (``sms``, ``ussd``, ``ussd-end``, ``delivery``, ``opt-out``) over HTTP, as the gateway does."""
        path = f"{PREFIX}/{secret or self.secret}/{kind}"
        body = data if isinstance(data, bytes) else urlencode(data).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self._server.server_port, timeout=60)
        try:
            connection.request("POST", path, body, {"Content-Type": content_type})
            answer = connection.getresponse()
            return Response(answer.read(), answer.status, list(answer.headers.items()))
        finally:
            connection.close()

    def text(self, number: str, words: str, provider_id: str = "") -> Response:
        """A text from ``number`` (E.164 or a network's name)."""
        self._serial += 1
        fields = {"id": provider_id or f"in-{self._serial}", "from": number, "to": "1234", "text": words}
        return self.post("sms", fields)

    def hop(self, session: str, number: str, typed: str, code: str = "*384*123#") -> Response:
        """One turn of a dial; ``typed`` is the whole history."""
        fields = {"sessionId": session, "phoneNumber": number, "serviceCode": code, "networkCode": "63510", "text": typed}
        return self.post("ussd", fields)

    def work(self) -> None:
        """What the workers do: every waiting text, then every due text out."""
        drain_inbound(self.context)
        send_due(self.context, self._pool)

    def now(self) -> datetime:
        with self.context.database.begin() as db:
            return self.context.now(db)

    def set_time(self, moment: datetime) -> None:
        with self.context.database.begin() as db:
            clock.set_now(db, moment)

    def tick(self) -> None:
        """One round of the clock process, then the workers."""
        tick(self.context, self._pace)
        self.work()

    def wait_until(self, moment: datetime) -> None:
        """Let time pass: the clock stops at everything that falls due on the way, and works it."""
        self.tick()
        for _ in range(MOST_EVENTS):
            with self.context.database.begin() as db:
                coming = next_event(db, self.context.now(db))
            if coming is None or coming + SETTLE >= moment:
                break
            self.set_time(coming + SETTLE)
            self.tick()
        else:
            raise AssertionError(f"more than {MOST_EVENTS} things fell due: something repeats without end")
        self.set_time(moment)
        self.tick()
