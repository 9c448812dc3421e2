"""A dial's rows: what one statement reads for a hop, and the turn with its screen that is stored after it (I15)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from sms_service import clock
from sms_service.conversation.types import Dialogue
from sms_service.gateway.wire import UssdEnd, UssdTurn
from sms_service.models.dials import OPEN, dial, turn
from sms_service.models.numbers import number
from sms_service.models.state import service_state
from sms_service.security.tokens import new_row_id
from sms_service.text.reply_types import Alert, Reading
from sms_service.usecases.accept_inbound import about_crisis
from sms_service.usecases.compose import index_texts
from sms_service.usecases.context import Context
from sms_service.usecases.steps import Scope

IDLE = timedelta(seconds=300)


class Overtaken(Exception):
    """Another turn of this dial was stored while this one waited for the number: nothing is kept, look again."""


@dataclass(slots=True)
class Hop:
    """What one turn came to, before it is stored."""

    screen: str
    place: Dialogue
    event: dict[str, Any]
    facts: dict[str, Any]
    reading: Reading
    typed: str = ""
    alert: Alert = "none"
    person_id: int | None = None


def look_up(context: Context, db: Connection, hop: UssdTurn, receipt: bytes) -> Row[Any] | None:
    """Number (locked), dial, receipt, clock offset and database time in one statement."""
    values = {"digest": context.vault.number_hash(hop.number), "gateway_session": hop.session_id, "receipt": receipt}
    return db.execute(_LOOK_UP[db.dialect.name], values).first()


def _look_up_query(time: Sequence[Any]) -> Any:
    return (
        select(
            number,
            dial.c.id.label("dial_id"),
            dial.c.number_id.label("dial_number_id"),
            dial.c.service_code,
            dial.c.language.label("dial_language"),
            dial.c.text_length,
            dial.c.text_hash,
            dial.c.turns,
            dial.c.place,
            dial.c.person_id,
            dial.c.state,
            dial.c.last_at,
            turn.c.id.label("turn_id"),
            turn.c.screen,
            *time,
        )
        .select_from(number)
        .join(service_state, service_state.c.id == 1)
        .outerjoin(dial, dial.c.gateway_session == bindparam("gateway_session"))
        .outerjoin(turn, (turn.c.dial_id == dial.c.id) & (turn.c.receipt == bindparam("receipt")))
        .where(number.c.hash == bindparam("digest"))
        .with_for_update(key_share=True, of=number)
    )


_LOOK_UP = {name: _look_up_query(columns) for name, columns in clock.TIME_COLUMNS.items()}


def store(
    context: Context,
    db: Connection,
    hop: UssdTurn,
    seen: Row[Any],
    receipt: bytes,
    made: Hop,
    scope: Scope,
    now: datetime,
) -> None:
    saved = db.execute(
        _SAVE_DIAL,
        {
            "b_id": seen.dial_id,
            "b_turns": seen.turns,
            "text_length": len(hop.text),
            "text_hash": receipt,
            "turns": seen.turns + 1,
            "place": made.place.to_json(),
            "person_id": made.person_id,
            "state": "ended" if made.screen.startswith("END") else "open",
            "last_at": now,
            "language": scope.language,
        },
    )
    if not saved.rowcount:
        raise Overtaken
    store_turn(context, db, seen, seen.dial_id, seen.turns + 1, receipt, made, scope, now)


_SAVED = ("text_length", "text_hash", "turns", "place", "person_id", "state", "last_at", "language")
_SAVE_DIAL = (
    update(dial)
    .where(dial.c.id == bindparam("b_id"), dial.c.turns == bindparam("b_turns"))
    .values({name: bindparam(name) for name in _SAVED})
)


_INSERT_TURN = insert(turn)


def store_turn(
    context: Context,
    db: Connection,
    seen: Row[Any],
    dial_id: int,
    seq: int,
    receipt: bytes,
    made: Hop,
    scope: Scope,
    now: datetime,
) -> None:
    """The turn with its screen, which is also the receipt; flagged words are not indexed and open a concern (S22, T13)."""
    row_id = scope.turn_id or new_row_id()
    typed = made.typed
    worded = bool(typed) and not typed.isdigit()
    typed_hash = context.vault.text_hash("text", typed) if worded else None
    db.execute(
        _INSERT_TURN,
        {
            "id": row_id,
            "dial_id": dial_id,
            "number_id": seen.id,
            "person_id": made.person_id,
            "seq": seq,
            "receipt": receipt,
            "typed": context.vault.seal("turn", "typed", row_id, typed) if typed else None,
            "typed_hash": typed_hash,
            "screen": context.vault.seal("turn", "screen", row_id, made.screen),
            "intent": made.reading.intent,
            "value": str(made.reading.value)[:40] if made.reading.intent == "answer" else None,
            "rule": made.reading.rule[:60],
            "alert": made.alert,
            "event": made.event,
            "facts": made.facts,
            "at": now,
        },
    )
    if made.alert != "none":
        about_crisis(context, db, number_id=seen.id, severity=made.alert, now=now, turn_id=row_id)
    elif worded and typed_hash is not None:
        index_texts(context, db, {typed_hash: typed})


def end_dial(context: Context, end: UssdEnd) -> None:
    """The end event: early, late, twice or never; an unknown dial changes nothing (W13)."""
    with context.database.begin() as db:
        db.execute(
            update(dial)
            .where(dial.c.gateway_session == end.session_id, dial.c.end_status.is_(None))
            .values(end_status=end.status[:12])
        )


def close_silent(db: Connection, now: datetime) -> int:
    """Dials without an end event close after 300 s of silence (contract 11.3)."""
    silent = (OPEN, dial.c.opened_at < now - IDLE, dial.c.last_at < now - IDLE)
    return db.execute(update(dial).where(*silent).values(state="abandoned")).rowcount
