"""Bytes of what was deleted leave the file, or the tables, as well (T13)."""

from __future__ import annotations

from sqlalchemy import Connection

from sms_service.usecases.context import Context


def overwrite_deleted(db: Connection) -> None:
    """On SQLite what is deleted is overwritten in the file; on PostgreSQL the bytes go with the vacuum (docs/operations.md)."""
    if db.dialect.name == "sqlite":
        db.exec_driver_sql("PRAGMA secure_delete=ON")


VACUUMED = (
    "identity",
    "contact_point",
    "number",
    "outbox",
    "inbound",
    "turn",
    "dial",
    "concern_note",
    "text_word",
    "parked_report",
)


def vacuum(context: Context) -> None:
    """The bytes of deleted rows leave the tables now, not with the next vacuum; on SQLite they leave the log beside the file."""
    if context.database.is_postgresql:
        with context.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as plain:
            for table in VACUUMED:
                plain.exec_driver_sql(f"VACUUM {table}")
        return
    plain_sqlite = context.database.engine.raw_connection()  # outside any transaction, which a checkpoint cannot be in
    try:
        plain_sqlite.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        plain_sqlite.close()
