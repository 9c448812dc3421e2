"""Numbers without any sign of their people for 90 days are frozen until someone has verified them in person (S14)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, exists, or_, select

from sms_service.models import numbers
from sms_service.models.dials import dial
from sms_service.models.groups import group, membership
from sms_service.models.numbers import number
from sms_service.models.people import contact_point, person
from sms_service.usecases.context import Context
from sms_service.usecases.follow_ups import CARING_LASTS
from sms_service.usecases.raise_concern import About, raise_concern

SILENCE = timedelta(days=90)
A_ROUND = 200


def _cared_for(now: datetime) -> Select[Any]:
    """People whose groups have all closed, on a number verified at closing or since: nothing asks them, so their silence does
    not count (S14, V18).
    """
    mine = membership.c.person_id == contact_point.c.person_id
    joined = select(group.c.id).join(membership, membership.c.group_id == group.c.id).where(mine, membership.c.left_at.is_(None))
    closed = (group.c.closed_at > now - CARING_LASTS, contact_point.c.verified_at >= group.c.verified_since)
    return select(contact_point.c.id).where(
        exists(joined.where(group.c.state == "closed", *closed)), ~exists(joined.where(group.c.state != "closed"))
    )


def freeze_silent(context: Context, db: Connection, now: datetime) -> int:
    """Freeze the numbers of active participants that show no sign of life since 90 days; returns how many.

    A sign is a text in, a dial, an attendance marked present or a verification; on a shared number anybody's counts. Each frozen
    number opens a task to look for the person face to face.
    """
    since = now - SILENCE
    used = (contact_point.c.number_id == number.c.id) & contact_point.c.ended_at.is_(None)
    whose = select(contact_point.c.id).join(person, person.c.id == contact_point.c.person_id).where(used)
    seen = or_(person.c.last_seen_at >= since, contact_point.c.verified_at >= since, contact_point.c.created_at >= since)
    query = (
        select(number.c.id)
        .where(
            number.c.frozen_at.is_(None),
            number.c.stopped_at.is_(None),
            number.c.staff_phone.is_(False),
            or_(number.c.last_inbound_at.is_(None), number.c.last_inbound_at < since),
            exists(whose.where(person.c.status == "active", person.c.kind != "facilitator")),
            ~exists(whose.where(seen)),
            ~exists(_cared_for(now).where(used)),
            ~exists(select(dial.c.id).where(dial.c.number_id == number.c.id, dial.c.last_at >= since)),
        )
        .order_by(number.c.id)
        .limit(A_ROUND)
    )
    silent = db.execute(query).scalars().all()
    for number_id in silent:
        numbers.lock(db, number_id)
        numbers.change(db, number_id, frozen_at=now, frozen_reason="silent")
        raise_concern(context, db, About(kind="frozen_number", number_id=number_id, note_code="silent"), now)
    return len(silent)
