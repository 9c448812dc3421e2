"""The clock's nightly backup at 02:00 in Rwanda, each tried by a real restoration; and the drill that anyone may run (I20)."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Final

from sms_service import clock
from sms_service.database import Database
from sms_service.models import state
from sms_service.usecases import suppression_journal
from sms_service.usecases.context import Context, no_nudge
from sms_service.usecases.faults import UseFault
from sms_service.usecases.make_backup import KEEP_DAYS, backup_to_directory, backups_in
from sms_service.usecases.published import Published
from sms_service.usecases.restore_backup import Step, drill

AT: Final = time(2)
_LOCK: Final = ".backup.lock"


@dataclass(frozen=True, slots=True)
class Backups:
    """Where backups and their journal lie, and the key they are sealed with."""

    directory: Path
    key: bytes


def is_due(last: datetime | None, now: datetime) -> bool:
    """Whether the latest 02:00 has passed without a backup since; a site that has none makes one at once."""
    local = clock.local(now)
    latest = datetime.combine(local.date(), AT, tzinfo=clock.KIGALI)
    return last is None or last < (latest if local >= latest else latest - timedelta(days=1))


def back_up_when_due(context: Context, backups: Backups) -> tuple[Step, ...] | None:
    """Make and try a backup when one is due and no other process is at it; returns the trial's steps, None when none was made.

    Raises ``UseFault``, ``ArchiveFault`` or ``OSError``: then the one before is the last, and health tells when it is too old.
    """
    with context.database.begin() as db:
        if not is_due(state.read(db).backup_at, context.now(db)):
            return None
    backups.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _alone(backups.directory) as alone:
        if not alone:
            return None
        backup_to_directory(context, backups.directory, backups.key)
        with context.database.begin() as db:
            suppression_journal.remove_old(backups.directory, context.now(db) - timedelta(days=KEEP_DAYS))
        return tuple(run_drill(context, backups))


def run_drill(context: Context, backups: Backups) -> Iterator[Step]:
    """Restore the newest backup into a private scratch database, look at everything, remove it; when all was right, note the time.

    Raises ``UseFault`` when there is none, ``ArchiveFault`` when it cannot be restored.
    """
    newest = next(iter(backups_in(backups.directory)), None)
    if newest is None:
        raise UseFault("directory", "%(path)s holds no backup", path=str(backups.directory))
    right = True
    with tempfile.TemporaryDirectory(prefix=".drill-", dir=backups.directory) as folder:
        scratch = Database(f"sqlite:///{folder}/scratch.db")
        try:
            there = replace(context, database=scratch, published=Published(), client=None, nudge=no_nudge)
            for step in drill(there, newest, backups.key, journal=backups.directory):
                right = right and step.right
                yield step
        finally:
            scratch.dispose()
    with context.database.begin() as db:
        if right:
            state.change(db, backup_verified_at=context.now(db))
        context.record(db, "service", "backup.drill", None, "all right" if right else "not all right")


@contextmanager
def _alone(directory: Path) -> Iterator[bool]:
    """Whether no other process makes a backup here; it cannot begin one meanwhile."""
    descriptor = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)
