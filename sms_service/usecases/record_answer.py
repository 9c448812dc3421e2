"""Recording what a call came to, attempt by attempt: a late answer is evidence, never a reason to send again (I8, I9)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, select, update

from sms_service.gateway.results import CallResult, RecipientResult
from sms_service.models import numbers, outbox, state
from sms_service.models.outbox import attempt, parked_report
from sms_service.rules.delivery import Next, after_answer, after_report, classify, suppresses_number
from sms_service.usecases.accept_inbound import note_opt_out, opt_out
from sms_service.usecases.context import Context

BREAKER_AFTER = 5  # calls in a row without any answer (F25)
BREAKER_FOR = timedelta(seconds=30)
SLOW_FOR = timedelta(minutes=2)
NO_ANSWER = RecipientResult("unknown", reason="no answer")

Answered = tuple[str, Row[Any], str, CallResult | None]


def record_answers(context: Context, db: Connection, answered: Sequence[Answered], chance: Callable[[], float]) -> None:
    """Record a round: rows still ours move on; a row whose lease has gone keeps only better evidence (unknown -> accepted)."""
    # Each number by itself, in whatever order the answer names them (F24); what is ambiguous is unknown (F18, F23).
    now = context.now(db)
    current = _lock(db, [row.id for _, row, _, _ in answered])
    reports = _parked(db, answered)
    ends: list[dict[str, Any]] = []
    moves: list[dict[str, Any]] = []
    channel: list[Next] = []
    reached = False
    silent: set[str] = set()
    for call_id, row, number, result in answered:
        one = result.recipients.get(number, NO_ANSWER) if result else NO_ANSWER
        if result is not None and result.status is not None:
            reached = True
        else:
            silent.add(call_id)
        ends.append(
            {
                "b_call": call_id,
                "b_row": row.id,
                "ended_at": now,
                "result": one.kind,
                "code": one.code,
                "detail": one.reason[:60],
            }
        )
        held = current.get(row.id)
        if held is None:
            continue
        following = classify(one.kind, one.code, held.attempts, chance(), result.retry_after if result else None)
        channel.append(following)
        early = reports.get(one.gateway_id or "", ())
        ours = held.state == "calling" and held.token == row.token
        if ours or following.state == "accepted" or one.gateway_id:
            moves.append(_move(held, row, one, following, [report.status for report in early], now, ours=ours))
        if any(suppresses_number(report.failure_reason or "") for report in early):
            opt_out(context, db, row.number_id, now)
        if following.flag_number:
            numbers.change(db, row.number_id, flagged=one.reason[:40] or "refused")
            if one.code == 406:
                note_opt_out(db, row.number_id, now)
    _write(db, ends, moves)
    _channel(context, db, channel, 0 if reached else len(silent), now)


def _lock(db: Connection, ids: Sequence[int]) -> dict[int, Any]:
    rows = outbox.outbox.c
    query = select(rows.id, rows.state, rows.stage, rows.token, rows.attempts, rows.expires_at).where(rows.id.in_(list(ids)))
    return {row.id: row for row in db.execute(query.order_by(rows.id).with_for_update())}


def _parked(db: Connection, answered: Sequence[Answered]) -> dict[str, list[Any]]:
    """Reports that came before their row (F27): looked up in the transaction that stores the gateway id."""
    ids = [
        one.gateway_id
        for _, _, number, result in answered
        if result and (one := result.recipients.get(number)) is not None and one.gateway_id
    ]
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
    held: Row[Any],
    row: Row[Any],
    one: RecipientResult,
    following: Next,
    reports: Sequence[str],
    now: datetime,
    *,
    ours: bool,
) -> dict[str, Any]:
    """The row's new values. ``held`` is the row now, ``row`` the row as it was fenced; ``ours``: its lease is still this call's."""
    new_state, stage = held.state, held.stage or ""
    if ours or (held.state == "unknown" and following.state == "accepted"):
        new_state = following.state
        if new_state in ("accepted", "unknown"):
            new_state, stage = after_answer("sending", stage, new_state)
    for status in reports:
        new_state, stage = after_report(new_state, stage, status)
    delayed = ours and following.state == "queued"
    currency, _, amount = one.cost.partition(" ")
    return {
        "b_row": row.id,
        "state": new_state,
        "stage": stage or None,
        "gateway_id": one.gateway_id,
        "token": None,
        "lease_until": None,
        "attempts": held.attempts - (0 if following.counted else 1) if ours else held.attempts,
        "not_before": now + timedelta(seconds=following.delay) if delayed else row.not_before,
        "reason": (one.reason or following.alarm)[:60] or None,
        "accepted_at": now if new_state in ("accepted", "delivered", "failed") else None,
        "closed_at": now if new_state in outbox.FINAL else None,
        "shown_at": now,
        "cost": float(amount) if amount else None,
        "currency": currency[:3] if amount else None,
    }


_END = (
    update(attempt)
    .where(attempt.c.outbox_id == bindparam("b_row"), attempt.c.call_id == bindparam("b_call"))
    .values({name: bindparam(name) for name in ("ended_at", "result", "code", "detail")})
)
_MOVED = [
    "shown_at",
    "state",
    "stage",
    "gateway_id",
    "token",
    "lease_until",
    "attempts",
    "not_before",
    "reason",
    "accepted_at",
    "closed_at",
    "cost",
    "currency",
]
_MOVE = update(outbox.outbox).where(outbox.outbox.c.id == bindparam("b_row")).values({name: bindparam(name) for name in _MOVED})


def _write(db: Connection, ends: list[dict[str, Any]], moves: list[dict[str, Any]]) -> None:
    if ends:
        db.execute(_END, ends)
    if moves:
        db.execute(_MOVE, moves)


def _channel(context: Context, db: Connection, following: Sequence[Next], silent: int, now: datetime) -> None:
    """Pause, slow down or open the breaker for the whole channel; ``silent`` counts calls without any answer; 0 closes it."""
    values: dict[str, Any] = {}
    pausing = next((one for one in following if one.pause_channel), None)
    if pausing is not None:
        if state.pause_channel(db, now, pausing.alarm[:40]):
            context.record(db, "service", "channel.paused", "sms", pausing.alarm)
        return
    if any(one.slow_down for one in following):
        values["slow_until"] = now + SLOW_FOR
    if not silent:
        values |= {"failures": 0, "breaker_until": None}
        if any(one.state == "accepted" for one in following):
            values |= {"paused_at": None, "pause_reason": None}
    else:
        failures = state.lock_channel(db).failures + silent
        values["failures"] = failures
        if failures >= BREAKER_AFTER:
            values["breaker_until"] = now + BREAKER_FOR
    if values:
        state.change_channel(db, **values)
