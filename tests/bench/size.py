"""What a hop, a text in, a send and a report cost with ten million rows in the log against ten thousand.

Both databases lie side by side and are asked in turns, block by block, so that whatever else the machine does meets both. A cost is
the median over the blocks of the wall time of one call in this process, the database's work and its commit included.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from sms_service.gateway.wire import DeliveryReport, InboundSms, UssdTurn
from sms_service.models.groups import group
from sms_service.models.outbox import outbox
from sms_service.usecases import read_health, read_log, tick
from sms_service.usecases.accept_inbound import accept_inbound
from sms_service.usecases.compose import LANE_BROADCAST, LANE_REPLY, Outgoing, queue_texts
from sms_service.usecases.context import Context
from sms_service.usecases.process_inbound import process_waiting
from sms_service.usecases.read_calendar import read_calendar
from sms_service.usecases.send_texts import send_due
from sms_service.usecases.take_report import take_report
from sms_service.usecases.take_turn import take_turn
from tests.bench.figures import Figure
from tests.bench.history import fill
from tests.bench.seed import NOW, Seeded, seed
from tests.bench.site import site
from tests.service import Recorder

SMALL = 10_000
NUMBERS = 20_000
MOST_RATIO = 1.2
BLOCKS, BLOCK = 30, 20
KEYS = (("1",), ("3", "1", "2"), ("4", "1", "1"), ("9", "1"))
TEXTS = ("1", "yego", "Murakoze cyane", "2", "Ndaza ejo mu gitondo", "sinzi")


@dataclass
class Side:
    """One of the two databases; ``place`` is the next number to be asked, every call another one."""

    context: Context
    people: Seeded
    pool: ThreadPoolExecutor
    place: int = 0
    times: dict[str, list[float]] = field(default_factory=dict)

    def next_number(self) -> int:
        self.place += 1
        return (self.place * 37) % NUMBERS


def measure(kind: str, *, rows: int = 10_000_000) -> list[Figure]:
    """The ratios on one database: the hot paths against their target, what a person or the clock asks for information."""
    with ExitStack() as stack:
        small, large = (_side(stack, kind, amount) for amount in (SMALL, rows))
        work: dict[str, Callable[[Side], Iterator[float]]] = {
            "a USSD hop": _hops,
            "a text in, stored and answered": _texts_in,
            "a reply sent (claim, fence, record)": _replies,
            "a broadcast text sent, 100 a call": _broadcasts,
            "a delivery report": _reports,
            "the clock's housekeeping": _housekeeping,
            "the health page": _health,
            "the log's first page": _log_page,
            "a group's calendar": _calendar,
        }
        for block in range(BLOCKS):
            for name, calls in work.items():
                for side in (small, large) if block % 2 else (large, small):
                    side.times.setdefault(name, []).append(statistics.fmean(calls(side)))
        return [_figure(name, kind, small, large, rows, target=place < 5) for place, name in enumerate(work)]


def _figure(name: str, kind: str, small: Side, large: Side, rows: int, *, target: bool) -> Figure:
    few, many = (statistics.median(side.times[name][1:]) * 1000 for side in (small, large))
    note = f"{many:.2f} ms against {few:.2f} ms; {rows:,} rows against {SMALL:,}"
    return Figure(f"size: {name}", kind, many / few, "times", MOST_RATIO if target else None, note=note)


def _side(stack: ExitStack, kind: str, rows: int) -> Side:
    here = stack.enter_context(site(kind))
    context = replace(here.context, client=Recorder(), send_rate_per_second=1e6, short_code="1234", nudge=lambda _job, _row: None)
    people = seed(context, NUMBERS, 0)
    fill(context.database, rows, people.number_ids, people.person_ids, people.group_id, NOW)
    pool = stack.enter_context(ThreadPoolExecutor(2))
    return Side(context, people, pool)


def _timed(call: Callable[..., Any], *given: Any) -> float:
    started = time.perf_counter()
    call(*given)
    return time.perf_counter() - started


def _hops(side: Side) -> Iterator[float]:
    for _ in range(BLOCK // 4):
        phone = side.people.phones[side.next_number()]
        text = ""
        for key in ("", *KEYS[side.place % len(KEYS)]):
            text = f"{text}*{key}" if text and key else key
            hop = UssdTurn(f"size-{side.place}", "*384*123#", phone, "63510", text)
            yield _timed(take_turn, side.context, hop)


def _texts_in(side: Side) -> Iterator[float]:
    for _ in range(BLOCK):
        phone = side.people.phones[side.next_number()]
        words = TEXTS[side.place % len(TEXTS)]
        message = InboundSms(f"size-{side.place}", phone, phone, "1234", words, None, "", "63510", "")
        yield _timed(_take, side.context, message)


def _take(context: Context, message: InboundSms) -> None:
    accept_inbound(context, message)
    process_waiting(context)


def _queue(side: Side, count: int, *, lane: int, kind: Any, body: str) -> None:
    texts = []
    with side.context.database.begin() as db:
        for _ in range(count):
            place = side.next_number()
            texts.append(
                Outgoing(
                    key=f"size:{side.place}",
                    number_id=side.people.number_ids[place],
                    language="rw",
                    template="broadcast" if lane == LANE_BROADCAST else "V10",
                    kind=kind,
                    text_class="A",
                    lane=lane,
                    body=body if lane == LANE_BROADCAST else f"{body} {side.place}",
                    not_before=NOW,
                    expires_at=NOW + timedelta(hours=8),
                    person_id=side.people.person_ids[place],
                    group_id=side.people.group_id if lane == LANE_BROADCAST else None,
                )
            )
        queue_texts(side.context, db, texts, side.context.now(db))


def _drain(side: Side) -> int:
    return send_due(side.context, side.pool, seconds=600)


def _send(side: Side, count: int, *, lane: int, kind: Any, body: str) -> float:
    _drain(side)
    _queue(side, count, lane=lane, kind=kind, body=body)
    started = time.perf_counter()
    done = _drain(side)
    if done < count:
        raise RuntimeError(f"{count} texts were due and {done} were sent: the measurement would be of something else")
    return (time.perf_counter() - started) / done


def _replies(side: Side) -> Iterator[float]:
    yield _send(side, 40, lane=LANE_REPLY, kind="reply", body="Murakoze")


def _broadcasts(side: Side) -> Iterator[float]:
    yield _send(side, 200, lane=LANE_BROADCAST, kind="broadcast", body="Inama ni ejo 14:00.")


def _reports(side: Side) -> Iterator[float]:
    with side.context.database.begin() as db:
        query = select(outbox.c.gateway_id).where(outbox.c.shown_at >= NOW, outbox.c.state == "accepted")
        ids = db.execute(query.order_by(outbox.c.shown_at.desc()).limit(BLOCK)).scalars().all()
    for gateway_id in ids:
        yield _timed(take_report, side.context, DeliveryReport(gateway_id, "Success", "", None, None))


def _housekeeping(side: Side) -> Iterator[float]:
    yield _timed(lambda: side.context.database.run(lambda db: tick._housekeeping(side.context, db, trusted=True)))


def _health(side: Side) -> Iterator[float]:
    yield _timed(read_health.read_health, side.context)


def _log_page(side: Side) -> Iterator[float]:
    with side.context.database.begin() as db:
        yield _timed(lambda: read_log.page(side.context, db, read_log.Filter(), limit=50))


def _calendar(side: Side) -> Iterator[float]:
    with side.context.database.begin() as db:
        row = db.execute(select(group).where(group.c.id == side.people.group_id)).one()
        yield _timed(lambda: read_calendar(db, row, NOW.date() + timedelta(days=7), 2, NOW))
