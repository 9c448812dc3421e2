"""Numbers that wrote or dialled and belong to nobody: shown by code, linked to a person with a reason, audited
(9.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, func, select

from sms_service.models import numbers, people
from sms_service.models.dials import dial
from sms_service.models.inbound import inbound
from sms_service.models.numbers import number
from sms_service.models.people import contact_point
from sms_service.usecases.contacts import add_phone_in
from sms_service.usecases.context import Context
from sms_service.usecases.faults import UseFault
from sms_service.usecases.find import person_to_change

LEAST_REASON, MOST_REASON = 5, 300


def unknown_numbers(db: Connection, limit: int = 100) -> Sequence[Any]:
    """Number code, texts and dials counted, last sign, and whether it has stopped; newest first. No text, no number."""
    in_use = select(contact_point.c.id).where(contact_point.c.number_id == number.c.id, contact_point.c.ended_at.is_(None))
    texts = (
        select(inbound.c.number_id, func.count().label("texts"), func.max(inbound.c.received_at).label("texted_at"))
        .where(inbound.c.number_id.is_not(None))
        .group_by(inbound.c.number_id)
        .subquery()
    )
    dials = (
        select(dial.c.number_id, func.count().label("dials"), func.max(dial.c.last_at).label("dialled_at"))
        .group_by(dial.c.number_id)
        .subquery()
    )
    latest = func.coalesce(texts.c.texted_at, dials.c.dialled_at)
    query = (
        select(
            number.c.code,
            number.c.language,
            number.c.stopped_at,
            func.coalesce(texts.c.texts, 0).label("texts"),
            func.coalesce(dials.c.dials, 0).label("dials"),
            texts.c.texted_at,
            dials.c.dialled_at,
        )
        .outerjoin(texts, texts.c.number_id == number.c.id)
        .outerjoin(dials, dials.c.number_id == number.c.id)
        .where(
            ~in_use.exists(),
            number.c.staff_phone.is_(False),
            texts.c.texts.is_not(None) | dials.c.dials.is_not(None),
        )
        .order_by(latest.desc())
        .limit(limit)
    )
    return db.execute(query).all()


def link_number(context: Context, number_code: str, person_code: str, ownership: str, reason: str, actor: str) -> int:
    """Give an unknown number to a person, as staff have made sure of; returns the contact point's row id.

    A stop on the number stays (S17). Raises ``UseFault`` for a code that is not unknown, a stranger or no reason.
    """
    written = " ".join(reason.split())
    if not LEAST_REASON <= len(written) <= MOST_REASON:
        raise UseFault("reason", "say in 5 to 300 characters how you know whose number this is")
    with context.database.begin() as db:
        now = context.now(db)
        row = db.execute(select(number).where(number.c.code == number_code.strip().upper())).first()
        if row is None or row.staff_phone or people.contact_points_of(db, [row.id]):
            raise UseFault("number", "this is not an unknown number; it may have been linked meanwhile")
        who = person_to_change(db, person_code)
        if who.status != "active":
            raise UseFault("person", "%(code)s has withdrawn", code=who.code)
        contact_id = add_phone_in(context, db, who, numbers.reveal(context.vault, row), ownership, "", now)
        context.record(db, actor, "number.link", f"{row.code} {who.code}", written)
        return contact_id
