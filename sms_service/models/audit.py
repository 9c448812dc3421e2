"""The audit: append-only, chained by a keyed hash, one entry in the same transaction as each act (I17)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, LargeBinary, Row, Table, insert, select

from sms_service.models.base import at, metadata, sealed, word
from sms_service.models.state import service_state
from sms_service.security.audit_chain import entry_hash
from sms_service.security.vault import Vault

audit = Table(
    "audit",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    at("at", index=True),
    word("actor", 40),
    word("act", 40, index=True),
    word("subject", 60, nullable=True),
    sealed("reason", nullable=True),
    Column("mark", LargeBinary, nullable=True),  # what the chain covers instead of the reason's bytes, which a new key changes
    Column("previous", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)


def fields_of(row: Any) -> list[str]:
    """What the chain covers of an entry: of its reason the mark, which stays as it is when the reason is sealed with a new key."""
    reason = row.reason if row.mark is None or row.reason is None else row.mark
    return _fields(row.seq, row.at, row.actor, row.act, row.subject, reason)


def _fields(seq: int, when: datetime, actor: str, act: str, subject: str | None, reason: bytes | None) -> list[str]:
    return [str(seq), when.isoformat(timespec="microseconds"), actor, act, subject or "", (reason or b"").hex()]


def append(
    db: Connection,
    key: bytes,
    vault: Vault,
    now: datetime,
    actor: str,
    act: str,
    subject: str | None = None,
    reason: str = "",
) -> None:
    """Add one entry. The state row is locked first, so that the chain has one tail."""
    db.execute(select(service_state.c.id).where(service_state.c.id == 1).with_for_update())
    last = db.execute(select(audit.c.seq, audit.c.hash).order_by(audit.c.seq.desc()).limit(1)).first()
    seq = (last.seq if last else 0) + 1
    previous = last.hash if last else b""
    blob = vault.seal("audit", "reason", seq, reason) if reason else None
    mark = entry_hash(key, b"reason", [str(seq), reason]) if reason else None
    digest = entry_hash(key, previous, _fields(seq, now, actor, act, subject, mark))
    values = {"seq": seq, "at": now, "actor": actor, "act": act, "subject": subject, "reason": blob, "mark": mark}
    db.execute(insert(audit).values(**values, previous=previous, hash=digest))


def chain(db: Connection) -> Iterator[tuple[int, bytes, bytes, list[str]]]:
    """(seq, previous, hash, fields) in order, for ``security.audit_chain.verify``."""
    for row in db.execute(select(audit).order_by(audit.c.seq).execution_options(yield_per=1000)):
        yield row.seq, row.previous, row.hash, fields_of(row)


def after(db: Connection, seq: int, limit: int) -> list[tuple[int, bytes, bytes, list[str]]]:
    """As ``chain``: so many entries that follow number ``seq``."""
    rows = db.execute(select(audit).where(audit.c.seq > seq).order_by(audit.c.seq).limit(limit))
    return [(row.seq, row.previous, row.hash, fields_of(row)) for row in rows]


def latest(db: Connection, limit: int, before: int | None = None, act: str | None = None) -> list[Row[Any]]:
    query = select(audit)
    if before is not None:
        query = query.where(audit.c.seq < before)
    if act:
        query = query.where(audit.c.act == act)
    return list(db.execute(query.order_by(audit.c.seq.desc()).limit(limit)))
