"""A small programme for the console's tests, put in row by row so that every state is known."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Table, insert

from sms_service.models import numbers
from sms_service.models.concerns import concern
from sms_service.models.dials import dial, turn
from sms_service.models.groups import curriculum, group, group_facilitator, membership, programme
from sms_service.models.inbound import inbound
from sms_service.models.outbox import outbox
from sms_service.models.people import contact_point, identity, person
from sms_service.models.search import index
from sms_service.security.tokens import new_row_id
from sms_service.text.search_words import search_words
from sms_service.usecases.context import Context

NAME = "Uwase Canary"
PHONE = "+250788123456"
OTHER_PHONE = "+250788654321"
PLAIN = "nzaza ejo mu gitondo"
HELD = "ndashaka gupfa uyu munsi"
MARKUP = '<script>alert("x")</script><img src=x onerror=alert(1)>'
SCREEN = "Servas\n1) Next meeting\n0) Exit"


@dataclass
class World:
    """Codes and row ids of what was put in."""

    context: Context
    now: datetime
    person: str = "P1001"
    other: str = "P1002"
    facilitator: str = "P9001"
    group: str = "G07"
    other_group: str = "G08"
    concern: str = "C1042"
    task: str = "C2042"
    ids: dict[str, int] = field(default_factory=dict)

    def put(self, db: Connection, table: Table, **values: Any) -> int:
        """Insert one row with a fresh id."""
        row_id = new_row_id()
        db.execute(insert(table).values(id=row_id, **values))
        return row_id

    def sms_in(self, db: Connection, number_id: int, words: str, at: datetime, *, alert: str = "none") -> int:
        """An inbound text as the service stores it: sealed, and indexed unless it is flagged."""
        row_id = new_row_id()
        vault = self.context.vault
        digest = vault.text_hash("text", words)
        db.execute(
            insert(inbound).values(
                id=row_id,
                channel="sms",
                provider_id=f"in-{row_id}",
                number_id=number_id,
                body=vault.seal("inbound", "body", row_id, words),
                text_hash=digest,
                alert=alert,
                is_stop=False,
                state="done",
                fails=0,
                intent="crisis" if alert == "red" else "answer",
                value=None if alert == "red" else "yes",
                rule="yes.rw",
                confidence=0.92,
                received_at=at,
            )
        )
        if alert == "none":
            index(db, {digest: [vault.word_hash(word) for word in search_words(words)]})
        return row_id

    def sms_out(self, db: Connection, number_id: int, words: str, at: datetime, **values: Any) -> int:
        """An outgoing text, delivered unless told otherwise."""
        row_id = new_row_id()
        vault = self.context.vault
        digest = vault.text_hash("text", words)
        row: dict[str, Any] = {
            "id": row_id,
            "key": f"out:{row_id}",
            "number_id": number_id,
            "template": "V3",
            "kind": "scheduled",
            "text_class": "A",
            "lane": 2,
            "language": "rw",
            "body": vault.seal("outbox", "body", row_id, words),
            "body_hash": digest,
            "state": "delivered",
            "not_before": at,
            "expires_at": at + timedelta(hours=24),
            "created_at": at,
        }
        db.execute(insert(outbox).values({**row, **values}))
        index(db, {digest: [vault.word_hash(word) for word in search_words(words)]})
        return row_id


def make_world(context: Context) -> World:
    """Everything, in one transaction."""
    with context.database.begin() as db:
        now = context.now(db)
        world = World(context, now)
        programme_id = world.put(db, programme, code="CSG", names={"en": "Groups"}, outbound_held=False)
        curriculum_id = world.put(db, curriculum, programme_id=programme_id, version=1)
        for name, phone, code in (
            (NAME, PHONE, world.person),
            ("Someone Else", OTHER_PHONE, world.other),
            ("A Leader", "+250788000111", world.facilitator),
        ):
            _person(world, db, code, name, phone, now)
        for code in (world.group, world.other_group):
            world.ids[code] = world.put(
                db,
                group,
                code=code,
                curriculum_id=curriculum_id,
                neutral_name=f"Group {code}",
                cell_code="3301",
                weekday=2,
                start_time="14:00",
                venue_code="V1",
                state="running",
                outbound_held=False,
                created_at=now,
            )
        for code, own in ((world.person, world.group), (world.other, world.other_group)):
            world.put(db, membership, group_id=world.ids[own], person_id=world.ids[code], part="member", joined_at=now)
        world.put(db, group_facilitator, group_id=world.ids[world.group], person_id=world.ids[world.facilitator])
        _traffic(world, db, now)
    return world


def _person(world: World, db: Connection, code: str, name: str, phone: str, now: datetime) -> None:
    vault = world.context.vault
    kind = "facilitator" if code == world.facilitator else "participant"
    person_id = world.put(
        db,
        person,
        code=code,
        kind=kind,
        sex="f",
        age_band="25-34",
        language="rw",
        literacy_aid=False,
        status="active",
        outbound_held=False,
        created_at=now,
    )
    world.ids[code] = person_id
    db.execute(insert(identity).values(person_id=person_id, name=vault.seal("identity", "name", person_id, name)))
    number_id = world.ids[f"number {code}"] = numbers.ensure(db, vault, phone, now)
    numbers.change(db, number_id, language="rw")
    world.put(
        db,
        contact_point,
        person_id=person_id,
        number_id=number_id,
        ownership="own",
        safe_hours="Mon-Fri 09:00-12:00",
        channels=["sms", "ussd"],
        overtness="discreet",
        created_at=now,
    )


def _traffic(world: World, db: Connection, now: datetime) -> None:
    mine, theirs = world.ids[f"number {world.person}"], world.ids[f"number {world.other}"]
    ask = "Servas: inama yanyu ni ku wa Gatatu 12/11, saa munani (14:00), aho dusanzwe duhurira. Muzaza? 1 = Yego, 2 = Oya"
    world.sms_out(db, mine, ask, now - timedelta(hours=30), person_id=world.ids[world.person])
    world.sms_in(db, mine, PLAIN, now - timedelta(hours=29))
    held = world.sms_in(db, mine, HELD, now - timedelta(hours=2), alert="red")
    world.sms_in(db, theirs, MARKUP, now - timedelta(hours=1))
    _dial(world, db, mine, now - timedelta(minutes=50))
    common: dict[str, Any] = {"number_id": mine, "state": "new", "texts": 1, "person_id": world.ids[world.person]}
    world.ids[world.concern] = world.put(
        db,
        concern,
        code=world.concern,
        kind="crisis_red",
        severity="red",
        inbound_id=held,
        opened_at=now - timedelta(hours=2),
        due_at=now - timedelta(hours=1),
        **common,
    )
    world.ids[world.task] = world.put(
        db,
        concern,
        code=world.task,
        kind="call_request",
        severity="call",
        topic="legal",
        slot="morning",
        opened_at=now - timedelta(hours=3),
        due_at=now + timedelta(hours=20),
        **common,
    )


def _dial(world: World, db: Connection, number_id: int, at: datetime) -> None:
    vault = world.context.vault
    dial_id = world.put(
        db,
        dial,
        gateway_session=f"s-{number_id}",
        number_id=number_id,
        service_code="*384*5#",
        language="rw",
        text_length=6,
        text_hash=b"0" * 16,
        turns=2,
        place={},
        state="ended",
        opened_at=at,
        last_at=at,
    )
    turns: list[tuple[str | None, str, dict[str, Any]]] = [
        ("", "answer", {}),
        ("2", "answer", {}),
        (None, "pin", {"kind": "PinChecked", "verdict": "wrong", "person": ""}),
    ]
    for seq, (typed, intent, event) in enumerate(turns):
        row_id = new_row_id()
        db.execute(
            insert(turn).values(
                id=row_id,
                dial_id=dial_id,
                number_id=number_id,
                seq=seq,
                receipt=f"receipt {seq}".encode(),
                typed=None if typed is None else vault.seal("turn", "typed", row_id, typed),
                typed_hash=None if typed is None else vault.text_hash("text", typed),
                screen=vault.seal("turn", "screen", row_id, SCREEN),
                intent=intent,
                value=None,
                rule=None,
                alert="none",
                event=event,
                facts={},
                at=at + timedelta(seconds=seq),
            )
        )
