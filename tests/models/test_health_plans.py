"""What health and metrics ask costs the same however many rows there are: every question goes by an index, and stops (I22)."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, insert, text

from sms_service.models import numbers
from sms_service.models.outbox import outbox
from sms_service.security.tokens import new_row_id
from sms_service.usecases.context import Context
from sms_service.usecases.read_figures import missed_rows, read_figures
from sms_service.usecases.read_health import read_health

GROWING = ("outbox", "attempt", "inbound", "turn", "dial", "dialogue", "occurrence", "alert", "concern", "audit", "number")
MANY = 100_000
COPY = """
WITH RECURSIVE counter(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counter WHERE n < {many})
INSERT INTO {table} ({columns}) SELECT {values} FROM {table}, counter
"""


@contextmanager
def statements(context: Context) -> Iterator[list[tuple[str, Any]]]:
    """What is asked while the block runs, with its parameters."""
    asked: list[tuple[str, Any]] = []

    def note(_db: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            asked.append((statement, parameters))

    event.listen(context.database.engine, "before_cursor_execute", note)
    yield asked
    event.remove(context.database.engine, "before_cursor_execute", note)


def scans(context: Context, asked: list[tuple[str, Any]], tables: tuple[str, ...], *, by_choice: bool) -> list[str]:
    """Those of the tables that a plan reads from end to end; ``by_choice`` leaves PostgreSQL to choose by its statistics."""
    found = []
    with context.database.engine.connect() as db, db.begin():
        for statement, parameters in asked:
            if context.database.is_postgresql:
                db.exec_driver_sql(f"SET LOCAL enable_seqscan = {'on' if by_choice else 'off'}")
                plan = db.exec_driver_sql(f"EXPLAIN {statement}", parameters).scalars().all()
                read = re.findall(r"Seq Scan on (\w+)", "\n".join(plan))
            else:
                plan = [row[-1] for row in db.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
                # An index walked from its end for one row is no scan: the statement stops at its first.
                read = [name for name in re.findall(r"SCAN (\w+)(?! USING)", "\n".join(plan)) if "LIMIT" not in statement]
            found += [f"{name}: {statement[:300]}" for name in read if name in tables]
    return found


def ask_everything(context: Context) -> None:
    read_figures(context, read_health(context))
    with context.database.begin() as db:
        missed_rows(db, context.now(db))


def test_every_question_of_health_goes_by_an_index(context: Context) -> None:
    """I21, I22: there is an index for each."""
    with statements(context) as asked:
        ask_everything(context)
    assert len(asked) > 15
    assert scans(context, asked, GROWING, by_choice=False) == []


def copied(table: Any, **changed: str) -> dict[str, str]:
    """The columns of a row and what each copy of it has in them."""
    return {column.name: changed.get(column.name, column.name) for column in table.columns}


@pytest.mark.full
def test_in_full_with_a_hundred_thousand_rows_waiting(context: Context) -> None:
    """I22: the plans the databases choose by themselves, and the time of it all."""
    with context.database.begin() as db:
        now = context.now(db)
        number_id = numbers.ensure(db, context.vault, "+250788000001", now)
        db.execute(
            insert(outbox).values(
                id=new_row_id(), key="k", number_id=number_id, template="broadcast", kind="broadcast", text_class="A", lane=3,
                language="rw", body=b"x", body_hash=b"x", state="queued", not_before=now, expires_at=now, created_at=now,
            )
        )  # fmt: skip
        cast = "CAST(n AS VARCHAR)" if context.database.is_postgresql else "CAST(n AS TEXT)"
        state = "CASE WHEN n % 2 = 0 THEN 'queued' ELSE 'delivered' END"
        columns = copied(outbox, id="id + n", key=f"'k' || {cast}", state=state)
        db.execute(text(COPY.format(many=MANY, table="outbox", columns=", ".join(columns), values=", ".join(columns.values()))))
    with context.database.engine.connect() as db:
        db.exec_driver_sql("ANALYZE")
        db.commit()
    with statements(context) as asked:
        began = time.monotonic()
        ask_everything(context)
        seconds = time.monotonic() - began
    assert scans(context, asked, ("outbox",), by_choice=True) == [], seconds
    assert seconds < 1
