"""Programmes, their curricula, and the groups that follow one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import JSON, Boolean, Column, Connection, Integer, Row, Table, UniqueConstraint, select, update

from sms_service.models.base import at, code, metadata, ref, row_id, word
from sms_service.models.people import person

programme = Table(
    "programme",
    metadata,
    row_id(),
    code(8),  # CSG | WMP | more without code
    Column("names", JSON, nullable=False),
    Column("outbound_held", Boolean, nullable=False, default=False),
)

curriculum = Table(
    "curriculum",
    metadata,
    row_id(),
    ref("programme_id", "programme"),
    Column("version", Integer, nullable=False),
    at("frozen_at", nullable=True),
    UniqueConstraint("programme_id", "version"),
)

session_template = Table(
    "session_template",
    metadata,
    row_id(),
    ref("curriculum_id", "curriculum"),
    Column("no", Integer, nullable=False),
    word("phase", 40),
    word("audience", 8),  # M men, W partners, C couples, F family, X community
    word("internal_theme", 200),
    Column("neutral_label", JSON, nullable=False),
    Column("duration_minutes", Integer, nullable=False, default=120),
    word("home_practice", 200, nullable=True),
    Column("offset_days", Integer, nullable=True),  # days after the first meeting; without one it is of the weekly chain
    Column("days", Integer, nullable=False, default=1, server_default="1"),  # a residential block lasts several
    UniqueConstraint("curriculum_id", "no"),
)

group = Table(
    "peace_group",
    metadata,
    row_id(),
    code(8),
    ref("curriculum_id", "curriculum"),
    word("neutral_name", 60),
    word("cell_code", 20),
    Column("weekday", Integer, nullable=False),  # Monday = 0, local
    word("start_time", 5),  # HH:MM, Africa/Kigali
    word("venue_code", 20),
    word("state", 12),  # planned | enrolling | running | paused | closed
    Column("outbound_held", Boolean, nullable=False, default=False),
    Column("check_in_weekday", Integer, nullable=True),  # read by the release before recurrences only (I24); written beside them
    at("created_at"),
    at("closed_at", nullable=True),
    at("verified_since", nullable=True),  # a number verified from here on counts as verified at closing (S14)
)

membership = Table(
    "membership",
    metadata,
    row_id(),
    ref("group_id", "peace_group"),
    ref("person_id", "person", index=True),
    word("part", 12),  # member | partner
    at("joined_at"),
    at("left_at", nullable=True),
    UniqueConstraint("group_id", "person_id"),
)

group_facilitator = Table(
    "group_facilitator",
    metadata,
    row_id(),
    ref("group_id", "peace_group"),
    ref("person_id", "person", index=True),
    UniqueConstraint("group_id", "person_id"),
)


def by_code(db: Connection, code: str) -> Row[Any] | None:
    return db.execute(select(group).where(group.c.code == code)).first()


def all_groups(db: Connection) -> Sequence[Row[Any]]:
    query = (
        select(group, programme.c.code.label("programme"), curriculum.c.version.label("curriculum_version"))
        .join(curriculum, curriculum.c.id == group.c.curriculum_id)
        .join(programme, programme.c.id == curriculum.c.programme_id)
        .order_by(group.c.code)
    )
    return db.execute(query).all()


def of_facilitator(db: Connection, person_id: int) -> Sequence[Row[Any]]:
    """A facilitator's own groups, the only ones they ever see (S31)."""
    query = (
        select(group)
        .join(group_facilitator, group_facilitator.c.group_id == group.c.id)
        .where(group_facilitator.c.person_id == person_id, group.c.state != "closed")
        .order_by(group.c.code)
    )
    return db.execute(query).all()


def members(db: Connection, group_id: int) -> Sequence[Row[Any]]:
    query = (
        select(person, membership.c.part)
        .join(membership, membership.c.person_id == person.c.id)
        .where(membership.c.group_id == group_id, membership.c.left_at.is_(None), person.c.status == "active")
        .order_by(person.c.code)
    )
    return db.execute(query).all()


def groups_of(db: Connection, person_id: int) -> Sequence[Row[Any]]:
    query = (
        select(group, membership.c.part)
        .join(membership, membership.c.group_id == group.c.id)
        .where(membership.c.person_id == person_id, membership.c.left_at.is_(None))
        .order_by(group.c.code)
    )
    return db.execute(query).all()


def templates(db: Connection, curriculum_id: int) -> Sequence[Row[Any]]:
    query = select(session_template).where(session_template.c.curriculum_id == curriculum_id)
    return db.execute(query.order_by(session_template.c.no)).all()


def change(db: Connection, group_id: int, **values: Any) -> None:
    db.execute(update(group).where(group.c.id == group_id).values(**values))
