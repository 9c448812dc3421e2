"""Campaigns: two people, their moments, once to each person, caps and order, pause and end (S3, S39, S40, I12)."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from sms_service import clock
from sms_service.models.outbox import outbox
from sms_service.models.people import contact_point
from sms_service.models.schedules import occurrence
from sms_service.usecases.campaigns import (
    NewCampaign,
    decide_campaign,
    end_campaign,
    pause_campaign,
    resume_campaign,
    view_campaign,
    write_campaign,
)
from sms_service.usecases.faults import UseFault
from sms_service.usecases.groups import change_group
from sms_service.usecases.move_meeting import move_meeting
from tests.service import Service
from tests.usecases.dialling import command
from tests.usecases.site import NOW, Site
from tests.usecases.test_broadcasts import TEXTS

DAY = timedelta(days=1)


@pytest.fixture
def site(service: Service) -> Site:
    made = Site.build(service.context)
    made.group(first_day=date(2026, 6, 3))
    made.staff("anne", "staff")
    made.staff("ben", "safeguarding")
    return made


def running(site: Site, anchor: str, **values: Any) -> str:
    """A campaign of G07 that anne wrote and ben approved; its code."""
    given = {"group_codes": ("G07",), **values}
    code = write_campaign(site.context, NewCampaign(TEXTS, anchor, **given), "anne")
    decide_campaign(site.context, code, "ben", approve=True)
    return code


def moments(site: Site, *states: str) -> list[str]:
    with site.context.database.begin() as db:
        query = select(occurrence).where(occurrence.c.kind == "campaign", occurrence.c.state.in_(states or ("pending",)))
        return [f"{clock.local(row.due_at):%m-%d %H:%M}" for row in db.execute(query.order_by(occurrence.c.due_at))]


def texts(site: Site) -> list[tuple[str, str | None]]:
    return [(row.state, row.reason) for row in site.texts(outbox.c.key.startswith("cp:"))]


def test_a_second_person_approves_and_every_wrong_field_is_named(site: Site) -> None:
    """S40, S1, S6, S7: author and another; the words are linted like a broadcast's."""
    with pytest.raises(UseFault) as caught:
        write_campaign(site.context, NewCampaign(TEXTS, "after_meeting", "C", part="x"), "anne")
    assert {fault.field for fault in caught.value.faults} == {"text_class", "part", "days", "meeting_no", "groups"}
    with pytest.raises(UseFault, match="no link"):
        write_campaign(
            site.context, NewCampaign({**TEXTS, "en": "Servas: see www.x.org"}, "closed", days=2, group_codes=["G07"]), "anne"
        )
    code = write_campaign(site.context, NewCampaign(TEXTS, "date", programme="CSG", on_day=date(2026, 5, 18)), "anne")
    with pytest.raises(UseFault, match="never its author"):
        decide_campaign(site.context, code, "anne", approve=True)
    assert moments(site) == []
    decide_campaign(site.context, code, "ben", approve=True)
    assert moments(site) == ["05-18 10:00"]


def test_a_text_on_a_day_goes_once_to_everyone_who_may_have_it(service: Service, site: Site) -> None:
    """I7, I12: the dry run's counts are what goes; a second campaign look or a rejoin sends nothing twice."""
    site.person()
    site.person(opted_in=False)
    site.person(phone="0788000900", phone_ownership="shared_partner")
    site.person(phone="0788000900", phone_ownership="shared_partner")
    code = running(site, "date", on_day=date(2026, 5, 15))
    with service.context.database.begin() as db:
        audience = view_campaign(service.context, db, code).audience
    assert (audience.recipients, audience.excluded) == (2, {"not_opted_in": 1})
    service.wait_until(NOW + 4 * DAY)
    assert texts(site) == [("accepted", None)] * 2
    assert moments(site, "fired") == ["05-15 10:00"]


def test_days_after_joining_reach_each_person_on_their_own_day(service: Service, site: Site) -> None:
    """Relative to enrolment: each at their moment, nobody twice, nobody who joined before it could be due."""
    site.person()
    running(site, "enrolled", days=2)
    service.wait_until(NOW + DAY)
    site.person()
    service.wait_until(NOW + 5 * DAY)
    assert moments(site, "fired") == ["05-15 10:00", "05-16 10:00"]
    assert texts(site) == [("accepted", None)] * 2


def test_days_after_closing_follow_the_group(service: Service, site: Site) -> None:
    site.person()
    running(site, "closed", days=3)
    change_group(site.context, "G07", "command", state="closed", venue_code="V1")
    service.wait_until(NOW + 5 * DAY)
    assert (moments(site, "fired"), texts(site)) == (["05-16 10:00"], [("accepted", None)])


def test_a_moved_meeting_takes_its_campaign_with_it(service: Service, site: Site) -> None:
    """I11: before meeting 1; moved before it fired, the text goes the same days before the new date, once."""
    site.person()
    running(site, "before_meeting", days=5, meeting_no=1)
    service.wait_until(NOW + 14 * DAY)
    assert moments(site) == ["05-29 10:00"]
    one = site.meetings()[0]
    move_meeting(site.context, one.id, one.starts_at + DAY, "command")
    service.wait_until(NOW + 20 * DAY)
    assert (moments(site, "fired"), texts(site)) == (["05-30 10:00"], [("accepted", None)])


def test_a_text_that_waits_goes_with_its_meeting_and_is_written_again_for_the_new_date(service: Service, site: Site) -> None:
    """I10, I11: it never says of a meeting what is no more; and who had nothing of it gets it once, before the new date."""
    site.person(safe_hours="Fri-Sat 15:00-16:00")
    code = running(site, "before_meeting", days=5, meeting_no=1)
    service.wait_until(NOW + 16 * DAY + timedelta(hours=3))
    assert texts(site) == [("queued", None)]
    one = site.meetings()[0]
    move_meeting(site.context, one.id, one.starts_at + DAY, "command")
    assert texts(site) == [("cancelled", "moved")]
    service.wait_until(NOW + 17 * DAY + timedelta(hours=3))
    assert sorted(texts(site)) == [("cancelled", "moved"), ("queued", None)]
    pause_campaign(site.context, code, "anne")
    one = site.meetings()[0]
    move_meeting(site.context, one.id, one.starts_at + 2 * DAY, "command")
    resume_campaign(site.context, code, "ben")
    assert {state for state, _ in texts(site)} == {"cancelled"}
    site.context.database.run(lambda db: db.execute(update(contact_point).values(safe_hours="")))
    service.wait_until(NOW + 20 * DAY)
    assert sorted(state for state, _ in texts(site)) == ["accepted", "cancelled", "cancelled"]


def test_a_text_before_a_meeting_never_leaves_after_its_start(service: Service, site: Site) -> None:
    """I11: a day before at 10:00, to a phone whose only hour comes after the start: it does not go, and says why."""
    site.person(safe_hours="Wed 16:00-17:00")
    running(site, "before_meeting", days=1, meeting_no=1)
    service.wait_until(NOW + 22 * DAY)
    [(state, _)] = texts(site)
    assert state == "suppressed"


def test_a_personal_text_goes_to_own_phones_with_consent_only(service: Service, site: Site) -> None:
    """S3, S16: class B; counted with their reasons beforehand, and asked again at the fence."""
    first = site.person(consents=("reminders", "checkins"))
    site.person()
    site.person(phone="0788000900", phone_ownership="shared_partner", consents=("reminders", "checkins"))
    code = running(site, "date", on_day=date(2026, 5, 15), text_class="B")
    with service.context.database.begin() as db:
        assert view_campaign(service.context, db, code).audience.excluded == {"not_own_phone": 1, "no_check_ins": 1}
    service.wait_until(NOW + DAY)
    assert texts(site) == []
    service.set_time(NOW + 2 * DAY - timedelta(hours=1))
    first_id = site.id_of(first)
    with service.context.database.begin() as db:
        db.execute(update(contact_point).where(contact_point.c.person_id == first_id).values(safe_hours="Fri 15:00-16:00"))
    service.wait_until(NOW + 2 * DAY + timedelta(hours=4))
    [row] = site.texts(outbox.c.key.startswith("cp:"))
    assert (row.state, row.template, row.text_class) == ("queued", "campaign_b", "B")
    with service.context.database.begin() as db:
        db.execute(update(contact_point).values(ownership="shared_other"))
    service.wait_until(NOW + 3 * DAY)
    assert texts(site) == [("suppressed", "class B goes to own phones only")]


def test_a_week_full_of_texts_kept_before_it_drops_it_with_its_reason(service: Service, site: Site) -> None:
    """S39: reminders and check-ins are kept before a campaign; what is dropped says so."""
    site.person()
    with service.context.database.begin() as db:
        db.execute(update(outbox).values(state="cancelled"))
    for day in (15, 16, 17, 18):
        running(site, "date", on_day=date(2026, 5, day))
    service.wait_until(NOW + 7 * DAY)
    found = texts(site)
    assert [state for state, _ in found] == ["accepted", "accepted", "accepted", "suppressed"]
    assert found[-1][1] in ("weekly cap reached", "weekly cap: the reminders go first")


def test_a_pause_holds_what_waits_and_an_end_ends_it(service: Service, site: Site) -> None:
    """Paused, nothing leaves; going on, what is of use waits again and goes once; ended, nothing more."""
    site.person(safe_hours="Fri 15:00-16:00")
    code = running(site, "date", on_day=date(2026, 5, 15))
    service.wait_until(NOW + 2 * DAY + timedelta(hours=4))
    pause_campaign(site.context, code, "anne")
    assert texts(site) == [("cancelled", "campaign paused")]
    resume_campaign(site.context, code, "ben")
    service.wait_until(NOW + 3 * DAY)
    assert texts(site) == [("accepted", None)]
    later = running(site, "date", on_day=date(2026, 5, 18))
    pause_campaign(site.context, later, "anne")
    service.wait_until(NOW + 4 * DAY)
    assert (moments(site), moments(site, "cancelled")) == ([], ["05-18 10:00"])
    resume_campaign(site.context, later, "anne")
    assert moments(site) == ["05-18 10:00"]
    end_campaign(site.context, later, "anne")
    service.wait_until(NOW + 7 * DAY)
    assert len(texts(site)) == 1
    with pytest.raises(UseFault, match="state"):
        resume_campaign(site.context, later, "anne")


def test_the_command_lists_them_without_words_or_people(service: Service, site: Site, tmp_path: Path) -> None:
    """Codes and counts only (S31)."""
    code = running(site, "after_meeting", days=2, meeting_no=3)
    told = json.loads(command(service, tmp_path, "campaign", "list", "--json").stdout)
    assert (told["code"], told["state"], told["approver"], told["texts"]) == (code, "running", "Sben", {})
    assert "Servas" not in json.dumps(told)
    assert f"{code}  running  class A  2 days after_meeting 3" in command(service, tmp_path, "campaign", "list").stdout
