"""Starting a dialogue that asks by SMS: stored at its first question, waiting until the text that asks it goes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert

from sms_service.conversation import engine
from sms_service.conversation.definition import Conversation
from sms_service.conversation.render import render
from sms_service.conversation.types import Begin, Channel, Dialogue, Outcome, Shown
from sms_service.models.dialogues import dialogue, dialogue_event
from sms_service.security.tokens import new_row_id
from sms_service.usecases.context import Context
from sms_service.usecases.steps import conversation_for, event_json


@dataclass(slots=True)
class Questions:
    """Dialogues begun in one transaction and stored together: a group of any size costs three statements, not three a person."""

    context: Context
    db: Connection
    now: datetime
    rows: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)

    def begin(
        self,
        name: str,
        data: Mapping[str, Any],
        *,
        number_id: int,
        person_id: int | None,
        language: str,
        meeting_id: int | None = None,
        meeting_starts_at: datetime | None = None,
    ) -> tuple[int, str]:
        """Begin conversation ``name`` for a person; returns the dialogue's row id and the SMS that asks its first question.

        It closes at the meeting's start or after the definition's hours (V3, V4; others 72 h). Only conversations whose first
        step asks without a fact can be begun this way; ``sms-service check`` holds the templates to that.
        """
        conversation = self.context.published.conversation(name)
        outcome = self._add(conversation, dict(data), "sms", number_id, person_id, meeting_id)
        added = self.rows[-1]
        if conversation.closes == "meeting_start" and meeting_starts_at is not None:
            added["closes_at"] = meeting_starts_at
        return added["id"], render(conversation.words, language, outcome.replies[0], "sms")

    def speaks(self, name: str, language: str) -> bool:
        """Whether the published conversation has words in this language: a version may be older than a language people chose.
        Nothing is said in a language nobody chose, and one phone keeps no other phone's text back.
        """
        return language in self.context.published.conversation(name).words.languages

    def open_on_dial(
        self,
        name: str,
        *,
        number_id: int,
        person_id: int,
        data: Mapping[str, Any] | None = None,
        meeting_id: int | None = None,
    ) -> int:
        """Begin conversation ``name`` for a person who dials: open at once, asked by no text; returns the dialogue's row id."""
        conversation = self.context.published.conversation(name)
        self._add(conversation, dict(data or {}), "ussd", number_id, person_id, meeting_id)
        self.rows[-1] |= {"state": "open", "asked_at": self.now}
        return int(self.rows[-1]["id"])

    def _add(
        self,
        conversation: Conversation,
        data: dict[str, Any],
        channel: Channel,
        number_id: int,
        person_id: int | None,
        meeting_id: int | None = None,
    ) -> Outcome:
        event = Begin(data)
        outcome = _begun(conversation, event, channel)
        row_id = new_row_id()
        self.rows.append(
            {
                "id": row_id,
                "number_id": number_id,
                "person_id": person_id,
                "meeting_id": meeting_id,
                "conversation": conversation.name,
                "place": outcome.dialogue.to_json(),
                "state": "waiting",
                "sms_open": False,
                "opened_at": self.now,
                "asked_at": None,
                "closes_at": self.now + timedelta(hours=conversation.closes_after_hours or 72),
            }
        )
        first = {"id": new_row_id(), "dialogue_id": row_id, "seq": 1, "channel": channel, "event": event_json(event), "facts": {}}
        self.events.append(first | {"at": self.now})
        return outcome

    def store(self) -> None:
        """Store what was begun, before the texts that ask it are queued."""
        if self.rows:
            self.db.execute(insert(dialogue), self.rows)
            self.db.execute(insert(dialogue_event), self.events)


def first_text(conversation: Conversation, language: str) -> str:
    """The SMS a conversation begins with, where no dialogue is begun: it asks nothing, or it is not going to leave."""
    return render(conversation.words, language, _begun(conversation, Begin({}), "sms").replies[0], "sms")


def _begun(conversation: Conversation, event: Begin, channel: Channel) -> Outcome:
    outcome = engine.step(conversation, None, event, {}, channel)
    if not isinstance(outcome, Outcome) or not outcome.replies:
        raise ValueError(f"conversation {conversation.name} does not begin with a text on {channel}")
    return outcome


def asked_again(context: Context, db: Connection, row: Any, language: str) -> str:
    """The SMS of a dialogue's current question, for its one repeat (S39), on the definition it started on (decision 4)."""
    place = Dialogue.from_json(row.place)
    conversation = conversation_for(context, db, place.conversation, place.version)
    outcome = engine.step(conversation, place, Shown(), {}, "sms")
    if not isinstance(outcome, Outcome) or not outcome.replies:
        raise ValueError(f"dialogue {row.id} stands at no question")
    return render(conversation.words, language, outcome.replies[0], "sms")
