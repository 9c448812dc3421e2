"""Importing a participant list, all or nothing: a preview first, then the same plan carried out (I23, reliability
10).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Any

from sqlalchemy import Connection, insert, select

from sms_service import clock
from sms_service.models import people
from sms_service.models.base import in_parts
from sms_service.models.cascade import pair, pair_member
from sms_service.models.groups import group
from sms_service.models.people import PURPOSES, identity
from sms_service.security.tokens import new_row_id
from sms_service.usecases.contacts import DEFAULT_OWNERSHIP, add_phone_in, end_phone_in, read_safe_hours
from sms_service.usecases.context import Context
from sms_service.usecases.enrol import record_consents
from sms_service.usecases.enrol_rows import Enrolment, enrol_rows, free_codes
from sms_service.usecases.find import local_moment
from sms_service.usecases.groups import join_in
from sms_service.usecases.import_match import Known, look_up, match
from sms_service.usecases.import_rows import Row, RowFault, read_rows
from sms_service.usecases.list_file import UPLOAD_ROWS, read_listing
from sms_service.usecases.new_person import clean_name
from sms_service.usecases.opt_in import offer_opt_ins

_PERSON_COLUMNS = {"sex": "sex", "age_band": "age_band", "language": "language", "role": "kind"}


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What a list does, or did: rows = added + updated + unchanged + rejected (I23).

    ``stopped`` counts rows whose number has stopped and stays so. ``applied`` is False for a preview and whenever a row
    was rejected: then nothing was changed.
    """

    rows: int
    added: int
    updated: int
    unchanged: int
    rejected: int
    stopped: int
    faults: tuple[RowFault, ...]
    applied: bool


@dataclass(slots=True)
class _Plan:
    row: Row
    who: Any = None
    person: dict[str, Any] = field(default_factory=dict)
    name: str | None = None
    join: bool = False
    phone: dict[str, Any] | None = None
    consents: dict[str, bool] = field(default_factory=dict)
    pair: bool = False

    @property
    def changes(self) -> bool:
        return bool(self.person or self.name or self.join or self.phone or self.consents or self.pair)


def import_participants(
    context: Context, name: str, data: bytes, actor: str, *, dry_run: bool = False, most_rows: int = UPLOAD_ROWS
) -> ImportReport:
    """Read, check and, unless ``dry_run`` or any row is rejected, carry out a list in one transaction.

    ``name`` is the file's name (its ending tells the form). Raises ``UseFault('file', ...)`` when the file as a whole
    cannot be used, and when it has more than ``most_rows``. The same list a second time changes nothing; a number that has
    stopped stays stopped.
    """
    listing = read_listing(name, data, most_rows)
    with context.database.begin() as db:
        known_groups = {row.code: int(row.id) for row in db.execute(select(group.c.code, group.c.id))}
    rows = read_rows(listing, known_groups, context.languages)  # seconds for a long list: before anybody waits for this transaction
    with context.database.begin() as db:
        now = context.now(db)
        known = look_up(context, db, rows, known_groups)
        plans = [_plan(row, known, known_groups) for row in rows]
        _check_shared(plans, known)
        rejected = sum(bool(row.faults) for row in rows)
        added = sum(plan.who is None for plan in plans if not plan.row.faults)
        updated = sum(plan.who is not None and plan.changes for plan in plans if not plan.row.faults)
        applied = not dry_run and not rejected
        if applied and (added or updated):
            _carry_out(context, db, plans, known, actor, now)
            context.record(db, actor, "people.import", None, f"added {added}, updated {updated}")
        stopped = sum(row.e164 in known.numbers and known.numbers[row.e164].stopped_at is not None for row in rows)
        return ImportReport(
            rows=len(rows),
            added=added,
            updated=updated,
            unchanged=len(rows) - added - updated - rejected,
            rejected=rejected,
            stopped=stopped,
            faults=tuple(fault for row in rows for fault in row.faults),
            applied=applied,
        )


def _plan(row: Row, known: Known, known_groups: Mapping[str, int]) -> _Plan:
    if any(fault.column == "all" for fault in row.faults):
        return _Plan(row)
    plan = _Plan(row, who=match(row, known, known_groups))
    plan.pair = bool(row.pair) and not (plan.who and row.pair in known.pairs.get(plan.who.id, ()))
    if plan.who is None or row.faults:
        return plan
    who = plan.who
    if known.names.get(who.id) != clean_name(row.new.name):
        plan.name = clean_name(row.new.name)
    plan.person = {
        column: getattr(row.new, column)
        for cell, column in _PERSON_COLUMNS.items()
        if cell in row.given and getattr(row.new, column) != getattr(who, column)
    }
    plan.join = bool(row.new.group) and who.id not in known.members.get(known_groups[row.new.group], set())
    plan.phone = _phone_change(row, known, who.id)
    plan.consents = _consent_changes(row, known.consents.get(who.id, {}))
    return plan


def _phone_change(row: Row, known: Known, person_id: int) -> dict[str, Any] | None:
    if not row.e164:
        return None
    found = known.numbers.get(row.e164)
    held = [point for point in known.phones.get(person_id, []) if found is not None and point.number_id == found.id]
    before = held[0] if held else None
    ownership = row.new.phone_ownership or (before.ownership if before is not None else DEFAULT_OWNERSHIP)
    hours = read_safe_hours(row.new.safe_hours) if "safe_hours" in row.given or before is None else before.safe_hours
    if before is not None and (before.ownership, before.safe_hours) == (ownership, hours):
        return None
    return {
        "ownership": ownership,
        "safe_hours": hours,
        "replaces": [] if before is not None else known.phones.get(person_id, []),
    }


def _consent_changes(row: Row, ledger: Mapping[str, Any]) -> dict[str, bool]:
    """What the list changes in the ledger. It never gives again what was withdrawn since its own date (S19)."""
    if "consents" not in row.given:
        return {}
    changes: dict[str, bool] = {}
    for purpose in PURPOSES:
        latest, wanted = ledger.get(purpose), purpose in row.new.consents
        if latest is not None and not latest.given:
            newer = row.consent_date is not None and row.consent_date > clock.local(latest.at).date()
            if wanted and newer:
                changes[purpose] = True
        elif wanted != (latest is not None):
            changes[purpose] = wanted
    return changes


def _check_shared(plans: Sequence[_Plan], known: Known) -> None:
    """An own phone belongs to one person (S9): rows that would make a number own and shared at once are refused."""
    claims: dict[str, dict[object, str]] = {}
    for e164, found in known.numbers.items():
        points = known.contacts.get(found.id, [])
        claims[e164] = {point.person_id: point.ownership for point in points if point.ended_at is None}
    for plan in plans:
        if plan.row.e164:
            mine = claims.setdefault(plan.row.e164, {})
            key: object = plan.who.id if plan.who is not None else ("line", plan.row.line)
            mine[key] = plan.row.new.phone_ownership or mine.get(key) or DEFAULT_OWNERSHIP
    for plan in plans:
        owners = claims.get(plan.row.e164, {})
        if len(owners) > 1 and "own" in owners.values():
            plan.row.add(
                "phone_ownership",
                "this number already serves another person; record it as shared for each of them, or check the digits",
            )


def _carry_out(context: Context, db: Connection, plans: Sequence[_Plan], known: Known, actor: str, now: datetime) -> None:
    new = [plan for plan in plans if plan.who is None]
    given = {plan.row.new.code for plan in new if plan.row.new.code}
    drawn = iter(free_codes(db, sum(not plan.row.new.code for plan in new), given))
    enrolments = [
        Enrolment(
            plan.row.new, new_row_id(), plan.row.new.code or next(drawn), plan.row.recorded_by or actor, _consent_at(plan, now)
        )
        for plan in new
    ]
    enrol_rows(context, db, enrolments, now)
    pairs = [(one.row_id, plan.row.pair) for one, plan in zip(enrolments, new, strict=True) if plan.pair]
    for plan in plans:
        if plan.who is not None and plan.changes:
            _update(context, db, plan, plan.row.recorded_by or actor, _consent_at(plan, now), now)
            pairs += [(plan.who.id, plan.row.pair)] if plan.pair else []
    _join_pairs(db, pairs, now)


def _consent_at(plan: _Plan, now: datetime) -> datetime:
    return local_moment(plan.row.consent_date, time(12)) if plan.row.consent_date else now


def _update(context: Context, db: Connection, plan: _Plan, by: str, consent_at: datetime, now: datetime) -> None:
    row, who = plan.row, plan.who
    if plan.person:
        people.change(db, who.id, **plan.person)
    if plan.name:
        sealed = context.vault.seal("identity", "name", who.id, plan.name)
        db.execute(identity.update().where(identity.c.person_id == who.id).values(name=sealed))
    if plan.join:
        join_in(
            db,
            db.execute(select(group.c.id).where(group.c.code == row.new.group)).scalar_one(),
            who.id,
            row.new.part,
            now,
        )
    record_consents(db, who.id, plan.consents, row.new.language, "oral", by, consent_at)
    if plan.phone is not None:
        for point in plan.phone["replaces"]:
            end_phone_in(db, point, now)
        contact_id = add_phone_in(context, db, who, row.e164, plan.phone["ownership"], plan.phone["safe_hours"], now, checked=True)
        offer_opt_ins(context, db, [contact_id], now)


def _join_pairs(db: Connection, wanted: Sequence[tuple[int, str]], now: datetime) -> None:
    ids: dict[str, int] = {}
    for part in in_parts(sorted({code for _, code in wanted})):
        ids |= {row.code: row.id for row in db.execute(select(pair.c.code, pair.c.id).where(pair.c.code.in_(part)))}
    new = {code: new_row_id() for code in {code for _, code in wanted} - ids.keys()}
    if new:
        db.execute(insert(pair), [{"id": made, "code": code, "generation": 1, "created_at": now} for code, made in new.items()])
    if wanted:
        ids |= new
        db.execute(insert(pair_member), [{"id": new_row_id(), "pair_id": ids[code], "person_id": who} for who, code in wanted])
