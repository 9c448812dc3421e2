"""The harm log: recorded by anyone who works with people, reviewed by safeguarding, and able to pause a text (S44)."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from sms_service.models.harm import harm, paused_text
from sms_service.security.tokens import new_row_id
from sms_service.usecases.harm import PAUSABLE
from sms_service.usecases.remind_group import remind_group
from tests.console.conftest import Browser, Browsers
from tests.console.world import World
from tests.service import Service
from tests.usecases.site import Site

PAGE = "/console/harm"
CASE = {"kind": "quarrel", "template": "V3", "person": "P1001", "note": "He asked who had written."}


def recorded(browser: Browser, **changes: str) -> int:
    return browser.post(PAGE + "/add", {"once": str(new_row_id()), **CASE, **changes})[0]


def count(world: World) -> int:
    with world.context.database.begin() as db:
        return int(db.execute(select(func.count()).select_from(harm)).scalar_one())


def code_on(page: str) -> str:
    found = re.search(r"H[0-9]{4}", page)
    assert found is not None
    return found[0]


def test_a_case_is_recorded_once_and_seen_by_safeguarding_only(world: World, browsers: Browsers) -> None:
    """S44, S32: staff write it down; who recorded it reads no other case."""
    staff, lead = browsers("staff"), browsers("safeguarding")
    once = str(new_row_id())
    assert [recorded(staff, once=once), recorded(staff, once=once)] == [303, 303]
    assert count(world) == 1
    assert CASE["note"] not in staff.get(PAGE)[1]
    page = lead.get(PAGE)[1]
    assert CASE["note"] in page
    assert "P1001" in page


@pytest.mark.parametrize(
    "changes", [{"kind": "x"}, {"template": "V10"}, {"template": "alert"}, {"person": "P0000"}, {"note": "x" * 501}]
)
def test_a_case_that_cannot_be_is_refused(world: World, browsers: Browsers, changes: dict[str, str]) -> None:
    """S44: acknowledgements and alerts are nothing to pause; an unknown person is said."""
    assert recorded(browsers("staff"), **changes) == 422
    assert count(world) == 0


def test_a_review_pauses_a_text_and_safeguarding_lets_it_go(world: World, browsers: Browsers) -> None:
    """S44: once a case, by safeguarding, audited."""
    staff, lead = browsers("staff"), browsers("safeguarding")
    recorded(staff)
    code = code_on(lead.get(PAGE)[1])
    decided = {"case": code, "decision": "paused"}
    assert staff.post(PAGE + "/review", decided)[0] == 403
    assert lead.post(PAGE + "/review", decided)[0] == 303
    assert lead.post(PAGE + "/review", decided)[0] == 422
    with world.context.database.begin() as db:
        assert db.execute(select(paused_text.c.template, paused_text.c.harm_code)).one() == ("V3", code)
    assert staff.post(PAGE + "/release", {"template": "V3"})[0] == 403
    assert lead.post(PAGE + "/release", {"template": "V3"})[0] == 303
    assert lead.post(PAGE + "/release", {"template": "V3"})[0] == 422


def test_a_case_without_a_text_pauses_nothing(world: World, browsers: Browsers) -> None:
    lead = browsers("safeguarding")
    recorded(lead, template="")
    code = code_on(lead.get(PAGE)[1])
    assert lead.post(PAGE + "/review", {"case": code, "decision": "paused"})[0] == 422
    assert lead.post(PAGE + "/review", {"case": code, "decision": "wording"})[0] == 303


@pytest.mark.parametrize(("days", "said"), [(30, False), (32, True)])
def test_a_month_without_review_is_said(world: World, browsers: Browsers, days: int, said: bool) -> None:
    """S44: reviewed monthly."""
    lead = browsers("safeguarding")
    recorded(lead)
    with world.context.database.begin() as db:
        db.execute(update(harm).values(at=world.now - timedelta(days=days)))
    assert ("waited for its review" in lead.get(PAGE)[1]) is said


def test_a_paused_text_does_not_go_and_answers_do(service: Service) -> None:
    """S44: dropped with its reason at the last moment, also when it was queued before; V10 still answers."""
    site = Site.build(service.context)
    site.group()
    site.person()
    service.work()
    before = len(service.gateway.sent)
    remind_group(service.context, "G07", "command")
    with service.context.database.begin() as db:
        now = service.context.now(db)
        for template in PAUSABLE:
            db.execute(paused_text.insert().values(template=template, paused_at=now, paused_by="Slead", harm_code="H1000"))
    service.work()
    assert len(service.gateway.sent) == before
    assert [row.reason for row in site.texts() if row.template == "V3"] == ["text paused"]
    service.text("+250788000001", "ubufasha")
    service.work()
    assert len(service.gateway.sent) == before + 1
