"""Anything a person must act on: how grave, by when, and whom an unacknowledged alert calls next (S24, S25, V6)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal

from sms_service.rules.timing import at_local, local

Severity = Literal["red", "amber", "call", "task"]

SEVERITY_ORDER: tuple[Severity, ...] = ("red", "amber", "call", "task")

KINDS: Mapping[str, Severity] = {
    "crisis_red": "red",
    "crisis_amber": "amber",
    "incident": "call",
    "call_request": "call",
    "code_word": "call",
    "checkin_call": "call",
    "checkin_amber": "amber",
    "practice_call": "call",
    "referral_call": "call",
    "unregistered_request": "call",
    "not_understood": "task",
    "words_to_read": "task",
    "needs_person": "task",
    "stop_on_shared": "task",
    "wrong_person": "task",
    "frozen_number": "task",
    "missed_visit": "task",
    "meeting_change_untold": "call",
    "directory_expired": "task",
    "send_unknown": "task",
    "under_age": "amber",
    "many_reveals": "amber",
}
"""Every kind of concern and how grave it is; red and amber are seen by safeguarding only, the others by staff too."""

WITHIN_A_DAY = frozenset(
    {
        *("crisis_amber", "incident", "checkin_call", "checkin_amber", "needs_person", "under_age"),
        *("not_understood", "words_to_read"),
    }
)
"""Kinds due in AMBER_DUE, whatever their severity: a low week rating is a plain call to whoever makes it, and words nobody
understood may be a call for help that no list knows (S23).
"""

RED_ON_DUTY = timedelta(minutes=30)
RED_OFF_DUTY = timedelta(minutes=60)
AMBER_DUE = timedelta(hours=24)
SLOTS: Mapping[str, tuple[time, time]] = {
    "morning": (time(8), time(12)),
    "midday": (time(12), time(14)),
    "afternoon": (time(14), time(17)),
}
WORK_END = time(17)
LONGEST_CLOSURE = 60


def severity_of(kind: str) -> Severity:
    """The severity of a concern kind; KeyError for a kind not in KINDS."""
    return KINDS[kind]


def due_at(
    kind: str,
    opened_at: datetime,
    *,
    on_duty: bool,
    slot: str = "",
    meeting_at: datetime | None = None,
    holidays: Collection[date] = (),
) -> datetime:
    """By when (UTC) a person must have tried to make contact (S25).

    Red: 30 minutes in duty hours (``on_duty``, from the rota), else 60. Kinds WITHIN_A_DAY: 24 hours. A call: the
    end of the asked slot on the first working day on which that slot has not begun, or one working day. ``meeting``
    (do not call, I will talk there): the meeting if it is known. Any other ``slot`` counts as none. A task: five
    working days. Working days are Monday to Friday without ``holidays`` (local dates).
    """
    severity = severity_of(kind)
    if severity == "red":
        return opened_at + (RED_ON_DUTY if on_duty else RED_OFF_DUTY)
    if kind in WITHIN_A_DAY:
        return opened_at + AMBER_DUE
    shown = local(opened_at)
    if severity == "task":
        return at_local(_working_day(shown.date(), 5, holidays), WORK_END)
    if slot == "meeting" and meeting_at is not None:
        return meeting_at
    if slot in SLOTS:
        begins, ends = SLOTS[slot]
        today_serves = shown.time() < begins and is_working_day(shown.date(), holidays)
        return at_local(shown.date() if today_serves else _working_day(shown.date(), 1, holidays), ends)
    following = _working_day(shown.date(), 1, holidays)
    # Asked in working time: the same time on the next working day; asked outside it: by the end of that day.
    in_working_time = is_working_day(shown.date(), holidays) and time(8) <= shown.time() < WORK_END
    return at_local(following, shown.time() if in_working_time else WORK_END)


def is_working_day(day: date, holidays: Collection[date]) -> bool:
    """Monday to Friday and no public holiday."""
    return day.weekday() < 5 and day not in holidays


def _working_day(day: date, steps: int, holidays: Collection[date]) -> date:
    for _ in range(LONGEST_CLOSURE):
        day += timedelta(days=1)
        if is_working_day(day, holidays):
            steps -= 1
            if steps == 0:
                break
    return day


@dataclass(frozen=True, slots=True)
class AlertStep:
    """The n-th text of an unacknowledged red alert: minutes after the first, and the rota lines it goes to."""

    after_minutes: int
    lines: tuple[int, ...]


_FIRST_STEPS = (AlertStep(0, (1,)), AlertStep(5, (1,)), AlertStep(10, (2,)), AlertStep(20, (3,)))
REPEAT_MINUTES = 30


def alert_step(number: int) -> AlertStep:
    """Step ``number`` (0 = the first alert) of the plan: at 0 and 5 line 1, at 10 line 2, at 20 line 3, then all every
    30 minutes until a person acknowledges (S25). ValueError below 0.
    """
    if number < 0:
        raise ValueError("alert step: expected 0 or more")
    if number < len(_FIRST_STEPS):
        return _FIRST_STEPS[number]
    repeats = number - len(_FIRST_STEPS) + 1
    return AlertStep(_FIRST_STEPS[-1].after_minutes + REPEAT_MINUTES * repeats, (1, 2, 3))


def check_in_follow_up(ratings: Sequence[int], *, careful: bool) -> str:
    """The kind of concern that a person's newest week rating (1 to 5, oldest first) opens; empty for none.

    At any time what ``check_in_needs_call`` names is a call. From 7 April to 3 July (``careful``) one step less is enough: what
    would be a call is AMBER, and a single 2 or a fall of 2 points is a call (8.5: the threshold of AMBER is lower then).
    """
    if check_in_needs_call(ratings):
        return "checkin_amber" if careful else "checkin_call"
    falls = len(ratings) > 1 and ratings[-2] - ratings[-1] >= 2
    return "checkin_call" if careful and ratings and (ratings[-1] == 2 or falls) else ""


def check_in_needs_call(ratings: Sequence[int]) -> bool:
    """Whether the newest of a person's week ratings (1 to 5, oldest first) asks for a call: a 1, a second 2 in a row,
    or a fall of 3 points (V6).
    """
    if not ratings:
        return False
    newest = ratings[-1]
    before = ratings[-2] if len(ratings) > 1 else None
    return newest == 1 or (before is not None and (newest == before == 2 or before - newest >= 3))
