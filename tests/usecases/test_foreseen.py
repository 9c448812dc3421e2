"""What the calendar says will leave is what leaves: random weeks of two groups, and then the clock runs (S39, I11).

People are in one group or both, on own or shared phones with hours of their own; a pause may lie in the way. The calendar is read
first; then days pass with nobody answering, and every text must have left at the minute that was shown, or stayed for that reason.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from sms_service import clock
from sms_service.config import load_settings
from sms_service.database import Database
from sms_service.models import groups
from sms_service.models.outbox import outbox
from sms_service.rules.caps import Caps
from sms_service.security.tokens import new_row_id
from sms_service.usecases.foresee import foresee
from sms_service.usecases.groups import add_member
from sms_service.usecases.meeting_texts import NO_FIRST_MINUTE
from sms_service.usecases.pauses import add_pause
from sms_service.usecases.why_not import not_sent
from sms_service.wiring import build_context
from tests.conftest import KEYS
from tests.service import Service
from tests.usecases.site import Site

DAYS = timedelta(days=6)
HOURS = ("", "Mon-Fri 08:00-12:00", "Sat 14:00-18:00", "Mon-Fri 17:00-19:00;Sun 13:00-18:00", "Wed 15:00-16:00")

people = st.lists(
    st.fixed_dictionaries(
        {
            "hours": st.sampled_from(HOURS),
            "phone": st.integers(0, 3),
            "own": st.booleans(),
            "both": st.booleans(),
            "agreed": st.booleans(),
        }
    ),
    min_size=1,
    max_size=4,
)
weeks = st.fixed_dictionaries(
    {
        "people": people,
        "starts": st.tuples(st.sampled_from(["08:30", "10:00", "14:00", "18:00"]), st.sampled_from(["09:00", "15:00"])),
        "weekdays": st.tuples(st.integers(0, 6), st.integers(0, 6)),
        "pause": st.none() | st.tuples(st.integers(0, 9), st.integers(0, 2), st.sampled_from(["block", "allow_urgent", "reword"])),
    }
)


def seen(rows: Any) -> Counter[tuple[str, str, str]]:
    return Counter((row[0], f"{clock.local(row[1]):%m-%d %H:%M}", row[2]) for row in rows)


def build(service: Service, week: dict[str, Any]) -> None:
    site = Site.build(service.context)
    for code, start, weekday in zip(("G07", "G08"), week["starts"], week["weekdays"], strict=True):
        site.group(code, first_day=date(2026, 5, 14), weekday=weekday, start_time=start)
    if week["pause"]:
        first, long, behaviour = week["pause"]
        day = date(2026, 5, 14) + timedelta(days=first)
        add_pause(service.context, day, day + timedelta(days=long), behaviour, "other", "command")
    sharers = Counter(one["phone"] for one in week["people"])
    for one in week["people"]:
        own = one["own"] and sharers[one["phone"]] == 1
        code = site.person(
            phone=f"07880009{one['phone']:02d}",
            phone_ownership="own" if own else "shared_partner",
            safe_hours=one["hours"],
            opted_in=one["agreed"],
        )
        if one["both"]:
            add_member(service.context, "G08", code, "member", "command")
    service.tick()


@contextmanager
def fresh_service(template: Path, folder: Path) -> Iterator[Service]:
    """A service over a database of its own on SQLite, as every week that is tried needs one."""
    path = folder / f"{new_row_id()}.db"
    shutil.copy(template, path)
    database = Database(f"sqlite:///{path}")
    service = Service(build_context(database, **KEYS), load_settings({"APP_ENV": "test", "DATA_DIR": str(folder)}))
    try:
        yield service
    finally:
        service.close()
        database.dispose()
        path.unlink()


def person(phone: int, hours: str, *, both: bool = False, own: bool = True) -> dict[str, Any]:
    return {"phone": phone, "hours": hours, "both": both, "own": own, "agreed": True}


TIED = {"pause": None, "weekdays": (2, 6), "starts": ("18:00", "09:00"), "people": [person(2, HOURS[2], both=True)]}


@given(week=weeks)
@example(week=TIED)  # two groups' texts in one minute, and place in the week for one
@settings(max_examples=3, deadline=None, phases=[Phase.explicit, Phase.generate], suppress_health_check=[HealthCheck.too_slow])
def test_what_is_foreseen_is_what_leaves(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, week: dict[str, Any]
) -> None:
    """S39: each number at its minute; what stays behind stays for the reason that was shown."""
    with fresh_service(sqlite_template, tmp_path_factory.mktemp("weeks")) as service:
        build(service, week)
        with service.context.database.begin() as db:
            now = service.context.now(db)
            ids = {row.code: row.id for row in db.execute(select(groups.group))}
            told = {code: foresee(db, row_id, now, Caps()) for code, row_id in ids.items()}
        service.wait_until(now + DAYS)
        for code, row_id in ids.items():
            with service.context.database.begin() as db:
                mine = (outbox.c.group_id == row_id, outbox.c.not_before < now + DAYS, outbox.c.template.in_(("V3", "V3b")))
                query = select(outbox.c.number_id, outbox.c.not_before, outbox.c.state, outbox.c.reason).where(*mine)
                rows = [row for row in db.execute(query) if row.state != "queued"]
            went = seen((str(row[0]), row[1], "" if row.state == "accepted" else row.reason or row.state) for row in rows)
            written = [one for one in told[code] if one.reason != NO_FIRST_MINUTE]
            before = seen((str(one.number_id), one.at, one.reason) for one in written if one.at < now + DAYS)
            assert went == before, code


def test_a_phone_without_a_minute_for_the_first_reminder_is_told_of_before_and_after(service: Service) -> None:
    """S39: its one morning a week is in a pause: no text two days before, and the calendar says so, fired or not."""
    site = Site.build(service.context)
    site.group("G07", first_day=date(2026, 6, 3))
    add_pause(service.context, date(2026, 5, 24), date(2026, 6, 2), "block", "other", "command")
    who = [site.person(safe_hours="Mon 09:00-12:00"), site.person(safe_hours="Fri 09:00-12:00"), site.person()]
    numbers = [site.contact_of(code).number_id for code in who]
    start = site.meetings()[0].starts_at
    late = start - timedelta(hours=48)
    for moment in (start - timedelta(days=14), start - timedelta(days=9), start - timedelta(hours=47)):
        service.wait_until(moment)
        with service.context.database.begin() as db:
            group_id = db.execute(select(groups.group.c.id)).scalar_one()
            told = foresee(db, group_id, service.context.now(db), Caps())
        never = [(one.number_id, one.at, one.written) for one in told if one.reason == NO_FIRST_MINUTE and one.at < start]
        assert never == sorted((number, late, False) for number in numbers), moment
    rows = site.texts(outbox.c.template.in_(("V3", "V3b")))
    assert {clock.local(row.not_before).date() for row in rows if row.not_before < start} == {date(2026, 6, 3)}
    with service.context.database.begin() as db:
        day = not_sent(db, group_id, clock.local(late).date(), start)
    assert sorted((one.person_code, one.reason) for one in day) == sorted((code, NO_FIRST_MINUTE) for code in who)


def test_a_minute_from_ten_days_to_two_before_is_used(service: Service) -> None:
    """S39: an only allowed minute nine days before is used, and the morning text's 43 h before."""
    site = Site.build(service.context)
    site.group("G07", first_day=date(2026, 5, 29), weekday=4)
    early = site.contact_of(site.person(safe_hours="Wed 09:00-10:00;Thu 18:00-18:30")).number_id
    evening = site.contact_of(site.person(safe_hours="Mon 09:00-12:00;Wed 18:00-19:00")).number_id
    add_pause(service.context, date(2026, 5, 21), date(2026, 5, 26), "block", "other", "command")
    add_pause(service.context, date(2026, 5, 28), date(2026, 5, 28), "block", "other", "command")
    start = site.meetings()[0].starts_at
    service.wait_until(start - timedelta(minutes=1))
    mine = outbox.c.expires_at == start
    went = sorted((row.number_id, f"{clock.local(row.not_before):%m-%d %H:%M}") for row in site.texts(mine))
    assert went == sorted([(early, "05-27 09:59"), (evening, "05-20 18:59"), (evening, "05-27 18:59")])
