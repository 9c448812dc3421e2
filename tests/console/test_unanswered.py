"""Sends that got no answer: what the page shows, and that a person's decision happens once, checked, audited (I9)."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from sms_service.models.audit import audit
from sms_service.models.broadcasts import broadcast
from sms_service.models.numbers import number
from sms_service.models.outbox import attempt, outbox
from sms_service.models.people import contact_point, person
from sms_service.models.staff import staff
from sms_service.security.tokens import new_row_id
from sms_service.usecases.decide_unanswered import decide_all, it_arrived, leave, send_again
from sms_service.usecases.faults import UseFault
from sms_service.usecases.unanswered import PAGE, unanswered
from sms_service.usecases.unmatched_reports import accept_match
from tests.console.conftest import Browsers
from tests.console.test_unmatched import GATEWAY_ID, report_arrived, state_of
from tests.console.world import World

PAGE_AT = "/console/unanswered"


@pytest.fixture(autouse=True)
def agreed(world: World) -> None:
    """Whoever is texted here agreed to it, on a phone whose hours are now."""
    with world.context.database.begin() as db:
        db.execute(update(person).values(may_remind=True, may_check_in=True))
        db.execute(update(contact_point).values(safe_hours="", opted_in_at=world.now))


def in_doubt(world: World, minutes: int = 30, who: str = "", **values: Any) -> int:
    """A text whose call ended in silence so long ago."""
    at = world.now - timedelta(minutes=minutes)
    with world.context.database.begin() as db:
        number_id = world.ids[f"number {who or world.person}"]
        given = {"state": "unknown", "reason": "no answer", "kind": "broadcast", "template": "broadcast", "lane": 3, **values}
        row_id = world.sms_out(db, number_id, "Servas: ...", at, shown_at=at, **given)
        call = {"call_id": "c", "token": "t", "started_at": at, "ended_at": at, "result": "unknown", "detail": "no answer: reset"}
        db.execute(insert(attempt).values(id=new_row_id(), outbox_id=row_id, **call))
    return row_id


def cast(world: World, **values: Any) -> int:
    with world.context.database.begin() as db:
        author = {"code": "S90", "login": "author", "name": b"-", "language": "en", "totp_step": 0, "created_at": world.now}
        db.execute(insert(staff).values(id=(author_id := new_row_id()), **author))
        given = {"code": "B7", "group_ids": [], "state": "done", "one_group": True, "excluded": {}, **values}
        return world.put(db, broadcast, author_id=author_id, created_at=world.now, **given)


def copies(world: World, row_id: int) -> list[Any]:
    with world.context.database.begin() as db:
        return list(db.execute(select(outbox).where(outbox.c.replaces_id == row_id)))


def acts(world: World) -> list[str]:
    with world.context.database.begin() as db:
        return list(db.execute(select(audit.c.act).where(audit.c.act.like("send.%")).order_by(audit.c.seq)).scalars())


def test_the_page_shows_the_evidence_and_no_number(world: World, browsers: Browsers) -> None:
    """I9, S43: attempts, what came back, the report that may be its own; codes only. Younger than ten minutes none is shown."""
    in_doubt(world)
    in_doubt(world, minutes=9)
    report_arrived(world, 25, "Success")
    status, page = browsers("staff").get(PAGE_AT)
    assert status == 200
    assert page.count('name="act" value="leave"') == 1
    assert "gateway did not answer" in page
    assert GATEWAY_ID in page
    assert "+250" not in page


def test_sending_again_makes_one_new_row_linked_to_the_first(world: World, browsers: Browsers) -> None:
    """I9, I7: a person's act, audited; the first stays unknown; a second click is told; the copy is not repeated."""
    row_id = in_doubt(world)
    browser, sent = browsers("staff"), {"text": str(row_id), "act": "again"}
    assert browser.post(f"{PAGE_AT}/settle", sent)[0] == 303
    [copy] = copies(world, row_id)
    assert (copy.state, copy.key.endswith(":again"), copy.attempts) == ("queued", True, 0)
    assert state_of(world, row_id) == ("unknown", None)
    status, page = browser.post(f"{PAGE_AT}/settle", sent)
    assert status == 422
    assert "Somebody has decided" in page
    with world.context.database.begin() as db:
        db.execute(update(outbox).where(outbox.c.id == copy.id).values(state="unknown", shown_at=world.now - timedelta(hours=1)))
    with pytest.raises(UseFault, match="once already"):
        send_again(world.context, copy.id, "S1")
    assert acts(world) == ["send.again"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"kind": "alert"}, "repeats"),
        ({"expires_at": "past"}, "too late"),
        ({"text_class": "B", "shared": True}, "own phones"),
        ({"stopped": True}, "stopped"),
        ({"may_remind": False}, "consent"),
    ],
)
def test_what_is_of_no_use_or_not_allowed_is_not_sent_again(world: World, change: dict[str, Any], why: str) -> None:
    """I9, I10, S3: every check of the fence; a personal text never to a phone that became shared. Nothing changes."""
    given = {name: value for name, value in change.items() if name in ("kind", "text_class")}
    if "expires_at" in change:
        given["expires_at"] = world.now - timedelta(minutes=1)
    row_id = in_doubt(world, **given)
    with world.context.database.begin() as db:
        if change.get("shared"):
            db.execute(update(contact_point).values(ownership="shared_partner"))
        if change.get("stopped"):
            db.execute(update(number).values(stopped_at=world.now))
        if "may_remind" in change:
            db.execute(update(person).values(may_remind=False))
    with pytest.raises(UseFault, match=why):
        send_again(world.context, row_id, "S1")
    assert (copies(world, row_id), acts(world)) == ([], [])


@pytest.mark.parametrize(("shown", "state"), [("sent", "accepted"), ("delivered", "delivered"), ("failed", "failed")])
def test_the_gateways_id_settles_it(world: World, shown: str, state: str) -> None:
    """I9: what the gateway's pages say, under the id they show; a report that waits under it counts as well."""
    row_id = in_doubt(world)
    with pytest.raises(UseFault, match="id the gateway has"):
        it_arrived(world.context, row_id, "None", shown, "S1")
    assert it_arrived(world.context, row_id, GATEWAY_ID, shown, "S1") == state
    assert state_of(world, row_id) == (state, GATEWAY_ID)
    with pytest.raises(UseFault, match="another text"):
        it_arrived(world.context, in_doubt(world), GATEWAY_ID, shown, "S1")


def test_a_left_text_is_not_asked_about_again_and_its_report_may_still_come(world: World) -> None:
    """I14: closed by a person, it is settled by the evidence all the same."""
    row_id = in_doubt(world)
    leave(world.context, row_id, "S1")
    with world.context.database.begin() as db:
        assert unanswered(db, world.now) == []
    with pytest.raises(UseFault, match="Somebody has decided"):
        leave(world.context, row_id, "S2")
    report_arrived(world, 29, "Success")
    accept_match(world.context, GATEWAY_ID, row_id, "S1")
    assert state_of(world, row_id) == ("delivered", GATEWAY_ID)


def test_one_decision_for_a_broadcast_is_counted_and_confirmed(world: World, browsers: Browsers) -> None:
    """I9: the count that was confirmed, each text through every check, one audit entry a transaction."""
    one = cast(world)
    third = world.facilitator
    rows = [in_doubt(world, broadcast_id=one), in_doubt(world, who=world.other, broadcast_id=one), in_doubt(world, who=third)]
    old = in_doubt(world, who=third, broadcast_id=one, expires_at=world.now)
    browser = browsers("staff")
    page = browser.get(f"{PAGE_AT}/all?broadcast=b7&act=again")[1]
    assert re.search(r'name="seen" value="3"', page)
    assert browser.post(f"{PAGE_AT}/all/settle", {"broadcast": "B7", "act": "again", "seen": "2"})[0] == 422
    assert browser.post(f"{PAGE_AT}/all/settle", {"broadcast": "B7", "act": "again", "seen": "3"})[0] == 303
    assert [len(copies(world, row_id)) for row_id in [*rows, old]] == [1, 1, 0, 0]
    assert decide_all(world.context, "B7", "leave", 1, "S1") == (1, {})
    assert acts(world) == ["send.again", "send.leave"]
    page = browser.get(PAGE_AT)[1]
    assert page.count('name="act" value="leave"') == 1


def test_a_recalled_broadcasts_text_is_not_sent_again(world: World) -> None:
    row_id = in_doubt(world, broadcast_id=cast(world, state="recalled"))
    with pytest.raises(UseFault, match="recalled"):
        send_again(world.context, row_id, "S1")


def test_the_list_is_paged_and_filtered(world: World, browsers: Browsers) -> None:
    """I22: a page at a time, by age; nonsense in the address is the first page."""
    for minutes in range(PAGE + 1):
        in_doubt(world, minutes=30 + 2 * minutes)
    browser = browsers("staff")
    first = browser.get(PAGE_AT)[1]
    assert first.count('name="act" value="leave"') == PAGE
    found = re.search(r'rel="next" href="([^"]+)"', first)
    assert found
    assert browser.get(found.group(1).replace("&amp;", "&"))[1].count('name="act" value="leave"') == 1
    assert browser.get(f"{PAGE_AT}?age=day")[1].count('name="act" value="leave"') == 0
    assert browser.get(f"{PAGE_AT}?age=x&after={'9' * 40}&broadcast=%27--")[0] == 200
