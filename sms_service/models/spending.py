"""What sending has cost, one row a local day: a running sum, so that nobody ever scans the outbox for it (T6)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from math import inf
from typing import Any

from sqlalchemy import Column, Connection, Date, Float, Integer, Table, select, update

from sms_service import clock
from sms_service.models.base import at, insert_ignore, metadata

spending_day = Table(
    "spending_day",
    metadata,
    Column("day", Date, primary_key=True),  # in Kigali
    Column("parts", Integer, nullable=False, default=0),
    Column("cost", Float, nullable=False, default=0.0),
    at("ceiling_at", nullable=True),  # when a ceiling was reached, so that it is told once a day
)


@dataclass(frozen=True, slots=True)
class Ceilings:
    """The most that a local day and a calendar month may cost; 0 is no ceiling."""

    day: float = 0.0
    month: float = 0.0


def spent(db: Connection, today: date) -> tuple[float, float]:
    """The cost of the day, and of its month up to and with it."""
    rows = spending_day.c
    query = select(rows.day, rows.cost).where(rows.day >= today.replace(day=1), rows.day <= today)
    costs: dict[Any, float] = {row.day: float(row.cost) for row in db.execute(query)}
    return costs.get(today, 0.0), sum(costs.values())


def left(db: Connection, ceilings: Ceilings, now: datetime) -> float:
    """What may still be spent on lanes 2 and 3; infinite without a ceiling, never below 0."""
    if not ceilings.day and not ceilings.month:
        return inf
    of_day, of_month = spent(db, clock.local(now).date())
    of_both = (ceiling - gone for ceiling, gone in ((ceilings.day, of_day), (ceilings.month, of_month)) if ceiling)
    return max(0.0, min(of_both))


def add(db: Connection, now: datetime, parts: int, cost: float) -> None:
    """Add to the day's sum, or take back what turned out not to be charged (negative)."""
    if not parts and not cost:
        return
    today, rows = clock.local(now).date(), spending_day.c
    values = {"parts": rows.parts + parts, "cost": rows.cost + cost}
    if not db.execute(update(spending_day).where(rows.day == today).values(values)).rowcount:
        insert_ignore(db, spending_day, {"day": today, "parts": 0, "cost": 0.0})
        db.execute(update(spending_day).where(rows.day == today).values(values))


def mark_ceiling(db: Connection, now: datetime) -> bool:
    """Note that a ceiling is reached today; True the first time, which is when it is told."""
    rows = spending_day.c
    insert_ignore(db, spending_day, {"day": clock.local(now).date(), "parts": 0, "cost": 0.0})
    first = update(spending_day).where(rows.day == clock.local(now).date(), rows.ceiling_at.is_(None))
    return db.execute(first.values(ceiling_at=now)).rowcount == 1
