"""When a question set is open to a group's people (domain section 2.6): around the first and last meeting, monthly, in and after a
block, half a year and a year after the last meeting.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sms_service.rules.timing import local

BASELINE_BEFORE = timedelta(days=14)
BASELINE_AFTER = timedelta(days=7)
ENDLINE_BEFORE = timedelta(days=4)
ENDLINE_AFTER = timedelta(days=14)
MONTH = timedelta(days=28)
BLOCK_LASTS = timedelta(days=10)
BLOCK_END_LASTS = timedelta(days=14)
HALF_YEAR_AFTER = timedelta(weeks=26)
YEAR_AFTER = timedelta(days=365)
LATER_LASTS = timedelta(days=28)
ASKED_AFTER_CLOSING = YEAR_AFTER + LATER_LASTS
"""No set is asked of a group that closed longer ago: a group closes when its last meeting is over, or later."""


@dataclass(frozen=True, slots=True)
class Course:
    """A group's meetings as they stand: the first and last start, and the starts of training blocks (aware UTC)."""

    first: datetime
    last: datetime
    blocks: Sequence[datetime] = ()


@dataclass(frozen=True, slots=True)
class Window:
    """``key`` names the moment (baseline, endline, monthly:3, block, half_year); open from ``opens`` and before ``closes``."""

    key: str
    opens: datetime
    closes: datetime


def open_window(when: Collection[str], course: Course, now: datetime) -> Window | None:
    """The window that is open now; of several the one named first in a group's life. None: nothing is asked now."""
    found = [window for window in _windows(course, now) if window.key.partition(":")[0] in when]
    return next((window for window in found if window.opens <= now < window.closes), None)


def _windows(course: Course, now: datetime) -> list[Window]:
    month = max((now - course.first) // MONTH, 0)
    return [
        Window("baseline", course.first - BASELINE_BEFORE, course.first + BASELINE_AFTER),
        *(Window(f"block:{start:%Y-%m-%d}", start, start + BLOCK_LASTS) for start in course.blocks),
        *(
            Window(f"block_end:{end:%Y-%m-%d}", end, end + BLOCK_END_LASTS)
            for end in (start + BLOCK_LASTS for start in course.blocks)
        ),
        Window("endline", course.last - ENDLINE_BEFORE, course.last + ENDLINE_AFTER),
        Window(f"monthly:{month}", course.first + month * MONTH, min(course.first + (month + 1) * MONTH, course.last + MONTH)),
        Window("half_year", course.last + HALF_YEAR_AFTER, course.last + HALF_YEAR_AFTER + LATER_LASTS),
        Window("year", course.last + YEAR_AFTER, course.last + YEAR_AFTER + LATER_LASTS),
    ]


def may_be_asked(last_asked: datetime | None, cap_days: int, now: datetime) -> bool:
    """Whether somebody who was last asked then may be asked again: ``cap_days`` local days later, at any hour."""
    return last_asked is None or (local(now).date() - local(last_asked).date()).days >= cap_days
