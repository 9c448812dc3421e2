"""Nights in a row on duty (S45). Dates: 2 March 2026 is a Monday; Rwanda is two hours ahead of UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms_service.rules.duty import MOST_NIGHTS, nights, too_many_nights
from sms_service.rules.timing import ZONE


def when(written: str) -> datetime:
    """A local time as UTC."""
    return datetime.fromisoformat(written).replace(tzinfo=ZONE).astimezone(UTC)


@pytest.mark.parametrize(
    ("turn", "covered"),
    [
        (("2026-03-02 08:00", "2026-03-02 18:00"), []),
        (("2026-03-02 08:00", "2026-03-03 08:00"), [2]),
        (("2026-03-02 18:00", "2026-03-03 02:00"), []),
        (("2026-03-02 18:00", "2026-03-03 02:01"), [2]),
        (("2026-03-02 01:30", "2026-03-02 09:00"), [1]),
        (("2026-03-02 02:30", "2026-03-02 09:00"), []),
        (("2026-03-02 08:00", "2026-03-05 08:00"), [2, 3, 4]),
    ],
)
def test_a_night_is_covered_at_two_in_the_morning(turn: tuple[str, str], covered: list[int]) -> None:
    """S45: local time, whatever the turn's hours."""
    assert nights([(when(turn[0]), when(turn[1]))]) == {date(2026, 3, day) for day in covered}


def test_turns_that_follow_each_other_make_one_run() -> None:
    """S45: five single nights are as long as five in one turn; a night off ends the run."""
    single = [(when(f"2026-03-0{day} 18:00"), when(f"2026-03-0{day + 1} 08:00")) for day in range(2, 7)]
    assert too_many_nights(single) == [(date(2026, 3, 2), 5)]
    assert too_many_nights(single[:4]) == []
    assert too_many_nights(single[:2] + single[3:]) == []


@given(st.sets(st.integers(0, 40)), st.integers(1, 6))
def test_runs_are_what_a_calendar_shows(days: set[int], most: int) -> None:
    start = datetime(2026, 3, 1, 18, tzinfo=ZONE)
    turns = [(start + timedelta(days=day), start + timedelta(days=day, hours=14)) for day in days]
    text = "".join("x" if day in days else "." for day in range(42))
    runs = [(place, len(run)) for place, run in _runs(text) if len(run) > most]
    assert [((first - date(2026, 3, 1)).days, length) for first, length in too_many_nights(turns, most)] == runs
    assert MOST_NIGHTS >= 1


def _runs(text: str) -> list[tuple[int, str]]:
    found, place = [], 0
    for part in text.split("."):
        if part:
            found.append((place, part))
        place += len(part) + 1
    return found
