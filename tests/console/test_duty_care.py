"""The rota says when somebody is on duty too many nights, and who is due a debrief (S45)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from sms_service.models.concerns import concern
from sms_service.models.staff import staff
from sms_service.usecases.rota import add_duty
from tests.console.conftest import Browsers
from tests.console.world import World

PAGE = "/console/settings"
PHONE = "0788009001"


@pytest.mark.parametrize(("days", "said"), [(4, False), (5, True)])
def test_too_many_nights_are_said_when_the_rota_is_made(
    world: World, browsers: Browsers, accounts: dict[str, str], days: int, said: bool
) -> None:
    """S45: before they begin, so that somebody else can take one."""
    begins = world.now + timedelta(days=1)
    add_duty(world.context, accounts["safeguarding"], 1, begins, begins + timedelta(days=days), PHONE, "command")
    page = browsers("admin").get(PAGE)[1]
    assert (f"{days} nights in a row" in page) is said


def _taken(world: World, code: str, cases: int) -> None:
    """This person took on so many urgent concerns today."""
    with world.context.database.begin() as db:
        owner = db.execute(staff.select().where(staff.c.code == code)).one()
        for no in range(cases):
            world.put(
                db,
                concern,
                code=f"C80{no:02d}",
                kind="crisis_red",
                severity="red",
                state="contacted",
                texts=1,
                owner_id=owner.id,
                opened_at=world.now - timedelta(hours=2),
                due_at=world.now,
                acknowledged_at=world.now - timedelta(hours=1),
            )


@pytest.mark.parametrize(("cases", "said"), [(2, False), (3, True)])
def test_a_debrief_is_asked_for_and_recorded_by_somebody_else(
    world: World, browsers: Browsers, accounts: dict[str, str], cases: int, said: bool
) -> None:
    """S45, I17: after three urgent cases; the person cannot say it of themselves."""
    lead = accounts["safeguarding"]
    _taken(world, lead, cases)
    admin = browsers("admin")
    assert ("A debrief is due" in admin.get(PAGE)[1]) is said
    assert browsers("safeguarding").post(PAGE + "/rota/debrief", {"who": lead})[0] == 422
    assert browsers("staff").post(PAGE + "/rota/debrief", {"who": lead})[0] == 403
    assert admin.post(PAGE + "/rota/debrief", {"who": lead})[0] == 303
    assert "A debrief is due" not in admin.get(PAGE)[1]


def test_cases_after_a_debrief_count_anew(world: World, browsers: Browsers, accounts: dict[str, str]) -> None:
    lead = accounts["safeguarding"]
    _taken(world, lead, 3)
    admin = browsers("admin")
    admin.post(PAGE + "/rota/debrief", {"who": lead})
    with world.context.database.begin() as db:
        db.execute(update(concern).where(concern.c.code.like("C80%")).values(acknowledged_at=world.now + timedelta(minutes=5)))
    assert "A debrief is due" in admin.get(PAGE)[1]
