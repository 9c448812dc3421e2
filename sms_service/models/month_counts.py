"""What is left of a text when its time is over: one count more in its month (S33)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Column, Connection, Float, Integer, String, Table
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from sms_service.models.base import metadata

month_count = Table(
    "month_count",
    metadata,
    Column("month", String(7), primary_key=True),  # 2026-05, in Kigali
    Column("source", String(8), primary_key=True),  # out | in | dial | call
    Column("programme", String(8), primary_key=True),  # empty: of none
    Column("kind", String(20), primary_key=True),  # the template, the reading's intent, the result of a call
    Column("state", String(12), primary_key=True),
    Column("total", Integer, nullable=False),
    Column("segments", Integer, nullable=False),
    Column("cost", Float, nullable=False),
)


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """What is counted together. Groups are not told apart: a count of one would be a person (S34)."""

    month: str
    source: str
    programme: str
    kind: str
    state: str


@dataclass(slots=True)
class Sum:
    count: int = 0
    segments: int = 0
    cost: float = 0.0


def add(db: Connection, sums: Mapping[Key, Sum]) -> None:
    """Add to the counts, always in the same order, so that two that add wait for each other and never both."""
    make = pg_insert if db.dialect.name == "postgresql" else sqlite_insert
    own = month_count.c
    for key, more in sorted(sums.items()):
        statement = make(month_count).values(
            month=key.month,
            source=key.source,
            programme=key.programme,
            kind=key.kind,
            state=key.state,
            total=more.count,
            segments=more.segments,
            cost=more.cost,
        )
        grown = {name: own[name] + statement.excluded[name] for name in ("total", "segments", "cost")}
        db.execute(statement.on_conflict_do_update(index_elements=list(month_count.primary_key), set_=grown))
