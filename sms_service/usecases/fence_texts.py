"""The fence: under the numbers' locks every claimed row is checked once more, and marked before its call starts (I10, S41)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, insert, select, update

from sms_service.gateway.results import CallResult
from sms_service.models import dialogues, outbox, spending
from sms_service.models.dialogues import dialogue
from sms_service.models.outbox import attempt
from sms_service.rules.sending import Verdict, verdict
from sms_service.security.tokens import new_row_id, new_url_token
from sms_service.usecases import fence_facts
from sms_service.usecases.claim_texts import RECIPIENTS_A_CALL, may_share
from sms_service.usecases.compose import body_hash
from sms_service.usecases.context import Context
from sms_service.usecases.raise_concern import About, raise_concern

CALL_DEADLINE_SECONDS = 30.0
CALL_LEASE = timedelta(seconds=90)  # longer than the deadline and its margin: a live call never loses its lease
BUSY_NUMBER = timedelta(seconds=1)  # somebody holds the number: its text alone is looked at again this much later (F13)
LOOK_AGAIN = timedelta(seconds=30)
HELD_FOR = timedelta(minutes=1)


@dataclass(slots=True)
class Call:
    """One call to the gateway: the same text for up to 100 numbers, one attempt row each, all sharing the call id."""

    call_id: str
    text: str
    rows: list[Row[Any]] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)
    attempts: list[int] = field(default_factory=list)
    result: CallResult | None = None


def fence(context: Context, db: Connection, claimed: Sequence[Row[Any]], token: str) -> list[Call]:
    """Re-check every row under its number's lock and the shared switch, and mark those that may go as calling (I10).

    The token is part of the test: a row whose lease ended and was taken by another worker is not ours any more.
    """
    now = context.now(db)
    facts = fence_facts.gather(context, db, claimed, now)
    # The numbers are locked now, and only now the rows are read: a stop that committed meanwhile has cancelled its own.
    rows = db.execute(_OURS, {"ids": [row.id for row in claimed], "held_by": token}).all()
    fenced = _Fenced(context, db, now)
    for row in rows:
        decided = _decide(context, row, facts, now)
        if decided.action == "send":
            fenced.going.append(fenced.short_form(row) if decided.short_form else row)
        elif decided.action == "wait":
            fenced.waits.setdefault((decided.not_before or now + LOOK_AGAIN, decided.reason), []).append(row.id)
        else:
            fenced.drop(row, decided)
    fenced.write()
    return _mark_calling(context, db, fenced.going, facts.e164, token, now)


_ROWS = outbox.outbox.c
_OURS: Select[Any] = (
    select(
        _ROWS.id,
        _ROWS.number_id,
        _ROWS.person_id,
        _ROWS.group_id,
        _ROWS.meeting_id,
        _ROWS.dialogue_id,
        _ROWS.inbound_id,
        _ROWS.broadcast_id,
        _ROWS.template,
        _ROWS.kind,
        _ROWS.text_class,
        _ROWS.lane,
        _ROWS.body,
        _ROWS.body_hash,
        _ROWS.segments,
        _ROWS.token,
        _ROWS.not_before,
        _ROWS.expires_at,
    )
    .where(_ROWS.id.in_(bindparam("ids", expanding=True)), _ROWS.token == bindparam("held_by"), _ROWS.state == "reserved")
    .order_by(_ROWS.id)
    .with_for_update()
)
_BY_ID = _ROWS.id.in_(bindparam("ids", expanding=True))
_PUT_BACK = (
    update(outbox.outbox)
    .where(_BY_ID)
    .values(state="queued", token=None, lease_until=None, not_before=bindparam("later"), reason=bindparam("why"))
)
_DROP = (
    update(outbox.outbox)
    .where(_BY_ID)
    .values(
        state=bindparam("final"),
        token=None,
        lease_until=None,
        reason=bindparam("why"),
        closed_at=bindparam("at"),
        shown_at=bindparam("at"),
    )
)
_CALLING = (
    update(outbox.outbox)
    .where(_BY_ID)
    .values(state="calling", lease_until=bindparam("lease"), attempts=_ROWS.attempts + 1, reason=None)
)
_ASKED = (
    update(dialogue)
    .where(dialogue.c.id.in_(bindparam("ids", expanding=True)), dialogue.c.state.in_(("waiting", "open")))
    .values(state="open", sms_open=True, asked_at=bindparam("at"))
)


def _decide(context: Context, row: Row[Any], facts: fence_facts.Facts, now: datetime) -> Verdict:
    """What becomes of one row; the rules decide, after what only the database knows."""
    if row.number_id not in facts.numbers:
        return Verdict("wait", "queued", "its number is busy", now + BUSY_NUMBER)
    if row.number_id not in facts.e164:
        return Verdict("drop", "given_up", "its number cannot be opened: see the keys")
    if row.broadcast_id in facts.recalled:
        return Verdict("drop", "cancelled", "recalled")  # S40: at once, though its rows are still being cancelled
    if row.group_id in facts.held_groups:
        return Verdict("wait", "queued", "outbound is switched off", now + HELD_FOR)
    if row.kind == "scheduled" and row.template in facts.paused_texts:
        return Verdict("drop", "suppressed", "text paused")
    return verdict(
        fence_facts.text_of(row, facts),
        fence_facts.number_of(row, facts),
        now=now,
        outbound_on=facts.outbound_on,
        safe_hours=fence_facts.hours_of(facts.contacts.get(row.number_id, ())),
        pauses=facts.windows(row.group_id),
        caps=context.caps,
        budget_left=facts.budget_left,
    )


class _Fenced:
    """What the fence found, written in sets: one statement for all rows that meet the same end."""

    def __init__(self, context: Context, db: Connection, now: datetime) -> None:
        self._context, self._db, self._now = context, db, now
        self.going: list[Row[Any]] = []
        self.waits: dict[tuple[datetime, str], list[int]] = {}
        self._drops: dict[tuple[str, str], list[int]] = {}

    def drop(self, row: Row[Any], decided: Verdict) -> None:
        self._drops.setdefault((decided.state, decided.reason), []).append(row.id)
        if decided.call_task:
            about = About(kind="meeting_change_untold", number_id=row.number_id, person_id=row.person_id, group_id=row.group_id)
            raise_concern(self._context, self._db, about, self._now)

    def short_form(self, row: Row[Any]) -> Row[Any]:
        """V11 whose directory numbers have expired since it was written: its first sentence alone (S38)."""
        vault = self._context.vault
        body = vault.open("outbox", "body", row.id, row.body).split(". ")[0].removesuffix(".") + "."
        sealed = vault.seal("outbox", "body", row.id, body)
        values = {"body": sealed, "body_hash": body_hash(self._context, body)}
        self._db.execute(update(outbox.outbox).where(_ROWS.id == row.id).values(values))
        found = outbox.get(self._db, row.id)
        if found is None:
            raise LookupError("a row of the outbox has gone while its number is locked")
        return found

    def write(self) -> None:
        for (later, why), ids in self.waits.items():
            self._db.execute(_PUT_BACK, {"ids": ids, "later": later, "why": why[:60]})
        for (final, why), ids in self._drops.items():
            self._db.execute(_DROP, {"ids": ids, "final": final, "why": why[:60], "at": self._now})


def _mark_calling(
    context: Context, db: Connection, rows: list[Row[Any]], e164: Mapping[int, str], token: str, now: datetime
) -> list[Call]:
    """Commit-before-call: the rows become calling with an attempt each, and the questions they ask become the open ones."""
    if not rows:
        return []
    calls = _group(context, rows, e164)
    db.execute(_CALLING, {"ids": [row.id for row in rows], "lease": now + CALL_LEASE})
    attempts = [
        {"id": attempt_id, "outbox_id": row.id, "call_id": call.call_id, "token": token, "started_at": now}
        for call in calls
        for row, attempt_id in zip(call.rows, call.attempts, strict=True)
    ]
    db.execute(insert(attempt), attempts)
    asking = [row for row in rows if row.dialogue_id and row.kind != "reply"]
    if asking:
        # Not the numbers of replies in the same round: a V13 must leave open the question it asks to answer.
        asked = [row.dialogue_id for row in asking]
        dialogues.close_older_by_sms(db, [row.number_id for row in asking], asked)
        db.execute(_ASKED, {"ids": asked, "at": now})
    parts = sum(row.segments for row in rows)
    spending.add(db, now, parts, parts * context.price_per_segment)
    return calls


def _group(context: Context, rows: list[Row[Any]], e164: Mapping[int, str]) -> list[Call]:
    calls: list[Call] = []
    filling: dict[bytes, Call] = {}
    for row in rows:
        shared = filling.get(row.body_hash) if may_share(row) else None
        if shared is None or len(shared.rows) >= RECIPIENTS_A_CALL:
            shared = Call(new_url_token(16), context.vault.open("outbox", "body", row.id, row.body))
            calls.append(shared)
            if may_share(row):
                filling[row.body_hash] = shared
        shared.rows.append(row)
        shared.numbers.append(e164[row.number_id])
        shared.attempts.append(new_row_id())
    return calls
