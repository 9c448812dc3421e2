"""The duty rota: who holds the safeguarding duty phone, on which line, from when to when (S25)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Integer, Row, Table, select

from sms_service.models.base import at, metadata, ref, row_id
from sms_service.models.numbers import number
from sms_service.models.staff import staff

duty = Table(
    "duty",
    metadata,
    row_id(),
    ref("staff_id", "staff"),
    ref("number_id", "number"),
    Column("line", Integer, nullable=False),  # 1, 2, 3 = coordinator
    at("starts_at"),
    at("ends_at", index=True),
    at("created_at"),
)


def on_duty(db: Connection, now: datetime) -> Sequence[Row[Any]]:
    """The lines on duty now, first line first; empty means nobody, which is a degraded state (S25)."""
    query = (
        select(duty, staff.c.code.label("staff_code"), staff.c.language, number.c.sealed.label("number_sealed"))
        .join(staff, staff.c.id == duty.c.staff_id)
        .join(number, number.c.id == duty.c.number_id)
        .where(duty.c.starts_at <= now, duty.c.ends_at > now, staff.c.disabled_at.is_(None))
    )
    return db.execute(query.order_by(duty.c.line, duty.c.id)).all()
