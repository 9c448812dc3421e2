"""The nightly backup: at 02:00 in Rwanda, one at a time, tried by a restoration; and the commands that do the same by hand."""

from __future__ import annotations

import hashlib
import json
import os
from base64 import b64encode
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from sms_service.__main__ import main
from sms_service.clock import KIGALI
from sms_service.config import load_settings
from sms_service.models import state
from sms_service.usecases import nightly_backup
from sms_service.usecases.context import Context
from sms_service.usecases.make_backup import backups_in
from sms_service.usecases.nightly_backup import Backups, back_up_when_due, is_due
from sms_service.wiring import context_from
from tests.usecases.site import Site

KEY = hashlib.sha256(b"backup").digest()


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=KIGALI)


@pytest.mark.parametrize(
    ("last", "now", "due"),
    [
        (None, "2026-05-13 14:00", True),
        ("2026-05-13 02:00", "2026-05-13 23:59", False),
        ("2026-05-13 01:59", "2026-05-13 02:00", True),
        ("2026-05-12 02:01", "2026-05-13 01:59", False),
        ("2026-05-11 12:00", "2026-05-13 01:00", True),
    ],
)
def test_a_backup_is_due_once_a_night(last: str | None, now: str, due: bool) -> None:
    assert is_due(at(last) if last else None, at(now)) is due


def test_the_clock_makes_one_tries_it_and_leaves_nothing_else(context: Context, tmp_path: Path) -> None:
    """I20, S33: the trial restores it; its time is kept for health; the scratch is gone; a second process does not make another."""
    backups = Backups(tmp_path / "backups", KEY)
    steps = back_up_when_due(context, backups)
    assert steps is not None
    assert all(step.right for step in steps), steps
    assert back_up_when_due(context, backups) is None
    with context.database.begin() as db:
        row = state.read(db)
    assert row.backup_verified_at >= row.backup_at
    assert sorted(path.name for path in backups.directory.iterdir()) == [".backup.lock", backups_in(backups.directory)[0].name]


def test_two_clock_processes_make_one(context: Context, tmp_path: Path) -> None:
    backups = Backups(tmp_path, KEY)
    with nightly_backup._alone(tmp_path) as alone:
        assert alone
        assert back_up_when_due(context, backups) is None
    assert backups_in(tmp_path) == []


def run(env: dict[str, str], *words: str) -> Result:
    return CliRunner().invoke(main, words, env=env, catch_exceptions=False)


@pytest.fixture
def env(tmp_path: Path, database_url: str) -> dict[str, str]:
    """A site of the commands' own keys, with a person."""
    env = {
        "APP_ENV": "test",
        "DATA_DIR": str(tmp_path / "data"),
        "DATABASE_URL": database_url,
        "BACKUP_DIR": str(tmp_path / "backups"),
        "BACKUP_KEY": b64encode(KEY).decode(),
        "PATH": os.environ["PATH"],
    }
    context = context_from(load_settings(env))
    site = Site.build(context)
    site.group()
    site.person(name="Kanariya")
    context.database.dispose()
    return env


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_commands_from_backup_to_restoration(env: dict[str, str], tmp_path: Path) -> None:
    """I20, I23: each says what it did, and what is wrong in one sentence; results on standard output."""
    made = run(env, "backup", "--directory", env["BACKUP_DIR"], "--json")
    manifest: dict[str, Any] = json.loads(made.stdout)
    assert manifest["rows"]["person"] == 1
    path = manifest["file"]
    assert run(env, "backup", "verify", path).stdout.strip() == path
    tried = run(env, "drill")
    assert tried.exit_code == 0, tried.output
    assert "WRONG" not in tried.stdout

    there = {**env, "DATABASE_URL": f"sqlite:///{tmp_path / 'there.db'}"}
    refused = run(there, "restore", path)
    assert refused.exit_code == 1
    assert "--without-journal" in refused.stderr
    restored = run(there, "restore", path, "--without-journal")
    assert restored.exit_code == 0, restored.output
    assert "outbound is off" in restored.stderr
    assert run(there, "restore", path, "--without-journal").exit_code == 1

    other = {**env, "BACKUP_KEY": b64encode(hashlib.sha256(b"other").digest()).decode()}
    wrong = run(other, "backup", "verify", path)
    assert (wrong.exit_code, "another BACKUP_KEY" in wrong.stderr) == (1, True)
    assert run({**env, "BACKUP_KEY": ""}, "invariants").exit_code == 1
    alone = tmp_path / "alone.smsbackup"
    assert run(env, "backup", str(alone)).exit_code == 0
    assert alone.exists()
    assert run(env, "backup", str(tmp_path / "no" / "such" / "place")).exit_code == 1
