"""Reports as conversations (V15, V16): their counts, and nothing else, may be shown again before they are sent (S5)."""

from __future__ import annotations

from typing import Any

import pytest

from sms_service.conversation.check_steps import answers_of
from tests.unit.conversation.broken import Change, faults_after, put
from tests.unit.conversation.player import LANGUAGES, Phone, catalogue

OK = {"report_total": {"result": "ok"}}
AGAIN = {"report_total": {"result": "again"}}
SENT = {"men": 8, "women": 3, "distressed": 0, "referred": 1, "incident": "conflict", "both_present": True}


def keyed(phone: Phone, *keys: str) -> str:
    shown = ""
    for key in keys:
        shown = phone.key(key)
    return shown


@pytest.mark.parametrize("language", LANGUAGES)
def test_six_answers_then_the_numbers_once_more(language: str) -> None:
    """V15: nobody is keyed as 000, because 0 leaves (S12)."""
    phone = Phone("report", "ussd", language, OK)
    assert "(1/6)" in phone.shown
    shown = keyed(phone, "8", "3", "000", "1", "3", "1")
    assert all(f" {count}" in shown for count in (8, 3, 0, 1))
    assert phone.key("1").startswith("END Servas: ")
    assert phone.effects == [("meeting_report", SENT)]


def test_a_total_that_cannot_be_is_asked_once_more_and_then_taken() -> None:
    phone = Phone("report", "ussd", facts=AGAIN)
    assert "please check" in keyed(phone, "99", "98")
    assert "(3/6)" in keyed(phone, "99", "98")
    assert "men 99, women 98" in keyed(phone, "000", "000", "1", "2")


def test_correcting_asks_again_from_the_first_and_shows_no_earlier_answer() -> None:
    """S5: only the last screen repeats numbers."""
    phone = Phone("report", "ussd", facts=OK)
    screens = [keyed(phone, "81", "37", "000", "1", "3", "1"), phone.key("2"), phone.key("7"), phone.key("6")]
    assert "men 81, women 37" in screens[0]
    assert not any(number in screen for screen in screens[1:] for number in ("81", "37"))


@pytest.mark.parametrize("typed", ["-1", "1000", "8 3", "eight", ""])
def test_what_is_no_count_shows_the_screen_again(typed: str) -> None:
    phone = Phone("report", "ussd", facts=OK)
    assert phone.key(typed) == phone.shown
    assert phone.effects == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_pairs_month_in_four_screens(language: str) -> None:
    """V16: the last answer sends it; the dial around it goes on."""
    phone = Phone("cascade", "ussd", language)
    assert keyed(phone, "3", "12", "000", "2") == ""
    counts = {"activities": 3, "women": 12, "men": 0, "co_led": False}
    assert phone.effects == [("cascade_report", {"pair": "R12", "month": "2025-11", **counts})]
    assert phone.dialogue.done


def test_only_numbers_of_a_report_may_be_shown_again() -> None:
    assert answers_of(catalogue().conversations["report"]) == {"incident", "both"}
    assert answers_of(catalogue().conversations["cascade"]) == {"both"}


def _values(*names: str) -> Change:
    return put("c/report.toml/steps/confirm/values", ["group", "no", "men", "women", "distressed", "referred", *names])


REFUSED: list[tuple[str, Change, str]] = [
    ("an option is shown again", _values("incident"), "shows 'incident', which a person answered"),
    ("a yes or no is shown again", _values("both"), "shows 'both', which a person answered"),
    ("it is no report", put("c/report.toml/report", value=False), "shows 'men', which a person answered"),
    ("it runs by SMS too", put("c/report.toml/channels", ["sms", "ussd"]), "'report' is for counts of class A on USSD alone"),
    ("it is personal", put("c/report.toml/class", "B"), "'report' is for counts of class A on USSD alone"),
    ("it counts too far", put("c/report.toml/steps/men/high", 1000), "a report counts to 999"),
    ("the flag is no flag", put("c/report.toml/report", "yes"), "'report' must be of type bool"),
]


@pytest.mark.parametrize(("_what", "change", "reason"), REFUSED, ids=[one[0] for one in REFUSED])
def test_anything_beyond_is_refused(_what: str, change: Change, reason: str) -> None:
    """S5: the exception is narrow."""
    assert any(reason in fault.reason and fault.file == "report.toml" for fault in faults_after(change))


def _worded(text: str) -> Change:
    def change(conversations: Any, messages: Any) -> None:
        messages["en"]["remembrance.toml"]["remembrance"]["text"] = text
        messages["en"]["remembrance.toml"]["thanks_line"]["text"] = text

    return change


def test_the_lint_passes_over_the_text_that_the_director_approves_and_no_other() -> None:
    """S1: the yearly exception, and only that text's."""
    faults = faults_after(_worded("Servas: a time of trauma. {health}"))
    assert [fault.step for fault in faults if "topic word" in fault.reason] == ["thanks_line"]
