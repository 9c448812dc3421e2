"""Stored dialogues and dials played again from their events: what the service wrote follows, what was changed since is found."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from copy import deepcopy
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Table, delete, func, insert, select, update

from sms_service.conversation.types import Answered, Begin, Event, PinChecked, Shown, TimedOut
from sms_service.models import metadata
from sms_service.models.dialogues import dialogue, dialogue_event, response
from sms_service.models.dials import dial, turn
from sms_service.models.staff import staff
from sms_service.models.versions import conversation_version
from sms_service.text.reply_types import Reading
from sms_service.usecases import replay
from sms_service.usecases.invariants import check_invariants
from sms_service.usecases.published import Published
from sms_service.usecases.replay import replay_dialogues
from sms_service.usecases.staff_accounts import add_staff
from sms_service.usecases.steps import event_json, event_of
from tests.releases import publish_another_release
from tests.service import Service
from tests.usecases.dialling import CALLER, Phone, command, different, played

ABSENT = 7
NEWEST = select(func.max(dialogue.c.id)).scalar_subquery()


def rows_of(service: Service) -> dict[str, list[Any]]:
    """Everything that is stored."""
    with service.context.database.begin() as db:
        tables = metadata.sorted_tables
        return {one.name: [tuple(row) for row in db.execute(select(one).order_by(*one.primary_key))] for one in tables}


@pytest.mark.parametrize(
    "event",
    [
        Begin({"meeting": "M1", "personal": True}),
        Answered(Reading("answer", True, rule="digit")),
        Answered(Reading("unclear"), "00"),
        PinChecked("right", "P1001"),
        Shown(),
        TimedOut(),
    ],
    ids=lambda one: type(one).__name__,
)
def test_an_event_is_read_as_it_was_stored(event: Event) -> None:
    """Decision 5: through JSON and back, each kind of event is the same one."""
    assert event_of(json.loads(json.dumps(event_json(event)))) == event


def test_answered_in_the_dial_after_the_pin(service: Service, phone: Phone) -> None:
    """Decision 5, S12: a dial that took another dialogue's question follows from its turns, and so does that dialogue."""
    assert "Will you come?" in phone.dials("2", phone.pin)
    assert "Will you come?" in phone.keys("8")
    assert phone.keys("1").startswith("END ")
    found = played(service)
    assert [(one.kind, one.conversation, one.verdict) for one in found] == [
        ("dialogue", "reminder", "same"),
        ("dialogue", "optin", "same"),
        ("dial", "home", "same"),
        ("dial", "home", "same"),
    ]
    assert [one.steps for one in found] == [3, 1, 5, 2]


@pytest.mark.parametrize("then", ["the question closes", "leave", "back", "a stop", "blank", "state lost", "nothing"])
def test_every_way_on_from_an_open_question(service: Service, phone: Phone, then: str) -> None:
    """Decision 5, S12, S17: closed meanwhile, left with 0 or 00, stopped in words, shown again, begun again, dropped."""
    assert "Will you come?" in phone.dials("2", phone.pin)
    if then == "the question closes":
        service.text(CALLER, "2")
        service.work()
        assert phone.keys("1").startswith("END ")
    elif then == "state lost":
        assert "1) Next meeting" in phone.loses_its_state()
    elif then != "nothing":
        phone.keys({"leave": "0", "back": "00", "a stop": "STOP", "blank": " "}[then])
    assert different(service) == []
    phone.dials("STOP")
    assert different(service) == []


def _in_first(db: Connection, table: Table, column: str, change: Callable[[Any], None], *where: Any) -> None:
    """Change a JSON value of the newest row that matches."""
    row = db.execute(select(table.c.id, table.c[column]).where(*where).order_by(table.c.id.desc()).limit(1)).one()
    value = deepcopy(row[1])
    change(value)
    db.execute(update(table).where(table.c.id == row.id).values({column: value}))


def _answers_no(value: Any) -> None:
    value["reading"]["value"] = False


TAMPERED: dict[str, tuple[Callable[[Connection], Any], list[str]]] = {
    "an answer in the dialogue": (
        lambda db: _in_first(db, dialogue_event, "event", _answers_no, dialogue_event.c.seq == 2),
        [
            "dialogue different: event 2: the answer to coming is not the one that was kept",
            "dial different: event 4 is not what dialogue ",
        ],
    ),
    "the kept answer": (
        lambda db: db.execute(update(response).values(value="no")),
        ["dialogue different: event 2: the answer to coming is not the one that was kept"],
    ),
    "the kept answer is gone": (
        lambda db: db.execute(delete(response)),
        ["dialogue different: 1 answers were given and 0 were kept"],
    ),
    "an event is gone": (
        lambda db: db.execute(delete(dialogue_event).where(dialogue_event.c.dialogue_id == NEWEST, dialogue_event.c.seq == 1)),
        ["dialogue different: event 1 is not stored", "dial not replayable: event 4 needs dialogue "],
    ),
    "every event is gone": (
        lambda db: db.execute(delete(dialogue_event)),
        ["dialogue different: event 1 is not stored"] * 2 + ["dial not replayable: event 4 needs dialogue "],
    ),
    "an unknown event": (
        lambda db: _in_first(
            db,
            dialogue_event,
            "event",
            lambda value: value.update(kind="Guessed"),
            dialogue_event.c.dialogue_id == NEWEST,
            dialogue_event.c.seq == 1,
        ),
        ["dialogue different: event 1 cannot be read (KeyError)", "dial not replayable: event 4 needs dialogue "],
    ),
    "the dialogue's place": (
        lambda db: _in_first(db, dialogue, "place", lambda value: value.update(done=False)),
        ["dialogue different: after the last event: done differs"],
    ),
    "the dialogue's data": (
        lambda db: _in_first(db, dialogue, "place", lambda value: value["data"].update(extra=None)),
        ["dialogue different: after the last event: data.extra differs"],
    ),
    "the dialogue's version": (
        lambda db: _in_first(db, dialogue, "place", lambda value: value.update(version="0" * 64)),
        [
            "dialogue different: the version of the conversation that it started on is not stored",
            "dial not replayable: event 4 needs dialogue ",
        ],
    ),
    "the dial's last turn": (
        lambda db: _in_first(db, turn, "event", _answers_no),
        ["dial different: event 4 is not what dialogue "],
    ),
    "the dial's PIN": (
        lambda db: _in_first(db, turn, "event", lambda value: value.update(verdict="wrong"), turn.c.seq == 3),
        ["dial different: text differs at event 3"],
    ),
    "a fact of the dial": (
        lambda db: _in_first(db, turn, "facts", lambda value: value.pop("next_meeting"), turn.c.seq == 4),
        ["dial different: event 4: the fact next_meeting is not stored"],
    ),
    "the question the dial asked for": (
        lambda db: _in_first(db, turn, "facts", lambda value: value["open_question"].update(dialogue=str(ABSENT)), turn.c.seq == 3),
        ["dial not replayable: event 4 asked for a dialogue that is not stored"],
    ),
    "a turn is gone": (
        lambda db: db.execute(delete(turn).where(turn.c.seq == 4)),
        ["dial different: event 4 is not stored"],
    ),
    "the dial's count": (
        lambda db: db.execute(update(dial).where(dial.c.turns == 4).values(turns=3)),
        ["dial different: event 4 is one more than the dial counted"],
    ),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_what_was_changed_behind_the_service_is_found(service: Service, phone: Phone, what: str) -> None:
    """Decision 5: each change of an event, a fact, a place or an answer shows where it makes itself felt first."""
    phone.dials("2", phone.pin, "1")
    assert different(service) == []
    change, expected = TAMPERED[what]
    with service.context.database.begin() as db:
        change(db)
    found = different(service)
    assert len(found) == len(expected), found
    assert all(one.startswith(start) for one, start in zip(found, expected, strict=True)), found


def test_what_staff_attached_or_corrected_is_no_difference(service: Service, phone: Phone) -> None:
    """A late answer belongs to no event, a corrected one keeps its moment: both name the member of staff who did it."""
    phone.dials("2", phone.pin, "1")
    add_staff(service.context, "nadine", "Nadine", ["staff"], actor="command")
    with service.context.database.begin() as db:
        kept = db.execute(select(response)).one()._asdict()
        me = db.execute(select(staff.c.id)).scalar_one()
        db.execute(update(response).values(value="no", corrected_by=me))
        late = {"id": 1, "question": "week", "value": "2", "at": kept["at"] + timedelta(seconds=1), "corrected_by": me}
        db.execute(insert(response).values({**kept, **late}))
    assert different(service) == []
    with service.context.database.begin() as db:
        db.execute(update(response).values(corrected_by=None))
    assert len(different(service)) == 1


def test_each_is_played_on_the_version_it_started_on(service: Service, phone: Phone) -> None:
    """Decisions 4 and 5: after a release with other conversations, the stored definitions serve; without them it differs."""
    phone.dials("2", phone.pin, "1")
    publish_another_release(service.context)
    later = dataclasses.replace(service.context, published=Published())
    assert [one.verdict for one in replay_dialogues(later)] == ["same"] * 4
    with service.context.database.begin() as db:
        db.execute(delete(conversation_version))
    lost = dataclasses.replace(later, published=Published())
    assert [one.verdict for one in replay_dialogues(lost)] == ["different"] * 4


def test_pages_and_limit(service: Service, phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the pages are, each row is played once, newest first; a limit counts dialogues and dials apart."""
    for _ in range(3):
        phone.dials("1")
    whole = played(service)
    assert [one.kind for one in whole] == ["dialogue"] * 2 + ["dial"] * 4
    assert [one.row_id for one in whole[2:]] == sorted((one.row_id for one in whole[2:]), reverse=True)
    for size in (1, 2, 4):
        monkeypatch.setattr(replay, "BATCH", size)
        assert played(service) == whole
        assert list(replay_dialogues(service.context, limit=3)) == whole[:5]


def test_the_command_says_what_differs_and_changes_nothing(service: Service, phone: Phone, tmp_path: Path) -> None:
    """Decision 5, I16: exit 0 when all follow, 1 when one does not; codes only, and not a row is written."""
    phone.dials("2", phone.pin, "1")
    before = rows_of(service)
    good = command(service, tmp_path, "replay")
    assert (good.exit_code, good.stdout) == (0, "same 4, different 0, not replayable 0\n")
    assert rows_of(service) == before
    assert not [one.rule for one in check_invariants(service.context) if one.broken]
    with service.context.database.begin() as db:
        TAMPERED["the dialogue's place"][0](db)
    bad = command(service, tmp_path, "replay", "--json")
    lines = [json.loads(line) for line in bad.stdout.splitlines()]
    assert bad.exit_code == 1
    assert [line["verdict"] for line in lines] == ["different", "same", "same", "same"]
    assert CALLER[-9:] not in bad.output
    assert phone.pin not in "".join(line["first_difference"] for line in lines)
    assert [one.rule for one in check_invariants(service.context) if one.broken] == ["D5"]
    assert command(service, tmp_path, "replay", "--limit", "0").exit_code == 2


def test_the_invariant_takes_a_sample_or_everything(service: Service, phone: Phone) -> None:
    """Decision 5: of dialogues and of dials so many each; without a number every one."""
    phone.dials("2", phone.pin, "1")
    assert [one.checked for one in check_invariants(service.context, sample=1) if one.rule == "D5"] == [2]
    assert [one.checked for one in check_invariants(service.context, sample=None) if one.rule == "D5"] == [4]
