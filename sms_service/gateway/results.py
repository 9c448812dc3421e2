"""What one outgoing call came to, in the words of the outbox table (who was accepted, what is proved not sent, what is
unknown).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

ResultKind = Literal[
    "accepted",
    "refused",
    "not_sent",
    "not_sent_our_fault",
    "not_sent_config",
    "not_sent_balance",
    "not_sent_rate",
    "unknown",
]
CallKind = ResultKind | Literal["mixed"]


@dataclass(frozen=True, slots=True)
class RecipientResult:
    """What the gateway said for one number.

    ``code`` is the gateway's recipient code, or None when the whole call failed. ``gateway_id`` is None when the
    gateway gave none (it writes the string ``None``); on ``unknown`` it may be present and is then evidence for
    later reports. ``cost`` is the gateway's text (``RWF 10.0000``), empty when absent. ``reason`` is a short word
    for staff, never a text, a number or a key.
    """

    kind: ResultKind
    code: int | None = None
    gateway_id: str | None = None
    cost: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CallResult:
    """One call: a result for every number asked for, keyed by E.164.

    ``kind`` is the common kind, or ``mixed``. ``status`` is the HTTP status, None when no answer was read (the
    breaker counts those). ``retry_after`` is in seconds, from a 429 only. ``detail`` says what happened in words
    without personal data.
    """

    kind: CallKind
    recipients: Mapping[str, RecipientResult]
    status: int | None
    retry_after: float | None
    detail: str


@dataclass(frozen=True, slots=True)
class Balance:
    """Money left on the gateway account: an amount in ``currency`` (three letters, as the gateway writes it)."""

    currency: str
    amount: Decimal


def same_for_all(
    numbers: tuple[str, ...],
    kind: ResultKind,
    *,
    status: int | None,
    reason: str,
    retry_after: float | None = None,
) -> CallResult:
    """The result of a call that failed as a whole: every recipient gets the same kind and ``reason``."""
    one = RecipientResult(kind, reason=reason)
    return CallResult(kind, dict.fromkeys(numbers, one), status, retry_after, reason)
