"""The browser handset: in Chromium with the script, and with forms alone (contract section 13.6)."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from playwright.sync_api import Browser, Error, Page, sync_playwright

from sms_service.simulator.service_time import ServiceTime
from tests.gateway.service_stub import Reply, ServiceStub, menu, service_stub
from tests.simulator_process import SimulatorProcess

ALINE, BOSCO = "+250788000001", "+250722000002"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture
def stub() -> Iterator[ServiceStub]:
    """A service that refuses nothing."""
    with service_stub() as running:
        running.reply = menu
        yield running


@pytest.fixture
def simulator(stub: ServiceStub, tmp_path: Path) -> Iterator[SimulatorProcess]:
    """A simulator with two phones in its list, and the stub's own address for the time."""
    phones = tmp_path / "phones.json"
    phones.write_text(json.dumps([{"number": ALINE, "label": "Aline <b>"}, {"number": BOSCO, "label": "Bosco"}]))
    url = urlsplit(stub.url)
    options = {"phones": phones, "reports": "off", "time_url": f"http://{url.netloc}/time"}
    with SimulatorProcess(tmp_path / "record", stub.url, **options) as running:
        yield running


def send(simulator: SimulatorProcess, number: str, text: str) -> None:
    """The service texts a phone."""
    fields = {"username": simulator.username, "to": number, "message": text, "from": "1234"}
    headers = {"apiKey": simulator.api_key}
    requests.post(f"{simulator.url}/version1/messaging", data=fields, headers=headers, timeout=5)


def press(simulator: SimulatorProcess, number: str, do: str, entry: str = "") -> str:
    """One key by form alone: POST, redirect, GET; returns the page."""
    fields = {"number": number, "do": do, "entry": entry}
    answer = requests.post(f"{simulator.url}/handset", data=fields, timeout=5)
    assert [step.status_code for step in answer.history] == [303]
    assert answer.status_code == 200
    return answer.text


def phone_part(page: str, number: str) -> str:
    """The part of the page that is one phone."""
    return page.split(f'id="phone-{number[1:]}"')[1].split("</article>")[0]


def test_forms_alone_are_enough(simulator: SimulatorProcess, stub: ServiceStub) -> None:
    """Dial, key in, write and read without any script; names and texts are escaped (W11)."""
    page = requests.get(simulator.url, timeout=5)
    assert "Aline &lt;b&gt;" in page.text
    assert "texts here never reach a real phone" in page.text
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert not re.search(r"<script(?![^>]*src=)|<style| style=| on[a-z]+=", page.text)
    press(simulator, ALINE, "dial")
    press(simulator, ALINE, "key-1")
    assert 'value="12"' in phone_part(press(simulator, ALINE, "key-2", "1"), ALINE)
    assert "Heard [12]" in press(simulator, ALINE, "ok", "12")
    assert "The dial has ended" in press(simulator, ALINE, "ok", "9")
    press(simulator, BOSCO, "write")
    assert "Sent to 1234. 6 characters, 1 part, GSM-7." in press(simulator, BOSCO, "ok", "Ndaza\r\n")
    assert stub.of("sms")[0]["text"] == "Ndaza\n"
    send(simulator, BOSCO, "<script>alert(1)</script>")
    inbox = press(simulator, BOSCO, "messages")
    assert "&lt;script&gt;" in inbox
    assert "1 new" in phone_part(inbox, BOSCO)
    number = re.findall(r'value="(open-\d+)"', inbox)[0]
    assert "1 new" not in phone_part(press(simulator, BOSCO, number), BOSCO)


def test_a_service_that_fails_is_shown_plainly(simulator: SimulatorProcess, stub: ServiceStub) -> None:
    """A refused screen and a text the service did not take are told below the phone, in words."""
    stub.reply = lambda kind, fields: (503, "text/plain", b"busy")
    assert "Refused: the service answered HTTP 503 instead of 200." in press(simulator, ALINE, "dial")
    press(simulator, ALINE, "write")
    assert "The service answered HTTP 503; the gateway tries again" in press(simulator, ALINE, "ok", "Ndaza")


def test_adding_phones_and_bad_forms(simulator: SimulatorProcess) -> None:
    """A number is understood as people write it; nonsense, strangers and other sites are refused with a sentence."""
    added = requests.post(f"{simulator.url}/handset/add", data={"number": "0788 123 456", "label": "Chantal"}, timeout=5)
    assert "+250 788 123 456" in added.text
    wrong = requests.post(f"{simulator.url}/handset/add", data={"number": "12"}, timeout=5)
    assert "That is not a Rwandan mobile number." in wrong.text
    assert "not a Rwandan" not in requests.get(simulator.url, timeout=5).text
    assert "There is no such phone" in press(simulator, "+250788999999", "ok")
    assert "The phone has no such key." in press(simulator, ALINE, "explode")
    other = requests.post(f"{simulator.url}/handset", data={}, headers={"Origin": "http://example.org"}, timeout=5)
    assert other.status_code == 403


def test_time_moves_with_the_service(simulator: SimulatorProcess, stub: ServiceStub) -> None:
    """The page shows the service's time, and the button posts action=next and shows what was said."""
    assert "The service did not tell its time" in requests.get(simulator.url, timeout=5).text
    moved: list[str] = []

    def reply(kind: str, fields: dict[str, str]) -> Reply:
        moved.append(fields.get("action", ""))
        return 200, "text/plain", b"Now Thursday 09:00: 3 reminders left."

    stub.reply = reply
    page = requests.post(f"{simulator.url}/handset/time", data={"action": "next"}, timeout=5)
    assert moved == ["next"]
    assert "Now Thursday 09:00: 3 reminders left." in page.text


def test_service_time_moves_dates(stub: ServiceStub) -> None:
    """A time told in ISO 8601 becomes the phones' time and the date of what they send."""
    told = datetime.fromisoformat("2026-05-13T09:00:00+02:00")
    stub.told = told.isoformat()
    clock = ServiceTime(stub.url.replace("/callbacks", "/time"))
    assert clock.refresh()
    assert abs(clock.local() - told) < timedelta(seconds=5)


@pytest.mark.browser
def test_the_handset_in_a_browser(simulator: SimulatorProcess, stub: ServiceStub, tmp_path: Path) -> None:
    """Dial by key and keyboard, a text appears by itself, nothing spills over at 360 pixels, no console error."""
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        except Error as fault:
            pytest.fail(f"this test needs Chromium on PATH or Playwright's own: {str(fault).splitlines()[0]}")
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        complaints: list[str] = []
        page.on("pageerror", lambda fault: complaints.append(str(fault)))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.goto(simulator.url)
        _dial_and_read(page, simulator, stub)
        page.screenshot(path=tmp_path / "desktop.png", full_page=True)
        page.set_viewport_size({"width": 360, "height": 740})
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        page.screenshot(path=tmp_path / "narrow.png", full_page=True)
        _add_a_phone_without_script(browser, simulator)
        browser.close()
    assert complaints == []


def _add_a_phone_without_script(browser: Browser, simulator: SimulatorProcess) -> None:
    page = browser.new_page(java_script_enabled=False)
    page.goto(simulator.url)
    page.get_by_label("Number", exact=True).fill("0788 123 456")
    page.keyboard.press("Enter")
    page.locator("#phone-250788123456").get_by_role("button", name="Dial *384*123#").click()
    page.get_by_text("Heard []").wait_for()


def _dial_and_read(page: Page, simulator: SimulatorProcess, stub: ServiceStub) -> None:
    aline = page.locator(f"#phone-{ALINE[1:]}")
    aline.get_by_role("button", name="Dial *384*123#").click()
    aline.get_by_text("Heard []").wait_for()
    aline.get_by_role("button", name="1", exact=True).click()
    aline.locator("input[name=entry]").press("Enter")
    aline.get_by_text("Heard [1]").wait_for()
    page.keyboard.type("2")
    page.keyboard.press("Enter")
    aline.get_by_text("Heard [1*2]").wait_for()
    assert [item["text"] for item in stub.of("ussd")] == ["", "1", "1*2"]
    bosco = page.locator(f"#phone-{BOSCO[1:]}")
    page.keyboard.type("77")
    send(simulator, BOSCO, "Muraho")
    bosco.get_by_role("button", name="1 new message").click()
    bosco.get_by_role("button", name=re.compile("Muraho")).click()
    bosco.get_by_role("button", name="Reply").wait_for()
    assert aline.locator("input[name=entry]").input_value() == "77"
