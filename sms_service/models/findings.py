"""What the periodic checks last found, and totals that only grow: so that health and metrics read a row, not a table (I21, I22)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Connection, Row, String, Table, insert, select, update

from sms_service.models.base import at, insert_ignore, metadata
from sms_service.security.tokens import new_row_id

finding = Table(
    "finding",
    metadata,
    Column("name", String(40), primary_key=True),  # audit | balance | clock | retention
    at("found_at"),
    Column("ok", Boolean, nullable=False),
    Column("figure", BigInteger, nullable=False, default=0),  # of the audit: how many entries it had
)

running_total = Table(
    "running_total",
    metadata,
    Column("name", String(60), primary_key=True),  # attempts | attempts.accepted | inbound | ussd_turns ...
    Column("total", BigInteger, nullable=False),
    Column("counted_to", BigInteger, nullable=True),  # of a table's own row: the last row id that is in the totals
)

AUDIT, BALANCE, CLOCK, RETENTION = "audit", "balance", "clock", "retention"


def note(db: Connection, name: str, now: datetime, *, ok: bool, figure: int = 0) -> None:
    """Keep what a check found, in the place of what it found before."""
    values = {"found_at": now, "ok": ok, "figure": figure}
    if not db.execute(update(finding).where(finding.c.name == name).values(**values)).rowcount:
        insert_ignore(db, finding, {"name": name, **values})


def found(db: Connection) -> Mapping[str, Row[Any]]:
    """What every check last found, by its name."""
    return {row.name: row for row in db.execute(select(finding))}


def try_to_write(db: Connection, now: datetime) -> None:
    """A write that the caller rolls back: it meets no row that anybody else could hold."""
    db.execute(insert(finding).values(name=f"try {new_row_id()}", found_at=now, ok=True, figure=0))


def lock_total(db: Connection, name: str, start: int) -> int:
    """The row id up to which a table is counted; counting begins at ``start`` when it never was. Holds the row."""
    insert_ignore(db, running_total, {"name": name, "total": 0, "counted_to": start})
    query = select(running_total.c.counted_to).where(running_total.c.name == name).with_for_update()
    return int(db.execute(query).scalar_one())


def add(db: Connection, name: str, counted_to: int, more: Mapping[str, int]) -> None:
    """Add to a table's totals, by label; the row ``name`` moves to ``counted_to``."""
    own = running_total.c
    grown = own.total + sum(more.values())
    db.execute(update(running_total).where(own.name == name).values(total=grown, counted_to=counted_to))
    for label, count in sorted(more.items()):
        full = f"{name}.{label}"
        if not db.execute(update(running_total).where(own.name == full).values(total=own.total + count)).rowcount:
            insert_ignore(db, running_total, {"name": full, "total": count})


def totals(db: Connection) -> Sequence[Row[Any]]:
    return db.execute(select(running_total).order_by(running_total.c.name)).all()
