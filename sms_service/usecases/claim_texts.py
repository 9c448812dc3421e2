"""Claiming what is due: lane by lane, one a number, within the rate in parts and the free calls (reliability section 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import inf
from typing import Any

from sqlalchemy import BindParameter, Connection, Row, Select, bindparam, select, update

from sms_service.models import outbox, spending, state
from sms_service.rules.pacing import calls_of, refilled, room_of
from sms_service.rules.sending import SPENT
from sms_service.usecases.context import Context

RESERVE = timedelta(seconds=60)
SET_BACK = timedelta(minutes=3)  # what lies further ahead than any lease or pause of the channel: the clock was set back since
RECIPIENTS_A_CALL = 100
CALLS_A_ROUND = 48
# A round's fence holds locks: on PostgreSQL its numbers', on SQLite everyone's for some 0.05 s; a dial is answered meanwhile.
ROWS_A_ROUND = {"postgresql": 500, "sqlite": 250}
FIRST_LOOK = 64  # rows: enough to see whether texts share calls; only then is more read
PROBE_EVERY = timedelta(seconds=30)
PRIVATE_LANES = (0, 1)


@dataclass(frozen=True, slots=True)
class Claim:
    """Rows that are ours until the lease ends. ``paced``: something due was left because the rate allows no more just now.
    ``probe``: the one row tries whether the gateway answers.
    """

    rows: list[Row[Any]]
    paced: bool = False
    probe: bool = False


NOTHING = Claim([])


@dataclass(slots=True)
class _Taking:
    """What a claim has taken so far."""

    chosen: list[Row[Any]] = field(default_factory=list)
    numbers: set[int] = field(default_factory=set)
    filled: dict[bytes, int] = field(default_factory=dict)
    calls: int = 0
    parts: int = 0


def claim(
    context: Context,
    db: Connection,
    token: str,
    most: int,
    busy: int,
    grace: timedelta,
    lanes: Sequence[int] = outbox.LANES,
) -> Claim:
    """Reserve due rows of these lanes under ``token``; no byte is sent while they are reserved.

    ``busy`` of the ``most`` calls of this process are under way. ``grace`` leaves rows to the nudged workers for that long; lane 0
    never waits for it.
    """
    now = context.now(db)
    if not outbox.any_due(db, now):
        return NOTHING
    channel = state.lock_channel(db)
    probing = channel.paused_at is not None or channel.breaker_until is not None
    if probing and channel.breaker_until is not None and now < channel.breaker_until < now + SET_BACK:
        return NOTHING  # an open breaker consumes no attempts (F25)
    rate = context.send_rate_per_second
    seconds = None if channel.tokens_at is None or channel.tokens_at > now + SET_BACK else (now - channel.tokens_at).total_seconds()
    left = refilled(channel.tokens, seconds, rate, slowed=channel.slow_until is not None and channel.slow_until > now)
    switch = state.read(db)
    alerts_only = not switch.outbound_on
    trusted = context.own_clock.trusted(db, switch, now)  # by a wrong clock only what answers a person and alerts may go
    affordable = _affordable(context, db, now) if trusted else 0.0
    if affordable < 1:
        lanes = PRIVATE_LANES
    taking, paced = _Taking(), False
    if probing:
        taking.chosen = _probe(db, now, lanes if channel.paused_at is None else (0,), alerts_only=alerts_only)
        taking.parts = sum(row.segments for row in taking.chosen)
        if taking.chosen:
            state.change_channel(db, breaker_until=now + PROBE_EVERY)
    else:
        for lane in lanes:
            room = room_of(lane, left - taking.parts, rate)
            paid = inf if lane in PRIVATE_LANES else affordable - taking.parts
            most_calls = calls_of(lane, most, busy + taking.calls)
            if most_calls <= 0 or len(taking.chosen) >= ROWS_A_ROUND[db.dialect.name]:
                break
            until = now - (grace if lane else timedelta())
            stopped_short = _take_lane(db, taking, lane, until, min(room, paid), most_calls, alerts_only)
            if stopped_short and room <= paid:
                paced = True
                break  # a long text waits for its parts: shorter ones of a later lane do not take them from it
            if stopped_short:
                _tell_ceiling(context, db, now)
    if not taking.chosen:
        return Claim([], paced)
    state.change_channel(db, tokens=left - taking.parts, tokens_at=now)
    ids = [row.id for row in taking.chosen]
    db.execute(_RESERVED, {"ids": ids, "new_token": token, "new_lease": now + RESERVE})
    return Claim(taking.chosen, paced, probing)


def probe_again(context: Context, db: Connection) -> None:
    """The fence dropped the probe, which asked nothing of the gateway: the next text may try at once (F25)."""
    state.change_channel(db, breaker_until=context.now(db))


def _affordable(context: Context, db: Connection, now: datetime) -> float:
    """How many parts of lanes 2 and 3 a spend ceiling leaves; that it is reached is told once a day (T6).

    What other processes have claimed this moment is not counted yet: a ceiling is overrun by a round of theirs at most.
    """
    money = spending.left(db, context.spending, now)
    parts = money // context.price_per_segment if money and context.price_per_segment and money != inf else money
    if parts < 1:
        _tell_ceiling(context, db, now)
    return parts


def _tell_ceiling(context: Context, db: Connection, now: datetime) -> None:
    if spending.mark_ceiling(db, now):
        context.record(db, "service", "spending.ceiling", "sms", SPENT)


def _take_lane(
    db: Connection, taking: _Taking, lane: int, until: datetime, room: float, most_calls: int, alerts_only: bool
) -> bool:
    """Take of one lane what fits, oldest first; True when ``room`` (in parts) left something behind."""
    start, seen, most_rows = taking.calls, 0, ROWS_A_ROUND[db.dialect.name]
    for limit in (FIRST_LOOK, most_rows):
        found = _due(db, lane, until, limit, alerts_only)
        for row in found[seen:]:
            if len(taking.chosen) >= most_rows:
                return False
            in_body = taking.filled.get(row.body_hash, 0) if may_share(row) else 0
            opens_call = in_body % RECIPIENTS_A_CALL == 0
            if row.number_id in taking.numbers or (opens_call and taking.calls - start >= most_calls):
                continue
            if room < row.segments:
                return True
            room -= row.segments
            taking.parts += row.segments
            taking.calls += opens_call
            if may_share(row):
                taking.filled[row.body_hash] = in_body + 1
            taking.numbers.add(row.number_id)
            taking.chosen.append(row)
        seen = len(found)
        if seen < limit or not (taking.filled or taking.calls - start < most_calls):
            break
    return False


def may_share(row: Row[Any]) -> bool:
    """Class A texts with an identical body go up to 100 a call; a class B text and every reply goes alone."""
    return bool(row.text_class == "A" and row.lane >= 2)


_ROWS = outbox.outbox.c
#: What a claim hands on never changes in a row's life, but for the state, which the fence reads again.
_CLAIMED: Select[Any] = select(
    _ROWS.id,
    _ROWS.number_id,
    _ROWS.person_id,
    _ROWS.group_id,
    _ROWS.meeting_id,
    _ROWS.inbound_id,
    _ROWS.broadcast_id,
    _ROWS.kind,
    _ROWS.lane,
    _ROWS.template,
    _ROWS.text_class,
    _ROWS.body_hash,
    _ROWS.segments,
)
_IS_DUE = (outbox.QUEUED, _ROWS.not_before <= bindparam("until"))
# Per number by creation: whichever of two due texts was written first goes first, and one at a time.
_FREE = (~outbox.being_sent(), ~outbox.written_before(bindparam("until")))
_IN_ORDER = _CLAIMED.where(*_IS_DUE, _ROWS.lane == bindparam("lane")).order_by(_ROWS.not_before, _ROWS.id)
_LIMITED: BindParameter[int] = bindparam("most")
_DUE = _IN_ORDER.where(*_FREE).limit(_LIMITED).with_for_update(skip_locked=True, of=outbox.outbox)
# With outbound off only staff alerts go, and no text that is held back stands before one (S41, I5).
_DUE_ALERTS = (
    _IN_ORDER.where(_ROWS.kind == "alert", ~outbox.being_sent()).limit(_LIMITED).with_for_update(skip_locked=True, of=outbox.outbox)
)
# What tries whether the gateway is back is asked of it, not dropped by the fence because its time is over (F25).
_DUE_ALIVE = (
    _IN_ORDER.where(_ROWS.expires_at > bindparam("until"), ~outbox.being_sent())
    .limit(_LIMITED)
    .with_for_update(skip_locked=True, of=outbox.outbox)
)
_RESERVED = (
    update(outbox.outbox)
    .where(_ROWS.id.in_(bindparam("ids", expanding=True)), _ROWS.state == "queued")
    .values(state="reserved", token=bindparam("new_token"), lease_until=bindparam("new_lease"))
)


def _due(db: Connection, lane: int, until: datetime, limit: int, alerts_only: bool) -> Sequence[Row[Any]]:
    return db.execute(_DUE_ALERTS if alerts_only else _DUE, {"lane": lane, "until": until, "most": limit}).all()


def _probe(db: Connection, now: datetime, lanes: Sequence[int], *, alerts_only: bool) -> list[Row[Any]]:
    """The one text that tries whether the gateway answers: the oldest of lane 0 if there is one, else one of class A (F25).

    A text of class B, which must not be doubtful, tries it only when nothing else waits. ``lanes``: those whose texts the fence
    lets go; thousands of others would each be put back before a reply had its try.
    """
    oldest = list(_due(db, 0, now, 1, alerts_only))
    if oldest or alerts_only:
        return oldest
    each = [{"lane": lane, "until": now, "most": FIRST_LOOK} for lane in lanes if lane > 0]
    found = [row for one in each for row in db.execute(_DUE_ALIVE, one)]
    return sorted(found, key=lambda row: row.text_class != "A")[:1]
