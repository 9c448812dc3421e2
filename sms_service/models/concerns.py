"""Concerns: anything a person must act on, its clock, its owner, the attempts to reach someone, and the alert of a RED one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Index, Integer, Row, Table, func, select, text, update

from sms_service.models.base import at, code, metadata, ref, row_id, sealed, where_given, word

concern = Table(
    "concern",
    metadata,
    row_id(),
    code(12),
    word("kind", 24),  # a name of rules.concerns.KINDS
    word("severity", 8),  # red | amber | call | task
    ref("number_id", "number", nullable=True, index=True),
    ref("person_id", "person", nullable=True, index=True),
    ref("group_id", "peace_group", nullable=True),
    ref("inbound_id", "inbound", nullable=True),
    Column("turn_id", BigInteger, nullable=True),  # no foreign key: a step opens it before its turn is stored
    word("topic", 20, nullable=True),
    word("slot", 20, nullable=True),
    word("note_code", 40, nullable=True),
    word("state", 14),  # new | acknowledged | contacted | unreachable | plan | closed
    Column("texts", Integer, nullable=False, default=1),
    ref("owner_id", "staff", nullable=True),
    at("opened_at"),
    at("due_at"),
    at("acknowledged_at", nullable=True),
    at("closed_at", nullable=True),
    word("outcome", 24, nullable=True),
    Index("ix_concern_state_due_at", "state", "due_at"),
)
where_given(concern, "inbound_id")

contact_attempt = Table(
    "contact_attempt",
    metadata,
    row_id(),
    ref("concern_id", "concern", index=True),
    ref("staff_id", "staff"),
    at("at"),
    word("result", 20),  # spoke | no_answer | wrong_person | call_later | in_person
)

concern_note = Table(
    "concern_note",
    metadata,
    row_id(),
    ref("concern_id", "concern", index=True),
    ref("staff_id", "staff"),
    at("at"),
    sealed("note"),
)

_NOT_ANSWERED = text("acknowledged_at IS NULL")

alert = Table(
    "alert",
    metadata,
    row_id(),
    ref("concern_id", "concern", index=True),
    word("ack_code", 6, index=True),
    Column("step", Integer, nullable=False, default=0),
    at("opened_at"),
    at("next_at"),
    at("acknowledged_at", nullable=True),
    word("acknowledged_by", 40, nullable=True),
    Index("ix_alert_waiting", "opened_at", postgresql_where=_NOT_ANSWERED, sqlite_where=_NOT_ANSWERED),
)

alert_phone = Table(
    "alert_phone",
    metadata,
    row_id(),
    ref("alert_id", "alert", index=True),
    ref("number_id", "number", index=True),
    ref("staff_id", "staff", nullable=True),
    at("first_at"),
)

OPEN = ("new", "acknowledged", "contacted", "unreachable", "plan")


def get(db: Connection, concern_id: int) -> Row[Any] | None:
    return db.execute(select(concern).where(concern.c.id == concern_id)).first()


def by_code(db: Connection, concern_code: str) -> Row[Any] | None:
    return db.execute(select(concern).where(concern.c.code == concern_code)).first()


def unacknowledged_red(db: Connection, number_id: int) -> Row[Any] | None:
    """A RED on a number with an unacknowledged concern joins it (S25)."""
    query = select(concern).where(concern.c.number_id == number_id, concern.c.severity == "red", concern.c.state == "new")
    return db.execute(query.order_by(concern.c.id).limit(1)).first()


def open_same(
    db: Connection, number_id: int | None, person_id: int | None, kind: str, since: datetime, *where: Any
) -> Row[Any] | None:
    """The concern of the same kind that nobody has acted on yet; once somebody has, a further text is a request of its own."""
    query = select(concern).where(
        concern.c.kind == kind,
        concern.c.state.in_(("new", "acknowledged")),
        concern.c.opened_at >= since,
        concern.c.number_id == number_id,
        *where,
    )
    query = query.where(concern.c.person_id == person_id) if person_id else query.where(concern.c.person_id.is_(None))
    return db.execute(query.limit(1)).first()


def open_red_count(db: Connection) -> int:
    query = select(func.count()).select_from(concern).where(concern.c.severity == "red", concern.c.state == "new")
    return int(db.execute(query).scalar_one())


def change(db: Connection, concern_id: int, **values: Any) -> None:
    db.execute(update(concern).where(concern.c.id == concern_id).values(**values))
