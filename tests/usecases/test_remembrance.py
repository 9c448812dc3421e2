"""V17 leaves once, before the week, with the director's approval of these words and of this year (8.5, S1, S38)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import insert, select, update

from sms_service import clock
from sms_service.conversation.words import Words
from sms_service.models.directory import directory_entry
from sms_service.models.groups import group
from sms_service.models.outbox import outbox
from sms_service.models.pauses import pause_window
from sms_service.models.reports import remembrance_approval
from sms_service.rules.caps import Caps
from sms_service.rules.safe_hours import SafeHours
from sms_service.rules.sending import NumberState, Text, verdict
from sms_service.security.tokens import new_row_id
from sms_service.usecases.fence_facts import gather, text_of
from sms_service.usecases.remembrance import (
    approve_remembrance,
    careful_days,
    coming_year,
    queue_remembrance,
    texts_hash,
    view_remembrance,
    withdraw_remembrance,
)
from tests.usecases.site import NOW, Site

V17 = outbox.c.template.in_(("V17", "V17b"))


def local(month: int, day: int, hour: int = 9) -> datetime:
    return datetime(2027, month, day, hour, tzinfo=clock.KIGALI)


@pytest.fixture
def spring(site: Site) -> Site:
    """3 April 2027: two people of G07, which meets again on the 14th, and a verified health line."""
    site.at(local(3, 30))
    site.group(first_day=date(2027, 4, 14))
    site.person()
    site.person()
    with site.context.database.begin() as db:
        now = site.context.now(db)
        fixed = {"slot": "health", "name": "h", "kind": "health", "phone": "114", "area": "-", "hours": "-", "cost": "-"}
        times = {"verified_on": now, "valid_until": now + timedelta(days=90), "created_at": now}
        db.execute(insert(directory_entry).values(id=new_row_id(), **fixed, **times))
    site.at(local(4, 3))
    return site


def approve(site: Site) -> int:
    with site.context.database.begin() as db:
        site.context.now(db)
    return approve_remembrance(site.context, texts_hash(site.context.words), "Sdirector")


@pytest.mark.parametrize(
    ("today", "year"),
    [(date(2027, 4, 6), 2027), (date(2027, 4, 7), 2028), (date(2027, 1, 1), 2027), (date(2027, 12, 31), 2028)],
)
def test_the_year_that_is_approved_is_the_one_that_comes(today: date, year: int) -> None:
    assert coming_year(today) == year


def test_nothing_is_written_without_this_years_approval(spring: Site) -> None:
    """An approval of another year, or of none, writes nothing."""
    assert queue_remembrance(spring.context) == 0
    assert approve(spring) == 2027
    with spring.context.database.begin() as db:
        db.execute(update(remembrance_approval).values(year=2026))
    assert queue_remembrance(spring.context) == 0
    assert spring.texts(V17) == []


def test_changed_words_need_a_new_approval(spring: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """S1: what was approved are these words; the page says so and nothing leaves."""
    approve(spring)
    words = spring.context.words
    entry = words.entries["fr"]["remembrance"]
    entries = {**words.entries, "fr": {**words.entries["fr"], "remembrance": replace(entry, text=entry.text + "!")}}
    running = replace(spring.context.published.running, notices=Words(entries, words.forms, words.option_labels))
    monkeypatch.setattr(spring.context.published, "running", running)
    assert queue_remembrance(spring.context) == 0
    with spring.context.database.begin() as db:
        view = view_remembrance(spring.context, db, spring.context.now(db))
    assert view.approval is not None
    assert not view.current


def test_words_approved_anew_take_the_place_of_those_that_wait(spring: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """S1: the first words were queued, then corrected and approved again: nobody gets the first ones, everybody the second once."""
    approve(spring)
    assert queue_remembrance(spring.context) == 2
    words = spring.context.words
    entries = {
        one: {**table, "remembrance": replace(table["remembrance"], text="Servas: 114.")} for one, table in words.entries.items()
    }
    running = replace(spring.context.published.running, notices=Words(entries, words.forms, words.option_labels))
    monkeypatch.setattr(spring.context.published, "running", running)
    approve(spring)
    assert [row.state for row in spring.texts(V17)] == ["cancelled", "cancelled"]
    assert queue_remembrance(spring.context) == 2
    waiting = [row for row in spring.texts(V17) if row.state == "queued"]
    assert len({row.number_id for row in waiting}) == len(waiting) == 2
    assert {spring.context.vault.open("outbox", "body", row.id, row.body) for row in waiting} == {"Servas: 114."}


def test_once_a_number_however_often_it_is_looked_at(spring: Site) -> None:
    """I12: hourly, day after day, approved again: one text a number; who joins in between is found the next day."""
    approve(spring)
    assert queue_remembrance(spring.context) == 2
    assert queue_remembrance(spring.context) == 0
    spring.person()
    spring.at(local(4, 4))
    assert queue_remembrance(spring.context) == 1
    rows = spring.texts(V17)
    assert len({row.number_id for row in rows}) == len(rows) == 3
    assert {(row.text_class, row.template, row.dialogue_id) for row in rows} == {("A", "V17", None)}
    assert all(clock.local(row.not_before) == local(4, 6, 8) and clock.local(row.expires_at) == local(4, 7, 0) for row in rows)


def test_taken_back_and_approved_again_goes_to_whom_it_has_not_reached(spring: Site) -> None:
    approve(spring)
    queue_remembrance(spring.context)
    first = spring.texts(V17)[0]
    with spring.context.database.begin() as db:
        db.execute(update(outbox).where(outbox.c.id == first.id).values(state="accepted"))
    withdraw_remembrance(spring.context, "Sdirector")
    assert sorted(row.state for row in spring.texts(V17)) == ["accepted", "cancelled"]
    approve(spring)
    assert queue_remembrance(spring.context) == 1
    assert [row.number_id for row in spring.texts(V17, outbox.c.state == "queued")] != [first.number_id]


def test_outside_the_days_before_nothing_is_written(spring: Site) -> None:
    approve(spring)
    for day in (local(4, 2), local(4, 7), local(5, 6)):
        spring.at(day)
        assert queue_remembrance(spring.context) == 0


def test_a_number_that_ran_out_meanwhile_holds_the_text_back(spring: Site) -> None:
    """S38: read again just before the call."""
    approve(spring)
    queue_remembrance(spring.context)
    with spring.context.database.begin() as db:
        rows = list(db.execute(select(outbox).where(V17)))
        assert all(text_of(row, gather(spring.context, db, rows, local(4, 6))).directory_ok for row in rows)
        db.execute(update(directory_entry).values(valid_until=NOW))
        assert not any(text_of(row, gather(spring.context, db, rows, local(4, 6))).directory_ok for row in rows)


@pytest.mark.parametrize(("replaces_week", "action"), [(True, "send"), (False, "drop")])
def test_it_stands_for_a_week_to_come_and_no_cap_of_the_week_before_drops_it(replaces_week: bool, action: str) -> None:
    """S39: three texts have gone; a fourth reminder would be dropped."""
    at = local(4, 6, 10)
    text = Text(2, "scheduled", "", "A", at, at + timedelta(hours=4), replaces_week=replaces_week)
    number = NumberState(weekly_scheduled_count=3)
    said = verdict(text, number, now=at, outbound_on=True, safe_hours=SafeHours.parse(""), pauses=[], caps=Caps())
    assert said.action == action


@pytest.mark.parametrize(
    ("day", "careful"),
    [((4, 6), False), ((4, 7), True), ((4, 13), True), ((4, 14), True), ((7, 3), True), ((7, 4), False), ((10, 1), True)],
)
def test_which_days_ask_for_sober_words(spring: Site, day: tuple[int, int], careful: bool) -> None:
    """8.5: 7 April to 3 July for everyone, and what a group's own window rewords (here 1 October)."""
    with spring.context.database.begin() as db:
        group_id = db.execute(select(group.c.id)).scalar_one()
        window = {"first_day": date(2027, 10, 1), "last_day": date(2027, 10, 1), "behaviour": "reword", "reason": "remembrance"}
        db.execute(insert(pause_window).values(id=new_row_id(), group_id=group_id, created_at=NOW, **window))
        assert careful_days(db, [group_id], local(*day)) is careful
        assert careful_days(db, [], local(*day)) is (careful and day != (10, 1))
