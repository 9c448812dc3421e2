"""What a group does again and again: the rule (RFC 5545), the zone its clock times are in, and only the next moment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Date, Row, Table, UniqueConstraint, select, update

from sms_service.models.base import at, metadata, ref, row_id, word
from sms_service.models.groups import group

recurrence = Table(
    "recurrence",
    metadata,
    row_id(),
    ref("group_id", "peace_group"),
    word("kind", 20),  # check_in
    word("rule", 120),  # FREQ=WEEKLY;INTERVAL=2;BYDAY=TU
    word("zone", 40),
    Column("starts_on", Date, nullable=False),  # local: an interval counts from here
    word("clock_time", 5),  # HH:MM, local
    at("next_due_at", index=True),
    at("changed_at"),
    word("changed_by", 60),
    UniqueConstraint("group_id", "kind"),
)


def of_group(db: Connection, group_id: int, kind: str) -> Row[Any] | None:
    mine = (recurrence.c.group_id == group_id, recurrence.c.kind == kind)
    return db.execute(select(recurrence).where(*mine)).first()


def running(db: Connection, kind: str, before: datetime) -> Sequence[Row[Any]]:
    """Those of running groups whose next moment lies before this one."""
    query = select(recurrence).join(group, group.c.id == recurrence.c.group_id)
    return db.execute(
        query.where(recurrence.c.kind == kind, group.c.state == "running", recurrence.c.next_due_at < before).order_by(
            recurrence.c.id
        )
    ).all()


def change(db: Connection, recurrence_id: int, **values: Any) -> None:
    db.execute(update(recurrence).where(recurrence.c.id == recurrence_id).values(**values))
