"""The calendar page: what it shows of a group's days, whose groups it shows, and that it holds for any day asked for."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import update

from sms_service import clock
from sms_service.models.outbox import outbox
from sms_service.usecases.context import Context
from tests.console.conftest import Browsers
from tests.console.world import World


def test_each_day_tells_its_texts_and_why_one_did_not_go(browsers: Browsers, context: Context, world: World) -> None:
    """S39, S43: kinds, numbers of phones, times and reasons; no person, number or text of anyone."""
    at = world.now + timedelta(days=1)
    with context.database.begin() as db:
        values = {"group_id": world.ids[world.group], "kind": "scheduled", "template": "V3", "not_before": at}
        db.execute(update(outbox).values(**values, state="suppressed", reason="stopped"))
    status, page = browsers("staff").get(f"/console/groups/{world.group}/calendar")
    assert status == 200
    assert "the number asked to stop" in page
    assert f'id="d{clock.local(at).date()}"' in page
    assert not re.search(r"P1\d{3}|\+250", page)


@pytest.mark.parametrize("first", ["", "2026-02-30", "0001-01-01", "9999-12-31", "2020-04-07", "<script>"])
def test_any_day_may_be_asked_for(browsers: Browsers, world: World, first: str) -> None:
    """I22: nonsense is today, and what lies beyond any calendar is its edge."""
    assert browsers("staff").get(f"/console/groups/{world.group}/calendar?from={first}")[0] == 200


def test_a_facilitator_sees_the_own_groups_calendar_only(browsers: Browsers, world: World) -> None:
    """S31, T12: another group's is the same as none."""
    facilitator = browsers("facilitator")
    assert facilitator.get(f"/console/groups/{world.group}/calendar")[0] == 200
    assert facilitator.get(f"/console/groups/{world.other_group}/calendar")[0] == 404


def test_a_past_day_says_whose_text_did_not_go_and_why(browsers: Browsers, context: Context, world: World) -> None:
    """S39: 'why did Thursday's reminder not go?', by codes, a sentence, the thread; facilitators see counts only (S31)."""
    at = world.now - timedelta(days=1)
    with context.database.begin() as db:
        values = {"group_id": world.ids[world.group], "kind": "scheduled", "template": "V3", "not_before": at}
        db.execute(update(outbox).values(**values, state="suppressed", reason="weekly cap reached"))
    path = f"/console/groups/{world.group}/calendar/{clock.local(at).date()}"
    status, page = browsers("staff").get(path)
    assert status == 200
    assert "The number had three scheduled texts in seven days already" in page
    assert f'/console/people/{world.person}/thread"' in page
    assert re.search(r">N\d+<", page)
    assert "+250" not in page
    assert browsers("facilitator").get(path)[0] == 403
    for nonsense in ("2026-02-30", "x", "9999-99-99"):
        assert browsers("staff").get(f"/console/groups/{world.group}/calendar/{nonsense}")[0] == 404


def test_the_week_shows_every_group_a_page_at_a_time_and_a_facilitator_the_own_ones(browsers: Browsers, world: World) -> None:
    """I22, S31: bounded, whatever is asked for; no person and no number."""
    page = browsers("staff").get("/console/calendar")[1]
    assert f">{world.group}<" in page
    assert f">{world.other_group}<" in page
    assert "+250" not in page
    own = browsers("facilitator").get("/console/calendar")[1]
    assert f">{world.group}<" in own
    assert f">{world.other_group}<" not in own
    for nonsense in ("?page=0", "?page=99999", "?page=-1&from=x", "?from=9999-12-31"):
        assert browsers("staff").get(f"/console/calendar{nonsense}")[0] == 200
