"""The handset: a play turn by turn from its lines alone, the same each time, and refusals that leave it as it was."""

from __future__ import annotations

import pytest

from sms_service.conversation.handset import MOST_LINES, Handset, Start, facts_asked, play_handset
from sms_service.conversation.play import PlayFault
from sms_service.text.reading import build_lexicon
from tests.unit.conversation.player import catalogue

LEXICON = build_lexicon(catalogue().lexicon)


def played(*lines: str, name: str = "checkin", language: str = "en", by_sms: bool = True) -> Handset:
    start = Start(name, language, "sms" if by_sms else "ussd")
    return play_handset(start, lines, catalogue().conversations, catalogue().words, LEXICON)


def test_asked_by_ussd_dropped_half_way_and_finished_by_sms() -> None:
    """S12: the dial is lost, the question stays, and a text answers it."""
    phone = played("drop", "channel sms", "phone> 4", by_sms=False)
    assert [turn.channel for turn in phone.turns] == ["ussd", "ussd", "sms", "sms"]
    assert [turn.step for turn in phone.turns][:3] == ["ask", "ask", "ask"]
    assert phone.turns[-1].typed == "4"
    assert "effect save_answer week 4" in phone.turns[-1].came
    assert (phone.done, phone.fault) == (True, "")


def test_each_text_has_its_length_and_each_answer_its_reading() -> None:
    phone = played("phone> the bus was late", "phone> 4")
    first, unclear, answer = phone.turns
    assert first.shown[0].units == len(first.shown[0].text)
    assert (first.shown[0].limit, first.shown[0].parts, first.reading) == (160, 1, None)
    assert unclear.reading is not None
    assert unclear.reading.intent == "unclear"
    assert answer.reading is not None
    assert (answer.reading.intent, answer.reading.value) == ("answer", 4)


def test_a_screen_counts_with_its_four_characters() -> None:
    """S6: 160 in all, ``CON `` among them."""
    screen = played(by_sms=False).turns[0].shown[0]
    assert screen.text.startswith("CON ")
    assert screen.units == len(screen.text)


@pytest.mark.parametrize("line", ["phone> 4", "resume", "channel sms", "fact nothing = none", "given day = 2026-01-01", "sing"])
def test_what_cannot_be_done_says_why_and_changes_nothing(line: str) -> None:
    before = played("phone> 4")
    after = played("phone> 4", line) if line != "phone> 4" else played("phone> 4", "resume")
    assert after.fault
    assert (after.lines, after.turns, after.recording) == (before.lines, before.turns, before.recording)


def test_the_same_lines_play_the_same() -> None:
    lines = ("given facilitator = yes", "fact next_meeting = none", "phone> 1")
    first, again = (played(*lines, name="home", by_sms=False) for _ in range(2))
    assert first == again
    assert "6) Facilitator" in first.turns[0].shown[0].text
    assert first.turns[-1].step == "meeting_none"


def test_a_play_is_bounded() -> None:
    """I22: each page plays all its lines again."""
    with pytest.raises(PlayFault, match=str(MOST_LINES)):
        played(*["phone> hm"] * (MOST_LINES + 1))


def test_the_facts_to_choose_from_are_those_the_conversation_looks_up() -> None:
    conversations = catalogue().conversations
    asked = facts_asked(conversations["home"], conversations)
    assert asked["next_meeting"] == ["none", "planned"]
    assert "question dialogue=checkin" in asked["open_question"]
    assert "question dialogue=home" not in asked["open_question"]
    assert facts_asked(conversations["missed"], conversations) == {}


@pytest.mark.parametrize("name", sorted(catalogue().conversations))
def test_every_choice_of_every_fact_can_be_played(name: str) -> None:
    conversation = catalogue().conversations[name]
    for fact, choices in facts_asked(conversation, catalogue().conversations).items():
        for choice in choices:
            phone = played(f"fact {fact} = {choice}", "phone> 1", name=name, by_sms="sms" in conversation.channels)
            assert not phone.fault or "dial is closed" in phone.fault, (fact, choice, phone.fault)
