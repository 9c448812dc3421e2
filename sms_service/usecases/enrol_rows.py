"""Writing people who were enrolled face to face, one or fifty thousand, in a few statements a list of 500 (F48, I23)."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from sms_service.models import groups, numbers, people
from sms_service.models.base import in_parts
from sms_service.models.people import consent, contact_point, identity, person
from sms_service.security.tokens import new_row_id
from sms_service.usecases.contacts import DEFAULT_OWNERSHIP, read_phone, read_safe_hours
from sms_service.usecases.context import Context
from sms_service.usecases.effects import WORDING
from sms_service.usecases.faults import UseFault
from sms_service.usecases.new_person import NewPerson, clean_name
from sms_service.usecases.opt_in import offer_opt_ins

_CODE_DIGITS = (4, 4, 4, 4, 5, 5, 5, 6, 6, 6)  # a person's code grows when the short ones run out


@dataclass(frozen=True, slots=True)
class Enrolment:
    """One checked person to be written: the row id and code it gets, who recorded the consents (a staff code), and when."""

    new: NewPerson
    row_id: int
    code: str
    recorded_by: str
    consent_at: datetime


def enrol_rows(context: Context, db: Connection, enrolments: Sequence[Enrolment], now: datetime) -> None:
    """Write people in the caller's transaction, with group, phone, consents and, for an own phone, V1 (S16).

    The caller has checked every field, that the codes are free, that the groups exist, and that no number becomes own and
    shared at once (S9). A number that has stopped stays stopped (S17).
    """
    contacts: list[int] = []
    for part in in_parts(enrolments):
        db.execute(insert(person), [_person(one, now) for one in part])
        db.execute(insert(identity), [_identity(context, one) for one in part])
        _insert(db, groups.membership, _memberships(db, part, now))
        _insert(db, consent, [row for one in part for row in _consents(one)])
        phones = {one.row_id: read_phone(one.new.phone) for one in part if one.new.phone.strip()}
        number_ids = numbers.ensure_many(db, context.vault, phones.values(), now)
        points = [_contact_point(one, number_ids[phones[one.row_id]], now) for one in part if one.row_id in phones]
        _insert(db, contact_point, points)
        contacts += [point["id"] for point in points]
    offer_opt_ins(context, db, contacts, now)


def _insert(db: Connection, table: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        db.execute(insert(table), rows)


def _person(one: Enrolment, now: datetime) -> dict[str, Any]:
    new = one.new
    return {
        "id": one.row_id,
        "code": one.code,
        "kind": new.kind,
        "sex": new.sex,
        "age_band": new.age_band,
        "language": new.language,
        "literacy_aid": new.literacy_aid,
        "status": "active",
        "outbound_held": False,
        "created_at": now,
        **people.flags_of(new.consents),
    }


def _identity(context: Context, one: Enrolment) -> dict[str, Any]:
    return {"person_id": one.row_id, "name": context.vault.seal("identity", "name", one.row_id, clean_name(one.new.name))}


def _memberships(db: Connection, part: Sequence[Enrolment], now: datetime) -> list[dict[str, Any]]:
    codes = {one.new.group.strip().upper() for one in part if one.new.group.strip()}
    ids = {
        row.code: row.id for row in db.execute(select(groups.group.c.code, groups.group.c.id).where(groups.group.c.code.in_(codes)))
    }
    return [
        {
            "id": new_row_id(),
            "group_id": ids[one.new.group.strip().upper()],
            "person_id": one.row_id,
            "part": one.new.part,
            "joined_at": now,
        }
        for one in part
        if one.new.group.strip()
    ]


def _consents(one: Enrolment) -> list[dict[str, Any]]:
    ledger = {"how": one.new.how, "language": one.new.language, "recorded_by": one.recorded_by, "wording": WORDING}
    return [
        {"id": new_row_id(), "person_id": one.row_id, "purpose": purpose, "given": True, "at": one.consent_at, **ledger}
        for purpose in dict.fromkeys(one.new.consents)
    ]


def _contact_point(one: Enrolment, number_id: int, now: datetime) -> dict[str, Any]:
    return {
        "id": new_row_id(),
        "person_id": one.row_id,
        "number_id": number_id,
        "ownership": one.new.phone_ownership or DEFAULT_OWNERSHIP,
        "safe_hours": read_safe_hours(one.new.safe_hours),
        "overtness": "discreet",
        "channels": ["sms", "ussd"],
        "verified_at": now,
        "created_at": now,
    }


def free_codes(db: Connection, count: int, reserved: Collection[str] = ()) -> list[str]:
    """``count`` people's codes that nobody has and that are not ``reserved``: P and four digits, more when those run out.

    Raises ``UseFault('code', ...)`` when not enough are left.
    """
    found: dict[str, None] = {}
    for digits in _CODE_DIGITS:
        drawn = {f"P{secrets.randbelow(10**digits):0{digits}d}" for _ in range(count - len(found))} - found.keys() - set(reserved)
        for part in in_parts(sorted(drawn)):
            taken = set(db.execute(select(person.c.code).where(person.c.code.in_(part))).scalars())
            found |= dict.fromkeys(code for code in part if code not in taken)
        if len(found) >= count:
            return list(found)
    raise UseFault("code", "no free code could be drawn; write one")
