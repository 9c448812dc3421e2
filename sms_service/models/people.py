"""People, apart from their identity: codes here, names in ``identity``, phones in ``contact_point``, consents append-only.

The fields that must not exist do not exist (S37): no ethnicity, no label, no diagnosis, no free note about a person.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Row,
    Table,
    UniqueConstraint,
    bindparam,
    insert,
    select,
    update,
)

from sms_service.models.base import at, code, keyed_hash, metadata, ref, row_id, sealed, word
from sms_service.models.numbers import number
from sms_service.security.tokens import new_row_id

person = Table(
    "person",
    metadata,
    row_id(),
    code(12),
    word("kind", 20),  # participant | practitioner | facilitator
    word("sex", 1),
    word("age_band", 5),
    word("language", 2),
    Column("literacy_aid", Boolean, nullable=False, default=False),
    word("status", 12),  # active | withdrawn | closed
    Column("may_remind", Boolean, nullable=False, default=False),
    Column("may_check_in", Boolean, nullable=False, default=False),
    Column("may_call", Boolean, nullable=False, default=False),
    Column("may_learn", Boolean, nullable=False, default=False),
    Column("outbound_held", Boolean, nullable=False, default=False),
    at("last_seen_at", nullable=True),
    at("created_at"),
)

identity = Table(
    "identity",
    metadata,
    Column("person_id", BigInteger, ForeignKey("person.id"), primary_key=True, autoincrement=False),
    sealed("name"),
)

contact_point = Table(
    "contact_point",
    metadata,
    row_id(),
    ref("person_id", "person"),
    ref("number_id", "number", index=True),
    word("ownership", 16),  # own | shared_partner | shared_other | none
    word("safe_hours", 400, default=""),
    Column("channels", JSON, nullable=False),
    word("overtness", 12, default="discreet"),
    sealed("code_word", nullable=True),
    keyed_hash("pin_hash", nullable=True),
    keyed_hash("pin_salt", nullable=True),
    at("opted_in_at", nullable=True),
    at("opted_out_at", nullable=True),
    at("verified_at", nullable=True),
    at("ended_at", nullable=True),
    at("created_at"),
    UniqueConstraint("person_id", "number_id"),
)

consent = Table(
    "consent",
    metadata,
    row_id(),
    ref("person_id", "person", index=True),
    word("purpose", 12),  # reminders | checkins | calls | learning | story
    Column("given", Boolean, nullable=False),
    at("at"),
    word("how", 12),  # oral | written | electronic
    word("language", 2),
    word("recorded_by", 40),
    word("wording", 20),
)

PURPOSES = ("reminders", "checkins", "calls", "learning", "story")
_PERSON_FLAG = {"reminders": "may_remind", "checkins": "may_check_in", "calls": "may_call", "learning": "may_learn"}


def flags_of(purposes: Iterable[str]) -> dict[str, bool]:
    """The person's columns, which the fence reads, after consent to these purposes and to no other."""
    given = set(purposes)
    return {flag: purpose in given for purpose, flag in _PERSON_FLAG.items()}


def by_code(db: Connection, code: str) -> Row[Any] | None:
    return db.execute(select(person).where(person.c.code == code)).first()


_ON_NUMBERS = (
    select(
        contact_point,
        person.c.code.label("person_code"),
        person.c.kind,
        person.c.language.label("person_language"),
        person.c.status,
        person.c.may_remind,
        person.c.may_check_in,
        person.c.may_learn,
        person.c.outbound_held,
        number.c.language.label("number_language"),
    )
    .join(person, person.c.id == contact_point.c.person_id)
    .join(number, number.c.id == contact_point.c.number_id)
    .where(contact_point.c.ended_at.is_(None))
    .order_by(contact_point.c.id)
)
# Built once: putting a statement together costs a USSD hop more than running it.
_ON_ONE_NUMBER = _ON_NUMBERS.where(contact_point.c.number_id == bindparam("number"))
_ON_MANY_NUMBERS = _ON_NUMBERS.where(contact_point.c.number_id.in_(bindparam("numbers", expanding=True)))


def contact_points_of(db: Connection, number_ids: Iterable[int]) -> Sequence[Row[Any]]:
    """The people on these numbers, with what a rule needs to know about them (S9: several people may share one)."""
    ids = list(number_ids)
    if len(ids) == 1:
        return db.execute(_ON_ONE_NUMBER, {"number": ids[0]}).all()
    return db.execute(_ON_MANY_NUMBERS, {"numbers": ids}).all()


def phones_of(db: Connection, person_ids: Iterable[int]) -> Sequence[Row[Any]]:
    query = (
        select(
            contact_point,
            number.c.code.label("number_code"),
            number.c.stopped_at,
            number.c.frozen_at,
            number.c.language,
        )
        .join(number, number.c.id == contact_point.c.number_id)
        .where(contact_point.c.person_id.in_(list(person_ids)), contact_point.c.ended_at.is_(None))
        .order_by(contact_point.c.id)
    )
    return db.execute(query).all()


def record_consent(
    db: Connection,
    person_id: int,
    purpose: str,
    given: bool,
    *,
    now: datetime,
    how: str,
    language: str,
    recorded_by: str,
    wording: str,
) -> None:
    """Append to the consent ledger (S16) and keep the person's flag, which the fence reads, in step with it."""
    db.execute(
        insert(consent).values(
            id=new_row_id(),
            person_id=person_id,
            purpose=purpose,
            given=given,
            at=now,
            how=how,
            language=language,
            recorded_by=recorded_by,
            wording=wording,
        )
    )
    flag = _PERSON_FLAG.get(purpose)
    if flag:
        db.execute(update(person).where(person.c.id == person_id).values({flag: given}))


def change(db: Connection, person_id: int, **values: Any) -> None:
    db.execute(update(person).where(person.c.id == person_id).values(**values))


def change_contact(db: Connection, contact_id: int, **values: Any) -> None:
    db.execute(update(contact_point).where(contact_point.c.id == contact_id).values(**values))
