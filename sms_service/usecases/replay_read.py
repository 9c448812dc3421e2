"""What a replay needs of the database, read a batch at a time: few statements a batch, whatever is in it.

Out: stored dialogues and dials with their events, the texts they made (still sealed), the answers that were kept and the other
dialogues they refer to. Nothing is written; one batch is one snapshot.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

from sqlalchemy import Connection, Row, Select, Table, Text, cast, select

from sms_service.conversation.definition import Conversation
from sms_service.conversation.version import NOTICES_NAME
from sms_service.conversation.words import Words
from sms_service.models import versions
from sms_service.models.dialogues import dialogue, dialogue_event, response
from sms_service.models.dials import dial, turn
from sms_service.models.inbound import inbound
from sms_service.models.numbers import number
from sms_service.models.outbox import outbox
from sms_service.models.people import person
from sms_service.models.versions import conversation_version
from sms_service.usecases.context import Context
from sms_service.usecases.published import read_version
from sms_service.usecases.steps import conversation_for

Kind = Literal["dialogue", "dial"]


@dataclass
class Stored:
    """One dialogue or dial as its rows tell it. ``place`` is empty when it cannot be read; ``turns`` only a dial counts.

    ``texts`` are outbox rows of a dialogue (a dial's screens are in its events), ``answers`` the responses kept, ``heard`` the
    texts that came in, where those were asked for; all in the order they were made.
    """

    kind: Kind
    head: Row[Any]
    events: list[Row[Any]] = field(default_factory=list)
    answers: list[Row[Any]] = field(default_factory=list)
    texts: list[Row[Any]] = field(default_factory=list)
    heard: list[Row[Any]] = field(default_factory=list)

    @cached_property
    def place(self) -> dict[str, Any]:
        try:
            value = json.loads(self.head.place)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


@dataclass(frozen=True, slots=True)
class Pinned:
    """A version as dialogues pin it; without ``conversation`` it is lost or damaged, without ``worded`` its texts are."""

    conversation: Conversation | None
    worded: bool


@dataclass(slots=True)
class Batch:
    """The dialogues or dials of one batch, newest first, and the dialogues that the dials answered.

    Where what came in was asked for: ``typed`` are the turns that answered a dialogue, by their moment, and ``codes`` those of the
    people (of the number where nobody is known) by row id.
    """

    stored: list[Stored]
    others: dict[int, Stored]
    typed: dict[datetime, Any] = field(default_factory=dict)
    codes: dict[int, str] = field(default_factory=dict)


class Versions:
    """The versions that dialogues pin, each unpacked once a replay; and every stored wording of the service's own texts."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Pinned] = {}
        self.notices: list[Words] = []

    def learn(self, context: Context, db: Connection, places: Iterable[Mapping[str, Any]]) -> None:
        """Read the versions of these places that are not known yet."""
        if not self.notices:
            rows = db.execute(select(conversation_version).where(conversation_version.c.name == NOTICES_NAME))
            self.notices = [read_version(row.definition, row.words, Words()).words for row in rows if row.words is not None]
        for place in places:
            key = _version_of(place)
            if key not in self._known:
                self._known[key] = _pinned(context, db, *key)

    def of(self, place: Mapping[str, Any]) -> Pinned:
        """The version this place stands on; it has been learned before."""
        return self._known[_version_of(place)]


def _version_of(place: Mapping[str, Any]) -> tuple[str, str]:
    return str(place.get("conversation", "")), str(place.get("version", ""))


def _pinned(context: Context, db: Connection, name: str, fingerprint: str) -> Pinned:
    try:
        conversation = conversation_for(context, db, name, fingerprint)
    except (LookupError, ValueError):
        return Pinned(None, worded=False)
    row = versions.by_fingerprint(db, fingerprint)
    return Pinned(conversation, worded=row is not None and row.words is not None)


def read_batch(
    context: Context,
    db: Connection,
    known: Versions,
    kind: Kind,
    *,
    before: int | None,
    size: int,
    conversation: str = "",
    since: datetime | None = None,
    heard: bool = False,
    only: Collection[int] = (),
) -> Batch:
    """The newest ``size`` dialogues or dials below row id ``before``, in one snapshot.

    ``conversation``, ``since`` (aware UTC, by when they were opened) and the row ids of ``only`` narrow them; ``heard`` reads what
    came in as well.
    """
    if db.dialect.name == "postgresql":
        db.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    context.now(db)  # what is published is followed
    heads = _HEADS[kind].order_by(_TABLES[kind].c.id.desc()).limit(size)
    if before is not None:
        heads = heads.where(_TABLES[kind].c.id < before)
    if conversation and kind == "dialogue":
        heads = heads.where(dialogue.c.conversation == conversation)
    if since is not None:
        heads = heads.where(_TABLES[kind].c.opened_at >= since)
    if only:
        heads = heads.where(_TABLES[kind].c.id.in_(only))
    batch = Batch([Stored(kind, row) for row in db.execute(heads)], {})
    by_id = {one.head.id: one for one in batch.stored}
    if heard:
        batch.codes = _codes(db, batch.stored)
    if kind == "dialogue":
        _add_dialogues(db, by_id, heard=heard)
        batch.typed = _typed(db, batch.stored) if heard else {}
    else:
        _attach(db, _TURNS.where(turn.c.dial_id.in_(by_id)).order_by(turn.c.dial_id, turn.c.seq), by_id, "events")
        batch.others = _others(db, batch.stored)
    known.learn(context, db, (one.place for one in (*batch.stored, *batch.others.values())))
    return batch


def _add_dialogues(db: Connection, by_id: Mapping[int, Stored], *, heard: bool) -> None:
    events, answers, texts, came = dialogue_event.c, response.c, outbox.c, inbound.c
    _attach(db, _EVENTS.where(events.dialogue_id.in_(by_id)).order_by(events.dialogue_id, events.seq), by_id, "events")
    _attach(db, _ANSWERS.where(answers.dialogue_id.in_(by_id)).order_by(answers.at, answers.id), by_id, "answers")
    _attach(db, _TEXTS.where(texts.dialogue_id.in_(by_id)).order_by(texts.created_at, texts.id), by_id, "texts")
    if heard:
        _attach(db, _HEARD.where(came.dialogue_id.in_(by_id)).order_by(came.processed_at, came.id), by_id, "heard")


def _typed(db: Connection, dialogues: Sequence[Stored]) -> dict[datetime, Any]:
    """The turns in which an answer to these dialogues was keyed: a dialogue's event has its turn's moment (S12)."""
    moments = {row.at for one in dialogues for row in one.events if row.channel == "ussd"}
    return {row.at: row for row in db.execute(_TURNS.where(turn.c.at.in_(moments)))} if moments else {}


def _codes(db: Connection, stored: Sequence[Stored]) -> dict[int, str]:
    people = {row.id: row.code for row in db.execute(_CODES[0].where(person.c.id.in_({one.head.person_id for one in stored})))}
    phones = {row.id: row.code for row in db.execute(_CODES[1].where(number.c.id.in_({one.head.number_id for one in stored})))}
    return {one.head.id: people.get(one.head.person_id) or phones.get(one.head.number_id, "") for one in stored}


def _others(db: Connection, dials: Sequence[Stored]) -> dict[int, Stored]:
    """The dialogues whose questions these dials asked for (S12), with their events."""
    asked = {reference for one in dials for row in one.events for reference in _references(row.facts)}
    if not asked:
        return {}
    others = {row.id: Stored("dialogue", row) for row in db.execute(_HEADS["dialogue"].where(dialogue.c.id.in_(asked)))}
    events = dialogue_event.c
    _attach(db, _EVENTS.where(events.dialogue_id.in_(others)).order_by(events.dialogue_id, events.seq), others, "events")
    return others


def _references(facts: Any) -> Iterable[int]:
    for fact in facts.values() if isinstance(facts, dict) else ():
        reference = str(fact.get("dialogue", "")) if isinstance(fact, dict) else ""
        if reference.isdecimal():
            yield int(reference)


def _attach(db: Connection, query: Select[Any], by_id: Mapping[int, Stored], to: str) -> None:
    if by_id:
        for row in db.execute(query):
            getattr(by_id[row.owner], to).append(row)


def _place(table: Table) -> Any:
    return cast(table.c.place, Text).label("place")  # once a dialogue, as text: most of it is never looked into


_TABLES: Mapping[Kind, Table] = {"dialogue": dialogue, "dial": dial}
_HEADS: Mapping[Kind, Select[Any]] = {
    "dialogue": select(dialogue.c.id, dialogue.c.number_id, dialogue.c.person_id, dialogue.c.opened_at, _place(dialogue)),
    "dial": select(dial.c.id, dial.c.number_id, dial.c.person_id, dial.c.opened_at, dial.c.turns, dial.c.language, _place(dial)),
}
_event = dialogue_event.c
_EVENTS = select(_event.dialogue_id.label("owner"), _event.seq, _event.channel, _event.event, _event.facts, _event.at)
_TURNS = select(
    turn.c.dial_id.label("owner"), turn.c.id, turn.c.seq, turn.c.event, turn.c.facts, turn.c.at, turn.c.screen, turn.c.typed
)
_ANSWERS = select(
    response.c.dialogue_id.label("owner"), response.c.question, response.c.value, response.c.at, response.c.corrected_by
)
_TEXTS = select(
    outbox.c.dialogue_id.label("owner"),
    outbox.c.id,
    outbox.c.kind,
    outbox.c.template,
    outbox.c.language,
    outbox.c.body,
    outbox.c.created_at,
)
_CODES = (select(person.c.id, person.c.code), select(number.c.id, number.c.code))
_HEARD = select(inbound.c.dialogue_id.label("owner"), inbound.c.id, inbound.c.body, inbound.c.processed_at)
