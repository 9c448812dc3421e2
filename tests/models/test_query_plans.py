"""The working paths go by the indexes that were made for them, and every index is there for some statement (I22).

Everything the service does is done over some thousands of rows of history, and each statement is explained: on SQLite as it is
carried out, without statistics, because nobody analyses a small site's file; on PostgreSQL with no choice but the indexes, because
it would rather read so few rows from end to end. What it chooses among millions is measured by ``./run bench size``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Column, PrimaryKeyConstraint, Table, UniqueConstraint, event, select, update

from sms_service.gateway.wire import DeliveryReport, InboundSms, UssdTurn
from sms_service.models import dialogues, meetings, metadata, schedules
from sms_service.models.groups import group
from sms_service.models.meetings import meeting
from sms_service.models.outbox import cancel_queued, outbox, unsettled
from sms_service.usecases import tick
from sms_service.usecases.accept_inbound import accept_inbound, stop_number
from sms_service.usecases.compose import LANE_BROADCAST, LANE_REPLY, Outgoing, queue_texts
from sms_service.usecases.context import Context
from sms_service.usecases.erase import erase, places
from sms_service.usecases.expand_broadcast import finish_broadcasts
from sms_service.usecases.overview import today
from sms_service.usecases.process_inbound import process_waiting
from sms_service.usecases.purge import due, purge
from sms_service.usecases.read_calendar import read_calendar
from sms_service.usecases.read_figures import missed_rows, read_figures
from sms_service.usecases.read_health import read_health
from sms_service.usecases.read_log import Filter, find_words, page
from sms_service.usecases.replay import replay_dialogues
from sms_service.usecases.send_texts import send_due
from sms_service.usecases.silence import freeze_silent
from sms_service.usecases.sweep import drain_inbound
from sms_service.usecases.take_report import take_report
from sms_service.usecases.take_turn import take_turn
from sms_service.usecases.unmatched_reports import unmatched
from tests.bench.history import fill
from tests.bench.seed import NOW, Seeded, seed
from tests.service import Recorder

ROWS, NUMBERS = 3_000, 100
GROWING = ("outbox", "attempt", "inbound", "dial", "turn", "dialogue", "dialogue_event", "response", "text_word")
BOUNDED = ("parked_report", "occurrence", "alert", "concern")  # small, or grow with meetings and people only


@dataclass
class Asked:
    """The statements that were sent, one of each kind with its parameters, and what the database would do about them."""

    statements: dict[str, Any] = field(default_factory=dict)
    plans: dict[str, str] = field(default_factory=dict)

    def scanned(self, tables: tuple[str, ...]) -> list[str]:
        """Statements that read one of these tables from end to end."""
        found = []
        for statement, plan in self.plans.items():
            read = {one or two for one, two in re.findall(r"Seq Scan on (\w+)|SCAN (\w+)(?! USING)", plan)}
            found += [f"{name}: {statement[:600]}" for name in sorted(read & set(tables))]
        return found

    def used(self) -> set[str]:
        """The indexes by which something is found."""
        return set(re.findall(r"\b(?:ix|uq|pk)_\w+", "\n".join(self.plans.values())))


@contextmanager
def asked(context: Context) -> Iterator[Asked]:
    """What is asked while the block runs, explained when it ends."""
    found = Asked()

    def note(_db: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH", "UPDATE", "DELETE")):
            found.statements.setdefault(statement, parameters[0] if isinstance(parameters, list) else parameters)

    event.listen(context.database.engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(context.database.engine, "before_cursor_execute", note)
    explain = "EXPLAIN" if context.database.is_postgresql else "EXPLAIN QUERY PLAN"
    with context.database.engine.connect() as db, db.begin():
        if context.database.is_postgresql:
            db.exec_driver_sql("SET LOCAL enable_seqscan = off")
        for statement, parameters in found.statements.items():
            rows = db.exec_driver_sql(f"{explain} {statement}", parameters)
            found.plans[statement] = "\n".join(str(row[-1]) for row in rows)


def work(context: Context, people: Seeded) -> None:
    """What phones, the gateway and the clock ask for."""
    first, second = people.phones[:2]
    text = ""
    for key in ("", "1", "3", "1"):
        text = f"{text}*{key}" if text and key else key
        take_turn(context, UssdTurn("plan-1", "*384*123#", first, "63510", text))
    for place, words in enumerate(("1", "Murakoze cyane", "1", "HAGARIKA", "TANGIRA")):
        accept_inbound(context, InboundSms(f"plan-{place}", second, second, "1234", words, None, "", "63510", ""))
        process_waiting(context)
    with ThreadPoolExecutor(2) as pool:
        for lane, kind in ((LANE_REPLY, "reply"), (LANE_BROADCAST, "broadcast")):
            with context.database.begin() as db:
                queue_texts(context, db, [_text(people, place, lane, kind) for place in range(20)], context.now(db))
            send_due(context, pool, most=2)
    for gateway_id in ("ATXid_history_of_a_text_800", "ATXid_of_none"):
        take_report(context, DeliveryReport(gateway_id, "Success", "", people.phones[3], None))
    context.database.run(lambda db: tick._housekeeping(context, db, trusted=True))
    drain_inbound(context)
    finish_broadcasts(context)
    with context.database.begin() as db:
        unsettled(db, 1, reports=True)
    tick.run_schedules(context)


def _text(people: Seeded, place: int, lane: int, kind: Any) -> Outgoing:
    return Outgoing(
        key=f"plan:{kind}:{place}",
        number_id=people.number_ids[place],
        language="rw",
        template="broadcast" if kind == "broadcast" else "V10",
        kind=kind,
        text_class="A",
        lane=lane,
        body="Inama ni ejo 14:00.",
        not_before=NOW,
        expires_at=NOW + timedelta(hours=8),
        person_id=people.person_ids[place],
        group_id=people.group_id if kind == "broadcast" else None,
    )


def look(context: Context, people: Seeded) -> None:
    """What the console and the metrics ask for."""
    read_figures(context, read_health(context))
    with context.database.begin() as db:
        now = context.now(db)
        missed_rows(db, now)
        today(db, now)
        page(context, db, Filter(), limit=10)
        find_words(context, db, Filter(), "cyane", limit=50)
        unmatched(db, now + timedelta(hours=1))
        read_calendar(db, db.execute(select(group).where(group.c.id == people.group_id)).one(), NOW.date(), 2, NOW)


def change(context: Context, people: Seeded) -> None:
    """What staff and retention do: seldom, and each time to few rows."""
    with context.database.begin() as db:
        now = context.now(db)
        stop_number(context, db, people.number_ids[5], now, reason="plan")
        meeting_id = db.execute(select(meeting.c.id)).scalars().first()
        assert meeting_id is not None
        cancel_queued(db, now, "plan", outbox.c.meeting_id == meeting_id)
        schedules.cancel_of_meeting(db, meeting_id)
        dialogues.close_where(db, now, dialogues.dialogue.c.meeting_id == meeting_id)
        db.execute(update(dialogues.response).where(dialogues.response.c.meeting_id == meeting_id).values(meeting_id=None))
        dialogues.latest_answers(db, people.person_ids[5], "coming", 3)
        meetings.of_group(db, people.group_id)
        code = db.execute(select(metadata.tables["person"].c.code).where(metadata.tables["person"].c.id == people.person_ids[6]))
        person_code = str(code.scalar_one())
        freeze_silent(context, db, now)
    list(replay_dialogues(context, limit=50))
    due(context)
    places(context, person_code)
    erase(context, person_code, "for its plans", "S12")
    purge(context)


def filled(context: Context) -> tuple[Context, Seeded]:
    ready = replace(context, client=Recorder(), short_code="1234", send_rate_per_second=1e6)
    people = seed(ready, NUMBERS, 0)
    fill(ready.database, ROWS, people.number_ids, people.person_ids, people.group_id, NOW)
    return ready, people


def test_what_is_over_costs_nothing_and_every_index_is_for_some_statement(context: Context) -> None:
    """I22: no growing table is read from end to end by a phone, the gateway, the clock or a page; no index is kept for nothing."""
    ready, people = filled(context)
    with asked(ready) as working:
        work(ready, people)
    with asked(ready) as looking:
        look(ready, people)
    with asked(ready) as changing:
        change(ready, replace(people, number_ids=people.number_ids[10:], person_ids=people.person_ids[10:]))
    assert len(working.statements) > 60
    scans = [*working.scanned((*GROWING, *BOUNDED)), *looking.scanned(GROWING), *changing.scanned(GROWING)]
    assert not scans, "\n".join(scans)
    used = working.used() | looking.used() | changing.used()
    if ready.database.is_postgresql:
        return  # among so few rows it takes any index for another: which it needs, SQLite says, and both have the same
    made = {str(index.name) for name in (*GROWING, "occurrence", "parked_report") for index in metadata.tables[name].indexes}
    assert made - used == set(), sorted(made - used)


def test_a_claim_looks_among_the_moving_texts_of_each_number_alone(context: Context) -> None:
    """By the index of what is due it would pass every due text once for each: 3,000 due in one minute took 20 times as long."""
    ready, people = filled(context)
    with asked(ready) as claiming, ThreadPoolExecutor(2) as pool:
        with context.database.begin() as db:
            queue_texts(context, db, [_text(people, place, LANE_REPLY, "reply") for place in range(20)], context.now(db))
        send_due(ready, pool, most=2)
    looked_up = [plan for statement, plan in claiming.plans.items() if "AS other" in statement]
    assert looked_up
    for plan in looked_up:
        lines = [line for line in plan.splitlines() if re.search(r"(SEARCH|on outbox) other", line)]
        assert len(lines) == 2, plan
        assert all("ix_outbox_moving" in line for line in lines), plan


def test_no_index_is_the_beginning_of_another_one() -> None:
    """I22: each costs every insert, and the longer one answers the same questions. One over few rows is another matter."""
    doubled = []
    for table in metadata.tables.values():
        whole = [_columns(index) for index in table.indexes if index.dialect_options["sqlite"]["where"] is None]
        known = [*whole, *_unique(table)]
        doubled += [f"{table.name}: {one}" for one in whole for other in known if other[: len(one)] == one and other != one]
    assert doubled == []


def _columns(of: Any) -> tuple[str, ...]:
    return tuple(column.name for column in of.columns)


def _unique(table: Table) -> list[tuple[str, ...]]:
    return [_columns(one) for one in table.constraints if isinstance(one, (UniqueConstraint, PrimaryKeyConstraint))]


def test_a_foreign_key_into_what_goes_has_an_index() -> None:
    """S33: without one the database reads the whole table for every row that goes."""
    goes = {"outbox", "inbound", "dial", "dialogue", "broadcast_text", "contact_point", "identity"}
    bare = []
    for table in metadata.tables.values():
        first = {columns[0] for columns in (*(_columns(index) for index in table.indexes), *_unique(table)) if columns}
        bare += [f"{table.name}.{column.name}" for column in _into(table, goes) if column.name not in first]
    assert bare == []


def _into(table: Table, tables: set[str]) -> list[Column[Any]]:
    return [column for column in table.columns for key in column.foreign_keys if key.column.table.name in tables]
