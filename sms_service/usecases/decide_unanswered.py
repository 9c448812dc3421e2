"""What a person decides about a send that got no answer: it arrived, send it again, or leave it (I9).

The machine never sends such a text again. A person may, while it is of use: as a new row, linked to the first and keyed by it, so
that it happens once at most, and through every check the fence makes. Each decision is audited in its own transaction; of two made
at once the second is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import Connection, Row, select, update

from sms_service import jobs
from sms_service.gateway.wire import real_gateway_id
from sms_service.models import outbox
from sms_service.models.broadcasts import broadcast
from sms_service.models.dialogues import dialogue
from sms_service.models.outbox import parked_report
from sms_service.rules.sending import verdict
from sms_service.usecases import fence_facts
from sms_service.usecases.compose import Outgoing, queue_texts
from sms_service.usecases.context import Context
from sms_service.usecases.faults import UseFault
from sms_service.usecases.unanswered import OPEN, of_broadcast
from sms_service.usecases.unmatched_reports import WAITS, join

MOST_AT_ONCE = 2000
CHUNK = 200
SHOWN_AS: Final = {"sent": "Sent", "delivered": "Success", "failed": "Failed"}
"""What the gateway's own pages say of a text -> the delivery report's status."""

ALERT = "an alert repeats by itself until somebody has it"
TWICE = "it was sent again once already"
RECALLED = "its broadcast was recalled"
CLOSED = "the question it asks is closed"
PAUSED = "text paused"

Act = Literal["leave", "again"]
_rows = outbox.outbox.c


def it_arrived(context: Context, outbox_id: int, gateway_id: str, shown: str, actor: str) -> str:
    """A person has found the text at the gateway under this id; returns the state it takes: accepted, delivered or failed.

    ``shown`` is a key of ``SHOWN_AS``, what the gateway says of it; reports that wait under the id count as well. Raises
    ``UseFault``: no id of the gateway's, an id that is another text's, or a text decided about meanwhile.
    """
    real = real_gateway_id(gateway_id.strip())

    def work(db: Connection) -> str:
        row = _locked(db, outbox_id, context.now(db))
        if real is None:
            raise UseFault("report", "Give the id the gateway has for the text, as its pages or the delivery report show it.")
        others = db.execute(select(_rows.id).where(_rows.gateway_id == real, _rows.id != outbox_id)).first()
        waiting = db.execute(select(parked_report).where(parked_report.c.gateway_id == real)).all()
        if others or row.gateway_id not in (None, real) or any(one.number_id not in (None, row.number_id) for one in waiting):
            raise UseFault("report", "This id belongs to another text. Look at the number and the time again.")
        told = [(SHOWN_AS[shown], None), *((one.status, one.failure_reason) for one in waiting)]
        join(context, db, row, real, told, actor)
        return str(db.execute(select(_rows.state).where(_rows.id == outbox_id)).scalar_one())

    return context.database.run(work)


def leave(context: Context, outbox_id: int, actor: str) -> None:
    """A person leaves the text as it is: it may have left, and is not asked about again. Raises ``UseFault``."""

    def work(db: Connection) -> None:
        now = context.now(db)
        row = _locked(db, outbox_id, now)
        _close(db, [row.id], now)
        context.record(db, actor, "send.leave", None, row.key)

    context.database.run(work)


def send_again(context: Context, outbox_id: int, actor: str) -> datetime:
    """A person takes the text for not sent: it is queued once more; returns from when it may leave (aware UTC).

    Raises ``UseFault``: under ``why`` a reason code when a check refuses it, under ``act`` when somebody decided meanwhile.
    """

    def work(db: Connection) -> datetime:
        made, refused = _again(context, db, [outbox_id], context.now(db))
        if refused:
            raise UseFault("why", next(iter(refused)))
        if not made:
            raise UseFault("act", _MOVED_ON)
        context.record(db, actor, "send.again", None, made[0].key)
        return made[0].not_before

    leaves = context.database.run(work)
    context.nudge(jobs.SEND, 0)
    return leaves


def decide_all(context: Context, cast: str, act: Act, seen: int, actor: str) -> tuple[int, dict[str, int]]:
    """One decision about all texts in doubt of a broadcast (its code); returns how many, and the others by reason code.

    ``seen`` is the count the person confirmed: another count now is refused. At most ``MOST_AT_ONCE``, in short transactions, each
    with its audit entry; interrupted, what was decided stands and the rest is still listed. Raises ``UseFault``.
    """
    with context.database.begin() as db:
        there = of_broadcast(db, cast, context.now(db))
    if there != seen:
        raise UseFault(
            "act", "There are %(there)s texts now, not %(seen)s. Look at the count and confirm again.", there=there, seen=seen
        )
    decided, refused, after = 0, Counter[str](), 0
    while decided + refused.total() < MOST_AT_ONCE:
        some = _Some(context, cast, act, after, actor)
        made, why_not, after = context.database.run(some.decide)
        if not after:
            break
        decided, refused = decided + made, refused + why_not
    if act == "again":
        context.nudge(jobs.SEND, 0)
    return decided, dict(refused)


class _Some:
    """The next chunk of a broadcast's texts in doubt after a row id."""

    def __init__(self, context: Context, cast: str, act: Act, after: int, actor: str) -> None:
        self.context, self.cast, self.act, self.after, self.actor = context, cast, act, after, actor

    def decide(self, db: Connection) -> tuple[int, Counter[str], int]:
        """How many were decided about, the reasons of the others, and the last row id; 0 when there was none left."""
        now = self.context.now(db)
        mine = select(broadcast.c.id).where(broadcast.c.code == self.cast).scalar_subquery()
        query = select(_rows.id).where(_rows.broadcast_id == mine, *OPEN, _rows.shown_at <= now - WAITS, _rows.id > self.after)
        ids = list(db.execute(query.order_by(_rows.id).limit(CHUNK)).scalars())
        refused = Counter[str]()
        if not ids:
            return 0, refused, 0
        if self.act == "leave":
            made = _close(db, ids, now)
        else:
            queued, refused = _again(self.context, db, ids, now)
            made = len(queued)
        if made:
            self.context.record(db, self.actor, f"send.{self.act}", self.cast, str(made))
        return made, refused, ids[-1]


_MOVED_ON = "Somebody has decided about this text meanwhile, or its answer came. Look at the list again."


def _locked(db: Connection, outbox_id: int, now: datetime) -> Row[Any]:
    """The row, still in doubt and old enough that no answer is on its way; or the fault that says so."""
    query = select(outbox.outbox).where(_rows.id == outbox_id, *OPEN, _rows.shown_at <= now - WAITS)
    row = db.execute(query.with_for_update()).first()
    if row is None:
        raise UseFault("act", _MOVED_ON)
    return row


def _close(db: Connection, ids: Sequence[int], now: datetime) -> int:
    return db.execute(update(outbox.outbox).where(_rows.id.in_(ids), *OPEN).values(closed_at=now)).rowcount


def _again(context: Context, db: Connection, ids: Sequence[int], now: datetime) -> tuple[list[Outgoing], Counter[str]]:
    """Queue those of these rows once more that may go; the new rows, and how many were refused by reason.

    Locks as the fence does, numbers before rows: a stop that commits meanwhile wins (I6, I10).
    """
    mine = select(outbox.outbox).where(_rows.id.in_(ids), *OPEN, _rows.shown_at <= now - WAITS).order_by(_rows.id)
    facts = fence_facts.gather(context, db, db.execute(mine).all(), now)
    rows = [row for row in db.execute(mine.with_for_update()) if row.number_id in facts.numbers]
    stale = _not_to_be_repeated(db, rows)
    texts: list[Outgoing] = []
    refused: Counter[str] = Counter()
    for row in rows:
        why, leaves = stale.get(row.id, ""), now
        if not why:
            why, leaves = _fenced(context, row, facts, now)
        if why:
            refused[why] += 1
        else:
            texts.append(_copy(context, row, leaves))
    queue_texts(context, db, texts, now)
    _close(db, [one.replaces_id for one in texts if one.replaces_id], now)
    return texts, refused


def _not_to_be_repeated(db: Connection, rows: Sequence[Row[Any]]) -> dict[int, str]:
    """By row id, why a text is not sent again whatever the rules of sending say."""
    casts = {row.broadcast_id for row in rows if row.broadcast_id}
    asked = {row.dialogue_id for row in rows if row.dialogue_id and row.kind != "reply"}
    recalled = select(broadcast.c.id).where(broadcast.c.id.in_(casts), broadcast.c.state == "recalled")
    closed = select(dialogue.c.id).where(dialogue.c.id.in_(asked), dialogue.c.state.not_in(("waiting", "open")))
    gone = set(db.execute(recalled).scalars()) if casts else set()
    over = set(db.execute(closed).scalars()) if asked else set()
    found = {}
    for row in rows:
        reasons = (
            (ALERT, row.kind == "alert"),
            (TWICE, row.replaces_id is not None),
            (RECALLED, row.broadcast_id in gone),
            (CLOSED, row.kind != "reply" and row.dialogue_id in over),
        )
        found[row.id] = next((reason for reason, holds in reasons if holds), "")
    return found


def _fenced(context: Context, row: Row[Any], facts: fence_facts.Facts, now: datetime) -> tuple[str, datetime]:
    """What the fence would say now: the reason it would not go, or the moment from which it may."""
    if row.kind == "scheduled" and row.template in facts.paused_texts:
        return PAUSED, now
    if row.number_id not in facts.e164:
        return "its number cannot be opened: see the keys", now
    said = verdict(
        fence_facts.text_of(row, facts),
        fence_facts.number_of(row, facts),
        now=now,
        outbound_on=True,
        safe_hours=fence_facts.hours_of(facts.contacts.get(row.number_id, ())),
        pauses=fence_facts.windows_for(row.group_id, facts.pauses),
        caps=context.caps,
    )
    return (said.reason, now) if said.action == "drop" else ("", said.not_before or now)


def _copy(context: Context, row: Row[Any], leaves: datetime) -> Outgoing:
    return Outgoing(
        key=f"{row.key}:again",
        number_id=row.number_id,
        language=row.language,
        template=row.template,
        kind=row.kind,
        text_class=row.text_class,
        lane=row.lane,
        body=context.vault.open("outbox", "body", row.id, row.body),
        not_before=leaves,
        expires_at=row.expires_at,
        person_id=row.person_id,
        group_id=row.group_id,
        meeting_id=row.meeting_id,
        dialogue_id=row.dialogue_id,
        inbound_id=row.inbound_id,
        broadcast_id=row.broadcast_id,
        replaces_id=row.id,
    )
