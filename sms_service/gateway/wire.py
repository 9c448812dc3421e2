"""Africa's Talking callbacks, incoming: raw bytes to plain values, or a fault with the HTTP status to answer (W2-W10).

No web framework: one raw non-UTF-8 byte makes a framework's form empty, and then everything looks missing. Every
field is hostile; nothing here raises anything but WireFault, and work grows with the body's length only (T4, I22).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import unquote_to_bytes

from sms_service.text.phone import normalise_msisdn

BODY_LIMIT = 65_536
INBOX_SERIES = "inbox:"
FIELD_LIMIT = 200
"""Longest value kept of a field that is neither a text nor an id; the gateway's own are far shorter."""

_MEDIA_TYPE = "application/x-www-form-urlencoded"
_NAME_LIMIT = 64
_ID = re.compile(r"[\x21-\x7e]{1,128}", re.ASCII)
_CONTROLS = {code: None for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\r\t"}
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:?[0-9]{2})?", re.ASCII)
_WHOLE = re.compile(r"[0-9]{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class RawCallback:
    """A callback as it came: the Content-Type header and the body's bytes."""

    content_type: str
    body: bytes


class WireFault(Exception):
    """The gateway cannot have sent this: answer ``status``. ``reason`` names a rule or one of our field names, never a
    value.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status}: {reason}")
        self.status = status
        self.reason = reason


@dataclass(frozen=True, slots=True)
class InboundSms:
    """A text to us. ``sender`` is E.164, or None when the network gave a name (then: stored as unattributed, no reply;
    W9).

    ``date`` is UTC as the gateway says, None when unreadable (use the time of receipt; W7).
    """

    provider_id: str
    sender: str | None
    sender_raw: str
    to: str
    text: str
    date: datetime | None
    link_id: str
    network_code: str
    cost: str


@dataclass(frozen=True, slots=True)
class UssdTurn:
    """One hop of a dial. ``text`` is the whole history joined by ``*``; a PIN may be in it, so it is never stored."""

    session_id: str
    service_code: str
    number: str
    network_code: str
    text: str


@dataclass(frozen=True, slots=True)
class UssdEnd:
    """A dial has ended. What the person typed, our last screen and the error text are dropped here (they may hold a
    PIN).
    """

    session_id: str
    status: str
    service_code: str
    number: str | None
    network_code: str
    date: datetime | None
    cost: str
    duration_ms: int | None
    hops: int | None
    had_error: bool


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """What became of a text. ``gateway_id`` may be ``None`` as a word: see ``real_gateway_id``. Unknown words are kept
    (W7).
    """

    gateway_id: str
    status: str
    failure_reason: str
    number: str | None
    retry_count: int | None


@dataclass(frozen=True, slots=True)
class OptOut:
    """A person opted out of our alphanumeric sender; honoured whatever ``sender_id`` says."""

    number: str
    sender_id: str | None


def real_gateway_id(raw: object) -> str | None:
    """``raw`` as a message id, or None when it is absent, malformed or the word ``None`` that refused recipients
    carry.
    """
    if not isinstance(raw, str) or not _ID.fullmatch(raw) or raw.lower() in {"none", "null"}:
        return None
    return raw


def read_sms(raw: RawCallback) -> InboundSms:
    """An inbound SMS. Raises WireFault (W2, W4, W5, W8); an odd sender is not a fault (W9)."""
    fields = _fields(raw, ("id", "from", "to", "text", "date", "linkId", "cost", "networkCode"))
    provider_id = _identifier(fields, "id")
    sender = _required(fields, "from")
    return InboundSms(
        provider_id=provider_id,
        sender=_number(sender),
        sender_raw=_short(sender),
        to=_short(_required(fields, "to")),
        text=_clean(_present(fields, "text")),
        date=_date(fields.get("date", "")),
        link_id=_short(fields.get("linkId", "")),
        network_code=_short(fields.get("networkCode", "")),
        cost=_short(fields.get("cost", "")),
    )


def read_inbox_message(inbox_id: int, sender: str, to: str, text: str, date: str, link_id: str) -> InboundSms:
    """A text from the gateway's inbox as a callback would have brought it; its id names the series, which is another one."""
    return InboundSms(
        provider_id=f"{INBOX_SERIES}{inbox_id}",
        sender=_number(sender),
        sender_raw=_short(sender),
        to=_short(to),
        text=_clean(text),
        date=_date(date),
        link_id=_short(link_id),
        network_code="",
        cost="",
    )


def read_ussd(raw: RawCallback) -> UssdTurn:
    """A USSD turn; an absent ``text`` is an empty one. Raises WireFault (W2, W4, W5, W8, W9)."""
    fields = _fields(raw, ("sessionId", "serviceCode", "phoneNumber", "networkCode", "text"))
    return UssdTurn(
        session_id=_identifier(fields, "sessionId"),
        number=_required_number(fields, "phoneNumber"),
        service_code=_short(fields.get("serviceCode", "")),
        network_code=_short(fields.get("networkCode", "")),
        text=_clean(fields.get("text", "")),
    )


def read_end(raw: RawCallback) -> UssdEnd:
    """The end of a dial. Raises WireFault (W2, W4, W5, W8); odd figures are None (W7)."""
    known = (
        "date",
        "sessionId",
        "serviceCode",
        "networkCode",
        "phoneNumber",
        "status",
        "cost",
        "durationInMillis",
        "hopsCount",
        "input",
        "lastAppResponse",
        "errorMessage",
    )
    fields = _fields(raw, known)
    return UssdEnd(
        session_id=_identifier(fields, "sessionId"),
        status=_short(_present(fields, "status")),
        service_code=_short(fields.get("serviceCode", "")),
        number=_number(fields.get("phoneNumber", "")),
        network_code=_short(fields.get("networkCode", "")),
        date=_date(fields.get("date", "")),
        cost=_short(fields.get("cost", "")),
        duration_ms=_whole(fields.get("durationInMillis", "")),
        hops=_whole(fields.get("hopsCount", "")),
        had_error=bool(fields.get("errorMessage", "").strip()),
    )


def read_delivery(raw: RawCallback) -> DeliveryReport:
    """A delivery report. Raises WireFault (W2, W4, W5, W8); an unknown status is kept as it is (W7), an odd number
    ignored (W9).
    """
    fields = _fields(raw, ("id", "status", "phoneNumber", "networkCode", "failureReason", "retryCount"))
    return DeliveryReport(
        gateway_id=_identifier(fields, "id"),
        status=_short(_present(fields, "status")),
        failure_reason=_short(fields.get("failureReason", "")),
        number=_number(fields.get("phoneNumber", "")),
        retry_count=_whole(fields.get("retryCount", "")),
    )


def read_opt_out(raw: RawCallback) -> OptOut:
    """A bulk opt-out. Raises WireFault (W2, W4, W5, W9)."""
    fields = _fields(raw, ("senderId", "phoneNumber"))
    return OptOut(_required_number(fields, "phoneNumber"), _short(fields.get("senderId", "")) or None)


def _fields(raw: RawCallback, known: tuple[str, ...]) -> Mapping[str, str]:
    """The known fields, decoded but not yet cleaned; others are passed over (W6). Only the body is read (W2)."""
    if raw.content_type.split(";")[0].strip().lower() != _MEDIA_TYPE:
        raise WireFault(415, f"expected {_MEDIA_TYPE}")
    if len(raw.body) > BODY_LIMIT:
        raise WireFault(413, f"body over {BODY_LIMIT} bytes")
    found: dict[str, str] = {}
    for pair in raw.body.split(b"&"):
        name_bytes, _, value = pair.partition(b"=")
        if not 0 < len(name_bytes) <= _NAME_LIMIT:
            continue
        name = _decoded(name_bytes)
        if name not in known:
            continue
        if name in found:
            # W4: whichever of two values another reader would take, it may not be ours.
            raise WireFault(400, f"field given twice: {name}")
        found[name] = _decoded(value)
    return found


def _decoded(piece: bytes) -> str:
    """Form decoding that never fails (W10): ``+`` is a space, a stray ``%`` stays, bytes that are not UTF-8 become
    U+FFFD.
    """
    return unquote_to_bytes(piece.replace(b"+", b" ")).decode("utf-8", "replace")


def _present(fields: Mapping[str, str], name: str) -> str:
    if name not in fields:
        raise WireFault(400, f"field missing: {name}")
    return fields[name]


def _required(fields: Mapping[str, str], name: str) -> str:
    value = _present(fields, name)
    if not value:
        raise WireFault(400, f"field empty: {name}")
    return value


def _identifier(fields: Mapping[str, str], name: str) -> str:
    value = _required(fields, name)
    if not _ID.fullmatch(value):
        raise WireFault(400, f"field malformed: {name}; expected 1 to 128 printable ASCII characters without spaces")
    return value


def _number(value: str) -> str | None:
    # The longest sane spelling of 15 digits is far below this; a longer one is not worth reading.
    return normalise_msisdn(value) if len(value) <= _NAME_LIMIT else None


def _required_number(fields: Mapping[str, str], name: str) -> str:
    number = _number(_required(fields, name))
    if number is None:
        raise WireFault(400, f"field malformed: {name}; expected a phone number")
    return number


def _clean(value: str) -> str:
    """W10: no NUL and no control character but newline, return and tab; nothing trimmed."""
    return value.translate(_CONTROLS)


def _short(value: str) -> str:
    return _clean(value)[:FIELD_LIMIT]


def _whole(value: str) -> int | None:
    return int(value) if _WHOLE.fullmatch(value) else None


def _date(value: str) -> datetime | None:
    """UTC; a time without a zone is UTC. None when it cannot be read."""
    if len(value) > 40 or not _DATE.fullmatch(value):
        return None
    try:
        read = datetime.fromisoformat(value)
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
