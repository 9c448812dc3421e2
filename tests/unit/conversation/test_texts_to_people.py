"""Every question conversation, in four languages, by SMS and on USSD: what is sent, and what comes of each answer."""

from __future__ import annotations

from typing import Any

import pytest

from sms_service.conversation.types import Answered, Channel, Shown, TimedOut
from sms_service.text.reply_types import Reading
from tests.unit.conversation.player import BEGINNINGS, LANGUAGES, Phone, catalogue

FIRST_SMS = {
    (
        "optin",
        "en",
    ): "Servas: you asked for meeting reminders. Do you agree? Reply 1 = Yes, 2 = No. To stop at any time send STOP.",
    ("optin", "rw"): "Servas: mwasabye kujya mwibutswa inama. Murabyemera? Musubize 1 = Yego, 2 = Oya. Guhagarika "
    "igihe cyose: STOP.",
    ("optin", "fr"): "Servas: vous avez demandé des rappels de réunion. D'accord? Répondez 1 = Oui, 2 = Non. Pour ne "
    "plus recevoir: STOP.",
    ("optin", "sw"): "Servas: uliomba kukumbushwa mikutano. Unakubali? Jibu 1 = Ndiyo, 2 = Hapana. Kuacha wakati wowote: STOP.",
    ("reminder", "en"): "Servas: your meeting is Wed 12/11 at 14:00, usual place. Will you come? 1 = Yes, 2 = No",
    ("reminder", "rw"): "Servas: inama yanyu ni ku wa Gatatu 12/11, saa munani (14:00), aho dusanzwe duhurira. "
    "Muzaza? 1 = Yego, 2 = Oya",
    ("reminder", "fr"): "Servas: votre réunion est mercredi 12/11 à 14:00, lieu habituel. Viendrez-vous? 1 = Oui, 2 = Non",
    ("reminder", "sw"): "Servas: mkutano wako ni Jumatano 12/11, saa nane (14:00), mahali pa kawaida. Utakuja? "
    "1 = Ndiyo, 2 = Hapana",
    ("moved", "en"): "Servas: the meeting of Wed 12/11 has moved to Thu 13/11, 14:00, usual place. Can you come? 1 = Yes, 2 = No",
    ("moved", "rw"): "Servas: inama yo ku wa Gatatu 12/11 yimuriwe ku wa Kane 13/11, saa munani (14:00), aho "
    "dusanzwe. Muzaza? 1 = Yego, 2 = Oya",
    ("moved", "fr"): "Servas: la réunion de mercredi 12/11 est reportée à jeudi 13/11, 14:00, lieu habituel. "
    "Possible? 1 = Oui, 2 = Non",
    ("moved", "sw"): "Servas: mkutano wa Jumatano 12/11 umehamishiwa Alhamisi 13/11, saa nane (14:00). Utaweza? "
    "1 = Ndiyo, 2 = Hapana",
    ("missed", "en"): "Servas: we missed you on Wednesday. 1 = I will come next time, 2 = Please call me, 3 = I will "
    "not come again",
    ("missed", "rw"): "Servas: ku wa Gatatu ntitwabonanye. 1 = Nzaza ubutaha, 2 = Mumpamagare, 3 = Sinzongera kuza",
    ("missed", "fr"): "Servas: nous ne vous avons pas vu mercredi. 1 = Je viens la prochaine fois, 2 = Appelez-moi, "
    "3 = Je ne viens plus",
    ("missed", "sw"): "Servas: hatukuonana Jumatano. 1 = Nitakuja safari ijayo, 2 = Nipigie simu, 3 = Sitakuja tena",
    ("checkin", "en"): "Servas: how was your week? 1 = very hard, 2 = hard, 3 = so-so, 4 = good, 5 = very good. To "
    "ask for a call: 9",
    ("checkin", "rw"): "Servas: icyumweru cyagenze gite? 1 = nabi cyane, 2 = nabi, 3 = biringaniye, 4 = neza, "
    "5 = neza cyane. Guhamagarwa: 9",
    ("checkin", "fr"): "Servas: comment va votre semaine? 1 = très mal, 2 = mal, 3 = moyen, 4 = bien, 5 = très bien. "
    "Pour un appel: 9",
    ("checkin", "sw"): "Servas: wiki yako ilikuwaje? 1 = mbaya sana, 2 = mbaya, 3 = wastani, 4 = nzuri, 5 = nzuri "
    "sana. Kupigiwa simu: 9",
}
THANKS = {"en": "Servas: thank you.", "rw": "Servas: murakoze.", "fr": "Servas: merci.", "sw": "Servas: asante."}
CALL = {
    "en": "Servas: thank you. We will call you about the meeting.",
    "rw": "Servas: murakoze. Tuzabahamagara ku bijyanye n'inama.",
    "fr": "Servas: merci. Nous vous appellerons au sujet de la réunion.",
    "sw": "Servas: asante. Tutakupigia simu kuhusu mkutano.",
}
UNCLEAR = {
    "en": "Servas: sorry, we did not understand. Please answer with one number only: 1, 2 or 3. To ask for a call send HELP.",
    "rw": "Servas: mutwihanganire, ntitwabyumvise. Musubize umubare umwe gusa: 1, 2 cyangwa 3. Gusaba guhamagarwa: UBUFASHA.",
    "fr": "Servas: pardon, nous n'avons pas compris. Répondez par un seul chiffre: 1, 2 ou 3. Pour un appel: AIDE.",
    "sw": "Servas: samahani, hatujaelewa. Jibu kwa namba moja tu: 1, 2 au 3. Kuomba kupigiwa simu: MSAADA.",
}
NO_TOPIC = {"topic": "", "slot": "", "unregistered": False}

Effects = list[tuple[str, dict[str, Any]]]


def saved(question: str, value: Any) -> tuple[str, dict[str, Any]]:
    return ("save_answer", {"question": question, "value": value})


ANSWERS: list[tuple[str, str, str, Effects]] = [
    # conversation, answer, what comes back by SMS (thanks, call or nothing), effects
    ("optin", "1", "thanks", [saved("optin", True), ("consent", {"purpose": "reminders", "given": True})]),
    ("optin", "2", "thanks", [saved("optin", False), ("consent", {"purpose": "reminders", "given": False})]),
    ("optin", "?", "thanks", [saved("optin", None)]),
    ("reminder", "1", "", [saved("coming", True)]),
    ("reminder", "2", "", [saved("coming", False)]),
    ("reminder", "?", "", [saved("coming", None)]),
    ("moved", "1", "", [saved("coming", True)]),
    ("moved", "2", "", [saved("coming", False)]),
    ("missed", "1", "thanks", [saved("missed", "next_time")]),
    ("missed", "2", "call", [saved("missed", "call"), ("call_request", NO_TOPIC)]),
    ("missed", "3", "thanks", [saved("missed", "leave"), ("visit_task", {})]),
    *(("checkin", str(n), "thanks", [saved("week", n)]) for n in range(1, 6)),
    ("checkin", "9", "call", [saved("week", "call"), ("call_request", NO_TOPIC)]),
]


@pytest.mark.parametrize(("name", "language"), FIRST_SMS, ids=lambda value: str(value))
def test_first_text_is_the_agreed_wording(name: str, language: str) -> None:
    """V1, V3, V4, V5, V6 in four languages, days and hours said as people say them."""
    assert Phone(name, "sms", language).shown == FIRST_SMS[name, language]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("name", "answer", "reply", "effects"), ANSWERS)
def test_answer_by_sms(name: str, answer: str, reply: str, effects: Effects, language: str) -> None:
    """V1, V3, V4, V5, V6, V10: saved as a code, thanked the same whatever it says (S5); consent needs a yes (S16)."""
    phone = Phone(name, "sms", language)
    assert phone.key(answer) == {"thanks": THANKS[language], "call": CALL[language], "": ""}[reply]
    assert phone.effects == effects
    assert phone.dialogue.done
    assert phone.key("1") == ""
    assert phone.effects == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("name", "answer", "reply", "effects"), ANSWERS)
def test_answer_on_ussd(name: str, answer: str, reply: str, effects: Effects, language: str) -> None:
    """The same dialogue finished on the other channel: only a request for a call shows a last screen (V10)."""
    phone = Phone(name, "sms", language)
    phone.channel = "ussd"
    screen = phone.take(Shown())
    assert screen.startswith("CON Servas: ")
    assert "\n0) " in screen
    assert phone.key(answer) == (f"END {CALL[language]}" if reply == "call" else "")
    assert phone.effects == effects
    assert phone.dialogue.done


@pytest.mark.parametrize("language", LANGUAGES)
def test_not_understood_twice_then_a_person(language: str) -> None:
    """V13: two texts in a row at most, then one task for a person and never a third text."""
    phone = Phone("missed", "sms", language)
    assert phone.key("maybe so") == UNCLEAR[language]
    assert phone.key("7") == UNCLEAR[language]
    assert phone.key("hm") == ""
    assert phone.effects == [("unclear_task", {})]
    assert phone.key("hm") == ""
    assert phone.effects == []
    assert phone.key("1") == THANKS[language]


def test_choices_name_what_the_question_takes() -> None:
    """V13 lists the digits of the open question, 9 of the check-in included."""
    assert "1 or 2." in Phone("reminder", "sms").key("hm")
    assert "1, 2, 3, 4, 5 or 9." in Phone("checkin", "sms").key("0")


@pytest.mark.parametrize("name", sorted(set(BEGINNINGS) - {"home"}))
def test_not_understood_on_ussd_shows_the_screen_again(name: str) -> None:
    """On USSD nothing is scolded or counted: the screen comes again; 0 and 00 are never answers (V6)."""
    phone = Phone(name, "ussd")
    first = phone.shown
    assert [phone.key(text) for text in ("77777", "hm", "0", "00", "")] == [first] * 5
    assert phone.effects == []
    assert phone.dialogue.unclear == 0


@pytest.mark.parametrize("channel", ["sms", "ussd"])
@pytest.mark.parametrize("name", sorted(BEGINNINGS))
def test_time_out_closes_in_silence(name: str, channel: Channel) -> None:
    """A question that closes says nothing, and a later answer is applied to nothing (domain 9.3)."""
    facts = {"next_meeting": {"result": "none"}}
    phone = Phone(name, "ussd" if name == "home" else channel, facts=facts)
    assert phone.take(TimedOut()) == ""
    assert phone.dialogue.done
    assert phone.key("1") == ""
    assert phone.effects == []


@pytest.mark.parametrize("intent", ["stop", "start", "help", "language", "code_word", "wrong_person", "crisis"])
def test_what_is_not_an_answer_is_the_hosts(intent: Any) -> None:
    """S17, S13, S22: stop, help and crisis are handled before the engine; here they change and say nothing."""
    phone = Phone("checkin", "sms")
    before = phone.dialogue
    assert phone.take(Answered(Reading(intent))) == ""
    assert phone.dialogue == before
    assert phone.effects == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("reminder", 1), ("reminder", "yes"), ("checkin", 7), ("checkin", True), ("missed", "home"), ("missed", None)],
)
def test_answer_of_the_wrong_shape_is_not_understood(name: str, value: Any) -> None:
    """A value the question does not take is never saved, whoever read it."""
    phone = Phone(name, "sms")
    assert "did not understand" in phone.take(Answered(Reading("answer", value)))
    assert phone.effects == []


def test_class_b_conversations_are_marked() -> None:
    """S3: whatever asks about a person is class B; the reminder and its changes, and counts of a report, are logistics."""
    logistics = {name for name, conversation in catalogue().conversations.items() if conversation.text_class == "A"}
    assert logistics == {"reminder", "moved", "report", "cascade"}
