"""Questions that no text asks: a dialogue opened for a dial, found there and answered after the PIN (S11, S12)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from sms_service.conversation import engine
from sms_service.conversation.types import Begin, Outcome
from sms_service.models import dialogues
from sms_service.models.dialogues import dialogue
from sms_service.security.tokens import new_row_id
from sms_service.usecases.context import Context
from sms_service.usecases.steps import event_json


def open_dialled(
    context: Context,
    db: Connection,
    name: str,
    data: Mapping[str, Any],
    *,
    number_id: int,
    person_id: int,
    now: datetime,
    meeting_id: int | None = None,
) -> int:
    """Open conversation ``name`` at its first screen for a person, without a text; returns the dialogue's row id.

    ``data`` are the arguments it begins with. It stays open for the definition's hours; whoever drops the dial goes on at the
    first unanswered screen. ValueError for a conversation that does not begin with a screen.
    """
    conversation = context.published.conversation(name)
    event = Begin(dict(data))
    outcome = engine.step(conversation, None, event, {}, "ussd")
    if not isinstance(outcome, Outcome) or outcome.dialogue.done or not outcome.replies:
        raise ValueError(f"conversation {name} does not begin with a screen")
    row_id = new_row_id()
    db.execute(
        insert(dialogue).values(
            id=row_id,
            number_id=number_id,
            person_id=person_id,
            meeting_id=meeting_id,
            conversation=name,
            place=outcome.dialogue.to_json(),
            state="open",
            sms_open=False,
            opened_at=now,
            asked_at=now,
            closes_at=now + timedelta(hours=conversation.closes_after_hours),
        )
    )
    dialogues.add_event(db, row_id, "ussd", event_json(event), {}, now)
    return row_id


def begun_before(db: Connection, name: str, person_id: int, meeting_id: int, now: datetime) -> Row[Any] | None:
    """This person's dialogue about this meeting that is still open, left half-way on an earlier dial."""
    query = select(dialogue).where(
        dialogue.c.conversation == name,
        dialogue.c.person_id == person_id,
        dialogue.c.meeting_id == meeting_id,
        dialogue.c.state == "open",
        dialogue.c.closes_at > now,
    )
    return db.execute(query.order_by(dialogue.c.id.desc()).limit(1)).first()
