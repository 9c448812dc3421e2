"""Column types and helpers shared by every table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    DateTime,
    ForeignKey,
    Index,
    Insert,
    LargeBinary,
    MetaData,
    String,
    Table,
    literal_column,
    or_,
)
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.types import TypeDecorator

_T = TypeVar("_T")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcTime(TypeDecorator[datetime]):
    """An aware UTC datetime on every database: naive values are refused, SQLite's naive ones come back aware."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored: use an aware UTC datetime")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def row_id() -> Column[int]:
    """The primary key: made by the program before the insert, because it is part of what a sealed field is bound to."""
    return Column("id", BigInteger, primary_key=True, autoincrement=False)


def ref(name: str, target: str, *, nullable: bool = False, index: bool = False) -> Column[int]:
    return Column(name, BigInteger, ForeignKey(f"{target}.id"), nullable=nullable, index=index)


def at(name: str, *, nullable: bool = False, index: bool = False) -> Column[datetime]:
    return Column(name, UtcTime, nullable=nullable, index=index)


def word(name: str, length: int = 40, *, nullable: bool = False, index: bool = False, default: str | None = None) -> Column[str]:
    """A short code, state or key: never personal data."""
    return Column(name, String(length), nullable=nullable, index=index, default=default)


def sealed(name: str = "sealed", *, nullable: bool = False) -> Column[bytes]:
    """An encrypted field (design decision 6): key id in front, bound to table, column and row id."""
    return Column(name, LargeBinary, nullable=nullable, info={"sealed": True})


def one_of(column: ColumnElement[str], *codes: str) -> ColumnElement[bool]:
    """``column`` is one of these codes, written out: a partial index is not used for a value that comes as a parameter.

    A query uses the index of several codes when it holds the very same condition, with whatever narrows it further beside it.
    """
    return or_(*(column == literal_column(f"'{code}'", String) for code in codes))


def partial(name: str, *columns: Any, where: ColumnElement[bool]) -> Index:
    """An index over the few rows that are still to be worked on, so that what is done costs nothing however much there is of it."""
    return Index(name, *columns, postgresql_where=where, sqlite_where=where)


def where_given(table: Table, *columns: str) -> None:
    """Indexes on columns that most rows leave empty: only rows with a value are in them."""
    for name in columns:
        partial(f"ix_{table.name}_{name}", table.c[name], where=table.c[name].is_not(None))


def code(length: int = 12) -> Column[str]:
    """The short public name of a row (P4821, G07): without meaning, unique, safe to write anywhere."""
    return Column("code", String(length), nullable=False, unique=True)


def keyed_hash(name: str, *, nullable: bool = False, index: bool = False, unique: bool = False) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=nullable, index=index, unique=unique)


AT_ONCE = 500
"""Values of one IN list or one INSERT: SQLite takes 32,766 parameters a statement, and a plan of this size is still quick."""


def in_parts(values: Sequence[_T]) -> Iterator[Sequence[_T]]:
    """The values in lists of at most ``AT_ONCE``."""
    for start in range(0, len(values), AT_ONCE):
        yield values[start : start + AT_ONCE]


_INSERTS: dict[str, Any] = {"postgresql": pg_insert, "sqlite": sqlite_insert}


@cache
def _one_ignoring(dialect: str, table: Table) -> Insert:
    # Without this option an INSERT's count is not known on PostgreSQL: a duplicate would look new.
    statement: Insert = _INSERTS[dialect](table).on_conflict_do_nothing().execution_options(preserve_rowcount=True)
    return statement


def insert_ignore(db: Connection, table: Table, rows: Sequence[Mapping[str, Any]] | Mapping[str, Any]) -> int:
    """Insert rows, leaving out those that meet an existing unique key; returns how many went in."""
    if not rows:
        return 0
    statement = _one_ignoring(db.dialect.name, table)
    if isinstance(rows, Mapping):
        return db.execute(statement, dict(rows)).rowcount
    before = [dict(row) for row in rows]
    if len(before) == 1:
        return db.execute(statement, before[0]).rowcount
    return len(db.execute(_many_ignoring(db.dialect.name, table), before).all())


@cache
def _many_ignoring(dialect: str, table: Table) -> Any:
    # Compiled once: a VALUES list written out for 500 rows costs more to compile than to run. The ids that come back are counted.
    id_column = table.c.id if "id" in table.c else next(iter(table.primary_key.columns))
    return _INSERTS[dialect](table).on_conflict_do_nothing().returning(id_column)


def sealed_columns() -> list[Column[Any]]:
    """Every encrypted field of every table; the row id it is bound to is the table's primary key."""
    return [column for table in metadata.sorted_tables for column in table.columns if column.info.get("sealed")]
