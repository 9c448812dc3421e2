"""Bringing a database to the current schema, and asking whether it is there (I21, I24)."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from sms_service.database import Database
from sms_service.models import state

_MIGRATIONS = Path(__file__).with_name("migrations")
_ONE_MIGRATION_AT_A_TIME = 8_413_220_117  # PostgreSQL advisory lock


def _config(db: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = db
    return config


def migrate(database: Database, target: str = "head") -> None:
    """Run every missing migration in one transaction: killed half-way, it has not happened (F43)."""
    with database.begin() as db:
        if database.is_postgresql:
            db.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ONE_MIGRATION_AT_A_TIME})")
        command.upgrade(_config(db), target)
        if target == "head":
            state.make_rows(db)


def downgrade(database: Database, target: str = "base") -> None:
    with database.begin() as db:
        command.downgrade(_config(db), target)


def is_current(db: Connection) -> bool:
    """Whether the database carries exactly the newest revision this program knows."""
    newest = ScriptDirectory(str(_MIGRATIONS)).get_current_head()
    return MigrationContext.configure(db).get_current_revision() == newest
