"""When an alarm calls, calls again and ends: by what each look has seen, and by nothing else (I21)."""

from __future__ import annotations

import pytest

from sms_service.rules import alarms
from sms_service.rules.alarms import NOT_READY, REPEAT_SECONDS, UNREACHABLE, Say, Standing, due, follow, told


def play(looks: list[tuple[float, set[str], bool]], *, reached: bool = True) -> list[tuple[float, str, bool, int]]:
    """What is announced at which second when these looks come one after the other."""
    standing: dict[str, Standing] = {}
    said = []
    for now, seen, all_known in looks:
        standing = follow(standing, seen, now, all_known=all_known)
        saying = due(standing, now)
        said += [(now, one.name, one.on, one.count) for one in saying]
        standing = told(standing, saying if reached else [], now)
    return said


def every_half_minute(
    until: float, seen: set[str], *, start: float = 0, all_known: bool = True
) -> list[tuple[float, set[str], bool]]:
    return [(start + 30.0 * no, seen, all_known) for no in range(int((until - start) / 30) + 1)]


def test_what_health_has_timed_calls_at_once_and_again_every_half_hour() -> None:
    said = play([*every_half_minute(3600, {"audit_broken"}), (3630, set(), True)])
    assert said == [
        *((1800.0 * no, "audit_broken", True, no + 1) for no in range(3)),
        (3630, "audit_broken", False, 3),
    ]


@pytest.mark.parametrize("name", [UNREACHABLE, NOT_READY])
def test_not_ready_calls_after_two_minutes(name: str) -> None:
    assert play(every_half_minute(150, {name}, all_known=False)) == [(120, name, True, 1)]


def test_not_ready_for_a_moment_calls_nobody() -> None:
    looks = every_half_minute(90, {NOT_READY}, all_known=False)
    assert play([*looks, (120, set(), True), *every_half_minute(240, {NOT_READY}, start=150, all_known=False)]) == []


def test_what_is_not_seen_while_the_service_is_away_has_not_ended() -> None:
    """An alarm from before stays, and comes to its end when the service says so itself."""
    looks = [(0.0, {"disk_filling"}, True), *every_half_minute(300, {UNREACHABLE}, start=30, all_known=False), (330.0, set(), True)]
    assert play(looks) == [
        (0, "disk_filling", True, 1), (150, UNREACHABLE, True, 1), (330, "disk_filling", False, 1), (330, UNREACHABLE, False, 1),
    ]  # fmt: skip


def test_an_announcement_that_reached_nobody_is_made_again_at_the_next_look() -> None:
    assert play(every_half_minute(60, {"clock"}), reached=False) == [
        (0, "clock", True, 1),
        (30, "clock", True, 1),
        (60, "clock", True, 1),
    ]


def test_an_end_that_reached_nobody_is_said_again_unless_it_began_anew() -> None:
    standing = follow({"clock": Standing(0, 0, 1)}, set(), 30, all_known=True)
    assert due(standing, 30) == [Say("clock", False, 0, 1)]
    assert due(follow(standing, set(), 60, all_known=True), 60) == [Say("clock", False, 0, 1)]
    assert due(follow(standing, {"clock"}, 60, all_known=True), 60) == []


@pytest.mark.parametrize("name", sorted(alarms.SOMEBODY_DECIDED))
def test_what_somebody_decided_calls_nobody(name: str) -> None:
    assert play(every_half_minute(3600, {name})) == []


def test_a_clock_set_back_says_too_much_never_too_little() -> None:
    """F40: the watch's own clock may step too."""
    standing = {"clock": Standing(10_000, 10_000, 1)}
    assert due(standing, 9_000) == [Say("clock", True, 10_000, 2)]
    assert due(standing, 10_000 + REPEAT_SECONDS - 1) == []
    assert due({NOT_READY: Standing(10_000)}, 9_000) == [Say(NOT_READY, True, 10_000, 1)]


def test_every_time_can_be_shortened_for_a_trial() -> None:
    assert due({NOT_READY: Standing(0)}, 1.0, scale=0.01) == []
    assert due({NOT_READY: Standing(0)}, 1.2, scale=0.01) == [Say(NOT_READY, True, 0, 1)]


def test_the_state_is_read_back_as_it_was_written() -> None:
    standing = {"clock": Standing(1.5, None), "audit_broken": Standing(2, 3, 4, over=True)}
    assert alarms.from_json(alarms.to_json(standing)) == standing


@pytest.mark.parametrize("stored", [[], "x", {"clock": {}}, {"clock": {"since": "x", "said_at": 1, "count": 1, "over": 0}}, None])
def test_a_state_that_is_none_is_refused(stored: object) -> None:
    with pytest.raises(ValueError, match="no state"):
        alarms.from_json(stored)


@pytest.mark.parametrize(
    "said", [["--config=/tmp/x"], ["-x"], ["clock\nclock"], ["$(id)"], [""], [7], ["a" * 61], [f"a{n}" for n in range(101)]]
)
def test_what_no_release_of_the_service_says_makes_no_call_of_its_own(said: list[object]) -> None:
    """I22: whoever answers in the service's place neither gives the called program an option nor keeps it running."""
    with pytest.raises(ValueError, match="no degraded states"):
        alarms.alarm_names(said)
    assert alarms.alarm_names(["queue store away", "clock"]) == {"queue_store_away", "clock"}
