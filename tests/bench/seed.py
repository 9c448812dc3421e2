"""People to measure with: numbers, half of them registered, in one group with a next meeting; written in bulk."""

from __future__ import annotations

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


@dataclass
class Seeded:
    """What was made: E.164 numbers, their rows, the people on the registered ones, the group and its meeting."""

    phones: list[str]
    number_ids: list[int]
    person_ids: list[int]
    group_id: int
    meeting_id: int


def seed(context: Context, people: int, unknown: int) -> Seeded:
    """``people`` registered own phones whose language is known and ``unknown`` numbers that nobody registered."""
    with context.database.begin() as db:
        clock.set_now(db, NOW)
        group_id, meeting_id = _group(db)
        phones = [_e164(place) for place in range(people + unknown)]
        number_ids, person_ids = add_members(context, db, group_id, people)
    if context.database.is_postgresql:
        with context.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as plain:
            plain.exec_driver_sql("ANALYZE")
    return Seeded(phones, number_ids, person_ids, group_id, meeting_id)


def _e164(place: int) -> str:
    return f"+25078{place:07d}"


def add_members(
    context: Context, db: Connection, group_id: int, count: int, *, first: int = 0, name: str = "Imena"
) -> tuple[list[int], list[int]]:
    """``count`` people called ``name`` with own phones, all in one group; the ids of their numbers and of themselves.

    Their phones are +25078 and seven digits from ``first`` on.
    """
    places = range(first, first + count)
    number_ids = [new_row_id() for _ in places]
    person_ids = [new_row_id() for _ in places]
    _insert(db, number, [_number(context, row_id, _e164(place)) for row_id, place in zip(number_ids, places, strict=True)])
    _insert(db, person, [_person(place, row_id) for row_id, place in zip(person_ids, places, strict=True)])
    sealed = context.vault.seal
    names = [{"person_id": row_id, "name": sealed("identity", "name", row_id, name)} for row_id in person_ids]
    _insert(db, identity, names)
    _insert(db, contact_point, [_phone(*one) for one in zip(person_ids, number_ids, strict=True)])
    members = [
        {"id": new_row_id(), "group_id": group_id, "person_id": row_id, "part": "member", "joined_at": NOW} for row_id in person_ids
    ]
    _insert(db, membership, members)
    return number_ids, person_ids


def _insert(db: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    for start in range(0, len(rows), CHUNK):
        db.execute(insert(table), rows[start : start + CHUNK])


def _group(db: Connection) -> tuple[int, int]:
    one, two, three, group_id, meeting_id = (new_row_id() for _ in range(5))
    db.execute(insert(programme).values(id=one, code="BENCH", names={}, outbound_held=False))
    db.execute(insert(curriculum).values(id=two, programme_id=one, version=1))
    template = {"phase": "Safety", "audience": "M", "internal_theme": "-", "neutral_label": {}, "duration_minutes": 120}
    db.execute(insert(session_template).values(id=three, curriculum_id=two, no=1, **template))
    made = {"neutral_name": "Imena", "cell_code": "0101-01", "weekday": 2, "start_time": "14:00", "venue_code": "V1"}
    db.execute(
        insert(group).values(
            id=group_id, code="G01", curriculum_id=two, state="running", outbound_held=False, created_at=NOW, **made
        )
    )
    starts_at = NOW + timedelta(days=2)
    values = {"group_id": group_id, "template_id": three, "no": 1, "starts_at": starts_at, "state": "planned"}
    db.execute(insert(meeting).values(id=meeting_id, **values))
    return group_id, meeting_id


def _number(context: Context, row_id: int, e164: str) -> dict[str, Any]:
    return {
        "id": row_id,
        "hash": context.vault.number_hash(e164),
        "sealed": context.vault.seal("number", "sealed", row_id, e164),
        "code": f"N{e164[-7:]}",
        "language": "rw",
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


def _phone(person_id: int, number_id: int) -> dict[str, Any]:
    return {
        "id": new_row_id(),
        "person_id": person_id,
        "number_id": number_id,
        "ownership": "own",
        "safe_hours": "",
        "channels": ["sms", "ussd"],
        "overtness": "discreet",
        "opted_in_at": NOW,
        "created_at": NOW,
    }
