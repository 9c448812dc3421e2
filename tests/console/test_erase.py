"""Erasing a person from the console: listed, asked twice, done once, with a proof that names nobody (I19, S33, T10)."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select, update

from sms_service.models.audit import audit
from sms_service.models.concerns import concern
from sms_service.models.people import identity, person
from sms_service.models.staff import login
from tests.console.conftest import Browsers
from tests.console.world import World

PAGE = "/console/people/P1001/erase"


def test_every_place_is_listed_and_nothing_goes_without_a_reason_and_a_tick(world: World, browsers: Browsers) -> None:
    """I19, I17: half a form changes nothing; the whole one erases, and says what went without saying who it was."""
    lead = browsers("safeguarding")
    status, page = lead.get(PAGE)
    assert status == 200
    assert "Phones with code word and PIN" in page
    for given in ({"reason": "asked in person"}, {"sure": "1"}, {"reason": "x", "sure": "1"}):
        assert lead.post(PAGE, given)[0] == 422
    assert named(world)
    status, page = lead.post(PAGE, {"reason": "asked in person", "sure": "1"})
    assert status == 422
    assert "open concerns" in page
    assert world.concern in page
    with world.context.database.begin() as db:
        db.execute(update(concern).values(state="closed", closed_at=datetime(2026, 5, 13, tzinfo=UTC)))
    status, page = lead.post(PAGE, {"reason": "asked in person", "sure": "1"})
    assert status == 200
    assert "This is the proof" in page
    assert not named(world)
    with world.context.database.begin() as db:
        assert "person.erased" in db.execute(select(audit.c.act).where(audit.c.subject == "P1001")).scalars().all()
    assert "Nothing of this person is left." in lead.get(PAGE)[1]
    assert lead.get("/console/people/P1001")[0] == 200, "the code's own page still opens"


def test_the_password_is_asked_for_again(world: World, browsers: Browsers) -> None:
    """T10: a console left open erases nobody."""
    lead = browsers("safeguarding")
    with world.context.database.begin() as db:
        db.execute(update(login).values(confirmed_at=datetime(2020, 1, 1, tzinfo=UTC)))
    assert lead.post(PAGE, {"reason": "asked in person", "sure": "1"})[0] == 303
    assert named(world)


def named(world: World) -> bool:
    with world.context.database.begin() as db:
        query = select(identity.c.person_id).join(person, person.c.id == identity.c.person_id).where(person.c.code == "P1001")
        return db.execute(query).first() is not None
