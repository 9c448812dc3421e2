"""What the service is for, from start to end on the demo: phones talk, staff answer, all of it survives, nothing leaks.

One story, told once: it costs two starts of every process. Screenshots go to ``SCREENSHOTS`` when that names a folder.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from sms_service.demo.people import PEOPLE, UNKNOWN_PHONE, e164
from tests.console.demo_process import DemoProcess
from tests.console.test_browser import WIDTHS, chromium, keep
from tests.faults.processes import wait_for

pytestmark = [pytest.mark.browser]

OWN, SHARED = e164("0788001101"), e164("0788001102")
IN_NEED, LEAVING, FACILITATOR = e164("0788001107"), e164("0788001301"), e164("0788002001")
WORD, CRISIS_WORD, NOTE_WORD, SENT_WORD = "kanariyarimwe", "kanariyakabiri", "kanariyagatatu", "ikanariyanka"
CRISIS = f"ndashaka kwiyahura {CRISIS_WORD}"
MOST_EVENTS = 40
TEXTS = {
    "Kinyarwanda": f"Servas: muzazane {SENT_WORD} mu nama itaha.",
    "Français": f"Servas: apportez {SENT_WORD} à la prochaine réunion.",
    "English": f"Servas: please bring {SENT_WORD} to the next meeting.",
    "Kiswahili": f"Servas: leteni {SENT_WORD} kwenye mkutano ujao.",
}

__all__ = ["chromium"]


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[DemoProcess]:
    made = DemoProcess(tmp_path)
    yield made
    made.end()


class Desk:
    """The browser windows of one start: the phones on the desk, and a console window for each signed-in person."""

    def __init__(self, chromium: Browser, demo: DemoProcess) -> None:
        self._chromium, self._demo = chromium, demo

    def window(self) -> Page:
        width, height = WIDTHS["desk"]
        page = self._chromium.new_context(viewport={"width": width, "height": height}, locale="en-GB").new_page()
        page.set_default_timeout(20_000)
        return page

    def handset(self) -> Page:
        page = self.window()
        page.goto(f"{self._demo.phones.url}/")
        return page

    def signed_in(self, role: str, place: int = 0) -> Page:
        """A window of whoever the printed link of this role is for."""
        page = self.window()
        page.goto(self._demo.links[role][place])
        page.locator("main h1").wait_for()
        return page


def dial_by_hand(page: Page, number: str, *keys: str) -> str:
    """Dial on the browser handset and key in; returns the last screen."""
    phone = page.locator(f"#phone-{number.removeprefix('+')}")
    press(phone, "Dial *384*123#")
    for key in keys:
        phone.get_by_role("textbox").fill(key)
        press(phone, "Send")
    return phone.locator(".screen").inner_text()


def press(phone: Locator, button: str) -> None:
    """Press one button of a phone and wait until the phone shows what came of it."""
    version = phone.get_attribute("data-version") or ""
    phone.get_by_role("button", name=button, exact=True).click()
    expect(phone).not_to_have_attribute("data-version", version)


def forward_until(page: Page, demo: DemoProcess, number: str, has: str) -> str:
    """Press 'forward' on the handset page until a text with these words reaches the phone."""
    since = demo.phones.last_line()
    for _ in range(MOST_EVENTS):
        page.get_by_role("button", name="Forward to the next event").click()
        try:
            return demo.phones.await_text(number, has, since=since, seconds=1.5)
        except TimeoutError:
            continue
    raise AssertionError(f"no text with {has!r} within {MOST_EVENTS} events")


def test_from_the_first_dial_to_the_next_start(chromium: Browser, demo: DemoProcess) -> None:
    """The whole story; V2, V6, V9, V11, V12, S25, S32, S40, I8 and I16 in the processes that serve them."""
    demo.start()
    desk = Desk(chromium, demo)
    the_phones_talk(desk, demo)
    concern = a_crisis_is_answered(desk, demo)
    broadcast = a_broadcast_reaches_two_groups(desk, demo)

    assert demo.ctrl_c() == 0
    assert demo.left_running() == []
    demo.start()

    nothing_is_missing(Desk(chromium, demo), demo, concern, broadcast)
    assert demo.ctrl_c() == 0
    nothing_typed_is_readable(demo)


def the_phones_talk(desk: Desk, demo: DemoProcess) -> None:
    """Dial as both, answer the check-in, ask for a call, stop, write, and move a meeting."""
    phones, page = demo.phones, desk.handset()
    keep(page, "done-handset")
    assert "inama" in dial_by_hand(page, SHARED, "1")
    assert "Servas" in dial_by_hand(page, OWN)
    keep(page, "done-dialled")

    since = phones.last_line()
    assert "icyumweru" in forward_until(page, demo, OWN, "icyumweru cyagenze")
    phones.text(OWN, "1")
    phones.await_text(OWN, "murakoze", since=since)
    page.reload()
    keep(page, "done-check-in")

    asked = phones.dial(OWN, "3", "2", "1")
    assert "hamagar" in asked[-1], asked
    phones.text(LEAVING, "STOP")
    phones.await_text(LEAVING, "START", since=since)
    phones.text(OWN, f"muraho, nabonye {WORD} mu nzira")
    since = phones.last_line()
    phones.dial(FACILITATOR, "6", "7301", "1", "3", "1", "1", "1")
    phones.await_text(SHARED, "yimuriwe", since=since)


def a_crisis_is_answered(desk: Desk, demo: DemoProcess) -> str:
    """A crisis text is masked everywhere, alerts the duty phone, is taken, noted and closed; returns the concern's code."""
    phones, since = demo.phones, demo.phones.last_line()
    phones.text(IN_NEED, CRISIS)
    alert = phones.await_text(e164("0788003001"), "RED", since=since)
    page = desk.signed_in("safeguarding")

    page.get_by_role("link", name="Conversation log").click()
    found = find(page, WORD)
    assert found.count() == 1
    assert "P4821" in found.inner_text()
    assert WORD not in page.url
    keep(page, "done-found")
    assert find(page, CRISIS_WORD).count() == 0, "a held text is not searched (S32)"

    page.goto(f"{demo.console}concerns?kind=call_request")
    assert page.locator("tbody tr", has_text="P4821").count() == 1, "the call asked for by USSD waits for a person"
    page.goto(f"{demo.console}concerns?severity=red")
    code = next(code for code in page.locator("tbody a.code").all_inner_texts() if code in alert)
    page.get_by_role("link", name=code).click()
    assert page.get_by_text("held - safeguarding").count() == 1
    assert CRISIS_WORD not in page.content()
    page.get_by_role("button", name="I have it").click()
    page.get_by_label("For those who go on with it").fill(f"Met at the {NOTE_WORD}.")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_label("What came of it").select_option("spoke")
    page.get_by_role("button", name="Log it").click()
    page.get_by_label("Outcome").select_option("supported")
    page.get_by_role("button", name="Close", exact=True).click()
    keep(page, "done-closed")
    page.get_by_text("Closed: Spoken with, no more needed.").wait_for()
    return code


def find(page: Page, word: str) -> Locator:
    """Search the log for a word; the rows found."""
    page.get_by_label("Find words in the texts").fill(word)
    page.get_by_role("button", name="Find").click()
    page.get_by_text("Held texts are not searched").wait_for()
    return page.locator("table.log tbody tr")


def a_broadcast_reaches_two_groups(desk: Desk, demo: DemoProcess) -> str:
    """Written by one, approved by the other, sent after the wait; returns its code."""
    author, second, hand = desk.signed_in("staff", 0), desk.signed_in("staff", 1), desk.handset()
    author.goto(f"{demo.console}broadcasts/write")
    for group in ("G07", "G12"):
        author.get_by_label(group).check()
    for language, text in TEXTS.items():
        author.get_by_label(language).fill(text)
    author.get_by_role("button", name="Look at it").click()
    author.get_by_role("button", name="Hand in for approval").click()
    assert author.locator("input[value=approve]").count() == 0, "nobody approves their own (S40)"
    address = author.url
    second.goto(address)
    second.locator("form:has(input[value=approve]) button").click()
    keep(second, "done-approved")
    forward_until(hand, demo, SHARED, SENT_WORD)

    def delivered() -> bool:
        author.goto(address)
        return author.locator(".legend tr", has_text="Delivered").count() == 1

    wait_for(delivered, 20, "a delivered text in the broadcast's progress")
    keep(author, "done-broadcast")
    return address.rpartition("/")[2]


def nothing_is_missing(desk: Desk, demo: DemoProcess, concern: str, broadcast: str) -> None:
    """After the second start: the text, the closed concern, the broadcast, the stop."""
    page = desk.signed_in("safeguarding")
    page.goto(f"{demo.console}log")
    assert find(page, WORD).count() == 1
    page.goto(f"{demo.console}concerns/{concern}")
    assert page.get_by_text("Closed: Spoken with, no more needed.").count() == 1
    assert NOTE_WORD in page.content()
    page.goto(f"{demo.console}broadcasts/{broadcast}")
    assert page.locator(".legend tr", has_text="Delivered").count() == 1
    page.goto(f"{demo.console}people/P1301")
    assert page.get_by_text("Asked to stop").count() == 1


def nothing_typed_is_readable(demo: DemoProcess) -> None:
    """I16, T13: no number, name or typed word in any byte of database, logs and queue store."""
    names = {part for one in PEOPLE for part in one.name.split() if len(part) > 4}
    numbers = {one.phone[1:] for one in PEOPLE if one.phone} | {UNKNOWN_PHONE[1:]}
    personal = [word.encode() for word in (*names, *numbers, WORD, CRISIS_WORD, NOTE_WORD, SENT_WORD)]
    files = list(demo.personal_files())
    assert {"service.db", "kv.log", "web.log", "worker.log"} <= {path.name for path in files}
    assert any("aof" in path.name for path in files), "the queue store's own file is looked at too"
    assert b"P4821" in (demo.data_dir / "service.db").read_bytes(), "codes are no secret, and show that the bytes are read"
    for path in files:
        content = path.read_bytes()
        assert not [word for word in personal if word in content], f"something personal in {path.name}"
