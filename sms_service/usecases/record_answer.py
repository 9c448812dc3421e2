"""Recording what a call came to, attempt by attempt: a late answer is evidence, never a reason to send again (I8, I9)."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Connection,
    Integer,
    Row,
    Text,
    Update,
    bindparam,
    cast,
    delete,
    func,
    select,
    update,
)

from sms_service.gateway.results import RecipientResult
from sms_service.models import numbers, outbox, spending, state
from sms_service.models.base import UtcTime
from sms_service.models.outbox import attempt, parked_report
from sms_service.rules.delivery import Next, after_answer, after_report, classify, suppresses_number
from sms_service.usecases.accept_inbound import note_opt_out, opt_out
from sms_service.usecases.context import Context
from sms_service.usecases.fence_texts import Call

BREAKER_AFTER = 5  # calls in a row without any answer (F25)
BREAKER_FOR = timedelta(seconds=30)
SLOW_FOR = timedelta(minutes=2)
NO_ANSWER = RecipientResult("unknown", reason="no answer")


@dataclass(slots=True)
class _Recorded:
    """What a round of answers changes, gathered so that each kind of change is one statement."""

    ends: dict[tuple[str, int | None, str], list[int]] = field(default_factory=dict)
    moves: dict[tuple[Any, ...], dict[int, str | None]] = field(default_factory=dict)
    parts: int = 0
    cost: float = 0.0


def record_answers(context: Context, db: Connection, calls: Sequence[Call], chance: Callable[[], float]) -> None:
    """Record calls: rows still ours move on; a row whose lease has gone keeps only better evidence (unknown -> accepted)."""
    # Each number by itself, in whatever order the answer names them (F24); what is ambiguous is unknown (F18, F23).
    now = context.now(db)
    current = _lock(db, [row.id for call in calls for row in call.rows])
    reports = _parked(db, calls)
    silent = [call for call in calls if call.result is None or call.result.status is None]
    before = state.read_channel(db)
    recorded = _Recorded()
    channel: list[Next] = []
    for call in calls:
        spread = chance()  # one a call: its texts are tried again together
        for row, number, attempt_id in zip(call.rows, call.numbers, call.attempts, strict=True):
            one = call.result.recipients.get(number, NO_ANSWER) if call.result else NO_ANSWER
            recorded.ends.setdefault((one.kind, one.code, one.reason[:60]), []).append(attempt_id)
            _charge(context, recorded, row, one)
            held = current.get(row.id)
            if held is None:
                continue
            following = classify(one.kind, one.code, held.attempts, spread, call.result.retry_after if call.result else None)
            if one.kind == "not_sent" and one.code is None and before.breaker_until is not None:
                following = replace(following, state="queued", counted=False)  # it only asked whether the gateway is back (F25)
            channel.append(following)
            early = reports.get(one.gateway_id or "", ())
            ours = held.state == "calling" and held.token == row.token
            if ours or following.state == "accepted" or one.gateway_id:
                move = _move(held, one, following, [report.status for report in early], now, ours=ours)
                recorded.moves.setdefault(move, {})[row.id] = one.gateway_id
            if any(suppresses_number(report.failure_reason or "") for report in early):
                opt_out(context, db, row.number_id, now)
            if following.flag_number:
                numbers.change(db, row.number_id, flagged=one.reason[:40] or "refused")
                if one.code == 406:
                    note_opt_out(db, row.number_id, now)
    _write(db, recorded, now)
    _channel(context, db, before, channel, len(silent) if len(silent) == len(calls) else 0, now)
    spending.add(db, now, recorded.parts, recorded.cost)


def _charge(context: Context, recorded: _Recorded, row: Row[Any], one: RecipientResult) -> None:
    """The fence counted the text at our price: correct it by what the gateway says, or take it back (T6)."""
    currency, _, amount = one.cost.partition(" ")
    ours = row.segments * context.price_per_segment
    if amount and currency == context.currency:
        recorded.cost += float(amount) - ours
    elif one.kind not in ("accepted", "unknown"):
        recorded.cost -= ours
    if one.kind not in ("accepted", "unknown"):
        recorded.parts -= row.segments


def _lock(db: Connection, ids: Sequence[int]) -> dict[int, Any]:
    rows = outbox.outbox.c
    query = select(rows.id, rows.state, rows.stage, rows.token, rows.attempts, rows.expires_at).where(rows.id.in_(list(ids)))
    return {row.id: row for row in db.execute(query.order_by(rows.id).with_for_update())}


def _parked(db: Connection, calls: Sequence[Call]) -> dict[str, list[Any]]:
    """Reports that came before their row (F27): looked up in the transaction that stores the gateway id."""
    ids = [one.gateway_id for call in calls if call.result for one in call.result.recipients.values() if one.gateway_id]
    found: dict[str, list[Any]] = {}
    if ids:
        reports = parked_report.c
        query = select(reports.id, reports.gateway_id, reports.status, reports.failure_reason).where(reports.gateway_id.in_(ids))
        for report in db.execute(query):
            found.setdefault(report.gateway_id, []).append(report)
    if found:
        # By row, not by gateway id: a further report of the same text that commits meanwhile is left to the sweep (F30).
        seen = [report.id for reports in found.values() for report in reports]
        db.execute(delete(parked_report).where(parked_report.c.id.in_(seen)))
    return found


def _move(
    held: Row[Any], one: RecipientResult, following: Next, reports: Sequence[str], now: datetime, *, ours: bool
) -> tuple[Any, ...]:
    """The row's new values (``_MOVED``) but for its gateway id. ``held``: the row now; ``ours``: its lease is this call's."""
    new_state, stage = held.state, held.stage or ""
    if ours or (held.state == "unknown" and following.state == "accepted"):
        new_state = following.state
        if new_state in ("accepted", "unknown"):
            new_state, stage = after_answer("sending", stage, new_state)
    for status in reports:
        new_state, stage = after_report(new_state, stage, status)
    currency, _, amount = one.cost.partition(" ")
    return (
        new_state,
        stage or None,
        1 if ours and not following.counted else 0,
        now + timedelta(seconds=following.delay) if ours and following.state == "queued" else None,
        (one.reason or following.alarm)[:60] or None,
        now if new_state in ("accepted", "delivered", "failed") else None,
        now if new_state in outbox.FINAL else None,
        float(amount) if amount else None,
        currency[:3] if amount else None,
    )


_MOVED = ("new_state", "new_stage", "uncounted", "later", "why", "when_accepted", "when_closed", "charged", "in_currency")
_END = (
    update(attempt)
    .where(attempt.c.id.in_(bindparam("ids", expanding=True)))
    .values({name: bindparam(f"b_{name}") for name in ("ended_at", "result", "code", "detail")})
)


@cache
def _moved(dialect: str) -> Update:
    """Every row named in the JSON object ``by_row`` (row id: gateway id) at once."""
    rows = outbox.outbox.c
    given = bindparam("by_row", type_=Text())
    pairs = (func.json_each(given) if dialect == "sqlite" else func.json_each_text(cast(given, JSON))).table_valued("key", "value")
    return (
        update(outbox.outbox)
        .where(rows.id == cast(pairs.c.key, BigInteger))
        .values(
            gateway_id=pairs.c.value,
            state=bindparam("new_state"),
            stage=bindparam("new_stage"),
            attempts=rows.attempts - bindparam("uncounted", type_=Integer()),
            not_before=func.coalesce(bindparam("later", type_=UtcTime()), rows.not_before),
            reason=bindparam("why"),
            accepted_at=bindparam("when_accepted"),
            closed_at=bindparam("when_closed"),
            cost=bindparam("charged"),
            currency=bindparam("in_currency"),
            token=None,
            lease_until=None,
            shown_at=bindparam("when_shown"),
        )
    )


def _write(db: Connection, recorded: _Recorded, now: datetime) -> None:
    for (result, code, detail), ids in recorded.ends.items():
        db.execute(_END, {"ids": ids, "b_ended_at": now, "b_result": result, "b_code": code, "b_detail": detail})
    for move, by_row in recorded.moves.items():
        values = dict(zip(_MOVED, move, strict=True))
        db.execute(_moved(db.dialect.name), {**values, "by_row": json.dumps(by_row), "when_shown": now})


def _channel(context: Context, db: Connection, before: Row[Any], following: Sequence[Next], silent: int, now: datetime) -> None:
    """Pause, slow down or open the breaker for the whole channel; ``silent`` counts calls without any answer; 0 closes it.

    ``before`` is the channel as it was: while all goes well nothing is written, and no worker waits for another.
    """
    values: dict[str, Any] = {}
    pausing = next((one for one in following if one.pause_channel), None)
    if pausing is not None:
        if state.pause_channel(db, now, pausing.alarm[:40]):
            context.record(db, "service", "channel.paused", "sms", pausing.alarm)
        return
    asked = [timedelta(seconds=one.delay) for one in following if one.slow_down]
    if asked:
        values["slow_until"] = now + max(SLOW_FOR, *asked)  # for as long as Retry-After says (F19)
    if not silent:
        if before.failures or before.breaker_until is not None:
            values |= {"failures": 0, "breaker_until": None}
        if before.paused_at is not None and any(one.state == "accepted" for one in following):
            values |= {"paused_at": None, "pause_reason": None}
    else:
        failures = state.lock_channel(db).failures + silent
        values["failures"] = failures
        if failures >= BREAKER_AFTER:
            values["breaker_until"] = now + BREAKER_FOR
    if values:
        state.change_channel(db, **values)
