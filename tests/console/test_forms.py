"""The programme's pages: forms change what they say once, bad input changes nothing, a facilitator sees own groups only."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update

from sms_service.models import groups, meetings, people
from sms_service.models.broadcasts import broadcast
from sms_service.models.groups import group, session_template
from sms_service.models.outbox import outbox
from sms_service.models.pauses import pause_window
from sms_service.models.people import person
from sms_service.models.state import read
from sms_service.security.tokens import new_row_id
from tests.console.conftest import Browser, Browsers
from tests.console.world import MARKUP, NAME, World

TEXTS = {
    "text_rw": "Servas: inama itaha ni ejo saa munani (14:00).",
    "text_fr": "Servas: prochaine réunion demain à 14:00.",
    "text_en": "Servas: the next meeting is tomorrow at 14:00.",
    "text_sw": "Servas: mkutano ujao ni kesho saa nane (14:00).",
}
NEW_PERSON = {
    "name": "Uwimana Aline",
    "sex": "F",
    "age_band": "25-34",
    "language": "rw",
    "kind": "participant",
    "group": "G07",
    "phone": "0788000009",
    "phone_ownership": "shared_other",
    "consents_list": "reminders",
    "how": "oral",
}


def hidden(page: str, name: str) -> str:
    """The value of a hidden field on a page."""
    return page.split(f'name="{name}" value="', 1)[1].split('"', 1)[0]


def once_on(browser: Browser, path: str) -> dict[str, str]:
    return {"once": hidden(browser.get(path)[1], "once")}


def count(world: World, table: Any) -> int:
    with world.context.database.begin() as db:
        return int(db.execute(select(func.count()).select_from(table)).scalar_one())


@pytest.fixture
def planned(world: World) -> int:
    """Five meetings a week apart in G07, the first in a week; returns the first one's row id."""
    with world.context.database.begin() as db:
        now = world.context.now(db)
        row = groups.by_code(db, world.group)
        assert row is not None
        start = (now + timedelta(days=7)).replace(hour=12, minute=0, second=0, microsecond=0)
        while start.astimezone(UTC).weekday() != 2 or (start + timedelta(days=7)).month != start.month:
            start += timedelta(days=1)
        ids = [new_row_id() for _ in range(3)]
        for no, row_id in enumerate(ids, start=1):
            template = {"id": new_row_id(), "curriculum_id": row.curriculum_id, "no": no, "phase": "S", "audience": "X"}
            db.execute(insert(session_template).values(**template, internal_theme="-", neutral_label={}))
            values = {"id": row_id, "group_id": row.id, "template_id": template["id"], "no": no, "state": "planned"}
            db.execute(insert(meetings.meeting).values(**values, starts_at=start + timedelta(days=7 * (no - 1))))
    return ids[0]


def start_of(world: World, meeting_id: int) -> datetime:
    with world.context.database.begin() as db:
        found: datetime = db.execute(select(meetings.meeting.c.starts_at).where(meetings.meeting.c.id == meeting_id)).scalar_one()
        return found


def test_enrolling_twice_with_one_form_makes_one_person(browsers: Browsers, world: World) -> None:
    """Reliability 10: a double click."""
    browser, before = browsers("staff"), count(world, person)
    sent = {**NEW_PERSON, **once_on(browser, "/console/people/enrol")}
    assert [browser.post("/console/people/enrol", sent)[0] for _ in range(2)] == [303, 303]
    assert count(world, person) == before + 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "  \u200b"),
        ("name", "x" * 500),
        ("sex", "Q"),
        ("age_band", "10-17"),
        ("phone", "12"),
        ("phone", "٠٧٨٨٠٠٠٠٠٩"),
        ("safe_hours", "Mon 25:00-26:00"),
        ("group", "G99"),
        ("consents_list", "everything"),
    ],
)
def test_a_wrong_field_is_named_kept_and_changes_nothing(browsers: Browsers, world: World, field: str, value: str) -> None:
    browser, before = browsers("staff"), count(world, person)
    status, page = browser.post("/console/people/enrol", {**NEW_PERSON, field: value})
    assert status == 422
    assert f'id="e-{field}"' in page
    assert NEW_PERSON["age_band"] in page
    assert count(world, person) == before


def test_markup_in_a_name_or_code_word_never_comes_back_alive(browsers: Browsers, world: World) -> None:
    """T7."""
    browser = browsers("staff")
    for sent in ({"name": MARKUP}, {"group": MARKUP[:8]}, {"safe_hours": MARKUP}):
        page = browser.post("/console/people/enrol", {**NEW_PERSON, **sent})[1]
        assert "<script>alert" not in page
        assert "<img src=x" not in page


def test_a_pin_is_shown_once_on_its_own_answer(browsers: Browsers, world: World) -> None:
    """S11."""
    browser = browsers("staff")
    path = f"/console/people/{world.person}"
    contact = hidden(browser.get(path)[1], "contact")
    status, page = browser.post(f"{path}/change", {"act": "pin", "contact": contact})
    pin = page.split('class="secret">', 1)[1][:4]
    assert status == 200
    assert pin.isdigit()
    assert f'class="secret">{pin}' not in browser.get(path)[1]


def test_a_form_about_another_persons_phone_is_refused(browsers: Browsers, world: World) -> None:
    """T12."""
    browser = browsers("staff")
    contact = hidden(browser.get(f"/console/people/{world.other}")[1], "contact")
    status, _page = browser.post(f"/console/people/{world.person}/change", {"act": "pin", "contact": contact})
    assert status == 422


def test_no_page_of_people_or_groups_shows_a_name_or_number(browsers: Browsers, world: World, planned: int) -> None:
    """S31."""
    browser = browsers("staff")
    for path in ("people", f"people/{world.person}", "groups", f"groups/{world.group}", "unknown"):
        page = browser.get(f"/console/{path}")[1]
        assert NAME not in page
        assert "788123456" not in page


def test_a_facilitator_acts_on_own_groups_and_others_are_not_there(browsers: Browsers, world: World, planned: int) -> None:
    """S31, T12: another's group is the same 404 as none."""
    browser = browsers("facilitator")
    own, other = f"/console/groups/{world.group}", f"/console/groups/{world.other_group}"
    assert world.other_group not in browser.get("/console/groups")[1]
    assert browser.get(own)[0] == 200
    assert browser.get(f"{own}/meetings/{planned}")[0] == 200
    assert browser.get(other)[0] == browser.get("/console/groups/G99")[0] == 404
    assert browser.get(f"{other}/meetings/{planned}")[0] == 404
    assert browser.post(f"{other}/remind")[0] == 404
    assert browser.post(f"{other}/meetings/{planned}/change", {"act": "cancel"})[0] == 404
    assert browser.post(f"{own}/change", {"act": "hold", "held": "1"})[0] == 403
    start = start_of(world, planned)
    sent = {"act": "cancel", "seen": start.isoformat()}
    assert browser.post(f"{own}/meetings/{planned}/change", sent)[0] == 303
    assert start_of(world, planned) > start


def test_a_stale_meeting_form_changes_nothing(browsers: Browsers, world: World, planned: int) -> None:
    browser, start = browsers("staff"), start_of(world, planned)
    path = f"/console/groups/{world.group}/meetings/{planned}/change"
    sent = {"act": "cancel", "seen": start.isoformat()}
    assert browser.post(path, sent)[0] == 303
    moved = start_of(world, planned)
    for again in (sent, {"act": "cancel"}, {"act": "cancel", "seen": "never"}):
        assert browser.post(path, again)[0] == 422
    assert start_of(world, planned) == moved


def test_moving_says_what_is_wrong_beside_the_field(browsers: Browsers, world: World, planned: int) -> None:
    browser, start = browsers("staff"), start_of(world, planned)
    path = f"/console/groups/{world.group}/meetings/{planned}/change"
    for day, at in (("2020-01-01", "14:00"), ("nonsense", "14:00"), ("2026-02-30", "14:00"), ("2030-01-01", "24:00")):
        sent = {"act": "move", "day": day, "time": at, "seen": start.isoformat()}
        assert browser.post(path, sent)[0] == 422
    day = (start + timedelta(days=1)).date().isoformat()
    assert browser.post(path, {"act": "move", "day": day, "time": "15:00", "seen": start.isoformat()})[0] == 303


def test_attendance_is_marked_by_code(browsers: Browsers, world: World, planned: int) -> None:
    browser, start = browsers("facilitator"), start_of(world, planned)
    past = start - timedelta(days=60)
    with world.context.database.begin() as db:
        db.execute(update(meetings.meeting).where(meetings.meeting.c.id == planned).values(starts_at=past))
    path = f"/console/groups/{world.group}/meetings/{planned}"
    assert world.person in browser.get(path)[1]
    sent = {"act": "mark", "seen": past.isoformat(), f"mark_{world.person}": "present"}
    assert browser.post(f"{path}/change", sent)[0] == 303
    assert browser.post(f"{path}/change", {**sent, f"mark_{world.person}": "late"})[0] == 422
    with world.context.database.begin() as db:
        assert {row.status for row in meetings.attendance_of(db, planned).values()} == {"present"}


def test_a_list_is_looked_at_first_and_then_taken_whole(browsers: Browsers, world: World) -> None:
    """I23."""
    browser, before = browsers("staff"), count(world, person)
    header = "code,name,phone,language,sex,age_band,group,phone_ownership,safe_hours,consents"
    good, bad = ",Aline,0788000001,rw,F,25-34,G07,own,,reminders", ",Ben,12,rw,M,25-34,G07,own,,"

    def send(act: str, *rows: str) -> tuple[int, str]:
        file = (io.BytesIO("\n".join((header, *rows)).encode()), "list.csv")
        data = {"csrf_token": browser.csrf(), "act": act, "file": file}
        answer = browser.client.post("/console/import", data=data, content_type="multipart/form-data")
        return answer.status_code, answer.get_data(as_text=True)

    assert send("look", good)[0] == 200
    status, page = send("do", good, bad)
    assert status == 422
    assert re.search(r'<td[^>]* class="n">3</td><td[^>]*><span class="code">phone</span>', page)
    assert count(world, person) == before
    assert send("do", good)[0] == 200
    assert count(world, person) == before + 1
    assert browser.post("/console/import", {"act": "do"})[0] == 422


def test_a_broadcast_goes_from_draft_to_a_second_person(browsers: Browsers, world: World) -> None:
    """S40: one form, one draft; the author sees no button to approve."""
    author, approver = browsers("staff"), browsers("safeguarding")
    with world.context.database.begin() as db:
        db.execute(update(person).values(may_remind=True))
        db.execute(update(people.contact_point).values(opted_in_at=world.now))
    once = once_on(author, "/console/broadcasts/write")
    wrong = {**TEXTS, "text_en": "no brand"}
    data = {"csrf_token": author.csrf(), "groups_list": ["G07", "G08"], **once}
    assert author.client.post("/console/broadcasts/write", data={**data, **wrong}).status_code == 422
    for _ in range(2):
        answer = author.client.post("/console/broadcasts/write", data={**data, **TEXTS})
        assert answer.status_code == 303
    path = answer.headers["Location"]
    assert count(world, broadcast) == 1
    page = author.get(path)[1]
    assert TEXTS["text_rw"] in page
    assert author.post(f"{path}/act", {"act": "submit"})[0] == 303
    assert 'value="approve"' not in author.get(path)[1]
    assert author.post(f"{path}/decide", {"act": "approve"})[0] == 422
    assert approver.post(f"{path}/decide", {"act": "approve"})[0] == 303
    assert author.post(f"{path}/act", {"act": "recall"})[0] == 303
    assert author.get("/console/broadcasts/B0")[0] == 404


def test_settings_are_set_by_those_who_may(browsers: Browsers, world: World) -> None:
    staff, admin = browsers("staff"), browsers("admin")
    once = once_on(staff, "/console/settings/pauses/add")
    window = {"first_day": "2030-06-01", "last_day": "2030-06-05", "behaviour": "block", "reason": "holiday", **once}
    assert [staff.post("/console/settings/pauses/add", window)[0] for _ in range(2)] == [303, 303]
    assert count(world, pause_window) == 1
    assert staff.post("/console/settings/pauses/add", {**window, "last_day": "2029-01-01", "once": ""})[0] == 422
    with world.context.database.begin() as db:
        pause_id = db.execute(select(pause_window.c.id)).scalar_one()
    assert staff.post(f"/console/settings/pauses/{pause_id}/end")[0] == 303
    assert staff.post(f"/console/settings/pauses/{pause_id}/end")[0] == 422
    duty = {"line": "1", "first_day": "2030-06-01", "begins": "08:00", "last_day": "2030-06-02", "ends": "08:00"}
    sent = {**duty, "who": "safeguarding", "phone": "0788555000"}
    assert admin.post("/console/settings/rota/add", sent)[0] == 303
    assert admin.post("/console/settings/rota/add", {**sent, "who": "nobody"})[0] == 422
    entry = {"slot": "police", "name": "Police", "kind": "emergency", "phone": "112", "area": "all", "hours": "always"}
    assert admin.post("/console/settings/directory/add", {**entry, "cost": "none"})[0] == 303
    assert admin.post("/console/settings/directory/add", {**entry, "cost": ""})[0] == 422
    assert admin.get("/console/settings")[0] == 200


def test_the_switch_is_halted_by_staff_and_resumed_by_fewer(browsers: Browsers, world: World) -> None:
    """S41."""
    staff, safeguarding = browsers("staff"), browsers("safeguarding")
    assert staff.post("/console/settings/halt")[0] == 422
    assert staff.post("/console/settings/halt", {"reason": "wrong text"})[0] == 303
    assert staff.post("/console/settings/resume")[0] == 403
    with world.context.database.begin() as db:
        assert not read(db).outbound_on
    assert safeguarding.post("/console/settings/resume")[0] == 303


def test_a_group_is_added_and_planned_from_its_forms(browsers: Browsers, world: World, planned: int) -> None:
    browser, before = browsers("staff"), count(world, group)
    new = {
        "programme": "CSG",
        "neutral_name": "Imena",
        "cell_code": "3301",
        "venue_code": "V2",
        "weekday": "2",
        "start_time": "14:00",
        "code": "G55",
    }
    assert browser.post("/console/groups/add", {**new, "neutral_name": "violence circle"})[0] == 422
    assert browser.post("/console/groups/add", new)[0] == 303
    assert count(world, group) == before + 1
    acts: tuple[tuple[dict[str, str], int], ...] = (
        ({"act": "plan", "first_day": "2030-06-03"}, 303),
        ({"act": "plan", "first_day": "2030-06-03"}, 422),
        ({"act": "member_add", "person": world.person, "part": "member"}, 303),
        ({"act": "member_remove", "person": world.person}, 303),
        ({"act": "member_remove", "person": world.person}, 422),
        ({"act": "pair", "woman": "P0000", "man": world.facilitator}, 422),
        ({"act": "settings", "state": "paused", "venue_code": "V3"}, 303),
        ({"act": "check_ins", "every": "two_weeks", "weekday": "1", "nth": "1"}, 303),
        ({"act": "check_ins", "every": "second", "weekday": "1", "nth": "1"}, 422),
        ({"act": "check_ins", "every": "month", "weekday": "9", "nth": "7"}, 422),
        ({"act": "hold", "held": "1"}, 303),
        ({"act": "nonsense"}, 422),
    )
    for sent, status in acts:
        assert (sent, browser.post("/console/groups/G55/change", sent)[0]) == (sent, status)
    assert browser.post(f"/console/groups/{world.group}/remind")[0] == 303
    with world.context.database.begin() as db:
        keys = db.execute(select(outbox.c.key).where(outbox.c.key.startswith("remind:"))).scalars().all()
    assert all(key.startswith(f"remind:{planned}:") for key in keys)


def test_an_unknown_number_is_linked_with_its_reason(browsers: Browsers, world: World) -> None:
    browser = browsers("staff")
    sent = {"number": "N000000000", "person": world.person, "phone_ownership": "own", "reason": "met in person"}
    assert browser.post("/console/unknown/link", sent)[0] == 422
    assert browser.post("/console/unknown/link", {**sent, "reason": ""})[0] == 422
