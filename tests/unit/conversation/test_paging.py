"""Long lists over several screens: nothing is cut, left out or shown twice, and every entry can be chosen."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms_service.conversation import paging
from sms_service.conversation.vocabulary import MAX_ENTRIES, MAX_LISTED, USSD_LIMIT
from sms_service.text.gsm import segments
from tests.unit.conversation.player import LANGUAGES, Phone

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
