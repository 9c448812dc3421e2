"""Reports in the console: filing one on a meeting, pairs' months, and the director's approval of the remembrance text."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select

from sms_service.models import reports
from sms_service.models.audit import audit
from sms_service.models.cascade import pair
from sms_service.models.concerns import concern
from sms_service.models.meetings import meeting
from sms_service.models.reports import cascade_report, meeting_report, remembrance_approval
from sms_service.security.tokens import new_row_id
from sms_service.usecases.meeting_reports import Counts, Reporter, file_report
from tests.console.conftest import Browsers
from tests.console.test_forms import count, hidden
from tests.console.world import World

SENT = {"men": "1", "women": "2", "distressed": "0", "referred": "1", "incident": "none", "both_present": "yes"}


@pytest.fixture
def held(world: World) -> int:
    """A meeting of G07 that began an hour ago; returns its row id."""
    with world.context.database.begin() as db:
        start = world.now - timedelta(hours=1)
        return world.put(db, meeting, group_id=world.ids[world.group], no=5, starts_at=start, state="planned")


def kept(world: World, meeting_id: int) -> Any:
    with world.context.database.begin() as db:
        return reports.of_meeting(db, meeting_id)


def filed_by_phone(world: World, meeting_id: int, **changed: Any) -> None:
    counts = Counts(**{"men": 1, "women": 2, "distressed": 0, "referred": 1, "incident": "none", "both_present": True, **changed})
    with world.context.database.begin() as db:
        file_report(world.context, db, meeting_id, counts, Reporter(world.facilitator, "sms"), world.now)


def page_of(world: World, meeting_id: int) -> str:
    return f"/console/groups/{world.group}/meetings/{meeting_id}"


def test_staff_file_a_report_and_read_it_on_the_page(browsers: Browsers, world: World, held: int) -> None:
    """V15: the same use case as the phones, so the same flags; an incident opens a call back."""
    staff = browsers("staff")
    assert "Not reported yet" in staff.get(page_of(world, held))[1]
    sent = {**SENT, "women": "90", "incident": "conflict"}
    assert staff.post(f"{page_of(world, held)}/report", sent)[0] == 303
    row = kept(world, held)
    assert (row.men, row.women, row.source, row.flags) == (1, 90, "console", ["too_many"])
    page = staff.get(page_of(world, held))[1]
    assert "More people than the group has" in page
    assert "Conflict in the group" in page
    with world.context.database.begin() as db:
        opened = db.execute(select(concern).where(concern.c.kind == "incident")).one()
        assert (opened.topic, opened.note_code) == ("G07 5", "conflict")
        assert db.execute(select(meeting.c.state).where(meeting.c.id == held)).scalar() == "reported"
    assert "Conflict in the group" in staff.get(f"/console/concerns/{opened.code}")[1]


def test_staff_decide_between_two_that_differ(browsers: Browsers, world: World, held: int) -> None:
    filed_by_phone(world, held)
    staff, facilitator = browsers("staff"), browsers("facilitator")
    with world.context.database.begin() as db:
        other = Counts(2, 2, 0, 1, "none", True)
        file_report(world.context, db, held, other, Reporter("P9009", "ussd"), world.now)
    assert "look at the report" in staff.get(f"/console/groups/{world.group}")[1]
    page = facilitator.get(page_of(world, held))[1]
    assert "The two facilitators differ" in page
    assert page.count("≠") == 1
    assert staff.post(f"{page_of(world, held)}/report", SENT)[0] == 303
    row = kept(world, held)
    assert (row.men, row.flags, row.other, row.reported_by) == (1, [], None, browsers.codes["staff"])
    assert count(world, meeting_report) == 1
    assert "look at the report" not in staff.get(f"/console/groups/{world.group}")[1]


def test_a_facilitator_in_the_console_is_the_one_who_wrote_by_phone(browsers: Browsers, world: World, held: int) -> None:
    """A correction, not a second report; and only of an own group (S31)."""
    filed_by_phone(world, held)
    facilitator = browsers("facilitator")
    assert facilitator.post(f"{page_of(world, held)}/report", {**SENT, "men": "3"})[0] == 303
    row = kept(world, held)
    assert (row.men, row.reported_by, row.other, row.source) == (3, world.facilitator, None, "console")
    elsewhere = f"/console/groups/{world.other_group}/meetings/{held}/report"
    assert facilitator.post(elsewhere, SENT)[0] == 404


@pytest.mark.parametrize(("field", "value"), [("men", "-1"), ("women", ""), ("referred", "1000"), ("incident", "fight")])
def test_a_wrong_field_is_named_and_nothing_is_kept(browsers: Browsers, world: World, held: int, field: str, value: str) -> None:
    status, page = browsers("staff").post(f"{page_of(world, held)}/report", {**SENT, field: value})
    assert status == 422
    assert f'href="#f-{field}"' in page
    assert kept(world, held) is None


def test_a_meeting_to_come_or_cancelled_takes_no_report(browsers: Browsers, world: World) -> None:
    staff = browsers("staff")
    with world.context.database.begin() as db:
        values = {"group_id": world.ids[world.group], "state": "planned"}
        later = world.put(db, meeting, no=6, starts_at=world.now + timedelta(days=1), **values)
        gone = world.put(db, meeting, no=7, starts_at=world.now - timedelta(days=1), **{**values, "state": "cancelled"})
    for meeting_id in (later, gone):
        assert staff.post(f"{page_of(world, meeting_id)}/report", SENT)[0] == 422
    assert count(world, meeting_report) == 0


def test_the_pairs_page_shows_both_who_differ_and_who_is_silent(browsers: Browsers, world: World) -> None:
    """V16: staff see the months as filed; who only reads counts does not (S34)."""
    with world.context.database.begin() as db:
        first = world.put(db, pair, code="R11", generation=1, created_at=world.now)
        world.put(db, pair, code="R12", generation=1, created_at=world.now - timedelta(days=100))
        month = {"activities": 2, "women": 31, "men": 6, "co_led": True}
        values = {
            "pair_id": first,
            "month": f"{world.now:%Y-%m}",
            "opened_at": world.now,
            "filed_at": world.now,
            "filed_by": "P1001",
        }
        more = {"other": {**month, "women": 37}, "other_by": "P1002"}
        db.execute(insert(cascade_report).values(id=new_row_id(), **values, **month, **more))
    page = browsers("staff").get("/console/pairs")[1]
    assert page.count("they differ") == 2
    assert ">31<" in page
    assert ">37<" in page
    assert "No monthly report for two months: R12." in page
    assert "Monthly reports" not in browsers("read_only").get("/console/pairs")[1]


def test_only_the_director_approves_the_remembrance_text(browsers: Browsers, world: World) -> None:
    """S1, 8.5: the words in four languages, who approved them and when; taken back in one click, and in the audit."""
    director, staff = browsers("read_only"), browsers("staff")
    page = director.get("/console/remembrance")[1]
    assert "kwibuka" in page
    seen = {"seen": hidden(page, "seen")}
    assert staff.get("/console/remembrance")[0] == 200
    assert staff.post("/console/remembrance/decide", {**seen, "act": "approve"})[0] in (403, 404)
    assert director.post("/console/remembrance/decide", {"seen": "0" * 64, "act": "approve"})[0] == 422
    assert count(world, remembrance_approval) == 0
    for _ in range(2):
        assert director.post("/console/remembrance/decide", {**seen, "act": "approve"})[0] == 303
    assert count(world, remembrance_approval) == 1
    assert browsers.codes["read_only"] in staff.get("/console/remembrance")[1]
    assert director.post("/console/remembrance/decide", {"act": "withdraw"})[0] == 303
    assert director.post("/console/remembrance/decide", {"act": "withdraw"})[0] == 422
    assert count(world, remembrance_approval) == 0
    with world.context.database.begin() as db:
        acts = db.execute(select(audit.c.act).where(audit.c.act.startswith("remembrance."))).scalars().all()
    assert acts == ["remembrance.approve", "remembrance.withdraw"]
