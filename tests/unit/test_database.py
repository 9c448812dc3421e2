"""Waiting for SQLite's write lock: bounded, told as a fault that means 'ask again', and in turn within a process."""

from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from sms_service.database import Database, is_busy


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "small.db"
    with Database(f"sqlite:///{made}").begin() as db:
        db.exec_driver_sql("CREATE TABLE line (no INTEGER)")
    return made


def test_a_wait_for_the_file_ends_with_a_fault_that_means_ask_again(path: Path) -> None:
    """W13, I15: a telephone hangs up in seconds, so a surface waits as long as it may and no longer (F14)."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    database = Database(f"sqlite:///{path}", wait_ms=200)
    began = time.monotonic()
    with pytest.raises(OperationalError) as caught, database.begin():
        pass
    assert is_busy(caught.value)
    assert 0.15 < time.monotonic() - began < 5
    other.rollback()
    with database.begin() as db:  # the connection and the turn were given back
        db.exec_driver_sql("INSERT INTO line VALUES (1)")


def test_one_wait_in_vain_is_enough_for_everybody(path: Path) -> None:
    """F14, I15: threads that each wait their full time would leave none to answer a dial; the file is had as soon as it is free."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    database = Database(f"sqlite:///{path}", wait_ms=2_000)
    began = time.monotonic()
    faults: list[float] = []

    def write() -> None:
        with pytest.raises(OperationalError), database.begin():
            pass
        faults.append(time.monotonic() - began)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(faults) == 4
    assert max(faults) < 3, "whoever waited for its turn waited for the file as long again"
    again = time.monotonic()
    write()
    assert time.monotonic() - again < 1, "the file is known to be held"
    other.rollback()
    with database.begin() as db:
        db.exec_driver_sql("INSERT INTO line VALUES (1)")


def test_threads_of_a_process_write_one_after_another_and_none_is_turned_away(path: Path) -> None:
    """Eight threads over two surfaces of one file: every transaction goes in, also while each holds the lock a while."""
    surfaces = [Database(f"sqlite:///{path}", wait_ms=10_000, pool=4) for _ in range(2)]
    faults: list[Exception] = []

    def write(place: int) -> None:
        for _ in range(10):
            try:
                with surfaces[place % 2].begin() as db:
                    count = db.exec_driver_sql("SELECT count(*) FROM line").scalar_one()
                    time.sleep(0.001)
                    db.exec_driver_sql(f"INSERT INTO line VALUES ({int(count)})")
            except OperationalError as fault:
                faults.append(fault)

    threads = [threading.Thread(target=write, args=(place,)) for place in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    with surfaces[0].begin() as db:
        kept = [row.no for row in db.exec_driver_sql("SELECT no FROM line ORDER BY no")]
    assert kept == list(range(80))  # no two saw the same count: read and write were one turn


def test_a_turn_is_given_back_when_the_block_raises(path: Path) -> None:
    database = Database(f"sqlite:///{path}", wait_ms=300)
    with pytest.raises(ZeroDivisionError), database.begin():
        _ = 1 / 0
    with database.begin() as db:
        assert db.exec_driver_sql("SELECT count(*) FROM line").scalar_one() == 0


def test_a_pooled_connection_whose_server_has_gone_is_replaced(postgresql_server: str) -> None:
    """F12: after every connection was terminated the next transaction opens another and works."""
    database = Database(postgresql_server, pool=2)
    other = Database(postgresql_server, pool=1)
    with database.begin() as db:
        before = db.execute(text("SELECT pg_backend_pid()")).scalar_one()
    with other.begin() as db:
        db.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": before})
    until = time.monotonic() + 10
    while time.monotonic() < until:  # the server ends a backend in its own time
        with other.begin() as db:
            if db.execute(text("SELECT count(*) FROM pg_stat_activity WHERE pid = :pid"), {"pid": before}).scalar_one() == 0:
                break
    with database.begin() as db:
        assert db.execute(text("SELECT pg_backend_pid()")).scalar_one() != before
    for one in (database, other):
        one.dispose()
