"""What facilitators and pairs report, codes and counts only (V15, V16), and the director's yearly leave for V17."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Boolean, Column, Connection, Date, Integer, Row, Table, UniqueConstraint, select, update

from sms_service.models.base import at, metadata, ref, row_id, word
from sms_service.models.meetings import meeting

meeting_report = Table(
    "meeting_report",
    metadata,
    row_id(),
    ref("meeting_id", "meeting"),
    Column("men", Integer, nullable=False),
    Column("women", Integer, nullable=False),
    Column("distressed", Integer, nullable=False),
    Column("referred", Integer, nullable=False),
    word("incident", 10),  # none | safety | conflict | outside | other: never what happened
    Column("both_present", Boolean, nullable=True),  # the text has no field for it
    word("source", 8),  # ussd | sms | console
    word("reported_by", 60),  # a person's or an account's code
    at("reported_at", index=True),
    Column("flags", JSON, nullable=False),  # too_many | nobody | differs
    Column("other", JSON, nullable=True),  # what somebody else counted at the same meeting
    word("other_by", 60, nullable=True),
    at("other_at", nullable=True),
    UniqueConstraint("meeting_id"),
)

cascade_report = Table(
    "cascade_report",
    metadata,
    row_id(),
    ref("pair_id", "pair"),
    word("month", 7),  # 2026-11; the row is there from the month's end on, filed or not
    at("opened_at"),
    Column("activities", Integer, nullable=True),
    Column("women", Integer, nullable=True),
    Column("men", Integer, nullable=True),
    Column("co_led", Boolean, nullable=True),
    word("filed_by", 60, nullable=True),
    at("filed_at", nullable=True),
    Column("other", JSON, nullable=True),  # what the second of the pair filed, when it is not the same
    word("other_by", 60, nullable=True),
    at("other_at", nullable=True),
    UniqueConstraint("pair_id", "month"),
)

remembrance_approval = Table(
    "remembrance_approval",
    metadata,
    row_id(),
    Column("year", Integer, nullable=False),
    word("texts_hash", 64),  # the words that were approved: changed words need a new approval
    word("approved_by", 60),
    at("approved_at"),
    Column("queued_on", Date, nullable=True),  # the last local day on which its texts were written
    UniqueConstraint("year"),
)


def of_meeting(db: Connection, meeting_id: int, *, lock: bool = False) -> Row[Any] | None:
    """A meeting's report; ``lock`` for whoever is about to change it."""
    query = select(meeting_report).where(meeting_report.c.meeting_id == meeting_id)
    return db.execute(query.with_for_update() if lock else query).first()


def flagged_in(db: Connection, group_id: int) -> set[int]:
    """The group's meetings whose reports staff should look at."""
    query = select(meeting_report.c.meeting_id, meeting_report.c.flags).join(meeting, meeting.c.id == meeting_report.c.meeting_id)
    return {row.meeting_id for row in db.execute(query.where(meeting.c.group_id == group_id)) if row.flags}


def change(db: Connection, report_id: int, **values: Any) -> None:
    db.execute(update(meeting_report).where(meeting_report.c.id == report_id).values(**values))


def of_pair_month(db: Connection, pair_id: int, month: str, *, lock: bool = False) -> Row[Any] | None:
    """A pair's report of a month (``2026-11``)."""
    query = select(cascade_report).where(cascade_report.c.pair_id == pair_id, cascade_report.c.month == month)
    return db.execute(query.with_for_update() if lock else query).first()


def change_cascade(db: Connection, report_id: int, **values: Any) -> None:
    db.execute(update(cascade_report).where(cascade_report.c.id == report_id).values(**values))


def approval_of(db: Connection, year: int, *, lock: bool = False) -> Row[Any] | None:
    """The director's approval of V17 for a year; ``lock`` while texts are written under it."""
    query = select(remembrance_approval).where(remembrance_approval.c.year == year)
    return db.execute(query.with_for_update() if lock else query).first()
