"""The chain of a group's meetings under any sequence of moves, cancellations and pauses (domain sections 2.2 and 8.5)."""

from __future__ import annotations

import random
from contextlib import suppress
from datetime import date, timedelta

import pytest

from sms_service import clock
from sms_service.rules.timing import may_meet
from sms_service.usecases.faults import UseFault
from sms_service.usecases.move_meeting import cancel_meeting, move_meeting
from sms_service.usecases.pauses import add_pause, windows_of
from tests.usecases.site import Site


@pytest.mark.parametrize("seed", range(4))
def test_numbers_stay_whole_in_order_and_out_of_pauses(site: Site, seed: int) -> None:
    """Never a number skipped, never two meetings on a day or out of order, none where a window holds."""
    chance = random.Random(seed)
    site.group()
    for _ in range(12):
        one = chance.choice(site.meetings())
        act = chance.choice(("move", "cancel", "pause"))
        with suppress(UseFault):
            if act == "move":
                move_meeting(site.context, one.id, one.starts_at + timedelta(days=chance.randint(-10, 15)), "command")
            elif act == "cancel":
                cancel_meeting(site.context, one.id, "command")
            else:
                first = date(2026, 5, 20) + timedelta(days=chance.randint(0, 60))
                last = first + timedelta(days=chance.randint(0, 9))
                add_pause(site.context, first, last, chance.choice(("block", "allow_urgent")), "other", "command")
        rows = site.meetings()
        days = [clock.local(row.starts_at).date() for row in rows]
        assert [row.no for row in rows] == [1, 2, 3, 4, 5]
        assert days == sorted(set(days)), act
        with site.context.database.begin() as db:
            windows = windows_of(db, rows[0].group_id, date(2026, 1, 1))
        assert all(may_meet(clock.local(row.starts_at).date(), clock.local(row.starts_at).time(), windows) for row in rows)
