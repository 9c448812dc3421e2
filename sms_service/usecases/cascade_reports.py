"""The pairs' monthly report (V16): opened at the month's end for both of a pair, filed by either, merged by pair and month.

No text asks for it: it waits under 'Answer questions' (domain 2.3). Trainees are counts, never people (domain 2.5).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from sms_service import clock
from sms_service.models import people, reports
from sms_service.models.base import insert_ignore
from sms_service.models.cascade import pair, pair_member
from sms_service.models.people import person
from sms_service.models.reports import cascade_report
from sms_service.security.tokens import new_row_id
from sms_service.usecases.context import Context
from sms_service.usecases.open_dialogue import Questions

CONVERSATION: Final = "cascade"
FIELDS: Final = ("activities", "women", "men", "co_led")
SILENT_MONTHS: Final = 2


@dataclass(frozen=True, slots=True)
class Month:
    """What a pair did in a month: activities held, women and men trained, and whether both led (None: not said)."""

    activities: int
    women: int
    men: int
    co_led: bool | None


def month_to_report(today: date) -> tuple[str, date]:
    """The latest month (``2026-11``) whose last day has come by the local day, and that last day."""
    following = (today.replace(day=28) + timedelta(days=4)).replace(day=1)
    last = following - timedelta(days=1)
    if today != last:
        last = today.replace(day=1) - timedelta(days=1)
    return f"{last:%Y-%m}", last


def open_month(context: Context, db: Connection, now: datetime) -> int:
    """Open the month's report for every pair that has none yet, and its question for each of the two; returns how many pairs.

    A pair made after the month is not asked about it. Repeating this opens nothing twice.
    """
    month, last = month_to_report(clock.local(now).date())
    had = select(cascade_report.c.pair_id).where(cascade_report.c.month == month)
    opened = 0
    for row in db.execute(select(pair).where(pair.c.id.not_in(had)).order_by(pair.c.id)).all():
        if clock.local(row.created_at).date() > last:
            continue
        values = {"id": new_row_id(), "pair_id": row.id, "month": month, "opened_at": now}
        if insert_ignore(db, cascade_report, values):
            opened += 1
            _ask(context, db, row, month, last, now)
    return opened


def _ask(context: Context, db: Connection, row: Row[Any], month: str, last: date, now: datetime) -> None:
    """The question for each of the pair who takes part and has a phone to dial with."""
    members = select(person.c.id).join(pair_member, pair_member.c.person_id == person.c.id)
    active = db.execute(members.where(pair_member.c.pair_id == row.id, person.c.status == "active")).scalars().all()
    phones: dict[int, int] = {}
    for contact in people.phones_of(db, active):
        if contact.ownership != "none":
            phones.setdefault(contact.person_id, contact.number_id)
    data = {"pair": row.code, "month": month, "last": last.isoformat()}
    questions = Questions(context, db, now)
    for person_id, number_id in phones.items():
        questions.open_on_dial(CONVERSATION, number_id=number_id, person_id=person_id, data=data)
    questions.store()


def file_month(context: Context, db: Connection, pair_code: str, month: str, counts: Month, by: str, now: datetime) -> None:
    """Keep what one of a pair filed, in the caller's transaction.

    The first is kept; the same person's second corrects it; the other's is merged silently when it is equal, else kept beside the
    first, both shown to the supervisor (V16).
    """
    pair_id = db.execute(select(pair.c.id).where(pair.c.code == pair_code)).scalar()
    kept = reports.of_pair_month(db, pair_id, month, lock=True) if pair_id is not None else None
    if kept is None:
        raise LookupError(f"pair {pair_code} has no open report for {month}: it is opened with its questions")
    values = asdict(counts)
    if kept.filed_at is None or kept.filed_by == by:
        changed: dict[str, Any] = {**values, "filed_by": by, "filed_at": now}
        if kept.other == values:
            changed |= {"other": None}
    else:
        same = all(getattr(kept, name) == values[name] for name in FIELDS)
        changed = {"other": None if same else values, "other_by": by, "other_at": now}
    reports.change_cascade(db, kept.id, **changed)
    context.record(db, by, "cascade.report", f"{pair_code} {month}", "phone")


@dataclass(frozen=True, slots=True)
class MonthLine:
    """A pair's month as filed, and what the other of the pair filed when it differs."""

    pair: str
    month: str
    counts: Month
    by: str
    other: Month | None
    other_by: str


def months_filed(db: Connection, limit: int = 100) -> list[MonthLine]:
    """The reports filed, newest month first."""
    query = select(cascade_report, pair.c.code).join(pair, pair.c.id == cascade_report.c.pair_id)
    query = query.where(cascade_report.c.filed_at.is_not(None)).order_by(cascade_report.c.month.desc(), pair.c.code)
    return [_line(row) for row in db.execute(query.limit(limit))]


def _line(row: Row[Any]) -> MonthLine:
    first = Month(row.activities, row.women, row.men, row.co_led)
    other: Mapping[str, Any] | None = row.other
    return MonthLine(row.code, row.month, first, row.filed_by, Month(**other) if other else None, row.other_by or "")


def silent_pairs(db: Connection, now: datetime) -> Sequence[str]:
    """The codes of pairs that filed nothing for two month's ends or more, since their last report or since they began."""
    filed = select(cascade_report.c.pair_id, cascade_report.c.month).where(cascade_report.c.filed_at.is_not(None))
    last = {row.pair_id: row.month for row in db.execute(filed.order_by(cascade_report.c.month))}
    current = _months(f"{clock.local(now):%Y-%m}")
    silent = []
    for row in db.execute(select(pair).order_by(pair.c.code)):
        # a pair answers for the month in which it was made, so its first report counts from the month before
        before = _months(last[row.id]) if row.id in last else _months(f"{clock.local(row.created_at):%Y-%m}") - 1
        if current - before - 1 >= SILENT_MONTHS:
            silent.append(row.code)
    return silent


def _months(month: str) -> int:
    year, number = month.split("-")
    return int(year) * 12 + int(number)
