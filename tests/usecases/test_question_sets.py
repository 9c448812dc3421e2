"""Question sets in the database: who is due, what goes by text and once only, and that nothing is asked on a paused day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from sms_service import clock
from sms_service.models import audit, people
from sms_service.models.dialogues import dialogue
from sms_service.models.numbers import number
from sms_service.models.outbox import outbox
from sms_service.models.people import contact_point
from sms_service.models.schedules import occurrence
from sms_service.usecases.enrol import set_consents
from sms_service.usecases.faults import UseFault
from sms_service.usecases.groups import change_group
from sms_service.usecases.pauses import add_pause
from sms_service.usecases.question_sets import next_question, open_due, plan_question_sets, turn_set
from sms_service.usecases.tick import run_schedules
from tests.service import Service
from tests.usecases.site import NOW, Site
from tests.usecases.test_fan_out import counted

LEARNING = ("reminders", "learning")
DAY = timedelta(days=1)


@pytest.fixture
def site(service: Service) -> Site:
    made = Site.build(service.context)
    made.group()
    return made


def asked(site: Site, code: str, moment: datetime) -> str:
    """The set this person is asked when they dial then; empty for none."""
    site.at(moment)
    contact = site.contact_of(code)
    with site.context.database.begin() as db:
        opened = open_due(site.context, db, contact.person_id, contact.number_id, site.context.now(db))
        if opened is None:
            return ""
        return str(db.execute(select(dialogue.c.conversation).where(dialogue.c.id == opened)).scalar_one())


def turn(site: Site, *names: str, on: bool = True, group: str = "G07") -> None:
    for name in names:
        turn_set(site.context, group, name, "command", on=on)


def test_partners_are_asked_separately_and_again_after_a_month(site: Site) -> None:
    """Domain section 2.6, S10: at most monthly; what one has answered takes nothing from the other."""
    him = site.person(consents=LEARNING, phone="0788000501", phone_ownership="shared_partner")
    her = site.person(consents=LEARNING, phone="0788000501", phone_ownership="shared_partner", sex="F", part="partner")
    turn(site, "couple")
    first = datetime(2026, 5, 20, 13, tzinfo=UTC)
    assert [asked(site, one, first) for one in (him, her, him, her)] == ["couple", "couple", "", ""]
    assert asked(site, him, first + 27 * DAY) == ""
    assert asked(site, him, first + 28 * DAY) == "couple"
    assert asked(site, her, first + 28 * DAY) == "couple"


def test_one_set_after_another_each_in_its_window(site: Site) -> None:
    """Domain section 2.6: baseline, then endline; between them nothing of cohesion."""
    who = site.person(consents=LEARNING)
    turn(site, "cohesion", "learning", "block")
    assert [asked(site, who, NOW) for _ in range(3)] == ["cohesion", "learning", ""]
    assert asked(site, who, NOW + 20 * DAY) == ""
    last = datetime(2026, 6, 17, 13, tzinfo=UTC)
    assert [asked(site, who, last) for _ in range(2)] == ["cohesion", ""]
    assert [asked(site, who, last + 182 * DAY) for _ in range(2)] == ["cohesion", ""], "26 weeks after the last meeting"
    assert asked(site, who, last + 211 * DAY) == ""
    assert [asked(site, who, last + 365 * DAY) for _ in range(2)] == ["learning", ""], "12 months after it"
    turn(site, "cohesion", "learning", on=False)
    assert asked(site, who, last + 370 * DAY) == ""


def test_nothing_is_asked_in_a_pause_or_in_remembrance_week(site: Site) -> None:
    """Domain section 8.5: no surveys in the week of 7 April, nor in a group's own window."""
    site.at(datetime(2027, 3, 1, 8, tzinfo=UTC))
    site.group("G08", date(2027, 3, 10))
    who = site.person("G08", consents=LEARNING)
    turn(site, "couple", group="G08")
    april = datetime(2027, 4, 7, 8, tzinfo=UTC)
    assert [asked(site, who, april + n * DAY) for n in range(7)] == [""] * 7
    add_pause(site.context, date(2027, 4, 20), date(2027, 4, 21), "block", "other", "command", group_code="G08")
    assert asked(site, who, april + 13 * DAY) == ""
    assert asked(site, who, april + 15 * DAY) == "couple"


def test_consent_to_learning_data_is_what_counts(site: Site) -> None:
    """S16: asked only while it stands, on the ledger and on the person alike."""
    who = site.person(consents=("reminders", "checkins"))
    turn(site, "cohesion")
    assert asked(site, who, NOW) == ""
    set_consents(site.context, who, list(LEARNING), "oral", "command")
    assert asked(site, who, NOW) == "cohesion"
    with site.context.database.begin() as db:
        row = people.by_code(db, who)
        assert row is not None
        assert row.may_learn


def test_what_may_go_by_text_goes_once_to_own_phones_with_consent(service: Service, site: Site) -> None:
    """S3, S16, I12: one text a person and window, however often schedules are planned; USSD-only sets send none."""
    own, shared = site.person(consents=LEARNING), site.person(consents=LEARNING, phone_ownership="shared_other")
    site.person(consents=("reminders", "checkins"))
    with site.context.database.begin() as db:
        db.execute(update(contact_point).values(opted_in_at=NOW))
        db.execute(update(outbox).values(state="cancelled"))
    turn(site, "cohesion", "couple", "learning")
    for hours in (1, 2, 3, 24, 48):
        site.at(NOW + timedelta(hours=hours))
        run_schedules(site.context)
    rows = site.texts(outbox.c.template == "question_set")
    assert [(row.person_id, row.text_class) for row in rows] == [(site.id_of(own), "B")]
    assert asked(site, own, NOW + 2 * DAY) == "cohesion", "the text's question is open already, and is not opened again"
    assert [asked(site, shared, NOW + 2 * DAY) for _ in range(3)] == ["cohesion", "learning", ""]


def test_after_a_year_a_closed_group_is_asked_once_and_who_was_not_seen_for_long_is_not(site: Site) -> None:
    """Domain section 2.6, S14: what has been learnt, 12 months on, by text to who is still known."""
    seen, lost = (site.person(consents=LEARNING) for _ in range(2))
    turn(site, "learning")
    frozen, last = site.contact_of(lost).number_id, site.meetings()[-1].starts_at
    site.at(last + DAY)
    change_group(site.context, "G07", "command", state="closed", venue_code="V1")
    with site.context.database.begin() as db:
        db.execute(update(outbox).values(state="cancelled"))
        db.execute(update(number).where(number.c.id == frozen).values(frozen_at=last))
    for days in (182, 364, 366, 367, 380, 400):
        site.at(last + days * DAY)
        run_schedules(site.context)
    rows = site.texts(outbox.c.template == "question_set")
    assert sorted((row.person_id, row.state) for row in rows) == sorted(
        [(site.id_of(seen), "queued"), (site.id_of(lost), "suppressed")]
    )
    with site.context.database.begin() as db:
        keys = db.execute(select(occurrence.c.schedule).where(occurrence.c.kind == "question_set")).scalars().all()
        assert [key.partition(":")[2].partition(":")[2] for key in keys] == ["year"]


def test_turning_off_cancels_what_was_planned_and_each_turn_is_audited(site: Site) -> None:
    """I17: who let a group use a set, and who ended it."""
    site.at(NOW + timedelta(hours=2))  # after ten: it would go tomorrow
    turn(site, "learning")
    run_schedules(site.context)
    turn(site, "learning")
    turn(site, "learning", on=False)
    with site.context.database.begin() as db:
        states = db.execute(select(occurrence.c.state).where(occurrence.c.kind == "question_set")).scalars().all()
        acts: list[Any] = [row for row in audit.latest(db, 10) if row.act == "group.question_set"]
    assert states == ["cancelled"]
    assert len(acts) == 2
    with pytest.raises(UseFault, match="no published question set"):
        turn(site, "checkin")


def test_a_question_left_open_is_not_asked_after_consent_was_withdrawn(site: Site) -> None:
    """S16: begun and dropped, then taken back: the question closes unasked, another person's stays."""
    gone, stays = (site.person(consents=("reminders", "checkins", "learning")) for _ in range(2))
    turn(site, "cohesion")
    assert [asked(site, one, NOW) for one in (gone, stays)] == ["cohesion"] * 2
    set_consents(site.context, gone, ["reminders"], "oral", "command")
    found = []
    for code in (gone, stays):
        contact = site.contact_of(code)
        with site.context.database.begin() as db:
            now = site.context.now(db)
            found.append(next_question(site.context, db, contact.person_id, contact.number_id, now, named=True))
    with site.context.database.begin() as db:
        states = db.execute(select(dialogue.c.state).where(dialogue.c.conversation == "cohesion").order_by(dialogue.c.id)).scalars()
        assert (found[0], found[1] is not None, list(states)) == (None, True, ["closed", "open"])


def test_a_question_left_open_waits_while_its_set_is_off_or_the_day_is_paused(site: Site) -> None:
    """Domain section 8.5: no surveys in a pause, not even one that was begun before; nor one the group uses no more."""
    who = site.person(consents=LEARNING)
    turn(site, "cohesion", "learning")
    assert asked(site, who, NOW) == "cohesion"
    contact = site.contact_of(who)

    def goes_on() -> bool:
        with site.context.database.begin() as db:
            found = next_question(site.context, db, contact.person_id, contact.number_id, site.context.now(db), named=False)
            return found is not None

    assert goes_on()
    turn(site, "cohesion", on=False)
    assert not goes_on()
    turn(site, "cohesion")
    assert goes_on()
    today = clock.local(NOW).date()
    add_pause(site.context, today, today, "block", "other", "command", group_code="G07")
    assert not goes_on()
    site.at(NOW + DAY)
    assert goes_on()


def test_turning_off_holds_back_the_text_that_waits(site: Site) -> None:
    """S44 in spirit: a set is turned off because of harm; its text that waits for a phone's safe hours must not leave."""
    site.person(consents=LEARNING, safe_hours="Mon-Sun 17:00-18:00")
    with site.context.database.begin() as db:
        db.execute(update(outbox).values(state="cancelled"))
    turn(site, "learning")
    site.at(NOW + timedelta(hours=2))
    run_schedules(site.context)
    mine = outbox.c.template == "question_set"
    assert [row.state for row in site.texts(mine)] == ["queued"]
    turn(site, "learning", on=False)
    assert [(row.state, row.reason) for row in site.texts(mine)] == [("cancelled", "question set turned off")]


def test_planning_takes_as_many_statements_for_many_groups_as_for_one(service: Service, site: Site) -> None:
    """I22: planned with every tick of the clock, in one short transaction."""
    costs = []
    for more in (["G07"], [f"G{n}" for n in range(20, 30)]):
        for code in more:
            if code != "G07":
                site.group(code)
            turn(site, "learning", "couple", group=code)
        with site.context.database.begin() as db:
            now = site.context.now(db)
            with counted(service) as count:
                plan_question_sets(site.context, db, now)
            costs.append(count[0])
            assert len(db.execute(select(occurrence.c.id).where(occurrence.c.kind == "question_set")).all()) in (1, 11)
    assert costs[0] == costs[1], costs
