"""The dial (V2, V9), the facilitator menu, and answering questions inside a dial, on the pure engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from sms_service.conversation.engine import at_resume, wants
from sms_service.conversation.types import Answered, Shown
from sms_service.text.reply_types import Reading
from tests.unit.conversation.player import LANGUAGES, Fact, Phone

PLANNED = {"result": "planned", "day": "2025-11-12", "time": "14:00"}
NONE = {"result": "none"}
HOME = {
    "en": "CON Servas\n1) Next meeting\n2) Answer questions\n3) Ask for a call\n4) Language\n5) Stop messages\n0) Exit",
    "rw": "CON Servas\n1) Inama itaha\n2) Gusubiza ibibazo\n3) Gusaba guhamagarwa\n4) Ururimi\n5) Guhagarika ubutumwa\n0) Gusohoka",
    "fr": "CON Servas\n1) Prochaine réunion\n2) Répondre aux questions\n3) Demander un appel\n4) Langue\n"
    "5) Ne plus recevoir\n0) Quitter",
    "sw": "CON Servas\n1) Mkutano ujao\n2) Jibu maswali\n3) Omba kupigiwa simu\n4) Lugha\n5) Acha ujumbe\n0) Toka",
}
MEETING = {
    "en": "END Servas: the next meeting is Wed 12/11 at 14:00, usual place.",
    "rw": "END Servas: inama itaha ni ku wa Gatatu 12/11, saa munani (14:00), aho dusanzwe duhurira.",
    "fr": "END Servas: prochaine réunion mercredi 12/11 à 14:00, lieu habituel.",
    "sw": "END Servas: mkutano ujao ni Jumatano 12/11, saa nane (14:00), mahali pa kawaida.",
}
NO_MEETING = {
    "en": "END No meeting is planned.",
    "rw": "END Nta nama iteganyijwe.",
    "fr": "END Aucune réunion prévue.",
    "sw": "END Hakuna mkutano uliopangwa.",
}
CALL_ACK = {
    "en": "END Servas: thank you. We will call you about the meeting.",
    "rw": "END Servas: murakoze. Tuzabahamagara ku bijyanye n'inama.",
    "fr": "END Servas: merci. Nous vous appellerons au sujet de la réunion.",
    "sw": "END Servas: asante. Tutakupigia simu kuhusu mkutano.",
}
AT_MEETING = {
    "en": "END Servas: thank you. See you at the meeting.",
    "rw": "END Servas: murakoze. Tuzabonana mu nama.",
    "fr": "END Servas: merci. On se voit à la réunion.",
    "sw": "END Servas: asante. Tutaonana mkutanoni.",
}


def dial(language: str = "en", facts: Mapping[str, Fact] | None = None, **flags: Any) -> Phone:
    return Phone("home", "ussd", language, {"next_meeting": PLANNED, **(facts or {})}, **flags)


@pytest.mark.parametrize("language", LANGUAGES)
def test_home_and_next_meeting(language: str) -> None:
    """V2 in four languages; line 1 and 0 both end on a plain meeting line (S12)."""
    assert dial(language).shown == HOME[language]
    assert dial(language).key("1") == MEETING[language]
    assert dial(language).key("0") == MEETING[language]
    assert dial(language, {"next_meeting": NONE}).key("0") == NO_MEETING[language]


def test_every_number_sees_the_same_home() -> None:
    """S11, T20: own, shared or unknown number, the screen is the same; only a facilitator phone has line 6."""
    screens = {dial(personal=own, unregistered=unknown).shown for own in (True, False) for unknown in (True, False)}
    assert screens == {HOME["en"]}
    assert "6) Facilitator" in dial(facilitator=True).shown
    assert dial().key("6") == HOME["en"]


@pytest.mark.parametrize(("digit", "language"), [("1", "rw"), ("2", "en"), ("3", "fr"), ("4", "sw")])
def test_first_dial_asks_for_the_language(digit: str, language: str) -> None:
    """V2: the first dial shows the four languages, then home in the one chosen; line 4 does the same later."""
    phone = dial(language_known=False)
    assert phone.shown == "CON Servas\n1) Ikinyarwanda\n2) English\n3) Francais\n4) Kiswahili"
    assert phone.key(digit) == HOME[language]
    assert phone.effects == [("set_language", {"language": language})]
    later = dial()
    assert "Kiswahili" in later.key("4")
    assert later.key(digit) == HOME[language]


@pytest.mark.parametrize("language", LANGUAGES)
def test_ask_for_a_call_on_an_own_phone(language: str) -> None:
    """V9: topic, time, V10; the fourth answer of the second screen asks for no call."""
    phone = dial(language)
    topic = phone.key("3")
    assert topic.startswith("CON ")
    assert topic.count("\n") == 5
    assert phone.key("3").count("\n") == 4
    assert phone.key("2") == CALL_ACK[language]
    assert phone.effects == [("call_request", {"topic": "legal", "slot": "midday", "unregistered": False})]
    phone = dial(language)
    assert [phone.key("3"), phone.key("1"), phone.key("4")][-1] == AT_MEETING[language]
    assert phone.effects == [("call_request", {"topic": "health", "slot": "meeting", "unregistered": False})]


def test_ask_for_a_call_on_any_other_phone_asks_nothing() -> None:
    """S11: without an own phone a request opens for the number, no topic asked; an unknown number is marked."""
    for unregistered in (False, True):
        phone = dial(personal=False, unregistered=unregistered)
        assert phone.key("3") == CALL_ACK["en"]
        assert phone.effects == [("call_request", {"topic": "", "slot": "", "unregistered": unregistered})]


@pytest.mark.parametrize("unregistered", [True, False])
def test_stop_is_one_key(unregistered: bool) -> None:
    """S17: line 5 stops at once; the screen is the short V12, the same for every number (T20)."""
    phone = dial(personal=not unregistered, unregistered=unregistered)
    assert phone.key("5") == "END Servas: done. You will get no more messages."
    assert phone.effects == [("stop", {})]


def test_back_and_exit_from_every_screen() -> None:
    """S12: 00 goes one screen back, 0 always leaves; a PIN screen is left the same way."""
    phone = dial()
    topic = phone.key("3")
    phone.key("1")
    assert phone.key("00") == topic
    assert phone.key("00") == HOME["en"]
    assert phone.key("00") == HOME["en"]
    phone.key("2")
    assert phone.key("00") == HOME["en"]
    phone.key("2")
    assert phone.key("0") == MEETING["en"]


def test_pin_is_asked_again_and_locks() -> None:
    """S11: wrong asks again, locked ends, and neither text says whether anyone is known here."""
    phone = dial()
    asked = phone.key("2")
    assert "4 digits" in asked
    assert phone.key("12") == asked
    again = phone.key("0000")
    assert again.startswith("CON Servas: that does not match.")
    assert phone.key("1111") == again
    assert phone.key("9999") == "END Servas: this is not possible now. Please ask at the meeting."
    assert phone.dialogue.done
    assert "person" not in phone.dialogue.data


def test_nothing_to_answer_and_pin_once_per_dial() -> None:
    """S11: the PIN counts for this dial only; without an open question the dial says so."""
    phone = dial(facilitator=True, facts={"open_question": NONE, "groups": {"result": "some", "groups": ["G07"]}})
    phone.key("6")
    assert phone.key("1234").startswith("CON G07\n1) Who is coming")
    assert phone.key("00").endswith("6) Facilitator\n0) Exit")
    assert phone.key("2") == "END Servas: nothing to answer now. Thank you."


@pytest.mark.parametrize("language", LANGUAGES)
def test_open_questions_one_after_another(language: str) -> None:
    """S12: each open question is shown and answered in its own dialogue; the dial ends on a plain meeting line."""
    others = {"Q1": Phone("reminder", "sms", language), "Q2": Phone("checkin", "sms", language)}
    for other in others.values():
        other.channel = "ussd"

    def open_question(args: Mapping[str, Any]) -> Mapping[str, Any]:
        assert args == {"person": "P4821"}
        left = [ref for ref, other in others.items() if not other.dialogue.done]
        return {"result": "question", "dialogue": left[0]} if left else NONE

    phone = dial(language, {"open_question": open_question})
    phone.key("2")
    assert phone.key("1234") == ""
    for ref, answer in (("Q1", "1"), ("Q2", "1")):
        assert at_resume(phone.conversation, phone.dialogue)
        assert wants(phone.conversation, phone.dialogue).kind == "none"
        assert phone.dialogue.data["resume"] == ref
        assert others[ref].take(Shown()).startswith("CON Servas: ")
        assert others[ref].key("77").startswith("CON Servas: ")
        assert others[ref].key(answer) == ""
        last = phone.take(Answered(Reading("answer", True)))
    assert last.startswith("END Servas: ")
    assert "12/11" in last
    assert phone.dialogue.done


def test_leaving_and_home_from_a_question_inside_a_dial() -> None:
    """S12: 0 and 00 go to the dial, not to the question, which stays open."""
    facts = {"open_question": {"result": "question", "dialogue": "Q1"}}
    for key, screen in (("0", MEETING["en"]), ("00", HOME["en"])):
        phone = dial(facts=facts)
        phone.key("2")
        phone.key("1234")
        assert phone.key(key) == screen


FACILITATOR: dict[str, Fact] = {
    "groups": {"result": "some", "groups": ["G07", "G09"]},
    "coming": {"result": "ok", "day": "2025-11-12", "time": "14:00", "yes": 7, "no": 2, "unknown": 3},
    "remind": {"result": "later", "at": "2025-11-10T08:00"},
    "move_check": {"result": "ok", "day": "2025-11-19", "time": "14:00"},
    "move": {"result": "ok"},
    "cancel": {"result": "ok"},
}


def facilitator(language: str = "en", **facts: Fact) -> Phone:
    phone = dial(language, {**FACILITATOR, **facts}, facilitator=True)
    phone.key("6")
    phone.key("1234")
    phone.key("1")
    return phone


@pytest.mark.parametrize("language", LANGUAGES)
def test_facilitator_menu_in_every_language(language: str) -> None:
    """S43: codes and counts only, on every screen of the menu, and each leads back to the menu."""
    phone = facilitator(language)
    menu = phone.take(Shown())
    assert menu.startswith("CON G07\n1) ")
    counts = phone.key("1")
    assert all(part in counts for part in ("G07", "12/11", "7", "2", "3"))
    assert phone.key("1") == menu
    assert "10/11" in phone.key("2")
    assert phone.key("1") == menu
    assert "\n3) " in phone.key("3")
    phone.key("2")
    assert "19/11" in phone.key("1")
    assert "19/11" in phone.key("1")
    assert phone.key("1") == menu
    assert "12/11" in phone.key("4")
    assert "G07" in phone.key("1")
    assert phone.key("1") == menu


def test_facilitator_chooses_among_groups_and_screens_read_well() -> None:
    """The English screens word by word: choosing a group, who is coming, a move that is confirmed."""
    phone = dial(facts=FACILITATOR, facilitator=True)
    phone.key("6")
    assert phone.key("1234") == "CON Group?\n1) G07\n2) G09\n0) Exit"
    assert phone.key("3") == "CON Group?\n1) G07\n2) G09\n0) Exit"
    assert phone.key("2").startswith("CON G09\n")
    assert phone.key("1") == "CON G09 Wed 12/11, 14:00\nYes 7, no 2, no answer 3\n1) Menu\n0) Exit"
    phone.key("1")
    assert phone.key("2") == "CON G09: the reminder will leave Mon 10/11, 08:00.\n1) Menu\n0) Exit"


@pytest.mark.parametrize(
    ("keys", "asked"),
    [
        (["1", "1"], {"when": "next_day", "date": None, "time": "same"}),
        (["2", "1430"], {"when": "next_week", "date": None, "time": "1430"}),
        (["3", "0512", "0930"], {"when": "date", "date": "0512", "time": "0930"}),
    ],
)
def test_move_asks_for_a_day_and_a_time(keys: list[str], asked: dict[str, Any]) -> None:
    """Facilitator menu: next day, same day next week, or DDMM; then HHMM or 1 for the same time; then confirm."""
    calls: list[Mapping[str, Any]] = []

    def move_check(args: Mapping[str, Any]) -> Mapping[str, Any]:
        calls.append(args)
        return {"result": "ok", "day": "2025-11-19", "time": "14:30"}

    def move(args: Mapping[str, Any]) -> Mapping[str, Any]:
        calls.append(args)
        return {"result": "ok"}

    phone = facilitator(move_check=move_check, move=move)
    phone.key("3")
    screens = [phone.key(key) for key in keys]
    assert screens[-1] == "CON G07: Wed 19/11, 14:30. Move it?\n1) Yes\n2) No\n0) Exit"
    assert calls == [{"person": "P4821", "group": "G07", **asked}]
    assert phone.key("1") == "CON G07: moved to Wed 19/11, 14:30. The group is told.\n1) Menu\n0) Exit"
    assert calls[1] == {"person": "P4821", "group": "G07", "day": "2025-11-19", "time": "14:30"}


@pytest.mark.parametrize("typed", ["2", "99", "2460", "hm"])
def test_a_time_that_is_none_shows_the_screen_again(typed: str) -> None:
    """Neither 1 nor HHMM: asked again, nothing checked and nothing moved."""
    phone = facilitator()
    phone.key("3")
    screen = phone.key("1")
    assert phone.key(typed) == screen


@pytest.mark.parametrize(
    ("result", "words"),
    [("past", "is past"), ("paused", "no meetings on that day"), ("bad", "does not exist"), ("none", "no meeting is")],
)
def test_move_is_refused(result: str, words: str) -> None:
    """Past dates, pause windows and dates that do not exist are refused with the reason, and nothing is moved."""
    phone = facilitator(move_check={"result": result})
    phone.key("3")
    phone.key("1")
    assert words in phone.key("1")
    assert phone.key("1").startswith("CON G07\n")


def test_a_no_moves_and_cancels_nothing() -> None:
    """The command is only asked for after a yes."""

    def forbidden(_args: Mapping[str, Any]) -> Mapping[str, Any]:
        raise AssertionError("carried out without a yes")

    phone = facilitator(move=forbidden, cancel=forbidden)
    for keys in (["3", "1", "1", "2"], ["4", "2"]):
        screens = [phone.key(key) for key in keys]
        assert screens[-1].startswith("CON G07\n")


@pytest.mark.parametrize(("result", "words"), [("sent", "leaving now"), ("already", "already"), ("none", "no meeting is")])
def test_remind(result: str, words: str) -> None:
    """Once per meeting and day; the screen says what happened."""
    assert words in facilitator(remind={"result": result}).key("2")


def test_facilitator_without_a_group() -> None:
    """A registered phone whose groups are gone gets a plain answer, not a menu."""
    phone = dial(facts={"groups": NONE}, facilitator=True)
    phone.key("6")
    assert phone.key("1234").startswith("END Servas: no group")
