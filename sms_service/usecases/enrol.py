"""Enrolling a person face to face, consents given and withdrawn, and leaving (S16)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from sms_service.models import dialogues, groups, numbers, people
from sms_service.models.outbox import cancel_queued, outbox
from sms_service.models.people import PURPOSES, consent, person
from sms_service.usecases.contacts import DEFAULT_OWNERSHIP, check_ownership, end_phone_in, read_phone
from sms_service.usecases.context import Context
from sms_service.usecases.effects import WORDING
from sms_service.usecases.enrol_rows import Enrolment, enrol_rows, free_codes
from sms_service.usecases.faults import UseFault
from sms_service.usecases.find import already_made, group_named, once_id, person_to_change
from sms_service.usecases.new_person import HOW, NewPerson, check_person
from sms_service.usecases.opt_in import offer_opt_ins


def enrol(context: Context, new: NewPerson, actor: str, once: int | None = None) -> str:
    """Enrol one person; returns the code. ``once``: the same form sent twice makes one person. Raises ``UseFault``."""
    with context.database.begin() as db:
        row_id = once_id(once)
        if already_made(db, "person", row_id):
            return str(db.execute(select(person.c.code).where(person.c.id == row_id)).scalar_one())
        faults = check_person(new, context.languages)
        if new.group.strip():
            try:
                group_named(db, new.group)
            except UseFault as fault:
                faults.found += fault.faults
        if new.code and people.by_code(db, new.code) is not None:
            faults.add("code", "this code is taken; leave it empty to draw one")
        faults.done()
        now = context.now(db)
        if new.phone.strip():
            number_id = numbers.ensure(db, context.vault, read_phone(new.phone), now)
            check_ownership(db, number_id, new.phone_ownership or DEFAULT_OWNERSHIP, row_id)
        code = new.code or free_codes(db, 1)[0]
        enrol_rows(context, db, [Enrolment(new, row_id, code, actor, now)], now)
        context.record(db, actor, "person.enrol", code)
        return code


def record_consents(
    db: Connection, person_id: int, purposes: dict[str, bool], language: str, how: str, actor: str, now: datetime
) -> None:
    """Append each purpose to the consent ledger (S16)."""
    for purpose, given in purposes.items():
        people.record_consent(
            db, person_id, purpose, given, now=now, how=how, language=language, recorded_by=actor, wording=WORDING
        )


def consents_of(db: Connection, person_id: int) -> dict[str, Any]:
    """The latest ledger entry of each purpose."""
    rows = db.execute(select(consent).where(consent.c.person_id == person_id).order_by(consent.c.at, consent.c.id))
    return {row.purpose: row for row in rows}


def set_consents(context: Context, person_code: str, given: Sequence[str], how: str, actor: str) -> None:
    """Record face to face which purposes the person agrees to now; only what changes is appended. Raises
    ``UseFault``.
    """
    with context.database.begin() as db:
        who, now = person_to_change(db, person_code), context.now(db)
        if how not in HOW or set(given) - set(PURPOSES):
            raise UseFault("consents", "choose purposes of the list, and how consent was given")
        before = {purpose for purpose, row in consents_of(db, who.id).items() if row.given}
        changed = {purpose: purpose in given for purpose in PURPOSES if (purpose in given) != (purpose in before)}
        record_consents(db, who.id, changed, who.language, how, actor, now)
        offer_opt_ins(context, db, [row.id for row in people.phones_of(db, [who.id])], now)
        if changed:
            context.record(db, actor, "consent.record", who.code)


def withdraw(context: Context, person_code: str, actor: str) -> None:
    """The person leaves: consents withdrawn, groups and phones ended, nothing queued leaves. The identity stays until erased."""
    with context.database.begin() as db:
        who, now = person_to_change(db, person_code), context.now(db)
        if who.status == "withdrawn":
            raise UseFault("person", "%(code)s has already withdrawn", code=who.code)
        withdraw_in(context, db, who, actor, now)


def withdraw_in(context: Context, db: Connection, who: Any, actor: str, now: datetime) -> None:
    """As ``withdraw`` in the caller's transaction."""
    people.change(db, who.id, status="withdrawn")
    given = {purpose: False for purpose, row in consents_of(db, who.id).items() if row.given}
    record_consents(db, who.id, given, who.language, "oral", actor, now)
    rows = groups.membership
    db.execute(update(rows).where(rows.c.person_id == who.id, rows.c.left_at.is_(None)).values(left_at=now))
    for phone in people.phones_of(db, [who.id]):
        end_phone_in(db, phone, now)
    dialogues.close_where(db, now, dialogues.dialogue.c.person_id == who.id)
    cancel_queued(db, now, "withdrawn", outbox.c.person_id == who.id)
    context.record(db, actor, "person.withdraw", who.code)
