"""Which question sets a group uses (domain section 2.6)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Table, UniqueConstraint, select

from sms_service.models.base import at, metadata, ref, row_id, word
from sms_service.models.groups import group, membership

group_question_set = Table(
    "group_question_set",
    metadata,
    row_id(),
    ref("group_id", "peace_group"),
    word("name", 40),  # of the conversation that asks it
    at("turned_on_at"),
    word("turned_on_by", 60),
    at("turned_off_at", nullable=True),
    UniqueConstraint("group_id", "name"),
)


def of_group(db: Connection, group_id: int) -> Sequence[Row[Any]]:
    """The sets this group uses or has used, by name."""
    found = group_question_set.c
    return db.execute(select(group_question_set).where(found.group_id == group_id).order_by(found.name)).all()


def of_person(db: Connection, person_id: int) -> Sequence[Row[Any]]:
    """The sets in use in this person's groups, with the group's code, by name."""
    found = group_question_set.c
    query = (
        select(group_question_set, group.c.code.label("group_code"))
        .join(group, group.c.id == found.group_id)
        .join(membership, membership.c.group_id == found.group_id)
        .where(membership.c.person_id == person_id, membership.c.left_at.is_(None), found.turned_off_at.is_(None))
    )
    return db.execute(query.order_by(found.name, group.c.code)).all()


def in_use(db: Connection, closed_since: datetime) -> Sequence[Row[Any]]:
    """Every set in use, in groups that have not closed or did so since then (aware UTC)."""
    found = group_question_set.c
    query = select(group_question_set).join(group, group.c.id == found.group_id)
    standing = (group.c.state != "closed") | (group.c.closed_at > closed_since)
    return db.execute(query.where(found.turned_off_at.is_(None), standing).order_by(found.id)).all()
