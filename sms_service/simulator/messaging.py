"""The gateway's own API: sending, the inbox, the balance; contract sections 3-5 and 7.

A send is written to the record before it is answered, one line a recipient, then its delivery reports are planned.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from decimal import Decimal

from sms_service.simulator import wire
from sms_service.simulator.outcomes import (
    BY_NUMBER_CALL,
    BY_NUMBER_REPORTS,
    BY_NUMBER_STATUS,
    NOT_TAKEN,
    STATUS_NAMES,
    RecipientOutcome,
    network_of,
    refusal,
    suffix,
)
from sms_service.simulator.report_plans import REPORT_PLANS, Report, reaches_phone
from sms_service.simulator.server import Answer, Request, huge_body, json_answer, plain
from sms_service.simulator.simulation import Simulation
from sms_service.text.gsm import segments

_NUMBER = re.compile(r"\+[1-9][0-9]{7,14}")
_PAGE_OF_INBOX = 100


@dataclass(frozen=True, slots=True)
class _Sent:
    """One recipient as taken or refused, and whether the answer will mention it."""

    result: wire.RecipientResult
    reports: str
    mentioned: bool = True

    @property
    def taken(self) -> bool:
        """Whether the gateway has the message."""
        return self.result.message_id != wire.REFUSED_ID


def _gateway_number(raw: str) -> str:
    """A recipient as the gateway writes it back: Rwandan short forms in E.164, everything else as it came."""
    number = raw.strip()
    if re.fullmatch(r"0[0-9]{9}", number):
        return f"+25{number}"
    return f"+{number}" if re.fullmatch(r"250[0-9]{9}", number) else number


class MessagingApi:
    """``/version1/messaging`` and ``/version1/user``."""

    def __init__(self, simulation: Simulation) -> None:
        self._sim = simulation

    def messaging(self, request: Request) -> Answer:
        """POST sends, GET reads the inbox."""
        if request.method not in {"GET", "POST"}:
            return plain(405, "HTTP method not allowed, supported methods: GET, POST", ("Allow", "GET, POST"))
        if request.method == "GET":
            return self._credential_fault(request, request.query) or self._inbox(request)
        if request.media_type != wire.FORM_TYPE and "apikey" in request.headers:
            return plain(415, f"The request's Content-Type is not supported. Expected:\n{wire.FORM_TYPE}")
        fields = request.form()
        fault = self._credential_fault(request, fields)
        if fault is not None:
            return fault
        for name in ("to", "message"):
            if name not in fields:
                return plain(400, f"Request is missing required form field '{name}'")
        return self._send(fields)

    def user(self, request: Request) -> Answer:
        """GET tells the balance."""
        if request.method != "GET":
            return plain(405, "HTTP method not allowed, supported methods: GET", ("Allow", "GET"))
        fault = self._credential_fault(request, request.query)
        switches = self._sim.board.now
        balance = "RWF 0.0000" if switches.send == "no-balance" else switches.balance
        return fault or json_answer({"UserData": {"balance": balance}})

    def _credential_fault(self, request: Request, fields: object) -> Answer | None:
        """The 401 or 400 for a request that does not say who it is."""
        if "apikey" not in request.headers:
            return plain(401, wire.NO_CREDENTIALS, wire.CHALLENGE)
        username = fields.get("username") if isinstance(fields, dict) else None
        if username is None:
            return plain(400, "Request is missing required form field 'username'")
        if username != self._sim.settings.username or request.headers["apikey"] != self._sim.board.now.api_key:
            return _wrong_credentials()
        return None

    def _send(self, fields: dict[str, str]) -> Answer:
        switches = self._sim.board.now
        numbers = [_gateway_number(item) for item in fields["to"].split(",") if item.strip()]
        mode = self._sim.board.take_send_mode()
        if mode == "normal" and switches.by_number:
            mode = next((BY_NUMBER_CALL[suffix(item)] for item in numbers if suffix(item) in BY_NUMBER_CALL), mode)
        if switches.sender_ids and fields.get("from") not in switches.sender_ids:
            mode = "empty-list"
        call = self._sim.chance.hex_id("call_")
        parts = segments(fields["message"]).parts
        if mode in NOT_TAKEN:
            sent: list[_Sent] = []
            entry = {"kind": "refused-call", "call": call, "mode": mode, "numbers": numbers, "text": fields["message"]}
            self._sim.record.write(entry)
        else:
            sent = [self._outcome(number, place, fields, mode, parts) for place, number in enumerate(numbers)]
            self._record(call, mode, sent, fields)
            for item in sent:
                if item.taken:
                    self._deliver(item, fields)
        time.sleep(switches.latency_ms / 1000)
        mentioned = [item.result for item in sent if item.mentioned]
        if mode in {"shuffled", "partial"}:
            mentioned = self._sim.chance.shuffled(mentioned)
        premium = fields.get("bulkSMSMode") == "0"
        line = wire.summary([item.result for item in sent], parts, premium=premium)
        return self._shaped(mode, wire.send_body(line, mentioned))

    def _outcome(self, number: str, place: int, fields: dict[str, str], mode: str, parts: int) -> _Sent:
        accepted = 102 if fields.get("enqueue") == "1" or fields.get("bulkSMSMode") == "0" else 101
        what = RecipientOutcome(accepted, STATUS_NAMES[accepted], with_id=True)
        switches = self._sim.board.now
        if not _NUMBER.fullmatch(number):
            what = refusal(403)
        elif mode == "no-balance":
            what = refusal(405)
        elif mode == "partial":
            what = {6: refusal(406), 7: refusal(406), 8: refusal(500)}.get(place % 10, what)
        elif switches.by_number:
            what = BY_NUMBER_STATUS.get(suffix(number), what)
        free = not what.with_id or fields.get("bulkSMSMode") == "0"
        result = wire.RecipientResult(
            number=number,
            status_code=what.code,
            status=what.name,
            message_id=self._sim.chance.hex_id("ATXid_") if what.with_id else wire.REFUSED_ID,
            cost=Decimal(0) if free else wire.COST_PER_PART * parts,
        )
        last = place == len([item for item in fields["to"].split(",") if item.strip()]) - 1
        missing = (mode == "missing" and last) or (mode == "partial" and place % 10 == 9)
        reports = BY_NUMBER_REPORTS.get(suffix(number), switches.reports) if switches.by_number else switches.reports
        return _Sent(result, reports, mentioned=not missing)

    def _record(self, call: str, mode: str, sent: list[_Sent], fields: dict[str, str]) -> None:
        self._sim.record.write(
            *(
                {
                    "kind": "send",
                    "call": call,
                    "mode": mode,
                    "number": item.result.number,
                    "from": fields.get("from", ""),
                    "text": fields["message"],
                    "messageId": item.result.message_id,
                    "statusCode": item.result.status_code,
                    "status": item.result.status,
                    "taken": item.taken,
                    "mentioned": item.mentioned,
                }
                for item in sent
            )
        )

    def _deliver(self, item: _Sent, fields: dict[str, str]) -> None:
        """Show the text on the handset and post, now or later, what the operator reports of it."""
        if reaches_phone(item.reports):
            sender = fields.get("from") or "AFRICASTKNG"
            self._sim.phones.receive(item.result.number, sender, fields["message"], self._sim.time.now())
        plan = REPORT_PLANS[item.reports]
        if item.reports == "before":
            self._report(item.result, plan)
        elif plan:
            self._report_later(item.result, plan)

    def _report_later(self, result: wire.RecipientResult, plan: tuple[Report, ...]) -> None:
        wait = plan[0].wait * self._sim.board.now.report_delay_ms / 1000
        self._sim.poster.later(wait, lambda: self._report(result, plan))

    def _report(self, result: wire.RecipientResult, plan: tuple[Report, ...]) -> None:
        """Post the first report of the plan, then see to the rest: one message's reports never overtake each other."""
        report = plan[0]
        ids = {"real": result.message_id, "none": wire.REFUSED_ID, "unknown": self._sim.chance.hex_id("ATXid_")}
        fields = {
            "id": ids[report.id_form],
            "status": report.status,
            "phoneNumber": result.number,
            "networkCode": network_of(result.number),
        }
        if report.reason:
            fields |= {"failureReason": report.reason, "retryCount": "0"}
        self._sim.poster.post_until_accepted("delivery", fields)
        if plan[1:]:
            self._report_later(result, plan[1:])

    def _shaped(self, mode: str, body: bytes) -> Answer:
        """The answer to a send in the given mode; ``body`` is the normal one."""
        switches = self._sim.board.now
        good = Answer(201, body, wire.JSON_TYPE)
        faults = {
            "500-before": Answer(500),
            "500-after": Answer(500),
            "429": plain(429, "Too many requests"),
            "429-retry-after": plain(429, "Too many requests", ("Retry-After", str(switches.retry_after_s))),
            "hang": good.delivered("hang", switches.hang_ms / 1000),
            "hang-before": good.delivered("hang", switches.hang_ms / 1000),
            "drip": good.delivered("drip", switches.drip_ms / 1000),
            "reset-before": good.delivered("reset"),
            "reset-after": good.delivered("reset"),
            "reset-middle": good.delivered("reset-middle"),
            "redirect": Answer(302, headers=(("Location", "/moved/messaging"),)),
            "json-charset": Answer(201, body, "application/json; charset=utf-8"),
            "bad-json": Answer(201, body[: len(body) // 2], wire.JSON_TYPE),
            "html": Answer(200, b"<html><body><h1>It works</h1></body></html>", "text/html; charset=UTF-8"),
            "list": Answer(201, b"[]", wire.JSON_TYPE),
            "null": Answer(201, b"null", wire.JSON_TYPE),
            "utf-16": Answer(201, body.decode().encode("utf-16"), wire.JSON_TYPE),
            "empty-list": Answer(201, wire.send_body("InvalidSenderId", []), wire.JSON_TYPE),
            "401": _wrong_credentials(),
        }
        if mode == "huge":
            return Answer(201, huge_body(body), wire.JSON_TYPE)
        return faults.get(mode, good)

    def _inbox(self, request: Request) -> Answer:
        last = request.query.get("lastReceivedId", "0")
        after = int(last) if last.isascii() and last.isdigit() else 0
        messages = [item for item in self._sim.phones.texts_written() if int(item["id"]) > after]
        return json_answer({"SMSMessageData": {"Messages": messages[:_PAGE_OF_INBOX]}})


def _wrong_credentials() -> Answer:
    return plain(401, wire.WRONG_CREDENTIALS, wire.CHALLENGE)
