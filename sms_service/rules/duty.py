"""How long one person may hold the duty phone, and when those who read hard texts are due a debrief (S45)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta

from sms_service.rules.timing import at_local, local

MOST_NIGHTS = 4
"""Nights in a row one person may be on duty; more is said on the rota."""
DEBRIEF_AFTER = 3
"""RED concerns taken on since the last debrief, after which one is due."""
DEBRIEF_WITHIN = timedelta(days=14)
"""Older ones are not counted: a debrief that late is for the supervisor to arrange anyway."""

_HEART_OF_NIGHT = time(2)


def nights(turns: Iterable[tuple[datetime, datetime]]) -> set[date]:
    """The nights (by the local date they begin on) that these turns of duty cover at two in the morning."""
    found: set[date] = set()
    for starts_at, ends_at in turns:
        day = local(starts_at).date() - timedelta(days=1)
        while (heart := at_local(day + timedelta(days=1), _HEART_OF_NIGHT)) < ends_at:
            if heart >= starts_at:
                found.add(day)
            day += timedelta(days=1)
    return found


def too_many_nights(turns: Iterable[tuple[datetime, datetime]], most: int = MOST_NIGHTS) -> list[tuple[date, int]]:
    """Every run of more than ``most`` nights in a row in one person's turns of duty (aware times): (first night, how many)."""
    runs: list[tuple[date, int]] = []
    covered = nights(turns)
    for first in sorted(covered):
        if first - timedelta(days=1) in covered:
            continue
        length = 1
        while first + timedelta(days=length) in covered:
            length += 1
        if length > most:
            runs.append((first, length))
    return runs
