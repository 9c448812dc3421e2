"""Reports in any order, and what each result of a call does to its row (I7, I9, I14)."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sms_service.gateway.results import ResultKind
from sms_service.rules.delivery import (
    LONGEST_DELAY,
    Next,
    Result,
    after_answer,
    after_report,
    backoff,
    classify,
    suppresses_number,
)

STATUSES = [
    "Sent",
    "Submitted",
    "Buffered",
    "Success",
    "Failed",
    "Rejected",
    "Expired",
    "AbsentSubscriber",
    "Borked",
    "",
]


@pytest.mark.parametrize(
    ("reports", "state"),
    [
        ([], "accepted"),
        (["Sent"], "accepted"),
        (["Buffered", "Sent", "Submitted"], "accepted"),
        (["Success"], "delivered"),
        (["Success", "Failed"], "delivered"),
        (["Failed", "Success"], "delivered"),
        (["Success", "Sent"], "delivered"),
        (["Failed", "Sent"], "failed"),
        (["Rejected"], "failed"),
        (["Expired", "Buffered"], "failed"),
        (["AbsentSubscriber"], "failed"),
        (["AbsentSubscriber", "Success"], "delivered"),
        (["Borked"], "accepted"),
        (["success"], "delivered"),
        ([" Success "], "delivered"),
    ],
)
def test_reports_settle_the_state(reports: list[str], state: str) -> None:
    """W7, I14."""
    found, stage = "accepted", ""
    for report in reports:
        found, stage = after_report(found, stage, report)
    assert found == state


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_order_and_repeats_do_not_matter(data: st.DataObject) -> None:
    """I14: the send's own answer is one of the events, and may be the last (F27, F28)."""
    events = data.draw(st.lists(st.sampled_from(STATUSES), max_size=6))
    answer = data.draw(st.sampled_from(["accepted", "unknown"]))

    def play(order: list[str]) -> tuple[str, str]:
        state, stage = "sending", ""
        for event in order:
            if event == "answer":
                state, stage = after_answer(state, stage, answer)
            else:
                state, stage = after_report(state, stage, event)
        return state, stage

    first = play(["answer", *events])
    repeats = data.draw(st.lists(st.sampled_from(events), max_size=4)) if events else []
    assert play(data.draw(st.permutations(["answer", *events, *repeats]))) == first


@pytest.mark.parametrize("state", ["queued", "refused", "given_up", "expired", "cancelled", "suppressed"])
def test_a_report_does_not_wake_what_was_never_handed_over(state: str) -> None:
    assert after_report(state, "", "Success") == (state, "")


def test_late_evidence_only_improves_knowledge() -> None:
    """I9: unknown may become accepted, never the other way."""
    assert after_answer("unknown", "", "accepted") == ("accepted", "")
    assert after_answer("accepted", "", "unknown") == ("accepted", "")
    assert after_answer("sending", "", "unknown") == ("unknown", "")
    assert after_answer("delivered", "success", "unknown") == ("delivered", "success")


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("UserInBlackList", True),
        ("UserInBlacklist", True),
        ("", False),
        ("DeliveryFailure", False),
        ("NotNetworkSubcriber", False),
    ],
)
def test_a_blacklisted_person_has_opted_out(reason: str, expected: bool) -> None:
    assert suppresses_number(reason) is expected


@pytest.mark.parametrize(
    ("kind", "code", "attempts", "state", "counted", "paused"),
    [
        ("accepted", 101, 1, "accepted", True, False),
        ("unknown", None, 1, "unknown", True, False),
        ("refused", 403, 1, "refused", True, False),
        ("refused", 401, 1, "refused", True, False),
        ("not_sent_our_fault", None, 1, "given_up", True, False),
        ("not_sent_config", None, 1, "queued", False, True),
        ("not_sent_config", 402, 19, "queued", False, True),
        ("not_sent_balance", 405, 1, "queued", False, True),
        ("not_sent_rate", None, 50, "queued", False, False),
        ("not_sent", None, 1, "queued", True, False),
        ("not_sent", None, 19, "queued", True, False),
        ("not_sent", None, 20, "given_up", True, False),
        *(("not_sent", code, 2, "queued", True, False) for code in (500, 501, 502)),
        *(("not_sent", code, 3, "given_up", True, False) for code in (500, 501, 502)),
        ("not_sent", 407, 1, "queued", True, False),
        ("not_sent", 407, 2, "given_up", True, False),
    ],
)
def test_the_next_state_of_each_result(
    kind: Result, code: int | None, attempts: int, state: str, counted: bool, paused: bool
) -> None:
    """The outbox table, row by row."""
    found = classify(kind, code, attempts, 0.5)
    assert (found.state, found.counted, found.pause_channel) == (state, counted, paused)


def test_the_kinds_are_the_gateway_s_own() -> None:
    assert get_args(Result) == get_args(ResultKind)


@settings(max_examples=200, deadline=None)
@given(
    kind=st.sampled_from(get_args(Result)),
    code=st.one_of(st.none(), st.integers(-1, 999)),
    attempts=st.integers(1, 99),
    chance=st.floats(0, 1, exclude_max=True),
)
def test_only_what_is_proved_not_sent_is_queued_again(kind: Result, code: int | None, attempts: int, chance: float) -> None:
    """I7, I9, I22."""
    found = classify(kind, code, attempts, chance)
    if found.state == "queued":
        assert kind.startswith("not_sent")
        assert 0 < found.delay <= 7200
    else:
        assert found.delay == 0
    if kind == "unknown":
        assert found == Next("unknown")


def test_delays_grow_and_are_spread() -> None:
    assert [backoff(attempts, 0.5) for attempts in (1, 2, 3)] == [5.0, 10.0, 20.0]
    assert backoff(1, 0.0) == 2.5
    assert backoff(10**9, 0.5) == LONGEST_DELAY
    assert classify("not_sent_rate", None, 1, 0.0, 120.0).delay == 120.0
    assert classify("not_sent_rate", None, 1, 0.0).delay == 15.0
    assert classify("not_sent", 407, 1, 0.0).delay >= 3600
    assert classify("not_sent_rate", None, 1, 0.0).slow_down


def test_alarms_say_what_to_do() -> None:
    """F26."""
    for kind in ("not_sent_config", "not_sent_balance"):
        assert "resume the channel" in classify(kind, None, 1, 0.5).alarm
    assert classify("not_sent_our_fault", None, 1, 0.5).alarm
    assert classify("refused", 401, 1, 0.5).alarm
    assert not classify("refused", 403, 1, 0.5).alarm
    assert classify("refused", 406, 1, 0.5).flag_number
