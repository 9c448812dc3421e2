"""What the pages of people show: codes and settings; a name or a number only behind the reveal, with a reason (S31)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from sms_service.models import groups, people
from sms_service.models.groups import group, membership
from sms_service.models.people import contact_point, person
from sms_service.usecases.attendance import Dose, dose_of
from sms_service.usecases.enrol import consents_of

PAGE = 50


@dataclass(frozen=True, slots=True)
class PersonView:
    """One person by code: groups, phones, the latest consent of each purpose, and meetings attended of those
    offered.
    """

    row: Any
    groups: Sequence[Any]
    phones: Sequence[Any]
    consents: Mapping[str, Any]
    dose: Dose


def find_people(db: Connection, *, group_code: str = "", kind: str = "", status: str = "active", after: str = "") -> Sequence[Any]:
    """People by code, at most a page and one, after the code ``after``; with groups joined and phones counted."""
    phones = (
        select(contact_point.c.person_id, func.count().label("phones"))
        .where(contact_point.c.ended_at.is_(None))
        .group_by(contact_point.c.person_id)
        .subquery()
    )
    query = (
        select(person, func.coalesce(phones.c.phones, 0).label("phones"))
        .outerjoin(phones, phones.c.person_id == person.c.id)
        .where(person.c.code > after)
        .order_by(person.c.code)
        .limit(PAGE + 1)
    )
    if status:
        query = query.where(person.c.status == status)
    if kind:
        query = query.where(person.c.kind == kind)
    if group_code:
        inside = select(membership.c.person_id).join(group, group.c.id == membership.c.group_id)
        query = query.where(person.c.id.in_(inside.where(group.c.code == group_code, membership.c.left_at.is_(None))))
    return db.execute(query).all()


def groups_by_person(db: Connection, person_ids: Sequence[int]) -> dict[int, str]:
    """The codes of each person's groups, joined."""
    query = (
        select(membership.c.person_id, group.c.code)
        .join(group, group.c.id == membership.c.group_id)
        .where(membership.c.person_id.in_(person_ids), membership.c.left_at.is_(None))
        .order_by(group.c.code)
    )
    found: dict[int, list[str]] = {}
    for person_id, code in db.execute(query):
        found.setdefault(person_id, []).append(code)
    return {person_id: ", ".join(codes) for person_id, codes in found.items()}


def view_person(db: Connection, code: str) -> PersonView | None:
    """Everything one person's page shows, or None for an unknown code."""
    row = people.by_code(db, code)
    if row is None:
        return None
    return PersonView(
        row=row,
        groups=groups.groups_of(db, row.id),
        phones=people.phones_of(db, [row.id]),
        consents=consents_of(db, row.id),
        dose=dose_of(db, row.id),
    )
