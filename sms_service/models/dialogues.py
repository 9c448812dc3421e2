"""Dialogues: where a person stands in a conversation, each event that moved it, and the coded answers (decision 5)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Index,
    Integer,
    Row,
    Table,
    UniqueConstraint,
    func,
    insert,
    select,
    update,
)

from sms_service.models.base import at, metadata, one_of, partial, ref, row_id, where_given, word
from sms_service.security.tokens import new_row_id

dialogue = Table(
    "dialogue",
    metadata,
    row_id(),
    ref("number_id", "number"),
    ref("person_id", "person", nullable=True),
    ref("meeting_id", "meeting", nullable=True),
    word("conversation", 40),
    Column("place", JSON, nullable=False),
    word("state", 10),  # waiting (text not out) | open | done | closed
    Column("sms_open", Boolean, nullable=False, default=False),
    at("opened_at"),
    at("asked_at", nullable=True),
    at("closes_at"),
    at("closed_at", nullable=True),
    Index("ix_dialogue_number_id_asked_at", "number_id", "asked_at"),
)
LIVE = one_of(dialogue.c.state, "waiting", "open")
partial("ix_dialogue_live", dialogue.c.number_id, where=LIVE)
partial("ix_dialogue_closing", dialogue.c.closes_at, where=LIVE)
where_given(dialogue, "person_id", "meeting_id")

dialogue_event = Table(
    "dialogue_event",
    metadata,
    row_id(),
    ref("dialogue_id", "dialogue"),
    Column("seq", Integer, nullable=False),
    word("channel", 4),
    Column("event", JSON, nullable=False),
    Column("facts", JSON, nullable=False),
    at("at"),
    UniqueConstraint("dialogue_id", "seq"),
)

response = Table(
    "response",
    metadata,
    row_id(),
    ref("dialogue_id", "dialogue", index=True),
    ref("person_id", "person", nullable=True),
    ref("meeting_id", "meeting", nullable=True),
    word("question", 40),
    word("value", 20),
    word("channel", 4),
    word("rule", 60),
    at("at"),
    ref("corrected_by", "staff", nullable=True),
)
where_given(response, "person_id", "meeting_id")


def get(db: Connection, dialogue_id: int) -> Row[Any] | None:
    return db.execute(select(dialogue).where(dialogue.c.id == dialogue_id)).first()


def open_by_sms(db: Connection, number_ids: Sequence[int], now: datetime) -> dict[int, Row[Any]]:
    """By number the one question a bare reply from it answers: the last one sent (domain section 9.3)."""
    query = select(dialogue).where(
        dialogue.c.number_id.in_(number_ids), LIVE, dialogue.c.state == "open", dialogue.c.sms_open, dialogue.c.closes_at > now
    )
    # The latest comes last and stays.
    return {row.number_id: row for row in db.execute(query.order_by(dialogue.c.asked_at))}


def open_of_person(db: Connection, person_id: int, now: datetime, but: Collection[str] = ()) -> Row[Any] | None:
    """The oldest question this person can still answer, on whatever channel it was asked; ``but``: conversations left out."""
    query = select(dialogue).where(dialogue.c.person_id == person_id, dialogue.c.state == "open", dialogue.c.closes_at > now)
    if but:
        query = query.where(dialogue.c.conversation.not_in(sorted(but)))
    return db.execute(query.order_by(dialogue.c.asked_at, dialogue.c.id).limit(1)).first()


def close_older_by_sms(db: Connection, number_ids: Sequence[int], keep: Sequence[int]) -> None:
    """Sending another question closes the older one for SMS; on USSD it can still be finished."""
    db.execute(
        update(dialogue)
        .where(dialogue.c.number_id.in_(list(number_ids)), LIVE, dialogue.c.sms_open, dialogue.c.id.not_in(list(keep)))
        .values(sms_open=False)
    )


def close_where(db: Connection, now: datetime, *where: ColumnElement[bool]) -> None:
    """Close the dialogues that can still be answered and fit."""
    db.execute(update(dialogue).where(LIVE, *where).values(state="closed", sms_open=False, closed_at=now))


def change(db: Connection, dialogue_id: int, **values: Any) -> None:
    db.execute(update(dialogue).where(dialogue.c.id == dialogue_id).values(**values))


def add_event(
    db: Connection, dialogue_id: int, channel: str, event: Mapping[str, Any], facts: Mapping[str, Any], now: datetime
) -> None:
    seq = select(func.count() + 1).select_from(dialogue_event).where(dialogue_event.c.dialogue_id == dialogue_id).scalar_subquery()
    db.execute(
        insert(dialogue_event).values(
            id=new_row_id(),
            dialogue_id=dialogue_id,
            seq=seq,
            channel=channel,
            event=dict(event),
            facts=dict(facts),
            at=now,
        )
    )


def events_of(db: Connection, dialogue_id: int) -> Sequence[Row[Any]]:
    query = select(dialogue_event).where(dialogue_event.c.dialogue_id == dialogue_id)
    return db.execute(query.order_by(dialogue_event.c.seq)).all()


def answers_to(db: Connection, question: str, meeting_id: int) -> dict[int, str]:
    """The latest coded answer of each person to one question about one meeting."""
    query = select(response.c.person_id, response.c.value).where(
        response.c.question == question, response.c.meeting_id == meeting_id, response.c.person_id.is_not(None)
    )
    return {row.person_id: row.value for row in db.execute(query.order_by(response.c.at, response.c.id))}


def latest_answers(db: Connection, person_id: int, question: str, limit: int) -> Sequence[str]:
    """Coded answers by when they were given, the latest first; one attached late stands where it belongs."""
    query = select(response.c.value).where(response.c.person_id == person_id, response.c.question == question)
    return db.execute(query.order_by(response.c.at.desc(), response.c.id.desc()).limit(limit)).scalars().all()
