"""The thread offers a late text to its question, and a kept answer for correction, to those who may."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from sms_service.conversation.types import Dialogue
from sms_service.models.dialogues import dialogue, response
from sms_service.models.inbound import inbound
from tests.console.conftest import Browsers
from tests.console.world import World

THREAD = "/console/people/P1001/thread"


@pytest.fixture
def late(world: World) -> dict[str, str]:
    """The weekly question of five days ago, closed, and a text of today that answers it; what the button sends."""
    with world.context.database.begin() as db:
        world.context.now(db)
        version = world.context.conversations["checkin"].fingerprint
        asked = world.now - timedelta(days=5)
        number_id = world.ids[f"number {world.person}"]
        question = world.put(
            db,
            dialogue,
            number_id=number_id,
            person_id=world.ids[world.person],
            conversation="checkin",
            place=Dialogue("checkin", version, "ask").to_json(),
            state="closed",
            sms_open=False,
            opened_at=asked,
            asked_at=asked,
            closes_at=asked + timedelta(days=3),
        )
        world.sms_out(db, number_id, "Servas: how was your week?", asked, template="V6", dialogue_id=question)
        text = world.sms_in(db, number_id, "4", world.now - timedelta(minutes=5))
        db.execute(inbound.update().where(inbound.c.id == text).values(intent="unclear", value=None, rule="no_question"))
    return {"act": "attach", "text": str(text), "question": str(question)}


def kept(world: World) -> list[tuple[str, str]]:
    with world.context.database.begin() as db:
        return [(row.value, row.rule) for row in db.execute(select(response))]


def test_one_click_attaches_and_another_corrects(world: World, browsers: Browsers, late: dict[str, str]) -> None:
    """V6, I17: the button sends exactly these ids; a second click changes nothing; the answer can then be corrected."""
    browser = browsers("staff")
    page = browser.get(THREAD)[1]
    assert "Attach to the question of" in page
    assert f'name="text" value="{late["text"]}"' in page
    assert browser.post(THREAD + "/answers", late)[0] == 303
    assert browser.post(THREAD + "/answers", late)[0] == 422
    assert kept(world) == [("4", "attached by staff")]
    page = browser.get(THREAD)[1]
    assert "Attach to the question of" not in page
    found = re.search(r'name="answer" value="(\d+)"', page)
    assert found is not None
    correction = {"act": "correct", "answer": found[1], "value": "2"}
    assert browser.post(THREAD + "/answers", correction)[0] == 303
    assert kept(world) == [("2", "corrected by staff")]


@pytest.mark.parametrize("role", ["facilitator", "admin", "read_only"])
def test_others_cannot(world: World, browsers: Browsers, late: dict[str, str], role: str) -> None:
    """S31: facilitators see no answers and change none."""
    assert browsers(role).post(THREAD + "/answers", late)[0] == 403
    assert kept(world) == []


@pytest.mark.parametrize("field", ["text", "question"])
@pytest.mark.parametrize("value", ["", "x", "-1", "9" * 40, "１２"])
def test_nonsense_ids_change_nothing(world: World, browsers: Browsers, late: dict[str, str], field: str, value: str) -> None:
    assert browsers("staff").post(THREAD + "/answers", late | {field: value})[0] == 422
    assert kept(world) == []
