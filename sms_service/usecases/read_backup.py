"""Reading a backup, and verifying all of it before anything is done with it: chunks, counts, keys, the audit's chain (T13, T19)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from sms_service import schema
from sms_service.models import audit
from sms_service.security.archive import ArchiveFault, read_lines
from sms_service.security.audit_chain import Entry, Head, verify
from sms_service.security.vault import Unsealable, Vault
from sms_service.usecases.context import Context
from sms_service.usecases.make_backup import FORMAT, Manifest
from sms_service.usecases.portable import TableHead, from_json

OPENED_A_COLUMN = 100
"""Sealed values of each column and key that verifying opens; a drill opens them all."""


class Backup:
    """One pass over a backup. ``manifest`` is whole once ``tables`` has been read to its end.

    Raises ``ArchiveFault`` where the file is not what a backup of this format is.
    """

    def __init__(self, file: BinaryIO, key: bytes) -> None:
        self._lines = read_lines(file, key)
        head = self._next()
        if not isinstance(head, dict) or head.get("format") != FORMAT:
            raise ArchiveFault(f"the backup is not of format {FORMAT}: restore it with the release that made it, then upgrade")
        self.manifest = _manifest(head)

    def tables(self) -> Iterator[tuple[TableHead, Iterator[tuple[Any, ...]]]]:
        """Each table and its rows, which must be read before the next table."""
        found: dict[str, int] = {}
        while "table" in (line := self._object()):
            head = _head(line)
            if head.name in found:
                raise ArchiveFault(f"the table {head.name} is in the backup twice")
            yield head, self._rows(head, found)
            if head.name not in found:
                raise ArchiveFault(f"the rows of {head.name} were not read to their end")
        last = _manifest({**self.manifest.as_json(), **line})
        if last.rows != found:
            raise ArchiveFault("the backup holds other tables or numbers of rows than its last line says")
        if next(self._lines, None) is not None:
            raise ArchiveFault("the backup goes on after its last line")
        self.manifest = last

    def _rows(self, head: TableHead, found: dict[str, int]) -> Iterator[tuple[Any, ...]]:
        count = 0
        while isinstance(line := self._next(), list):
            yield from_json(head, line)
            count += 1
        if line != {"end": head.name, "rows": count}:
            raise ArchiveFault(f"the table {head.name} holds {count} rows in the backup, and its end says otherwise")
        found[head.name] = count

    def _object(self) -> dict[str, Any]:
        line = self._next()
        if not isinstance(line, dict):
            raise ArchiveFault("a line of the backup stands where none belongs")
        return line

    def _next(self) -> Any:
        line = next(self._lines, None)
        if line is None:
            raise ArchiveFault("the backup ends before its last line")
        try:
            return json.loads(line)
        except ValueError:
            raise ArchiveFault("a line of the backup is no JSON") from None


def verify_backup(context: Context, path: Path, key: bytes) -> Manifest:
    """Read all of a backup as a restore would, and change nothing: returns what it says of itself.

    Raises ``ArchiveFault`` with one sentence: the first thing that is wrong with the file, with the keys given, or with its age.
    """
    with open_backup(path) as file:
        backup = Backup(file, key)
        _check_revision(backup.manifest)
        opened: dict[tuple[str, str, int], int] = {}
        chain_head = ""
        for head, rows in backup.tables():
            looked_at = _opening(context.vault, head, rows, opened)
            if head.name == "audit":
                chain_head = str(_check_chain(context, head, looked_at))
            else:
                for _ in looked_at:
                    pass
        _check_keys(context.vault, backup.manifest)
        if backup.manifest.audit_head != chain_head:
            raise ArchiveFault("the audit of the backup does not end where its last line says")
        return backup.manifest


def open_backup(path: Path) -> BinaryIO:
    """The file, opened. Raises ``ArchiveFault`` when it is not there or may not be read."""
    try:
        return path.open("rb")
    except OSError as fault:
        raise ArchiveFault(f"{path} cannot be read ({fault.strerror}): is it there, and yours?") from None


def _manifest(found: dict[str, Any]) -> Manifest:
    try:
        return Manifest(
            made_at=datetime.fromisoformat(found["made_at"]),
            revision=str(found["revision"]),
            database=str(found["database"]),
            field_keys={int(name): str(mark) for name, mark in found["field_keys"].items()},
            hash_key=str(found["hash_key"]),
            rows={str(name): int(count) for name, count in found["rows"].items()},
            keys_in_use=tuple(int(one) for one in found["keys_in_use"]),
            audit_head=str(found["audit_head"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ArchiveFault("the first or last line of the backup lacks what it must say") from None


def _head(line: dict[str, Any]) -> TableHead:
    try:
        return TableHead(
            str(line["table"]),
            tuple((str(name), str(kind)) for name, kind in line["columns"]),
            *(tuple(str(name) for name in line[part]) for part in ("key", "sealed", "own")),
        )
    except (KeyError, TypeError, ValueError):
        raise ArchiveFault("a table of the backup is not described as this program does") from None


def _check_revision(manifest: Manifest) -> None:
    if manifest.revision not in schema.known_revisions():
        newest = schema.known_revisions()[-1]
        raise ArchiveFault(
            f"the backup has schema revision {manifest.revision}, which this release (up to {newest}) does not know: "
            "restore it with the release that made it, or a newer one"
        )


def _check_keys(vault: Vault, manifest: Manifest) -> None:
    for key_id in manifest.keys_in_use:
        if vault.fingerprints.get(key_id) != manifest.field_keys.get(key_id):
            raise ArchiveFault(f"FIELD_KEYS lacks key {key_id} of this backup, or holds another key under that id")
    if manifest.hash_key not in vault.hash_fingerprints:
        raise ArchiveFault("HASH_KEY is not the one of this backup: no number in it would be found")


def _opening(
    vault: Vault, head: TableHead, rows: Iterator[tuple[Any, ...]], opened: dict[tuple[str, str, int], int]
) -> Iterator[tuple[Any, ...]]:
    """The same rows, of which the first of each sealed column and key are opened on the way."""
    places = [(name, head.place[name]) for name in head.sealed]
    key_place = head.place[head.key[0]]
    for row in rows:
        for name, place in places:
            blob = row[place]
            if not blob:
                continue
            seen = (head.name, name, blob[0])
            if opened.setdefault(seen, 0) < OPENED_A_COLUMN:
                opened[seen] += 1
                try:
                    vault.open(head.name, name, row[key_place], blob)
                except Unsealable as fault:
                    raise ArchiveFault(f"{fault}; are these the keys of this backup?") from None
        yield row


class _AuditRow:
    """A row of the backup's audit, with the columns as attributes; those an older release had not are none."""

    mark: bytes | None = None

    def __init__(self, head: TableHead, row: tuple[Any, ...]) -> None:
        for (name, _), value in zip(head.columns, row, strict=True):
            setattr(self, name, value)


def _check_chain(context: Context, head: TableHead, rows: Iterator[tuple[Any, ...]]) -> Head:
    last = Head()

    def entries() -> Iterator[Entry]:
        nonlocal last
        for row in rows:
            one: Any = _AuditRow(head, row)
            last = Head(one.seq, one.hash)
            yield one.seq, one.previous, one.hash, audit.fields_of(one)

    bad = verify(entries(), context.audit_key)
    if bad is not None:
        raise ArchiveFault(f"the audit of the backup is broken at its entry {bad}: AUDIT_KEY is another one, or it was changed")
    return last
