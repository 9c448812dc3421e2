"""The console in a real Chromium: no script of a text runs, nothing leaves the origin, pages fit a phone (T7, issue 7).

Screenshots go to ``SCREENSHOTS`` when that names a folder; they are never part of the repository.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Page, Request, sync_playwright
from sqlalchemy import select
from werkzeug.serving import make_server

from sms_service.models.staff import staff
from sms_service.usecases.context import Context
from sms_service.usecases.sign_in import open_login, real_now
from tests.console.world import MARKUP, PLAIN, World

pytestmark = [pytest.mark.browser]
CHROMIUM = "/usr/bin/chromium"
FLAGS = ("--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync")
CUT_TABLES = "[...document.querySelectorAll('.table-wrap')].filter(it => it.scrollWidth > it.clientWidth + 1).length"
WIDTHS = {"desk": (1280, 900), "phone": (360, 740)}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(5)


def signed_in(
    chromium: Browser, address: str, context: Context, code: str, *, width: str = "desk", script: bool = True
) -> BrowserContext:
    with context.database.begin() as db:
        row = db.execute(select(staff).where(staff.c.code == code)).one()
        token = open_login(context, db, row, real_now(db))
    size = WIDTHS[width]
    opened = chromium.new_context(viewport={"width": size[0], "height": size[1]}, java_script_enabled=script, locale="en-GB")
    opened.add_cookies([{"name": "console_login", "value": token, "url": address}])
    return opened


class Watched:
    """What a page asked of other origins, and what it complained of: a refused script, an opened dialog."""

    def __init__(self, page: Page, address: str) -> None:
        self.address = address
        self.strayed: list[str] = []
        self.said: list[str] = []
        page.on("request", self._asked)
        page.on("console", self._complained)
        page.on("dialog", self._opened)

    def _asked(self, request: Request) -> None:
        if not request.url.startswith(self.address):
            self.strayed.append(request.url)

    def _complained(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.said.append(message.text)

    def _opened(self, dialog: Dialog) -> None:
        self.said.append("a dialog opened")
        dialog.dismiss()


def keep(page: Page, name: str) -> None:
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


def test_pages_fit_and_run_nothing_but_their_own(
    chromium: Browser, address: str, context: Context, accounts: dict[str, str], world: World
) -> None:
    """T7: with markup in a text, no dialog opens, nothing is asked of another origin, the policy is never violated."""
    paths = {
        "home": "/console/",
        "log": "/console/log",
        "thread": f"/console/people/{world.person}/thread",
        "thread-markup": f"/console/people/{world.other}/thread",
        "concerns": "/console/concerns",
        "concern": f"/console/concerns/{world.concern}",
        "audit": "/console/audit",
        "reveal": f"/console/people/{world.person}/identity",
        "settings": "/console/settings",
        "groups": "/console/groups",
        "group": f"/console/groups/{world.group}",
        "people": "/console/people",
        "unknown": "/console/unknown",
        "pairs-add": "/console/pairs/add",
        "conversations": "/console/conversations",
        "conversation": "/console/conversations/checkin",
        "conversation-long": "/console/conversations/home/1?language=rw",
        "conversation-try": "/console/conversations/home/1/try",
        "conversation-drafts": "/console/conversation-drafts",
    }
    for width in WIDTHS:
        opened = signed_in(chromium, address, context, accounts["safeguarding"], width=width)
        page = opened.new_page()
        watched = Watched(page, address)
        for name, path in paths.items():
            page.goto(address + path)
            keep(page, f"{name}-{width}")
            over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert over <= 0, f"{name} is {over} px too wide at {width}"
            assert not page.evaluate(CUT_TABLES), f"a table of {name} is cut off at {width}"
            assert page.locator("h1").count() == 1
        assert not watched.strayed
        assert not watched.said
        opened.close()


def test_a_new_text_appears_by_itself(
    chromium: Browser, address: str, context: Context, accounts: dict[str, str], world: World
) -> None:
    """Issue 7: the log is live."""
    opened = signed_in(chromium, address, context, accounts["staff"])
    page = opened.new_page()
    page.goto(f"{address}/console/log")
    assert page.get_by_text(PLAIN).count() == 1
    with context.database.begin() as db:
        number = world.ids[f"number {world.other}"]
        world.sms_in(db, number, "ndahari rwose", context.now(db) + timedelta(seconds=1))
    page.get_by_text("ndahari rwose").wait_for(timeout=12_000)
    assert page.get_by_text(PLAIN).count() == 1, "known rows are not put in twice"
    assert page.get_by_text(MARKUP).count() == 1
    opened.close()


def test_a_concern_is_worked_by_keyboard_and_without_a_script(
    chromium: Browser, address: str, context: Context, accounts: dict[str, str], world: World
) -> None:
    """Issue 7: skip link first, every act a plain form."""
    opened = signed_in(chromium, address, context, accounts["safeguarding"], script=False)
    page = opened.new_page()
    page.goto(f"{address}/console/concerns/{world.concern}")
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Skip to the page"
    page.get_by_role("button", name="I have it").press("Enter")
    page.get_by_label("What came of it").select_option("spoke")
    page.get_by_role("button", name="Log it").press("Enter")
    page.get_by_label("Outcome").select_option("supported")
    page.get_by_role("button", name="Close", exact=True).press("Enter")
    assert page.get_by_text("Closed: Spoken with, no more needed.").count() == 1
    page.get_by_role("button", name="Français").press("Enter")
    assert page.locator("html").get_attribute("lang") == "fr"
    keep(page, "concern-closed-fr")
    opened.close()
