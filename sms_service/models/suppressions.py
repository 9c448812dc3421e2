"""The suppression journal: every stop, opt-out at the network and erasure, once, by keyed hash only, for good (I19).

Written in the transaction of the act itself, so that none is lost and none waits for a file. Whoever restores a backup applies
again what the journal holds and the backup does not; a number that comes back later finds its entry here and starts out stopped.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Index, Row, Table, insert, select, update

from sms_service.models.base import at, insert_ignore, keyed_hash, metadata, row_id, word
from sms_service.security.tokens import new_row_id

Kind = Literal["stop", "network", "erasure"]

suppression = Table(
    "suppression",
    metadata,
    row_id(),
    at("at"),
    word("kind", 10),  # stop | network | erasure
    keyed_hash("number_hash", nullable=True, index=True),  # none: an erased person who had no phone
    word("person_code", 12, nullable=True),  # whom an erasure was about
    at("written_at", nullable=True),  # when it stood in the file beside the backups
    Index("ix_suppression_written_at", "written_at"),
)


def note(db: Connection, kind: Kind, number_hash: bytes | None, now: datetime, person_code: str | None = None) -> None:
    """Enter an act in the caller's transaction. ``number_hash``: the number's, as in ``number.hash``.

    An erasure has one entry for each number the person had, each with ``person_code``; one without a hash when there was none.
    """
    values = {"id": new_row_id(), "at": now, "kind": kind, "number_hash": number_hash, "person_code": person_code}
    db.execute(insert(suppression).values(**values))


def on_number(db: Connection, hashes: Collection[bytes]) -> Sequence[Row[Any]]:
    """The entries about a number, oldest first; ``hashes``: its hash under each key in use."""
    found = suppression.c
    return db.execute(select(suppression).where(found.number_hash.in_(list(hashes))).order_by(found.at)).all()


def unwritten(db: Connection, limit: int) -> Sequence[Row[Any]]:
    """Entries that the file beside the backups does not hold yet, oldest first."""
    query = select(suppression).where(suppression.c.written_at.is_(None))
    return db.execute(query.order_by(suppression.c.id).limit(limit)).all()


def mark_written(db: Connection, ids: Collection[int], now: datetime) -> None:
    db.execute(update(suppression).where(suppression.c.id.in_(list(ids))).values(written_at=now))


def take_over(db: Connection, entry: dict[str, Any]) -> bool:
    """Enter one from a file beside a backup; whether it was new here."""
    return insert_ignore(db, suppression, entry) == 1
