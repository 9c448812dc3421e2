"""Backups that are not whole, of other keys, of another release: one sentence each, and nothing written (I20, T19)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, inspect, select

from sms_service import schema
from sms_service.database import Database
from sms_service.models import suppressions
from sms_service.models.audit import audit
from sms_service.models.numbers import number
from sms_service.security.archive import ArchiveFault, Writer, read_lines
from sms_service.security.vault import Vault
from sms_service.usecases.context import Context
from sms_service.usecases.make_backup import make_backup
from sms_service.usecases.read_backup import verify_backup
from sms_service.usecases.restore_backup import restore_backup
from tests.conftest import KEYS
from tests.usecases.conftest import BACKUP_KEY as KEY
from tests.usecases.conftest import Empty


def rewritten(path: Path, change: Callable[[list[bytes]], list[bytes]]) -> Path:
    """The same backup with other lines, sealed as properly as the first."""
    other = path.with_name("changed")
    with other.open("wb") as file:
        writer = Writer(file, KEY)
        for line in change(list(read_lines(path.open("rb"), KEY))):
            writer.line(line)
        writer.close()
    return other


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda lines: [lines[0].replace(b'"revision":"0', b'"revision":"9'), *lines[1:]], "which this release .* does not know"),
        (lambda lines: [line for line in lines if b"S00001" not in line], "its end says otherwise"),
        (lambda lines: lines[:-1], "ends before its last line"),
        (lambda lines: [*lines[:-1], lines[-1].replace(b'"audit":1', b'"audit":2')], "other tables or numbers of rows"),
        (lambda lines: [line.replace(b'"test"', b'"text"') for line in lines], "broken at its entry"),
        (lambda lines: [*lines, b"[]"], "goes on after its last line"),
        (lambda lines: [b"{}", *lines[1:]], "not of format 1"),
    ],
)
def test_a_backup_that_is_not_whole_is_refused_in_one_sentence(
    filled: Context, empty: Empty, tmp_path: Path, change: Callable[[list[bytes]], list[bytes]], sentence: str
) -> None:
    """I20, T19: and nothing is written."""
    with filled.database.begin() as db:
        db.execute(delete(audit))
        filled.record(db, "S00001", "test")
    make_backup(filled, tmp_path / "b", KEY)
    copy = empty("sqlite")
    with pytest.raises(ArchiveFault, match=sentence):
        restore_backup(copy, rewritten(tmp_path / "b", change), KEY, "command", journal=None)
    with copy.database.engine.connect() as db:
        assert inspect(db).get_table_names() == []


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"field_keys": {1: b"x" * 32}}, "are these the keys"),
        ({"field_keys": {2: b"x" * 32}}, "not in FIELD_KEYS"),
        ({"hash_key": b"y" * 32}, "HASH_KEY is not the one"),
    ],
)
def test_other_keys_are_named(filled: Context, tmp_path: Path, keys: dict[str, Any], sentence: str) -> None:
    make_backup(filled, tmp_path / "b", KEY)
    given = {name: value for name, value in {**KEYS, **keys}.items() if name != "audit_key"}
    with pytest.raises(ArchiveFault, match=sentence):
        verify_backup(replace(filled, vault=Vault(**given)), tmp_path / "b", KEY)
    with pytest.raises(ArchiveFault, match="AUDIT_KEY is another"):
        verify_backup(replace(filled, audit_key=b"z" * 32), tmp_path / "b", KEY)


def test_a_backup_of_the_release_before_is_restored_and_migrated(filled: Context, empty: Empty, tmp_path: Path) -> None:
    """I24: tables and columns that later releases added are not in it."""
    with filled.database.begin() as db:
        db.execute(delete(audit))  # its entries have marks, which a release before them did not write
    make_backup(filled, tmp_path / "b", KEY)
    older = Database(f"sqlite:///{tmp_path / 'older.db'}")
    schema.migrate(older, "0012")
    with older.engine.connect() as db:
        had = {name: {one["name"] for one in inspect(db).get_columns(name)} for name in inspect(db).get_table_names()}
    older.dispose()

    def as_before(lines: list[bytes]) -> list[bytes]:
        out: list[bytes] = []
        name, kept, rows = "", [0], {}
        for line in lines:
            found = json.loads(line)
            if isinstance(found, list):
                found = [found[place] for place in kept]
            elif "format" in found:
                found["revision"] = "0012"
            elif "table" in found:
                name = found["table"]
                kept = [place for place, (column, _) in enumerate(found["columns"]) if column in had.get(name, ())]
                found["columns"] = [found["columns"][place] for place in kept]
            elif "end" in found:
                rows[name] = found["rows"]
            elif "keys_in_use" in found:
                found["rows"] = {table: count for table, count in rows.items() if table in had}
                name = ""
            if not name or name in had:
                out.append(json.dumps(found, separators=(",", ":")).encode())
        return out

    copy = empty("sqlite")
    restore_backup(copy, rewritten(tmp_path / "b", as_before), KEY, "command", journal=None)
    with copy.database.begin() as db:
        assert schema.is_current(db)
        assert db.execute(select(func.count()).select_from(number)).scalar_one() == 3
        assert db.execute(select(func.count()).select_from(suppressions.suppression)).scalar_one() == 0
