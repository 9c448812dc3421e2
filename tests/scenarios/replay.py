"""Playing a stored dialogue again from its events alone: the engine and the stored facts must lead to the same place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, select

from sms_service.conversation import engine
from sms_service.conversation.definition import Conversation
from sms_service.conversation.types import Answered, Begin, Channel, Dialogue, Event, Outcome, PinChecked, Shown, TimedOut
from sms_service.models.dialogues import dialogue, dialogue_event
from sms_service.models.dials import dial, turn
from sms_service.text.reply_types import Reading
from sms_service.usecases.context import Context


def event_of(stored: Mapping[str, Any]) -> Event:
    """The event as it was stored: codes only."""
    kind, fields = stored["kind"], {name: value for name, value in stored.items() if name != "kind"}
    if kind == "Answered":
        reading = {**fields["reading"], "notes": tuple(fields["reading"]["notes"])}
        return Answered(Reading(**reading), fields["raw_key"])
    plain: Mapping[str, type[Begin] | type[PinChecked] | type[Shown] | type[TimedOut]] = {
        "Begin": Begin, "PinChecked": PinChecked, "Shown": Shown, "TimedOut": TimedOut,
    }  # fmt: skip
    return plain[kind](**fields)


def _led_to(conversation: Conversation, events: Sequence[Row[Any]], channel: Channel | None) -> Dialogue | None:
    place: Dialogue | None = None
    for row in events:
        outcome = engine.step(conversation, place, event_of(row.event), row.facts, channel or row.channel)
        assert isinstance(outcome, Outcome), f"the stored facts are not enough: {outcome}"
        place = outcome.dialogue
    return place


def replay_all(context: Context) -> list[str]:
    """What does not lead to its stored place: dialogues, and dials that answered no other dialogue inside."""
    wrong: list[str] = []
    with context.database.begin() as db:
        for one in db.execute(select(dialogue)).all():
            query = select(dialogue_event).where(dialogue_event.c.dialogue_id == one.id).order_by(dialogue_event.c.seq)
            place = _led_to(context.conversations[one.conversation], db.execute(query).all(), None)
            if place is None or place.to_json() != one.place:
                wrong.append(f"dialogue {one.conversation}: {place} is not {one.place}")
        for one in db.execute(select(dial)).all():
            turns = db.execute(select(turn).where(turn.c.dial_id == one.id).order_by(turn.c.seq)).all()
            if any("open_question" in row.facts for row in turns):
                continue
            place = _led_to(context.conversations["home"], turns, "ussd")
            if place is None or place.to_json() != one.place:
                wrong.append(f"dial: {place} is not {one.place}")
    return wrong
