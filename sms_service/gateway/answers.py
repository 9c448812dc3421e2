"""Reading the send API's answer: every recipient by number, nothing assumed (I7: what may have gone out is
``unknown``).

The kinds follow the outbox table: only what is proved not sent may be tried again by the machine.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from sms_service.gateway.results import CallResult, RecipientResult, ResultKind, same_for_all
from sms_service.gateway.transport import Answer, CallFault
from sms_service.gateway.wire import real_gateway_id
from sms_service.text.phone import normalise_msisdn

RETRY_AFTER_LIMIT = 3600.0
ACCEPTED = frozenset({100, 101, 102})
REFUSED: Mapping[int, str] = {
    401: "risk hold",
    403: "invalid number",
    404: "unsupported number",
    406: "blacklisted",
    409: "do not disturb",
}
NOT_SENT: Mapping[int, tuple[ResultKind, str]] = {
    402: ("not_sent_config", "invalid sender id"),
    405: ("not_sent_balance", "insufficient balance"),
    407: ("not_sent", "could not route"),
    500: ("not_sent", "gateway: internal error"),
    501: ("not_sent", "gateway: gateway error"),
    502: ("not_sent", "gateway: rejected"),
}
OUR_FAULT_STATUS = frozenset({400, 405, 415, 422})


def read_json(answer: Answer) -> Any:
    """The answer's JSON value, whatever parameters the content type carries; ValueError when it cannot be trusted to
    be JSON.
    """
    media = answer.headers.get("Content-Type", "").split(";")[0].strip().lower()
    if media != "application/json":
        raise ValueError("the answer is not application/json")
    try:
        return json.loads(answer.body.decode("utf-8"))
    except RecursionError:
        raise ValueError("the answer is nested too deeply") from None


def read_answer(answer: Answer, numbers: tuple[str, ...]) -> CallResult:
    """What a 2xx answer says for ``numbers`` (E.164, distinct); a number it does not speak of is ``unknown``."""
    try:
        entries = read_json(answer)["SMSMessageData"]["Recipients"]
        if not isinstance(entries, list):
            raise ValueError("Recipients is not a list")
    except (ValueError, KeyError, TypeError, IndexError):
        return same_for_all(numbers, "unknown", status=answer.status, reason="unreadable answer")
    if not entries:
        # An unregistered sender comes back as 201 with an empty list.
        return same_for_all(numbers, "not_sent_config", status=answer.status, reason="no recipients: sender id refused")
    found: dict[str, RecipientResult] = {}
    for entry in entries:
        number, result = _read_entry(entry)
        if number in found and found[number] != result:
            ids = {found[number].gateway_id, result.gateway_id} - {None}
            result = RecipientResult("unknown", gateway_id=ids.pop() if len(ids) == 1 else None, reason="listed twice")
        found[number] = result
    missing = RecipientResult("unknown", reason="missing from the answer")
    recipients = {number: found.get(number, missing) for number in numbers}
    kinds = {result.kind for result in recipients.values()}
    kind = kinds.pop() if len(kinds) == 1 else "mixed"
    return CallResult(kind, recipients, answer.status, None, "answered")


def _read_entry(entry: Any) -> tuple[str, RecipientResult]:
    """(E.164 or "", result) of one recipient entry; an entry without a usable number matches nobody."""
    if not isinstance(entry, dict):
        return "", RecipientResult("unknown", reason="unreadable entry")
    raw = entry.get("number")
    number = (normalise_msisdn(raw[:64]) if isinstance(raw, str) else None) or ""
    code = entry.get("statusCode")
    gateway_id = real_gateway_id(entry.get("messageId"))
    cost = entry.get("cost")
    cost = cost[:32] if isinstance(cost, str) else ""
    if type(code) is not int:
        return number, RecipientResult("unknown", None, gateway_id, cost, "no status code")
    kind, reason = _kind_of(code, gateway_id is not None)
    return number, RecipientResult(kind, code, gateway_id, cost, reason)


def _kind_of(code: int, has_id: bool) -> tuple[ResultKind, str]:
    if code in ACCEPTED:
        return ("accepted", "") if has_id else ("unknown", "accepted without an id")
    if code in REFUSED:
        return "refused", REFUSED[code]
    if has_id:
        # An id means the gateway took it in: trying again could show the text twice on a shared phone.
        return "unknown", f"code {code} with an id" if 0 <= code <= 999 else "other code with an id"
    return NOT_SENT.get(code, ("refused", "other code"))


def read_fault(fault: CallFault, numbers: tuple[str, ...]) -> CallResult:
    """What a failed call means for ``numbers``: not sent only when proved, else ``unknown``."""
    status = fault.status
    if status is None:
        if not fault.wrote:
            return same_for_all(numbers, "not_sent", status=None, reason=f"not connected: {fault.what}")
        return same_for_all(numbers, "unknown", status=None, reason=f"no answer: {fault.what}")
    reason = f"HTTP {status}"
    if status == 429:
        wait = retry_after(fault.headers)
        return same_for_all(numbers, "not_sent_rate", status=status, reason=reason, retry_after=wait)
    if status in OUR_FAULT_STATUS:
        return same_for_all(numbers, "not_sent_our_fault", status=status, reason=reason)
    if 400 <= status < 500:
        return same_for_all(numbers, "not_sent_config", status=status, reason=reason)
    if 200 <= status < 300:
        reason = f"unreadable answer: {fault.what}"
    return same_for_all(numbers, "unknown", status=status, reason=reason)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds asked for by ``Retry-After``, 0 to RETRY_AFTER_LIMIT; a date counts from the answer's own ``Date``; None
    if unreadable.
    """
    value = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", value, re.ASCII):
        return min(float(value), RETRY_AFTER_LIMIT)
    until, sent = _http_date(value), _http_date(headers.get("Date", ""))
    if until is None or sent is None:
        return None
    return min(max((until - sent).total_seconds(), 0.0), RETRY_AFTER_LIMIT)


def _http_date(value: str) -> datetime | None:
    try:
        parsed = parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return parsed if parsed.tzinfo is not None else None
