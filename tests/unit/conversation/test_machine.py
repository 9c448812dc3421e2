"""Any event at any time on every shipped conversation, as Hypothesis thinks of them, the real reader in front of the engine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from sms_service.conversation import engine
from sms_service.conversation.definition import Conversation
from sms_service.conversation.made_up import begin_with, made_up_fact
from sms_service.conversation.render import render
from sms_service.conversation.types import Answered, Begin, Channel, Dialogue, Event, Need, Outcome, PinChecked, Shown, TimedOut
from sms_service.conversation.vocabulary import EFFECTS, FACTS, MAX_UNCLEAR, SMS_LIMIT
from sms_service.text.gsm import segments
from sms_service.text.lexicon import Lexicon, build_lexicon
from sms_service.text.reading import read_reply
from sms_service.text.reply_types import Reading
from tests.unit.conversation.player import LANGUAGES, catalogue

SECRET = "qzxj"  # a word of the person's own, in no lexicon and no text of ours
MOST_FACTS = 8

said = st.one_of(
    st.sampled_from(
        ("1", "2", "3", "4", "5", "6", "9", "0", "00", "000", "12", "1430", "0112", "yego", "oya", "oui", "don't know")
    ),
    st.sampled_from(("STOP", "HELP", "START", "English", "who is this", "ndashaka kwiyahura", "", " ", "1 2", "+1", "-3", "99999")),
    st.text(max_size=40),
).map(lambda text: text if text.strip().isdigit() or not text.strip() else f"{text} {SECRET}" if len(text) > 12 else text)
readings = st.builds(
    Reading,
    intent=st.sampled_from(
        ("answer", "stop", "start", "help", "language", "code_word", "wrong_person", "dont_know", "unclear", "crisis")
    ),
    value=st.one_of(
        st.none(), st.booleans(), st.integers(-5, 1500), st.sampled_from(("1430", "0112", "call", "menu", "G07", "same", ""))
    ),
    alert=st.sampled_from(("none", "amber", "red")),
)


@cache
def lexicon() -> Lexicon:
    return build_lexicon(catalogue().lexicon)


def settled(
    conversation: Conversation, place: Dialogue | None, event: Event, channel: Channel, facts: Mapping[str, Any]
) -> tuple[Outcome, list[str]]:
    """One step with its facts, and their names; each is asked for once, and no more than a host fetches."""
    given: dict[str, Any] = {}
    for _ in range(MOST_FACTS):
        outcome = engine.step(conversation, place, event, given, channel)
        if isinstance(outcome, Outcome):
            return outcome, list(given)
        assert isinstance(outcome, Need)
        assert outcome.name not in given
        assert set(outcome.args) <= FACTS[outcome.name].args
        given[outcome.name] = facts.get(outcome.name) or made_up_fact(outcome.name)
    raise AssertionError(f"more than {MOST_FACTS} facts in one step")


class Talk(RuleBasedStateMachine):
    """One dialogue of the conversation named in a subclass; what must hold is checked at every step."""

    name = ""

    def __init__(self) -> None:
        super().__init__()
        self.conversation = catalogue().conversations[self.name]
        self.channel: Channel = "ussd"
        self.language = "rw"
        self.facts: dict[str, Any] = {}
        self.place: Dialogue | None = None

    def take(self, event: Event) -> Outcome:
        """One step, twice: the same in gives the same out, and a dialogue that was stored is the dialogue it was."""
        before = self.place
        outcome, asked = settled(self.conversation, before, event, self.channel, self.facts)
        stored = None if before is None else Dialogue.from_json(json.loads(json.dumps(before.to_json())))
        assert settled(self.conversation, stored, event, self.channel, self.facts) == (outcome, asked)
        after = outcome.dialogue
        assert json.loads(json.dumps(after.to_json())) == after.to_json()
        assert Dialogue.from_json(json.loads(json.dumps(after.to_json()))) == after
        self.check(before, event, outcome)
        self.place = after
        for effect in outcome.effects:
            if effect.name == "set_language":
                self.language = effect.args["language"]
        for reply in outcome.replies:
            text = render(self.conversation.words, self.language, reply, self.channel)
            assert SECRET not in text
            assert segments(text).units <= SMS_LIMIT
        return outcome

    def check(self, before: Dialogue | None, event: Event, outcome: Outcome) -> None:
        after = outcome.dialogue
        assert len(outcome.replies) <= 1, "one text in, at most one text out"
        assert after.step in self.conversation.steps
        assert after.version == self.conversation.fingerprint
        assert 0 <= after.unclear <= MAX_UNCLEAR + 1
        for effect in outcome.effects:
            assert set(effect.args) <= EFFECTS[effect.name]
        if before is not None and before.done and not isinstance(event, Begin):
            assert (after, outcome.replies, outcome.effects) == (before, (), ()), "done stays done"
        if isinstance(event, TimedOut):
            assert after.done
            assert outcome.replies == ()
        if isinstance(event, Shown) and before is not None:
            assert (after, outcome.effects) == (before, ())

    @initialize(flags=st.lists(st.booleans(), min_size=8, max_size=8), data=st.data())
    def begin(self, flags: list[bool], data: st.DataObject) -> None:
        self.channel = "sms" if data.draw(st.sampled_from(self.conversation.channels)) == "sms" else "ussd"
        arguments = begin_with(self.conversation)
        names = [name for name, kind in sorted(self.conversation.args.items()) if kind == "flag"]
        self.take(Begin({**arguments, **dict(zip(names, flags, strict=False))}))

    @rule(text=said)
    def says(self, text: str) -> None:
        """A text as it comes, read for the question that stands."""
        if self.place is None:
            return
        typed = text.strip()
        reading = read_reply(lexicon(), text, engine.wants(self.conversation, self.place), language=self.language)
        self.take(Answered(reading, typed if self.channel == "ussd" and typed in ("0", "00") else ""))

    @rule(reading=readings, key=st.sampled_from(("", "", "", "0", "00")))
    def any_reading(self, reading: Reading, key: str) -> None:
        """Whatever a reader might ever hand in."""
        self.take(Answered(reading, key))

    @rule(verdict=st.sampled_from(("right", "wrong", "locked")))
    def enters_a_pin(self, verdict: Any) -> None:
        self.take(PinChecked(verdict, "P4821" if verdict == "right" else ""))

    @rule()
    def is_shown_again(self) -> None:
        """A dropped line, a blank reply."""
        self.take(Shown())

    @precondition(lambda self: len(self.conversation.channels) > 1)
    @rule()
    def changes_channel(self) -> None:
        self.channel = "sms" if self.channel == "ussd" else "ussd"

    @rule(data=st.data())
    def something_else_is_so(self, data: st.DataObject) -> None:
        """The service answers otherwise from here on."""
        names = sorted({step.fact for step in self.conversation.steps.values() if hasattr(step, "fact")})
        if not names:
            return
        name = data.draw(st.sampled_from(names))
        result = data.draw(st.sampled_from(sorted(FACTS[name].results)))
        carried = {key: value for key, value in made_up_fact(name).items() if key != "result"}
        shape = FACTS[name]
        if result == shape.carries and set(carried) != set(shape.fields):
            return  # a reference to another dialogue is the host's business
        self.facts[name] = {"result": result, **(carried if result == shape.carries else {})}

    @precondition(lambda self: self.place is not None and self.place.done)
    @rule()
    def begins_again(self) -> None:
        self.take(Begin(begin_with(self.conversation)))

    @precondition(lambda self: self.place is not None)
    @rule(often=st.integers(1, 6))
    def is_not_understood(self, often: int) -> None:
        """By SMS V13 twice at most, then one task for a person and silence; on a screen the question again (V13)."""
        before = self.place
        outcomes = [self.take(Answered(Reading("unclear"))) for _ in range(often)]
        if (
            self.channel == "ussd"
            or before is None
            or before.done
            or engine.wants(self.conversation, before).kind in ("none", "pin")
        ):
            return
        left = max(0, MAX_UNCLEAR - before.unclear)
        assert [bool(one.replies) for one in outcomes] == [no < left for no in range(often)]
        tasks = [effect.name for one in outcomes for effect in one.effects]
        assert tasks == ["unclear_task"] * (before.unclear <= MAX_UNCLEAR and often > left)

    @rule()
    def runs_out_of_time(self) -> None:
        self.take(TimedOut())

    @invariant()
    def holds_no_words(self) -> None:
        """Codes and counts only: nothing a person wrote is in the dialogue (S5)."""
        if self.place is not None:
            assert SECRET not in json.dumps(self.place.to_json())


@pytest.mark.parametrize("name", sorted(catalogue().conversations))
def test_any_event_at_any_time(name: str) -> None:
    """I22, S5, V13: no exception, one text out, done stays done, bounded, the same again, and JSON changes nothing."""
    chosen = settings(
        max_examples=20, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    run_state_machine_as_test(type(f"Talk_{name}", (Talk,), {"name": name}), settings=chosen)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_of_64_kilobytes_is_read_and_stepped(language: str) -> None:
    """Whatever it holds, it comes to an end, and the dialogue keeps none of it."""
    conversation = catalogue().conversations["checkin"]
    place = settled(conversation, None, Begin({}), "sms", {})[0].dialogue
    for unit in (f"{SECRET} ", "1", "a", "e\u0301", "\u200b1", "yego oya ", "\U0001f600", "st0p ", "1\n"):
        text = (unit * (64_000 // len(unit) + 1))[:64_000]
        reading = read_reply(lexicon(), text, engine.wants(conversation, place), language=language)
        after, _ = settled(conversation, place, Answered(reading), "sms", {})
        assert SECRET not in json.dumps(after.dialogue.to_json())
