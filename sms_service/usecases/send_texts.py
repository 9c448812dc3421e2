"""Sending: claim, fence, call, record. At most once to participants, whatever dies in between (I6-I11, reliability section 4)."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import suppress
from datetime import datetime, timedelta

from sqlalchemy import Connection, update
from sqlalchemy.exc import SQLAlchemyError

from sms_service.failpoints import reach
from sms_service.gateway.results import CallResult
from sms_service.models import outbox
from sms_service.security.tokens import new_url_token
from sms_service.usecases.claim_texts import CALLS_A_ROUND, PRIVATE_LANES, SET_BACK, claim, probe_again
from sms_service.usecases.context import Context
from sms_service.usecases.fence_texts import CALL_DEADLINE_SECONDS, Call, fence
from sms_service.usecases.record_answer import record_answers

RECORD_EVERY = 0.5  # seconds; one call that hangs does not keep the others' answers from being recorded (F20)
PRIVATE_EVERY = 0.2  # seconds; how soon an alert or a reply is looked for while slow calls of broadcasts leave no other room (I5)
RECORD_SOON = 0.02  # seconds: answers that come together are recorded together
RECORD_FOR = 30.0  # seconds: an answer that cannot be recorded is tried again, and still well within the lease
MOST_UNDER_WAY = 1_000
PACE = 0.1  # seconds until the rate is looked at again


def never() -> bool:
    """Nobody asks this drain to stop."""
    return False


def send_due(
    context: Context,
    pool: Executor,
    *,
    seconds: float = 20.0,
    grace: timedelta = timedelta(),
    most: int = CALLS_A_ROUND,
    stopping: Callable[[], bool] = never,
) -> int:
    """Send what is due until nothing is, ``seconds`` are up or ``stopping`` says so; returns how many rows it worked on.

    At most ``most`` calls are under way on ``pool`` (which has that many threads), so that each starts as soon as its commit is
    done: a stop after the commit meets only calls that are under way already (F42). Meanwhile the next are claimed and fenced.
    ``grace`` leaves rows to the nudged workers for that long; alerts and V11 never wait for it. Killed anywhere, alone or with
    everything else, it leaves rows whose state says what may have happened (F2-F4). Calls under way are always waited for and
    recorded (F5); a database fault ends the rest, and is raised when nothing at all could be done.
    """
    sending = _Sending(context, pool, most, grace)
    until = time.monotonic() + seconds
    going = True
    while True:
        going = going and sending.fault is None and time.monotonic() < until and not stopping()
        if going and (lanes := sending.lanes):
            try:
                going = sending.start(lanes)
                if sending.fed and sending.has_room:
                    context.database.give_way()
                    continue
            except SQLAlchemyError:
                if not sending.calls and not sending.done:
                    raise
                going = False
        if sending.calls:
            sending.record_answered(soon=going)
        elif sending.fault is not None:
            raise sending.fault
        elif not going:
            return sending.done
        else:
            time.sleep(PACE)  # something is due and the rate allows nothing yet
        context.database.give_way()


class _Sending:
    """The calls one process has under way."""

    def __init__(self, context: Context, pool: Executor, most: int, grace: timedelta) -> None:
        self._context, self._pool, self._most, self._grace = context, pool, most, grace
        self.calls: dict[Future[CallResult], Call] = {}
        self.done = 0
        self.fed = False  # whether the last look found something to send
        self.fault: BaseException | None = None
        self._looked = 0.0

    @property
    def has_room(self) -> bool:
        """Whether another round is worth its transactions, and its rows are few enough to have one's eyes on."""
        return len(self.calls) <= self._most * 2 // 3 and self._under_way < MOST_UNDER_WAY

    @property
    def lanes(self) -> Sequence[int]:
        """What another round looks into: every lane; while slow calls of reminders and broadcasts leave no room for that, now and
        then those that a few calls are kept for (I5).
        """
        if self.has_room:
            return outbox.LANES
        due = len(self.calls) < self._most and time.monotonic() - self._looked >= PRIVATE_EVERY
        return PRIVATE_LANES if due else ()

    @property
    def _under_way(self) -> int:
        return sum(len(call.rows) for call in self.calls.values())

    def start(self, lanes: Sequence[int]) -> bool:
        """Claim, fence and start the next calls of these lanes; False when nothing more is due."""
        token, self._looked = new_url_token(), time.monotonic()
        reach("before_claim")
        busy = len(self.calls)
        claimed = self._context.database.run(lambda db: claim(self._context, db, token, self._most, busy, self._grace, lanes))
        self.fed = bool(claimed.rows)
        if not claimed.rows:
            return claimed.paced or bool(self.calls)
        reach("after_claim")
        self._context.database.give_way()
        try:
            fenced = self._context.database.run(lambda db: fence(self._context, db, claimed.rows, token))
        except SQLAlchemyError:
            _let_go(self._context, token)
            raise
        reach("after_fence")
        if claimed.probe and not fenced:
            self._context.database.run(lambda db: probe_again(self._context, db))
        for call in fenced:
            self.calls[self._pool.submit(_call, self._context, call)] = call
        self.done += len(claimed.rows)
        return True

    def record_answered(self, *, soon: bool) -> None:
        """Record what has been answered, after a short wait for more of it."""
        wait(self.calls, timeout=PRIVATE_EVERY if soon else RECORD_EVERY, return_when=FIRST_COMPLETED)
        answered, _ = wait(self.calls, timeout=RECORD_SOON if soon else RECORD_EVERY)
        calls = []
        for future in answered:
            call, fault = self.calls.pop(future), future.exception()
            if fault is None:
                call.result = future.result()
                calls.append(call)
            else:
                self.fault = fault  # its rows stay as they are: whether it was sent is not known (I9)
        if calls:
            reach("after_answer")
            self._record(calls)
            reach("after_record")

    def _record(self, calls: list[Call]) -> None:
        """Record what the calls came to; a database that is away is asked again: only this process knows it (I8)."""
        until = time.monotonic() + RECORD_FOR
        while True:
            try:
                with self._context.database.begin() as db:
                    record_answers(self._context, db, calls, random.random)
                return
            except SQLAlchemyError:
                if time.monotonic() >= until:
                    raise
                time.sleep(RECORD_EVERY)


def _let_go(context: Context, token: str) -> None:
    """Rows whose fence failed go back at once, not when their lease ends; one whose fence was committed all the same is not ours to
    give back: it is calling, and ends unknown (I9, F12, F17).
    """
    rows = outbox.outbox.c
    with suppress(SQLAlchemyError), context.database.begin() as db:
        held = update(outbox.outbox).where(outbox.MOVING, rows.token == token, rows.state == "reserved")
        db.execute(held.values(state="queued", token=None, lease_until=None))


def _call(context: Context, call: Call) -> CallResult:
    if context.client is None:
        raise RuntimeError("this process has no gateway client: it must not claim texts")
    return context.client.send(call.numbers, call.text, sender=context.short_code or None, deadline=CALL_DEADLINE_SECONDS)


def give_back_stale(context: Context, db: Connection, now: datetime) -> tuple[int, int]:
    """Leases that ended: reserved goes back to queued, calling becomes unknown and is never resent by the machine (I9).

    A lease that ends later than any is given for was written before the clock was set back: nobody holds it (F40).
    """
    rows = outbox.outbox.c
    ended = (rows.lease_until < now) | (rows.lease_until > now + SET_BACK)
    returned = db.execute(
        update(outbox.outbox)
        .where(outbox.MOVING, rows.state == "reserved", ended)
        .values(state="queued", token=None, lease_until=None)
    ).rowcount
    unknown = db.execute(
        update(outbox.outbox)
        .where(outbox.MOVING, rows.state == "calling", ended)
        .values(state="unknown", token=None, lease_until=None, reason="no answer was recorded", shown_at=now)
    ).rowcount
    return returned, unknown


def expire_late(db: Connection, now: datetime) -> int:
    """Queued rows whose time has passed become expired, so that nothing is ever sent late (I11)."""
    rows = outbox.outbox.c
    return db.execute(
        update(outbox.outbox)
        .where(outbox.QUEUED, rows.expires_at <= now, rows.kind != "v4")
        .values(state="expired", reason="too late", closed_at=now, shown_at=now)
    ).rowcount
