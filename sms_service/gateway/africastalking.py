"""Africa's Talking, outgoing: the official SDK for its addresses, headers and fields, our own transport and reading
underneath.

What the SDK does not do is done here: numbers checked, recipients materialised, made distinct and at most 100, a
total deadline, ``enqueue=0``, every fault classified. Neither the key nor a text nor a number appears in any
exception raised here (I16).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sms_service.gateway.answers import read_answer, read_fault, read_json
from sms_service.gateway.api_key import FORM, ApiKey
from sms_service.gateway.results import Balance, CallResult
from sms_service.gateway.transport import TOTAL_SECONDS, Answer, Call, CallFault, Transport

RECIPIENTS_LIMIT = 100
E164 = re.compile(r"\+[1-9][0-9]{7,14}", re.ASCII)
BALANCE = re.compile(r"([A-Z]{3}) (-?[0-9]{1,12}(?:\.[0-9]{1,6})?)", re.ASCII)
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

if TYPE_CHECKING:

    class SMSService:
        """The part of the SDK relied on here (it ships no types)."""

        _baseUrl: str
        _contentUrl: str
        _headers: dict[str, str]

        def __init__(self, username: str, api_key: str) -> None: ...
        def _init_service(self) -> None: ...
        def _make_url(self, path: str) -> str: ...
        def send(self, message: str, recipients: list[str], sender_id: str | None, enqueue: bool, *, timeout: Any) -> Any: ...
        def fetch_messages(self, last_received_id: int, *, timeout: Any) -> Any: ...

else:
    from africastalking.SMS import SMSService


class InboxFault(Exception):
    """The inbox could not be fetched or read; the message says why, without any content."""


@dataclass(frozen=True, slots=True)
class InboxMessage:
    """One message of the fetch API. ``inbox_id`` is a whole number of another series than the callback's id."""

    inbox_id: int
    sender_raw: str
    to: str
    text: str
    date: str
    link_id: str


class _Service(SMSService):
    """The SDK's SMS service with our transport; the SDK hands ``timeout`` through untouched, so it carries the Call."""

    def __init__(self, username: str, api_key: ApiKey, base_url: str, transport: Transport) -> None:
        self._chosen = base_url
        self._transport = transport
        self._held = api_key
        super().__init__(username, api_key.current())

    def _init_service(self) -> None:
        super()._init_service()
        if self._chosen:
            self._baseUrl = self._contentUrl = self._chosen + "/version1"

    def _make_request(
        self, url: str, method: str, headers: Any, data: Any, params: Any, callback: object = None, timeout: Any = None
    ) -> Answer:
        if callback is not None:
            raise RuntimeError("the SDK's own threads lose errors; call without a callback")
        call: Call = timeout
        if call.enqueue is False and data is not None:
            data["enqueue"] = 0
        headers = {**headers, "apiKey": self._held.current()}
        return self._transport.exchange(method, url, headers=headers, data=data, params=params, call=call)

    def user(self, call: Call, username: str) -> Answer:
        return self._make_request(self._make_url("/user"), "GET", self._headers, None, {"username": username}, timeout=call)


class Client:
    """The gateway account of one username; safe across threads, reopened after a fork.

    ``base_url`` ends before ``/version1``; empty lets the username decide (``sandbox`` or live). ``connections`` is
    how many are kept open; give at least the number of sending threads. ``key_file`` holds the key that counts from
    the moment it is changed there (T18). ValueError for settings that could send a
    key or a text to the wrong place; its message never holds the key.
    """

    def __init__(
        self, username: str, api_key: str, *, base_url: str = "", connections: int = 32, key_file: Path | None = None
    ) -> None:
        if not username or not username.isprintable():
            raise ValueError("AT_USERNAME: expected the gateway account's username; set it to the name shown in the dashboard")
        if username.lower() == "sandbox" and username != "sandbox":
            raise ValueError("AT_USERNAME: the sandbox is spelt 'sandbox' in lower case; any other spelling sends live")
        if not FORM.fullmatch(api_key):
            raise ValueError("AT_API_KEY: expected 1 to 512 printable ASCII characters without spaces")
        self._username = username
        self._service = _Service(username, ApiKey(api_key, key_file), checked_base_url(base_url), Transport(connections))

    def send(
        self,
        numbers: Sequence[str],
        text: str,
        *,
        sender: str | None,
        enqueue: bool | None = None,
        deadline: float = TOTAL_SECONDS,
    ) -> CallResult:
        """Send ``text`` once to each of ``numbers`` (E.164; doubles count once; at most 100) within ``deadline``
        seconds in all.

        ``sender`` None or empty leaves the field out; ``enqueue`` None leaves it to the gateway. Never raises for
        anything the network or the gateway does: read the kinds. ValueError, before any byte, for input that must
        not be sent.
        """
        if isinstance(numbers, str):
            raise ValueError("numbers: expected a sequence of E.164 numbers, not one string")
        wanted = tuple(dict.fromkeys(numbers))
        if not 1 <= len(wanted) <= RECIPIENTS_LIMIT:
            raise ValueError(f"numbers: expected 1 to {RECIPIENTS_LIMIT} recipients, got {len(wanted)}; send in chunks")
        for place, number in enumerate(wanted, 1):
            if not E164.fullmatch(number):
                raise ValueError(f"numbers: recipient {place} of {len(wanted)} is not E.164 (+ and 8 to 15 digits)")
        if not text:
            raise ValueError("text: expected at least one character")
        call = Call.within(deadline, enqueue=enqueue)
        try:
            answer = self._service.send(text, list(wanted), sender or None, enqueue is True, timeout=call)
        except CallFault as fault:
            return read_fault(fault, wanted)
        return read_answer(answer, wanted)

    def balance(self, *, deadline: float = 10.0) -> Balance | None:
        """The account's balance, or None when it could not be had within ``deadline`` seconds."""
        try:
            value = read_json(self._service.user(Call.within(deadline), self._username))
        except (CallFault, ValueError):
            return None
        data = value.get("UserData", value.get("userData")) if isinstance(value, dict) else None
        amount = data.get("balance") if isinstance(data, dict) else None
        found = BALANCE.fullmatch(amount) if isinstance(amount, str) else None
        return Balance(found[1], Decimal(found[2])) if found else None

    def fetch_inbox(self, last_id: int, *, deadline: float = TOTAL_SECONDS) -> tuple[InboxMessage, ...]:
        """Messages after ``last_id`` (0 = from the beginning), oldest first; for repairing gaps only, callbacks are
        the way.

        Raises InboxFault when the gateway does not answer or answers unreadably. An entry without a whole-number id
        is left out.
        """
        try:
            value = read_json(self._service.fetch_messages(last_id, timeout=Call.within(deadline)))
            entries = value["SMSMessageData"]["Messages"]
            if not isinstance(entries, list):
                raise ValueError("Messages is not a list")
        except CallFault as fault:
            raise InboxFault(f"inbox not fetched: {fault.what}; try again later") from None
        except (ValueError, KeyError, TypeError, IndexError):
            raise InboxFault("inbox answer unreadable; expected SMSMessageData.Messages; try again later") from None
        messages = (_inbox_message(entry) for entry in entries)
        return tuple(sorted((one for one in messages if one is not None), key=lambda one: one.inbox_id))


def _inbox_message(entry: Any) -> InboxMessage | None:
    if not isinstance(entry, dict) or type(entry.get("id")) is not int:
        return None
    words = [entry.get(name) for name in ("from", "to", "text", "date", "linkId")]
    return InboxMessage(entry["id"], *(word if isinstance(word, str) else "" for word in words))


def checked_base_url(base_url: str) -> str:
    """``base_url`` without a trailing slash; ValueError unless it is https (http only to this machine) with nothing
    after the path.
    """
    if not base_url:
        return ""
    expected = "AT_BASE_URL: expected https://HOST[:PORT] (http only for 127.0.0.1 or localhost), ending before /version1"
    try:
        parts = urlsplit(base_url)
        _ = parts.port
    except ValueError:
        raise ValueError(expected) from None
    local = parts.hostname in LOOPBACK
    secure = parts.scheme == "https" or (parts.scheme == "http" and local)
    extra = parts.username or parts.password or parts.query or parts.fragment
    path = parts.path.rstrip("/")
    if not secure or not parts.hostname or extra or path.endswith("/version1") or not base_url.isprintable():
        raise ValueError(expected)
    return f"{parts.scheme}://{parts.netloc}{path}"
