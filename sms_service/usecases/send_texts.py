"""Sending: claim, fence, call, record. At most once to participants, whatever dies in between (I6-I11, reliability section 4)."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from sms_service.failpoints import reach
from sms_service.gateway.results import CallResult
from sms_service.models import dialogues, outbox, state
from sms_service.models.dialogues import dialogue
from sms_service.models.outbox import attempt
from sms_service.rules.sending import verdict
from sms_service.security.tokens import new_row_id, new_url_token
from sms_service.usecases import fence_facts
from sms_service.usecases.compose import body_hash
from sms_service.usecases.context import Context
from sms_service.usecases.raise_concern import About, raise_concern
from sms_service.usecases.record_answer import record_answers

RESERVE = timedelta(seconds=60)
CALL_DEADLINE_SECONDS = 30.0
CALL_LEASE = timedelta(seconds=90)  # longer than the deadline and its margin: a live call never loses its lease
RECIPIENTS_A_CALL = 100
CALLS_A_ROUND = 48
ROWS_A_ROUND = 500  # a round's fence holds locks, on SQLite everyone's: some 0.1 s, so that a dial is answered meanwhile
BROADCAST_SHARE = 0.7  # lane 3 never takes the last 30 % of the rate
BURST_SECONDS = 2.0
PROBE_EVERY = timedelta(seconds=30)
RECORD_EVERY = 0.5  # seconds; one call that hangs does not keep the others' answers from being recorded (F20)
RECORD_FOR = 30.0  # seconds: an answer that cannot be recorded is tried again, and still well within the lease


@dataclass(slots=True)
class Call:
    """One call to the gateway: the same text for up to 100 numbers, one attempt row each, all sharing the call id."""

    call_id: str
    text: str
    rows: list[Row[Any]]
    numbers: list[str]
    result: CallResult | None = None


def send_round(context: Context, pool: Executor, *, calls: int = CALLS_A_ROUND, grace: timedelta = timedelta()) -> int:
    """Claim what is due, fence it, call the gateway on ``pool`` and record the answers; returns how many rows it worked on.

    The fence takes no more calls than ``calls``, so that each starts as soon as its commit is done: a stop after the
    commit meets only calls that are already under way (F42). ``grace`` leaves rows to the nudged workers for that long;
    alerts and V11 never wait for it. Killed anywhere, alone or with everything else, it leaves rows whose state says what may
    have happened (F2-F4).
    """
    token = new_url_token()
    reach("before_claim")
    claimed = context.database.run(lambda db: _claim(context, db, token, calls, grace))
    if not claimed:
        return 0
    reach("after_claim")
    fenced = context.database.run(lambda db: _fence(context, db, claimed, token))
    reach("after_fence")
    started = {pool.submit(_call, context, call): call for call in fenced}
    waiting: set[Future[CallResult]] = set(started)
    while waiting:
        done, waiting = wait(waiting, timeout=RECORD_EVERY)
        for future in done:
            started[future].result = future.result()
        if done:
            reach("after_answer")
            _record(context, [started[future] for future in done])
            reach("after_record")
    return len(claimed)


def _record(context: Context, calls: Sequence[Call]) -> None:
    """Record what the calls came to; a database that is away is asked again, because only this process knows the answer (I8)."""
    answered = [
        (call.call_id, row, number, call.result) for call in calls for row, number in zip(call.rows, call.numbers, strict=True)
    ]
    until = time.monotonic() + RECORD_FOR
    while True:
        try:
            with context.database.begin() as db:
                record_answers(context, db, answered, random.random)
            return
        except SQLAlchemyError:
            if time.monotonic() >= until:
                raise
            time.sleep(RECORD_EVERY)


def _claim(context: Context, db: Connection, token: str, calls: int, grace: timedelta) -> list[int]:
    """Reserve due rows, lane by lane, one a number, within the rate; no byte is sent while they are reserved."""
    now = context.now(db)
    if not outbox.any_due(db, now):
        return []
    channel = state.lock_channel(db)
    tokens = _tokens(context, channel, now)
    outbound_on = state.read(db).outbound_on
    probing = channel.paused_at is not None or (channel.breaker_until is not None)
    if probing:
        if channel.breaker_until is not None and channel.breaker_until > now:
            return []
        state.change_channel(db, breaker_until=now + PROBE_EVERY)
    chosen: list[Row[Any]] = []
    busy: set[int] = set()
    filled: dict[bytes, int] = {}
    taken = 0
    for lane in outbox.LANES:
        room = int(tokens) if lane < 3 else int(tokens - (1 - BROADCAST_SHARE) * _burst(context))
        room = min(room, ROWS_A_ROUND) - len(chosen)
        if room <= 0 or (lane > 0 and channel.paused_at is not None):
            continue
        for row in _due_rows(db, now - (grace if lane else timedelta()), lane, room, alerts_only=not outbound_on):
            in_body = filled.get(row.body_hash, 0) if _may_share(row) else 0
            opens_call = in_body % RECIPIENTS_A_CALL == 0
            if row.number_id in busy or (opens_call and taken >= calls):
                continue
            taken += opens_call
            if _may_share(row):
                filled[row.body_hash] = in_body + 1
            busy.add(row.number_id)
            chosen.append(row)
            if probing or len(chosen) >= int(tokens):
                break
        if probing and chosen:
            break
    if not chosen:
        return []
    state.change_channel(db, tokens=tokens - len(chosen), tokens_at=now)
    db.execute(
        update(outbox.outbox)
        .where(outbox.outbox.c.id.in_([row.id for row in chosen]), outbox.outbox.c.state == "queued")
        .values(state="reserved", token=token, lease_until=now + RESERVE)
    )
    return [row.id for row in chosen]


def _burst(context: Context) -> float:
    return max(context.send_rate_per_second * BURST_SECONDS, float(RECIPIENTS_A_CALL))


def _tokens(context: Context, channel: Row[Any], now: datetime) -> float:
    """The rate as a bucket in SQL: refilled by the clock, halved in speed while the gateway asks us to slow down."""
    if channel.tokens_at is None:
        return _burst(context)
    rate = context.send_rate_per_second
    if channel.slow_until is not None and channel.slow_until > now:
        rate /= 4
    seconds = max(0.0, (now - channel.tokens_at).total_seconds())
    return min(_burst(context), channel.tokens + rate * seconds)


def _due_rows(db: Connection, now: datetime, lane: int, room: int, *, alerts_only: bool) -> Sequence[Any]:
    rows = outbox.outbox.c
    query = select(rows.id, rows.number_id, rows.kind, rows.lane, rows.text_class, rows.body_hash, rows.dialogue_id).where(
        outbox.QUEUED,
        rows.lane == lane,
        rows.not_before <= now,
        ~outbox.being_sent(rows.number_id),
    )
    if alerts_only:
        query = query.where(rows.kind == "alert")
    query = query.order_by(rows.not_before, rows.id).limit(room)
    return db.execute(query.with_for_update(skip_locked=True, of=outbox.outbox)).all()


def _may_share(row: Row[Any]) -> bool:
    """Class A texts with an identical body go up to 100 a call; a class B text and every reply goes alone."""
    return bool(row.text_class == "A" and row.lane >= 2)


def _fence(context: Context, db: Connection, ids: Sequence[int], token: str) -> list[Call]:
    """Re-check every row under its number's lock and the shared switch, and mark those that may go as calling (I10).

    The token is part of the test: a row whose lease ended and was taken by another worker is not ours any more.
    """
    rows_of = outbox.outbox.c
    now = context.now(db)
    ours = (rows_of.id.in_(list(ids)), rows_of.token == token, rows_of.state == "reserved")
    before = db.execute(select(outbox.outbox).where(*ours).order_by(rows_of.id)).all()
    if not before:
        return []
    facts = fence_facts.gather(context, db, before, now)
    # The numbers are locked now: a stop that committed meanwhile has cancelled its rows, so they are read again.
    rows = db.execute(select(outbox.outbox).where(*ours).order_by(rows_of.id).with_for_update()).all()
    going: list[Row[Any]] = []
    for row in rows:
        if row.number_id not in facts.e164:
            _drop(context, db, row, "given_up", "its number cannot be opened: see the keys", now, call_task=False)
            continue
        if row.group_id in facts.held_groups:
            _put_back(db, row, now + timedelta(minutes=1), "outbound is switched off")
            continue
        if row.kind == "scheduled" and row.template in facts.paused_texts:
            _drop(context, db, row, "suppressed", "text paused", now, call_task=False)
            continue
        decided = verdict(
            fence_facts.text_of(row, facts),
            fence_facts.number_of(row, facts),
            now=now,
            outbound_on=facts.outbound_on,
            safe_hours=fence_facts.hours_of(facts.contacts.get(row.number_id, ())),
            pauses=fence_facts.windows_for(row.group_id, facts.pauses),
            caps=context.caps,
        )
        if decided.action == "send":
            going.append(_short_form(context, db, row) if decided.short_form else row)
        elif decided.action == "wait":
            _put_back(db, row, decided.not_before or now + timedelta(seconds=30), decided.reason)
        else:
            _drop(context, db, row, decided.state, decided.reason, now, call_task=decided.call_task)
    return _mark_calling(context, db, going, facts.e164, token, now)


def _put_back(db: Connection, row: Row[Any], not_before: datetime, reason: str) -> None:
    db.execute(
        update(outbox.outbox)
        .where(outbox.outbox.c.id == row.id)
        .values(state="queued", token=None, lease_until=None, not_before=not_before, reason=reason[:60])
    )


def _drop(context: Context, db: Connection, row: Row[Any], new_state: str, reason: str, now: datetime, *, call_task: bool) -> None:
    db.execute(
        update(outbox.outbox)
        .where(outbox.outbox.c.id == row.id)
        .values(state=new_state, token=None, lease_until=None, reason=reason[:60], closed_at=now, shown_at=now)
    )
    if call_task:
        about = About(kind="meeting_change_untold", number_id=row.number_id, person_id=row.person_id, group_id=row.group_id)
        raise_concern(context, db, about, now)


def _short_form(context: Context, db: Connection, row: Row[Any]) -> Row[Any]:
    """V11 whose directory numbers have expired since it was written: its first sentence alone (S38)."""
    body = context.vault.open("outbox", "body", row.id, row.body).split(". ")[0].removesuffix(".") + "."
    db.execute(
        update(outbox.outbox)
        .where(outbox.outbox.c.id == row.id)
        .values(body=context.vault.seal("outbox", "body", row.id, body), body_hash=body_hash(context, body))
    )
    return db.execute(select(outbox.outbox).where(outbox.outbox.c.id == row.id)).one()


def _mark_calling(
    context: Context, db: Connection, rows: list[Row[Any]], e164: dict[int, str], token: str, now: datetime
) -> list[Call]:
    """Commit-before-call: the rows become calling with an attempt each, and the questions they ask become the open ones."""
    if not rows:
        return []
    calls = _group(context, rows, e164)
    db.execute(
        update(outbox.outbox)
        .where(outbox.outbox.c.id.in_([row.id for row in rows]))
        .values(state="calling", lease_until=now + CALL_LEASE, attempts=outbox.outbox.c.attempts + 1, reason=None)
    )
    attempts = [
        {"id": new_row_id(), "outbox_id": row.id, "call_id": call.call_id, "token": token, "started_at": now}
        for call in calls
        for row in call.rows
    ]
    db.execute(insert(attempt), attempts)
    asked = [row.dialogue_id for row in rows if row.dialogue_id and row.kind != "reply"]
    if asked:
        # Not the numbers of replies in the same round: a V13 must leave open the question it asks to answer.
        numbers_asked = [row.number_id for row in rows if row.dialogue_id and row.kind != "reply"]
        dialogues.close_older_by_sms(db, numbers_asked, asked)
        db.execute(
            update(dialogue)
            .where(dialogue.c.id.in_(asked), dialogue.c.state.in_(("waiting", "open")))
            .values(state="open", sms_open=True, asked_at=now)
        )
    return calls


def _group(context: Context, rows: list[Row[Any]], e164: dict[int, str]) -> list[Call]:
    calls: list[Call] = []
    filling: dict[bytes, Call] = {}
    for row in rows:
        shared = filling.get(row.body_hash) if _may_share(row) else None
        if shared is None or len(shared.rows) >= RECIPIENTS_A_CALL:
            shared = Call(new_url_token(16), context.vault.open("outbox", "body", row.id, row.body), [], [])
            calls.append(shared)
            if _may_share(row):
                filling[row.body_hash] = shared
        shared.rows.append(row)
        shared.numbers.append(e164[row.number_id])
    return calls


def _call(context: Context, call: Call) -> CallResult:
    if context.client is None:
        raise RuntimeError("this process has no gateway client: it must not claim texts")
    return context.client.send(call.numbers, call.text, sender=context.short_code or None, deadline=CALL_DEADLINE_SECONDS)


def give_back_stale(context: Context, db: Connection, now: datetime) -> tuple[int, int]:
    """Leases that ended: reserved goes back to queued, calling becomes unknown and is never resent by the machine (I9)."""
    rows = outbox.outbox.c
    returned = db.execute(
        update(outbox.outbox)
        .where(outbox.MOVING, rows.state == "reserved", rows.lease_until < now)
        .values(state="queued", token=None, lease_until=None)
    ).rowcount
    unknown = db.execute(
        update(outbox.outbox)
        .where(outbox.MOVING, rows.state == "calling", rows.lease_until < now)
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
