"""The gate: every page against every role, every form without its token, and how answers leave (I18, T9-T12, T24)."""

from __future__ import annotations

import tomllib
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from handlers.app import create_app
from handlers.console import declared, guard
from handlers.console.pages import ANYONE, SIGNED_IN, Page, Pages
from sms_service.config import Settings
from sms_service.models.staff import login
from sms_service.rules.roles import PERMISSIONS, ROLES
from sms_service.usecases.context import Context
from tests.console.conftest import Browser, Browsers
from tests.console.world import NAME, PHONE, World

ROLE_TABLE = tomllib.loads(Path(__file__).with_name("role_table.toml").read_text())
UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}
#: What to put into the places of an address.
PLACES = {
    "<code>": "P1001",
    "<token>": "x" * 32,
    "<name>": "console.css",
    "<any('in', 'dial'):source>": "in",
    "<int:row_id>": "1",
}


def path_of(page: Page) -> str:
    path = f"/console{page.path}"
    for place, value in PLACES.items():
        path = path.replace(place, value)
    while "<" in path:
        start, _, rest = path.partition("<")
        inside, _, after = rest.partition(">")
        path = start + ("1" if inside.startswith("int:") else "G07") + after
    return path


def test_the_role_table_names_every_page_and_no_other() -> None:
    """I18: a new route without a line in the table fails here."""
    assert set(ROLE_TABLE) == set(declared())


def test_every_route_of_the_console_is_a_declared_page_with_a_known_permission(app: Flask) -> None:
    """I18: the route map itself is walked, so that nothing is served beside the gate."""
    pages = declared()
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/console"):
            page = pages[rule.endpoint.removeprefix("console.")]
            assert set(page.needs) <= {*PERMISSIONS, ANYONE, SIGNED_IN}, rule.rule


def test_a_page_without_a_permission_cannot_be_registered() -> None:
    """I18."""
    with pytest.raises(ValueError, match="names no permission"):
        Pages("new").page("/new", needs="")


def test_each_role_opens_exactly_the_pages_of_its_lines(browsers: Browsers) -> None:
    """T9, I18: role by route, both ways; refused is 403, allowed is anything but 403 and never a fault."""
    pages = declared()
    wrong = []
    for role in ROLES:
        browser = browsers(role)
        for endpoint, page in pages.items():
            if "POST" in page.methods and "GET" not in page.methods:
                continue
            allowed = {"anyone", "signed in", role} & set(ROLE_TABLE[endpoint])
            status, _ = browser.get(path_of(page))
            if status >= 500 or (status == 403) == bool(allowed):
                wrong.append((role, endpoint, status))
    assert not wrong


def test_each_role_sends_exactly_the_forms_of_its_lines(browsers: Browsers) -> None:
    """T9, I18: the same for pages that change something, with a good token and an empty form."""
    wrong = []
    for role in ROLES:
        for endpoint, page in declared().items():
            if "POST" not in page.methods:
                continue
            browser = browsers(role)
            allowed = {"anyone", "signed in", role} & set(ROLE_TABLE[endpoint])
            status, _ = browser.post(path_of(page))
            if status >= 500 or (status == 403) == bool(allowed):
                wrong.append((role, endpoint, status))
    assert not wrong


def test_nobody_signed_in_gets_only_the_way_in(app: Flask) -> None:
    """I18: without a login every page but the open ones leads to the sign-in page."""
    browser = Browser(app)
    for endpoint, page in declared().items():
        if "GET" in page.methods and ROLE_TABLE[endpoint] != ["anyone"]:
            status, _ = browser.get(path_of(page))
            assert status in (303, 401), endpoint


def test_no_form_is_taken_without_its_token(browsers: Browsers) -> None:
    """T11: every unsafe method of every page, with a live cookie and no token: 400 and nothing changed."""
    for role in ("admin", "safeguarding"):
        browser = browsers(role)
        for endpoint, page in declared().items():
            for method in UNSAFE & set(page.methods):
                answer = browser.client.open(path_of(page), method=method, data={"act": "disable", "reason": "x"})
                assert answer.status_code == 400, (endpoint, answer.status_code)


def test_answers_forbid_scripts_frames_and_keeping(browsers: Browsers, world: World) -> None:
    """T7, T11, T14: on pages, on refusals and on errors."""
    browser = browsers("staff")
    for path in ("/console/log", "/console/audit", "/console/nowhere", f"/console/people/{world.person}/thread"):
        headers = browser.client.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe-inline" not in policy
        assert headers["Cache-Control"] == "no-store", path
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_pages_hold_no_inline_script_or_style(browsers: Browsers, world: World) -> None:
    """T7: the policy would refuse them, so none may be written."""
    browser = browsers("safeguarding")
    for path in ("/console/", "/console/log", "/console/concerns", f"/console/concerns/{world.concern}"):
        _, page = browser.get(path)
        assert " style=" not in page
        assert "<style" not in page
        assert "onclick" not in page
        assert page.count("<script") == page.count('<script src="/console/static/')


@pytest.mark.parametrize(
    "wanted",
    ["//evil.example", "https://evil.example/console/", "/\\evil.example", "javascript:alert(1)", "/callbacks", "/console\n/x"],
)
def test_only_addresses_of_the_console_are_gone_back_to(wanted: str) -> None:
    """T11: no open redirect."""
    assert guard.own_path(wanted, "/console/") == "/console/"


def test_a_way_back_inside_the_console_is_kept() -> None:
    assert guard.own_path("/console/log?group=G07", "/console/") == "/console/log?group=G07"


def test_another_persons_record_is_not_there(browsers: Browsers, world: World) -> None:
    """T12: a grave concern answers a member of staff exactly as one that does not exist."""
    browser = browsers("staff")
    status, theirs = browser.get(f"/console/concerns/{world.concern}")
    missing_status, missing = browser.get("/console/concerns/C9999")
    assert status == missing_status == 404
    assert theirs.replace(world.concern, "") == missing.replace("C9999", "")


def test_names_and_numbers_are_on_no_page(browsers: Browsers, world: World) -> None:
    """S31, S43, I16: codes only, for every role, on every page that opens without a reason."""
    for role in ROLES:
        browser = browsers(role)
        for page in declared().values():
            if "GET" in page.methods:
                _, text = browser.get(path_of(page))
                assert NAME not in text
                assert PHONE[4:] not in text


def test_forwarded_headers_count_only_from_a_configured_proxy(context: Context, settings: Settings, world: World) -> None:
    """T24: without a proxy the spoofed scheme and host change nothing."""
    browser = Browser(create_app(context, settings, surfaces=("console",)))
    answer = browser.client.get("/console/", headers={"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"})
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/console/sign-in")


@pytest.mark.parametrize(("host", "status"), [("evil.example", 400), ("console.example.org", 303)])
def test_production_serves_its_own_host_only(context: Context, settings: Settings, host: str, status: int) -> None:
    """T24: the host allow-list."""
    at_home = settings.model_copy(update={"app_env": "production", "public_url": "https://console.example.org"})
    browser = Browser(create_app(context, at_home, surfaces=("console",)))
    assert browser.client.get("/console/", headers={"Host": host}).status_code == status


def test_a_field_that_comes_twice_or_holds_nul_is_refused(browsers: Browsers, context: Context) -> None:
    """ASVS 15.3.7 and the databases' difference over NUL: 400, nothing changed."""
    browser = browsers("staff")
    token = browser.csrf()
    for data in ({"csrf_token": token, "words": ["a", "b"]}, {"csrf_token": token, "words": "a\x00b"}):
        assert browser.client.post("/console/log/search", data=data).status_code == 400


def test_a_body_beyond_the_pages_limit_is_refused(browsers: Browsers) -> None:
    """I22: 413 rather than reading a megabyte."""
    browser = browsers("staff")
    answer = browser.client.post("/console/log/search", data={"csrf_token": browser.csrf(), "words": "x" * 300_000})
    assert answer.status_code in (400, 413)


def test_the_first_page_shows_a_banner_while_a_red_concern_is_not_acknowledged(browsers: Browsers, world: World) -> None:
    """S25: on screen for everyone, in counts only; the link only for those who may open it."""
    _, staff_page = browsers("staff").get("/console/account")
    assert "1 urgent concern is not acknowledged." in staff_page
    assert world.concern not in staff_page
    assert "Nobody is on duty now" in staff_page


def test_a_live_refresh_is_no_activity(browsers: Browsers, context: Context) -> None:
    """T10: the list that refreshes itself does not keep a forgotten browser signed in."""
    browser = browsers("staff")
    with context.database.begin() as db:
        before = db.execute(login.select()).mappings().all()
        db.execute(login.update().values(active_at=before[0]["active_at"].replace(microsecond=0) - timedelta(minutes=10)))
        stamp = db.execute(login.select()).mappings().all()[0]["active_at"]
    assert browser.get("/console/log/fresh?live=1")[0] == 200
    with context.database.begin() as db:
        assert db.execute(login.select()).mappings().all()[0]["active_at"] == stamp
    assert browser.get("/console/log")[0] == 200
    with context.database.begin() as db:
        assert db.execute(login.select()).mappings().all()[0]["active_at"] > stamp
