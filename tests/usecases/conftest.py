"""The small programme of ``site.py`` over each database."""

from __future__ import annotations

import pytest
from sqlalchemy import update

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
