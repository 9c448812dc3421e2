"""Which address leads where, and the small JSON API for tests: switch, record, and the phones' own acts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, fields
from typing import Any

from sms_service.simulator.handset_keys import HandsetKeys
from sms_service.simulator.handset_pages import HandsetPages
from sms_service.simulator.inbound import Inbound, InboundOptions
from sms_service.simulator.messaging import MessagingApi
from sms_service.simulator.server import Answer, Request, json_answer, plain
from sms_service.simulator.simulation import Simulation
from sms_service.simulator.ussd import Handsets

_NOT_SHOWN = {"api_key", "service_url"}


class Application:
    """The whole simulator behind its socket: ``answer`` takes a request and gives an answer, in any thread."""

    def __init__(self, simulation: Simulation) -> None:
        self._sim = simulation
        self._inbound = Inbound(simulation)
        self._handsets = Handsets(simulation)
        gateway = MessagingApi(simulation)
        pages = HandsetPages(simulation, HandsetKeys(simulation, self._handsets, self._inbound))
        self._any_method: dict[str, Callable[[Request], Answer]] = {
            "/version1/messaging": gateway.messaging,
            "/version1/user": gateway.user,
        }
        self._by_method: dict[tuple[str, str], Callable[[Request], Answer]] = {
            ("GET", "/"): pages.page,
            ("GET", "/static/handset.css"): pages.static,
            ("GET", "/static/handset.js"): pages.static,
            ("GET", "/handset/versions"): pages.versions,
            ("POST", "/handset"): pages.press,
            ("POST", "/handset/add"): pages.add,
            ("POST", "/handset/time"): pages.forward,
            ("GET", "/record"): self._record,
            ("GET", "/switch"): self._switches,
            ("POST", "/switch"): self._switch,
            ("POST", "/phones/sms"): self._text,
            ("POST", "/phones/callback"): self._callback,
            ("POST", "/phones/dial"): self._dial,
            ("POST", "/phones/key"): self._key,
            ("POST", "/phones/hangup"): self._hangup,
        }

    def answer(self, request: Request) -> Answer:
        """Answer any request; a fault in what was asked is 400 with a sentence, a full disk 500."""
        work = self._any_method.get(request.path) or self._by_method.get((request.method, request.path))
        if work is None:
            known = {path for _, path in self._by_method}
            return plain(405, "HTTP method not allowed") if request.path in known else _not_found()
        try:
            return work(request)
        except (ValueError, TypeError, KeyError) as fault:
            return json_answer({"error": f"{request.path}: {fault}"}, 400)
        except OSError as fault:
            return plain(500, f"The record could not be written: {fault.strerror or fault}")

    def _record(self, request: Request) -> Answer:
        since = request.query.get("since", "0")
        if not (since.isascii() and since.isdigit()):
            raise ValueError("since must be the number of the last line already seen")
        return Answer(200, self._sim.record.since(int(since)), "application/x-ndjson")

    def _switches(self, request: Request) -> Answer:
        shown = {name: value for name, value in asdict(self._sim.board.now).items() if name not in _NOT_SHOWN}
        return json_answer(shown)

    def _switch(self, request: Request) -> Answer:
        self._sim.board.change(request.json_object())
        return self._switches(request)

    def _text(self, request: Request) -> Answer:
        body = request.json_object()
        sender, text = _string(body, "from"), _string(body, "text")
        known = {item.name for item in fields(InboundOptions)}
        extra = {name: value for name, value in body.items() if name not in {"from", "text"}}
        if set(extra) - known:
            raise ValueError(f"unknown field {', '.join(sorted(set(extra) - known))}; known are {sorted(known)}")
        return json_answer(self._inbound.text(sender, text, InboundOptions(**extra)))

    def _callback(self, request: Request) -> Answer:
        body = request.json_object()
        values = body.get("fields")
        if not isinstance(values, dict):
            raise ValueError("fields must be an object of field names and texts")
        answers = self._inbound.post(
            _string(body, "kind"),
            {str(name): str(value) for name, value in values.items()},
            copies=int(body.get("copies", 1)),
            raw=body.get("raw"),
            redeliver=bool(body.get("redeliver", False)),
        )
        return json_answer(
            {
                "statuses": [item.status for item in answers],
                "bodies": [item.body.decode("utf-8", "replace") for item in answers],
            }
        )

    def _dial(self, request: Request) -> Answer:
        body = request.json_object()
        code, network = str(body.get("code") or ""), str(body.get("network") or "")
        return json_answer(self._handsets.dial(_string(body, "number"), code, network))

    def _key(self, request: Request) -> Answer:
        body = request.json_object()
        exact: Any = body.get("exact")
        return json_answer(
            self._handsets.key(
                _string(body, "session"),
                str(body.get("text", "")),
                copies=int(body.get("copies", 1)),
                exact=None if exact is None else str(exact),
            )
        )

    def _hangup(self, request: Request) -> Answer:
        return json_answer(self._handsets.hangup(_string(request.json_object(), "session")))


def _string(body: dict[str, Any], name: str) -> str:
    if not isinstance(body.get(name), str):
        raise ValueError(f"{name} is missing or not a text")
    return str(body[name])


def _not_found() -> Answer:
    return plain(404, "The requested resource could not be found.")
