"""The time each running process works by, written beside each other's: on one file each process has its own clock."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Row, String, Table, UniqueConstraint, delete, func, insert, select, update

from sms_service.models.base import at, insert_ignore, metadata, row_id, word
from sms_service.security.tokens import new_row_id

DATABASE = "database"  # in the place of roles: this machine's clock and the database's differ

wall_clock = Table(
    "wall_clock",
    metadata,
    Column("process", String(40), primary_key=True),  # role and process id
    word("role", 10),  # clock | web | worker
    at("wall_at"),
    word("apart_from", 40, nullable=True),  # the roles whose clocks disagree with this one's
)

outage = Table(
    "outage",
    metadata,
    row_id(),
    word("role", 10),
    at("from_at"),
    at("to_at"),
    at("checked_at", nullable=True),
    word("checked_by", 60, nullable=True),
    Column("brought", BigInteger, nullable=True),  # texts fetched from the gateway's inbox
    UniqueConstraint("role", "from_at"),
)


_BOOT = secrets.token_hex(3)  # two machines, or two containers, give their processes the same ids


def own_name(role: str) -> str:
    """This process's name among all that share the database; without a role, how that name ends in every role."""
    return f"{role}-{os.getpid()}-{_BOOT}"


def all_clocks(db: Connection) -> Sequence[Row[Any]]:
    return db.execute(select(wall_clock)).all()


def write(db: Connection, process: str, role: str, wall_at: datetime, apart_from: str | None) -> None:
    """Set this process's row; made on its first beat."""
    values = {"wall_at": wall_at, "apart_from": apart_from}
    if not db.execute(update(wall_clock).where(wall_clock.c.process == process).values(**values)).rowcount:
        db.execute(insert(wall_clock).values(process=process, role=role, **values))


def forget(db: Connection, role: str, since: datetime, until: datetime) -> None:
    """Remove the rows of this role's processes that wrote at no time in between, and what the others found apart."""
    mine = wall_clock.c.role == role
    db.execute(delete(wall_clock).where(mine, (wall_clock.c.wall_at < since) | (wall_clock.c.wall_at > until)))
    db.execute(update(wall_clock).where(mine).values(apart_from=None))


def clocks_apart(db: Connection, role: str) -> bool:
    """Whether a process of this role found another's clock apart at its last look, or any process its own from the database's."""
    mine = (wall_clock.c.role == role) | (wall_clock.c.apart_from == DATABASE)
    query = select(wall_clock.c.process).where(mine, wall_clock.c.apart_from.is_not(None))
    return db.execute(query.limit(1)).first() is not None


def last_beat(db: Connection, role: str) -> datetime | None:
    """The latest time any process of this role wrote."""
    return db.execute(select(func.max(wall_clock.c.wall_at)).where(wall_clock.c.role == role)).scalar()


def note_outage(db: Connection, role: str, from_at: datetime, to_at: datetime) -> bool:
    """Keep a time in which no process of this role ran; whether it was not known yet."""
    return insert_ignore(db, outage, {"id": new_row_id(), "role": role, "from_at": from_at, "to_at": to_at}) > 0


def unchecked_outages(db: Connection) -> Sequence[Row[Any]]:
    """Outages after which nobody has fetched the gateway's inbox yet, oldest first."""
    return db.execute(select(outage).where(outage.c.checked_at.is_(None)).order_by(outage.c.from_at)).all()


def mark_checked(db: Connection, since: datetime, now: datetime, by: str, brought: int) -> None:
    """The inbox was fetched for everything from ``since`` on."""
    db.execute(
        update(outage)
        .where(outage.c.checked_at.is_(None), outage.c.from_at >= since)
        .values(checked_at=now, checked_by=by, brought=brought)
    )
