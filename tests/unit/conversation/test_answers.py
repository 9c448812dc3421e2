"""What a question offers is what it takes, and each answer is read as itself by the reader people meet."""

from __future__ import annotations

import pytest

from sms_service.conversation.check_replies import check_replies
from sms_service.conversation.check_screens import check_screens
from sms_service.conversation.explore import explore
from tests.unit.conversation.broken import Change, faults_after, lexicon, put, text
from tests.unit.conversation.player import catalogue

NAMES = sorted(catalogue().conversations)
MISSED = "c/missed.toml/steps/ask"


@pytest.mark.parametrize("name", NAMES)
def test_shipped_answers_and_screens_are_sound(name: str) -> None:
    """V1 to V9, S6: each digit and each label, in each language, gives its own answer; each screen offers just what it takes."""
    conversation = catalogue().conversations[name]
    found = [*check_replies(conversation, lexicon()), *check_screens(conversation, explore(conversation))]
    assert [str(fault) for fault in found] == []


ROWS: list[tuple[str, Change, str, str, str, str]] = [
    # what is wrong, how, then the step, the language, the words of the fault and of its suggestion
    (
        "two options of one label",
        put("m/fr/forms.toml/labels/missed_leave", "Je viens la prochaine fois"),
        "ask",
        "fr",
        "of option 1 is read as",
        "word it otherwise",
    ),
    (
        "a label that is another option's in another language",
        put("m/sw/forms.toml/labels/missed_next", "Please call me"),
        "ask",
        "sw",
        "label 'Please call me' of option 1 is read as",
        "word it otherwise",
    ),
    ("a label that means stop", put("m/en/forms.toml/labels/missed_leave", "stop"), "ask", "en", "is read as 'stop'", "otherwise"),
    (
        "a label that is a number of another",
        put("m/en/forms.toml/labels/missed_leave", "one"),
        "ask",
        "en",
        "is read as",
        "otherwise",
    ),
    (
        "a label that sounds like danger",
        put("m/en/forms.toml/labels/missed_leave", "I want to die"),
        "ask",
        "en",
        "raises an alert (red)",
        "otherwise",
    ),
    (
        "words beside a digit that are another answer",
        text("en", "reminder", "Servas: meeting {day:day} {time:time}. 1 = No, 2 = Yes"),
        "ask",
        "en",
        "says 'No' beside 1, which is read as answer False",
        "otherwise",
    ),
    (
        "a scale whose words are turned round",
        text("sw", "checkin", "Servas: wiki? 1 = nzuri sana, 2 = mbaya, 3 = wastani, 4 = nzuri, 5 = mbaya sana, 9"),
        "ask",
        "sw",
        "says 'nzuri sana' beside 1, which is read as answer 5",
        "otherwise",
    ),
    (
        "an option no text offers",
        text("fr", "missed", "Servas: {day:weekday}? 1 = Je viens, 2 = Appelez-moi"),
        "ask",
        "fr",
        "'missed' does not offer 3",
        "add '3 = ...'",
    ),
    (
        "an option nobody takes",
        text("rw", "reminder", "Servas: inama {day:day} {time:time}. 1 = Yego, 2 = Oya, 3 = Simbizi"),
        "ask",
        "rw",
        "'reminder' offers 3",
        "add option 3",
    ),
    (
        "a sixth line that is missing on the screen",
        put("c/home.toml/steps/home/ussd_when/facilitator", "home"),
        "home",
        "en",
        "'home' does not offer 6",
        "add '6 = ...'",
    ),
    (
        "a list that is asked about and not shown",
        put("m/en/facilitator.toml/fac_group/text", "Group?\n0) Exit"),
        "fac_group",
        "en",
        "does not show the list",
        "{groups:list}",
    ),
    (
        "a list with no room for its pages",
        put("m/en/facilitator.toml/fac_group/text", "Group? " + "x" * 90 + "\n{groups:list}\n0) Exit"),
        "fac_group",
        "en",
        "at most 160 fit",
        "shorten it by",
    ),
]


@pytest.mark.parametrize(("_what", "change", "step", "language", "words", "fix"), ROWS, ids=[row[0] for row in ROWS])
def test_an_answer_that_cannot_be_told_is_refused(
    _what: str, change: Change, step: str, language: str, words: str, fix: str
) -> None:
    """S6, V5, V6: named with step and language, and with what to do."""
    found = faults_after(change)
    matching = [one for one in found if words in one.reason and (one.step, one.language) == (step, language)]
    assert any(fix in one.fix for one in matching), "\n".join(str(one) for one in found)
