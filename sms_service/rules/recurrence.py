"""Recurring moments as RFC 5545 rules: read, refused when unbounded or nonsense, and counted on the clock of their zone.

What people agree on is a wall clock ("Tuesdays at 10"), so the rule runs on local time and only the result becomes an instant;
an hour that a zone skips or repeats does not move the others. A check-in comes once a week at most (S39): no rule here is denser.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from itertools import islice
from typing import Literal
from zoneinfo import ZoneInfo

from dateutil import rrule

Every = Literal["week", "two_weeks", "month"]
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
NTH = (1, 2, 3, 4, -1)
MOST_WEEKS, MOST_MONTHS = 8, 6
LONGEST = 120

_BY_DAY = re.compile(r"(-1|[1-4])?(MO|TU|WE|TH|FR|SA|SU)", re.ASCII)


class RuleFault(ValueError):
    """A rule that is not kept. ``field`` is the part of the rule that is wrong, ``expected`` what may stand there."""

    def __init__(self, field: str, expected: str) -> None:
        super().__init__(f"{field}: {expected}")
        self.field, self.expected = field, expected


@dataclass(frozen=True, slots=True)
class Recurrence:
    """Every ``interval`` weeks on ``weekday`` (0 = Monday), or with ``nth`` (1 to 4, -1 the last) that weekday of every so many
    months.
    """

    weekday: int
    interval: int = 1
    nth: int | None = None

    @property
    def text(self) -> str:
        """The rule as RFC 5545 writes it, always the same way."""
        frequency = "WEEKLY" if self.nth is None else "MONTHLY"
        interval = f"INTERVAL={self.interval};" if self.interval > 1 else ""
        return f"FREQ={frequency};{interval}BYDAY={self.nth or ''}{DAYS[self.weekday]}"

    @property
    def every(self) -> Every | None:
        """Which choice of the form it is; None for one that no form makes."""
        if self.nth is not None:
            return "month" if self.interval == 1 else None
        return "week" if self.interval == 1 else "two_weeks" if self.interval == 2 else None


def chosen(every: Every, weekday: int, nth: int = 1) -> Recurrence:
    """The rule of a form's choices; raises ``RuleFault``."""
    return read_rule(Recurrence(weekday % 7, 2 if every == "two_weeks" else 1, nth if every == "month" else None).text)


def read_rule(text: str) -> Recurrence:
    """The rule that ``text`` holds; raises ``RuleFault`` naming the part that is wrong."""
    if len(text) > LONGEST:
        raise RuleFault("RRULE", f"at most {LONGEST} characters")
    parts: dict[str, str] = {}
    for part in text.strip().removeprefix("RRULE:").upper().split(";"):
        name, found, value = part.partition("=")
        if not found or name in parts or name not in ("FREQ", "INTERVAL", "BYDAY"):
            raise RuleFault(name[:20] or "RRULE", "FREQ, INTERVAL and BYDAY, each once, as NAME=VALUE")
        parts[name] = value
    if parts.get("FREQ") not in ("WEEKLY", "MONTHLY"):
        raise RuleFault("FREQ", "WEEKLY or MONTHLY: people are asked once a week at most")
    monthly = parts["FREQ"] == "MONTHLY"
    interval, most = parts.get("INTERVAL", "1"), MOST_MONTHS if monthly else MOST_WEEKS
    if not (interval.isascii() and interval.isdigit() and len(interval) < 3 and 1 <= int(interval) <= most):
        raise RuleFault("INTERVAL", f"a whole number from 1 to {most}")
    day = _BY_DAY.fullmatch(parts.get("BYDAY", ""))
    if day is None or monthly != bool(day.group(1)):
        raise RuleFault("BYDAY", "one day: TU each week, or 1TU to 4TU or -1TU each month")
    return Recurrence(DAYS.index(day.group(2)), int(interval), int(day.group(1)) if monthly else None)


def moments(rule: Recurrence, start: date, at: time, zone: str, after: datetime) -> Iterator[datetime]:
    """The rule's moments (aware UTC) from the instant ``after`` on, counted from the local day ``start``; without end."""
    where = ZoneInfo(zone)
    by_day = rrule.weekday(rule.weekday) if rule.nth is None else rrule.weekday(rule.weekday, rule.nth)
    series = rrule.rrule(
        rrule.WEEKLY if rule.nth is None else rrule.MONTHLY,
        dtstart=datetime.combine(start, at),
        interval=rule.interval,
        byweekday=by_day,
        wkst=rrule.MO,
    )
    for wall in series.xafter(after.astimezone(where).replace(tzinfo=None), inc=True):
        yield wall.replace(tzinfo=where).astimezone(UTC)


def next_moment(rule: Recurrence, start: date, at: time, zone: str, after: datetime) -> datetime:
    """The first moment at or after ``after``."""
    return next(moments(rule, start, at, zone, after))


def coming(rule: Recurrence, start: date, at: time, zone: str, after: datetime, count: int) -> Sequence[datetime]:
    """The next ``count`` moments from ``after`` on."""
    return list(islice(moments(rule, start, at, zone, after), count))
