"""The demo's programme: whole on both databases, true to the rules, and safe for whoever plays with it."""

from __future__ import annotations

import re
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, select

from sms_service import clock
from sms_service.database import Database
from sms_service.demo import people as demo_people
from sms_service.demo import seed as demo_seed
from sms_service.models import directory, people, rota
from sms_service.models.base import metadata
from sms_service.models.broadcasts import broadcast
from sms_service.models.cascade import pair
from sms_service.models.concerns import concern, contact_attempt
from sms_service.models.groups import group
from sms_service.models.inbound import inbound
from sms_service.models.meetings import attendance, meeting
from sms_service.models.numbers import find
from sms_service.models.outbox import outbox
from sms_service.models.people import person
from sms_service.simulator import outcomes
from sms_service.text.phone import is_rwandan_mobile
from sms_service.usecases.context import Context
from sms_service.wiring import build_context
from tests.conftest import KEYS

START = datetime(2026, 5, 13, 9, 0, tzinfo=clock.KIGALI)
AFTER_A_PAUSE = datetime(2026, 4, 19, 22, 30, tzinfo=clock.KIGALI)  # a Sunday night, days after remembrance week
LOADED = timedelta(seconds=30)
# Only visitors, or a gateway that answers late, fill these.
EMPTY = {
    *("finding", "running_total", "month_count"),  # the clock's: what it checks, counts up and lets go
    *("login", "signin_failure", "parked_report", "wall_clock", "outage", "paused_text"),
    *("remembrance_approval", "draft_replay", "text_review"),  # decisions of real people: a visitor makes the first
}
MUST_NOT_EXIST = re.compile(r"ethni|tribe|survivor|perpetrator|victim|diagnos|religion|violen")
SPECIAL = {*outcomes.BY_NUMBER_STATUS, *outcomes.BY_NUMBER_CALL, *outcomes.BY_NUMBER_REPORTS}


def test_the_demo_is_whole(context: Context) -> None:
    """Issue section 8; S9, S17, S25, S37, S38, S40: one seeding, looked at from every side."""
    with context.database.begin() as db:
        assert not demo_seed.is_seeded(db)
    made = demo_seed.seed(context, START)
    with context.database.begin() as db:
        assert demo_seed.is_seeded(db)
        assert timedelta() <= clock.now(db) - START < LOADED
        assert demo_seed.read_seed(db) == made
        every_page_has_something_to_show(db)
        nothing_is_under_way(db)
        the_group_is_in_its_sixth_week(db)
        published_pins_fit_and_are_unique(context, db, made.phones)
        the_stopped_person_gets_nothing(context, db)
        the_shared_phone_is_asked_nothing(context, db)
        people_who_need_someone(db)
        the_office_has_done_its_work(db)
        two_generations_teach(db)
    assert [role for _, role, _ in made.staff] == ["admin", "safeguarding", "staff", "staff", "facilitator", "read_only"]


def every_page_has_something_to_show(db: Connection) -> None:
    empty = {table.name for table in metadata.sorted_tables if not db.execute(select(func.count()).select_from(table)).scalar_one()}
    assert empty == EMPTY


def nothing_is_under_way(db: Connection) -> None:
    """What is past has left and was reported; what is queued is still to come (I9, I11)."""
    states = set(db.execute(select(outbox.c.state).distinct()).scalars())
    assert states == {"delivered", "failed", "queued", "cancelled", "suppressed"}
    due = select(func.count()).where(outbox.c.state == "queued", outbox.c.not_before < START)
    assert db.execute(due).scalar_one() == 0
    assert db.execute(select(func.count()).where(inbound.c.state != "done")).scalar_one() == 0


def the_group_is_in_its_sixth_week(db: Connection) -> None:
    query = select(meeting).join(group, group.c.id == meeting.c.group_id).where(group.c.code == "G07")
    rows = db.execute(query.order_by(meeting.c.no)).all()
    assert len(rows) == 15
    assert [row.state for row in rows[:5]] == ["reported"] * 4 + ["held"]
    assert rows[2].moved_from is not None
    assert timedelta(days=2) < rows[5].starts_at - START < timedelta(days=4)
    reminders = select(outbox.c.template).where(outbox.c.meeting_id == rows[5].id, outbox.c.state == "queued")
    assert set(db.execute(reminders).scalars()) == {"V3", "V3b"}
    marks = db.execute(select(attendance.c.status).where(attendance.c.meeting_id == rows[4].id)).scalars().all()
    assert {"present", "absent"} <= set(marks)


def published_pins_fit_and_are_unique(context: Context, db: Connection, phones: list[dict[str, str]]) -> None:
    """S11: a PIN names one person on its number, and those on the handset's labels are right."""
    for phone in phones:
        row = find(db, context.vault, phone["number"])
        contacts = people.contact_points_of(db, [row.id]) if row is not None else []
        for pin in re.findall(r"PIN (\d{4})", phone["label"]):
            holders = [
                one.person_code
                for one in contacts
                if one.pin_hash is not None and context.vault.pin_matches(bytes(one.pin_salt), pin, one.pin_hash)
            ]
            assert len(holders) == 1
            assert holders[0] in phone["label"]


def _texts(context: Context, db: Connection, phone: str, *where: Any) -> list[Any]:
    row = find(db, context.vault, demo_people.e164(phone))
    assert row is not None
    return list(db.execute(select(outbox).where(outbox.c.number_id == row.id, *where)).all())


def the_stopped_person_gets_nothing(context: Context, db: Connection) -> None:
    """S17, I6: after the stop V12 left and nothing else; what schedules wrote for the number was suppressed."""
    row = find(db, context.vault, demo_people.e164("0788001106"))
    assert row is not None
    assert row.stopped_at is not None
    after = _texts(context, db, "0788001106", outbox.c.accepted_at >= row.stopped_at)
    assert [one.template for one in after] == ["V12"]
    later = _texts(context, db, "0788001106", outbox.c.created_at > row.stopped_at, outbox.c.template != "V12")
    assert {one.state for one in later} <= {"suppressed", "queued"}
    assert {one.reason for one in later if one.state == "suppressed"} == {"stopped"}


def the_shared_phone_is_asked_nothing(context: Context, db: Connection) -> None:
    """S9: two people on one number get class A texts without a question, addressed to nobody."""
    sent = _texts(context, db, "0788001102", outbox.c.kind != "reply")
    assert sent
    assert {one.text_class for one in sent} == {"A"}
    assert {one.person_id for one in sent} == {None}
    assert {one.template for one in sent} <= {"V3b", "V4b", "broadcast"}


def people_who_need_someone(db: Connection) -> None:
    """One awaits a call, one was helped after a RED text, one AMBER is open (S24, S25, S30)."""
    query = select(concern, person.c.code.label("who")).outerjoin(person, person.c.id == concern.c.person_id)
    rows = {(row.who, row.kind): row for row in db.execute(query)}
    assert rows["P6038", "call_request"].state == "new"
    assert rows["P6038", "call_request"].slot == "afternoon"
    helped = rows["P8346", "crisis_red"]
    assert (helped.state, helped.outcome) == ("closed", "supported")
    tries = select(func.count()).where(contact_attempt.c.concern_id == helped.id)
    assert db.execute(tries).scalar_one() == 2
    assert rows["P2418", "crisis_amber"].state == "unreachable"
    assert rows["P7203", "checkin_amber"].state == "closed"
    assert rows["P2290", "code_word"].state == "closed"
    assert rows[None, "unregistered_request"].state == "new"
    assert not [row for row in rows.values() if row.severity == "red" and row.state == "new"]


def the_office_has_done_its_work(db: Connection) -> None:
    """Cover by day and night (S25), numbers just verified (S38), a broadcast approved by another (S40)."""
    for hours in range(0, 60 * 24, 12):
        lines = [row.line for row in rota.on_duty(db, START + timedelta(hours=hours))]
        assert lines == [1, 2, 3]
    assert directory.urgent_numbers(db, START + timedelta(days=89)) == {
        "police": "112",
        "ambulance": "912",
        "health": "114",
    }
    sent = db.execute(select(broadcast)).one()
    assert sent.state == "done"
    assert len(sent.group_ids) == 2
    assert sent.approver_id not in (None, sent.author_id)


def two_generations_teach(db: Connection) -> None:
    parents = {row.id: row.generation for row in db.execute(select(pair))}
    children = db.execute(select(pair).where(pair.c.parent_pair_id.is_not(None))).all()
    assert children
    assert all(row.generation == parents[row.parent_pair_id] + 1 for row in children)


def test_another_start_is_whole_too(sqlite_template: Path, tmp_path: Path) -> None:
    """A start at night, with remembrance week in the past: meetings step over it, none is held in it (8.5)."""
    shutil.copy(sqlite_template, tmp_path / "demo.db")
    database = Database(f"sqlite:///{tmp_path / 'demo.db'}")
    made = demo_seed.seed(build_context(database, **KEYS), AFTER_A_PAUSE)
    with database.begin() as db:
        assert timedelta() <= clock.now(db) - AFTER_A_PAUSE < LOADED
        query = select(meeting).join(group, group.c.id == meeting.c.group_id).where(group.c.code == "G07")
        rows = db.execute(query.order_by(meeting.c.no)).all()
        assert [row.state for row in rows[:6]] == ["reported"] * 4 + ["held", "planned"]
        days = [clock.local(row.starts_at) for row in rows]
        assert not [day for day in days if (day.month, day.day // 7) == (4, 1)]
        assert timedelta(days=1) < rows[5].starts_at - AFTER_A_PAUSE < timedelta(days=4)
    assert len(made.phones) == 8
    database.dispose()


def test_the_tables_hold_no_special_number_and_no_code_twice() -> None:
    """Numbers are valid, none misbehaves in the simulator, and an own phone serves one person (S9)."""
    folk = demo_people.PEOPLE
    phones = {one.phone for one in folk if one.phone} | {phone for phone, _ in demo_people.HANDSET}
    phones |= {phone for _, phone in demo_people.DUTY}
    assert all(is_rwandan_mobile(demo_people.e164(phone)) for phone in phones)
    assert not {phone[-4:] for phone in phones} & SPECIAL
    assert len({one.code for one in folk}) == len(folk)
    own = [one.phone for one in folk if one.phone and one.ownership == "own"]
    assert len(own) == len(set(own))
    shared = {one.phone for one in folk if one.ownership != "own"}
    assert not shared & set(own)
    pins = [(one.phone, one.pin) for one in folk if one.pin]
    assert len(pins) == len(set(pins))


def test_no_field_labels_a_person() -> None:
    """S37: the fields that must not exist do not exist, and the demo writes no such word in a note."""
    columns = [f"{table.name}.{column.name}" for table in metadata.sorted_tables for column in table.columns]
    assert not [name for name in columns if MUST_NOT_EXIST.search(name)]
    assert not MUST_NOT_EXIST.search(demo_seed.NOTE.lower())
