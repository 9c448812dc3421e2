"""Enrolling a person face to face: identity apart from the code, consents appended, phones with their safety profile.

Only adults are enrolled (S21): there is no age band below 18. The fields that must not exist do not exist (S37).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from sms_service.models import dialogues, groups, people
from sms_service.models.outbox import cancel_queued, outbox
from sms_service.models.people import PURPOSES, consent, identity, person
from sms_service.security.tokens import new_code
from sms_service.usecases.contacts import (
    DEFAULT_OWNERSHIP,
    NO_PHONE,
    OWNERSHIPS,
    add_phone_in,
    end_phone_in,
    read_phone,
    read_safe_hours,
)
from sms_service.usecases.context import Context
from sms_service.usecases.effects import WORDING
from sms_service.usecases.faults import Faults, UseFault
from sms_service.usecases.find import already_made, group_named, once_id, person_named
from sms_service.usecases.groups import join_in
from sms_service.usecases.opt_in import queue_opt_in

CODE = re.compile(r"P[0-9]{4,6}")
KINDS = ("participant", "practitioner", "facilitator")
SEXES = ("F", "M")
AGE_BANDS = ("18-24", "25-34", "35-59", "60+")
HOW = ("oral", "written", "electronic")
LONGEST_NAME = 80
_MINOR = re.compile(r"<\s*18|0-17|1[0-7](-17)?|[0-9]", re.ASCII)


@dataclass(frozen=True, slots=True)
class NewPerson:
    """A person as a form or a list gives it, as written; ``phone`` empty: reached through the facilitator.

    ``consents`` are purposes given now (S16); ``group`` may be empty. ``code`` empty: drawn (P and four digits).
    """

    name: str
    sex: str
    age_band: str
    language: str
    kind: str = "participant"
    code: str = ""
    group: str = ""
    part: str = "member"
    phone: str = ""
    phone_ownership: str = ""
    safe_hours: str = ""
    consents: Sequence[str] = ()
    how: str = "oral"
    literacy_aid: bool = False


def clean_name(written: str) -> str:
    """A name in composed form with single spaces."""
    return " ".join(unicodedata.normalize("NFC", written).split())


def check_person(new: NewPerson, languages: Sequence[str]) -> Faults:
    """Every fault of the fields that need no database; the phone's form included. ``languages``: those people are written to in."""
    faults = Faults()
    name = clean_name(new.name)
    readable = all(unicodedata.category(c)[0] in "LMNZP" for c in name)
    faults.need(1 <= len(name) <= LONGEST_NAME and readable, "name", "give a name of 1 to 80 letters")
    faults.need(not name.startswith(("=", "@", "+", "-")), "name", "this looks like a spreadsheet formula; write the name")
    faults.need(new.sex in SEXES, "sex", "write F or M")
    if _MINOR.fullmatch(new.age_band.strip()):
        faults.add("age_band", "people under 18 are not enrolled (S21)")
    else:
        faults.need(new.age_band in AGE_BANDS, "age_band", "write 18-24, 25-34, 35-59 or 60+")
    faults.need(new.language in languages, "language", "write one of %(known)s", known=", ".join(languages))
    faults.need(new.kind in KINDS, "role", "write participant, practitioner or facilitator")
    faults.need(new.how in HOW, "how", "choose oral, written or electronic")
    unknown = [purpose for purpose in new.consents if purpose not in PURPOSES]
    faults.need(not unknown, "consents", "unknown consent; known are %(known)s", known=";".join(PURPOSES))
    faults.need(
        not new.code or CODE.fullmatch(new.code),
        "code",
        "a person's code is P and four digits; leave it empty to draw one",
    )
    _check_phone(new, faults)
    return faults


def _check_phone(new: NewPerson, faults: Faults) -> None:
    has_phone = bool(new.phone.strip())
    allowed = ("", *OWNERSHIPS) if has_phone else ("", NO_PHONE)
    if new.phone_ownership not in ("", NO_PHONE, *OWNERSHIPS):
        faults.add("phone_ownership", "write own, shared_partner, shared_other or none")
    elif new.phone_ownership not in allowed:
        faults.add("phone_ownership", "none goes with no number, own and shared with a number; correct one of the two")
    for read, written in ((read_phone, new.phone if has_phone else ""), (read_safe_hours, new.safe_hours)):
        try:
            if written:
                read(written)
        except UseFault as fault:
            faults.found += fault.faults


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
        code = new.code or free_code(db)
        enrol_in(context, db, new, code, actor, now, row_id=row_id)
        context.record(db, actor, "person.enrol", code)
        return code


def enrol_in(
    context: Context,
    db: Connection,
    new: NewPerson,
    code: str,
    actor: str,
    now: datetime,
    *,
    row_id: int,
    consent_at: datetime | None = None,
    checked: bool = False,
) -> None:
    """Write a checked person in the caller's transaction, with group, phone, consents and, for an own phone, V1 (S16).

    ``consent_at``: when consent was given, ``now`` unless a list says otherwise; ``checked`` as in ``add_phone_in``.
    """
    db.execute(
        insert(person).values(
            id=row_id,
            code=code,
            kind=new.kind,
            sex=new.sex,
            age_band=new.age_band,
            language=new.language,
            literacy_aid=new.literacy_aid,
            status="active",
            may_remind=False,
            may_check_in=False,
            may_call=False,
            outbound_held=False,
            created_at=now,
        )
    )
    db.execute(insert(identity).values(person_id=row_id, name=context.vault.seal("identity", "name", row_id, clean_name(new.name))))
    if new.group.strip():
        join_in(db, group_named(db, new.group).id, row_id, new.part, now)
    who = people.by_code(db, code)
    record_consents(db, row_id, dict.fromkeys(new.consents, True), new.language, new.how, actor, consent_at or now)
    if new.phone.strip():
        ownership = new.phone_ownership or DEFAULT_OWNERSHIP
        hours = read_safe_hours(new.safe_hours)
        contact_id = add_phone_in(context, db, who, read_phone(new.phone), ownership, hours, now, checked=checked)
        offer_opt_in(context, db, contact_id, now)


def offer_opt_in(context: Context, db: Connection, contact_id: int, now: datetime) -> None:
    """Queue V1 for an own phone whose person agreed to reminders face to face; a shared phone gets none (domain
    section 4).
    """
    contact = db.execute(select(people.contact_point).where(people.contact_point.c.id == contact_id)).one()
    who = db.execute(select(person).where(person.c.id == contact.person_id)).one()
    if contact.ownership == "own" and who.may_remind and contact.opted_in_at is None:
        queue_opt_in(context, db, contact.id, now)


def record_consents(
    db: Connection, person_id: int, purposes: dict[str, bool], language: str, how: str, actor: str, now: datetime
) -> None:
    """Append each purpose to the consent ledger (S16)."""
    for purpose, given in purposes.items():
        people.record_consent(
            db, person_id, purpose, given, now=now, how=how, language=language, recorded_by=actor, wording=WORDING
        )


def free_code(db: Connection) -> str:
    """A person's code that nobody has: P and four digits, more when those run out."""
    for digits in (4, 4, 4, 4, 4, 4, 5, 5, 6, 6):
        drawn = new_code("P", digits)
        if people.by_code(db, drawn) is None:
            return drawn
    raise UseFault("code", "no free code could be drawn; write one")


def consents_of(db: Connection, person_id: int) -> dict[str, Any]:
    """The latest ledger entry of each purpose."""
    rows = db.execute(select(consent).where(consent.c.person_id == person_id).order_by(consent.c.at, consent.c.id))
    return {row.purpose: row for row in rows}


def set_consents(context: Context, person_code: str, given: Sequence[str], how: str, actor: str) -> None:
    """Record face to face which purposes the person agrees to now; only what changes is appended. Raises
    ``UseFault``.
    """
    with context.database.begin() as db:
        who, now = person_named(db, person_code), context.now(db)
        if how not in HOW or set(given) - set(PURPOSES):
            raise UseFault("consents", "choose purposes of the list, and how consent was given")
        before = {purpose for purpose, row in consents_of(db, who.id).items() if row.given}
        changed = {purpose: purpose in given for purpose in PURPOSES if (purpose in given) != (purpose in before)}
        record_consents(db, who.id, changed, who.language, how, actor, now)
        for row in people.phones_of(db, [who.id]):
            offer_opt_in(context, db, row.id, now)
        if changed:
            context.record(db, actor, "consent.record", who.code)


def withdraw(context: Context, person_code: str, actor: str) -> None:
    """The person leaves: consents withdrawn, groups and phones ended, nothing queued leaves. The identity stays until erased."""
    with context.database.begin() as db:
        who, now = person_named(db, person_code), context.now(db)
        if who.status == "withdrawn":
            raise UseFault("person", "%(code)s has already withdrawn", code=who.code)
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
