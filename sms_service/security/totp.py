"""The second factor: time-based one-time codes of six digits, each accepted once (T10)."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import pyotp

STEP_SECONDS: Final = 30
DRIFT_STEPS: Final = 1
ISSUER: Final = "Servas SMS"


def enrolment_uri(secret: str, account: str) -> str:
    """What the authenticator's camera reads; ``account`` is the account's code or sign-in name."""
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=ISSUER)


def accept_code(secret: str, code: str, now: datetime, last_step: int) -> int | None:
    """The time step whose code this is, to be stored as the account's ``last_step``; None when it is not accepted.

    ``now`` is aware. One step of clock drift either way is allowed. A step not later than ``last_step`` (0 at first) is
    refused: a code read over a shoulder is worth nothing once it was used.
    """
    digits = "".join(code.split())
    if not (len(digits) == 6 and digits.isascii() and digits.isdigit()):
        return None
    totp = pyotp.TOTP(secret, interval=STEP_SECONDS)
    current = step_at(now)
    accepted = None
    for step in range(current - DRIFT_STEPS, current + DRIFT_STEPS + 1):
        if pyotp.utils.strings_equal(totp.at(step * STEP_SECONDS), digits) and step > last_step and accepted is None:
            accepted = step
    return accepted


def step_at(moment: datetime) -> int:
    """The time step of a moment (aware)."""
    return int(moment.timestamp()) // STEP_SECONDS
