"""From file to phone, as somebody who knows no Python does it: a question more in the weekly check-in, in two files.

Exported, changed, told what is wrong, mended, brought in, compared with the last 90 days, published by a second person, answered by
USSD to the half and by SMS to the end, and explained. One story over the real demo; screenshots go to ``SCREENSHOTS``.
"""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from sms_service.demo.people import e164
from tests.console.demo_process import DemoProcess
from tests.console.test_browser import chromium, keep
from tests.console.test_done import Desk, forward_until

pytestmark = [pytest.mark.browser]

OWN, PERSON, PIN = e164("0788001101"), "P4821", "4821"
QUESTION = {
    "rw": "Servas: muri iki cyumweru mwaganiriye n'inshuti? 1 = Yego, 2 = Oya",
    "en": "Servas: did you talk with a friend this week? 1 = Yes, 2 = No",
    "fr": "Servas: avez-vous parlé avec un ami cette semaine? 1 = Oui, 2 = Non",
    "sw": "Servas: wiki hii ulizungumza na rafiki? 1 = Ndiyo, 2 = Hapana",
}
STEP = """[steps.friend]
kind = "ask"
sms = "checkin_friend"
ussd = "checkin_friend_screen"
answer = "yesno"
record = "friend"
"""

__all__ = ["chromium"]


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[DemoProcess]:
    made = DemoProcess(tmp_path)
    yield made
    made.end()


def command(demo: DemoProcess, *words: str, ends: int = 0) -> str:
    """What ``sms-service`` says on standard output beside the running demo; it must end with exit code ``ends``."""
    env = {**os.environ, "APP_ENV": "demo", "DATA_DIR": str(demo.data_dir)}
    done = subprocess.run([sys.executable, "-m", "sms_service", *words], env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == ends, (words, done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout


def add_the_step(definition: Path) -> None:
    """What an author types: the new step, and the step before it now leads there."""
    text = definition.read_text(encoding="utf-8")
    onward = re.search(r'record = "week"\nnext = "(\w+)"', text)
    assert onward, text
    text = text.replace(onward.group(0), 'record = "week"\nnext = "friend"')
    definition.write_text(f'{text}\n{STEP}next = "{onward.group(1)}"\n', encoding="utf-8")


def write_words(sheet: Path, question: dict[str, str], reviewers: dict[str, str]) -> None:
    """The new text by SMS and on the screen in every language, and who reviewed which language, as typed into the sheet."""
    by_sms = {**QUESTION, **question}
    with sheet.open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.DictReader(file) if not row["key"].startswith("checkin_friend")]
    heads = list(rows[0])
    for key, channel in (("checkin_friend", "sms"), ("checkin_friend_screen", "ussd")):
        row = dict.fromkeys(heads, "") | {"kind": "text", "key": key, "channel": channel, "class": "B"}
        for language, text in QUESTION.items():
            screen = re.sub(r" (\d) = (\w+),?", r"\n\1) \2", text) + "\n0) 0"
            row[language] = by_sms[language] if channel == "sms" else screen
        rows.append(row)
    rows[0] |= reviewers
    with sheet.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, heads)
        writer.writeheader()
        writer.writerows(rows)


@pytest.mark.long
def test_a_question_more_from_two_files_to_the_phone(chromium: Browser, demo: DemoProcess, tmp_path: Path) -> None:
    """The whole way of one edit; decisions 4 and 5, S5, S6, S12, V6."""
    demo.start()
    definition, sheet = tmp_path / "checkin.toml", tmp_path / "checkin.csv"
    command(demo, "conversation", "export", "checkin", "--format", "toml", "--output", str(definition))
    command(demo, "conversation", "export", "checkin", "--format", "csv", "--output", str(sheet))
    add_the_step(definition)
    the_check_says_what_is_wrong(demo, definition, sheet)

    desk = Desk(chromium, demo)
    address = a_second_person_publishes(desk, definition, sheet)
    half_by_ussd_half_by_sms(desk, demo)
    the_thread_says_why(desk, demo, address)


def the_check_says_what_is_wrong(demo: DemoProcess, definition: Path, sheet: Path) -> None:
    """One character too many in Kiswahili, and nobody has reviewed the French: both named, both mended."""
    long = QUESTION["sw"].replace("rafiki?", f"rafiki {'a' * (160 - len(QUESTION['sw']))}?")
    assert len(long) == 161
    reviewed = {"rw": "Mukamana R.", "en": "A. Smith", "sw": "Juma M."}
    write_words(sheet, {"sw": long}, reviewed)
    said = command(demo, "check", str(definition), str(sheet), ends=1)
    faults = [line for line in said.splitlines() if not line.startswith("notice")]
    assert len(faults) == 1, said
    assert "sw" in faults[0]
    assert "161" in faults[0]
    assert "shorten it by 1 character" in faults[0]
    unreviewed = [line for line in said.splitlines() if line.startswith("notice") and "review" in line]
    assert [line for line in unreviewed if "language fr" in line], said
    assert not [line for line in unreviewed if "language sw" in line], said
    write_words(sheet, {}, reviewed | {"fr": "Claire N."})
    said = command(demo, "check", str(definition), str(sheet))
    assert not [line for line in said.splitlines() if "checkin" in line and "review" in line], said


def a_second_person_publishes(desk: Desk, definition: Path, sheet: Path) -> str:
    """Brought in by one, played on the last 90 days, approved and published by another; returns the version's address."""
    author, second = desk.signed_in("safeguarding", 0), desk.signed_in("safeguarding", 1)
    author.get_by_role("link", name="Conversations").click()
    author.get_by_role("link", name="Bring in").first.click()
    author.locator("input[name=definition]").set_input_files(definition)
    author.locator("input[name=words]").set_input_files(sheet)
    author.locator("button[value=do]").click()
    author.get_by_text("Brought in as drafts").wait_for()
    address = author.url.partition("#")[0]
    assert author.locator("#changes").get_by_text("friend", exact=True).count() >= 1
    assert author.locator("input[name=act][value=publish]").count() == 0, "nobody publishes what they brought in"
    author.get_by_role("button", name="Play the last 90 days on it").click()
    until(author, address, "Dialogues:")
    assert author.locator("#replay").get_by_text("Otherwise").count() >= 1
    author.locator("#replay summary").click()
    assert author.locator("#replay tbody tr", has_text="P").count() >= 1
    keep(author, "question-replayed")
    second.goto(address)
    for language in QUESTION:
        row = second.locator("#review tr", has=second.locator(f"input[value={language}]"))
        row.locator("input[name=reviewer]").fill("Mukamana R.")
        row.get_by_role("button", name="Sign off").click()
    assert second.locator("#review").get_by_text("Awaits native review").count() == 0
    second.locator("form:has(input[value=approve]) button").click()
    second.locator("form:has(input[value=publish]) button").click()
    second.get_by_text("Runs", exact=True).first.wait_for()
    keep(second, "question-published")
    return address


def until(page: Page, address: str, words: str) -> None:
    """Look again, as a person does, until the page says it."""
    for _ in range(60):
        page.goto(address)
        if page.locator("#replay").get_by_text(words).count():
            return
        page.wait_for_timeout(500)
    raise AssertionError(f"{words!r} did not appear")


def half_by_ussd_half_by_sms(desk: Desk, demo: DemoProcess) -> None:
    """The first answer in a dial that is dropped, the second by SMS: one dialogue, and nothing shown twice."""
    phones, since = demo.phones, demo.phones.last_line()
    forward_until(desk.handset(), demo, OWN, "icyumweru cyagenze")
    keys = ["2", PIN]
    while "icyumweru cyagenze" not in phones.dial(OWN, *keys)[-1]:
        keys.append("1")
        assert len(keys) < 8, "the check-in is among the open questions"
    screen = phones.dial(OWN, *keys, "4")[-1]
    assert "mwaganiriye n'inshuti" in screen
    assert "4" not in screen, "no answer is ever shown again (S5)"
    phones.text(OWN, "yego")
    phones.await_text(OWN, "Servas: murakoze", since=since)


def the_thread_says_why(desk: Desk, demo: DemoProcess, address: str) -> None:
    """Of the thanks: by which reply, which version, which step; of the reply: how it was read."""
    page = desk.signed_in("safeguarding", 0)
    page.goto(f"{demo.console}people/{PERSON}")
    page.get_by_role("link", name="Conversation", exact=True).click()
    number = address.rpartition("/")[2]
    heard = page.locator("li.in", has=page.get_by_text("yego", exact=True)).last
    heard.locator("summary").click()
    assert f"It answered step friend of checkin, version {number}." in heard.inner_text()
    thanked = page.locator("li.out", has_text=f"to thanks of checkin, version {number}").last
    thanked.locator("summary").click()
    keep(page, "question-thread")
    told = thanked.inner_text()
    assert "Servas: murakoze." in told
    assert re.search(r"Answers the text of .*understood as: .*\bYes\b", told), told
    assert f"The dialogue went from step friend to thanks of checkin, version {number}." in told
