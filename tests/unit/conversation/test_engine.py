"""The engine under any order of events (a state machine), its protocol of needs, and whose fault a wrong call is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sms_service.conversation.engine import EFFECTS, EngineFault, at_resume, step, wants
from sms_service.conversation.parse import parse_conversation
from sms_service.conversation.render import render
from sms_service.conversation.types import (
    Answered,
    Begin,
    Channel,
    Dialogue,
    Effect,
    Event,
    Need,
    Outcome,
    PinChecked,
    Shown,
    TimedOut,
)
from sms_service.conversation.vocabulary import FACTS, MAX_UNCLEAR
from sms_service.text.gsm import segments
from sms_service.text.reply_types import Expectation, Intent, Reading
from tests.unit.conversation.player import BEGINNINGS, HOME, LANGUAGES, catalogue, settle

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "day": st.dates().map(lambda day: day.isoformat()),
    "time": st.times().map(lambda time: time.strftime("%H:%M")),
    "moment": st.datetimes().map(lambda at: at.isoformat("T", "minutes")),
    "phone": st.just("114"),
    "count": st.integers(0, 999),
    "row": st.integers(1, 2**62),
    "list": st.lists(st.integers(1, 999).map("G{}".format), min_size=1, max_size=20, unique=True),
}
INTENTS: list[Intent] = [
    "answer", "stop", "start", "help", "language", "code_word", "wrong_person", "dont_know", "unclear", "crisis",
]  # fmt: skip
READINGS = st.builds(
    Reading,
    st.sampled_from(INTENTS),
    st.one_of(
        st.booleans(),
        st.none(),
        st.integers(-1, 3000),
        st.sampled_from(["next_time", "call", "1430", "0512", "rw", "same", "menu", "G1", "meeting", "questions", "x"]),
        st.text(max_size=5),
    ),
)


def likely(expected: Expectation) -> st.SearchStrategy[Any]:
    """An answer that a question of this kind takes."""
    if expected.kind == "yesno":
        return st.booleans()
    if expected.kind == "date":
        return st.just("0512")
    options: st.SearchStrategy[Any] = st.sampled_from([option.value for option in expected.options] or [""])
    if expected.kind in ("scale", "number"):
        return st.one_of(options, st.integers(expected.low, expected.high))
    return options


class AnyOrder(RuleBasedStateMachine):
    """Any conversation, any channel, any event at any time, with facts of every shape they may have."""

    def __init__(self) -> None:
        super().__init__()
        self.name = "home"
        self.dialogue: Dialogue | None = None
        self.unclear_in_a_row = 0

    @initialize(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        # home has most of the steps, so it gets most of the runs
        self.name = data.draw(st.sampled_from(["home"] * 5 + sorted(BEGINNINGS)))
        given = {flag: data.draw(st.booleans()) for flag in HOME} if self.name == "home" else BEGINNINGS[self.name]
        self.take(Begin(given), self.channel(data), data)
        if self.name == "home" and given["facilitator"]:
            # half of the screens lie behind line 6: start there, at the PIN
            self.dialogue = Dialogue("home", self.conversation.fingerprint, "fac_pin", given)

    @rule(data=st.data(), times=st.integers(1, 6))
    def go_on(self, data: st.DataObject, times: int) -> None:
        """The likely way, a few turns of it: answers the open question takes, so that deep steps are reached."""
        assert self.dialogue is not None
        for _ in range(times):
            expected = wants(self.conversation, self.dialogue)
            channel = self.channel(data)
            if expected.kind == "pin":
                self.take(PinChecked("right", "P4821"), channel, data)
            else:
                self.take(Answered(Reading("answer", data.draw(likely(expected)))), channel, data)

    @rule(reading=READINGS, key=st.sampled_from(["", "", "", "00", "0"]), data=st.data())
    def answer_anything(self, reading: Reading, key: str, data: st.DataObject) -> None:
        self.take(Answered(reading, key), self.channel(data), data)

    @rule(verdict=st.sampled_from(["right", "wrong", "locked"]), data=st.data())
    def pin(self, verdict: Any, data: st.DataObject) -> None:
        self.take(PinChecked(verdict, "P4821"), "ussd", data)

    @rule(event=st.sampled_from([Shown(), Shown(), TimedOut()]), data=st.data())
    def other(self, event: Event, data: st.DataObject) -> None:
        self.take(event, self.channel(data), data)

    @precondition(lambda self: self.dialogue is not None and self.dialogue.done)
    @rule(data=st.data())
    def begin_again(self, data: st.DataObject) -> None:
        self.begin(data)

    @property
    def conversation(self) -> Any:
        return catalogue().conversations[self.name]

    def channel(self, data: st.DataObject) -> Channel:
        """One of those the conversation runs on; the host uses no other."""
        chosen: Channel = data.draw(st.sampled_from(self.conversation.channels))
        return chosen

    def take(self, event: Event, channel: Channel, data: st.DataObject) -> None:
        drawn: dict[str, Any] = {}

        def fact(name: str) -> dict[str, Any]:
            shape = FACTS[name]
            result = data.draw(st.sampled_from(sorted(shape.results)))
            fields = {key: data.draw(VALUES[kind]) for key, kind in shape.fields.items()}
            found = {"result": result, **(fields if result == shape.carries else {})}
            drawn[name] = found
            return found

        facts = {name: (lambda _args, name=name: fact(name)) for name in FACTS}
        before = self.dialogue
        outcome, _ = settle(self.conversation, before, event, channel, facts)
        # decision 5: the same stored dialogue, event and facts give the same outcome again
        again = None if before is None else Dialogue.from_json(json.loads(json.dumps(before.to_json())))
        stored = json.loads(json.dumps(drawn))
        assert step(self.conversation, again, event, stored, channel) == outcome
        self.look_at(outcome, channel, was_done=before is not None and before.done and not isinstance(event, Begin))
        self.dialogue = Dialogue.from_json(json.loads(json.dumps(outcome.dialogue.to_json())))
        assert self.dialogue == outcome.dialogue

    def look_at(self, outcome: Outcome, channel: Channel, *, was_done: bool) -> None:
        assert len(outcome.replies) <= 1
        if was_done:
            assert not outcome.replies
            assert not outcome.effects
        for reply in outcome.replies:
            for language in LANGUAGES:
                assert segments(render(catalogue().words, language, reply, channel)).parts == 1
            assert outcome.dialogue.done == reply.ends
            self.unclear_in_a_row = self.unclear_in_a_row + 1 if reply.key == "not_understood" else 0
            assert self.unclear_in_a_row <= MAX_UNCLEAR or reply.key != "not_understood"
        for effect in outcome.effects:
            assert set(effect.args) == EFFECTS[effect.name]

    @invariant()
    def never_dead(self) -> None:
        """An open dialogue can always be shown again or is waiting inside another one."""
        if self.dialogue is None or self.dialogue.done:
            return
        expected = wants(self.conversation, self.dialogue)
        assert expected.kind != "none" or at_resume(self.conversation, self.dialogue)


AnyOrder.TestCase.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)
TestAnyOrder = AnyOrder.TestCase


def home() -> tuple[Any, Outcome]:
    conversation = catalogue().conversations["home"]
    outcome = step(conversation, None, Begin(HOME), {}, "ussd")
    assert isinstance(outcome, Outcome)
    return conversation, outcome


def test_a_missing_fact_is_asked_for_and_nothing_happens_yet() -> None:
    """A need carries the arguments drawn from the dialogue; the same call with the fact goes on."""
    conversation, outcome = home()
    event = Answered(Reading("answer", "meeting"))
    assert step(conversation, outcome.dialogue, event, {}, "ussd") == Need("next_meeting", {"person": None})
    after = step(conversation, outcome.dialogue, event, {"next_meeting": {"result": "none"}}, "ussd")
    assert isinstance(after, Outcome)
    assert after.dialogue.done
    assert "day" not in outcome.dialogue.data


@pytest.mark.parametrize(
    "fact",
    [None, "planned", {}, {"result": "maybe"}, {"result": "planned"}, {"result": "planned", "day": "2025-11-12"}],
)
def test_a_fact_that_breaks_its_shape_is_the_hosts_fault(fact: Any) -> None:
    """An unknown result or a missing field raises and changes nothing: the dial then says its apology."""
    conversation, outcome = home()
    with pytest.raises(EngineFault):
        step(conversation, outcome.dialogue, Answered(Reading("answer", "meeting")), {"next_meeting": fact}, "ussd")


def test_wrong_calls_are_refused() -> None:
    """A missing argument, a missing dialogue, another version, an unknown step or an empty list of groups."""
    conversations = catalogue().conversations
    reminder = conversations["reminder"]
    with pytest.raises(EngineFault, match="cannot begin without time"):
        step(reminder, None, Begin({"day": "2025-11-12"}), {}, "sms")
    with pytest.raises(EngineFault, match="begin it first"):
        step(reminder, None, Shown(), {}, "sms")
    for dialogue, words in (
        (Dialogue("reminder", "old", "ask"), "the definition it started on"),
        (Dialogue("moved", reminder.fingerprint, "ask"), "the definition it started on"),
        (Dialogue("reminder", reminder.fingerprint, "gone"), "no step 'gone'"),
    ):
        with pytest.raises(EngineFault, match=words):
            step(reminder, dialogue, Shown(), {}, "sms")
    home_conversation, _ = home()
    at_pin = Dialogue("home", home_conversation.fingerprint, "fac_pin", HOME)
    empty = {"groups": {"result": "some", "groups": []}}
    with pytest.raises(EngineFault, match="empty list"):
        step(home_conversation, at_pin, PinChecked("right", "P1"), empty, "ussd")


def test_an_option_that_is_not_offered_is_not_taken() -> None:
    """S11: line 6 stays shut for a phone that is not a facilitator's, whatever the reading claims."""
    conversation, outcome = home()
    again = step(conversation, outcome.dialogue, Answered(Reading("answer", "facilitator")), {}, "ussd")
    assert again == Outcome(outcome.dialogue, outcome.replies)


def test_a_fact_is_never_used_twice_in_one_call() -> None:
    """Decision 5: a command named by two steps in a row would run once and be believed twice, so it is refused."""
    table = json.loads(catalogue().conversations["home"].canonical)
    table["steps"]["meeting"]["cases"]["none"] = "thanks_meeting"
    changed, faults = parse_conversation("home.toml", table, catalogue().words)
    assert changed is not None
    assert not faults
    begun = step(changed, None, Begin(HOME), {}, "ussd")
    assert isinstance(begun, Outcome)
    with pytest.raises(EngineFault, match="second time"):
        step(
            changed,
            begun.dialogue,
            Answered(Reading("answer", "meeting")),
            {"next_meeting": {"result": "none"}},
            "ussd",
        )


def test_an_only_group_is_not_asked_about() -> None:
    """One group: the menu comes at once, and the list is no obstacle on the way back."""
    conversation, _ = home()
    at_pin = Dialogue("home", conversation.fingerprint, "fac_pin", HOME)
    outcome = step(conversation, at_pin, PinChecked("right", "P1"), {"groups": {"result": "some", "groups": ["G07"]}}, "ussd")
    assert isinstance(outcome, Outcome)
    assert outcome.dialogue.step == "fac_menu"
    assert outcome.dialogue.data["group"] == "G07"


def test_a_begin_on_a_running_dialogue_starts_anew() -> None:
    """S12: a new dial always shows home, whatever was left."""
    conversation, outcome = home()
    later = step(conversation, outcome.dialogue, Answered(Reading("answer", "call")), {}, "ussd")
    assert isinstance(later, Outcome)
    again = step(conversation, later.dialogue, Begin(HOME), {}, "ussd")
    assert again == outcome


def test_effects_and_replies_are_plain_json() -> None:
    """Decision 5: everything that comes out can be stored and compared."""
    conversation = catalogue().conversations["checkin"]
    begun = step(conversation, None, Begin(), {}, "sms")
    assert isinstance(begun, Outcome)
    usual = {"support_line": {"result": "usual"}}
    done = step(conversation, begun.dialogue, Answered(Reading("answer", 1)), usual, "sms")
    assert isinstance(done, Outcome)
    assert done.effects == (Effect("save_answer", {"question": "week", "value": 1}),)
    assert json.loads(json.dumps(done.effects[0].args)) == done.effects[0].args
