"""Sends that got no answer: what is known of each, for the person who decides about it (I9, reliability section 4).

Such a row stays ``unknown`` until a report or a person settles it; one that a person has left as it is, or sent again, is
``unknown`` still, and closed: it may have left, and every count goes on as if it had.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, func, select

from sms_service.models import outbox
from sms_service.models.broadcasts import broadcast
from sms_service.models.groups import group
from sms_service.models.numbers import number
from sms_service.models.outbox import attempt, parked_report
from sms_service.models.people import person
from sms_service.usecases.unmatched_reports import NEAR, WAITS

PAGE = 50
AGES: Final = {"all": WAITS, "hour": timedelta(hours=1), "day": timedelta(days=1)}

_rows = outbox.outbox.c
OPEN = (outbox.MOVING, _rows.state == "unknown", _rows.closed_at.is_(None))


@dataclass(frozen=True, slots=True)
class Try:
    """One call: when it began and ended (None: nobody heard), what it came to, the gateway's code, and the fault in a few words."""

    started_at: datetime
    ended_at: datetime | None
    result: str
    code: int | None
    detail: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A delivery report without a text that may be this one's: same number, within six hours after the call."""

    gateway_id: str
    status: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Unanswered:
    """One text in doubt. ``row`` has the outbox columns and the codes of number, person, group and broadcast."""

    row: Row[Any]
    tries: tuple[Try, ...]
    suggestions: tuple[Suggestion, ...]
    may_go_again: bool


def unanswered(db: Connection, now: datetime, *, age: str = "all", cast: str = "", after: int = 0) -> list[Unanswered]:
    """Texts in doubt that nobody has decided about, oldest first, one page and one more (I22).

    ``age``: a key of ``AGES``, how long ago the last call was at least; ``cast``: a broadcast's code; ``after``: the last row id of
    the page before. Younger than ten minutes none is shown: its answer or its report may still come.
    """
    query = (
        select(
            outbox.outbox,
            number.c.code.label("number_code"),
            person.c.code.label("person_code"),
            group.c.code.label("group_code"),
            broadcast.c.code.label("broadcast_code"),
        )
        .join(number, number.c.id == _rows.number_id)
        .outerjoin(person, person.c.id == _rows.person_id)
        .outerjoin(group, group.c.id == _rows.group_id)
        .outerjoin(broadcast, broadcast.c.id == _rows.broadcast_id)
        .where(*OPEN, _rows.shown_at <= now - AGES.get(age, AGES["all"]), _rows.id > after)
    )
    if cast:
        query = query.where(broadcast.c.code == cast)
    found = db.execute(query.order_by(_rows.id).limit(PAGE + 1)).all()
    tries = _tries(db, [row.id for row in found])
    reports = _reports(db, {row.number_id for row in found}, now)
    return [
        Unanswered(
            row=row,
            tries=tuple(tries.get(row.id, ())),
            suggestions=tuple(_fitting(row, tries.get(row.id, ()), reports.get(row.number_id, ()))),
            may_go_again=row.kind != "alert" and row.replaces_id is None and row.expires_at > now,
        )
        for row in found
    ]


def _tries(db: Connection, ids: Sequence[int]) -> dict[int, list[Try]]:
    found: dict[int, list[Try]] = {}
    query = select(attempt).where(attempt.c.outbox_id.in_(ids)).order_by(attempt.c.started_at, attempt.c.id)
    for row in db.execute(query) if ids else ():
        one = Try(row.started_at, row.ended_at, row.result or "", row.code, row.detail or "")
        found.setdefault(row.outbox_id, []).append(one)
    return found


def _reports(db: Connection, number_ids: set[int], now: datetime) -> dict[int, list[Row[Any]]]:
    reports = parked_report.c
    query = select(parked_report).where(reports.number_id.in_(sorted(number_ids)), reports.received_at <= now - WAITS)
    found: dict[int, list[Row[Any]]] = {}
    for row in db.execute(query.order_by(reports.received_at)) if number_ids else ():
        found.setdefault(row.number_id, []).append(row)
    return found


def _fitting(row: Row[Any], tries: Sequence[Try], reports: Sequence[Row[Any]]) -> list[Suggestion]:
    """The latest status of each report that may be this text's, when the text has no id of its own."""
    if row.gateway_id is not None:
        return []
    fits = [one for one in reports if any(made.started_at <= one.received_at < made.started_at + NEAR for made in tries)]
    return list({one.gateway_id: Suggestion(one.gateway_id, one.status, one.received_at) for one in fits}.values())


def waiting_count(db: Connection) -> int:
    """How many texts in doubt wait for a person."""
    return int(db.execute(select(func.count()).select_from(outbox.outbox).where(*OPEN)).scalar_one())


def of_broadcast(db: Connection, cast: str, now: datetime) -> int:
    """How many texts of one broadcast (its code) wait for a decision."""
    query = select(func.count()).select_from(outbox.outbox).join(broadcast, broadcast.c.id == _rows.broadcast_id)
    return int(db.execute(query.where(broadcast.c.code == cast, *OPEN, _rows.shown_at <= now - WAITS)).scalar_one())
