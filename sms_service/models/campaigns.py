"""Campaigns: a text that goes once to each person, at a date or so many days from something (S40)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import JSON, Column, Connection, Date, Integer, Row, String, Table, UniqueConstraint, cast, func, select, update

from sms_service.models.base import at, code, metadata, ref, row_id, sealed, word
from sms_service.models.outbox import outbox
from sms_service.models.staff import staff

campaign = Table(
    "campaign",
    metadata,
    row_id(),
    code(12),
    ref("author_id", "staff"),
    ref("approver_id", "staff", nullable=True),
    word("state", 12),  # waiting (for approval) | running | paused | ended | refused
    word("text_class", 1),
    ref("programme_id", "programme", nullable=True),  # all its groups, later ones too; else those listed
    Column("group_ids", JSON, nullable=False),
    word("part", 12),  # member | partner | empty: both
    word("anchor", 16),  # date | enrolled | closed | before_meeting | after_meeting
    Column("on_day", Date, nullable=True),
    Column("days", Integer, nullable=False, default=0),
    Column("meeting_no", Integer, nullable=True),
    at("created_at"),
    at("approved_at", nullable=True),
    at("ended_at", nullable=True),
)

campaign_text = Table(
    "campaign_text",
    metadata,
    row_id(),
    ref("campaign_id", "campaign"),
    word("language", 2),
    sealed("body"),
    UniqueConstraint("campaign_id", "language"),
)


def by_code(db: Connection, campaign_code: str, *, lock: bool = False) -> Row[Any] | None:
    query = select(campaign).where(campaign.c.code == campaign_code)
    return db.execute(query.with_for_update() if lock else query).first()


def get(db: Connection, campaign_id: int) -> Row[Any] | None:
    return db.execute(select(campaign).where(campaign.c.id == campaign_id)).first()


def running(db: Connection, meeting_no: int | None = None) -> Sequence[Row[Any]]:
    """Those that run; with a number only those before or after the meeting of this number."""
    query = select(campaign).where(campaign.c.state == "running").order_by(campaign.c.id)
    return db.execute(query if meeting_no is None else query.where(campaign.c.meeting_no == meeting_no)).all()


def latest(db: Connection, limit: int = 100) -> Sequence[Row[Any]]:
    """Newest first, with author's and approver's codes."""
    author, approver = staff.alias("author"), staff.alias("approver")
    query = (
        select(campaign, author.c.code.label("author"), approver.c.code.label("approver"))
        .join(author, author.c.id == campaign.c.author_id)
        .outerjoin(approver, approver.c.id == campaign.c.approver_id)
    )
    return db.execute(query.order_by(campaign.c.created_at.desc(), campaign.c.id.desc()).limit(limit)).all()


def texts_of(db: Connection, campaign_id: int) -> Sequence[Row[Any]]:
    query = select(campaign_text).where(campaign_text.c.campaign_id == campaign_id)
    return db.execute(query.order_by(campaign_text.c.language)).all()


def change(db: Connection, campaign_id: int, **values: Any) -> None:
    db.execute(update(campaign).where(campaign.c.id == campaign_id).values(**values))


def key(campaign_id: int, number_id: int) -> str:
    """The outbox key of this campaign's one text to this number: each gets it at most once."""
    return f"cp:{campaign_id}:{number_id}"


def texts_sent(campaign_id: int) -> Any:
    """The condition on the outbox for this campaign's texts; answered by the index of the keys."""
    return outbox.c.key.between(f"cp:{campaign_id}:", f"cp:{campaign_id}:~")


MEETING_CHANGED = ("moved", "cancelled", "shifted", "paused")
"""Why a meeting's texts that wait are cancelled when it gets another date."""


def _taken_back(campaign_id: int) -> Any:
    """Texts that never left because their meeting has another date: nobody has had them."""
    never = (outbox.c.state == "cancelled") & (outbox.c.attempts == 0)
    return texts_sent(campaign_id) & never & outbox.c.meeting_id.is_not(None) & outbox.c.reason.in_(MEETING_CHANGED)


def set_aside(db: Connection, campaign_id: int) -> None:
    """Texts taken back by their meeting give up their key, so that each is written again before the new date."""
    own = outbox.c.key + ":" + cast(outbox.c.id, String)
    whole = outbox.c.key.not_like("cp:%:%:%")
    db.execute(update(outbox).where(_taken_back(campaign_id), whole).values(key=own))


def people_written_to(db: Connection, campaign_id: int) -> set[int]:
    """People this campaign has a text for, on whatever number."""
    query = select(outbox.c.person_id).where(texts_sent(campaign_id), outbox.c.person_id.is_not(None), ~_taken_back(campaign_id))
    return set(db.execute(query).scalars())


def progress(db: Connection, campaign_id: int) -> dict[str, int]:
    """Its texts by state."""
    query = select(outbox.c.state, func.count()).where(texts_sent(campaign_id)).group_by(outbox.c.state)
    return {state: int(count) for state, count in db.execute(query)}
