"""Upgrades that go wrong or take their time: a migration killed (F43), the release before beside this one (F44)."""

from __future__ import annotations

import io
import os
import random
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, inspect, text

from sms_service import schema
from sms_service.database import Database
from tests.faults.conftest import SHORT, Start
from tests.faults.load import InboundLoad
from tests.faults.processes import ROOT, Process, wait_for
from tests.faults.service import RunningService

SHIPPED_FIRST = "0005"
MIGRATIONS = "sms_service/migrations/versions"


def columns_to_fill(database: Database, table: str) -> dict[str, str]:
    """What the columns of a table that may not be empty can be filled with, whatever its schema is now."""
    with database.begin() as db:
        found = {}
        for column in inspect(db).get_columns(table):
            if column["nullable"] or column["default"] is not None:
                continue
            kind = str(column["type"]).upper()
            if "CHAR" in kind:
                found[column["name"]] = "'x'"
            elif "TIME" in kind or "DATE" in kind:
                found[column["name"]] = ":now"
            elif "BOOL" in kind:
                found[column["name"]] = "false" if database.is_postgresql else "0"
            elif "BLOB" in kind or "BYTEA" in kind:
                found[column["name"]] = ":bytes"
            else:
                found[column["name"]] = "1"
        return found


def fill(database: Database, rows: int) -> None:
    """Numbers and texts out in the tables of the release that shipped first, written as that release knew them."""
    values = {"now": datetime(2026, 5, 1, tzinfo=UTC).replace(tzinfo=None), "bytes": b"\x01x"}
    number, texts = columns_to_fill(database, "number"), columns_to_fill(database, "outbox")
    with database.begin() as db:
        db.execute(text(f"INSERT INTO number ({', '.join(number)}) VALUES ({', '.join(number.values())})"), values)
        texts |= {"id": "n", "key": "'k' || CAST(n AS VARCHAR(20))", "number_id": "1", "state": "'queued'"}
        counting = "WITH RECURSIVE counter(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counter WHERE n < :rows)"
        # The statement's own form differs between the two databases only in where WITH stands.
        into = f"INSERT INTO outbox ({', '.join(texts)})"
        db.execute(text(f"{into} {counting} SELECT {', '.join(texts.values())} FROM counter"), {**values, "rows": rows})


def kill_migrations(database: Database, state: Path, rows: int, kills: int) -> None:
    """``kill -9`` at random moments; each time there is the old schema or the new, and the run that is left alone gets there."""
    schema.downgrade(database)
    schema.migrate(database, SHIPPED_FIRST)
    fill(database, rows)
    url = database.url.render_as_string(hide_password=False)
    environment = {**os.environ, "APP_ENV": "test", "DATABASE_URL": url, "DATA_DIR": str(state)}
    command = [sys.executable, "-m", "sms_service", "migrate"]
    for _ in range(kills):
        release = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
        time.sleep(random.uniform(0.4, 4.0))
        release.kill()
        release.wait()
        with database.begin() as db:
            assert schema.is_current(db) or revision(db) == SHIPPED_FIRST
    done = subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with database.begin() as db:
        assert schema.is_current(db)
        assert db.execute(text("SELECT count(*) FROM outbox WHERE state = 'queued' AND shown_at IS NOT NULL")).scalar_one() == rows


def revision(db: Connection) -> str:
    return str(db.execute(text("SELECT version_num FROM alembic_version")).scalar_one())


def release_before(folder: Path) -> Path | None:
    """The code as it was before the newest migration came, from the history of this clone; None where there is none."""
    newest = sorted((ROOT / MIGRATIONS).glob("[0-9]*.py"))[-1]
    asked = ["git", "-C", str(ROOT), "log", "--diff-filter=A", "--format=%H", "-1", "--", str(newest.relative_to(ROOT))]
    try:
        added = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
        packed = subprocess.run(["git", "-C", str(ROOT), "archive", f"{added}^"], check=True, capture_output=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def beside(service: RunningService, before: Path, old: Callable[[RunningService], list[Process]], texts: int) -> None:
    """Part of the processes run the code of the release before, on the schema of this one, while texts go both ways."""
    phones = service.people(10)
    for process in old(service):
        process.root = before
    service.start()
    with service.fault(), InboundLoad(service, phones) as load:
        service.queue("mixed", phones, each=texts)
        wait_for(lambda: len(service.taken("mixed")) > texts, 60, "the first sends")
    load.check()
    service.arrive("mixed", 10 * texts)
    for process in old(service):
        process.kill()
        process.root = ROOT
    service.start(*old(service))
    service.check()


@SHORT
@pytest.mark.fault("F43")
def test_a_killed_migration_leaves_all_or_nothing(database: Database, tmp_path: Path) -> None:
    """F43, I24: afterwards there is the old schema or the new, and a second run reaches it with every row."""
    kill_migrations(database, tmp_path / "state", rows=200, kills=1)


@pytest.mark.full
@pytest.mark.fault("F43")
def test_in_full_a_migration_killed_again_and_again(database: Database, tmp_path: Path) -> None:
    """F43 with 20,000 texts from the release that shipped first, on both databases."""
    kill_migrations(database, tmp_path / "state", rows=20_000, kills=8)


@pytest.mark.full
@pytest.mark.fault("F44")
@pytest.mark.parametrize("part", ["worker", "clock", "web"])
def test_in_full_the_release_before_beside_this_one(
    start_service: Start, tmp_path: Path, not_played: Callable[[str], None], part: str
) -> None:
    """F44, I24: an old worker, an old clock or an old web with everything else of this release, on this release's schema."""
    before = release_before(tmp_path / "before")
    if before is None:
        not_played("this copy of the project has no history to take the release before from")
        return
    parts: dict[str, Callable[[RunningService], list[Process]]] = {
        "worker": lambda s: s.workers,
        "clock": lambda s: s.clocks,
        "web": lambda s: [s.web],
    }
    beside(start_service(), before, parts[part], texts=20)
