"""Long lists over several screens: nothing is cut, left out or shown twice, and every entry can be chosen."""

from __future__ import annotations

import copy
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms_service.conversation import paging
from sms_service.conversation.check import load
from sms_service.conversation.engine import wants
from sms_service.conversation.render import render
from sms_service.conversation.types import Answered, Begin
from sms_service.conversation.vocabulary import MAX_ENTRIES, MAX_LISTED, USSD_LIMIT
from sms_service.text.gsm import segments
from sms_service.text.reply_types import Reading
from tests.unit.conversation.broken import Change, Tables, faults_after, shipped
from tests.unit.conversation.player import LANGUAGES, Phone, read_digits, settle

MORE = {"en": "More", "fr": "Suite", "rw": "Ibindi", "sw": "Zaidi"}


def facilitator(count: int, language: str = "en") -> Phone:
    """A facilitator with so many groups, at the list of them."""
    codes = [f"G{number:05d}" for number in range(1, count + 1)]
    facts = {"groups": {"result": "some", "groups": codes}}
    phone = Phone("home", "ussd", language, facts, facilitator=True)
    phone.key("6")
    phone.shown = phone.key("1234")
    return phone


def listed(screen: str) -> list[tuple[str, str]]:
    return re.findall(r"^([1-9])\) (G[0-9]+)$", screen, re.MULTILINE)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("count", [2, MAX_LISTED, MAX_LISTED + 1, 14, MAX_ENTRIES])
def test_each_group_is_reached_by_one_digit_a_page(count: int, language: str) -> None:
    """S6: whatever the number of groups, every page fits its screen whole, and each group is opened by its own digit."""
    reached: list[str] = []
    pages = 0
    while len(reached) < count:
        phone = facilitator(count, language)
        screen = phone.shown
        for _ in range(pages):
            screen = phone.key("9")
        assert segments(screen.removeprefix("CON ")).units <= USSD_LIMIT
        entries = listed(screen)
        more = f"9) {MORE[language]}" in screen
        assert more == (len(reached) + len(entries) < count)
        assert [digit for digit, _ in entries] == [str(number) for number in range(1, len(entries) + 1)]
        for digit, code in entries:
            chooser = facilitator(count, language)
            for _ in range(pages):
                chooser.key("9")
            assert code in chooser.key(digit)
            assert chooser.dialogue.data["group"] == code
            reached.append(code)
        pages += 1
    assert reached == sorted(set(reached))


def test_00_turns_back_a_page_and_leaves_from_the_first() -> None:
    """S12: 00 is the screen before; 0 leaves from any page; a list opened again begins at its first page."""
    phone = facilitator(14)
    first = phone.shown
    second = phone.key("9")
    assert second != first
    assert phone.key("9") == second, "no further page: the key is no option, the screen stays"
    assert phone.key("00") == first
    assert phone.key("00").startswith("CON Servas\n1)")
    assert phone.key("6") == first
    phone.key("9")
    assert "G00009" in phone.key("1")
    assert phone.key("00").startswith("CON Servas\n1)")
    assert phone.key("6") == first


def test_a_code_of_another_page_is_not_taken_for_one_of_this() -> None:
    """One digit means what the screen shows, never what an earlier one showed."""
    phone = facilitator(14)
    phone.key("9")
    assert phone.key("8") == phone.key("9")
    assert "group" not in phone.dialogue.data


@given(count=st.integers(0, 200), page=st.integers(-3, 40))
def test_pages_are_a_partition(count: int, page: int) -> None:
    """Every entry up to the limit is on exactly one page, in order, and no page is empty or too long (I22)."""
    codes = [f"G{number}" for number in range(count)]
    pages: list[paging.Page] = []
    while not pages or pages[-1].more:
        pages.append(paging.page_of({"groups": codes, paging.PLACE: len(pages)}, "groups"))
    assert [code for one in pages for code in one.codes] == codes[:MAX_ENTRIES]
    assert all(len(one.options()) <= MAX_LISTED for one in pages)
    anywhere = paging.page_of({"groups": codes, paging.PLACE: page}, "groups")
    assert anywhere in pages


def _paged(size: int) -> Change:
    """The last question of a missed meeting as a menu of two options a screen."""

    def change(conversations: Tables, messages: Tables) -> None:
        question = conversations["missed.toml"]["steps"]["ask"]
        question["page"] = size
        for language in LANGUAGES:
            messages[language]["screens.toml"]["missed_screen"]["text"] = "Servas: {day:weekday}?\n{options:menu}\n0) Exit"

    return change


def test_a_menu_of_labels_is_paged_and_every_option_keeps_its_number() -> None:
    """V5, S6: what does not fit one screen goes on the next; a number means the same on every page."""
    conversations, messages = copy.deepcopy(shipped())
    _paged(2)(conversations, messages)
    assert faults_after(_paged(2)) == []
    loaded = load(conversations, messages)
    missed = next(one for one in loaded.conversations if one.name == "missed")
    begun, _ = settle(missed, None, Begin({"day": "2026-11-18"}), "ussd", {})
    screens = [render(missed.words, "en", begun.replies[0], "ussd")]
    turned, _ = settle(missed, begun.dialogue, Answered(read_digits("9", wants(missed, begun.dialogue))), "ussd", {})
    screens.append(render(missed.words, "en", turned.replies[0], "ussd"))
    assert screens == [
        "CON Servas: Wednesday?\n1) I will come next time\n2) Please call me\n9) More\n0) Exit",
        "CON Servas: Wednesday?\n3) I will not come again\n0) Exit",
    ]
    back, _ = settle(missed, turned.dialogue, Answered(Reading("unclear"), "00"), "ussd", {})
    assert render(missed.words, "en", back.replies[0], "ussd") == screens[0]
    for dialogue in (begun.dialogue, turned.dialogue):
        done, _ = settle(missed, dialogue, Answered(read_digits("3", wants(missed, dialogue))), "ussd", {})
        assert [effect.args["value"] for effect in done.effects if effect.name == "save_answer"] == ["leave"]
    by_text, _ = settle(missed, begun.dialogue, Answered(read_digits("9", wants(missed, begun.dialogue))), "sms", {})
    assert [reply.key for reply in by_text.replies] == ["not_understood"], "a text has no pages"


@pytest.mark.parametrize(
    ("size", "option", "words"),
    [(9, 3, "must be 1 to 8"), (2, 9, "that key turns the page"), (-1, 3, "must be 1 to 8")],
)
def test_a_menu_that_cannot_be_paged_is_refused(size: int, option: int, words: str) -> None:
    """S6: the key that turns the page is no option, and each page has room."""

    def change(conversations: Tables, messages: Tables) -> None:
        _paged(size)(conversations, messages)
        conversations["missed.toml"]["steps"]["ask"]["options"][2]["number"] = option

    assert any(words in fault.reason and fault.fix for fault in faults_after(change))


def test_a_page_that_is_too_long_is_refused_with_the_number_that_must_go() -> None:
    """S6: each page of a menu is measured as it leaves, in every language."""

    def change(conversations: Tables, messages: Tables) -> None:
        _paged(3)(conversations, messages)
        messages["rw"]["forms.toml"]["labels"]["missed_leave"] = "x" * 120

    (fault,) = [one for one in faults_after(change) if "at most 160 fit" in one.reason]
    assert (fault.step, fault.language) == ("ask", "rw")
    assert fault.fix.startswith("shorten it by ")
