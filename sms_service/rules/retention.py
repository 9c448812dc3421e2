"""How long each kind of record is kept, and what an erasure does to each personal field (S33, I19).

A field that is sealed or hashed stands in ``PLACES`` with the class that ends it and what happens to it when its person is erased.
A new one that is missing there fails a test: nobody keeps personal data without having said for how long.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Literal

YEAR = timedelta(days=365)
MONTH = timedelta(days=30)

Rule = Literal["removed", "made nobody's", "kept"]
"""What an erasure does: the value goes; the row names nobody any more; it stays, not being the person's or because it must."""


@dataclass(frozen=True, slots=True)
class Periods:
    """Every period, from the moment named. What is over goes within a day (``purge``)."""

    texts: timedelta = timedelta(days=90)
    """Texts in and out, dials with their screens, calls to the gateway: then they are counts by month."""
    reports: timedelta = timedelta(days=7)
    """Delivery reports that no text has."""
    withdrawn: timedelta = timedelta(days=21)
    """From withdrawing to erasure: three weeks to notice a mistake, and done before 30 days."""
    answers: timedelta = 3 * YEAR
    """Coded answers, from the closing of a person's last group: a year of follow-up, then 24 months after the evaluation."""
    notes: timedelta = 24 * MONTH
    """Notes about a concern and the words of a harm case, from their closing; why someone was referred without consent."""
    consents: timedelta = 5 * YEAR
    """The consent ledger, from its person's erasure."""
    audit: timedelta = 5 * YEAR
    """The audit, whose chain must verify from its first entry."""
    replays: timedelta = timedelta(days=90)
    """What a draft would have changed in the texts of 90 days."""
    sign_ins: timedelta = timedelta(days=30)
    """Ended logins, links that were used or ran out, failed tries."""

    def over(self, name: str, now: datetime) -> datetime:
        """What ended before this moment is over."""
        period: timedelta = getattr(self, name)
        return now - period


CLASSES = tuple(one.name for one in fields(Periods))


@dataclass(frozen=True, slots=True)
class Place:
    """Where personal data lies: ``ends`` is a class of ``Periods``, or says in words what ends it."""

    ends: str
    erasure: Rule


_TEXTS = Place("texts", "removed")
_ACCOUNT = Place("with the account", "removed")  # of a facilitator who is erased; any other account is nobody's
_SIGN_IN = Place("sign_ins", "kept")
PLACES: Mapping[str, Place] = {
    "inbound.sender": _TEXTS,
    "inbound.body": _TEXTS,
    "inbound.text_hash": _TEXTS,
    "outbox.body": _TEXTS,
    "outbox.body_hash": _TEXTS,
    "text_word.text_hash": _TEXTS,
    "dial.text_hash": _TEXTS,
    "turn.receipt": _TEXTS,
    "turn.typed": _TEXTS,
    "turn.typed_hash": _TEXTS,
    "turn.screen": _TEXTS,
    "broadcast_text.body": Place("texts", "kept"),  # one text for many people, about nobody
    "campaign_text.body": Place("with the campaign", "kept"),  # the same
    "number.hash": Place("withdrawn", "made nobody's"),
    "number.sealed": Place("withdrawn", "made nobody's"),
    "identity.name": Place("withdrawn", "removed"),
    "contact_point.code_word": Place("withdrawn", "removed"),
    "contact_point.pin_hash": Place("withdrawn", "removed"),
    "contact_point.pin_salt": Place("withdrawn", "removed"),
    "concern_note.note": Place("notes", "removed"),
    "harm.note": Place("notes", "removed"),
    "referral.decision": Place("notes", "removed"),
    "suppression.number_hash": Place("never: the stop outlives the person", "kept"),
    "audit.reason": Place("audit", "kept"),
    "audit.mark": Place("audit", "kept"),
    "audit.previous": Place("audit", "kept"),
    "audit.hash": Place("audit", "kept"),
    "login.token_hash": _SIGN_IN,
    "signin_link.token_hash": _SIGN_IN,
    "signin_failure.subject": _SIGN_IN,
    "staff.name": _ACCOUNT,
    "staff.totp": _ACCOUNT,
    "text_review.reviewer": Place("with the version", "kept"),
}
