"""Bringing a database to the current schema, and asking whether it is there (I21, I24)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
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


class SchemaFault(RuntimeError):
    """A migration would have left rows that point at nothing: it was undone as a whole."""


@contextmanager
def rebuilding(database: Database) -> Iterator[Connection]:
    """One transaction in which tables may be rebuilt.

    SQLite changes a column by copying the table, dropping it and renaming the copy: with the references of other tables enforced
    that fails as soon as there is a row. They are set aside for the transaction and all checked before it ends.
    """
    if database.is_postgresql:
        with database.begin() as db:
            db.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ONE_MIGRATION_AT_A_TIME})")
            yield db
        return
    with database.engine.connect() as db:
        driver = db.connection.dbapi_connection
        assert driver is not None, "a connection that was just opened has its driver"
        driver.execute("PRAGMA foreign_keys=OFF")
        try:
            with db.begin():
                yield db
                lost = db.exec_driver_sql("PRAGMA foreign_key_check").all()
                if lost:
                    tables = ", ".join(sorted({f"{row[0]} to {row[2]}" for row in lost}))
                    raise SchemaFault(f"{len(lost)} references would point at nothing ({tables}): nothing was changed")
        finally:
            driver.execute("PRAGMA foreign_keys=ON")


def migrate(database: Database, target: str = "head") -> None:
    """Run every missing migration in one transaction: killed half-way, it has not happened (F43)."""
    with rebuilding(database) as db:
        command.upgrade(_config(db), target)
        if target == "head":
            state.make_rows(db)


def upgrade(db: Connection, target: str) -> None:
    """Run the missing migrations up to ``target`` in the caller's transaction, one of ``rebuilding``."""
    command.upgrade(_config(db), target)


def downgrade(database: Database, target: str = "base") -> None:
    """Undo migrations down to ``target``, in one transaction."""
    with rebuilding(database) as db:
        command.downgrade(_config(db), target)


def revision(db: Connection) -> str:
    """The revision the database carries; empty for none."""
    return MigrationContext.configure(db).get_current_revision() or ""


def known_revisions() -> list[str]:
    """Every revision this program has, the oldest first."""
    return [one.revision for one in ScriptDirectory(str(_MIGRATIONS)).walk_revisions()][::-1]


def is_current(db: Connection) -> bool:
    """Whether this program can work with the database: it carries the newest revision that the program knows, or one of a later
    release, which only adds (I24). Revisions are numbered, and a later release's have the higher numbers.
    """
    scripts = ScriptDirectory(str(_MIGRATIONS))
    newest, carried = scripts.get_current_head(), MigrationContext.configure(db).get_current_revision()
    if carried is None or newest is None or carried == newest:
        return carried == newest
    return carried not in {one.revision for one in scripts.walk_revisions()} and carried > newest
