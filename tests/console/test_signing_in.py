"""Signing in through the pages: links, passwords, codes, lockout, and old cookies that open nothing (T10, S35)."""

from __future__ import annotations

import re
from datetime import timedelta

import pyotp
import pytest
from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import select

from handlers.app import create_app
from sms_service import clock
from sms_service.config import Settings
from sms_service.models.staff import login, signin_failure, signin_link, staff
from sms_service.security import passwords
from sms_service.usecases import sign_in, staff_accounts
from sms_service.usecases.context import Context
from tests.console.conftest import Browser, Browsers

PASSWORD = "four plain words here"
OUT = 303


class Person:
    """Someone with an account: follows the link, sets a password, and has an authenticator."""

    def __init__(self, context: Context, app: Flask, role: str = "staff") -> None:
        self.context = context
        self.login = role
        self.made = staff_accounts.add_staff(context, role, f"A {role}", [role], actor="command")
        self.browser = Browser(app)
        offered = staff_accounts.enrolment(context, self.made.token)
        assert offered is not None
        self.secret = offered.secret
        self.step = 0

    def digits(self) -> str:
        """The authenticator's digits; the account forgets which it used, so that tests need not wait 30 s."""
        with self.context.database.begin() as db:
            db.execute(staff.update().where(staff.c.code == self.made.code).values(totp_step=0))
        return pyotp.TOTP(self.secret).at(clock.wall())

    def enrol(self) -> int:
        path = f"/console/link/{self.made.token}"
        data = {"password": PASSWORD, "again": PASSWORD, "one_time": self.digits()}
        return self.browser.post(f"{path}/send", data, form_on=path)[0]

    def enter(self, browser: Browser, password: str = PASSWORD, digits: str | None = None, name: str = "") -> tuple[int, str]:
        data = {"login": name or self.login, "password": password, "one_time": self.digits() if digits is None else digits}
        return browser.post("/console/sign-in/send", data, form_on="/console/sign-in")


@pytest.fixture
def person(context: Context, app: Flask) -> Person:
    made = Person(context, app)
    assert made.enrol() == OUT
    return made


def test_a_link_leads_to_a_password_and_an_authenticator_before_anything_else(context: Context, app: Flask) -> None:
    """T10: the link alone opens nothing; used once it is gone."""
    someone = Person(context, app)
    path = f"/console/link/{someone.made.token}"
    assert someone.browser.get(path)[0] == 200
    assert someone.browser.get("/console/log")[0] == OUT
    weak = {"password": "short", "again": "other", "one_time": "000000"}
    status, page = someone.browser.post(f"{path}/send", weak, form_on=path)
    assert status == 422
    assert page.count('class="fault"') == 3
    assert someone.enrol() == OUT
    assert someone.browser.get("/console/log")[0] == 200
    assert someone.browser.get(path)[0] == 404


def test_a_link_ends_after_half_an_hour(context: Context, app: Flask) -> None:
    someone = Person(context, app)
    with context.database.begin() as db:
        db.execute(signin_link.update().values(expires_at=sign_in.real_now(db) - timedelta(seconds=1)))
    assert someone.browser.get(f"/console/link/{someone.made.token}")[0] == 404


def test_a_demo_link_signs_in_only_in_a_demo(context: Context, app: Flask, settings: Settings) -> None:
    made = staff_accounts.add_staff(context, "demo", "Demo", ["staff"], actor="command", second_factor=False)
    path = f"/console/link/{made.token}"
    assert Browser(app).get(path)[0] == 404
    demo = Browser(create_app(context, settings.model_copy(update={"app_env": "demo"}), surfaces=("console",)))
    assert demo.get(path)[0] == OUT
    assert demo.get("/console/log")[0] == 200
    assert demo.get(path)[0] == OUT, "a demo's link serves again until it expires"


def test_signing_in_takes_the_password_and_a_fresh_code(context: Context, app: Flask, person: Person) -> None:
    browser = Browser(app)
    assert person.enter(browser)[0] == OUT
    assert browser.get("/console/log")[0] == 200
    cookie = browser.client.get_cookie("console_login")
    assert cookie is not None
    assert cookie.http_only
    assert cookie.same_site == "Strict"


def test_over_tls_the_cookie_is_bound_to_the_host(context: Context, settings: Settings, person: Person) -> None:
    """T10, T24: ``__Host-`` and Secure whenever the public address has TLS."""
    app = create_app(context, settings.model_copy(update={"public_url": "https://localhost"}), surfaces=("console",))
    client = app.test_client()
    page = client.get("/console/sign-in", base_url="https://localhost").get_data(as_text=True)
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token
    data = {"csrf_token": token[1], "login": "staff", "password": PASSWORD, "one_time": person.digits()}
    answer = client.post(
        "/console/sign-in/send", data=data, base_url="https://localhost", headers={"Referer": "https://localhost/"}
    )
    header = next(value for value in answer.headers.getlist("Set-Cookie") if value.startswith("__Host-login="))
    assert "Secure" in header
    assert "HttpOnly" in header
    assert "SameSite=Strict" in header
    assert "Domain" not in header


def test_a_code_serves_once(app: Flask, person: Person) -> None:
    """T10: a code read over a shoulder is worth nothing."""
    digits = person.digits()
    assert person.enter(Browser(app), digits=digits)[0] == OUT
    assert person.enter(Browser(app), digits=digits)[0] == 422


def test_every_refusal_reads_the_same(context: Context, app: Flask, person: Person) -> None:
    """T10: unknown name, wrong password, wrong code and disabled account: one answer."""
    bodies = set()
    for name, password, digits in (
        ("staff", "wrong", None),
        ("nobody", PASSWORD, None),
        ("staff", PASSWORD, "000000"),
    ):
        status, page = person.enter(Browser(app), password, digits, name)
        assert status == 422
        bodies.add(re.sub(r'value="[^"]*"', "", page))
    staff_accounts.set_enabled(context, person.made.code, False, actor="S000")
    bodies.add(re.sub(r'value="[^"]*"', "", person.enter(Browser(app))[1]))
    assert len(bodies) == 1


def test_an_unknown_name_costs_the_same_work(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """T10: the hash is computed for a name that does not exist, too."""
    seen: list[str | None] = []
    real = sign_in.verify_password

    def noting(stored: str | None, given: str) -> bool:
        seen.append(stored)
        return real(stored, given)

    monkeypatch.setattr(sign_in, "verify_password", noting)
    assert sign_in.sign_in(context, "nobody", "x", "000000", "192.0.2.1") is None
    assert seen == [None]


def test_five_wrong_tries_lock_the_account_for_a_quarter_of_an_hour(context: Context, app: Flask, person: Person) -> None:
    """T10: the lockout lies in SQL, so a restart of the process does not lift it; other accounts are not touched."""
    for _ in range(sign_in.TRIES_PER_ACCOUNT):
        assert person.enter(Browser(app), "wrong")[0] == 422
    assert person.enter(Browser(app))[0] == 422
    other = Person(context, app, "safeguarding")
    assert other.enrol() == OUT
    assert other.enter(Browser(app))[0] == OUT
    with context.database.begin() as db:
        earlier = sign_in.real_now(db) - sign_in.LOCK - timedelta(seconds=1)
        db.execute(signin_failure.update().values(at=earlier))
    assert person.enter(Browser(app))[0] == OUT


def test_one_source_cannot_try_many_accounts(context: Context) -> None:
    """T10: the lockout per source, whatever the names."""
    for count in range(sign_in.TRIES_PER_SOURCE):
        sign_in.sign_in(context, f"name{count}", "x", "000000", "192.0.2.9")
    with context.database.begin() as db:
        subjects = sign_in._subjects(context, "fresh", "192.0.2.9")
        assert sign_in._locked(db, subjects, sign_in.real_now(db))
        assert not sign_in._locked(db, sign_in._subjects(context, "fresh", "192.0.2.10"), sign_in.real_now(db))


@pytest.mark.parametrize(("column", "age"), [("active_at", sign_in.IDLE), ("created_at", sign_in.LONGEST)])
def test_a_login_ends_idle_or_old(context: Context, browsers: Browsers, column: str, age: timedelta) -> None:
    """S35: 15 minutes idle, 12 hours in all."""
    browser = browsers("staff")
    assert browser.get("/console/log")[0] == 200
    with context.database.begin() as db:
        db.execute(login.update().values({column: sign_in.real_now(db) - age}))
    assert browser.get("/console/log")[0] == OUT
    assert browser.get("/console/log/fresh?live=1")[0] == 401


def test_moving_a_demos_clock_signs_nobody_out(context: Context, browsers: Browsers) -> None:
    browser = browsers("staff")
    with context.database.begin() as db:
        clock.set_now(db, context.now(db) + timedelta(days=3))
    assert browser.get("/console/log")[0] == 200


def test_an_old_cookie_is_dead_after_sign_out(browsers: Browsers, app: Flask) -> None:
    """T10: ended on the server, not only forgotten by the browser."""
    browser = browsers("staff")
    cookie = browser.client.get_cookie("console_login")
    assert cookie is not None
    assert browser.post("/console/sign-out")[0] == OUT
    assert Browser(app, cookie.value).get("/console/log")[0] == OUT


def test_disabling_an_account_ends_its_logins_at_once(context: Context, browsers: Browsers) -> None:
    """T9, T10."""
    browser = browsers("staff")
    staff_accounts.set_enabled(context, browsers.codes["staff"], False, actor=browsers.codes["admin"])
    assert browser.get("/console/log")[0] == OUT


def test_a_new_password_ends_the_other_logins(context: Context, app: Flask, person: Person) -> None:
    """T10: the browser that changed it stays."""
    other = Browser(app)
    assert person.enter(other)[0] == OUT
    new = "another four plain words"
    data = {"old": PASSWORD, "password": new, "again": new, "one_time": person.digits()}
    assert person.browser.post("/console/account/password", data)[0] == OUT
    assert person.browser.get("/console/log")[0] == 200
    assert other.get("/console/log")[0] == OUT
    assert person.enter(Browser(app), PASSWORD)[0] == 422
    assert person.enter(Browser(app), new)[0] == OUT


def test_a_changed_role_counts_with_the_next_request(context: Context, browsers: Browsers) -> None:
    """ASVS 8.3.2."""
    browser = browsers("staff")
    staff_accounts.set_roles(context, browsers.codes["staff"], ["read_only"], actor=browsers.codes["admin"])
    assert browser.get("/console/log")[0] == 403


def test_changing_accounts_asks_for_the_password_again(context: Context, app: Flask) -> None:
    """T10: five minutes after signing in, roles wait for a second sign-in."""
    admin = Person(context, app, "admin")
    assert admin.enrol() == OUT
    assert admin.browser.get("/console/staff/add")[0] == 200
    with context.database.begin() as db:
        db.execute(login.update().values(confirmed_at=sign_in.real_now(db) - sign_in.CONFIRMED_FOR))
    answer = admin.browser.client.get("/console/staff/add")
    assert answer.status_code == OUT
    assert answer.headers["Location"] == "/console/confirm?next=/console/staff/add"
    sent = admin.browser.post("/console/staff/add", {"login": "new", "name": "New", "roles_list": "staff", "language": "en"})
    assert sent[0] == OUT
    assert all(account.login != "new" for account in staff_accounts.all_accounts(context))
    wrong = {"password": "wrong", "one_time": admin.digits(), "next": "/console/staff/add"}
    assert admin.browser.post("/console/confirm", wrong)[0] == 422
    right = {"password": PASSWORD, "one_time": admin.digits(), "next": "/console/staff/add"}
    assert admin.browser.post("/console/confirm", right)[0] == OUT
    assert admin.browser.get("/console/staff/add")[0] == 200


def test_an_account_is_added_on_the_page_and_its_link_shown_once(context: Context, browsers: Browsers) -> None:
    admin = browsers("admin")
    data = {"login": "Amina.K", "name": "Amina K", "roles_list": "staff", "language": "fr"}
    status, page = admin.post("/console/staff/add", data)
    assert status == 200
    found = re.search(r"/console/link/([\w-]+)", page)
    assert found
    assert staff_accounts.enrolment(context, found[1]) is not None
    assert found[1] not in admin.get("/console/staff")[1]
    assert admin.post("/console/staff/add", data)[0] == 422, "the same sign-in name again"


def test_an_administrator_cannot_shut_themselves_out(context: Context, browsers: Browsers) -> None:
    admin = browsers("admin")
    path = f"/console/staff/{browsers.codes['admin']}"
    assert admin.post(path, {"act": "disable"})[0] == 422
    assert admin.post(path, {"act": "roles", "roles_list": "staff"})[0] == 422
    assert admin.get("/console/staff")[0] == 200


def test_a_hash_of_another_cost_is_made_again_at_the_next_right_sign_in(
    context: Context, app: Flask, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T10: raising the cost reaches every account as its owner signs in; a wrong password changes nothing."""

    def stored() -> str:
        with context.database.begin() as db:
            return str(db.execute(select(staff.c.password_hash).where(staff.c.code == person.made.code)).scalar_one())

    before = stored()
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=2, memory_cost=64, parallelism=1))
    assert person.enter(Browser(app), "not this one")[0] != OUT
    assert stored() == before
    assert person.enter(Browser(app))[0] == OUT
    after = stored()
    assert "t=2," in after
    assert not passwords.needs_rehash(after)
    assert person.enter(Browser(app))[0] == OUT
    assert stored() == after
