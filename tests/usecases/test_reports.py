"""Reports of meetings (V15) and of pairs' months (V16): one row each, whoever files first, and what differs is flagged."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select

from sms_service import clock
from sms_service.models import reports
from sms_service.models.cascade import pair, pair_member
from sms_service.models.concerns import concern
from sms_service.models.dialogues import dialogue
from sms_service.models.groups import group
from sms_service.models.meetings import meeting
from sms_service.models.reports import cascade_report, meeting_report
from sms_service.security.tokens import new_row_id
from sms_service.usecases.cascade_reports import Month, file_month, month_to_report, months_filed, open_month, silent_pairs
from sms_service.usecases.faults import UseFault
from sms_service.usecases.meeting_reports import Counts, Reporter, due_meeting, file_by_staff, file_report
from tests.usecases.site import NOW, Site

COUNTS = Counts(men=3, women=2, distressed=1, referred=0, incident="none", both_present=True)
WOMAN, MAN = Reporter("P9001", "ussd"), Reporter("P9002", "sms")


@pytest.fixture
def held(site: Site) -> Site:
    """G07 with one person; its first two meetings have begun."""
    site.group()
    site.person()
    site.at(NOW + timedelta(days=15))
    return site


def file(site: Site, counts: Counts, by: Reporter, no: int = 1) -> str:
    meeting_id = site_meeting(site, no)
    with site.context.database.begin() as db:
        return file_report(site.context, db, meeting_id, counts, by, site.context.now(db))


def site_meeting(site: Site, no: int) -> int:
    return int(site.meetings()[no - 1].id)


def kept(site: Site, no: int = 1) -> Any:
    meeting_id = site_meeting(site, no)
    with site.context.database.begin() as db:
        return reports.of_meeting(db, meeting_id)


def rows(site: Site, table: Any, *where: Any) -> int:
    with site.context.database.begin() as db:
        return int(db.execute(select(func.count()).select_from(table).where(*where)).scalar_one())


def test_two_who_file_at_the_same_moment_make_one_row(held: Site) -> None:
    """V15, I4: whoever is second is compared with the first, on both databases."""
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda by: file(held, COUNTS, by), (WOMAN, MAN)))
    row = kept(held)
    assert rows(held, meeting_report) == 1
    assert {row.reported_by, row.other_by} == {"P9001", "P9002"}
    assert row.flags == []


@pytest.mark.parametrize(
    ("second", "flags"),
    [
        (COUNTS, []),
        (replace(COUNTS, both_present=None), []),
        (replace(COUNTS, men=2), ["differs"]),
        (replace(COUNTS, both_present=False), ["differs"]),
        (replace(COUNTS, incident="safety"), ["differs"]),
        (replace(COUNTS, men=70), ["differs", "too_many"]),
    ],
)
def test_what_the_second_counts_differently_is_flagged_and_the_first_stays(held: Site, second: Counts, flags: list[str]) -> None:
    file(held, COUNTS, WOMAN)
    file(held, second, MAN)
    row = kept(held)
    assert (row.men, row.reported_by, row.flags) == (3, "P9001", flags)
    file(held, COUNTS, MAN)
    assert kept(held).flags == []


def test_the_same_reporter_corrects_and_a_text_keeps_what_only_the_screen_asks(held: Site) -> None:
    file(held, replace(COUNTS, men=40), WOMAN)
    assert kept(held).flags == ["too_many"]
    file(held, replace(COUNTS, both_present=None), replace(WOMAN, source="sms"))
    row = kept(held)
    assert (row.men, row.flags, row.both_present, row.source, row.other) == (3, [], True, "sms", None)


@pytest.mark.parametrize(("total", "said"), [(0, "nobody"), (1, ""), (6, ""), (7, "too_many")])
def test_when_a_total_cannot_be(held: Site, total: int, said: str) -> None:
    """V15: more than enrolled + 5 (one is enrolled), or nobody at a meeting that was held."""
    assert file(held, replace(COUNTS, men=0, women=total), WOMAN) == said


def test_an_incident_corrected_to_another_is_a_call_of_its_own(held: Site) -> None:
    """Domain 2.4: keyed as a conflict, then as a risk: the one who calls back must know of the risk."""
    for incident in ("conflict", "safety"):
        file(held, replace(COUNTS, incident=incident), WOMAN)
    with held.context.database.begin() as db:
        noted = db.execute(select(concern.c.note_code).where(concern.c.kind == "incident").order_by(concern.c.id)).scalars().all()
    assert noted == ["conflict", "safety"]


def test_each_incident_is_called_back_about_once(held: Site) -> None:
    """Domain 2.4: a code only; a correction of the numbers opens nothing more, another incident does."""
    file(held, replace(COUNTS, incident="safety"), WOMAN)
    file(held, replace(COUNTS, incident="safety", men=4), WOMAN)
    assert rows(held, concern, concern.c.kind == "incident") == 1
    file(held, replace(COUNTS, incident="conflict"), WOMAN, no=2)
    file(held, replace(COUNTS, incident="other"), replace(MAN, person_id=held.id_of(held.person())))
    with held.context.database.begin() as db:
        opened = db.execute(select(concern).where(concern.c.kind == "incident").order_by(concern.c.id)).all()
    assert [(one.topic, one.note_code) for one in opened] == [("G07 1", "safety"), ("G07 2", "conflict"), ("G07 1", "other")]
    assert all(one.due_at - one.opened_at == timedelta(hours=24) for one in opened)


def test_the_last_meeting_is_reported_first_then_those_nobody_has(held: Site) -> None:
    def due(who: str) -> int | None:
        with held.context.database.begin() as db:
            group_id = db.execute(select(group.c.id)).scalar_one()
            found = due_meeting(db, group_id, who, held.context.now(db))[0]
            return found.no if found is not None else None

    assert (due("P9001"), due("P9002")) == (2, 2)
    file(held, COUNTS, WOMAN, no=2)
    assert (due("P9001"), due("P9002")) == (1, 2)
    file(held, COUNTS, WOMAN, no=1)
    assert (due("P9001"), due("P9002")) == (None, 2)
    file(held, COUNTS, MAN, no=2)
    assert due("P9002") is None
    with held.context.database.begin() as db:
        assert db.execute(select(meeting.c.state).order_by(meeting.c.no)).scalars().all()[:3] == ["reported", "reported", "planned"]


def test_the_console_names_every_wrong_field(held: Site) -> None:
    wrong = Counts(men=-1, women=1000, distressed=0, referred=0, incident="fight")
    with pytest.raises(UseFault) as refused:
        file_by_staff(held.context, site_meeting(held, 1), wrong, "command", settles=True)
    assert [one.field for one in refused.value.faults] == ["men", "women", "incident"]
    assert kept(held) is None


@pytest.mark.parametrize(
    ("today", "month", "last"),
    [
        (date(2026, 5, 13), "2026-04", date(2026, 4, 30)),
        (date(2026, 5, 31), "2026-05", date(2026, 5, 31)),
        (date(2028, 2, 28), "2028-01", date(2028, 1, 31)),
        (date(2028, 2, 29), "2028-02", date(2028, 2, 29)),
        (date(2027, 1, 1), "2026-12", date(2026, 12, 31)),
    ],
)
def test_which_month_is_reported(today: date, month: str, last: date) -> None:
    """V16: the one that ends today, else the one before."""
    assert month_to_report(today) == (month, last)


@pytest.fixture
def pairs(site: Site) -> Site:
    """R11 of two people, one without a phone; R12 of nobody; both made on 13 May."""
    site.group()
    people = [site.id_of(site.person()), site.id_of(site.person(phone="", phone_ownership="none"))]
    with site.context.database.begin() as db:
        for code, members in (("R11", people), ("R12", [])):
            db.execute(insert(pair).values(id=(pair_id := new_row_id()), code=code, generation=1, created_at=NOW))
            for person_id in members:
                db.execute(insert(pair_member).values(id=new_row_id(), pair_id=pair_id, person_id=person_id))
    return site


def on(site: Site, day: date, do: Callable[[Any, datetime], Any]) -> Any:
    site.at(datetime.combine(day, datetime.min.time(), tzinfo=clock.KIGALI) + timedelta(hours=9))
    with site.context.database.begin() as db:
        return do(db, site.context.now(db))


def test_a_month_is_opened_once_and_asked_of_whoever_has_a_phone(pairs: Site) -> None:
    """V16: looked at every hour, opened once; nobody without a phone, and no text."""

    def opening(db: Any, now: datetime) -> int:
        return open_month(pairs.context, db, now)

    assert on(pairs, date(2026, 5, 30), opening) == 0
    assert [on(pairs, date(2026, 5, 31), opening) for _ in range(2)] == [2, 0]
    assert on(pairs, date(2026, 6, 3), opening) == 0
    asked = dialogue.c.conversation == "cascade"
    assert rows(pairs, dialogue, asked, dialogue.c.state == "open", dialogue.c.sms_open.is_(False)) == 1
    assert rows(pairs, cascade_report) == 2


def test_equal_months_are_one_and_different_ones_are_both_kept(pairs: Site) -> None:
    said = Month(activities=2, women=10, men=4, co_led=True)
    on(pairs, date(2026, 5, 31), lambda db, now: open_month(pairs.context, db, now))

    def filed(counts: Month, by: str) -> Any:
        on(pairs, date(2026, 6, 1), lambda db, now: file_month(pairs.context, db, "R11", "2026-05", counts, by, now))
        with pairs.context.database.begin() as db:
            (line,) = months_filed(db)
        return line.counts, line.by, line.other

    assert filed(said, "P1") == (said, "P1", None)
    assert filed(said, "P2") == (said, "P1", None)
    other = replace(said, men=9)
    assert filed(other, "P2") == (said, "P1", other)
    assert filed(other, "P1") == (other, "P1", None)


def test_a_pair_is_silent_after_two_months_ends_without_a_report(pairs: Site) -> None:
    """V16: counted from the last report, or from the month it was made in."""

    def silent(day: date) -> list[str]:
        return list(on(pairs, day, silent_pairs))

    assert silent(date(2026, 6, 30)) == []
    assert silent(date(2026, 7, 1)) == ["R11", "R12"]
    on(pairs, date(2026, 6, 30), lambda db, now: open_month(pairs.context, db, now))
    on(pairs, date(2026, 7, 1), lambda db, now: file_month(pairs.context, db, "R11", "2026-06", Month(0, 0, 0, None), "P1", now))
    assert silent(date(2026, 7, 1)) == ["R12"]
    assert silent(date(2026, 8, 31)) == ["R12"]
    assert silent(date(2026, 9, 1)) == ["R11", "R12"]
