"""The proof: the engine itself takes every conversation through every state, and what must never be is refused."""

from __future__ import annotations

from typing import Any

import pytest

from sms_service.conversation.definition import Ask, Conversation, Pin, Say
from sms_service.conversation.discretion import may_begin_on, viewers
from sms_service.conversation.engine import step
from sms_service.conversation.explore import MAX_STARTS, MAX_TAKEN, explore, live_fields
from sms_service.conversation.parse import parse_conversation
from sms_service.conversation.proof import prove
from sms_service.conversation.types import Answered
from sms_service.conversation.vocabulary import FACTS
from sms_service.conversation.words import Words
from tests.unit.conversation.broken import Change, Tables, faults_after, home, put
from tests.unit.conversation.player import catalogue

NAMES = sorted(catalogue().conversations)


@pytest.mark.parametrize("name", NAMES)
def test_every_state_of_a_shipped_conversation_is_sound(name: str) -> None:
    """S3, S5, S11, S12, V13, I22: no state raises, is dead, shows what it must not, or answers one text with two."""
    conversation = catalogue().conversations[name]
    found = explore(conversation)
    assert prove(conversation, catalogue().words, found) == []
    assert found.visited == set(conversation.steps)
    assert found.states
    assert not found.too_large


def looking_up(count: int) -> Conversation:
    """A conversation that looks up ``count`` facts one after another, whatever each says, before it asks."""
    named = sorted((name for name, shape in FACTS.items() if len(shape.results) > 1), key=lambda name: -len(FACTS[name].results))
    steps: dict[str, Any] = {"ask": {"kind": "ask", "answer": "yesno", "sms": "a", "next": "f0"}}
    for number, name in enumerate(named[:count]):
        onward = f"f{number + 1}" if number + 1 < count else "ask"
        steps[f"f{number}"] = {"kind": "fetch", "fact": name, "cases": dict.fromkeys(FACTS[name].results, onward)}
    table = {"name": "x", "class": "A", "channels": ["sms"], "start": "f0", "closes_after_hours": 5, "steps": steps}
    found, _ = parse_conversation("x.toml", table, Words())
    assert found is not None
    return found


def test_facts_that_multiply_are_refused_unproven() -> None:
    """I22: eight look-ups in a row once took twenty seconds and 400 MB to follow in every way, for a single question."""
    assert not explore(looking_up(4)).too_large
    found = explore(looking_up(8))
    assert "events" in found.too_large
    assert len(found.taken) <= MAX_TAKEN


def test_the_dial_is_explored_with_every_flag_result_and_pin() -> None:
    """The search is of the whole space: each flag, each result of each fact, right, wrong and locked PIN, both ends of a list."""
    found = explore(catalogue().conversations["home"])
    begun = {tuple(sorted(one.outcome.dialogue.data.items())) for one in found.taken if one.source is None}
    assert {(dict(data)["facilitator"], dict(data)["personal"]) for data in begun} == {(a, b) for a in (0, 1) for b in (0, 1)}
    results = {(name, fact["result"]) for one in found.taken for name, fact in one.facts.items()}
    asked = {name for name, _ in results}
    assert results == {(name, result) for name in asked for result in FACTS[name].results}
    lengths = {len(one.outcome.dialogue.data["groups"]) for one in found.taken if one.outcome.dialogue.step == "fac_group"}
    assert {1, 9} - {1} <= lengths
    assert {"fac_menu", "fac_moved", "call_plain", "question"} <= found.visited


OPEN_SCREENS = {"language", "home", "meeting_planned", "meeting_none", "call_plain", "stopped", "questions_pin", "fac_pin"}
"""S11: what a phone shows before anyone has given a PIN: next meeting, language, stop, ask for a call, and the PIN screens."""


def test_what_a_shared_or_unknown_phone_can_ever_see() -> None:
    """S3, S9, S11: over every state, only these screens; the topic of a call on an own phone; all else after the PIN."""
    home = catalogue().conversations["home"]
    found = viewers(home, explore(home))
    assert {step for step, viewer in found.items() if viewer == "anyone"} == OPEN_SCREENS
    own = {step for step, viewer in found.items() if viewer == "own phone or PIN"}
    assert own == {"call_topic", "call_when", "call_ack", "call_at_meeting"}
    texts = home.words.entries["en"]
    shown = {key for step in OPEN_SCREENS for key in _texts(home, step)}
    assert {texts[key].text_class for key in shown} == {"A"}


def _texts(home: Conversation, name: str) -> list[str]:
    step = home.steps[name]
    if isinstance(step, Pin):
        return [step.ask, step.wrong, step.locked]
    assert isinstance(step, Ask | Say)
    return [key for _, key in step.message.shown()]


def test_where_a_conversation_may_begin_follows_from_its_class() -> None:
    """S3, S9: class B begins on own phones only, class A on shared ones too; only a dial begins on a phone nobody knows."""
    for name, conversation in catalogue().conversations.items():
        phones = may_begin_on(conversation)
        assert ("shared" in phones) == (conversation.text_class == "A" or name == "home")
        assert ("unverified" in phones) == (name == "home")


def test_two_dialogues_are_one_state_only_when_nothing_that_matters_differs() -> None:
    """A flag counts as long as some way still reads it, and no longer; a fact that sets it anew ends its life."""
    live = live_fields(catalogue().conversations["home"])
    assert {"facilitator", "personal", "person", "answered"} <= live["home"]
    assert live["meeting_none"] == frozenset()
    assert "groups" in live["fac_group"]
    assert "groups" not in live["fac_menu"]


def _step(name: str, value: Tables) -> Change:
    return put(f"c/home.toml/steps/{name}", value)


def _contradiction(conversations: Tables, _messages: Tables) -> None:
    home(conversations, "call")["no"] = "call_again"
    steps = conversations["home.toml"]["steps"]
    steps["call_again"] = {"kind": "branch", "flag": "personal", "yes": "island", "no": "call_plain"}
    steps["island"] = {"kind": "say", "ussd": "thanks"}


def _many_flags(conversations: Tables, _messages: Tables) -> None:
    table = conversations["optin.toml"]
    names = [f"flag_{number}" for number in range(9)]
    table["args"] = dict.fromkeys(names, "flag")
    following = [*(f"b{number}" for number in range(1, 9)), "ask"]
    for number, name in enumerate(names):
        table["steps"][f"b{number}"] = {"kind": "branch", "flag": name, "yes": following[number], "no": following[number]}
    table["start"] = "b0"


BOTH = {"planned": "thanks", "none": "thanks"}
ROWS: list[tuple[str, Change, str, str]] = [
    ("class B on any phone", put("c/home.toml/steps/home/options/2/next", "call_topic"), "home", "several people use (S3, S9)"),
    (
        "the groups before the PIN",
        put("c/home.toml/steps/home/options/5/next", "fac_groups"),
        "home",
        "'groups' is asked for before anyone has given a PIN",
    ),
    ("a question before the PIN", put("c/home.toml/steps/home/options/1/next", "questions"), "home", "before the PIN (S11)"),
    ("0 leads to a menu", put("c/home.toml/exit", "home"), "home", "0 does not leave the dial"),
    ("0 stops the texts", put("c/home.toml/exit", "stopped"), "home", "0 has an effect: stop"),
    ("0 leads to something else", put("c/home.toml/exit", "call_at_meeting"), "home", "not a plain line about the meeting"),
    ("a step behind a flag that is never so", _contradiction, "island", "no input ever leads here"),
    (
        "a text that waits for a fact",
        put("c/optin.toml/steps/ask", {"kind": "fetch", "fact": "next_meeting", "args": {"person": "$person"}, "cases": BOTH}),
        "thanks",
        "begins with fact 'next_meeting'",
    ),
    ("more beginnings than can be tried", _many_flags, "", f"more than {MAX_STARTS} combinations"),
]


@pytest.mark.parametrize(("_what", "change", "step", "words"), ROWS, ids=[row[0] for row in ROWS])
def test_what_only_the_whole_space_shows_is_refused(_what: str, change: Change, step: str, words: str) -> None:
    """S3, S9, S11, S12, I22: each is a fault with its step and a suggestion, though every step by itself looks whole."""
    matching = [fault for fault in faults_after(change) if words in fault.reason]
    assert [fault for fault in matching if fault.step == step and fault.fix], [str(fault) for fault in faults_after(change)]


def test_an_exception_is_named_with_the_way_that_leads_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the engine raises is a fault that an author can try, not a traceback."""
    conversation = catalogue().conversations["reminder"]
    monkeypatch.setattr("sms_service.conversation.explore.step", _raises_on_answer)
    faults = prove(conversation, conversation.words, explore(conversation))
    assert any("the engine cannot go on: ZeroDivisionError" in fault.reason for fault in faults)
    assert any("begins with no flag; answers True" in fault.fix for fault in faults)


def _raises_on_answer(*args: Any) -> Any:
    if isinstance(args[2], Answered) and args[2].reading.value is True:
        raise ZeroDivisionError("division by zero")
    return step(*args)
