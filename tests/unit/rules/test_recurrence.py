"""Rules of recurrence: what a form makes, what is refused and which part is named, and moments on the wall clock of a zone."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms_service.rules.recurrence import NTH, Every, RuleFault, chosen, coming, next_moment, read_rule

NOW = datetime(2026, 5, 13, 7, 0, tzinfo=UTC)  # a Wednesday, 09:00 in Kigali
KIGALI = "Africa/Kigali"


@pytest.mark.parametrize(
    ("every", "weekday", "nth", "text", "days"),
    [
        ("week", 3, 1, "FREQ=WEEKLY;BYDAY=TH", ["05-14", "05-21", "05-28"]),
        ("two_weeks", 3, 1, "FREQ=WEEKLY;INTERVAL=2;BYDAY=TH", ["05-14", "05-28", "06-11"]),
        ("month", 1, 1, "FREQ=MONTHLY;BYDAY=1TU", ["06-02", "07-07", "08-04"]),
        ("month", 4, -1, "FREQ=MONTHLY;BYDAY=-1FR", ["05-29", "06-26", "07-31"]),
    ],
)
def test_a_forms_choices_are_a_rule_and_its_days(every: Every, weekday: int, nth: int, text: str, days: list[str]) -> None:
    """S39: at most one a week; the rule is RFC 5545 and reads back as itself."""
    rule = chosen(every, weekday, nth)
    assert (rule.text, read_rule(rule.text), rule.every) == (text, rule, every)
    found = coming(rule, date(2026, 5, 14), time(10), KIGALI, NOW, 3)
    assert [f"{one.astimezone(ZoneInfo(KIGALI)):%m-%d}" for one in found] == days
    assert {f"{one:%H:%M}" for one in found} == {"08:00"}


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("FREQ=SECONDLY;BYDAY=TU", "FREQ"),
        ("FREQ=DAILY", "FREQ"),
        ("BYDAY=TU", "FREQ"),
        ("FREQ=WEEKLY", "BYDAY"),
        ("FREQ=WEEKLY;BYDAY=TU,WE", "BYDAY"),
        ("FREQ=WEEKLY;BYDAY=1TU", "BYDAY"),
        ("FREQ=MONTHLY;BYDAY=TU", "BYDAY"),
        ("FREQ=MONTHLY;BYDAY=5TU", "BYDAY"),
        ("FREQ=WEEKLY;INTERVAL=0;BYDAY=TU", "INTERVAL"),
        ("FREQ=WEEKLY;INTERVAL=9;BYDAY=TU", "INTERVAL"),
        ("FREQ=WEEKLY;INTERVAL=१;BYDAY=TU", "INTERVAL"),
        ("FREQ=WEEKLY;BYDAY=TU;BYSECOND=1", "BYSECOND"),
        ("FREQ=WEEKLY;BYDAY=TU;BYDAY=WE", "BYDAY"),
        ("FREQ=WEEKLY;BYDAY=TU;", "RRULE"),
        ("Tuesday", "TUESDAY"),
        ("X" * 500, "RRULE"),
    ],
)
def test_nonsense_and_dense_rules_are_refused_with_the_part_named(text: str, part: str) -> None:
    """I22: no rule runs without bound, and none is denser than a week."""
    with pytest.raises(RuleFault) as caught:
        read_rule(text)
    assert caught.value.field == part


def test_the_wall_clock_stands_when_a_zone_changes_its_hour() -> None:
    """Local time and zone are what is stored: 10:00 stays 10:00 over the end of summer time."""
    found = coming(chosen("week", 6), date(2026, 10, 18), time(10), "Europe/Brussels", datetime(2026, 10, 18, tzinfo=UTC), 2)
    assert [f"{one:%m-%d %H:%M}" for one in found] == ["10-18 08:00", "10-25 09:00"]


@given(
    every=st.sampled_from(["week", "two_weeks", "month"]),
    weekday=st.integers(0, 6),
    nth=st.sampled_from(NTH),
    days=st.integers(0, 4000),
)
def test_the_next_is_the_first_of_those_that_come_and_never_less_than_a_week_apart(
    every: Every, weekday: int, nth: int, days: int
) -> None:
    """S39, I12: counting only the next from the last gives the same moments as counting them all."""
    rule = chosen(every, weekday, nth)
    start = date.fromordinal(date(2026, 1, 1).toordinal() + days)
    after = datetime.combine(start, time(), UTC)
    found = coming(rule, start, time(10), KIGALI, after, 4)
    assert min(later - one for one, later in itertools.pairwise(found)).days >= 7
    one_by_one = [found[0]]
    for _ in range(3):
        one_by_one.append(next_moment(rule, start, time(10), KIGALI, one_by_one[-1].replace(minute=1)))
    assert one_by_one == list(found)
