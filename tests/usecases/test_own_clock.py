"""What a process with a wrong clock may send: answers and alerts, and nothing that nobody asked for (F39, F40)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import insert, select

from sms_service import clock
from sms_service.models import numbers, state, wall_clocks
from sms_service.models.outbox import outbox
from sms_service.security.tokens import new_row_id
from sms_service.usecases.context import Context
from sms_service.usecases.own_clock import DOUBT_SECONDS, OwnClock
from sms_service.usecases.send_texts import give_back_stale


class Time:
    """A wall clock and a monotonic one, moved by hand."""

    def __init__(self) -> None:
        self.off = timedelta()
        self.steady = 0.0
        self.own = OwnClock(lambda: clock.wall() + self.off, lambda: self.steady)

    def trusted(self, context: Context) -> bool:
        with context.database.begin() as db:
            return self.own.trusted(db, state.read(db), context.now(db))


def test_a_step_is_doubted_for_half_a_minute(context: Context) -> None:
    """F40: however soon the clocks agree again, the clock process has looked by then."""
    time = Time()
    assert time.trusted(context)
    time.off = timedelta(hours=25)
    assert not time.trusted(context)
    time.off = timedelta()
    assert not time.trusted(context)
    time.steady, time.off = DOUBT_SECONDS - 1, timedelta(seconds=DOUBT_SECONDS - 1)
    assert not time.trusted(context)
    time.steady, time.off = DOUBT_SECONDS + 1, timedelta(seconds=DOUBT_SECONDS + 1)
    assert time.trusted(context)


@pytest.mark.parametrize("minutes", [-10, 10, 24 * 60])
def test_a_process_alone_with_its_time_is_not_trusted_from_its_start_on(context: Context, minutes: int) -> None:
    """F39: on one file by what the others wrote, on a server by the server's time."""
    with context.database.begin() as db:
        wall_clocks.write(db, "web-1", "web", clock.wall() + timedelta(minutes=minutes), None)
        time = Time()
        if context.database.is_postgresql:
            time.off = timedelta(minutes=minutes)
        time.own = OwnClock(lambda: clock.wall() + time.off, lambda: time.steady)
        assert not time.own.trusted(db, state.read(db), context.now(db))
        wall_clocks.write(db, "web-2", "web", clock.wall(), None)
        assert time.own.trusted(db, state.read(db), context.now(db)) is not context.database.is_postgresql


def test_held_schedules_hold_what_nobody_asked_for(context: Context) -> None:
    """F40: what is queued already waits too."""
    time = Time()
    with context.database.begin() as db:
        state.change(db, schedules_held_at=context.now(db))
    assert not time.trusted(context)


@pytest.mark.parametrize(("hours", "moved"), [(2, True), (0.01, False)])
def test_leases_from_before_a_clock_was_set_back_are_nobodys(context: Context, hours: float, moved: bool) -> None:
    """F40, I8: nothing waits for two hours that have been already."""
    with context.database.begin() as db:
        now = context.now(db)
        number_id = numbers.ensure(db, context.vault, "+250788000001", now)
        row = {
            "number_id": number_id, "template": "V3", "kind": "scheduled", "text_class": "A", "lane": 2, "language": "rw",
            "body": b"x", "body_hash": b"x", "not_before": now, "expires_at": now + timedelta(days=1), "created_at": now,
            "lease_until": now + timedelta(hours=hours), "token": "t",
        }  # fmt: skip
        db.execute(insert(outbox), [{"id": new_row_id(), "key": one, "state": one, **row} for one in ("reserved", "calling")])
        give_back_stale(context, db, now)
        states = dict(db.execute(select(outbox.c.key, outbox.c.state)).tuples().all())
    assert states == ({"reserved": "queued", "calling": "unknown"} if moved else {"reserved": "reserved", "calling": "calling"})
