"""The journal beside the backups: what was stopped, opted out or erased since, applied again after a restore (I19, I20).

The acts are rows of the database (``models.suppressions``), written in their own transactions: no stop waits for a file. The clock
process appends what is new every few seconds, so a lost database loses at most that. A line is a keyed hash, a kind and a time with
a keyed mark over it; a file a month, kept as long as the backups.
"""

from __future__ import annotations

import base64
import fcntl
import hmac
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sms_service.models import suppressions
from sms_service.security.vault import derive_key
from sms_service.usecases.context import Context

BATCH: Final = 500
_PATTERN: Final = "suppressions-*.journal"


@dataclass(frozen=True, slots=True)
class Journal:
    """The entries of the files beside a backup, and how many lines were not readable: torn by a power cut, or changed."""

    entries: tuple[dict[str, Any], ...]
    unreadable: int


def write_journal(context: Context, directory: Path, key: bytes) -> int:
    """Append what the files do not hold yet, to the disk itself, and mark it; returns how many. Raises ``OSError``.

    Cut short in between, the same entries are written again: their ids say that they are the same.
    """
    written = 0
    while True:
        with context.database.begin() as db:
            rows = suppressions.unwritten(db, BATCH)
            now = context.now(db)
        if not rows:
            return written
        lines = [_line(row._asdict(), key) for row in rows]
        _append(directory / f"suppressions-{now.astimezone(UTC):%Y-%m}.journal", b"".join(lines))
        with context.database.begin() as db:
            suppressions.mark_written(db, [row.id for row in rows], now)
        written += len(rows)


def read_journal(directory: Path, key: bytes) -> Journal:
    """Everything the files of a directory say, oldest file first. Raises ``OSError`` for one that cannot be read."""
    entries: list[dict[str, Any]] = []
    unreadable = 0
    for path in sorted(directory.glob(_PATTERN)):
        for line in path.read_bytes().split(b"\n"):
            if not line:
                continue
            entry = _read(line, key)
            if entry is None:
                unreadable += 1
            else:
                entries.append(entry)
    return Journal(tuple(entries), unreadable)


def remove_old(directory: Path, before: datetime) -> None:
    """Remove the files whose month had ended before then: no backup is left that could need them."""
    for path in directory.glob(_PATTERN):
        month = path.stem.removeprefix("suppressions-")
        try:
            begins = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
        except ValueError:
            continue
        if begins + timedelta(days=32) < before:
            path.unlink(missing_ok=True)


def _append(path: Path, lines: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # a second clock process writes after us
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            lines = b"\n" + lines  # a power cut left half a line
        while lines:
            lines = lines[os.write(descriptor, lines) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _line(entry: dict[str, Any], key: bytes) -> bytes:
    found = entry["number_hash"]
    said = {
        "id": entry["id"],
        "at": entry["at"].isoformat(),
        "kind": entry["kind"],
        "number_hash": base64.b64encode(found).decode() if found else None,
        "person_code": entry["person_code"],
    }
    text = json.dumps(said, separators=(",", ":"))
    return f"{text} {_mark(text, key)}\n".encode()


def _mark(text: str, key: bytes) -> str:
    return hmac.digest(derive_key(key, "suppression journal"), text.encode(), "sha256")[:16].hex()


def _read(line: bytes, key: bytes) -> dict[str, Any] | None:
    text, _, mark = line.decode("utf-8", "replace").rpartition(" ")
    if not hmac.compare_digest(mark.encode(), _mark(text, key).encode()):
        return None
    said = json.loads(text)
    found = said["number_hash"]
    return {
        **said,
        "at": datetime.fromisoformat(said["at"]),
        "number_hash": base64.b64decode(found) if found else None,
    }


def since(journal: Journal, made_at: datetime) -> Iterator[dict[str, Any]]:
    """The entries that a backup made at that time may lack; those it holds are told by their ids."""
    return (entry for entry in journal.entries if entry["at"] >= made_at - timedelta(days=1))
