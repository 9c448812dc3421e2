"""The schema: migrations and models agree on both databases, go down as well as up, and hold no field that must not exist."""

from __future__ import annotations

import re

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from sms_service import schema
from sms_service.database import Database
from sms_service.models import metadata

FORBIDDEN = re.compile(r"ethnic|tribe|religio|diagnos|survivor|perpetrator|victim|violent|hiv|politic")


def test_migrations_and_models_agree(database: Database) -> None:
    """I24: the schema built by the migrations is the schema the models describe."""
    with database.begin() as db:
        differences = compare_metadata(MigrationContext.configure(db, opts={"compare_type": False}), metadata)
    assert differences == []


def test_a_migrated_database_is_current_and_migrating_again_changes_nothing(database: Database) -> None:
    """I21, I24: health can tell, and a repeated release is harmless."""
    schema.migrate(database)
    with database.begin() as db:
        assert schema.is_current(db)


def test_every_migration_goes_down_and_up_again(database: Database) -> None:
    """I24: each revision can be undone and done again on both databases."""
    schema.downgrade(database)
    with database.begin() as db:
        assert set(inspect(db).get_table_names()) <= {"alembic_version"}
        assert not schema.is_current(db)
    schema.migrate(database)
    with database.begin() as db:
        assert schema.is_current(db)


def test_the_fields_that_must_not_exist_do_not_exist() -> None:
    """S37: no column labels a person violent, survivor, perpetrator or by origin, faith or illness."""
    names = [f"{table.name}.{column.name}" for table in metadata.tables.values() for column in table.columns]
    assert [name for name in names if FORBIDDEN.search(name)] == []


def test_what_is_personal_is_sealed_bytes() -> None:
    """T13: numbers, names, texts, notes, reasons and code words have no plain column."""
    sealed = (
        *("number.sealed", "identity.name", "contact_point.code_word", "inbound.body", "inbound.sender", "outbox.body"),
        *("turn.typed", "turn.screen", "concern_note.note", "audit.reason", "broadcast_text.body", "staff.name", "staff.totp"),
    )
    for place in sealed:
        table, column = place.split(".")
        assert metadata.tables[table].c[column].type.python_type is bytes, place
