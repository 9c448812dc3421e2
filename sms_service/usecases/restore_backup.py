"""Restoring a backup into an empty database of either kind: all of it, safe to run (I20), or nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, delete, func, inspect, select, table

from sms_service import schema
from sms_service.models import audit, state
from sms_service.security.archive import ArchiveFault
from sms_service.security.audit_chain import Head, verify
from sms_service.usecases import suppression_journal
from sms_service.usecases.after_restore import Settled, settle_restored, still_to_go
from sms_service.usecases.context import Context
from sms_service.usecases.faults import UseFault
from sms_service.usecases.invariants import check_invariants
from sms_service.usecases.make_backup import Manifest
from sms_service.usecases.portable import insert_rows
from sms_service.usecases.read_backup import Backup, open_backup, verify_backup
from sms_service.usecases.rotate_keys import open_everything
from sms_service.usecases.suppression_journal import Journal


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored, and what was done so that it is safe to run."""

    manifest: Manifest
    settled: Settled
    unreadable: int


def restore_backup(
    context: Context, path: Path, key: bytes, actor: str, *, journal: Path | None, progress: Callable[[str], None] = lambda _: None
) -> Restored:
    """Restore ``path`` into the context's database, which must be empty, with the suppression journal in folder ``journal``.

    Everything is verified before the first write, and written in one transaction: cut short, nothing has happened. An older schema
    is restored as it was and then migrated. Raises ``ArchiveFault`` and ``UseFault``, each one sentence.
    """
    need_empty(context)
    progress("verifying")
    verify_backup(context, path, key)
    entries = _journal(journal, key)
    with open_backup(path) as file, schema.rebuilding(context.database) as db:
        if context.database.is_postgresql:
            db.exec_driver_sql("SET LOCAL statement_timeout = 0")
        backup = Backup(file, key)
        schema.upgrade(db, backup.manifest.revision)
        for row in (state.service_state, state.channel):  # made by the migrations; the backup brings its own
            db.execute(delete(row))
        for head, rows in backup.tables():
            progress(head.name)
            insert_rows(db, head, rows)
        manifest = backup.manifest
        _count(db, manifest)
        schema.upgrade(db, "head")
        state.make_rows(db)
        progress("settling")
        settled = settle_restored(
            context, db, manifest.made_at, suppression_journal.since(entries, manifest.made_at), context.now(db), actor
        )
    return Restored(manifest, settled, entries.unreadable)


def _count(db: Connection, manifest: Manifest) -> None:
    for name, count in manifest.rows.items():
        found = int(db.execute(select(func.count()).select_from(table(name))).scalar_one())
        if found != count:
            raise ArchiveFault(f"{name} holds {found} rows after the restoration and {count} in the backup: nothing was kept")


def need_empty(context: Context) -> None:
    """Raises ``UseFault`` when the database holds any table at all."""
    with context.database.engine.connect() as db:
        tables = inspect(db).get_table_names()
    if tables:
        raise UseFault(
            "database",
            "it holds %(count)s tables; restore into a new, empty one and set DATABASE_URL to it (nothing was changed)",
            count=len(tables),
        )


def _journal(folder: Path | None, key: bytes) -> Journal:
    if folder is None:
        return Journal((), 0)
    try:
        return suppression_journal.read_journal(folder, key)
    except OSError as fault:
        raise UseFault("journal", "it cannot be read (%(why)s)", why=fault.strerror or "") from None


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a drill's table: what was looked at, how much of it, whether it was right, and the seconds it took."""

    what: str
    count: int
    right: bool
    seconds: float


def drill(context: Context, path: Path, key: bytes, *, journal: Path | None) -> Iterator[Step]:
    """Restore a backup into the context's scratch database and look at everything in it, a step at a time (reliability section 11).

    Raises what ``restore_backup`` raises.
    """
    begun = time.monotonic()

    def step(what: str, count: int, right: bool) -> Step:
        nonlocal begun
        begun, before = time.monotonic(), begun
        return Step(what, count, right, begun - before)

    restored = restore_backup(context, path, key, "drill", journal=journal)
    manifest = restored.manifest
    yield step("rows restored, as many in each table as the backup says", sum(manifest.rows.values()), True)
    with context.database.snapshot() as db:
        bad = verify(audit.chain(db), context.audit_key, head=Head.read(manifest.audit_head))
        yield step("audit entries, chained up to the backup's head", manifest.rows.get("audit", 0), bad is None)
        found = list(open_everything(context, db))
        yield step("sealed values opened", sum(one[1] for one in found), not any(one[2] for one in found))
        outbound_on, going = state.read(db).outbound_on, still_to_go(db, context.now(db))
        yield step("texts that would leave by themselves", going, not going and not outbound_on)
    checks = check_invariants(context)
    broken = sorted({one.rule for one in checks if one.broken})
    yield step(f"invariants: {' '.join(broken)} broken" if broken else "invariants", len(checks), not broken)
