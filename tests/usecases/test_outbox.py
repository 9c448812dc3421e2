"""What may leave now, and in which order: the rate in parts, lanes, numbers, the breaker, the ceiling on spending, a recall."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from sms_service import clock
from sms_service.gateway.results import Balance, CallResult, RecipientResult
from sms_service.models import audit, spending, state
from sms_service.models.broadcasts import broadcast
from sms_service.models.outbox import outbox
from sms_service.models.spending import Ceilings
from sms_service.models.staff import staff
from sms_service.security.tokens import new_row_id
from sms_service.usecases.claim_texts import Claim, claim
from sms_service.usecases.compose import Outgoing, queue_texts
from sms_service.usecases.context import Context
from sms_service.usecases.fence_texts import fence
from sms_service.usecases.read_health import read_health
from sms_service.usecases.send_texts import give_back_stale, send_due
from tests.bench.seed import NOW, Seeded, seed
from tests.usecases.site import Site

KINDS = {0: "alert", 1: "reply", 2: "v4", 3: "broadcast"}
TWO_PARTS = "a" * 200
MANY = 60


@dataclass
class Scripted:
    """A gateway that answers every call alike: ``kind`` None is a connection that never came about."""

    kind: Any = "accepted"
    cost: str = ""
    calls: list[tuple[str, ...]] = field(default_factory=list)
    ids: Iterator[int] = field(default_factory=itertools.count)

    def send(
        self, numbers: Sequence[str], text: str, *, sender: str | None, enqueue: bool | None = None, deadline: float = 40.0
    ) -> CallResult:
        self.calls.append(tuple(numbers))
        if self.kind is None:
            return CallResult("not_sent", {one: RecipientResult("not_sent") for one in numbers}, None, None, "refused")
        made = {one: RecipientResult(self.kind, 101, f"AT{next(self.ids)}", self.cost) for one in numbers}
        return CallResult(self.kind, made, 201, None, "")

    def balance(self, *, deadline: float = 10.0) -> Balance | None:
        return None


@dataclass
class Hanging(Scripted):
    """Answers a text called ``reply`` at once, and any other when told to; ``hang`` counts those that hang."""

    hang: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    other: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)

    def send(
        self, numbers: Sequence[str], text: str, *, sender: str | None, enqueue: bool | None = None, deadline: float = 40.0
    ) -> CallResult:
        if text == "reply":
            self.other.set()
        else:
            self.hang.release()
            self.let_go.wait(20)
        return super().send(numbers, text, sender=sender, enqueue=enqueue, deadline=deadline)


@pytest.fixture
def people(context: Context) -> Seeded:
    return seed(context, MANY, 0)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as made:
        yield made


def put(context: Context, people: Seeded, places: Sequence[int], lane: int, **values: Any) -> None:
    """Queue a text in this lane for each of these people; all of one text unless ``body`` is told apart."""
    texts = [
        Outgoing(
            **{
                "key": f"{values.get('name', lane)}:{place}:{new_row_id()}",
                "number_id": people.number_ids[place],
                "language": "rw",
                "template": "V4" if lane == 2 else "text",
                "kind": KINDS[lane],
                "text_class": "A",
                "lane": lane,
                "body": "Servas: ejo 14:00.",
                "not_before": NOW,
                "expires_at": NOW + timedelta(hours=6),
                **{name: value for name, value in values.items() if name != "name"},
            }
        )
        for place in places
    ]
    with context.database.begin() as db:
        queue_texts(context, db, texts, NOW)


def claimed(context: Context, most: int = 48, busy: int = 0) -> Claim:
    with context.database.begin() as db:
        return claim(context, db, f"token-{new_row_id()}", most, busy, timedelta())


def states(context: Context, *where: Any) -> list[str]:
    with context.database.begin() as db:
        return list(db.execute(select(outbox.c.state).where(*where).order_by(outbox.c.id)).scalars())


def forward(context: Context, seconds: float) -> None:
    with context.database.begin() as db:
        clock.set_now(db, context.now(db) + timedelta(seconds=seconds))


def test_the_rate_counts_parts_and_broadcasts_leave_the_last_30_percent(context: Context, people: Seeded) -> None:
    """T6, F19: of a hundred parts, broadcasts of two parts take seventy; what is left is there for a reply and a reminder."""
    slow = replace(context, send_rate_per_second=0.1)
    put(slow, people, range(MANY), 3, body=TWO_PARTS)
    first = claimed(slow)
    assert (len(first.rows), first.paced) == (35, True)
    assert claimed(slow).rows == []
    put(slow, people, range(35, 55), 1, body=TWO_PARTS)
    put(slow, people, range(55, 60), 2, body=TWO_PARTS)
    assert [row.lane for row in claimed(slow).rows] == [1] * 15


def test_the_last_calls_are_kept_for_alerts_and_replies(context: Context, people: Seeded) -> None:
    """I5: slow calls of reminders and broadcasts never hold every connection."""
    for place in range(20):
        put(context, people, [place], 2, body=f"Servas: {place}.")
    assert len(claimed(context, most=8).rows) == 7
    put(context, people, [30, 31], 1)
    assert [row.lane for row in claimed(context, most=8, busy=7).rows] == [1]


def test_a_long_text_of_an_earlier_lane_is_not_overtaken_for_its_parts(context: Context, people: Seeded) -> None:
    """I5: while the rate leaves one part, an alert of two parts waits for its second; shorter replies do not use up the first."""
    slow = replace(context, send_rate_per_second=0.1)
    with slow.database.begin() as db:
        state.change_channel(db, tokens=1.0, tokens_at=NOW)
    put(slow, people, [0], 0, body=TWO_PARTS)
    put(slow, people, range(1, 5), 1)
    assert claimed(slow) == Claim([], paced=True)
    forward(slow, 11)
    assert [row.lane for row in claimed(slow).rows] == [0]


def test_slow_calls_leave_a_call_that_alerts_and_replies_can_have(
    context: Context, people: Seeded, pool: ThreadPoolExecutor
) -> None:
    """I5, F20: broadcasts hang in the gateway; what comes afterwards is looked for, and leaves, while they hang."""
    gateway = Hanging()
    slow = replace(context, client=gateway)
    for place in range(20):
        put(slow, people, [place], 3, body=f"{place}")
    sender = threading.Thread(target=send_due, args=(slow, pool), kwargs={"most": 8, "seconds": 6.0})
    sender.start()
    try:
        assert all(gateway.hang.acquire(timeout=5) for _ in range(7))
        put(slow, people, [30], 1, body="reply")
        assert gateway.other.wait(4), "a reply waits for slow calls although one call is kept for it"
    finally:
        gateway.let_go.set()
        sender.join(20)
    assert states(slow, outbox.c.lane == 1) == ["accepted"]


def test_texts_to_one_number_go_one_by_one_in_the_order_they_were_written(context: Context, people: Seeded) -> None:
    """The earlier written goes first although the later is due longer; an unknown send does not hold up the next."""
    put(context, people, [0], 2, name="first", not_before=NOW, body="1")
    put(context, people, [0], 2, name="second", not_before=NOW - timedelta(minutes=5), body="2")
    one = claimed(context)
    assert [row.segments for row in one.rows] == [1]
    assert states(context) == ["reserved", "queued"]
    assert claimed(context).rows == []
    token = token_of(context)
    with context.database.begin() as db:
        fence(context, db, one.rows, token)
    forward(context, 100)
    with context.database.begin() as db:
        assert give_back_stale(context, db, context.now(db)) == (0, 1)
    assert len(claimed(context).rows) == 1
    assert states(context) == ["unknown", "reserved"]


def test_an_open_breaker_is_tried_by_one_text_and_costs_nobody_an_attempt(
    context: Context, people: Seeded, pool: ThreadPoolExecutor
) -> None:
    """F25: the oldest of lane 0 if there is one, else one of class A; a gateway away for hours gives up no text."""
    gateway = Scripted(kind=None)
    away = replace(context, client=gateway)
    for place in range(6):
        put(away, people, [place], 1, body=f"{place}", text_class="B")
    send_due(away, pool, most=8)
    assert len(gateway.calls) == 6
    assert set(states(away)) == {"queued"}
    assert send_due(away, pool) == 0, "the breaker is open"
    assert "breaker open" in read_health(away).degraded

    put(away, people, [10], 2, body="reminder")
    for _ in range(25):
        forward(away, 31)
        send_due(away, pool, most=8)
    with away.database.begin() as db:
        reminder = db.execute(select(outbox).where(outbox.c.lane == 2)).one()
    assert len(gateway.calls) == 31
    assert len(set(gateway.calls[6:])) == 1, "one text tries, and always one of class A"
    assert (reminder.state, reminder.attempts) == ("queued", 0)

    put(away, people, [11], 0, body="alert")
    forward(away, 1000)
    send_due(away, pool, most=8)
    with away.database.begin() as db:
        assert db.execute(select(outbox.c.attempts).where(outbox.c.lane == 0)).scalar_one() == 0
    assert len(gateway.calls) == 32
    assert gateway.calls[-1] != gateway.calls[-2]

    gateway.kind = "accepted"
    forward(away, 1000)
    send_due(away, pool, most=8)
    assert set(states(away)) == {"accepted"}
    with away.database.begin() as db:
        assert state.read_channel(db).breaker_until is None


def test_while_the_gateway_is_away_only_what_may_go_tries_it(context: Context, people: Seeded) -> None:
    """F25, T6: with the ceiling reached, reminders that the fence puts back do not stand before a reply of class B."""
    poor = replace(context, price_per_segment=10.0, spending=Ceilings(day=5.0))
    put(poor, people, range(10), 2)
    put(poor, people, [20], 1, text_class="B")
    with poor.database.begin() as db:
        state.change_channel(db, breaker_until=NOW - timedelta(seconds=1))
    tries = claimed(poor)
    assert ([row.lane for row in tries.rows], tries.probe) == ([1], True)


def test_a_text_too_long_for_what_the_ceiling_leaves_is_told(context: Context, people: Seeded) -> None:
    """T6: a text of two parts waits when one is left, and staff hear that it is for the ceiling."""
    poor = replace(context, price_per_segment=10.0, spending=Ceilings(day=15.0))
    put(poor, people, [0], 2, body=TWO_PARTS)
    assert claimed(poor) == Claim([])
    with poor.database.begin() as db:
        assert "spending.ceiling" in [row.act for row in audit.latest(db, 5)]


def test_a_ceiling_on_spending_stops_reminders_and_broadcasts_and_nothing_else(
    context: Context, people: Seeded, pool: ThreadPoolExecutor
) -> None:
    """T6: counted at our price, corrected by the gateway's; told once; the next day, or a new month, goes on."""
    gateway = Scripted(cost="RWF 12.0000")
    dear = replace(context, client=gateway, price_per_segment=10.0, spending=Ceilings(day=50.0))
    put(dear, people, range(10), 2)
    send_due(dear, pool)
    assert states(dear).count("accepted") == 5
    assert spent(dear) == (60.0, 60.0)
    put(dear, people, [20], 1)
    put(dear, people, [21], 0)
    send_due(dear, pool)
    assert states(dear, outbox.c.lane < 2) == ["accepted", "accepted"]
    assert states(dear, outbox.c.lane == 2).count("queued") == 5
    assert "spend ceiling reached" in read_health(dear).degraded
    with dear.database.begin() as db:
        acts = [row.act for row in audit.latest(db, 20)]
    assert acts.count("spending.ceiling") == 1

    with dear.database.begin() as db:
        clock.set_now(db, NOW + timedelta(days=1))
        db.execute(update(outbox).where(outbox.c.state == "queued").values(expires_at=NOW + timedelta(days=2)))
    gateway.kind, gateway.cost = "refused", ""
    send_due(dear, pool)
    assert spent(dear) == (0.0, 84.0), "what was refused costs nothing"
    put(dear, people, [30], 3, not_before=NOW, expires_at=NOW + timedelta(days=2))
    by_month = replace(dear, spending=Ceilings(month=84.0))
    assert claimed(by_month).rows == []
    assert "spend ceiling reached" not in read_health(dear).degraded


def spent(context: Context) -> tuple[float, float]:
    with context.database.begin() as db:
        return spending.spent(db, clock.local(context.now(db)).date())


def test_a_recall_is_met_by_the_fence_before_its_rows_are_cancelled(context: Context, people: Seeded) -> None:
    """S40: a claimed text of a recalled broadcast does not start."""
    author = Site(context).staff("amina", "staff")
    with context.database.begin() as db:
        row_id = new_row_id()
        values = {"code": "B1000", "group_ids": [], "one_group": True, "excluded": {}, "created_at": NOW, "state": "sending"}
        writer = select(staff.c.id).where(staff.c.code == author).scalar_subquery()
        db.execute(insert(broadcast).values(id=row_id, author_id=writer, **values))
    put(context, people, [0, 1], 3, broadcast_id=row_id)
    rows = claimed(context).rows
    token = token_of(context)
    with context.database.begin() as db:
        db.execute(update(broadcast).values(state="recalled"))
    with context.database.begin() as db:
        assert fence(context, db, rows, token) == []
    assert states(context) == ["cancelled", "cancelled"]


def token_of(context: Context) -> str:
    with context.database.begin() as db:
        return str(db.execute(select(outbox.c.token).where(outbox.c.state == "reserved").limit(1)).scalar_one())
