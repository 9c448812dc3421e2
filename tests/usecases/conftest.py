"""The small programme of ``site.py`` over each database."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import update

from sms_service.database import Database
from sms_service.models.outbox import outbox
from sms_service.usecases.context import Context
from sms_service.usecases.pins import draw_pin
from sms_service.usecases.remind_group import remind_group
from tests.service import Service
from tests.usecases.dialling import Phone
from tests.usecases.site import Site


@pytest.fixture
def site(context: Context) -> Site:
    return Site.build(context)


@pytest.fixture
def phone(service: Service) -> Phone:
    """A person with a PIN, who speaks English and was asked by SMS whether they come to the next meeting."""
    site = Site.build(service.context)
    site.group()
    person = site.person(language="en")
    with service.context.database.begin() as db:
        db.execute(update(outbox).values(state="cancelled"))
    made = Phone(service, draw_pin(service.context, site.contact_of(person).id, "command"))
    made.dials("2")
    remind_group(service.context, "G07", "command")
    service.work()
    return made


BACKUP_KEY = hashlib.sha256(b"backup").digest()
Empty = Callable[[str], Context]


@pytest.fixture
def filled(context: Context) -> Context:
    """A site with people, texts in every state that matters, a text nobody has read yet, and an entry in the audit."""
    site = Site.build(context)
    site.group()
    for _ in range(3):
        site.person(name="Kanariya Nyirabizimana")
    with context.database.begin() as db:
        context.record(db, "S00001", "test", "P1", "Kanariya said so")
    return context


@pytest.fixture
def empty(tmp_path: Path, request: pytest.FixtureRequest, context: Context) -> Iterator[Empty]:
    """``empty(kind)``: a context over a new database without a table."""
    made: list[Database] = []

    def make(kind: str) -> Context:
        url = f"sqlite:///{tmp_path / 'restored.db'}" if kind == "sqlite" else request.getfixturevalue("empty_postgresql")
        made.append(Database(url))
        return replace(context, database=made[-1])

    yield make
    for one in made:
        one.dispose()
