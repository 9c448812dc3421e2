"""A group's calendar says what went, what will go and when, and why a text did not: as the outbox and the schedules have it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from sms_service.models import groups
from sms_service.models.pauses import pause_window
from sms_service.security.tokens import new_row_id
from sms_service.usecases.read_calendar import Day, Line, read_calendar
from sms_service.usecases.why_not import not_sent
from tests.service import Service
from tests.usecases.site import NOW, Site

FIRST_MEETING = date(2026, 5, 20)  # a Wednesday, 14:00


@pytest.fixture
def site(service: Service) -> Site:
    made = Site.build(service.context)
    made.group()
    return made


def shown(service: Service, first: date, weeks: int = 2) -> dict[date, Day]:
    with service.context.database.begin() as db:
        now = service.context.now(db)
        [row] = db.execute(groups.group.select()).all()
        return {one.day: one for one in read_calendar(db, row, first, weeks, now)}


def said(day: Day) -> list[tuple[str, str, str, int]]:
    return [(line.template, line.outcome, line.reason, line.phones) for line in day.lines if line.phones]


def minutes(line: Line) -> str:
    return (line.first + timedelta(hours=2)).strftime("%H:%M")


def test_a_reminder_is_shown_before_it_is_written_when_it_is_written_and_when_it_has_gone(service: Service, site: Site) -> None:
    """S39: planned by the rules for the phones of today, then the minute that is written, then what became of it."""
    site.person()
    service.work()
    service.text("+250788000001", "1")
    service.work()
    days = shown(service, date(2026, 5, 11))
    assert [one.no for one in days[FIRST_MEETING].meetings] == [1]
    before = {day: said(one) for day, one in days.items() if any(line.template == "V3" for line in one.lines)}
    assert before, "both reminders are foreseen"
    assert {line[1] for lines in before.values() for line in lines if line[0] == "V3"} <= {"planned", "leaves"}
    service.wait_until(NOW + timedelta(days=6))
    after = shown(service, date(2026, 5, 11))
    gone = [day for day, one in after.items() if ("V3", "went", "", 1) in said(one)]
    assert gone == [date(2026, 5, 18)]
    assert ("V3", "leaves", "", 1) in said(after[FIRST_MEETING])
    [morning] = [line for line in after[FIRST_MEETING].lines if line.template == "V3" and line.outcome == "leaves"]
    assert minutes(morning) == "08:00"


def test_a_text_that_did_not_go_says_why(service: Service, site: Site) -> None:
    """'Why did the reminder not go?': stopped people are counted under their reason, never named."""
    site.person()
    service.work()
    service.text("+250788000001", "1")
    service.work()
    service.wait_until(NOW + timedelta(days=4))
    service.text("+250788000001", "STOP")
    service.work()
    service.wait_until(NOW + timedelta(days=8))
    days = shown(service, date(2026, 5, 11))
    reasons = {line.reason for one in days.values() for line in one.lines if line.template == "V3" and line.outcome == "stayed"}
    assert reasons == {"stopped"}


def test_what_holds_texts_back_is_on_its_days(service: Service, site: Site) -> None:
    """8.5: pause windows, remembrance week and umuganda stand on the days they cover."""
    with service.context.database.begin() as db:
        values = {"first_day": date(2026, 5, 13), "last_day": date(2026, 5, 14), "behaviour": "block", "reason": "local"}
        db.execute(pause_window.insert().values(id=new_row_id(), created_at=NOW, **values))
    days = shown(service, date(2026, 5, 11), weeks=8)
    assert {day for day, one in days.items() if one.held == "block"} == {date(2026, 5, 13), date(2026, 5, 14)}
    assert {day for day, one in days.items() if one.held == "umuganda"} == {date(2026, 5, 30), date(2026, 6, 27)}
    remembered = shown(service, date(2027, 4, 5), weeks=2)
    assert [day.day for day, one in remembered.items() if one.held == "remembrance"] == [7, 8, 9, 10, 11, 12, 13]


def test_a_calendar_is_bounded(service: Service, site: Site) -> None:
    """I22: however many weeks are asked for, at most eight are read."""
    assert len(shown(service, date(2026, 5, 11), weeks=5000)) == 56


def test_who_was_not_reminded_is_named_by_code_with_the_reason(service: Service, site: Site) -> None:
    """S39, S31: what stayed behind by number and person, and those who were never written to."""
    stopped, silent, phoneless = site.person(), site.person(opted_in=False), site.person(phone="", phone_ownership="none")
    service.wait_until(NOW + timedelta(days=3))
    service.text("+250788000001", "STOP")
    service.work()
    site.person()
    service.wait_until(NOW + timedelta(days=8))
    with service.context.database.begin() as db:
        [row] = db.execute(groups.group.select()).all()
        found = not_sent(db, row.id, date(2026, 5, 18), service.context.now(db))
    said = {one.person_code: (one.template, one.state, one.reason) for one in found}
    assert said[stopped] == ("V3", "cancelled", "stopped")
    assert said[silent] == ("V3", "unwritten", "not_opted_in")
    assert said[phoneless] == ("V3", "unwritten", "no_phone")
    assert all(one.number_code.startswith("N") for one in found if one.state == "cancelled")
