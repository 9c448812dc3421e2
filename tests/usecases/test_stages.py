"""A cohort's calendar from its first day: the stages of the WMP curriculum that ships (domain section 2.3)."""

from __future__ import annotations

import tomllib
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from sms_service import clock, paths
from sms_service.models import groups
from sms_service.models.groups import curriculum, session_template
from sms_service.usecases.add_programmes import add_programmes
from sms_service.usecases.faults import UseFault
from sms_service.usecases.groups import change_group
from sms_service.usecases.move_meeting import cancel_meeting, move_meeting
from sms_service.usecases.pauses import add_pause
from sms_service.usecases.plan_meetings import plan_meetings
from sms_service.usecases.read_calendar import read_calendar
from tests.service import Service
from tests.usecases.site import Site

BLOCK_1 = date(2026, 5, 18)  # a Monday
WHOLE = (0, 14, 35, 56, 82, 112, 140, 270, 331)  # day 330 is in remembrance week
DAY = timedelta(days=1)


def shipped() -> dict[str, Any]:
    return tomllib.loads((paths.templates_dir() / "programmes" / "WMP.toml").read_text(encoding="utf-8"))


@pytest.fixture
def site(service: Service) -> Site:
    made = Site.build(service.context)
    add_programmes(service.context, [shipped()])
    made.group("G03", first_day=BLOCK_1, programme="WMP", start_time="10:00")
    return made


def days(site: Site) -> list[int]:
    """Each meeting's days after block 1 began."""
    return [(clock.local(row.starts_at).date() - BLOCK_1).days for row in site.meetings("G03")]


def test_a_cohort_s_calendar_is_made_from_its_first_day(site: Site) -> None:
    """2.3: block 1, plan, activities, block 2 in month 9, documentation; none on a Sunday or in a pause."""
    assert days(site) == list(WHOLE)
    add_pause(site.context, date(2026, 7, 1), date(2026, 8, 31), "block", "harvest", "command")
    assert days(site)[:3] == list(WHOLE[:3])
    assert [day for day in days(site) if date(2026, 7, 1) <= BLOCK_1 + day * DAY <= date(2026, 8, 31)] == []
    assert days(site)[6:] == list(WHOLE[6:])


def test_a_block_that_moves_leaves_the_others_where_they_are(site: Site) -> None:
    """2.3: month 9 does not move with block 1; only what it would run into is pushed on, and nothing into a block's days."""
    first, second, *_ = site.meetings("G03")
    move_meeting(site.context, first.id, first.starts_at + 3 * DAY, "command")
    assert days(site) == [3, *WHOLE[1:]]
    move_meeting(site.context, first.id, first.starts_at + 9 * DAY, "command")
    assert days(site) == [9, 16, *WHOLE[2:]], "block 1 lasts to day 15"
    with pytest.raises(UseFault, match="after the meeting before it"):
        move_meeting(site.context, second.id, first.starts_at + 15 * DAY, "command")
    add_pause(site.context, BLOCK_1 + 12 * DAY, BLOCK_1 + 12 * DAY, "block", "weather", "command")
    assert days(site)[0] == 14, "day 13 is a Sunday: a pause on one of its days moves the whole block"
    assert days(site)[2:] == list(WHOLE[2:])


def test_a_cancelled_stage_comes_a_week_later(site: Site) -> None:
    """2.2: no number is left out; the stages after it stay."""
    row = site.meetings("G03")[3]
    cancel_meeting(site.context, row.id, "command")
    assert days(site) == [*WHOLE[:3], 63, *WHOLE[4:]]


def test_each_day_of_a_block_is_on_the_calendar(site: Site) -> None:
    """Its days, those that began before the weeks shown too."""
    with site.context.database.begin() as db:
        group = groups.by_code(db, "G03")
        assert group is not None
        shown = read_calendar(db, group, BLOCK_1 + 5 * DAY, 2, site.context.now(db))
    on = [(one.day - BLOCK_1).days for one in shown for _ in one.meetings]
    assert on == [5, 6, 14]


def test_a_new_version_leaves_a_cohort_s_own_alone(site: Site) -> None:
    """Section 3: a curriculum in use is immutable; the next cohort takes the newest."""
    table = shipped()
    sessions = [{key: value for key, value in one.items() if key not in ("offset_days", "days")} for one in table["session"]]
    assert add_programmes(site.context, [{**table, "session": sessions}]) == [], "the version that exists is never changed"
    assert add_programmes(site.context, [{**table, "version": 3, "session": sessions}]) == ["WMP 3"]
    assert days(site) == list(WHOLE)
    site.group("G04", first_day=None, programme="WMP")
    plan_meetings(site.context, "G04", BLOCK_1, "command")
    assert {clock.local(row.starts_at).weekday() for row in site.meetings("G04")} == {2}, "without days it is a weekly chain"
    change_group(site.context, "G03", "command", state="paused", venue_code="V1")
    with site.context.database.begin() as db:
        ours = select(session_template.c.days).join(curriculum).where(curriculum.c.version == 2)
        assert sorted(db.execute(ours).scalars()) == [1] * 7 + [4, 7]
