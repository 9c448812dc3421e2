"""A rolling upgrade: this release's schema can be worked with by the one before, and a later one's by this (I24, F44)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, insert, inspect, select, text

from sms_service import schema
from sms_service.database import Database
from sms_service.models.schedules import occurrence
from sms_service.security.tokens import new_row_id
from sms_service.usecases.context import Context
from sms_service.usecases.read_health import read_health
from sms_service.usecases.tick import run_schedules

BEFORE = "0012"  # the newest schema of the release before


def columns(db: Connection) -> dict[str, dict[str, Any]]:
    look = inspect(db)
    return {table: {one["name"]: one for one in look.get_columns(table)} for table in look.get_table_names()}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_a_later_release_adds_the_one_before_can_leave_out(database: Database) -> None:
    """I24: no table or column goes, and a new column may stay empty or fills itself: the old worker does not know it."""
    schema.downgrade(database, BEFORE)
    with database.begin() as db:
        old = columns(db)
    schema.migrate(database)
    with database.begin() as db:
        new = columns(db)
    assert not set(old) - set(new)
    for table, before in old.items():
        assert not set(before) - set(new[table]), table
        added = [one for name, one in new[table].items() if name not in before]
        assert not [one["name"] for one in added if not one["nullable"] and one["default"] is None], table


def test_a_later_release_s_schema_is_no_reason_to_stop(context: Context) -> None:
    """I21, I24: the processes of this release serve until they are replaced; those of a later one wait for its migration."""
    with context.database.begin() as db:
        db.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert read_health(context).ready
    with context.database.begin() as db:
        db.execute(text("UPDATE alembic_version SET version_num = '0013'"))
    assert read_health(context).degraded == ["schema"]


def test_a_later_release_s_occurrence_is_left_to_its_clock(context: Context) -> None:
    """F44, I24: an old clock neither fires it nor calls it missed."""
    with context.database.begin() as db:
        now = context.now(db)
        row = {"id": new_row_id(), "schedule": "s", "kind": "of_tomorrow", "due_at": now, "expires_at": now + timedelta(hours=1)}
        db.execute(insert(occurrence).values(**row, state="pending"))
    assert run_schedules(context) == 0
    with context.database.begin() as db:
        assert db.execute(select(occurrence.c.state)).scalar_one() == "pending"
