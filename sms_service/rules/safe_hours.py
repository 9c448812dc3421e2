"""When a person's phone may be reached: ``Mon-Fri 09:00-12:00;Sat 14:00-18:00``, in local time, within the quiet-hours
day (S8, S39).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
DAY_START = 8 * 60
DAY_END = 19 * 60
NEVER = "never"
LONGEST = 400

Slots = tuple[tuple[int, int], ...]
"""Ranges of minutes of one day, [start, end), in order and not touching."""

_PART = re.compile(r"([A-Za-z,\- ]{3,40}) ([0-9]{2}):([0-9]{2}) ?- ?([0-9]{2}):([0-9]{2})", re.ASCII)


class SafeHoursFault(ValueError):
    """Safe hours that cannot be read; the message says which part, and what was expected."""


@dataclass(frozen=True, slots=True)
class SafeHours:
    """Allowed ranges for Monday to Sunday, in minutes of the local day."""

    days: tuple[Slots, Slots, Slots, Slots, Slots, Slots, Slots]

    @classmethod
    def always(cls) -> SafeHours:
        """The whole quiet-hours day, 08:00-19:00, every day."""
        return _hours([[(DAY_START, DAY_END)] for _ in DAYS])

    @classmethod
    def parse(cls, written: str) -> SafeHours:
        """Read the form above; parts are joined by ``;``, days by ``,`` or ``-``; empty is always, ``never`` is never.

        Raises SafeHoursFault, also for ranges that end before they start or go past midnight.
        """
        written = written.strip()
        if not written:
            return cls.always()
        if written.lower() == NEVER:
            return _hours([[] for _ in DAYS])
        if len(written) > LONGEST:
            raise SafeHoursFault(f"safe hours: longer than {LONGEST} characters; write fewer ranges")
        days: list[list[tuple[int, int]]] = [[] for _ in DAYS]
        for place, part in enumerate(written.split(";"), 1):
            found = _PART.fullmatch(part.strip())
            if not found:
                raise SafeHoursFault(f"safe hours: part {place} cannot be read; expected 'Mon-Fri 09:00-12:00'")
            start, end = _minutes(found[2], found[3], place), _minutes(found[4], found[5], place)
            if start >= end:
                raise SafeHoursFault(f"safe hours: part {place} ends before it starts; write the earlier time first")
            for day in _days(found[1], place):
                days[day].append((start, end))
        return _hours(days)

    def format(self) -> str:
        """The written form; ``parse`` gives the same hours back. Empty when always, ``never`` when no minute is
        allowed.
        """
        if self == SafeHours.always():
            return ""
        parts: list[str] = []
        day = 0
        while day < 7:
            last = day
            while last < 6 and self.days[last + 1] == self.days[day]:
                last += 1
            name = DAYS[day] if last == day else f"{DAYS[day]}-{DAYS[last]}"
            parts += [f"{name} {_clock(start)}-{_clock(end)}" for start, end in self.days[day]]
            day = last + 1
        return ";".join(parts) or NEVER


def intersect(all_hours: Sequence[SafeHours]) -> SafeHours:
    """What suits everyone who shares a number; of nobody, always (S9)."""
    common = SafeHours.always()
    for hours in all_hours:
        common = _hours([list(overlap(left, right)) for left, right in zip(common.days, hours.days, strict=True)])
    return common


def overlap(left: Slots, right: Slots) -> Slots:
    """The minutes in both."""
    both = ((max(a, c), min(b, d)) for a, b in left for c, d in right)
    return tuple(sorted((start, end) for start, end in both if start < end))


def _hours(days: Sequence[list[tuple[int, int]]]) -> SafeHours:
    mon, tue, wed, thu, fri, sat, sun = (_joined(ranges) for ranges in days)
    return SafeHours((mon, tue, wed, thu, fri, sat, sun))


def _joined(ranges: list[tuple[int, int]]) -> Slots:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)


def _minutes(hour: str, minute: str, place: int) -> int:
    if int(hour) > 23 or int(minute) > 59:
        raise SafeHoursFault(f"safe hours: part {place} has a time outside 00:00-23:59")
    return int(hour) * 60 + int(minute)


def _days(written: str, place: int) -> list[int]:
    chosen: list[int] = []
    for piece in written.split(","):
        ends = [end.strip().capitalize() for end in piece.split("-")]
        if not 1 <= len(ends) <= 2 or any(end not in DAYS for end in ends):
            raise SafeHoursFault(f"safe hours: part {place} names an unknown day; expected {', '.join(DAYS)}")
        first, last = DAYS.index(ends[0]), DAYS.index(ends[-1])
        chosen += [(first + step) % 7 for step in range((last - first) % 7 + 1)]
    return chosen


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
