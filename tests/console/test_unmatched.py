"""Delivery reports that no text claims: a text is suggested by number and time, and only a person joins the two."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select

from sms_service.gateway.wire import DeliveryReport
from sms_service.models.audit import audit
from sms_service.models.outbox import attempt, outbox, parked_report
from sms_service.security.tokens import new_row_id
from sms_service.usecases.take_report import take_report
from tests.console.conftest import Browsers
from tests.console.world import PHONE, World

GATEWAY_ID = "ATXid_lost"
PAGE = "/console/unmatched"


def text_sent(world: World, minutes_ago: int, *, who: str = "", state: str = "unknown", **values: Any) -> int:
    """A text whose call was made so long ago."""
    at = world.now - timedelta(minutes=minutes_ago)
    with world.context.database.begin() as db:
        number_id = world.ids[f"number {who or world.person}"]
        row_id = world.sms_out(db, number_id, "Servas: ...", at, state=state, **values)
        started = {"id": new_row_id(), "outbox_id": row_id, "call_id": "c", "token": "t", "started_at": at}
        db.execute(insert(attempt).values(**started))
    return row_id


def report_arrived(world: World, minutes_ago: int, status: str = "Success", number: str = PHONE) -> None:
    """A report whose id no text has, as the callback stores it."""
    take_report(world.context, DeliveryReport(GATEWAY_ID, status, "", number, None))
    with world.context.database.begin() as db:
        at = world.now - timedelta(minutes=minutes_ago)
        db.execute(parked_report.update().where(parked_report.c.status == status).values(received_at=at))


def state_of(world: World, row_id: int) -> tuple[str, str | None]:
    with world.context.database.begin() as db:
        row = db.execute(select(outbox.c.state, outbox.c.gateway_id).where(outbox.c.id == row_id)).one()
        return row.state, row.gateway_id


def left(world: World) -> int:
    with world.context.database.begin() as db:
        return int(db.execute(select(func.count()).select_from(parked_report)).scalar_one())


def suggested(page: str) -> list[int]:
    return [int(found) for found in re.findall(r'name="text" value="(\d+)"', page)]


def test_the_latest_call_before_the_report_is_suggested(world: World, browsers: Browsers) -> None:
    """I14: same number, before the report, within hours, and only a text whose answer was lost."""
    text_sent(world, 60)
    meant = text_sent(world, 31)
    text_sent(world, 29)
    text_sent(world, 32, state="delivered", gateway_id="ATXid_other")
    text_sent(world, 31, who=world.other)
    text_sent(world, 7 * 60)
    report_arrived(world, 30)
    status, page = browsers("staff").get(PAGE)
    assert status == 200
    assert suggested(page) == [meant]


@pytest.mark.parametrize(("minutes", "number", "shown"), [(9, PHONE, False), (11, PHONE, True), (11, "+250788999999", True)])
def test_a_report_waits_ten_minutes_before_it_is_shown(
    world: World, browsers: Browsers, minutes: int, number: str, shown: bool
) -> None:
    """F30: the sweep joins what belongs together; a number not on file has no suggestion."""
    report_arrived(world, minutes, number=number)
    page = browsers("staff").get(PAGE)[1]
    assert ("Success" in page) is shown
    assert suggested(page) == []


@pytest.mark.parametrize(
    ("statuses", "state"), [(["Success"], "delivered"), (["Sent", "Failed"], "failed"), (["Sent"], "accepted")]
)
def test_an_accepted_suggestion_settles_the_text(world: World, browsers: Browsers, statuses: list[str], state: str) -> None:
    """I9, I17: the text gets the id and what the reports say, all of them; in the audit; nothing is sent."""
    meant = text_sent(world, 31)
    for place, one in enumerate(statuses):
        report_arrived(world, 30 - place, one)
    browser = browsers("staff")
    sent = {"report": GATEWAY_ID, "text": str(meant), "act": "accept"}
    assert browser.post(PAGE + "/settle", sent)[0] == 303
    assert state_of(world, meant) == (state, GATEWAY_ID)
    assert left(world) == 0
    with world.context.database.begin() as db:
        assert db.execute(select(audit.c.act).order_by(audit.c.seq.desc())).scalars().first() == "report.match"
    assert browser.post(PAGE + "/settle", sent)[0] == 422, "a second click finds nothing to settle"


def test_a_dismissed_report_is_gone_and_the_text_stays_unknown(world: World, browsers: Browsers) -> None:
    meant = text_sent(world, 31)
    report_arrived(world, 30)
    assert browsers("staff").post(PAGE + "/settle", {"report": GATEWAY_ID, "act": "dismiss"})[0] == 303
    assert (state_of(world, meant), left(world)) == (("unknown", None), 0)


@pytest.mark.parametrize("text", ["other", "settled", "0", "9" * 30, "x"])
def test_a_text_that_does_not_fit_is_refused(world: World, browsers: Browsers, text: str) -> None:
    """T12: another number's text, one settled meanwhile, nonsense: nothing changes."""
    report_arrived(world, 30)
    rows = {"other": text_sent(world, 31, who=world.other), "settled": text_sent(world, 31, state="delivered")}
    sent = {"report": GATEWAY_ID, "text": str(rows.get(text, text)), "act": "accept"}
    assert browsers("staff").post(PAGE + "/settle", sent)[0] == 422
    assert left(world) == 1
    assert state_of(world, rows["other"]) == ("unknown", None)
