"""When a question set is open, who may be asked again, and whom a mediator may be offered to (domain section 2.6, S29)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sms_service.rules.mediation import is_mediation, may_offer_mediation
from sms_service.rules.question_sets import Course, may_be_asked, open_window

FIRST = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
LAST = FIRST + timedelta(weeks=14)
COURSE = Course(FIRST, LAST, (FIRST, FIRST + timedelta(weeks=30)))
DAY = timedelta(days=1)

ROWS = (
    ("long before", ("baseline", "endline", "monthly"), FIRST - 15 * DAY, None),
    ("two weeks before", ("baseline",), FIRST - 14 * DAY, "baseline"),
    ("just before a week after", ("baseline",), FIRST + 7 * DAY - timedelta(seconds=1), "baseline"),
    ("a week after", ("baseline",), FIRST + 7 * DAY, None),
    ("between", ("baseline", "endline"), FIRST + 40 * DAY, None),
    ("closing week", ("baseline", "endline"), LAST - 4 * DAY, "endline"),
    ("two weeks after the last", ("endline",), LAST + 14 * DAY, None),
    ("before the first there is no month", ("monthly",), FIRST - DAY, None),
    ("first month", ("monthly",), FIRST, "monthly:0"),
    ("third month", ("monthly",), FIRST + 56 * DAY, "monthly:2"),
    ("months end with the meetings", ("monthly",), LAST + 28 * DAY, None),
    ("a day of the block", ("block",), FIRST + 9 * DAY, "block:2026-11-18"),
    ("after the block", ("block",), FIRST + 10 * DAY, None),
    ("the second block", ("block",), FIRST + timedelta(weeks=30, days=1), "block:2027-06-16"),
    ("not yet after the block", ("block_end",), FIRST + 10 * DAY - timedelta(seconds=1), None),
    ("just after the block", ("block", "block_end"), FIRST + 10 * DAY, "block_end:2026-11-28"),
    ("long after the block", ("block_end",), FIRST + 24 * DAY, None),
    ("after the second block", ("block_end",), FIRST + timedelta(weeks=32), "block_end:2027-06-26"),
    ("just before half a year", ("endline", "half_year", "year"), LAST + 182 * DAY - timedelta(seconds=1), None),
    ("half a year after", ("endline", "half_year", "year"), LAST + 182 * DAY, "half_year"),
    ("four weeks later", ("half_year", "year"), LAST + 210 * DAY, None),
    ("a year after", ("half_year", "year"), LAST + 365 * DAY, "year"),
    ("a year and four weeks after", ("half_year", "year"), LAST + 393 * DAY, None),
    ("of several the first in the group's life", ("monthly", "baseline"), FIRST + DAY, "baseline"),
)


@pytest.mark.parametrize(("_what", "when", "now", "key"), ROWS, ids=[row[0] for row in ROWS])
def test_a_set_is_open_in_its_window_only(_what: str, when: tuple[str, ...], now: datetime, key: str | None) -> None:
    """Domain section 2.6: baseline in week 0, endline in the closing week, monthly, the days of a block."""
    found = open_window(when, COURSE, now)
    assert (found.key if found else None) == key
    assert found is None or found.opens <= now < found.closes


def test_nobody_is_asked_twice_within_the_cap_and_days_are_local() -> None:
    """A daily question is asked again the next day at any hour; Kigali's days count, not those of UTC."""
    evening = datetime(2026, 11, 18, 17, 0, tzinfo=UTC)
    assert may_be_asked(None, 28, evening)
    assert not may_be_asked(evening, 1, evening + timedelta(hours=4))
    assert may_be_asked(evening, 1, evening + timedelta(hours=5))  # past midnight in Kigali, 22:00 UTC
    assert not may_be_asked(evening, 28, evening + 27 * DAY)
    assert may_be_asked(evening, 28, evening + 28 * DAY)


MEDIATORS = (
    ("legal", "Abunzi of the sector", True),
    ("mediation", "Office", True),
    ("other", "Inama y'umuryango", True),
    ("other", "Conseil de famille", True),
    ("support", "Family council", True),
    ("legal", "Médiation communautaire", True),
    ("other", "Baraza la usuluhishi", True),
    ("health", "District hospital", False),
    ("legal", "Legal Aid Forum", False),
    ("protection", "Isange One Stop Centre", False),
)


@pytest.mark.parametrize(("kind", "name", "is_one"), MEDIATORS, ids=[name for _, name, _ in MEDIATORS])
def test_a_mediator_is_known_by_kind_or_name(kind: str, name: str, is_one: bool) -> None:
    """S29: whatever an entry was filed under."""
    assert is_mediation(kind, name) is is_one


@pytest.mark.parametrize("severity", ["red", "amber", "call", "task"])
@pytest.mark.parametrize("topic", [None, "health", "family", "legal", "talk", "other"])
def test_a_mediator_is_offered_for_law_and_land_only(severity: str, topic: str | None) -> None:
    """S29: behind any other topic, and behind everything grave, there may be violence."""
    assert may_offer_mediation(severity, topic) is (severity in ("call", "task") and topic == "legal")
