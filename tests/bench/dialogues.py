"""A past to replay: dialogues and dials with their events, texts and answers, made by the engine itself and written in bulk."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert

from sms_service.conversation import engine
from sms_service.conversation.definition import Conversation
from sms_service.conversation.made_up import begin_with, made_up_fact
from sms_service.conversation.render import render
from sms_service.conversation.types import Answered, Begin, Channel, Dialogue, Event, Outcome, Reply
from sms_service.models.dialogues import dialogue, dialogue_event, response
from sms_service.models.dials import dial, turn
from sms_service.models.outbox import outbox
from sms_service.security.tokens import new_row_id
from sms_service.text.reading import read_reply
from sms_service.usecases.context import Context
from sms_service.usecases.effects import coded_answer
from sms_service.usecases.steps import event_json
from tests.bench.seed import NOW, Seeded

BATCH = 1_000
DIALS_EACH = 4  # a dial for so many dialogues
_MEETING = {"day": "2026-05-20", "time": "14:00"}
#: Conversation, its beginning, and what was answered by SMS, not all of it understood.
TALKS: tuple[tuple[str, dict[str, Any], tuple[str, ...]], ...] = (
    ("reminder", _MEETING, ("yego",)),
    ("checkin", {}, ("nabi cyane",)),
    ("reminder", _MEETING, ("murakoze cyane", "simbizi neza", "2")),
    ("missed", {"day": "2026-05-06"}, ("3",)),
    ("checkin", {}, ("sinzi icyo nakubwira", "4")),
    ("moved", {"old_day": "2026-05-20", "day": "2026-05-21", "time": "09:30"}, ("oya",)),
    ("optin", {}, ("1",)),
    ("reminder", _MEETING, ()),
)
_KEYS: tuple[tuple[str, ...], ...] = (("1",), ("3", "1", "2"), ("4", "1", "0"), ("9", "1"))


@dataclass
class Rows:
    """Rows of one batch, by table, and how many steps they hold."""

    context: Context
    people: Seeded
    dialogues: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    answers: list[dict[str, Any]] = field(default_factory=list)
    texts: list[dict[str, Any]] = field(default_factory=list)
    dials: list[dict[str, Any]] = field(default_factory=list)
    turns: list[dict[str, Any]] = field(default_factory=list)

    def write(self) -> None:
        with self.context.database.begin() as db:
            for table, rows in (
                (dialogue, self.dialogues),
                (dialogue_event, self.events),
                (response, self.answers),
                (outbox, self.texts),
                (dial, self.dials),
                (turn, self.turns),
            ):
                if rows:
                    db.execute(insert(table), rows)

    def talk(self, number: int) -> None:
        """One dialogue by SMS: its question, the answers, the replies."""
        name, data, said = TALKS[number % len(TALKS)]
        conversation = self.context.conversations[name]
        person = number % len(self.people.person_ids)
        at = NOW - timedelta(minutes=number)
        row_id = new_row_id()
        place: Dialogue | None = None
        events: list[Event] = [Begin(dict(data))]
        for seq in itertools.count(1):
            if seq > len(events):
                break
            outcome, facts = _taken(conversation, place, events[seq - 1], "sms")
            at_step = at + timedelta(seconds=seq)
            stored = {"seq": seq, "channel": "sms", "event": event_json(events[seq - 1]), "facts": facts, "at": at_step}
            self.events.append({"id": new_row_id(), "dialogue_id": row_id, **stored})
            self._outcome(row_id, person, conversation, seq, outcome, at_step)
            place = outcome.dialogue
            if seq <= len(said) and not place.done:
                wanted = engine.wants(conversation, place)
                events.append(Answered(read_reply(self.context.lexicon, said[seq - 1], wanted, language="rw")))
        if place is None:
            return
        times = {"opened_at": at, "asked_at": at, "closes_at": at + timedelta(hours=72)}
        self.dialogues.append(
            {
                "id": row_id,
                "number_id": self.people.number_ids[person],
                "person_id": self.people.person_ids[person],
                "conversation": name,
                "place": place.to_json(),
                "state": "done" if place.done else "open",
                "sms_open": False,
                **times,
            }
        )

    def _outcome(self, owner: int, person: int, conversation: Conversation, seq: int, outcome: Outcome, at: datetime) -> None:
        for effect in outcome.effects:
            if effect.name == "save_answer":
                value = coded_answer(effect.args["value"])
                kept = {"question": effect.args["question"], "value": value, "channel": "sms", "rule": "bench", "at": at}
                self.answers.append({"id": new_row_id(), "dialogue_id": owner, **kept})
        if outcome.replies:
            self._text(owner, person, conversation, seq, outcome.replies[0], at)

    def _text(self, owner: int, person: int, conversation: Conversation, seq: int, reply: Reply, at: datetime) -> None:
        row_id = new_row_id()
        body = render(conversation.words, "rw", reply, "sms")
        template = {"not_understood": "V13", "call_ack": "V10"}.get(reply.key, reply.key)
        self.texts.append(
            {
                "id": row_id,
                "key": f"bench:{owner}:{seq}",
                "number_id": self.people.number_ids[person],
                "dialogue_id": owner,
                "template": template,
                "kind": "scheduled" if seq == 1 else "reply",
                "text_class": "A",
                "lane": 1,
                "language": "rw",
                "body": self.context.vault.seal("outbox", "body", row_id, body),
                "body_hash": b"bench",
                "segments": 1,
                "state": "delivered",
                "not_before": at,
                "expires_at": at,
                "attempts": 1,
                "created_at": at,
                "shown_at": at,
            }
        )

    def dial(self, number: int) -> None:
        """One dial: the menu and a few keys."""
        home = self.context.conversations["home"]
        person = number % len(self.people.person_ids)
        at = NOW - timedelta(minutes=number)
        row_id = new_row_id()
        place: Dialogue | None = None
        turns = 0
        for turns, key in enumerate(("", *_KEYS[number % len(_KEYS)]), start=1):
            if place is not None and place.done:
                turns -= 1
                break
            at_turn = at + timedelta(seconds=turns)
            event: Event = Begin(begin_with(home))
            if place is not None:
                reading = read_reply(self.context.lexicon, key, engine.wants(home, place), language="rw")
                event = Answered(reading, key if key in ("0", "00") else "")
            outcome, facts = _taken(home, place, event, "ussd")
            place = outcome.dialogue
            screen = render(home.words, "rw", outcome.replies[-1], "ussd")
            self._turn(row_id, person, screen, {"seq": turns, "event": event_json(event), "facts": facts, "at": at_turn})
        if place is None:
            return
        self.dials.append(
            {
                "id": row_id,
                "gateway_session": f"bench-{row_id}",
                "number_id": self.people.number_ids[person],
                "service_code": "*384*123#",
                "language": "rw",
                "text_length": 0,
                "text_hash": b"bench",
                "turns": turns,
                "place": place.to_json(),
                "state": "ended",
                "opened_at": at,
                "last_at": at,
            }
        )

    def _turn(self, owner: int, person: int, screen: str, stored: dict[str, Any]) -> None:
        row_id = new_row_id()
        self.turns.append(
            {
                "id": row_id,
                "dial_id": owner,
                "number_id": self.people.number_ids[person],
                "receipt": row_id.to_bytes(8, "big"),
                "screen": self.context.vault.seal("turn", "screen", row_id, screen),
                "intent": "answer",
                "alert": "none",
                **stored,
            }
        )


def _taken(conversation: Conversation, place: Dialogue | None, event: Event, channel: Channel) -> tuple[Outcome, dict[str, Any]]:
    """One step and the made-up facts it was given, which are stored with it."""
    facts: dict[str, Any] = {}
    while True:
        outcome = engine.step(conversation, place, event, facts, channel)
        if isinstance(outcome, Outcome):
            return outcome, facts
        facts[outcome.name] = made_up_fact(outcome.name)


def write_past(context: Context, people: Seeded, dialogues: int) -> Iterator[int]:
    """Write ``dialogues`` dialogues and a quarter as many dials, batch by batch; yields how many dialogues there are."""
    for start in range(0, dialogues, BATCH):
        rows = Rows(context, people)
        numbers = range(start, min(start + BATCH, dialogues))
        for number in numbers:
            rows.talk(number)
            if number % DIALS_EACH == 0:
                rows.dial(number // DIALS_EACH)
        rows.write()
        yield numbers[-1] + 1
