"""Rows of every table as lines of JSON that either database reads back: the form inside a backup.

A table is a head (its columns, each with the kind of its values), its rows as lists in the order of its key, and an end with their
count. Kinds, not database types: a backup of SQLite goes into PostgreSQL, and the reverse.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Date,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    cast,
    insert,
    select,
    update,
)
from sqlalchemy.types import TypeEngine

from sms_service.models.base import UtcTime
from sms_service.security.archive import ArchiveFault

BATCH: Final = 500

# The first that fits: a Boolean is no Integer here, though SQLite keeps it as one.
_KINDS: Final[tuple[tuple[str, type[TypeEngine[Any]] | type[UtcTime], Callable[[], Any]], ...]] = (
    ("time", UtcTime, UtcTime),
    ("json", JSON, lambda: JSON(none_as_null=True)),
    ("bool", Boolean, Boolean),
    ("int", Integer, BigInteger),
    ("float", Float, Float),
    ("date", Date, Date),
    ("bytes", LargeBinary, LargeBinary),
    ("text", String, Text),
)
_TYPES: Final = {name: make for name, _, make in _KINDS}


@dataclass(frozen=True, slots=True)
class TableHead:
    """One table of a backup: its columns in order with their kinds, which are sealed, and which point into the table itself."""

    name: str
    columns: tuple[tuple[str, str], ...]
    key: tuple[str, ...]
    sealed: tuple[str, ...]
    own: tuple[str, ...]

    @property
    def place(self) -> dict[str, int]:
        """Each column's place in a row."""
        return {name: place for place, (name, _) in enumerate(self.columns)}


def head_of(table: Table) -> TableHead:
    """How a table of this program's schema is written."""
    own = tuple(key.parent.name for key in table.foreign_keys if key.column.table is table)
    return TableHead(
        table.name,
        tuple((column.name, _kind(column)) for column in table.columns),
        tuple(column.name for column in table.primary_key),
        tuple(column.name for column in table.columns if column.info.get("sealed")),
        own,
    )


def _kind(column: Column[Any]) -> str:
    return next(name for name, kind, _ in _KINDS if isinstance(column.type, kind))


def read_rows(db: Connection, table: Table) -> Iterator[tuple[Any, ...]]:
    """Every row in the order of the key, as values of the kinds; some hundred are in memory at a time."""
    kinds = dict(head_of(table).columns)
    # JSON as the text it is kept as: a JSON null is not the same as no value.
    wanted: list[ColumnElement[Any]] = [
        cast(column, Text).label(column.name) if kinds[column.name] == "json" else column for column in table.columns
    ]
    query = select(*wanted).order_by(*table.primary_key).execution_options(stream_results=True, yield_per=BATCH)
    for row in db.execute(query):
        yield tuple(row)


_WRITE: Final[Mapping[str, Callable[[Any], Any]]] = {
    "bytes": lambda value: base64.b64encode(value).decode(),
    "time": lambda value: value.isoformat(),
    "date": lambda value: value.isoformat(),
}
_READ: Final[Mapping[str, Callable[[Any], Any]]] = {
    "bytes": lambda value: base64.b64decode(value, validate=True),
    "time": datetime.fromisoformat,
    "date": date.fromisoformat,
}


def to_json(head: TableHead, row: Sequence[Any]) -> list[Any]:
    """A row as JSON can hold it."""
    return [
        _WRITE[kind](value) if value is not None and kind in _WRITE else value
        for (_, kind), value in zip(head.columns, row, strict=True)
    ]


def from_json(head: TableHead, found: object) -> tuple[Any, ...]:
    """The row that ``to_json`` wrote. Raises ``ArchiveFault`` for anything else."""
    if not isinstance(found, list) or len(found) != len(head.columns):
        raise ArchiveFault(f"a row of {head.name} in the backup has not the columns of its table")
    try:
        return tuple(
            _READ[kind](value) if value is not None and kind in _READ else value
            for (_, kind), value in zip(head.columns, found, strict=True)
        )
    except (TypeError, ValueError):
        raise ArchiveFault(f"a row of {head.name} in the backup holds a value that is not of its column's kind") from None


def insert_rows(db: Connection, head: TableHead, rows: Iterable[tuple[Any, ...]]) -> int:
    """Put rows into the table of that name; returns how many. A row may point at one of its own table that comes later."""
    table = Table(head.name, MetaData(), *(Column(name, _TYPES[kind]()) for name, kind in head.columns))
    kinds = dict(head.columns)
    later: list[tuple[Any, dict[str, Any]]] = []
    batch: list[dict[str, Any]] = []
    count = 0
    for row in rows:
        values = {name: _value(kinds[name], value) for (name, _), value in zip(head.columns, row, strict=True)}
        ahead = {name: values[name] for name in head.own if values[name] is not None and values[name] > values[head.key[0]]}
        if ahead:
            later.append((values[head.key[0]], ahead))
            values |= dict.fromkeys(ahead)
        batch.append(values)
        count += 1
        if len(batch) >= BATCH:
            db.execute(insert(table), batch)
            batch = []
    if batch:
        db.execute(insert(table), batch)
    for key, values in later:
        db.execute(update(table).where(table.c[head.key[0]] == key).values(**values))
    return count


def _value(kind: str, value: Any) -> Any:
    if kind != "json" or value is None:
        return value
    read = json.loads(value)
    return JSON.NULL if read is None else read
