"""A telephone number: what belongs to the number and not to a person (language, stop, freeze, the one open question)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Column, Connection, Integer, Row, Table, bindparam, select, update

from sms_service.models import suppressions
from sms_service.models.base import at, in_parts, insert_ignore, keyed_hash, metadata, row_id, sealed, word
from sms_service.security.tokens import new_code, new_row_id
from sms_service.security.vault import Vault

number = Table(
    "number",
    metadata,
    row_id(),
    keyed_hash("hash", unique=True),
    sealed("sealed"),
    word("code", 16),
    word("language", 2, nullable=True),
    at("stopped_at", nullable=True),
    word("stop_reason", nullable=True),
    at("frozen_at", nullable=True),
    word("frozen_reason", nullable=True),
    at("network_opt_out_at", nullable=True),
    word("flagged", nullable=True),
    Column("unclear_run", Integer, nullable=False, default=0),
    Column("pin_fails", Integer, nullable=False, default=0),  # of the number, so that an unknown one behaves the same (T20)
    at("pin_locked_until", nullable=True),
    at("last_v14_at", nullable=True),
    at("last_inbound_at", nullable=True),
    Column("staff_phone", Boolean, nullable=False, default=False),
    at("created_at"),
)


_ID_BY_HASH = select(number.c.id).where(number.c.hash == bindparam("digest"))


def ensure(db: Connection, vault: Vault, e164: str, now: datetime) -> int:
    """The row id of a number, made on first contact; two simultaneous first texts make one row (reliability section 3)."""
    found = db.execute(_ID_BY_HASH, {"digest": vault.number_hash(e164)}).scalar()
    return make(db, vault, e164, now) if found is None else int(found)


def make(db: Connection, vault: Vault, e164: str, now: datetime) -> int:
    """The row id of a number that was not there a moment ago; of the other's row, when somebody was quicker.

    One that the suppression journal knows starts out stopped: erased since, or lost with everything after a backup (I19).
    """
    return _make_many(db, vault, [e164], now)[e164]


def ensure_many(db: Connection, vault: Vault, e164s: Iterable[str], now: datetime) -> dict[str, int]:
    """As ``ensure`` for many numbers: their row ids by E.164, in a few statements a list of 500."""
    found: dict[str, int] = {}
    for part in in_parts(list(dict.fromkeys(e164s))):
        there = _ids(db, vault, part)
        missing = [e164 for e164 in part if e164 not in there]
        found |= there | (_make_many(db, vault, missing, now) if missing else {})
    return found


def _ids(db: Connection, vault: Vault, e164s: Sequence[str]) -> dict[str, int]:
    by_hash = {vault.number_hash(e164): e164 for e164 in e164s}
    query = select(number.c.hash, number.c.id).where(number.c.hash.in_(list(by_hash)))
    return {by_hash[bytes(row.hash)]: int(row.id) for row in db.execute(query)}


def _make_many(db: Connection, vault: Vault, e164s: Sequence[str], now: datetime) -> dict[str, int]:
    by_hash = {vault.number_hash(e164): e164 for e164 in e164s}
    before: dict[bytes, list[Row[Any]]] = {}
    for one in suppressions.on_number(db, by_hash):
        before.setdefault(bytes(one.number_hash), []).append(one)
    rows = [_new_row(vault, e164, digest, before.get(digest, []), now) for digest, e164 in by_hash.items()]
    if insert_ignore(db, number, rows) == len(rows):
        return {by_hash[row["hash"]]: int(row["id"]) for row in rows}
    return _ids(db, vault, e164s)


def _new_row(vault: Vault, e164: str, digest: bytes, before: Sequence[Row[Any]], now: datetime) -> dict[str, Any]:
    left = [one.at for one in before if one.kind == "network"]
    made = new_row_id()
    return {
        "id": made,
        "hash": digest,
        "sealed": vault.seal("number", "sealed", made, e164),
        "code": new_code("N", 9),
        "created_at": now,
        "unclear_run": 0,
        "pin_fails": 0,
        "staff_phone": False,
        "stopped_at": before[0].at if before else None,
        "stop_reason": "journal" if before else None,
        "network_opt_out_at": left[0] if left else None,
    }


def find(db: Connection, vault: Vault, e164: str) -> Row[Any] | None:
    return db.execute(select(number).where(number.c.hash == vault.number_hash(e164))).first()


def by_hash(db: Connection, digest: bytes) -> Row[Any] | None:
    """The number of this keyed hash, for whoever has no number in hand."""
    return db.execute(select(number).where(number.c.hash == digest)).first()


def get(db: Connection, number_id: int) -> Row[Any]:
    return db.execute(select(number).where(number.c.id == number_id)).one()


def lock(db: Connection, number_id: int) -> Row[Any]:
    """Take the number's lock (I4): steps, stop, freeze and the fence are serial on it. On SQLite the transaction is the lock."""
    return db.execute(select(number).where(number.c.id == number_id).with_for_update(key_share=True)).one()


def lock_many(db: Connection, number_ids: Iterable[int]) -> dict[int, Row[Any]]:
    """Lock several numbers in id order, so that two who do so cannot wait for each other."""
    query = select(number).where(number.c.id.in_(sorted(set(number_ids)))).order_by(number.c.id)
    return {row.id: row for row in db.execute(query.with_for_update(key_share=True))}


def lock_free(db: Connection, number_ids: Iterable[int]) -> dict[int, Row[Any]]:
    """Lock those of several numbers that nobody holds, waiting for none: two fences can never wait for each other (F13, F17)."""
    query = select(number).where(number.c.id.in_(sorted(set(number_ids)))).order_by(number.c.id)
    return {row.id: row for row in db.execute(query.with_for_update(key_share=True, skip_locked=True))}


def change(db: Connection, number_id: int, **values: Any) -> None:
    db.execute(update(number).where(number.c.id == number_id).values(**values))


def note(db: Connection, number_ids: Sequence[int], **values: Any) -> None:
    """The same for several numbers."""
    if number_ids:
        db.execute(update(number).where(number.c.id.in_(number_ids)).values(**values))


def reveal(vault: Vault, row: Any) -> str:
    """The E.164 number of a row; callers audit it when a person looks."""
    return vault.open("number", "sealed", row.id, row.sealed)
