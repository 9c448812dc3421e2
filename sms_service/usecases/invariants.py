"""The invariants a database can answer by itself, each as one query that counts the rows which break it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, exists, func, select

from sms_service.models import audit, outbox
from sms_service.models.concerns import alert, concern
from sms_service.models.inbound import inbound
from sms_service.models.numbers import number
from sms_service.models.outbox import attempt
from sms_service.models.people import contact_point
from sms_service.security.audit_chain import verify
from sms_service.usecases.context import Context
from sms_service.usecases.replay import replay_dialogues

REPLAYED = 1000
"""Dialogues, and as many dials, that are played again unless another number is asked for: the newest."""

AFTER_STOP = ("V10", "V11", "V12")
_rows = outbox.outbox.c


@dataclass(frozen=True, slots=True)
class Checked:
    """One invariant: how many rows were looked at, how many break it (0 holds), and what it says."""

    rule: str
    checked: int
    broken: int
    says: str


def check_invariants(context: Context, *, sample: int | None = REPLAYED) -> list[Checked]:
    """Run every checker on one snapshot, then play the newest ``sample`` dialogues and dials again, all of them with None.

    Nothing is changed; the memory it takes does not grow with what is stored.
    """
    with context.database.begin() as db:
        now = context.now(db)
        found = [Checked(rule, *check(db, now), says) for rule, says, check in _CHECKS]
        bad = verify(audit.chain(db), context.audit_key)
        entries = db.execute(select(func.count()).select_from(audit.audit)).scalar_one()
        found.append(Checked("I17", entries, 0 if bad is None else 1, "the audit chain verifies from its first entry to its last"))
    found.append(_follow(context, sample))
    return found


def _follow(context: Context, sample: int | None) -> Checked:
    """Decision 5 over the dialogues: what cannot be played for want of its texts or of another dialogue breaks nothing."""
    played = broken = 0
    for one in replay_dialogues(context, limit=sample):
        played += 1
        broken += one.verdict == "different"
    which = "all" if sample is None else f"the newest {sample}"
    return Checked(
        "D5", played, broken, f"{which} dialogues and dials follow from their stored events, texts too (design decision 5)"
    )


def _count(db: Connection, query: Select[Any]) -> int:
    return int(db.execute(select(func.count()).select_from(query.subquery())).scalar_one())


def _once(db: Connection, _now: datetime) -> tuple[int, int]:
    replies = select(_rows.inbound_id).where(_rows.kind == "reply", _rows.inbound_id.is_not(None))
    twice = replies.group_by(_rows.inbound_id).having(func.count() > 1)
    return _count(db, replies), _count(db, twice)


def _crisis(db: Connection, _now: datetime) -> tuple[int, int]:
    red = select(inbound.c.id, inbound.c.number_id, inbound.c.received_at).where(inbound.c.alert == "red")
    same = (concern.c.inbound_id == inbound.c.id) | (concern.c.number_id == inbound.c.number_id)
    alone = red.where(~exists().where(concern.c.severity == "red", same))
    return _count(db, red), _count(db, alone)


def _alerted(db: Connection, _now: datetime) -> tuple[int, int]:
    red = select(concern.c.id).where(concern.c.severity == "red")
    return _count(db, red), _count(db, red.where(~exists().where(alert.c.concern_id == concern.c.id)))


def _stopped(db: Connection, _now: datetime) -> tuple[int, int]:
    """Calls that began after the stop, to a number still stopped, that are not one of the three acknowledgements."""
    query = (
        select(attempt.c.id)
        .join(outbox.outbox, _rows.id == attempt.c.outbox_id)
        .join(number, number.c.id == _rows.number_id)
        .where(number.c.stopped_at.is_not(None), attempt.c.started_at > number.c.stopped_at, _rows.kind != "alert")
    )
    return _count(db, query), _count(db, query.where(_rows.template.not_in(AFTER_STOP)))


def _vanished(db: Connection, now: datetime) -> tuple[int, int]:
    """Rows neither final nor young: a lease that ended an hour ago, or a queued row past its time."""
    every = select(_rows.id)
    stale = every.where(
        (_rows.state.in_(outbox.SENDING) & (_rows.lease_until < now - timedelta(hours=1)))
        | ((_rows.state == "queued") & (_rows.expires_at < now - timedelta(hours=1)))
    )
    return _count(db, every), _count(db, stale)


def _accepted_without_id(db: Connection, _now: datetime) -> tuple[int, int]:
    accepted = select(_rows.id).where(_rows.state.in_(("accepted", "delivered")))
    return _count(db, accepted), _count(db, accepted.where(_rows.gateway_id.is_(None)))


def _late(db: Connection, _now: datetime) -> tuple[int, int]:
    started = select(attempt.c.id).join(outbox.outbox, _rows.id == attempt.c.outbox_id).where(_rows.kind != "alert")
    return _count(db, started), _count(db, started.where(attempt.c.started_at >= _rows.expires_at))


def _class_b(db: Connection, _now: datetime) -> tuple[int, int]:
    """Class B texts that wait for a number which is not one person's own (S3)."""
    waiting = select(_rows.id).where(_rows.text_class == "B", _rows.state == "queued", _rows.kind != "reply")
    shared = exists().where(
        contact_point.c.number_id == _rows.number_id, contact_point.c.ownership != "own", contact_point.c.ended_at.is_(None)
    )
    return _count(db, waiting), _count(db, waiting.where(shared))


def _answered(db: Connection, now: datetime) -> tuple[int, int]:
    every = select(inbound.c.id)
    old = every.where(inbound.c.state == "new", inbound.c.received_at < now - timedelta(minutes=10))
    return _count(db, every), _count(db, old)


_CHECKS: tuple[tuple[str, str, Callable[[Connection, datetime], tuple[int, int]]], ...] = (
    ("I2", "one text in has at most one reply", _once),
    ("I5", "every RED text has its concern", _crisis),
    ("I5", "every RED concern has its alert", _alerted),
    ("I6", "after a stop no call began but for V10, V11 and V12", _stopped),
    ("I8", "no row is neither final nor young", _vanished),
    ("I8", "every accepted text has the gateway's id", _accepted_without_id),
    ("I11", "no call began after its text expired", _late),
    ("S3", "no class B text waits for a shared phone", _class_b),
    ("I2", "no text in has waited longer than ten minutes", _answered),
)
