"""The gateway's wire form: request fields in, the exact bytes of its answers out.

Source: the gateway contract, sections 3-5 (send), 7 (inbox, balance) and 10-11 (callbacks). Nothing here does any I/O.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, quote_plus

FORM_TYPE = "application/x-www-form-urlencoded"
JSON_TYPE = "application/json"
PLAIN_TYPE = "text/plain; charset=UTF-8"
COST_PER_PART = Decimal("10")
REFUSED_ID = "None"

WRONG_CREDENTIALS = "The supplied authentication is invalid"
NO_CREDENTIALS = "The resource requires authentication, which was not supplied with the request"
CHALLENGE = ("WWW-Authenticate", 'Basic realm="api",charset=UTF-8')


@dataclass(frozen=True, slots=True)
class RecipientResult:
    """One entry of ``Recipients``: what the gateway says about one number. ``cost`` is in the account currency, RWF."""

    number: str
    status_code: int
    status: str
    message_id: str
    cost: Decimal

    def as_json(self) -> dict[str, Any]:
        """The five keys in the gateway's (alphabetical) order."""
        return {
            "cost": money(self.cost),
            "messageId": self.message_id,
            "number": self.number,
            "status": self.status,
            "statusCode": self.status_code,
        }


def money(amount: Decimal) -> str:
    """``RWF 10.0000`` with four decimals, or ``0`` when nothing was charged."""
    return f"RWF {amount:.4f}" if amount else "0"


def compact(value: Any) -> bytes:
    """JSON as the gateway writes it: no spaces, keys in the order given, UTF-8."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def send_body(message: str, recipients: Iterable[RecipientResult]) -> bytes:
    """The body of a 201 send answer."""
    return compact({"SMSMessageData": {"Message": message, "Recipients": [item.as_json() for item in recipients]}})


def summary(results: Sequence[RecipientResult], parts: int, *, premium: bool = False) -> str:
    """The ``Message`` line: ``Sent to 2/2 Total Cost: RWF 20.0000 Message parts: 1`` and its three variants."""
    accepted = sum(1 for item in results if item.message_id != REFUSED_ID)
    line = f"Sent to {accepted}/{len(results)}"
    if premium:
        return line
    if not accepted:
        return f"{line} Total Cost: 0"
    return f"{line} Total Cost: {money(sum((item.cost for item in results), Decimal(0)))} Message parts: {parts}"


def form_encode(fields: Mapping[str, str], *, raw: bool = False) -> bytes:
    """Fields as a form body, in the order given: space ``+``, ``+`` ``%2B``, ``*`` ``%2A``, ``#`` ``%23``.

    ``raw`` leaves ``*`` and ``+`` as they are, as some gateways have been seen to do; a ``+`` then reads as a space.
    """
    safe = "*+" if raw else ""
    return "&".join(f"{quote_plus(name)}={quote_plus(value, safe=safe)}" for name, value in fields.items()).encode()


def form_decode(body: bytes) -> dict[str, str]:
    """The fields of a form body; the last one wins when a field is repeated. Never raises on stray bytes."""
    text = body.decode("utf-8", "replace")
    return dict(parse_qsl(text, keep_blank_values=True, errors="replace"))
