"""By when a person must act, whom an alert calls next, and who may do what (S24, S25, S40, I18, V6)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from sms_service.rules.concerns import (
    KINDS,
    SEVERITY_ORDER,
    WITHIN_A_DAY,
    AlertStep,
    alert_step,
    check_in_follow_up,
    check_in_needs_call,
    due_at,
    severity_of,
)
from sms_service.rules.roles import GRANTED, PERMISSIONS, ROLES, allows, may_approve
from sms_service.rules.timing import ZONE


def when(written: str) -> datetime:
    return datetime.fromisoformat(written).replace(tzinfo=ZONE).astimezone(UTC)


@pytest.mark.parametrize(
    ("kind", "opened", "details", "due"),
    [
        ("crisis_red", "2026-03-03 10:00", {}, "2026-03-03 10:30"),
        ("crisis_red", "2026-03-03 22:00", {"on_duty": False}, "2026-03-03 23:00"),
        ("crisis_amber", "2026-03-06 22:00", {}, "2026-03-07 22:00"),
        ("checkin_call", "2026-03-03 10:00", {}, "2026-03-04 10:00"),
        ("call_request", "2026-03-03 10:00", {}, "2026-03-04 10:00"),
        ("call_request", "2026-03-06 10:00", {}, "2026-03-09 10:00"),
        ("call_request", "2026-03-06 18:00", {}, "2026-03-09 17:00"),
        ("call_request", "2026-03-07 10:00", {}, "2026-03-09 17:00"),
        ("call_request", "2026-03-06 10:00", {"holidays": [date(2026, 3, 9)]}, "2026-03-10 10:00"),
        ("call_request", "2026-03-03 07:00", {"slot": "morning"}, "2026-03-03 12:00"),
        ("call_request", "2026-03-03 09:00", {"slot": "morning"}, "2026-03-04 12:00"),
        ("call_request", "2026-03-03 09:00", {"slot": "midday"}, "2026-03-03 14:00"),
        ("call_request", "2026-03-03 09:00", {"slot": "afternoon"}, "2026-03-03 17:00"),
        ("call_request", "2026-03-06 15:00", {"slot": "afternoon"}, "2026-03-09 17:00"),
        ("code_word", "2026-03-07 09:00", {"slot": "afternoon"}, "2026-03-09 17:00"),
        (
            "call_request",
            "2026-03-03 09:00",
            {"slot": "meeting", "meeting_at": when("2026-03-11 14:00")},
            "2026-03-11 14:00",
        ),
        ("call_request", "2026-03-03 09:00", {"slot": "meeting"}, "2026-03-04 09:00"),
        ("wrong_person", "2026-03-03 10:00", {}, "2026-03-10 17:00"),
    ],
)
def test_when_a_concern_is_due(kind: str, opened: str, details: dict[str, Any], due: str) -> None:
    """S25."""
    assert due_at(kind, when(opened), **({"on_duty": True} | details)) == when(due)


def test_every_kind_has_a_severity_and_a_time() -> None:
    """S24."""
    opened = when("2026-03-03 10:00")
    assert set(KINDS.values()) == set(SEVERITY_ORDER)
    assert set(KINDS) >= WITHIN_A_DAY
    for kind in KINDS:
        assert due_at(kind, opened, on_duty=True) > opened
    with pytest.raises(KeyError):
        severity_of("unheard of")


def test_a_closed_year_still_gives_a_date() -> None:
    """I22."""
    holidays = [date.fromordinal(day) for day in range(date(2026, 1, 1).toordinal(), date(2028, 1, 1).toordinal())]
    assert due_at("call_request", when("2026-03-03 10:00"), on_duty=True, holidays=holidays) > when("2026-03-03 10:00")


@pytest.mark.parametrize(
    ("number", "after", "lines"),
    [
        (0, 0, (1,)),
        (1, 5, (1,)),
        (2, 10, (2,)),
        (3, 20, (3,)),
        (4, 50, (1, 2, 3)),
        (5, 80, (1, 2, 3)),
        (99, 2900, (1, 2, 3)),
    ],
)
def test_an_unacknowledged_alert_climbs(number: int, after: int, lines: tuple[int, ...]) -> None:
    """S25: 5, 10 the second person, 20 the coordinator, then every 30 minutes."""
    assert alert_step(number) == AlertStep(after, lines)


def test_there_is_no_step_before_the_first() -> None:
    with pytest.raises(ValueError, match="0 or more"):
        alert_step(-1)


@pytest.mark.parametrize(
    ("ratings", "expected"),
    [
        ([], False),
        ([1], True),
        ([2], False),
        ([3], False),
        ([2, 2], True),
        ([2, 3, 2], False),
        ([2, 2, 3], False),
        ([5, 2], True),
        ([5, 3], False),
        ([4, 1], True),
        ([4, 2], False),
        ([1, 5], False),
        ([5, 5, 5], False),
    ],
)
def test_which_week_ratings_ask_for_a_call(ratings: list[int], expected: bool) -> None:
    """V6: one 1, two 2 in a row, a fall of 3."""
    assert check_in_needs_call(ratings) is expected
    assert check_in_follow_up(ratings, careful=False) == ("checkin_call" if expected else "")


@pytest.mark.parametrize(
    ("ratings", "kind"),
    [
        ([], ""),
        ([1], "checkin_amber"),
        ([2, 2], "checkin_amber"),
        ([5, 2], "checkin_amber"),
        ([2], "checkin_call"),
        ([3, 2], "checkin_call"),
        ([5, 3], "checkin_call"),
        ([4, 3], ""),
        ([3], ""),
        ([1, 5], ""),
    ],
)
def test_in_the_months_of_remembrance_one_step_less_is_enough(ratings: list[int], kind: str) -> None:
    """V6, domain 8.5: the threshold of AMBER is lower from 7 April to 3 July."""
    assert check_in_follow_up(ratings, careful=True) == kind


HOLDERS: dict[str, set[str]] = {
    "manage_staff": {"admin"},
    "manage_settings": {"admin"},
    "manage_rota": {"admin"},
    "manage_directory": {"admin"},
    "see_log": {"staff", "safeguarding"},
    "reveal_identity": {"staff", "safeguarding"},
    "manage_people": {"staff", "safeguarding"},
    "open_flagged": {"safeguarding"},
    "see_concerns": {"safeguarding"},
    "work_concerns": {"safeguarding"},
    "work_tasks": {"staff", "safeguarding"},
    "approve_broadcast": {"staff", "safeguarding"},
    "own_meetings": {"facilitator"},
    "see_reports": {"admin", "staff", "safeguarding", "read_only"},
    "approve_remembrance": {"read_only"},
    "halt_outbound": {"admin", "staff", "safeguarding"},
    "resume_outbound": {"admin", "safeguarding"},
}


@pytest.mark.parametrize("permission", sorted(HOLDERS))
@pytest.mark.parametrize("role", ROLES)
def test_the_role_table(role: str, permission: str) -> None:
    """I18, S31, S32, T9: both ways, cell by cell."""
    assert allows([role], permission) is (role in HOLDERS[permission])


def test_everything_else_is_refused() -> None:
    """I18: unknown roles, unknown permissions, no role."""
    assert set(GRANTED) == set(ROLES)
    assert frozenset().union(*GRANTED.values()) == set(PERMISSIONS)
    assert not allows([], "see_dashboard")
    assert not allows(["root", "ADMIN", ""], "see_dashboard")
    assert not allows(ROLES, "fly")
    assert not allows("admin", "manage_staff")
    assert allows(["facilitator", "staff"], "see_log")


def test_nobody_approves_their_own_broadcast() -> None:
    """S40."""
    assert may_approve(["staff"], "b", "a")
    assert not may_approve(["staff", "safeguarding"], "a", "a")
    assert not may_approve(["facilitator"], "b", "a")
