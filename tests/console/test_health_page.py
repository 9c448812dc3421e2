"""The health page says in words what health names, and lists what schedules missed (I21, F38)."""

from __future__ import annotations

import re
from datetime import timedelta

from sqlalchemy import insert, select

from handlers.console.health import STATES
from sms_service.models import state
from sms_service.models.groups import group
from sms_service.models.schedules import occurrence
from sms_service.security.tokens import new_row_id
from tests.console.conftest import Browsers
from tests.console.world import World
from tests.laws.rules import ROOT


def test_what_is_degraded_and_missed_is_said(world: World, browsers: Browsers) -> None:
    """F38, I21: the pause of the channel in words, and the group whose texts were not sent."""
    with world.context.database.begin() as db:
        now = world.context.now(db)
        state.pause_channel(db, now, "test")
        one = db.execute(select(group).limit(1)).one()
        times = {"due_at": now - timedelta(hours=9), "expires_at": now - timedelta(hours=2), "fired_at": now}
        row = {"id": new_row_id(), "schedule": "s", "kind": "check_in", "group_id": one.id, "state": "missed"}
        db.execute(insert(occurrence).values(**row, **times))
    status, page = browsers("admin").get("/console/health")
    assert status == 200
    assert "The gateway refused the key, the sender or the account: sending waits." in page
    assert "Within a day texts were not sent" in page
    assert one.code in page
    assert "paused" in page


def test_every_degraded_state_has_its_words() -> None:
    source = (ROOT / "sms_service" / "usecases" / "read_health.py").read_text(encoding="utf-8")
    named = set(re.findall(r'yield "([a-z ]+)"', source)) | set(re.findall(r'degraded\.append\("([a-z ]+)"\)', source))
    assert named <= set(STATES)
