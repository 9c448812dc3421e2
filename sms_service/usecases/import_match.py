"""Who of a participant list is already known: by code, else by number and name, else by group and name (I23)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select

from sms_service.models import groups
from sms_service.models.base import in_parts
from sms_service.models.cascade import pair, pair_member
from sms_service.models.numbers import number
from sms_service.models.people import consent, contact_point, identity, person
from sms_service.usecases.context import Context
from sms_service.usecases.import_rows import Row
from sms_service.usecases.new_person import clean_name


@dataclass(slots=True)
class Known:
    """What the database knows about the people and numbers of one list."""

    people: dict[int, Any] = field(default_factory=dict)
    by_code: dict[str, int] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    numbers: dict[str, Any] = field(default_factory=dict)  # E.164 -> number row
    contacts: dict[int, list[Any]] = field(default_factory=dict)  # number id -> contact points, ended ones too
    phones: dict[int, list[Any]] = field(default_factory=dict)  # person id -> contact points in use
    members: dict[int, set[int]] = field(default_factory=dict)  # group id -> people in it
    consents: dict[int, dict[str, Any]] = field(default_factory=dict)  # person id -> the latest ledger entry by purpose
    pairs: dict[int, set[str]] = field(default_factory=dict)  # person id -> codes of their pairs


def look_up(context: Context, db: Connection, rows: Sequence[Row], known_groups: Mapping[str, int]) -> Known:
    """Everything ``match`` needs, in a few set-shaped queries. Names are opened here and kept in memory only."""
    known = Known()
    hashes = {context.vault.number_hash(row.e164): row.e164 for row in rows if row.e164}
    for part in in_parts(list(hashes)):
        for found in db.execute(select(number).where(number.c.hash.in_(part))):
            known.numbers[hashes[bytes(found.hash)]] = found
    ids: set[int] = set()
    for part in in_parts([found.id for found in known.numbers.values()]):
        for point in db.execute(select(contact_point).where(contact_point.c.number_id.in_(part))):
            known.contacts.setdefault(point.number_id, []).append(point)
            ids.add(point.person_id)
    for code in {row.new.group for row in rows if row.new.group in known_groups}:
        group_id = known_groups[code]
        known.members[group_id] = {one.id for one in groups.members(db, group_id)}
        ids |= known.members[group_id]
    _load_people(context, db, known, ids, [row.new.code for row in rows if row.new.code])
    return known


def _load_people(context: Context, db: Connection, known: Known, ids: set[int], codes: Sequence[str]) -> None:
    for some in in_parts(codes):
        ids |= set(db.execute(select(person.c.id).where(person.c.code.in_(some))).scalars())
    for part in in_parts(sorted(ids)):
        for who in db.execute(select(person).where(person.c.id.in_(part))):
            known.people[who.id], known.by_code[who.code] = who, who.id
        for one in db.execute(select(identity).where(identity.c.person_id.in_(part))):
            known.names[one.person_id] = context.vault.open("identity", "name", one.person_id, one.name)
        for point in db.execute(
            select(contact_point).where(contact_point.c.person_id.in_(part), contact_point.c.ended_at.is_(None))
        ):
            known.phones.setdefault(point.person_id, []).append(point)
        for entry in db.execute(select(consent).where(consent.c.person_id.in_(part)).order_by(consent.c.at, consent.c.id)):
            known.consents.setdefault(entry.person_id, {})[entry.purpose] = entry
        in_pairs = select(pair.c.code, pair_member.c.person_id).join(pair_member, pair_member.c.pair_id == pair.c.id)
        for entry in db.execute(in_pairs.where(pair_member.c.person_id.in_(part))):
            known.pairs.setdefault(entry.person_id, set()).add(entry.code)


def match(row: Row, known: Known, known_groups: Mapping[str, int]) -> Any:
    """The known person this row is about, or None for a new one; faults of the match are noted on the row."""
    if row.new.code:
        person_id = known.by_code.get(row.new.code)
        return _checked(row, known, person_id)
    same_name = clean_name(row.new.name).casefold()
    if row.e164:
        found = known.numbers.get(row.e164)
        points = known.contacts.get(found.id, []) if found is not None else []
        here = [point for point in points if known.names.get(point.person_id, "").casefold() == same_name]
        if len(here) == 1 and here[0].ended_at is not None and known.people[here[0].person_id].status == "active":
            row.add("phone", "this phone was ended for a person of this name; give the person's code")
        candidates = [point.person_id for point in here]
    else:
        members = known.members.get(known_groups.get(row.new.group, -1), set())
        candidates = [one for one in members if one not in known.phones and known.names.get(one, "").casefold() == same_name]
    if len(candidates) > 1:
        row.add("name", "several people of this name are here; give the person's code")
    return _checked(row, known, candidates[0] if candidates else None)


def _checked(row: Row, known: Known, person_id: int | None) -> Any:
    if person_id is None:
        return None
    who = known.people[person_id]
    if who.status != "active":
        row.add("code", "%(code)s has withdrawn or closed; remove the row", code=who.code)
    return who
