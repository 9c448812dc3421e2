"""The console over a real database: an account of every role, and browsers that are signed in as one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from handlers.app import create_app
from sms_service.config import Settings, load_settings
from sms_service.models.staff import staff
from sms_service.rules.roles import ROLES
from sms_service.security import passwords
from sms_service.usecases.context import Context
from sms_service.usecases.sign_in import open_login, real_now
from sms_service.usecases.staff_accounts import add_staff
from tests.console.world import World, make_world


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2 at its lowest cost: what is tested here is who gets in, not how slow guessing is."""
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    passwords._stand_in.cache_clear()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings({"APP_ENV": "test", "DATA_DIR": str(tmp_path / "data")})


@pytest.fixture
def app(context: Context, settings: Settings) -> Flask:
    return create_app(context, settings, surfaces=("console",))


@pytest.fixture
def world(context: Context) -> World:
    """Two groups, four people, a few texts both ways, one dial, one flagged text with its concern."""
    return make_world(context)


class Browser:
    """A signed-in browser: ``get`` and ``post`` carry the cookie, ``post`` also a fresh CSRF token."""

    def __init__(self, app: Flask, token: str = "") -> None:
        self.client: FlaskClient = app.test_client()
        if token:
            self.client.set_cookie("console_login", token)

    def get(self, path: str) -> tuple[int, str]:
        answer = self.client.get(path)
        return answer.status_code, answer.get_data(as_text=True)

    def csrf(self, path: str = "/console/account") -> str:
        page = self.client.get(path).get_data(as_text=True)
        found = re.search(r'name="csrf_token" value="([^"]+)"', page)
        assert found, f"no form on {path}"
        return found.group(1)

    def post(self, path: str, data: dict[str, str] | None = None, *, form_on: str = "/console/account") -> tuple[int, str]:
        answer = self.client.post(path, data={"csrf_token": self.csrf(form_on), **(data or {})})
        return answer.status_code, answer.get_data(as_text=True)


@pytest.fixture
def accounts(context: Context, world: World) -> dict[str, str]:
    """role -> code of an account that holds this role only."""
    return {
        role: add_staff(
            context,
            role.replace("_", "-"),
            f"A {role}",
            [role],
            actor="command",
            person_code=world.facilitator if role == "facilitator" else "",
        ).code
        for role in ROLES
    }


class Browsers:
    """``browsers("staff")``: a browser signed in with this role, its password given just now."""

    def __init__(self, context: Context, app: Flask, accounts: dict[str, str]) -> None:
        self.context, self.app, self.codes = context, app, accounts

    def __call__(self, role: str) -> Browser:
        with self.context.database.begin() as db:
            row = db.execute(select(staff).where(staff.c.code == self.codes[role])).one()
            token = open_login(self.context, db, row, real_now(db))
        return Browser(self.app, token)


@pytest.fixture
def browsers(context: Context, app: Flask, accounts: dict[str, str]) -> Browsers:
    return Browsers(context, app, accounts)
