"""Staff accounts, their roles, their sign-ins (server side, so that they can be ended) and single-use links."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, Column, Connection, Index, Integer, Row, String, Table, UniqueConstraint, select, update

from sms_service.models.base import at, code, keyed_hash, metadata, ref, row_id, sealed, word

staff = Table(
    "staff",
    metadata,
    row_id(),
    code(12),
    Column("login", String(60), nullable=False, unique=True),
    sealed("name"),
    word("language", 2),
    word("password_hash", 200, nullable=True),
    sealed("totp", nullable=True),
    Column("totp_step", Integer, nullable=False, default=0),
    ref("person_id", "person", nullable=True),  # a facilitator's own person
    at("disabled_at", nullable=True),
    at("created_at"),
)

staff_role = Table(
    "staff_role",
    metadata,
    row_id(),
    ref("staff_id", "staff"),
    word("role", 16),  # admin | safeguarding | staff | facilitator | read_only
    UniqueConstraint("staff_id", "role"),
)

login = Table(
    "login",
    metadata,
    row_id(),
    keyed_hash("token_hash", unique=True),
    ref("staff_id", "staff", index=True),
    at("created_at"),
    at("active_at"),
    at("confirmed_at"),  # last time the password and code were given
    at("ended_at", nullable=True),
)

signin_link = Table(
    "signin_link",
    metadata,
    row_id(),
    keyed_hash("token_hash", unique=True),
    ref("staff_id", "staff"),
    at("expires_at"),
    at("used_at", nullable=True),
    Column("second_factor", Boolean, nullable=False, default=True),
)

signin_failure = Table(
    "signin_failure",
    metadata,
    row_id(),
    keyed_hash("subject"),  # keyed hash of the login, or of the source address
    at("at"),
    Index("ix_signin_failure_subject_at", "subject", "at"),
)


def by_login(db: Connection, name: str) -> Row[Any] | None:
    return db.execute(select(staff).where(staff.c.login == name)).first()


def get(db: Connection, staff_id: int) -> Row[Any] | None:
    return db.execute(select(staff).where(staff.c.id == staff_id)).first()


def roles_of(db: Connection, staff_id: int) -> frozenset[str]:
    return frozenset(db.execute(select(staff_role.c.role).where(staff_role.c.staff_id == staff_id)).scalars())


def change(db: Connection, staff_id: int, **values: Any) -> None:
    db.execute(update(staff).where(staff.c.id == staff_id).values(**values))
