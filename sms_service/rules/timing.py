"""When a text may leave and when a meeting may be held: quiet hours, Sunday, umuganda, remembrance, pause windows
(S39, 8.5).

Instants go in and come out as aware UTC; what people agree on (dates, weekdays, clock times) is local,
Africa/Kigali. A minute is allowed when it lies in the day's hours, in the number's safe hours and in no pause; the
last allowed minute ends before the closing time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from sms_service.rules.safe_hours import DAY_END, DAY_START, SafeHours, Slots, overlap

ZONE = ZoneInfo("Africa/Kigali")
AFTERNOON = 13 * 60
"""Before this minute nothing leaves on a Sunday, and nothing leaves or meets on umuganda (the last Saturday of the
month).
"""
SEARCH_DAYS = 370
SUNDAY = 6
FIRST_TEXT_BEFORE = timedelta(hours=48)
FIRST_TEXT_WITHIN = timedelta(days=10)
"""A text about a meeting further ahead than this is forgotten by then: a phone without an allowed minute from here to
``FIRST_TEXT_BEFORE`` gets no first reminder, and staff are told so.
"""
MORNING_LEAD = timedelta(hours=2)
EVENING_BEFORE = time(17, 0)

Behaviour = Literal["block", "reword", "allow_urgent"]


@dataclass(frozen=True, slots=True)
class PauseWindow:
    """Local dates ``start`` to ``end``, both included, in which routine texts and meetings stop (``block``), only V4
    and other urgent texts leave (``allow_urgent``), or the wording changes (``reword``). ``scope`` names whom it
    covers (a group code, or empty for everyone); the caller hands in only the windows that apply.
    """

    start: date
    end: date
    behaviour: Behaviour
    scope: str = ""

    def covers(self, day: date) -> bool:
        """Whether the local date lies in the window."""
        return self.start <= day <= self.end


def local(at: datetime) -> datetime:
    """``at`` as the clock shows it in Rwanda; ValueError without a zone."""
    if at.tzinfo is None:
        raise ValueError("expected an aware datetime; instants are UTC")
    return at.astimezone(ZONE)


def at_local(day: date, clock: time) -> datetime:
    """The UTC instant of a local date and clock time."""
    return datetime.combine(day, clock, ZONE).astimezone(UTC)


def in_remembrance_week(day: date) -> bool:
    """7 to 13 April of every year: only what cannot wait is sent, and nobody meets."""
    return day.month == 4 and 7 <= day.day <= 13


def needs_rewording(day: date, pauses: Sequence[PauseWindow]) -> bool:
    """14 April to 3 July, and any ``reword`` window: no celebratory wording, and 114 in check-in answers."""
    return (4, 14) <= (day.month, day.day) <= (7, 3) or any(p.behaviour == "reword" and p.covers(day) for p in pauses)


def is_umuganda(day: date) -> bool:
    """The last Saturday of the month."""
    return day.weekday() == 5 and (day + timedelta(days=7)).month != day.month


def is_paused(day: date, pauses: Sequence[PauseWindow], *, urgent: bool = False) -> bool:
    """Whether texts stop on the local date. ``urgent`` (V4) passes ``allow_urgent`` windows and nothing else."""
    stopping = {"block"} if urgent else {"block", "allow_urgent"}
    return in_remembrance_week(day) or any(p.behaviour in stopping and p.covers(day) for p in pauses)


def _slots(day: date, hours: SafeHours, pauses: Sequence[PauseWindow], urgent: bool) -> Slots:
    if is_paused(day, pauses, urgent=urgent):
        return ()
    opening = AFTERNOON if day.weekday() == 6 or is_umuganda(day) else DAY_START
    return overlap(((opening, DAY_END),), hours.days[day.weekday()])


def _minute(day: date, minute: int) -> datetime:
    return at_local(day, time(minute // 60, minute % 60))


def next_allowed(
    at: datetime, hours: SafeHours, pauses: Sequence[PauseWindow], limit: datetime, *, urgent: bool = False
) -> datetime | None:
    """The first allowed instant from ``at`` on and before ``limit``; ``at`` itself when it is allowed. None: there is
    none (I22: at most SEARCH_DAYS are looked at).
    """
    day = local(at).date()
    for _ in range(SEARCH_DAYS):
        for start, end in _slots(day, hours, pauses, urgent):
            opens, closes = _minute(day, start), _minute(day, end)
            if at < closes:
                found = max(at, opens)
                return found if found < limit else None
        day += timedelta(days=1)
        if at_local(day, time()) >= limit:
            return None
    return None


def last_allowed_not_after(
    at: datetime, hours: SafeHours, pauses: Sequence[PauseWindow], earliest: datetime, *, urgent: bool = False
) -> datetime | None:
    """The last allowed whole minute at or before ``at`` and not before ``earliest``; None: there is none."""
    day = local(at).date()
    minute = timedelta(minutes=1)
    for _ in range(SEARCH_DAYS):
        for start, end in reversed(_slots(day, hours, pauses, urgent)):
            if _minute(day, start) <= at:
                found = min(at.replace(second=0, microsecond=0), _minute(day, end) - minute)
                return found if found >= earliest else None
        if at_local(day, time()) <= earliest:
            return None
        day -= timedelta(days=1)
    return None


def reminder_times(
    starts_at: datetime, now: datetime, hours: SafeHours, pauses: Sequence[PauseWindow]
) -> tuple[datetime | None, datetime | None]:
    """When the two reminders (V3) of a meeting leave: (two days before, the morning); None when that moment is past or
    absent.

    Two days: the last allowed minute not later than 48 h before, and within FIRST_TEXT_WITHIN. Morning: the first
    allowed minute of the meeting's day if at least 2 h before the start, else 17:00 the day before, else the last
    allowed minute before that, which lies later than 48 h before or is the two-day text itself (S39).
    The moments do not depend on ``now``, so planning twice plans the same occurrences (I12); when both fall
    together there is only the first.
    """
    two_day = first_text_at(starts_at, hours, pauses)
    day = local(starts_at).date()
    morning = next_allowed(at_local(day, time()), hours, pauses, starts_at - MORNING_LEAD + timedelta(microseconds=1))
    if morning is None:
        evening = at_local(day - timedelta(days=1), EVENING_BEFORE)
        morning = last_allowed_not_after(evening, hours, pauses, starts_at - FIRST_TEXT_BEFORE)
    if morning is not None and two_day is not None and morning <= two_day:
        morning = None
    return _still(two_day, now), _still(morning, now)


def first_text_at(starts_at: datetime, hours: SafeHours, pauses: Sequence[PauseWindow]) -> datetime | None:
    """The two-day reminder's minute whenever it is asked for; None: these hours and pauses leave none (S39)."""
    return last_allowed_not_after(starts_at - FIRST_TEXT_BEFORE, hours, pauses, starts_at - FIRST_TEXT_WITHIN)


def _still(moment: datetime | None, now: datetime) -> datetime | None:
    return moment if moment is not None and moment >= now else None


def may_meet(day: date, clock: time, pauses: Sequence[PauseWindow]) -> bool:
    """Whether a meeting may start then: not in remembrance week, not in a window that stops texts, not on umuganda
    morning.
    """
    return not is_paused(day, pauses) and not (is_umuganda(day) and clock < time(AFTERNOON // 60))


def next_in_chain(after: date, weekday: int, clock: time, pauses: Sequence[PauseWindow]) -> datetime | None:
    """The first start on ``weekday`` (0 = Monday) after the local date ``after`` that may be held; None within
    SEARCH_DAYS.
    """
    day = after + timedelta(days=(weekday - after.weekday() - 1) % 7 + 1)
    for _ in range(SEARCH_DAYS // 7):
        if may_meet(day, clock, pauses):
            return at_local(day, clock)
        day += timedelta(days=7)
    return None


def meeting_dates(first: date, weekday: int, clock: time, count: int, pauses: Sequence[PauseWindow]) -> tuple[datetime, ...]:
    """Weekly starts (UTC) for meetings 1 to ``count``, from the local date ``first`` on; weeks that may not be held
    shift the rest.

    The n-th instant is meeting n: no number is ever left out. To re-plan after a cancellation, call again with the
    remaining count from the next day. Shorter than ``count`` only if pauses close more than SEARCH_DAYS in a row.
    """
    starts: list[datetime] = []
    after = first - timedelta(days=1)
    for _ in range(count):
        start = next_in_chain(after, weekday, clock, pauses)
        if start is None:
            break
        starts.append(start)
        after = local(start).date()
    return tuple(starts)


def may_hold(day: date, clock: time, days: int, pauses: Sequence[PauseWindow]) -> bool:
    """Whether a meeting of ``days`` days in a row may start then: none of them in a window that stops texts."""
    return may_meet(day, clock, pauses) and not any(is_paused(day + timedelta(days=n), pauses) for n in range(1, days))


def stage_from(day: date, clock: time, days: int, pauses: Sequence[PauseWindow]) -> datetime | None:
    """The first start on or after the local ``day``, on no Sunday, of a stage of ``days`` days; None within SEARCH_DAYS."""
    for _ in range(SEARCH_DAYS):
        if day.weekday() != SUNDAY and may_hold(day, clock, days, pauses):
            return at_local(day, clock)
        day += timedelta(days=1)
    return None


def stage_dates(first: date, stages: Sequence[tuple[int, int]], clock: time, pauses: Sequence[PauseWindow]) -> tuple[datetime, ...]:
    """The start (UTC) of each stage, given as (days after ``first``, days it lasts): at its day or the first free one after.

    Stages are no chain: one that a pause puts off leaves the others at their days, unless it would run into them. Shorter than
    ``stages`` only if pauses close more than SEARCH_DAYS in a row.
    """
    starts: list[datetime] = []
    free = first
    for offset, days in stages:
        start = stage_from(max(first + timedelta(days=offset), free), clock, days, pauses)
        if start is None:
            break
        starts.append(start)
        free = local(start).date() + timedelta(days=days)
    return tuple(starts)
