"""Every text and screen that is still kept, rendered again from the stored events: to the byte, or it is named."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
from sqlalchemy import Connection, delete, select, update

from sms_service.models.dialogues import response
from sms_service.models.dials import turn
from sms_service.models.numbers import number
from sms_service.models.outbox import outbox
from sms_service.models.versions import conversation_version
from sms_service.usecases.published import Published
from sms_service.usecases.replay import replay_dialogues
from tests.service import Service
from tests.usecases.dialling import CALLER, Phone, different


def _reworded_screen(service: Service, db: Connection) -> None:
    """The last screen of the newest dial with one character more, sealed as it should be."""
    row = db.execute(select(turn.c.id, turn.c.screen).where(turn.c.seq == 4).order_by(turn.c.id.desc())).first()
    assert row is not None
    changed = service.context.vault.open("turn", "screen", row.id, row.screen) + "."
    db.execute(update(turn).where(turn.c.id == row.id).values(screen=service.context.vault.seal("turn", "screen", row.id, changed)))


def _another_rows_screen(_service: Service, db: Connection) -> None:
    other = db.execute(select(turn.c.screen).where(turn.c.seq == 1).limit(1)).scalar_one()
    db.execute(update(turn).where(turn.c.seq == 4).values(screen=other))


def _reworded_question(service: Service, db: Connection) -> None:
    row = db.execute(select(outbox.c.id).where(outbox.c.template == "V3")).one()
    sealed = service.context.vault.seal("outbox", "body", row.id, "Servas: will you come?")
    db.execute(update(outbox).where(outbox.c.id == row.id).values(body=sealed))


def _words_of_then_lost(_service: Service, db: Connection) -> None:
    db.execute(update(conversation_version).values(words=None))


REWORDED: dict[str, tuple[Callable[[Service, Connection], None], list[str]]] = {
    "a screen": (_reworded_screen, ["dial different: text differs at event 4"]),
    "a screen of another turn": (_another_rows_screen, ["dial different: text at event 4 cannot be opened"]),
    "a question": (_reworded_question, ["dialogue different: text differs at event 1 (V3)"]),
    "the versions' words": (
        _words_of_then_lost,
        ["dialogue not replayable: words not kept"] * 2 + ["dial not replayable: words not kept"] * 2,
    ),
}


@pytest.mark.parametrize("what", REWORDED)
def test_a_text_that_is_not_the_one_that_left_is_found(service: Service, phone: Phone, what: str) -> None:
    """Decision 5: to the byte, in the words of the version it is pinned to; without those words it cannot be told."""
    phone.dials("2", phone.pin, "1")
    assert different(service) == []
    change, expected = REWORDED[what]
    with service.context.database.begin() as db:
        change(service, db)
    context = dataclasses.replace(service.context, published=Published())
    found = [f"{one.kind} {one.verdict}: {one.first_difference}" for one in replay_dialogues(context) if not one.same]
    assert found == expected


def test_a_text_no_longer_kept_is_not_compared(service: Service, phone: Phone) -> None:
    """Decision 5: for as long as its texts are kept; the way and the answers are played all the same."""
    phone.dials("2", phone.pin, "1")
    with service.context.database.begin() as db:
        db.execute(update(outbox).values(body=b""))
        db.execute(update(turn).values(screen=b""))
    assert different(service) == []
    with service.context.database.begin() as db:
        db.execute(delete(response))
    assert len(different(service)) == 1


def test_replies_by_sms_are_compared(service: Service, phone: Phone) -> None:
    """V13 and thanks as they left; what the service said by itself (V10 to a crisis text) is no text of the dialogue (S22)."""
    for text in ("banana", "I want to kill myself", "2"):
        service.text(CALLER, text)
        service.work()
    assert different(service) == []
    with service.context.database.begin() as db:
        row = db.execute(select(outbox.c.id, outbox.c.template).where(outbox.c.template == "V13")).one()
        sealed = service.context.vault.seal("outbox", "body", row.id, "Servas: pardon?")
        db.execute(update(outbox).where(outbox.c.id == row.id).values(body=sealed))
    assert different(service) == ["dialogue different: text differs at event 2 (V13)"]


def test_screens_are_compared_in_the_language_of_their_turn(service: Service, phone: Phone) -> None:
    """The language chosen half-way, and one that staff changed between two turns."""
    phone.dials("4", "3", "4")
    with service.context.database.begin() as db:
        db.execute(update(number).values(language="sw"))
    assert "Ikinyarwanda" in phone.keys("7")
    phone.keys("1")
    assert different(service) == []
