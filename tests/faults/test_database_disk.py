"""What the disk does to the database: locked by somebody (F14), full (F15), unable to make a commit durable (F16)."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from sms_service.database import Database
from tests.conftest import install
from tests.faults import failing_fsync
from tests.faults.conftest import Start, Starting
from tests.faults.load import Load
from tests.faults.private_postgresql import PrivatePostgresql
from tests.faults.processes import wait_for
from tests.faults.service import RunningService

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
TEXT = "mumpamagare"
NotPlayed = Callable[[str], None]
HOLD = """
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
db.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
time.sleep(float(sys.argv[2]))
db.execute("COMMIT")
"""


def locked(service: RunningService, texts: int, seconds: float) -> None:
    """Another process holds the file; whoever waits too long is told so, and everything is done after it."""
    phones = service.people(20)
    service.start()
    service.simulator.switch(latency_ms=20)
    with Load(service, phones, texts) as load:
        wait_for(lambda: len(service.taken("load")) > texts, 60, "the first sends")
        with service.fault():
            command = [sys.executable, "-c", HOLD, str(service.context.database.url.database), str(seconds)]
            with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
                assert holder.stdout is not None
                assert holder.stdout.readline() == b"held\n"
                refused_meanwhile(service, load, phones)
                assert holder.wait(60) == 0
    load.check()
    whole(service)
    service.check()


def refused_meanwhile(service: RunningService, load: Load, phones: list[str]) -> None:
    """A dial is answered with the apology, and a text is not accepted."""
    screen = service.simulator.dial(phones[1])
    assert (screen["status"], screen["open"], screen["error"]) == (200, False, ""), screen
    answered = service.simulator.text(phones[0], TEXT)
    load.inbound.ids.append(answered["id"])
    assert answered["statuses"] == [503]


def whole(service: RunningService) -> None:
    """The file is sound."""
    with service.context.database.begin() as db:
        assert db.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
        assert not db.exec_driver_sql("PRAGMA foreign_key_check").all()


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[str]:
    """A file system of its own in ``folder``; gives the reason when this machine has none to give, else ''."""
    folder.mkdir()
    mounted = shutil.which("mount") is not None and os.geteuid() == 0
    why = "" if mounted else "mounting a file system takes root"
    if mounted:
        command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        mounted, why = done.returncode == 0, done.stderr.strip()
    try:
        yield why
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """A file that takes all that is left, to the last byte."""
    filler = folder / "filler"
    with open(filler, "ab", buffering=0) as sink:
        for size in (1 << 20, 4096, 1):
            with suppress(OSError):
                while True:
                    sink.write(b"\0" * size)
    return filler


def disk_full(service: RunningService, disk: Path, texts: int, seconds: float, running: Callable[[], None]) -> None:
    """The disk is full to the last byte for a while; ``running`` is the supervisor of a database server, asked when it is freed."""
    phones = service.people(20)
    service.start()
    service.simulator.switch(latency_ms=20)
    with Load(service, phones, texts) as load:
        wait_for(lambda: len(service.taken("load")) > texts, 60, "the first sends")
        with service.fault():
            filler = fill(disk)
            wait_for(lambda: 503 in answers(service), 60, "the first text that could not be stored")
            time.sleep(seconds)
            filler.unlink()
            running()
        wait_for(service.ready, 60, "the web's readiness")
        wait_for(lambda: service.simulator.dial(phones[2])["open"], 60, "the menu", every=0.5)
    service.forward_past_leases()
    load.check()
    assert answers(service) == {200, 503}
    assert all(process.alive for process in service.processes)
    service.check()


def answers(service: RunningService) -> set[int]:
    """What texts in were answered."""
    return {line["status"] for line in service.simulator.callbacks("sms")}


def sqlite_disk_full(
    starting: Starting, folder: Path, template: Path, not_played: NotPlayed, texts: int, megabytes: int, seconds: float
) -> None:
    """The file of the database on a small disk; it can be read while it cannot be written."""
    disk = folder / "disk"
    with small_disk(disk, megabytes) as why:
        if why:
            not_played(f"no small file system can be mounted here: {why}")
            return
        path = disk / "service.db"
        shutil.copy(template, path)
        with starting(f"sqlite:///{path}") as start:
            service = start()
            disk_full(service, disk, texts, seconds, readable(path))
            whole(service)
            service.context.database.dispose()


def readable(path: Path) -> Callable[[], None]:
    """Asked while the disk has just been freed: what was stored before can be read."""

    def look() -> None:
        reader = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        assert reader.execute("SELECT count(*) FROM number").fetchone()[0] > 0
        reader.close()

    return look


def fsync_fails(service: RunningService, count: int) -> None:
    """Every process runs where no fsync succeeds: nothing is accepted, nothing is sent; started again as usual, all is done."""
    phones = service.people(count)
    service.queue("kept", phones)
    service.simulator.switch(retry_ms=200, retry_most_ms=1000)
    usual = {process: process.command for process in service.processes[1:]}
    with service.fault():
        for process, command in usual.items():
            process.command = [sys.executable, "-m", "tests.faults.failing_fsync", *command]
        service.start()
        ids = []
        for phone in phones:
            answered = service.simulator.text(phone, TEXT)
            ids.append(answered["id"])
            assert answered["statuses"] == [503], answered
            screen = service.simulator.dial(phone)
            assert (screen["status"], screen["open"], screen["error"]) == (200, False, ""), screen
        time.sleep(6)
        assert not service.taken("kept"), "a text left although its fence could not be committed"
        for process, command in usual.items():
            process.kill()
            process.command = command
        service.start()
    service.forward_past_leases()
    wait_for(lambda: accepted(service) == set(ids), 60, "the acceptance of every text")
    service.settle()
    assert len(service.taken("kept")) == count
    whole(service)
    service.check()


def accepted(service: RunningService) -> set[str]:
    """The ids of the texts that were answered 200."""
    return {line["fields"]["id"] for line in service.simulator.callbacks("sms") if line["status"] == 200}


@pytest.mark.fault("F14", database="sqlite")
@SQLITE
def test_sqlite_locked(start_service: Start) -> None:
    """F14, I1, W13: 503 and the apology while somebody holds the file, then every text is processed once."""
    locked(start_service(), texts=3, seconds=6)


@pytest.mark.fault("F14", database="sqlite")
@pytest.mark.full
@SQLITE
def test_in_full_sqlite_locked_for_ten_seconds(start_service: Start) -> None:
    """F14 at full length, with two thousand texts on their way."""
    locked(start_service(workers=2), texts=100, seconds=10)


@pytest.mark.fault("F15", database="sqlite")
@pytest.mark.full
def test_in_full_the_disk_of_sqlite_full(starting: Starting, tmp_path: Path, sqlite_template: Path, not_played: NotPlayed) -> None:
    """F15, I1: 503 while nothing can be stored, what is stored can be read, and all goes on when there is room."""
    sqlite_disk_full(starting, tmp_path, sqlite_template, not_played, texts=100, megabytes=96, seconds=10)


@pytest.mark.fault("F15", database="postgresql")
@pytest.mark.full
def test_in_full_the_disk_of_postgresql_full(
    starting: Starting, tmp_path_factory: pytest.TempPathFactory, not_played: NotPlayed
) -> None:
    """F15, I1: the server may end; its supervisor starts it again, and the service finds it by itself."""
    disk = tmp_path_factory.mktemp("pg", numbered=True) / "disk"
    with small_disk(disk, 96) as why:
        if why:
            not_played(f"no small file system can be mounted here: {why}")
            return
        server = PrivatePostgresql(disk, "--wal-segsize=1")
        try:
            server.start()
            server.execute("CREATE DATABASE service")
            database = Database(server.url("service"))
            install(database)
            with starting(server.url("service")) as start:
                disk_full(start(workers=2), disk, texts=100, seconds=10, running=server.ensure_running)
        finally:
            server.stop()


@pytest.mark.fault("F16", database="sqlite")
@SQLITE
def test_no_commit_is_durable(start_service: Start, not_played: NotPlayed) -> None:
    """F16, I1: while fsync fails no text is answered 200 and none leaves; afterwards each is processed once."""
    if not failing_fsync.possible():
        not_played("the kernel's filters are known here for Linux on x86_64 and aarch64 only")
        return
    fsync_fails(start_service(), count=3)
