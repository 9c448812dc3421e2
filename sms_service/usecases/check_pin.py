"""The PIN of a number: three wrong tries lock it for 24 h, across dials and restarts, known number or not (S11, T1, T20)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, Row

from sms_service.models import numbers
from sms_service.usecases.context import Context

MOST_WRONG = 3
LOCKED_FOR = timedelta(hours=24)
_NO_SALT = bytes(16)


@dataclass(frozen=True, slots=True)
class Checked:
    """The verdict, and whose PIN it was when right."""

    verdict: Literal["right", "wrong", "locked"]
    person_id: int | None = None
    person_code: str = ""


def check_pin(context: Context, db: Connection, number: Row[Any], contacts: Sequence[Row[Any]], pin: str, now: datetime) -> Checked:
    """Compare four digits with the PINs on this number, which the caller has locked; counts a wrong try.

    Every contact is compared, and an unknown number does the same work, so that time tells nothing.
    """
    if number.pin_locked_until is not None and number.pin_locked_until > now:
        return Checked("locked")
    right: Row[Any] | None = None
    compared = [one for one in contacts if one.pin_hash is not None]
    for one in compared:
        if context.vault.pin_matches(one.pin_salt, pin, one.pin_hash):
            right = one
    if not compared:
        context.vault.pin_hash(_NO_SALT, pin)
    if right is not None:
        if number.pin_fails:
            numbers.change(db, number.id, pin_fails=0, pin_locked_until=None)
        return Checked("right", right.person_id, right.person_code)
    fails = number.pin_fails + 1
    locked = fails >= MOST_WRONG
    numbers.change(db, number.id, pin_fails=0 if locked else fails, pin_locked_until=now + LOCKED_FOR if locked else None)
    return Checked("locked" if locked else "wrong")
