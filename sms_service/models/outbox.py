"""The outbox: one row a message and recipient, its attempts, and reports that came before their row (reliability section 4)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Float,
    Index,
    Integer,
    Row,
    String,
    Table,
    UniqueConstraint,
    case,
    func,
    select,
    update,
)

from sms_service.models.base import (
    UtcTime,
    at,
    keyed_hash,
    metadata,
    one_of,
    partial,
    ref,
    row_id,
    sealed,
    where_given,
    word,
)


def _when_written(context: Any) -> Any:
    return context.get_current_parameters()["created_at"]


outbox = Table(
    "outbox",
    metadata,
    row_id(),
    Column("key", String(80), nullable=False, unique=True),
    ref("number_id", "number"),
    ref("person_id", "person", nullable=True),
    ref("group_id", "peace_group", nullable=True),
    ref("meeting_id", "meeting", nullable=True),
    ref("dialogue_id", "dialogue", nullable=True),
    ref("inbound_id", "inbound", nullable=True),
    ref("broadcast_id", "broadcast", nullable=True),
    ref("alert_id", "alert", nullable=True),
    ref("replaces_id", "outbox", nullable=True),
    word("template", 20),  # V3, V10, broadcast, alert ...
    word("kind", 10),  # scheduled | broadcast | v4 | reply | alert
    word("text_class", 1),
    Column("lane", Integer, nullable=False),
    word("language", 2),
    sealed("body"),
    keyed_hash("body_hash"),
    Column("segments", Integer, nullable=False, default=1),
    word("state", 12),  # queued reserved calling accepted refused unknown delivered failed expired cancelled suppressed given_up
    word("stage", 12, nullable=True),  # Sent | Submitted | Buffered while accepted
    word("reason", 60, nullable=True),
    word("token", 40, nullable=True),
    at("lease_until", nullable=True),
    at("not_before"),
    at("expires_at"),
    Column("attempts", Integer, nullable=False, default=0),
    Column("gateway_id", String(128), nullable=True),
    Column("cost", Float, nullable=True),
    word("currency", 3, nullable=True),
    at("created_at"),
    Column("shown_at", UtcTime, nullable=False, default=_when_written),  # where the log shows it: written, then sent or closed
    at("accepted_at", nullable=True),
    at("closed_at", nullable=True),
    Index("ix_outbox_number_id_not_before", "number_id", "not_before"),
    Index("ix_outbox_shown_at", "shown_at"),
    Index("ix_outbox_body_hash", "body_hash"),
)
QUEUED = one_of(outbox.c.state, "queued")
MOVING = one_of(outbox.c.state, "queued", "reserved", "calling", "unknown")  # few; final rows grow without end (I22)
# A claim reads in this order and stops at its limit, however many are due in the same minute.
partial("ix_outbox_due", outbox.c.lane, outbox.c.not_before, outbox.c.id, where=QUEUED)
partial("ix_outbox_moving", outbox.c.state, outbox.c.number_id, where=MOVING)
partial("ix_outbox_broadcast_id", outbox.c.broadcast_id, outbox.c.state, where=outbox.c.broadcast_id.is_not(None))
partial("ix_outbox_group_id", outbox.c.group_id, outbox.c.not_before, where=outbox.c.group_id.is_not(None))
where_given(outbox, "person_id", "meeting_id", "dialogue_id", "gateway_id", "inbound_id", "replaces_id")

attempt = Table(
    "attempt",
    metadata,
    row_id(),
    ref("outbox_id", "outbox", index=True),
    word("call_id", 40),
    word("token", 40),
    at("started_at"),
    at("ended_at", nullable=True),
    word("result", 20, nullable=True),
    Column("code", Integer, nullable=True),
    word("detail", 60, nullable=True),
)

parked_report = Table(
    "parked_report",
    metadata,
    row_id(),
    Column("gateway_id", String(128), nullable=False),
    word("status", 40),
    word("failure_reason", 60, nullable=True),
    ref("number_id", "number", nullable=True, index=True),
    at("received_at", index=True),
    UniqueConstraint("gateway_id", "status"),
)

LANES = (0, 1, 2, 3)
LONGEST_LIFE = timedelta(days=60)  # more than any text has from its first minute to its last
SENDING = ("reserved", "calling")
RESTORED = "restored"  # the reason of what may have gone out between a backup and its restoration
MAY_HAVE_LEFT = ("accepted", "delivered", "failed", "unknown", "calling")
FINAL = ("delivered", "failed", "refused", "expired", "cancelled", "suppressed", "given_up")


def get(db: Connection, outbox_id: int) -> Row[Any] | None:
    return db.execute(select(outbox).where(outbox.c.id == outbox_id)).first()


def by_gateway_id(db: Connection, gateway_id: str) -> Row[Any] | None:
    return db.execute(select(outbox).where(outbox.c.gateway_id == gateway_id).with_for_update()).first()


def cancel_queued(db: Connection, now: datetime, reason: str, *where: Any) -> int:
    """Cancel rows that hold no lease; one already past its fence may finish (F42)."""
    return db.execute(
        update(outbox)
        .where(MOVING, outbox.c.state.in_(("queued", "reserved")), *where)
        .values(state="cancelled", reason=reason, closed_at=now, shown_at=now, token=None, lease_until=None)
    ).rowcount


def being_sent() -> ColumnElement[bool]:
    """Whether a text to this row's number is in a worker's hands: one at a time (reliability section 4)."""
    other, moving = _another()
    return _looked_up(other.c.number_id == outbox.c.number_id, moving, other.c.state.in_(SENDING))


def written_before(until: Any) -> ColumnElement[bool]:
    """Whether an older text of this row's lane and number is due as well: it goes first (reliability section 4)."""
    other, moving = _another()
    # Neither a sum nor a coalesce is in an index: it is found among its number's moving rows, not by passing every due text of
    # the lane, or the number's whole past, for each row of a claim.
    due = func.coalesce(other.c.not_before, until) <= until
    older = (other.c.lane + 0 == outbox.c.lane, due, other.c.id < outbox.c.id)
    return _looked_up(other.c.number_id == outbox.c.number_id, moving, other.c.state == "queued", *older)


def _another() -> tuple[Any, ColumnElement[bool]]:
    other = outbox.alias("other")
    return other, one_of(other.c.state, "queued", "reserved", "calling", "unknown")


def _looked_up(*where: Any) -> ColumnElement[bool]:
    # The offset keeps PostgreSQL from joining the whole queue with itself: a claim looks up its few rows' numbers, one by one.
    return select(1).where(*where).correlate(outbox).offset(0).exists()


def counts_by_state(db: Connection, *where: Any) -> dict[str, int]:
    query = select(outbox.c.state, func.count()).where(*where).group_by(outbox.c.state)
    return {state: int(count) for state, count in db.execute(query)}


def question_since(db: Connection, number_id: int, since: datetime) -> bool:
    """Whether a question was queued or sent to this number since then: then an equal text is a new answer, not a repeat (I3)."""
    query = select(outbox.c.id).where(
        outbox.c.number_id == number_id,
        outbox.c.not_before >= since - LONGEST_LIFE,
        outbox.c.dialogue_id.is_not(None),
        outbox.c.kind != "reply",
        (outbox.c.created_at >= since) | (outbox.c.accepted_at >= since),
    )
    return db.execute(query.limit(1)).first() is not None


def replies_since(db: Connection, number_ids: Sequence[int], now: datetime) -> dict[int, tuple[int, int]]:
    """Replies written to each of these numbers in the last hour and in the last day; numbers without any are left out."""
    hour, day = now - timedelta(hours=1), now - timedelta(days=1)
    # One may leave when it is written, never before.
    mine = (outbox.c.number_id.in_(number_ids), outbox.c.not_before >= day, outbox.c.kind == "reply", outbox.c.created_at >= day)
    late = func.sum(case((outbox.c.created_at >= hour, 1), else_=0))
    query = select(outbox.c.number_id, late, func.count()).where(*mine).group_by(outbox.c.number_id)
    return {number_id: (int(of_hour), int(of_day)) for number_id, of_hour, of_day in db.execute(query)} if number_ids else {}


def any_due(db: Connection, now: datetime) -> bool:
    """Whether a text may leave now."""
    query = select(outbox.c.id).where(QUEUED, outbox.c.lane.in_(LANES), outbox.c.not_before <= now)
    return db.execute(query.limit(1)).first() is not None


def oldest_due(db: Connection, lane: int, now: datetime) -> datetime | None:
    """Since when the longest waiting text of a lane that may leave has waited."""
    return _first(db, lane, outbox.c.not_before <= now)


def next_due(db: Connection, now: datetime) -> datetime | None:
    """When the next text may leave that may not leave yet."""
    return min((first for lane in LANES if (first := _first(db, lane, outbox.c.not_before > now)) is not None), default=None)


def _first(db: Connection, lane: int, *where: ColumnElement[bool]) -> datetime | None:
    query = select(outbox.c.not_before).where(QUEUED, outbox.c.lane == lane, *where)
    return db.execute(query.order_by(outbox.c.not_before).limit(1)).scalar()


def unsettled(db: Connection, broadcast_id: int, *, reports: bool) -> bool:
    """Whether a text of this broadcast may still leave or, with ``reports``, has left without its final report."""
    states = ("queued", "reserved", "calling", *(("accepted",) if reports else ()))
    query = select(outbox.c.id).where(outbox.c.broadcast_id == broadcast_id, outbox.c.state.in_(states))
    return db.execute(query.limit(1)).first() is not None


def waiting_of_broadcast(db: Connection, broadcast_id: int, most: int) -> list[int]:
    """Row ids of texts of this broadcast that have not been handed over."""
    query = select(outbox.c.id).where(outbox.c.broadcast_id == broadcast_id, outbox.c.state.in_(("queued", "reserved")))
    return list(db.execute(query.limit(most)).scalars())


def more_than(db: Connection, lane: int, most: int) -> bool:
    """Whether more than ``most`` texts of a lane wait."""
    query = select(outbox.c.id).where(QUEUED, outbox.c.lane == lane).offset(most).limit(1)
    return db.execute(query).first() is not None
