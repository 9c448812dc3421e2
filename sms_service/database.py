"""The database: one engine a surface, `BEGIN IMMEDIATE` on SQLite, bounded waits and whole-transaction retries on both."""

from __future__ import annotations

import os
import select
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, DisconnectionError, OperationalError

T = TypeVar("T")

# How long a surface may wait for a lock, in milliseconds: a telephone hangs up in seconds, a worker may wait.
USSD_WAIT_MS = 1_000
CALLBACK_WAIT_MS = 3_000
WORKER_WAIT_MS = 15_000
STATEMENT_LIMIT_MS = 30_000
_RETRYABLE = {"40001", "40P01"}  # serialization failure, deadlock (F17)
_LOCK_NOT_AVAILABLE = "55P03"
_READS = "only_reads"
_LOOK_AGAIN_MS = 2  # SQLite's own waiting grows to 100 ms a step: a busy writer then starves the others for seconds
_ASK_AFTER_SECONDS = 30.0
_GIVE_WAY_MS = 3  # more than one look of everybody else
_HELD_MS = 100  # the wait for a file that somebody else is known to hold: threads that all wait in vain answer nobody (F14)
_HELD_FOR_SECONDS = 2.0
_writing: dict[str, threading.Lock] = {}  # by file: the threads of a process queue here, not at the file's lock
_held: dict[str, float] = {}  # by file: when a wait for it was in vain; forgotten as soon as one is not
_patience = threading.local()  # ``until``: when this thread's wait ends, for the turn and the file's lock together
os.register_at_fork(after_in_child=_writing.clear)


class Database:
    """Opens transactions on one database for one surface.

    ``wait_ms`` bounds the wait for a lock (SQLite: busy timeout; PostgreSQL: ``lock_timeout``); ``pool`` is the number of
    connections kept. Errors never show parameters (I16).
    """

    def __init__(self, url: str | URL, *, wait_ms: int = WORKER_WAIT_MS, pool: int = 8) -> None:
        self.url = make_url(url)
        self.wait_ms = wait_ms
        self.engine = _open_engine(self.url, wait_ms, pool)
        self.is_postgresql = self.engine.dialect.name == "postgresql"

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """One transaction: committed when the block ends, rolled back when it raises."""
        with self._turn(), self.engine.begin() as db:
            yield db

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """A long look at one moment that holds up nobody: no lock is taken, nothing can be written, no statement is cut short.

        PostgreSQL: a read-only repeatable-read transaction. SQLite: a read transaction beside the writers (WAL).
        """
        with self.engine.connect() as opened:
            if not self.is_postgresql:
                with opened.execution_options(**{_READS: True}).begin():
                    opened.exec_driver_sql("PRAGMA query_only=ON")
                    try:
                        yield opened
                    finally:
                        opened.exec_driver_sql("PRAGMA query_only=OFF")
                return
            options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
            db = opened.execution_options(**options)
            with db.begin():
                for limit in ("statement_timeout", "idle_in_transaction_session_timeout"):
                    db.exec_driver_sql(f"SET LOCAL {limit} = 0")
                yield db

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One transaction that only looks, for pages and lists: on SQLite beside whoever writes, so that nobody waits for it."""
        with self.begin() if self.is_postgresql else self.snapshot() as db:
            yield db

    def _turn(self) -> AbstractContextManager[object]:
        """On SQLite this process's turn to write; whoever waits too long is told so by the file's lock, as ever."""
        if self.is_postgresql:
            return nullcontext()
        path = str(self.url.database)
        return _Turn(_writing.setdefault(path, threading.Lock()), _wait_seconds(path, self.wait_ms))

    def give_way(self) -> None:
        """Between the transactions of a long run: on SQLite, a moment in which whoever waits for the file gets it."""
        if not self.is_postgresql:
            time.sleep(_GIVE_WAY_MS / 1000)

    def run(self, use: Callable[[Connection], T], tries: int = 3) -> T:
        """Run ``use`` in one transaction, whole again when the database asks for it: at most ``tries`` times (F17)."""
        for left in range(tries - 1, -1, -1):
            try:
                with self.begin() as db:
                    return use(db)
            except DBAPIError as fault:
                if not left or getattr(fault.orig, "sqlstate", None) not in _RETRYABLE:
                    raise
                time.sleep(0.02)
        raise AssertionError("unreachable: the last try returns or raises")

    def dispose(self, *, close: bool = True) -> None:
        """Drop pooled connections; ``close=False`` in a forked child, which must not close its parent's (reliability 6)."""
        self.engine.dispose(close=close)


class _Turn:
    """Holds a lock while a block runs, unless it could not be had in time."""

    def __init__(self, lock: threading.Lock, seconds: float) -> None:
        self._lock = lock
        self._seconds = seconds
        self._held = False

    def __enter__(self) -> None:
        _patience.until = time.monotonic() + self._seconds
        self._held = self._lock.acquire(timeout=self._seconds)

    def __exit__(self, *_: object) -> None:
        _patience.until = None
        if self._held:
            self._lock.release()


def _wait_seconds(path: str, wait_ms: int) -> float:
    """How long to wait for a file: a moment only, where a wait was in vain a moment ago and none has succeeded since."""
    since = _held.get(path)
    stuck = since is not None and time.monotonic() - since < _HELD_FOR_SECONDS
    return min(wait_ms, _HELD_MS if stuck else wait_ms) / 1000


def wait_at_most(db: Connection, milliseconds: int) -> None:
    """Let this transaction wait no longer than that for what somebody else holds; on SQLite it holds the file already."""
    if db.dialect.name == "postgresql":
        db.exec_driver_sql(f"SET LOCAL lock_timeout = {int(milliseconds)}")


def is_busy(fault: Exception) -> bool:
    """Whether this fault means 'ask again later' (locked, gone, shutting down): the gateway then gets 503, never 200."""
    return isinstance(fault, (OperationalError, DBAPIError))


def is_held(fault: DBAPIError) -> bool:
    """Whether somebody else held a lock for longer than this transaction would wait: other work goes on meanwhile (F13)."""
    return getattr(fault.orig, "sqlstate", None) == _LOCK_NOT_AVAILABLE


def _open_engine(url: URL, wait_ms: int, pool: int) -> Engine:
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, hide_parameters=True, pool_size=pool, max_overflow=0, connect_args={"timeout": wait_ms / 1000})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _immediate(str(url.database), wait_ms))
        return engine
    options = (
        f"-c lock_timeout={wait_ms} -c statement_timeout={STATEMENT_LIMIT_MS} "
        f"-c idle_in_transaction_session_timeout={STATEMENT_LIMIT_MS} -c timezone=UTC -c jit=off "
        "-c plan_cache_mode=force_custom_plan"
    )
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_size=pool,
        max_overflow=0,
        pool_timeout=wait_ms / 1000,
        connect_args={"options": options, "connect_timeout": 5, "application_name": "sms-service"},
    )
    event.listen(engine, "checkout", _still_there)
    return engine


def _still_there(connection: Any, record: Any, _proxy: object) -> None:
    """Refuse a pooled connection whose server has gone, without a round trip for one that was in use a moment ago.

    A server that closes says so on the socket: something to read between transactions means it is gone. After 30 s of silence it is
    asked, because a network can drop a connection without a word. The pool then opens another.
    """
    now = time.monotonic()
    used, record.info["used"] = record.info.get("used", now), now
    try:
        gone = bool(select.select([connection.pgconn.socket], [], [], 0)[0])
        if not gone and now - used > _ASK_AFTER_SECONDS:
            connection.execute("SELECT 1")
            connection.rollback()
    except Exception:  # whatever the driver says of a connection it cannot use, another is opened
        gone = True
    if gone:
        raise DisconnectionError("the server closed this connection")


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # The driver must not open transactions by itself: the engine's begin event does, and IMMEDIATE (reliability section 7).
    connection.isolation_level = None
    cursor = connection.cursor()
    # Switching the file to WAL may wait as long as the surface may; what begins later waits in steps of our own.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY", "cache_size=-8000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.execute(f"PRAGMA busy_timeout={_LOOK_AGAIN_MS}")
    cursor.close()


def _immediate(path: str, wait_ms: int) -> Callable[[Connection], None]:
    """Begin with the write lock in hand, looking again every few milliseconds until this thread's patience ends."""

    def begin(db: Connection) -> None:
        if db.get_execution_options().get(_READS):
            db.exec_driver_sql("BEGIN")
            return
        driver = db.connection.dbapi_connection
        until = getattr(_patience, "until", None) or time.monotonic() + _wait_seconds(path, wait_ms)
        while driver is not None and time.monotonic() < until:
            try:
                driver.execute("BEGIN IMMEDIATE")
                _held.pop(path, None)
                return
            except sqlite3.OperationalError:
                time.sleep(_LOOK_AGAIN_MS / 2000)
        _held[path] = time.monotonic()
        db.exec_driver_sql("BEGIN IMMEDIATE")
        _held.pop(path, None)

    return begin
