"""Check-ins by a rule: the clock makes each moment once, only of running groups; a change takes back what nobody was asked yet."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text, update

from sms_service import clock, schema
from sms_service.database import Database
from sms_service.models import groups
from sms_service.models.recurrences import recurrence
from sms_service.models.schedules import occurrence
from sms_service.usecases.check_ins import check_ins_of, set_check_ins
from sms_service.usecases.context import Context
from sms_service.usecases.faults import UseFault
from sms_service.usecases.groups import change_group
from sms_service.usecases.tick import run_schedules
from tests.usecases.site import NOW, Site

DAY = timedelta(days=1)


@pytest.fixture
def site(context: Context) -> Site:
    made = Site.build(context)
    made.group()
    return made


def planned(site: Site, *states: str) -> list[str]:
    with site.context.database.begin() as db:
        query = select(occurrence).where(occurrence.c.kind == "check_in", occurrence.c.state.in_(states or ("pending",)))
        return [f"{clock.local(row.due_at):%m-%d %H:%M}" for row in db.execute(query.order_by(occurrence.c.due_at))]


def test_each_moment_becomes_one_occurrence_and_only_the_next_is_counted(site: Site) -> None:
    """I12: every second Thursday; looked at twice a day for six weeks, four moments, each once."""
    set_check_ins(site.context, "G07", "FREQ=WEEKLY;INTERVAL=2;BYDAY=TH", "command")
    for half in range(84):
        site.at(NOW + half * DAY / 2)
        run_schedules(site.context)
    assert planned(site, "fired") == ["05-14 10:00", "05-28 10:00", "06-11 10:00"]
    assert planned(site) == ["06-25 10:00"]


def test_after_a_time_without_a_clock_the_newest_that_is_of_use_is_asked_and_the_others_are_missed(site: Site) -> None:
    """F38: once each; what expired is listed as missed, never sent late."""
    set_check_ins(site.context, "G07", "FREQ=WEEKLY;BYDAY=TH", "command")
    run_schedules(site.context)
    site.at(datetime(2026, 6, 4, 12, 0, tzinfo=UTC))
    run_schedules(site.context)
    assert planned(site, "missed") == ["05-14 10:00", "05-21 10:00", "05-28 10:00"]
    assert planned(site, "fired") == ["06-04 10:00"]


def test_a_group_that_did_not_run_is_asked_nothing_about_the_time_between(site: Site) -> None:
    set_check_ins(site.context, "G07", "FREQ=WEEKLY;BYDAY=TH", "command")
    change_group(site.context, "G07", "command", state="paused", venue_code="V1")
    site.at(NOW + 30 * DAY)
    run_schedules(site.context)
    change_group(site.context, "G07", "command", state="running", venue_code="V1")
    run_schedules(site.context)
    assert (planned(site, "missed", "fired"), planned(site)) == ([], ["06-18 10:00"])


def test_a_changed_rule_takes_back_what_was_planned_and_there_and_back_plans_it_again(site: Site) -> None:
    """I12: a cancelled moment that the rule has again is due again, once."""
    for rule, days in (
        ("FREQ=WEEKLY;BYDAY=TH", ["05-14 10:00"]),
        ("FREQ=WEEKLY;BYDAY=FR", ["05-15 10:00"]),
        ("FREQ=WEEKLY;BYDAY=TH", ["05-14 10:00"]),
        ("", []),
    ):
        set_check_ins(site.context, "G07", rule, "command")
        run_schedules(site.context)
        assert planned(site) == days
    with pytest.raises(UseFault, match="FREQ"):
        set_check_ins(site.context, "G07", "FREQ=SECONDLY;BYDAY=TH", "command")


def test_the_next_five_dates_say_which_lie_in_a_pause(site: Site) -> None:
    """Domain 8.5: remembrance week is never asked about."""
    site.at(datetime(2027, 3, 30, 7, 0, tzinfo=UTC))
    set_check_ins(site.context, "G07", "FREQ=WEEKLY;BYDAY=TH", "command")
    with site.context.database.begin() as db:
        [row] = db.execute(groups.group.select()).all()
        found = check_ins_of(db, row.id, site.context.now(db)).next
    assert [(f"{clock.local(at):%m-%d}", paused) for at, paused in found] == [
        ("04-01", False),
        ("04-08", True),
        ("04-15", False),
        ("04-22", False),
        ("04-29", False),
    ]


def test_a_weekly_day_of_an_earlier_release_becomes_a_rule(site: Site, database: Database) -> None:
    """I24: up with data, down again, and the release before still finds the day."""
    schema.downgrade(database, "0021")
    with database.begin() as db:
        db.execute(text("UPDATE peace_group SET check_in_weekday = 3"))
    schema.migrate(database)
    with database.begin() as db:
        row = db.execute(select(recurrence)).one()
        assert (row.rule, row.zone, row.clock_time, row.starts_on.weekday()) == (
            "FREQ=WEEKLY;BYDAY=TH",
            "Africa/Kigali",
            "10:00",
            3,
        )
        assert clock.local(row.next_due_at).strftime("%a %H:%M") == "Thu 10:00"
        db.execute(update(groups.group).values(check_in_weekday=None))
    set_check_ins(site.context, "G07", "FREQ=WEEKLY;BYDAY=SU", "command")
    schema.downgrade(database, "0021")
    with database.begin() as db:
        assert db.execute(text("SELECT check_in_weekday FROM peace_group")).scalar_one() == 6
