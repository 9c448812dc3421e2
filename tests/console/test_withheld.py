"""An acknowledgement that the outbound switch withheld is said on the concern's page, so that somebody calls (S41)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sms_service.usecases.outbound_switch import set_outbound
from tests.console.conftest import Browsers
from tests.console.world import World

SAID = "the person who wrote has had no answer"


@pytest.mark.parametrize(
    ("switch_on", "answer", "said"),
    [
        (False, None, True),
        (False, "queued", True),
        (False, "delivered", False),
        (True, "expired", True),
        (True, "delivered", False),
        (True, None, False),
    ],
)
def test_a_withheld_answer_is_said(world: World, browsers: Browsers, switch_on: bool, answer: str | None, said: bool) -> None:
    """S41: while the switch keeps the answer back, and afterwards when it came to nothing; never once it may have left."""
    if answer is not None:
        with world.context.database.begin() as db:
            at = world.now - timedelta(minutes=90)
            number_id = world.ids[f"number {world.person}"]
            world.sms_out(db, number_id, "Servas: murakoze.", at, kind="reply", template="V10", state=answer, lane=1)
    set_outbound(world.context, switch_on, "command", "a reason")
    status, page = browsers("safeguarding").get(f"/console/concerns/{world.concern}")
    assert status == 200
    assert (SAID in page) is said


def test_a_request_for_a_call_says_nothing_of_it(world: World, browsers: Browsers) -> None:
    """S41: only the answer to a crisis is waited for by somebody in danger."""
    set_outbound(world.context, False, "command", "a reason")
    assert SAID not in browsers("safeguarding").get(f"/console/concerns/{world.task}")[1]
