"""A long past, written by the database itself: two years of texts, dials and reports, in the states such rows end in.

Ten million rows take minutes: the rows come from a series, the secondary indexes are made afterwards, and nothing of it is opened
(the sealed fields hold bytes as long as real ones).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, create_engine
from sqlalchemy.schema import CreateIndex, DropIndex

from sms_service.database import Database
from sms_service.models import metadata
from sms_service.security.tokens import COUNTER_BITS, EPOCH_MS

YEARS_SECONDS = 2 * 365 * 86_400
CHUNK = 500_000
LARGE = ("outbox", "attempt", "inbound", "dial", "turn", "dialogue", "dialogue_event", "response", "text_word", "occurrence")

STATE = (
    "CASE WHEN n % 100 < 80 THEN 'delivered' WHEN n % 100 < 87 THEN 'accepted' WHEN n % 100 < 91 THEN 'failed'"
    " WHEN n % 100 < 94 THEN 'expired' WHEN n % 100 < 98 THEN 'suppressed' ELSE 'cancelled' END"
)
KIND = "CASE WHEN n % 10 < 4 THEN 'broadcast' WHEN n % 10 < 7 THEN 'scheduled' WHEN n % 1000 = 999 THEN 'alert' ELSE 'reply' END"
TEMPLATE = "CASE WHEN n % 10 < 4 THEN 'broadcast' WHEN n % 10 < 6 THEN 'V3' WHEN n % 10 < 7 THEN 'V6' ELSE 'V10' END"


class _Writer:
    """The same rows on both databases: what differs is how a series, a time and random bytes are written."""

    def __init__(self, db: Any, postgresql: bool, until: datetime) -> None:
        self.db, self.postgresql = db, postgresql
        self.until = int(until.timestamp())

    def insert(self, table: str, total: int, values: dict[str, str], join: str = "") -> None:
        """``total`` rows; each value an expression over ``n`` (0 to total - 1) and ``second`` (their time)."""
        step = YEARS_SECONDS / max(total, 1)
        begin = self.until - YEARS_SECONDS
        names, expressions = ", ".join(f'"{name}"' for name in values), ", ".join(values.values())
        for low in range(0, total, CHUNK):
            high = min(low + CHUNK, total) - 1
            if self.postgresql:
                series = f"SELECT n::bigint AS n FROM generate_series({low}, {high}) AS s(n)"
            else:
                series = f"WITH RECURSIVE s(n) AS (VALUES({low}) UNION ALL SELECT n + 1 FROM s WHERE n < {high}) SELECT n FROM s"
            timed = (
                f"SELECT n, {begin} + CAST(n * {step!r} AS bigint) AS second, (n * 7919) % {self.numbers} AS k FROM ({series}) AS a"
            )
            self.db.execute(
                f"INSERT INTO {table} ({names}) SELECT {expressions} FROM ({timed}) AS b"
                f" JOIN bench_number ON bench_number.place = b.k {join}"
            )
            print(f"bench: {table} {high + 1}", file=sys.stderr, flush=True)

    numbers = 1

    def number_table(self, rows: Sequence[tuple[int, int, int]]) -> None:
        self.numbers = len(rows)
        self.db.execute("CREATE TEMPORARY TABLE bench_number (place bigint PRIMARY KEY, number_id bigint, person_id bigint)")
        for start in range(0, len(rows), 1000):
            listed = ", ".join(f"({place}, {number}, {person})" for place, number, person in rows[start : start + 1000])
            self.db.execute(f"INSERT INTO bench_number VALUES {listed}")

    def at(self, second: str) -> str:
        if self.postgresql:
            return f"to_timestamp({second})"
        return f"strftime('%Y-%m-%d %H:%M:%S.000000', {second}, 'unixepoch')"

    def row_id(self, n: str, second: str = "second") -> str:
        """An id as the program makes them: the time in the upper bits, a counter in the lower."""
        return f"(({second} * 1000 - {EPOCH_MS}) * {1 << COUNTER_BITS} + ({n}) % {1 << COUNTER_BITS})"

    def digest(self, n: str, salt: int) -> str:
        """16 bytes that are the same for the same ``n``."""
        if self.postgresql:
            return f"decode(md5((({n}) * 31 + {salt})::text), 'hex')"
        return f"CAST(printf('%016x', ((({n}) * 31 + {salt}) * 2654435761) % 4611686018427387904) AS BLOB)"

    def sealed(self, size: int) -> str:
        if self.postgresql:
            return f"decode(repeat(md5(n::text), {size // 16}), 'hex')"
        return f"randomblob({size})"


def fill(database: Database, rows: int, numbers: Sequence[int], people: Sequence[int], group_id: int, until: datetime) -> None:
    """``rows`` rows in the conversation log (half of them texts out, a quarter texts in, a quarter turns of dials), with what goes
    with them: attempts, dials, dialogues, their events and answers, search words. The newest lies an hour before ``until``.
    """
    with _bare(database) as db, _without_indexes(database):
        writer = _Writer(db, database.is_postgresql, until - timedelta(hours=1))
        writer.number_table([(place, *one) for place, one in enumerate(zip(numbers, people, strict=True))])
        _write(writer, rows, group_id)
    if database.is_postgresql:  # nobody analyses a small site's file
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as plain:
            plain.exec_driver_sql("ANALYZE")


def _write(w: _Writer, rows: int, group_id: int) -> None:
    out, texts, turns = rows // 2, rows // 4, rows // 4
    talks, dials = max(1, out // 5), max(1, turns // 3)
    i, at, d = w.row_id, w.at, w.digest
    no = "false" if w.postgresql else "0"
    w.insert(
        "dialogue",
        talks,
        {
            "id": i("n"),
            "number_id": "number_id",
            "person_id": "person_id",
            "conversation": "'reminder'",
            "place": "'{}'",
            "state": "CASE WHEN n % 3 = 0 THEN 'done' ELSE 'closed' END",
            "sms_open": no,
            "opened_at": at("second"),
            "asked_at": at("second + 5"),
            "closes_at": at("second + 86400"),
            "closed_at": at("second + 3600"),
        },
    )
    told = {"id": i("n"), "dialogue_id": i("n"), "at": at("second")}
    w.insert("dialogue_event", talks, {**told, "seq": "1", "channel": "'sms'", "event": "'{}'", "facts": "'{}'"})
    said = {"question": "'coming'", "value": "'yes'", "channel": "'sms'", "rule": "'digit'", "person_id": "person_id"}
    w.insert("response", talks, {**told, **said})
    w.insert(
        "inbound",
        texts,
        {
            "id": i("n"),
            "channel": "'sms'",
            "provider_id": "'history-' || n",
            "number_id": "number_id",
            "body": w.sealed(48),
            "text_hash": d("CASE WHEN n % 3 = 0 THEN n ELSE n % 10 END", 1),  # two of three say one of ten things
            "alert": "'none'",
            "is_stop": no,
            "state": "'done'",
            "fails": "0",
            "intent": "'answer'",
            "value": "'yes'",
            "rule": "'digit'",
            "confidence": "1.0",
            "received_at": at("second"),
            "processed_at": at("second + 2"),
        },
    )
    talk = f"CASE WHEN n % 10 IN (4, 5) AND n / 5 < {talks} THEN {_of_talk(w, talks)} END"
    w.insert(
        "outbox",
        out,
        {
            "id": i("n"),
            "key": "'history:' || n",
            "number_id": "number_id",
            "person_id": "person_id",
            "group_id": f"CASE WHEN n % 10 < 7 THEN {group_id} END",
            "dialogue_id": talk,
            "template": TEMPLATE,
            "kind": KIND,
            "text_class": "'A'",
            "lane": "CASE WHEN n % 10 < 4 THEN 3 WHEN n % 10 < 7 THEN 2 ELSE 1 END",
            "language": "'rw'",
            "body": w.sealed(112),
            "body_hash": d("CASE WHEN n % 10 < 7 THEN n / 1000 ELSE n % 20 END", 2),
            "segments": "1",
            "state": STATE,
            "not_before": at("second"),
            "expires_at": at("second + 28800"),
            "attempts": "1",
            "gateway_id": "CASE WHEN n % 100 < 91 THEN 'ATXid_history_of_a_text_' || n END",
            "cost": "10.0",
            "currency": "'RWF'",
            "created_at": at("second"),
            "shown_at": at("second + 3"),
            "accepted_at": at("second + 3"),
            "closed_at": at("second + 30"),
        },
    )
    call = {"call_id": "'call-' || n", "token": "'token-' || n", "started_at": at("second + 2"), "ended_at": at("second + 3")}
    w.insert("attempt", out, {"id": i("n"), "outbox_id": i("n"), **call, "result": "'accepted'", "code": "101"})
    w.insert(
        "dial",
        dials,
        {
            "id": i("n"),
            "gateway_session": "'ATUid_history_' || n",
            "number_id": "number_id",
            "service_code": "'*384*123#'",
            "language": "'rw'",
            "text_length": "3",
            "text_hash": d("n", 3),
            "turns": "3",
            "place": "'{}'",
            "state": "CASE WHEN n % 5 = 0 THEN 'abandoned' ELSE 'ended' END",
            "end_status": "'Success'",
            "opened_at": at("second"),
            "last_at": at("second + 20"),
        },
    )
    of_dial = w.row_id("n / 3", f"{w.until - YEARS_SECONDS} + CAST((n / 3) * {YEARS_SECONDS / dials!r} AS bigint)")
    w.insert(
        "turn",
        dials * 3,
        {
            "id": i("n"),
            "dial_id": of_dial,
            "number_id": "number_id",
            "seq": "n % 3 + 1",
            "receipt": d("n", 4),
            "typed_hash": f"CASE WHEN n % 20 = 0 THEN {d('n', 5)} END",
            "screen": w.sealed(96),
            "intent": "'answer'",
            "rule": "'digit'",
            "alert": "'none'",
            "event": "'{}'",
            "facts": "'{}'",
            "at": at("second"),
        },
    )
    words = max(1, rows // 50)
    w.insert("text_word", words, {"word": "(n * 48271) % 16777216", "text_hash": d("n / 5", 6)})
    when = {"due_at": at("second"), "expires_at": at("second + 28800"), "state": "'fired'", "fired_at": at("second")}
    w.insert("occurrence", max(1, rows // 500), {"id": i("n"), "schedule": "'history:' || n", "kind": "'check_in'", **when})


def _of_talk(w: _Writer, talks: int) -> str:
    """The id of the dialogue that the text of place ``n`` asked in."""
    return w.row_id("n / 5", f"{w.until - YEARS_SECONDS} + CAST((n / 5) * {YEARS_SECONDS / talks!r} AS bigint)")


@contextmanager
def _bare(database: Database) -> Iterator[Any]:
    """A connection that neither checks foreign keys nor waits for the disk, and commits each statement."""
    if database.is_postgresql:
        engine = create_engine(database.url, isolation_level="AUTOCOMMIT", connect_args={"options": "-c jit=off"})
        with engine.connect() as db:
            for setting in ("session_replication_role = replica", "synchronous_commit = off"):
                db.exec_driver_sql(f"SET {setting}")
            yield _Plain(db)
        engine.dispose()
        return
    engine = create_engine(database.url, isolation_level="AUTOCOMMIT")
    with engine.connect() as db:
        for pragma in ("synchronous=OFF", "foreign_keys=OFF", "cache_size=-400000", "temp_store=MEMORY"):
            db.exec_driver_sql(f"PRAGMA {pragma}")
        yield _Plain(db)
        db.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()


class _Plain:
    """Executes text as it is: a percent sign is one."""

    def __init__(self, db: Connection) -> None:
        self._db = db

    def execute(self, statement: str) -> None:
        self._db.exec_driver_sql(statement.replace("%", "%%") if self._db.dialect.name == "postgresql" else statement)


@contextmanager
def _without_indexes(database: Database) -> Iterator[None]:
    """The secondary indexes of the large tables are dropped, and made again when the rows are in."""
    indexes = [index for name in LARGE for index in sorted(metadata.tables[name].indexes, key=lambda one: str(one.name))]
    engine = create_engine(database.url, isolation_level="AUTOCOMMIT")
    with engine.connect() as db:
        for index in indexes:
            db.execute(DropIndex(index))
    yield
    with engine.connect() as db:
        if database.is_postgresql:
            db.exec_driver_sql("SET maintenance_work_mem = '512MB'")
        else:
            db.exec_driver_sql("PRAGMA synchronous=OFF")
            db.exec_driver_sql("PRAGMA cache_size=-400000")
        for index in indexes:
            db.execute(CreateIndex(index))
            print(f"bench: {index.name}", file=sys.stderr, flush=True)
        if not database.is_postgresql:
            db.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
