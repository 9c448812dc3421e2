"""Changing the field key under load: how much each key seals, sealing everything anew with the first one, and letting one go (I17).

The ring opens whatever it holds, so every value can be read at every moment. Values are changed a few at a time, each only if it is
still what was read: no lock is kept, nothing else waits, and cut short anywhere it goes on from what is left (F46).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Connection, LargeBinary, Row, bindparam, func, select, update

from sms_service.failpoints import reach
from sms_service.models.audit import audit
from sms_service.models.base import sealed_columns
from sms_service.security.vault import Unsealable
from sms_service.usecases.context import Context
from sms_service.usecases.faults import UseFault

FOUND_AT_ONCE: Final = 2_000
CHANGED_AT_ONCE: Final = 100


@dataclass(slots=True)
class Resealed:
    """What a rotation did: values sealed anew, and those that do not open, by column."""

    done: int = 0
    closed: Counter[str] = field(default_factory=Counter)


def sealed_with(context: Context) -> dict[str, dict[int, int]]:
    """How many values each key id seals, by column; read beside everybody else's work."""
    found: dict[str, dict[int, int]] = {}
    with context.database.snapshot() as db:
        for column in sealed_columns():
            key = _key_of(column)
            rows = db.execute(select(key, func.count()).where(_filled(column)).group_by(key).order_by(key)).all()
            found[f"{column.table.name}.{column.name}"] = {bytes(key_id)[0]: int(count) for key_id, count in rows}
    return found


def on_other_keys(context: Context) -> int:
    """How many values are sealed with another key than the first."""
    counts = sealed_with(context).values()
    return sum(count for by_key in counts for key_id, count in by_key.items() if key_id != context.vault.current_key_id)


def reseal(
    context: Context,
    actor: str,
    *,
    progress: Callable[[int], object] = lambda count: None,
    stopping: Callable[[], bool] = lambda: False,
) -> Resealed:
    """Seal every value anew that another key than the first one seals; ``progress`` hears how many were. Audited at both ends."""
    current = context.vault.current_key_id
    with context.database.begin() as db:
        context.record(db, actor, "keys.rotate", str(current), "begun")
    made = Resealed()
    for column in sealed_columns():
        for ids in _waiting(context, column):
            for start in range(0, len(ids), CHANGED_AT_ONCE):
                if stopping():
                    return made
                some = ids[start : start + CHANGED_AT_ONCE]
                count = context.database.run(partial(_reseal, context, column, some, made))
                made.done += count
                progress(count)
                reach("after_reseal")
                context.database.give_way()
    with context.database.begin() as db:
        context.record(
            db, actor, "keys.rotate", str(current), f"{made.done} values sealed, {sum(made.closed.values())} do not open"
        )
    return made


def retire(context: Context, key_id: int, actor: str) -> None:
    """Say that a key is needed no more by anything in the database. Raises ``UseFault`` while anything is sealed with it."""
    if key_id == context.vault.current_key_id:
        raise UseFault("id", "key %(id)s is the one that seals: put another in front of it first", id=key_id)
    left = {name: counts[key_id] for name, counts in sealed_with(context).items() if key_id in counts}
    if left:
        most = ", ".join(f"{name} {count}" for name, count in sorted(left.items(), key=lambda one: -one[1])[:3])
        said = "key %(id)s still seals %(count)s values (%(most)s): run keys rotate"
        raise UseFault("id", said, id=key_id, count=sum(left.values()), most=most)
    with context.database.begin() as db:
        context.record(db, actor, "keys.retire", str(key_id))


def open_everything(context: Context, db: Connection) -> Iterator[tuple[str, int, int]]:
    """Column by column: its name, how many of its values open, and how many do not."""
    for column in sealed_columns():
        key = _id_of(column)
        opened = closed = 0
        query = select(key, column).where(_filled(column)).execution_options(stream_results=True, yield_per=500)
        for row_id, blob in db.execute(query):
            try:
                context.vault.open(column.table.name, column.name, row_id, blob)
                opened += 1
            except Unsealable:
                closed += 1
        yield f"{column.table.name}.{column.name}", opened, closed


def _waiting(context: Context, column: Column[Any]) -> Iterator[Sequence[int]]:
    """Row ids whose value another key seals, in order, found without a lock; on SQLite a search would hold up every writer."""
    key = _id_of(column)
    last: int | None = None
    while True:
        with context.database.snapshot() as db:
            query = select(key).where(_filled(column), _key_of(column) != bytes([context.vault.current_key_id]))
            if last is not None:
                query = query.where(key > last)
            ids = db.execute(query.order_by(key).limit(FOUND_AT_ONCE)).scalars().all()
        if not ids:
            return
        last = ids[-1]
        yield ids


def _reseal(context: Context, column: Column[Any], ids: Sequence[int], made: Resealed, db: Connection) -> int:
    key, table = _id_of(column), column.table
    rows = db.execute(select(key, column).where(key.in_(ids), _filled(column))).all()
    changes = [change for row in rows if (change := _change(context, column, row, made)) is not None]
    if not changes:
        return 0
    values: dict[str, Any] = {column.name: bindparam("b_new")}
    if table is audit:  # the chain goes on covering what it covered: older entries the bytes of then, newer ones their mark
        values["mark"] = func.coalesce(audit.c.mark, audit.c.reason)
    statement = update(table).where(key == bindparam("b_id"), column == bindparam("b_old")).values(values)
    return db.execute(statement, changes).rowcount


def _change(context: Context, column: Column[Any], row: Row[Any], made: Resealed) -> dict[str, Any] | None:
    row_id, blob = tuple(row)
    blob = bytes(blob)
    if context.vault.key_id(blob) == context.vault.current_key_id:
        return None
    name = column.table.name
    try:
        text = context.vault.open(name, column.name, row_id, blob)
    except Unsealable:
        made.closed[f"{name}.{column.name}"] += 1
        return None
    return {"b_id": row_id, "b_old": blob, "b_new": context.vault.seal(name, column.name, row_id, text)}


def _id_of(column: Column[Any]) -> Column[int]:
    return next(iter(column.table.primary_key.columns))


def _filled(column: Column[Any]) -> ColumnElement[bool]:
    return column.is_not(None) & (func.length(column) > 0)


def _key_of(column: Column[Any]) -> ColumnElement[bytes]:
    """The first byte of a value: the id of the key that sealed it."""
    return func.substr(column, 1, 1, type_=LargeBinary)
