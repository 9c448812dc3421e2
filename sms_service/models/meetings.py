"""Meetings of a group, who came, and who said they would."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Integer, Row, Table, UniqueConstraint, select, update

from sms_service.models.base import at, metadata, ref, row_id, word
from sms_service.models.groups import group, membership, session_template
from sms_service.models.people import person

meeting = Table(
    "meeting",
    metadata,
    row_id(),
    ref("group_id", "peace_group"),
    ref("template_id", "session_template", nullable=True),
    Column("no", Integer, nullable=False),
    at("starts_at", index=True),
    at("held_at", nullable=True),
    word("state", 12),  # planned | confirmed | moved | cancelled | held | reported
    at("moved_from", nullable=True),
    word("reason", 40, nullable=True),
    UniqueConstraint("group_id", "no"),
)

attendance = Table(
    "attendance",
    metadata,
    row_id(),
    ref("meeting_id", "meeting"),
    ref("person_id", "person"),
    word("status", 8),  # present | absent | unknown
    word("source", 20),
    at("at"),
    UniqueConstraint("meeting_id", "person_id"),
)

OPEN = ("planned", "confirmed", "moved")


def get(db: Connection, meeting_id: int) -> Row[Any] | None:
    query = (
        select(meeting, group.c.code.label("group_code"), session_template.c.audience)
        .join(group, group.c.id == meeting.c.group_id)
        .outerjoin(session_template, session_template.c.id == meeting.c.template_id)
        .where(meeting.c.id == meeting_id)
    )
    return db.execute(query).first()


def next_of_group(db: Connection, group_id: int, now: datetime) -> Row[Any] | None:
    query = select(meeting).where(meeting.c.group_id == group_id, meeting.c.starts_at > now, meeting.c.state.in_(OPEN))
    return db.execute(query.order_by(meeting.c.starts_at).limit(1)).first()


def upcoming_of_people(db: Connection, person_ids: Sequence[int], now: datetime, limit: int = 12) -> Sequence[Row[Any]]:
    """The coming meetings of these people's groups, nearest first, with what decides whether each person is invited."""
    query = (
        select(meeting, session_template.c.audience, membership.c.part, membership.c.person_id, person.c.sex)
        .join(membership, membership.c.group_id == meeting.c.group_id)
        .join(person, person.c.id == membership.c.person_id)
        .outerjoin(session_template, session_template.c.id == meeting.c.template_id)
        .where(
            membership.c.person_id.in_(list(person_ids)),
            membership.c.left_at.is_(None),
            meeting.c.starts_at > now,
            meeting.c.state.in_(OPEN),
        )
    )
    return db.execute(query.order_by(meeting.c.starts_at).limit(limit)).all()


def of_group(db: Connection, group_id: int) -> Sequence[Row[Any]]:
    query = (
        select(meeting, session_template.c.audience, session_template.c.internal_theme)
        .outerjoin(session_template, session_template.c.id == meeting.c.template_id)
        .where(meeting.c.group_id == group_id)
    )
    return db.execute(query.order_by(meeting.c.no)).all()


def change(db: Connection, meeting_id: int, **values: Any) -> None:
    db.execute(update(meeting).where(meeting.c.id == meeting_id).values(**values))


def attendance_of(db: Connection, meeting_id: int) -> dict[int, Row[Any]]:
    rows = db.execute(select(attendance).where(attendance.c.meeting_id == meeting_id)).all()
    return {row.person_id: row for row in rows}
