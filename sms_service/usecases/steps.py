"""Taking one step of a dialogue inside a transaction: facts fetched as the engine asks, effects carried out, the event stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from sms_service.conversation import engine
from sms_service.conversation.definition import Conversation
from sms_service.conversation.types import (
    Answered,
    Begin,
    Channel,
    Dialogue,
    Event,
    Need,
    Outcome,
    PinChecked,
    Shown,
    TimedOut,
)
from sms_service.models import dialogues
from sms_service.text.reply_types import Reading
from sms_service.usecases import facts
from sms_service.usecases.context import Context

MOST_FACTS = 8


@dataclass(slots=True)
class Scope:
    """Who is speaking, on what, and when: what facts and effects are about.

    ``contacts`` are the people on the number; ``person_id`` is the one who is speaking, when that is known (one person on an
    own phone, or a right PIN).
    """

    number: Row[Any]
    contacts: Sequence[Row[Any]]
    channel: Channel
    language: str
    now: datetime
    person_id: int | None = None
    inbound_id: int | None = None
    turn_id: int | None = None
    dialogue_id: int | None = None
    meeting_id: int | None = None
    rule: str = ""
    told: dict[str, Any] = field(default_factory=dict)


def conversation_for(context: Context, db: Connection, name: str, version: str) -> Conversation:
    """The version a dialogue is pinned to: the published one, or the stored one it started on (design decision 4)."""
    return context.published.version(db, name, version)


def take(
    context: Context, db: Connection, scope: Scope, conversation: Conversation, dialogue: Dialogue | None, event: Event
) -> tuple[Outcome, dict[str, Any]]:
    """Take one step; returns its outcome and the facts it was given, which make it repeatable (decision 5)."""
    given: dict[str, Any] = {}
    for _ in range(MOST_FACTS):
        outcome = engine.step(conversation, dialogue, event, given, scope.channel)
        if not isinstance(outcome, Need):
            return outcome, given
        given[outcome.name] = facts.fetch(context, db, scope, outcome)
    raise RuntimeError(f"conversation {conversation.name} asks for more than {MOST_FACTS} facts in one step")


def keep_step(db: Connection, scope: Scope, dialogue_id: int, outcome: Outcome, event: Event, given: Mapping[str, Any]) -> bool:
    """Keep where an answered dialogue stands and the event that led there; whether that was its end."""
    done = outcome.dialogue.done
    values: dict[str, Any] = {"place": outcome.dialogue.to_json(), "state": "done" if done else "open"}
    if done:
        values |= {"sms_open": False, "closed_at": scope.now}
    dialogues.change(db, dialogue_id, **values)
    dialogues.add_event(db, dialogue_id, scope.channel, event_json(event), given, scope.now)
    return done


def event_json(event: Event) -> dict[str, Any]:
    """An event as it is stored: coded, with a PIN's verdict and never its digits or a person's own words."""
    kind = type(event).__name__
    if isinstance(event, Answered):
        reading = asdict(event.reading)
        if event.reading.intent not in ("answer", "language"):
            reading["value"] = None
        reading["notes"] = []  # what a note says of a flagged text stays in its sealed body (S32)
        return {"kind": kind, "reading": reading, "raw_key": event.raw_key}
    if isinstance(event, (PinChecked, Begin)):
        return {"kind": kind, **asdict(event)}
    return {"kind": kind}


def event_of(stored: Mapping[str, Any]) -> Event:
    """The event that ``event_json`` stored. Raises KeyError, TypeError or ValueError for anything it never stores."""
    kind = stored["kind"]
    if kind == "Answered":
        reading = {**stored["reading"], "notes": tuple(stored["reading"]["notes"])}
        return Answered(Reading(**reading), stored["raw_key"])
    event: Event = _EVENTS[kind](**{name: value for name, value in stored.items() if name != "kind"})
    return event


_EVENTS: Mapping[str, type[Begin | PinChecked | Shown | TimedOut]] = {
    one.__name__: one for one in (Begin, PinChecked, Shown, TimedOut)
}
