"""Where a row of the outbox goes after the gateway's answer, and after each delivery report in any order (I7, I9,
I14).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

State = str
Result = Literal[
    "accepted",
    "refused",
    "not_sent",
    "not_sent_our_fault",
    "not_sent_config",
    "not_sent_balance",
    "not_sent_rate",
    "unknown",
]

STAGES: tuple[str, ...] = (
    "",
    "sent",
    "submitted",
    "buffered",
    "absentsubscriber",
    "expired",
    "rejected",
    "failed",
    "success",
)
"""What reports have said so far, weakest first; the strongest wins, so order and repeats do not matter (I14)."""
_FIRST_FAILURE = STAGES.index("absentsubscriber")
OPEN_TO_REPORTS = frozenset({"sending", "accepted", "unknown", "failed", "delivered"})

FIRST_DELAY = 5.0
LONGEST_DELAY = 900.0
GATEWAY_TRIES = 3
"""Tries in all for recipient codes 500, 501 and 502."""
UNROUTABLE = 407
UNROUTABLE_TRIES = 2
UNROUTABLE_DELAY = 3600.0
TRIES = 20
"""Tries in all for calls that never connected; a reminder expires long before."""
PAUSED_DELAY = 60.0
RATE_DELAY = 30.0


def after_report(state: State, stage: str, status: str) -> tuple[State, str]:
    """(state, stage) after a report of ``status``, compared without regard to case; an unknown status changes nothing
    (W7).

    Any permutation of the same reports, with repeats, ends alike. A success is final; a failure gives way to a
    success only.
    """
    heard = status.strip().lower()
    if state not in OPEN_TO_REPORTS or not heard or heard not in STAGES:
        return state, stage
    strongest = max(stage, heard, key=STAGES.index)
    return _state_at(strongest), strongest


def after_answer(state: State, stage: str, answered: State) -> tuple[State, str]:
    """(state, stage) when the send's own answer (``accepted``, ``unknown`` or ``refused``) arrives, maybe after
    reports.

    What reports have already settled stands: the answer may have been slower than the phone (F27). ``unknown`` may
    become ``accepted``, never the other way.
    """
    if stage:
        return _state_at(stage), stage
    if state == "accepted" and answered == "unknown":
        return state, stage
    return answered, stage


def _state_at(stage: str) -> State:
    if stage == "success":
        return "delivered"
    return "failed" if STAGES.index(stage) >= _FIRST_FAILURE else "accepted"


def suppresses_number(failure_reason: str) -> bool:
    """Whether a report's failure reason means the person opted out at the network; spelt two ways by the gateway."""
    return failure_reason.strip().lower() == "userinblacklist"


@dataclass(frozen=True, slots=True)
class Next:
    """What recording an attempt does to its row.

    ``delay`` is in seconds from now, for ``queued`` only. ``counted``: the attempt uses up one of the row's tries.
    ``pause_channel``: nobody's texts can go until a person has acted. ``slow_down``: lower the rate. ``alarm`` is
    for staff, empty for none. ``flag_number``: the number itself is at fault and is shown to staff.
    """

    state: Literal["accepted", "refused", "queued", "unknown", "given_up"]
    delay: float = 0.0
    counted: bool = True
    pause_channel: bool = False
    slow_down: bool = False
    alarm: str = ""
    flag_number: bool = False


_ALARMS: Mapping[str, str] = {
    "not_sent_config": "the gateway refuses our key or sender id; correct the settings, then resume the channel",
    "not_sent_balance": "the gateway account has no balance; top it up, then resume the channel",
}
_NUMBER_FAULTS = frozenset({403, 404, 406})


def classify(kind: Result, code: int | None, attempts: int, chance: float, retry_after: float | None = None) -> Next:
    """The next state of a row whose ``attempts``-th counted call (1 = the first) came to ``kind`` with recipient
    ``code``.

    ``chance`` in [0, 1) spreads the delays; ``retry_after`` in seconds is the gateway's own wish on
    ``not_sent_rate``. Nothing but a proved *not sent* goes back to ``queued``; ``unknown`` never does (I9).
    """
    if kind in ("accepted", "unknown"):
        return Next(kind)
    if kind == "refused":
        alarm = "the gateway holds a text as risky; ask the gateway" if code == 401 else ""
        return Next("refused", alarm=alarm, flag_number=code in _NUMBER_FAULTS)
    if kind == "not_sent_our_fault":
        return Next("given_up", alarm="the gateway cannot read our request; the service needs correcting")
    if kind == "not_sent_rate":
        wait = max(retry_after or 0.0, RATE_DELAY * (0.5 + chance))
        return Next("queued", wait, counted=False, slow_down=True)
    if kind in _ALARMS:
        return Next("queued", PAUSED_DELAY, counted=False, pause_channel=True, alarm=_ALARMS[kind])
    limit = UNROUTABLE_TRIES if code == UNROUTABLE else TRIES if code is None else GATEWAY_TRIES
    if attempts >= limit:
        return Next("given_up")
    return Next("queued", UNROUTABLE_DELAY * (1 + chance) if code == UNROUTABLE else backoff(attempts, chance))


def backoff(attempts: int, chance: float) -> float:
    """Seconds before the next try after ``attempts`` (>= 1): doubling from FIRST_DELAY, at most LONGEST_DELAY, times
    0.5 to 1.5.
    """
    steps = min(max(attempts, 1) - 1, 16)
    return min(FIRST_DELAY * (1 << steps), LONGEST_DELAY) * (0.5 + chance)
