"""What an edit would have changed: the last 90 days on a draft, counted and listed by code, with nothing changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from sms_service.conversation.parse import unpack
from sms_service.conversation.version import canonical_json
from sms_service.conversation.words import Entry, Words
from sms_service.models.dialogues import dialogue
from sms_service.models.dials import turn
from sms_service.models.inbound import inbound
from sms_service.models.people import person
from sms_service.usecases import draft_replay
from sms_service.usecases.draft_replay import DraftReplay, replay_draft, replay_in_batches
from sms_service.usecases.faults import UseFault
from sms_service.usecases.versions import import_versions
from tests.service import Service
from tests.usecases.dialling import CALLER, Phone

Change = Callable[[dict[str, Any]], None]


def draft(service: Service, name: str, change: Change, texts: dict[str, str] | None = None) -> int:
    """Import a draft: the running definition changed, and English texts changed or added; its number."""
    running = service.context.conversations[name]
    definition = json.loads(running.canonical)
    change(definition)
    entries = {language: dict(table) for language, table in running.words.entries.items()}
    for language, table in entries.items():
        for key, text in (texts or {}).items():
            table[key] = Entry(text if language == "en" else f"{text} ({language})", "A", "both")
    words = Words(entries, running.words.forms, running.words.option_labels)
    made = import_versions(service.context, [unpack(canonical_json(definition), words)], "command", "command")
    return made[0].number


def nothing(_definition: dict[str, Any]) -> None:
    """Leave the steps as they are."""


def asks_more(definition: dict[str, Any]) -> None:
    """A second question after the first."""
    definition["steps"]["more"] = {"kind": "ask", "sms": "more", "ussd": "more", "answer": "yesno", "record": "more", "next": "end"}
    definition["steps"]["ask"]["next"] = "more"


def saves_elsewhere(definition: dict[str, Any]) -> None:
    definition["steps"]["ask"]["record"] = "attending"


def tells_somebody(definition: dict[str, Any]) -> None:
    definition["steps"]["ask"]["no"] = {"next": "end", "effects": [{"name": "visit_task"}]}


def asks_a_number(definition: dict[str, Any]) -> None:
    definition["steps"]["ask"] |= {"answer": "number", "low": 1, "high": 5}


def needs_more_to_begin(definition: dict[str, Any]) -> None:
    definition["args"] |= {"place": "code"}


def looks_up(definition: dict[str, Any]) -> None:
    cases = {"planned": "end", "none": "end"}
    definition["steps"]["look"] = {"kind": "fetch", "fact": "next_meeting", "args": {}, "keep": {}, "cases": cases}
    definition["steps"]["ask"]["next"] = "look"


def counts(found: DraftReplay) -> tuple[int, int, int, int, int]:
    return found.dialogues, found.same, found.different, found.not_comparable, found.reworded


def listed(found: DraftReplay) -> list[tuple[str, str, str, str]]:
    return [(one.step, one.what, one.was, one.would) for one in found.differences]


def answer(service: Service, *texts: str) -> None:
    for text in texts:
        service.text(CALLER, text)
        service.work()


CHANGES: dict[str, tuple[Change, dict[str, str], tuple[int, int, int, int, int], list[tuple[str, str, str, str]]]] = {
    "nothing but a word nobody saw": (nothing, {"reminder_screen": "Come?"}, (1, 1, 0, 0, 0), []),
    "a word": (nothing, {"reminder": "Servas: come?"}, (1, 1, 0, 0, 1), [("ask", "text", "reminder", "reminder")]),
    "a question more": (asks_more, {"more": "And?"}, (1, 0, 1, 0, 0), [("ask", "path", "ask (ended)", "more")]),
    "another name of the answer": (saves_elsewhere, {}, (1, 0, 1, 0, 0), [("ask", "answer", "coming", "attending")]),
    "an effect more": (tells_somebody, {}, (1, 0, 1, 0, 0), [("ask", "effect", "save_answer", "save_answer, visit_task")]),
    "another kind of question": (
        asks_a_number,
        {},
        (1, 0, 1, 0, 1),
        [("ask", "text", "not_understood", "not_understood"), ("ask", "answer", "coming", "coming")],
    ),
    "more to begin with": (needs_more_to_begin, {}, (1, 0, 0, 1, 0), []),
    "a fact nobody looked up": (looks_up, {}, (1, 0, 0, 1, 0), []),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_would_have_gone_otherwise(service: Service, phone: Phone, what: str) -> None:
    """Counted apart: ways, answers and effects; texts; what cannot be compared. Nothing is changed by it."""
    answer(service, "banana", "2")
    change, texts, expected, differences = CHANGES[what]
    found = replay_draft(service.context, "reminder", draft(service, "reminder", change, texts))
    assert (counts(found), listed(found)) == (expected, differences)
    assert DraftReplay.from_json(json.loads(json.dumps(found.to_json()))) == found
    assert sum(found.reasons.values()) == found.not_comparable
    with service.context.database.begin() as db:
        codes = set(db.execute(select(person.c.code)).scalars())
        assert db.execute(select(dialogue.c.state).where(dialogue.c.conversation == "reminder")).scalar_one() == "done"
    assert {one.code for one in found.differences} <= codes


def reads_words(definition: dict[str, Any]) -> None:
    """An option that a word stands for, where there was a yes or a no."""
    definition["steps"]["ask"] |= {"answer": "scale", "low": 1, "high": 2}


def test_what_was_written_is_read_again_while_it_is_kept(service: Service, phone: Phone) -> None:
    """Where the draft asks something else: by the person's own words, or not at all."""
    answer(service, "yes")
    number = draft(service, "reminder", reads_words)
    again = replay_draft(service.context, "reminder", number)
    assert listed(again) == [("ask", "path", "ask (ended)", "ask")]  # "yes" is no number
    with service.context.database.begin() as db:
        db.execute(update(inbound).values(body=b""))
    gone = replay_draft(service.context, "reminder", number)
    assert counts(gone) == (1, 0, 0, 1, 0)
    assert gone.reasons == {"the draft asks something else, and what was written is no longer kept": 1}


def test_what_was_keyed_in_a_dial_is_read_again(service: Service, phone: Phone) -> None:
    """S12: a dialogue answered in a dial finds its key in the dial's turn."""
    phone.dials("2", phone.pin, "2")
    number = draft(service, "reminder", reads_words)
    assert listed(replay_draft(service.context, "reminder", number)) == [("ask", "answer", "coming", "coming")]
    with service.context.database.begin() as db:
        db.execute(update(turn).values(typed=None))
    assert counts(replay_draft(service.context, "reminder", number)) == (1, 0, 0, 1, 0)


def swaps_keys(definition: dict[str, Any]) -> None:
    options = definition["steps"]["home"]["options"]
    options[0]["number"], options[2]["number"] = options[2]["number"], options[0]["number"]


def asks_no_pin(definition: dict[str, Any]) -> None:
    options = definition["steps"]["home"]["options"]
    options[1]["next"] = "call"


def test_dials_of_the_menu(service: Service, phone: Phone) -> None:
    """The home menu's dials are played with the dialogues they answered; one dial presses a key that would mean something else."""
    phone.dials("2", phone.pin, "1")
    phone.dials("1")
    phone.dials("3", "1", "1")
    same = replay_draft(service.context, "home", draft(service, "home", nothing, {"stopped_short": "Done."}))
    assert counts(same) == (4, 4, 0, 0, 0)
    swapped = replay_draft(service.context, "home", draft(service, "home", swaps_keys))
    assert counts(swapped) == (4, 2, 1, 1, 0)  # 3 would look up a meeting that nobody looked up then
    assert listed(swapped) == [("home", "path", "meeting_planned (ended)", "call_topic")]
    without = replay_draft(service.context, "home", draft(service, "home", asks_no_pin))
    assert listed(without) == [("home", "path", "questions_pin", "call_topic")]


def test_only_the_last_days_and_in_batches(service: Service, phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    """By when they were opened; the counts grow batch by batch and end where one batch would have ended."""
    for _ in range(4):
        phone.dials("1")
    number = draft(service, "home", swaps_keys)
    whole = replay_draft(service.context, "home", number)
    monkeypatch.setattr(draft_replay, "BATCH", 2)
    steps = [one.dialogues for one in replay_in_batches(service.context, "home", number)]
    assert steps == [2, 4, 5]
    assert replay_draft(service.context, "home", number) == whole
    monkeypatch.setattr(draft_replay, "MOST_LISTED", 1)
    assert len(replay_draft(service.context, "home", number).differences) == 1
    service.set_time(service.now() + timedelta(days=91))
    assert replay_draft(service.context, "home", number).dialogues == 0
    assert replay_draft(service.context, "home", number, days=92).dialogues == 5


def test_a_dialogue_that_does_not_follow_from_itself_is_not_compared(service: Service, phone: Phone) -> None:
    answer(service, "1")
    number = draft(service, "reminder", nothing)
    with service.context.database.begin() as db:
        place = db.execute(select(dialogue.c.place).where(dialogue.c.conversation == "reminder")).scalar_one()
        db.execute(update(dialogue).where(dialogue.c.conversation == "reminder").values(place={**place, "version": "0" * 64}))
    found = replay_draft(service.context, "reminder", number)
    assert counts(found) == (1, 0, 0, 1, 0)
    assert found.reasons == {"it does not follow from its own events": 1}


def test_what_cannot_be_played_is_said(service: Service, phone: Phone) -> None:
    for name, number in (("reminder", 99), ("lunch", 1), ("notices", 1)):
        with pytest.raises(UseFault):
            replay_draft(service.context, name, number)
