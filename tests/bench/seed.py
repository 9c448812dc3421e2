"""People to measure with: numbers, half of them registered, in groups with a next meeting each; written in bulk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Table, insert

from sms_service import clock
from sms_service.models.groups import curriculum, group, membership, programme, session_template
from sms_service.models.meetings import meeting
from sms_service.models.numbers import number
from sms_service.models.people import contact_point, identity, person
from sms_service.security.tokens import new_row_id
from sms_service.usecases.context import Context

NOW = datetime(2026, 5, 13, 7, 0, tzinfo=UTC)  # 09:00 in Kigali on a Wednesday outside every pause: texts may leave
CHUNK = 2_000
LANGUAGES = ("rw", "fr", "en", "sw")


@dataclass
class Seeded:
    """What was made: E.164 numbers, their rows, the people on the registered ones, the first group and its meeting, all groups."""

    phones: list[str]
    number_ids: list[int]
    person_ids: list[int]
    group_id: int
    meeting_id: int
    group_ids: list[int]


def seed(context: Context, people: int, unknown: int, *, groups: int = 1, ownership: str = "own") -> Seeded:
    """``people`` registered phones whose language is known, shared out over ``groups``, and ``unknown`` numbers that nobody
    registered. Numbers speak the four languages by turns when there are several groups.
    """
    with context.database.begin() as db:
        clock.set_now(db, NOW)
        curriculum_id, template_id = _curriculum(db)
        made = [_group(db, curriculum_id, template_id, place) for place in range(1, groups + 1)]
        group_id, meeting_id = made[0]
        phones = [_e164(place) for place in range(people + unknown)]
        several = [one for one, _ in made[1:]]
        number_ids, person_ids = add_members(context, db, group_id, people, others=several, ownership=ownership)
    if context.database.is_postgresql:
        with context.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as plain:
            plain.exec_driver_sql("ANALYZE")
    return Seeded(phones, number_ids, person_ids, group_id, meeting_id, [one for one, _ in made])


def _e164(place: int) -> str:
    return f"+25078{place:07d}"


def add_members(
    context: Context,
    db: Connection,
    group_id: int,
    count: int,
    *,
    first: int = 0,
    name: str = "Imena",
    others: Sequence[int] = (),
    ownership: str = "own",
) -> tuple[list[int], list[int]]:
    """``count`` people called ``name``, all in one group, or by turns in it and ``others``; the ids of their numbers and of them.

    Their phones are +25078 and seven digits from ``first`` on.
    """
    groups = (group_id, *others)
    places = range(first, first + count)
    number_ids = [new_row_id() for _ in places]
    person_ids = [new_row_id() for _ in places]
    _insert(db, number, [_number(context, *one, several=bool(others)) for one in zip(number_ids, map(_e164, places), strict=True)])
    _insert(db, person, [_person(place, row_id) for row_id, place in zip(person_ids, places, strict=True)])
    sealed = context.vault.seal
    names = [{"person_id": row_id, "name": sealed("identity", "name", row_id, name)} for row_id in person_ids]
    _insert(db, identity, names)
    _insert(db, contact_point, [_phone(*one, ownership) for one in zip(person_ids, number_ids, strict=True)])
    members = [
        {"id": new_row_id(), "group_id": groups[place % len(groups)], "person_id": row_id, "part": "member", "joined_at": NOW}
        for place, row_id in enumerate(person_ids)
    ]
    _insert(db, membership, members)
    return number_ids, person_ids


def _insert(db: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    for start in range(0, len(rows), CHUNK):
        db.execute(insert(table), rows[start : start + CHUNK])


def _curriculum(db: Connection) -> tuple[int, int]:
    one, two, three = (new_row_id() for _ in range(3))
    db.execute(insert(programme).values(id=one, code="BENCH", names={}, outbound_held=False))
    db.execute(insert(curriculum).values(id=two, programme_id=one, version=1))
    template = {"phase": "Safety", "audience": "M", "internal_theme": "-", "neutral_label": {}, "duration_minutes": 120}
    db.execute(insert(session_template).values(id=three, curriculum_id=two, no=1, **template))
    return two, three


def _group(db: Connection, curriculum_id: int, template_id: int, place: int) -> tuple[int, int]:
    group_id, meeting_id = new_row_id(), new_row_id()
    made = {"neutral_name": "Imena", "cell_code": "0101-01", "weekday": 2, "start_time": "14:00", "venue_code": "V1"}
    values = {"code": f"G{place:02d}", "curriculum_id": curriculum_id, "state": "running", "outbound_held": False}
    db.execute(insert(group).values(id=group_id, created_at=NOW, **values, **made))
    planned = {"template_id": template_id, "no": 1, "starts_at": NOW + timedelta(days=2), "state": "planned"}
    db.execute(insert(meeting).values(id=meeting_id, group_id=group_id, **planned))
    return group_id, meeting_id


def _number(context: Context, row_id: int, e164: str, *, several: bool) -> dict[str, Any]:
    return {
        "id": row_id,
        "hash": context.vault.number_hash(e164),
        "sealed": context.vault.seal("number", "sealed", row_id, e164),
        "code": f"N{e164[-7:]}",
        "language": LANGUAGES[int(e164[-2:]) % 4] if several else "rw",
        "unclear_run": 0,
        "pin_fails": 0,
        "staff_phone": False,
        "created_at": NOW,
    }


def _person(place: int, row_id: int) -> dict[str, Any]:
    return {
        "id": row_id,
        "code": f"P{place:07d}",
        "kind": "participant",
        "sex": "M",
        "age_band": "35-59",
        "language": "rw",
        "literacy_aid": False,
        "status": "active",
        "may_remind": True,
        "may_check_in": True,
        "may_call": True,
        "outbound_held": False,
        "created_at": NOW,
    }


def _phone(person_id: int, number_id: int, ownership: str) -> dict[str, Any]:
    return {
        "id": new_row_id(),
        "person_id": person_id,
        "number_id": number_id,
        "ownership": ownership,
        "safe_hours": "",
        "channels": ["sms", "ussd"],
        "overtness": "discreet",
        "opted_in_at": NOW,
        "created_at": NOW,
    }
