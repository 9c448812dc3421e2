"""A backup: one unchanging state of every table, while the service runs, in bounded memory, sealed under a key of its own.

Written under a temporary name and renamed when the disk has it, readable by its owner only. Older ones in a directory go after
35 days. What is in it, and what it must be checked against, is said in its first and last lines.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Final

from sqlalchemy import select

from sms_service import clock, schema
from sms_service.models import metadata, state
from sms_service.models.audit import audit
from sms_service.security.archive import Writer
from sms_service.security.audit_chain import Head
from sms_service.usecases.context import Context
from sms_service.usecases.faults import UseFault
from sms_service.usecases.portable import head_of, read_rows, to_json

FORMAT: Final = 1
KEEP_DAYS: Final = 35
SUFFIX: Final = ".smsbackup"
_NAME = re.compile(r"backup-(\d{8}T\d{6})Z" + re.escape(SUFFIX))


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself: when and of what it was made, and what must be there when it is read.

    ``field_keys`` and ``hash_key`` are fingerprints. ``keys_in_use`` are the ids that sealed values need.
    """

    made_at: datetime
    revision: str
    database: str
    field_keys: dict[int, str]
    hash_key: str
    rows: dict[str, int] = field(default_factory=dict)
    keys_in_use: tuple[int, ...] = ()
    audit_head: str = ""

    def as_json(self) -> dict[str, Any]:
        """For people and machines; holds nothing personal and no key."""
        return {**asdict(self), "made_at": self.made_at.isoformat()}


def backup_to_directory(context: Context, directory: Path, key: bytes, *, keep_days: int = KEEP_DAYS) -> tuple[Path, Manifest]:
    """Make the next backup of a directory and remove those over ``keep_days`` old, and drafts that a power cut left.

    Raises ``UseFault`` when it cannot be written or the schema is not this program's.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as fault:
        raise _unwritable(directory, fault) from None
    with context.database.begin() as db:
        now = context.now(db)
    path = directory / f"backup-{now.astimezone(UTC):%Y%m%dT%H%M%S}Z{SUFFIX}"
    manifest = make_backup(context, path, key)
    remove_old(directory, now - timedelta(days=keep_days))
    return path, manifest


def make_backup(context: Context, path: Path, key: bytes) -> Manifest:
    """Write a backup to ``path`` and note its time for health; a file of that name is replaced only by a whole one."""
    with _draft(path) as file:
        manifest = _write(context, file, key)
    with context.database.begin() as db:
        state.change(db, backup_at=manifest.made_at)
        context.record(db, "service", "backup.make", None, f"{sum(manifest.rows.values())} rows")
    return manifest


@contextmanager
def _draft(path: Path) -> Iterator[BinaryIO]:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
    except OSError as fault:
        raise _unwritable(path, fault) from None
    finally:
        draft.unlink(missing_ok=True)


def _unwritable(path: Path, fault: OSError) -> UseFault:
    why = os.strerror(fault.errno or 0)
    return UseFault("backup", "%(path)s cannot be written (%(why)s): is the disk there, and not full?", path=str(path), why=why)


def _write(context: Context, file: BinaryIO, key: bytes) -> Manifest:
    writer = Writer(file, key)
    vault = context.vault
    with context.database.snapshot() as db:
        if not schema.is_current(db):
            raise UseFault("backup", "the schema is not this release's: run sms-service migrate first")
        manifest = Manifest(clock.now(db), schema.revision(db), db.dialect.name, vault.fingerprints, vault.hash_fingerprints[0])
        _line(writer, {"format": FORMAT, **manifest.as_json()})
        rows: dict[str, int] = {}
        used: set[int] = set()
        for table in metadata.sorted_tables:
            head = head_of(table)
            _line(writer, {"table": head.name, **{name: getattr(head, name) for name in ("columns", "key", "sealed", "own")}})
            places = [head.place[name] for name in head.sealed]
            count = 0
            for row in read_rows(db, table):
                _line(writer, to_json(head, row))
                used.update(row[place][0] for place in places if row[place])
                count += 1
            _line(writer, {"end": head.name, "rows": count})
            rows[head.name] = count
        last = db.execute(select(audit.c.seq, audit.c.hash).order_by(audit.c.seq.desc()).limit(1)).first()
        audit_head = str(Head(last.seq, bytes(last.hash)) if last else Head())
        _line(writer, {"rows": rows, "keys_in_use": sorted(used), "audit_head": audit_head})
    writer.close()
    return replace(manifest, rows=rows, keys_in_use=tuple(sorted(used)), audit_head=audit_head)


def _line(writer: Writer, value: object) -> None:
    writer.line(json.dumps(value, separators=(",", ":"), ensure_ascii=True).encode())


def backups_in(directory: Path) -> list[Path]:
    """The backups of a directory, the newest first."""
    if not directory.is_dir():
        return []
    return sorted((path for path in directory.iterdir() if _NAME.fullmatch(path.name)), reverse=True)


def made_at(path: Path) -> datetime | None:
    """When a backup of a directory was made, as its name says."""
    found = _NAME.fullmatch(path.name)
    return datetime.strptime(found[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC) if found else None


def remove_old(directory: Path, before: datetime) -> int:
    """Remove the backups made before then, but never the last one there is, and drafts nobody is writing; returns how many went."""
    gone = 0
    for path in backups_in(directory)[1:]:
        made = made_at(path)
        if made is not None and made < before:
            path.unlink(missing_ok=True)
            gone += 1
    for path in directory.glob(f".backup-*{SUFFIX}.*.part"):
        if datetime.fromtimestamp(path.stat().st_mtime, UTC) < clock.wall() - timedelta(days=1):
            path.unlink(missing_ok=True)
    return gone
