"""When texts may leave and meetings may be held (S39, 8.5). Dates: 2026-03-02 is a Monday; Rwanda is two hours ahead
of UTC.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sms_service.rules.public_holidays import public_holidays
from sms_service.rules.safe_hours import NEVER, SafeHours, SafeHoursFault, intersect
from sms_service.rules.timing import (
    ZONE,
    Behaviour,
    PauseWindow,
    at_local,
    first_text_at,
    in_remembrance_week,
    is_umuganda,
    last_allowed_not_after,
    local,
    meeting_dates,
    needs_rewording,
    next_allowed,
    next_in_chain,
    reminder_times,
    stage_dates,
)
from sms_service.usecases import occurrences

ALWAYS = SafeHours.always()
PAUSE = PauseWindow(date(2026, 3, 10), date(2026, 3, 12), "block")


def when(written: str) -> datetime:
    """A local time as UTC."""
    return datetime.fromisoformat(written).replace(tzinfo=ZONE).astimezone(UTC)


def allowed_at(at: datetime, hours: SafeHours, pauses: list[PauseWindow], *, urgent: bool = False) -> bool:
    """Whether a scheduled text may leave in this very moment (S39)."""
    return next_allowed(at, hours, pauses, at + timedelta(microseconds=1), urgent=urgent) == at


@pytest.mark.parametrize(
    ("at", "allowed"),
    [
        ("2026-03-02 07:59", False),
        ("2026-03-02 08:00", True),
        ("2026-03-02 18:59:59", True),
        ("2026-03-02 19:00", False),
        ("2026-03-02 23:30", False),
        ("2026-03-01 12:59", False),
        ("2026-03-01 13:00", True),
        ("2026-03-28 12:59", False),
        ("2026-03-28 13:00", True),
        ("2026-03-21 08:00", True),
        ("2026-04-06 18:59", True),
        ("2026-04-07 13:00", False),
        ("2026-04-13 18:59", False),
        ("2026-04-14 08:00", True),
        ("2026-03-09 18:00", True),
        ("2026-03-10 08:00", False),
        ("2026-03-12 18:59", False),
        ("2026-03-13 08:00", True),
    ],
)
def test_allowed_minutes(at: str, allowed: bool) -> None:
    """S39: quiet hours, Sunday, umuganda, remembrance, a pause window."""
    assert allowed_at(when(at), ALWAYS, [PAUSE]) is allowed


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        allowed_at(when("2026-03-02 09:00").replace(tzinfo=None), ALWAYS, [])


@pytest.mark.parametrize(
    ("behaviour", "routine", "urgent", "reworded"),
    [("block", False, False, False), ("allow_urgent", False, True, False), ("reword", True, True, True)],
)
def test_what_each_pause_stops(behaviour: Behaviour, routine: bool, urgent: bool, reworded: bool) -> None:
    """8.5: block, reword, allow urgent."""
    pauses = [PauseWindow(date(2026, 3, 3), date(2026, 3, 3), behaviour, "G07")]
    at = when("2026-03-03 10:00")
    assert allowed_at(at, ALWAYS, pauses) is routine
    assert allowed_at(at, ALWAYS, pauses, urgent=True) is urgent
    assert needs_rewording(date(2026, 3, 3), pauses) is reworded
    assert not allowed_at(when("2026-04-08 10:00"), ALWAYS, [], urgent=True)


@pytest.mark.parametrize(
    ("day", "expected"),
    [("2026-04-13", False), ("2026-04-14", True), ("2026-07-03", True), ("2026-07-04", False), ("2026-01-01", False)],
)
def test_the_weeks_after_remembrance_change_the_wording(day: str, expected: bool) -> None:
    assert needs_rewording(date.fromisoformat(day), []) is expected


def test_the_calendar_s_own_days() -> None:
    assert [day for day in range(1, 31) if in_remembrance_week(date(2031, 4, day))] == list(range(7, 14))
    assert [day for day in range(1, 32) if is_umuganda(date(2026, 1, day))] == [31]
    assert [day for day in range(1, 29) if is_umuganda(date(2026, 2, day))] == [28]
    holidays = public_holidays(2026)
    assert "Genocide against the Tutsi" in holidays[date(2026, 4, 7)].replace("perpetrated ", "")
    assert date(2026, 8, 7) in holidays
    assert list(holidays) == sorted(holidays)


@pytest.mark.parametrize(
    ("at", "hours", "limit", "expected"),
    [
        ("2026-03-02 10:00:30", "", "2026-03-03 00:00", "2026-03-02 10:00:30"),
        ("2026-03-02 05:00", "", "2026-03-03 00:00", "2026-03-02 08:00"),
        ("2026-03-02 19:00", "", "2026-03-04 00:00", "2026-03-03 08:00"),
        ("2026-03-02 19:00", "", "2026-03-03 08:00", None),
        ("2026-03-07 19:00", "", "2026-03-09 00:00", "2026-03-08 13:00"),
        ("2026-03-09 19:00", "", "2026-03-20 00:00", "2026-03-13 08:00"),
        ("2026-04-06 19:00", "", "2026-04-20 00:00", "2026-04-14 08:00"),
        ("2026-03-02 10:00", "Wed 09:00-12:00;Sat 14:00-18:00", "2026-03-20 00:00", "2026-03-04 09:00"),
        ("2026-03-04 12:00", "Wed 09:00-12:00;Sat 14:00-18:00", "2026-03-20 00:00", "2026-03-07 14:00"),
        ("2026-03-02 10:00", "Mon 05:00-07:00", "2027-03-20 00:00", None),
        ("2026-03-02 10:00", NEVER, "2036-03-20 00:00", None),
    ],
)
def test_next_allowed(at: str, hours: str, limit: str, expected: str | None) -> None:
    """S39, I11: never at or after the limit."""
    found = next_allowed(when(at), SafeHours.parse(hours), [PAUSE], when(limit))
    assert found == (when(expected) if expected else None)


@pytest.mark.parametrize(
    ("at", "hours", "earliest", "expected"),
    [
        ("2026-03-03 10:00:30", "", "2026-03-01 00:00", "2026-03-03 10:00"),
        ("2026-03-03 22:00", "", "2026-03-01 00:00", "2026-03-03 18:59"),
        ("2026-03-03 07:59", "", "2026-03-01 00:00", "2026-03-02 18:59"),
        ("2026-03-08 12:00", "", "2026-03-01 00:00", "2026-03-07 18:59"),
        ("2026-03-13 07:00", "", "2026-03-01 00:00", "2026-03-09 18:59"),
        ("2026-03-13 07:00", "", "2026-03-09 18:59", "2026-03-09 18:59"),
        ("2026-03-13 07:00", "", "2026-03-09 19:00", None),
        ("2026-03-03 10:00", "Mon 09:00-12:00", "2026-03-01 00:00", "2026-03-02 11:59"),
        ("2026-03-03 10:00", NEVER, "2016-03-01 00:00", None),
    ],
)
def test_last_allowed(at: str, hours: str, earliest: str, expected: str | None) -> None:
    """S39."""
    found = last_allowed_not_after(when(at), SafeHours.parse(hours), [PAUSE], when(earliest))
    assert found == (when(expected) if expected else None)


@pytest.mark.parametrize(
    ("starts", "hours", "two_day", "morning"),
    [
        ("2026-03-04 14:00", "", "2026-03-02 14:00", "2026-03-04 08:00"),
        ("2026-03-04 10:00", "", "2026-03-02 10:00", "2026-03-04 08:00"),
        ("2026-03-04 09:59", "", "2026-03-02 09:59", "2026-03-03 17:00"),
        ("2026-03-04 07:00", "", "2026-03-01 18:59", "2026-03-03 17:00"),
        ("2026-03-09 09:00", "", "2026-03-07 09:00", "2026-03-08 17:00"),
        ("2026-03-08 15:00", "", "2026-03-06 15:00", "2026-03-08 13:00"),
        ("2026-03-08 14:00", "", "2026-03-06 14:00", "2026-03-07 17:00"),
        ("2026-03-10 10:00", "", "2026-03-07 18:59", "2026-03-10 08:00"),
        ("2026-03-30 14:00", "", "2026-03-28 14:00", "2026-03-30 08:00"),
        ("2026-03-30 12:00", "", "2026-03-27 18:59", "2026-03-30 08:00"),
        ("2026-04-14 10:00", "", "2026-04-06 18:59", "2026-04-14 08:00"),
        ("2026-04-14 09:00", "", "2026-04-06 18:59", None),
        ("2026-03-04 14:00", "Mon-Sun 12:30-13:30", "2026-03-02 13:29", "2026-03-03 13:29"),
        ("2026-03-04 14:00", "Mon 09:00-12:00", "2026-03-02 11:59", None),
        ("2026-03-04 14:00", NEVER, None, None),
    ],
)
def test_reminder_times(starts: str, hours: str, two_day: str | None, morning: str | None) -> None:
    """S39, last sentence."""
    expected = tuple(when(moment) if moment else None for moment in (two_day, morning))
    start, hours_read = when(starts), SafeHours.parse(hours)
    assert reminder_times(start, when("2026-02-01 09:00"), hours_read, []) == expected
    assert reminder_times(start, start, hours_read, []) == (None, None)


def test_a_phone_whose_only_minutes_lie_further_ahead_gets_no_first_text() -> None:
    """S39: three weeks early it says nothing; what ``reminder_times`` finds, the occurrence is early enough for."""
    start, hours = when("2026-03-25 14:00"), SafeHours.parse("Mon 09:00-12:00")
    blocked = PauseWindow(date(2026, 3, 15), date(2026, 3, 24), "block")
    assert reminder_times(start, when("2026-02-01 09:00"), hours, [blocked]) == (None, None)
    assert first_text_at(start, hours, [blocked]) is None
    assert first_text_at(start, hours, [PauseWindow(date(2026, 3, 17), date(2026, 3, 24), "block")]) == when("2026-03-16 11:59")


@settings(max_examples=150, deadline=None)
@given(start=st.integers(0, 2 * 365 * 1440).map(lambda n: when("2026-01-01") + timedelta(minutes=n)), hours=st.data())
def test_no_reminder_lies_before_its_occurrence_fires(start: datetime, hours: st.DataObject) -> None:
    """S39, I12: a moment further ahead than the lead would be past when the occurrence looks at the phone."""
    read = SafeHours.parse(hours.draw(HOURS))
    first = date.fromordinal(local(start).toordinal() - hours.draw(st.integers(0, 12)))
    pauses = [PauseWindow(first, first + timedelta(days=hours.draw(st.integers(0, 9))), "block")]
    two_day, morning = reminder_times(start, start - timedelta(days=60), read, pauses)
    assert two_day is None or two_day > start - occurrences.LEAD_TWO_DAY
    assert morning is None or morning > start - occurrences.LEAD_MORNING


def test_reminders_do_not_depend_on_when_they_are_planned() -> None:
    """I12: planning again later gives the same moments, less those past."""
    start = when("2026-03-04 14:00")
    assert reminder_times(start, when("2026-03-02 14:01"), ALWAYS, []) == (None, when("2026-03-04 08:00"))
    assert reminder_times(start, when("2026-03-04 08:01"), ALWAYS, []) == (None, None)


HOURS = st.sampled_from(["", "Mon-Fri 09:00-12:00;Sat 14:00-18:00", "Sun 06:00-13:30", "Tue,Thu 18:00-23:00", NEVER])
MOMENTS = st.integers(0, 2 * 365 * 86_400).map(lambda seconds: when("2026-01-01") + timedelta(seconds=seconds))


@settings(max_examples=150, deadline=None)
@given(start=MOMENTS, hours=HOURS)
def test_reminders_are_always_at_an_allowed_minute_before_the_meeting(start: datetime, hours: str) -> None:
    """S39, I11."""
    read = SafeHours.parse(hours)
    two_day, morning = reminder_times(start, start - timedelta(days=60), read, [PAUSE])
    for moment, lead in ((two_day, timedelta(hours=48)), (morning, timedelta(hours=2))):
        if moment is not None:
            assert moment <= start - lead
            assert allowed_at(moment, read, [PAUSE])
    assert two_day is None or morning is None or two_day < morning


@settings(max_examples=150, deadline=None)
@given(at=MOMENTS, hours=HOURS, days=st.integers(0, 30))
def test_next_and_last_agree_with_each_minute(at: datetime, hours: str, days: int) -> None:
    read = SafeHours.parse(hours)
    later = next_allowed(at, read, [PAUSE], at + timedelta(days=days))
    if later is not None:
        assert at <= later < at + timedelta(days=days)
        assert allowed_at(later, read, [PAUSE])
        assert later == at or not allowed_at(later - timedelta(minutes=1), read, [PAUSE])
    earlier = last_allowed_not_after(at, read, [PAUSE], at - timedelta(days=days))
    if earlier is not None:
        assert at - timedelta(days=days) <= earlier <= at
        assert allowed_at(earlier, read, [PAUSE])


@pytest.mark.parametrize(
    ("written", "again"),
    [
        ("", ""),
        ("  ", ""),
        ("never", "never"),
        ("Mon-Fri 09:00-12:00;Sat 14:00-18:00", "Mon-Fri 09:00-12:00;Sat 14:00-18:00"),
        ("mon 09:00-10:00; MON 10:00-11:00", "Mon 09:00-11:00"),
        ("Mon,Wed 09:00-10:00", "Mon 09:00-10:00;Wed 09:00-10:00"),
        ("Sat-Mon 09:00-10:00", "Mon 09:00-10:00;Sat-Sun 09:00-10:00"),
        ("Mon-Sun 08:00-19:00", ""),
        ("Mon 09:00 - 12:00", "Mon 09:00-12:00"),
        ("Tue 13:00-14:00;Tue 09:00-10:00", "Tue 09:00-10:00;Tue 13:00-14:00"),
    ],
)
def test_safe_hours_are_read_and_written(written: str, again: str) -> None:
    """S8."""
    read = SafeHours.parse(written)
    assert read.format() == again
    assert SafeHours.parse(again) == read


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("Mon", "part 1"),
        ("Mon 9-12", "expected 'Mon-Fri 09:00-12:00'"),
        ("Mon 09:00-12:00;;Tue 09:00-10:00", "part 2"),
        ("Mon 24:00-25:00", "outside 00:00-23:59"),
        ("Mon 09:60-12:00", "outside 00:00-23:59"),
        ("Mon 12:00-09:00", "ends before it starts"),
        ("Mon 09:00-09:00", "ends before it starts"),
        ("Moon 09:00-12:00", "unknown day"),
        ("Mon-Wed-Fri 09:00-12:00", "unknown day"),
        ("Mon,, 09:00-12:00", "unknown day"),
        ("Mon ٠٩:00-12:00", "part 1"),
        ("Mon 09:00-12:00;" * 100, "longer than"),
    ],
)
def test_unreadable_safe_hours_are_explained(written: str, says: str) -> None:
    with pytest.raises(SafeHoursFault, match=says):
        SafeHours.parse(written)


@settings(max_examples=100, deadline=None)
@given(written=st.text(max_size=60))
def test_any_words_are_read_or_refused(written: str) -> None:
    """I22."""
    try:
        again = SafeHours.parse(written).format()
    except SafeHoursFault:
        return
    assert SafeHours.parse(again).format() == again


def test_a_shared_number_has_the_hours_that_suit_everyone() -> None:
    """S9."""
    his, hers = SafeHours.parse("Mon-Fri 09:00-12:00"), SafeHours.parse("Mon 11:00-14:00;Tue 08:00-10:00")
    assert intersect([his, hers]).format() == "Mon 11:00-12:00;Tue 09:00-10:00"
    assert intersect([his, SafeHours.parse("Sun 09:00-12:00")]).format() == NEVER
    assert intersect([his, ALWAYS]) == his
    assert intersect([]) == ALWAYS


def test_meetings_shift_as_a_chain() -> None:
    """2.2: no number left out, none in remembrance week, in a pause or on umuganda morning."""
    starts = meeting_dates(date(2026, 3, 4), 2, time(14), 8, [PAUSE])
    days = [local(start).date() for start in starts]
    expected = ["03-04", "03-18", "03-25", "04-01", "04-15", "04-22", "04-29", "05-06"]
    assert [f"{day:%m-%d}" for day in days] == expected
    assert {local(start).time() for start in starts} == {time(14)}
    saturdays = meeting_dates(date(2026, 3, 16), 5, time(10), 3, [])
    assert [local(start).day for start in saturdays] == [21, 4, 18]
    afternoons = meeting_dates(date(2026, 3, 16), 5, time(13), 2, [])
    assert [local(start).day for start in afternoons] == [21, 28]


def test_the_next_meeting_is_strictly_later() -> None:
    assert next_in_chain(date(2026, 3, 4), 2, time(14), []) == when("2026-03-11 14:00")
    assert next_in_chain(date(2026, 3, 4), 2, time(14), [PAUSE]) == when("2026-03-18 14:00")
    endless = PauseWindow(date(2020, 1, 1), date(2040, 1, 1), "block")
    assert next_in_chain(date(2026, 3, 4), 2, time(14), [endless]) is None
    assert meeting_dates(date(2026, 3, 4), 2, time(14), 3, [endless]) == ()
    assert at_local(date(2026, 3, 4), time(14)) == datetime(2026, 3, 4, 12, tzinfo=UTC)


def test_stages_keep_their_days_whatever_puts_one_off() -> None:
    """2.3: no Sunday, no day of a block in a pause; what is put off moves nothing but what it would run into."""
    stages = [(0, 7), (8, 1), (14, 1), (21, 4)]
    free = stage_dates(date(2026, 3, 2), stages, time(10), [])
    assert [f"{local(start):%m-%d %H:%M}" for start in free] == ["03-02 10:00", "03-10 10:00", "03-16 10:00", "03-23 10:00"]
    late = stage_dates(date(2026, 3, 2), stages, time(10), [PauseWindow(date(2026, 3, 5), date(2026, 3, 5), "block")])
    assert [f"{local(start):%m-%d}" for start in late] == ["03-06", "03-13", "03-16", "03-23"]
    sunday = stage_dates(date(2026, 3, 1), stages[:2], time(10), [])
    assert [f"{local(start):%m-%d}" for start in sunday] == ["03-02", "03-09"]
    assert stage_dates(date(2026, 3, 2), stages, time(10), [PauseWindow(date(2020, 1, 1), date(2040, 1, 1), "block")]) == ()
