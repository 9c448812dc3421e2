"""Which check stops which text: every cell of the table, and the order between checks (I6, I10, I11, S3, S38, S39,
S41, T6).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sms_service.rules.caps import Caps, keep_within_week, reply_capped
from sms_service.rules.safe_hours import SafeHours
from sms_service.rules.sending import Ack, Kind, NumberState, Text, Verdict, lane_of, verdict
from sms_service.rules.timing import PauseWindow

NOON = datetime(2026, 3, 3, 10, tzinfo=UTC)
"""A Tuesday, 12:00 local."""
NIGHT = datetime(2026, 3, 3, 20, tzinfo=UTC)
MORNING = datetime(2026, 3, 4, 6, tzinfo=UTC)
"""The first allowed minute after NIGHT."""
PAUSED = PauseWindow(date(2026, 3, 1), date(2026, 3, 5), "block")
URGENT_ONLY = replace(PAUSED, behaviour="allow_urgent")
AFTER_PAUSE = datetime(2026, 3, 6, 6, tzinfo=UTC)

ROWS: dict[str, tuple[Kind, Ack]] = {
    "scheduled": ("scheduled", ""),
    "broadcast": ("broadcast", ""),
    "v4": ("v4", ""),
    "reply": ("reply", ""),
    "V10": ("reply", "V10"),
    "V11": ("reply", "V11"),
    "V12": ("reply", "V12"),
    "V14": ("reply", "V14"),
    "alert": ("alert", ""),
}
OURS = ("scheduled", "broadcast", "v4")
REPLIES = ("reply", "V10", "V11", "V12", "V14")


def text(row: str, **changes: Any) -> Text:
    kind, ack = ROWS[row]
    plain = Text(lane_of(kind, ack), kind, ack, "A", NOON - timedelta(hours=1), NOON + timedelta(days=5))
    return replace(plain, **changes)


def decide(row: Text, number: NumberState | None = None, **changes: Any) -> Verdict:
    settings: dict[str, Any] = {
        "now": NOON,
        "outbound_on": True,
        "safe_hours": SafeHours.always(),
        "pauses": [],
        "caps": Caps(),
    }
    return verdict(row, number or NumberState(), **(settings | changes))


Outcome = Literal["send", "wait", "suppressed", "expired", "cancelled"]


def outcome(found: Verdict) -> str:
    return found.state if found.action == "drop" else found.action


CELLS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any], dict[str, Outcome]]] = {
    "nothing in the way": ({}, {}, {}, dict.fromkeys(ROWS, "send")),
    "stop, text older than it": (
        {"stopped": True},
        {},
        {},
        {**dict.fromkeys((*OURS, *REPLIES), "suppressed"), "alert": "send"},
    ),
    "stop, answering a text sent with or after it": (
        {"stopped": True},
        {"answers_stop": True},
        {},
        {
            **dict.fromkeys((*OURS, "reply", "V14"), "suppressed"),
            **dict.fromkeys(("V10", "V11", "V12", "alert"), "send"),
        },
    ),
    "opted out at the network": (
        {"network_opt_out": True},
        {},
        {},
        {**dict.fromkeys((*OURS, *REPLIES), "suppressed"), "alert": "send"},
    ),
    "frozen": (
        {"frozen": True},
        {},
        {},
        {
            **dict.fromkeys((*OURS, "reply"), "suppressed"),
            **dict.fromkeys(("V10", "V11", "V12", "V14", "alert"), "send"),
        },
    ),
    "switch S41 off": ({}, {}, {"outbound_on": False}, {**dict.fromkeys((*OURS, *REPLIES), "wait"), "alert": "send"}),
    "pause window": (
        {},
        {},
        {"pauses": [PAUSED]},
        {**dict.fromkeys(OURS, "wait"), **dict.fromkeys((*REPLIES, "alert"), "send")},
    ),
    "pause window that lets urgent texts through": (
        {},
        {},
        {"pauses": [URGENT_ONLY]},
        {**dict.fromkeys(("scheduled", "broadcast"), "wait"), **dict.fromkeys((*REPLIES, "v4", "alert"), "send")},
    ),
    "quiet hours": (
        {},
        {},
        {"now": NIGHT},
        {**dict.fromkeys(OURS, "wait"), **dict.fromkeys((*REPLIES, "alert"), "send")},
    ),
    "outside the person's safe hours": (
        {},
        {},
        {"safe_hours": SafeHours.parse("Mon-Fri 14:00-15:00")},
        {**dict.fromkeys(OURS, "wait"), **dict.fromkeys((*REPLIES, "alert"), "send")},
    ),
    "no allowed minute before it expires": (
        {},
        {"expires_at": NIGHT + timedelta(hours=2)},
        {"now": NIGHT},
        {**dict.fromkeys(OURS, "expired"), **dict.fromkeys((*REPLIES, "alert"), "send")},
    ),
    "weekly cap": (
        {"weekly_scheduled_count": 3},
        {},
        {},
        {
            **dict.fromkeys(("scheduled", "broadcast"), "suppressed"),
            **dict.fromkeys(("v4", *REPLIES, "alert"), "send"),
        },
    ),
    "one below the weekly cap": ({"weekly_scheduled_count": 2}, {}, {}, dict.fromkeys(ROWS, "send")),
    "second check-in of the week": (
        {"checkins_in_week": 1},
        {"check_in": True},
        {},
        {
            **dict.fromkeys(("scheduled", "broadcast"), "suppressed"),
            **dict.fromkeys(("v4", *REPLIES, "alert"), "send"),
        },
    ),
    "expired": ({}, {"expires_at": NOON}, {}, dict.fromkeys(ROWS, "expired")),
    "never expires": ({}, {"expires_at": None}, {}, dict.fromkeys(ROWS, "send")),
    "not due yet": ({}, {"not_before": NOON + timedelta(seconds=1)}, {}, dict.fromkeys(ROWS, "wait")),
    "meeting moved or cancelled": (
        {},
        {"meeting_valid": False},
        {},
        {**dict.fromkeys((*OURS, *REPLIES), "cancelled"), "alert": "send"},
    ),
    "class C": ({}, {"text_class": "C"}, {}, {**dict.fromkeys((*OURS, *REPLIES), "suppressed"), "alert": "send"}),
    "class B to a shared phone": (
        {},
        {"text_class": "B", "to_shared": True},
        {},
        {**dict.fromkeys((*OURS, *REPLIES), "suppressed"), "alert": "send"},
    ),
    "class B to an own phone": ({}, {"text_class": "B"}, {}, dict.fromkeys(ROWS, "send")),
    "class A to a shared phone": ({}, {"to_shared": True}, {}, dict.fromkeys(ROWS, "send")),
    "no consent": (
        {},
        {"consent_ok": False},
        {},
        {**dict.fromkeys(OURS, "suppressed"), **dict.fromkeys((*REPLIES, "alert"), "send")},
    ),
    "directory number expired": (
        {},
        {"directory_ok": False},
        {},
        {
            **dict.fromkeys((*OURS, "reply", "V10", "V12", "V14"), "suppressed"),
            **dict.fromkeys(("V11", "alert"), "send"),
        },
    ),
    "ten replies this hour": (
        {"reply_hour": 10},
        {},
        {},
        {**dict.fromkeys(REPLIES, "suppressed"), **dict.fromkeys((*OURS, "alert"), "send")},
    ),
    "thirty replies today": (
        {"reply_day": 30},
        {},
        {},
        {**dict.fromkeys(REPLIES, "suppressed"), **dict.fromkeys((*OURS, "alert"), "send")},
    ),
    "one below the reply caps": ({"reply_hour": 9, "reply_day": 29}, {}, {}, dict.fromkeys(ROWS, "send")),
    "foreign number": (
        {"foreign": True},
        {},
        {},
        {**dict.fromkeys(REPLIES, "suppressed"), **dict.fromkeys((*OURS, "alert"), "send")},
    ),
    "foreign number, allowed": (
        {"foreign": True},
        {},
        {"caps": Caps(foreign_replies=True)},
        dict.fromkeys(ROWS, "send"),
    ),
    "spend ceiling": (
        {},
        {},
        {"budget_left": False},
        {**dict.fromkeys(OURS, "wait"), **dict.fromkeys((*REPLIES, "alert"), "send")},
    ),
}


@pytest.mark.parametrize("row", sorted(ROWS))
@pytest.mark.parametrize("cell", sorted(CELLS))
def test_every_cell(cell: str, row: str) -> None:
    """I6, I10, I11, S3, S38, S39, S41, T6 as the cell's name says."""
    number, changes, circumstances, expected = CELLS[cell]
    assert outcome(decide(text(row, **changes), NumberState(**number), **circumstances)) == expected[row]


def test_every_row_is_answered_in_every_cell() -> None:
    assert all(set(expected) == set(ROWS) for *_, expected in CELLS.values())


@pytest.mark.parametrize(
    ("number", "changes", "circumstances", "found"),
    [
        ({}, {}, {"now": NIGHT}, Verdict("wait", "queued", "outside allowed hours", MORNING)),
        ({}, {}, {"pauses": [PAUSED]}, Verdict("wait", "queued", "outside allowed hours", AFTER_PAUSE)),
        (
            {},
            {"not_before": NOON + timedelta(hours=1)},
            {},
            Verdict("wait", "queued", "not due yet", NOON + timedelta(hours=1)),
        ),
        ({"stopped": True}, {"expires_at": NOON}, {"outbound_on": False}, Verdict("drop", "suppressed", "stopped")),
        ({}, {"expires_at": NOON}, {"outbound_on": False}, Verdict("drop", "expired", "too late")),
        (
            {"weekly_scheduled_count": 3},
            {},
            {"outbound_on": False},
            Verdict("wait", "queued", "outbound is switched off"),
        ),
        (
            {"weekly_scheduled_count": 3},
            {},
            {"now": NIGHT},
            Verdict("wait", "queued", "outside allowed hours", MORNING),
        ),
        ({"frozen": True}, {"meeting_valid": False}, {}, Verdict("drop", "suppressed", "number frozen until verified")),
    ],
)
def test_the_order_of_the_checks(
    number: dict[str, Any], changes: dict[str, Any], circumstances: dict[str, Any], found: Verdict
) -> None:
    """I6: a stop is said before anything else; a cap counts only for what would leave now."""
    assert decide(text("scheduled", **changes), NumberState(**number), **circumstances) == found


def test_a_change_that_cannot_be_told_in_time_becomes_a_call() -> None:
    """Only V4 opens a call task for the facilitator."""
    late = {"expires_at": NIGHT + timedelta(hours=2)}
    assert decide(text("v4", **late), now=NIGHT).call_task
    assert decide(text("v4", expires_at=NOON)).call_task
    assert not decide(text("scheduled", **late), now=NIGHT).call_task
    assert not decide(text("v4", **late), NumberState(stopped=True), now=NIGHT).call_task


def test_v11_without_verified_numbers_is_cut_short_not_withheld() -> None:
    """S38."""
    found = decide(text("V11", directory_ok=False))
    assert (found.action, found.short_form) == ("send", True)
    assert not decide(text("V11")).short_form


def test_lanes() -> None:
    """I5: alerts and V11 first, then replies, reminders, broadcasts."""
    lanes = {row: lane_of(*ROWS[row]) for row in ROWS}
    assert lanes == {
        "scheduled": 2,
        "broadcast": 3,
        "v4": 2,
        "reply": 1,
        "V10": 1,
        "V11": 0,
        "V12": 1,
        "V14": 1,
        "alert": 0,
    }


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_after_a_stop_only_three_acknowledgements_ever_leave(data: st.DataObject) -> None:
    """I6, whatever else holds."""
    flags = {
        name: data.draw(st.booleans(), label=name)
        for name in ("meeting_valid", "to_shared", "consent_ok", "answers_stop", "directory_ok", "check_in")
    }
    row = data.draw(st.sampled_from(sorted(set(ROWS) - {"alert"})))
    chosen = text(row, text_class=data.draw(st.sampled_from("ABC")), **flags)
    number = NumberState(stopped=True, frozen=data.draw(st.booleans()))
    if decide(chosen, number, outbound_on=data.draw(st.booleans())).action == "send":
        assert chosen.ack in {"V10", "V11", "V12"}
        assert chosen.answers_stop


@pytest.mark.parametrize(
    ("kinds", "already", "check_ins", "kept"),
    [
        (["V7", "V8", "broadcast", "V6", "V5", "V3_morning", "V3_two_day"], 0, 0, [4, 5, 6]),
        (["V7", "V8"], 0, 0, [0, 1]),
        (["V7", "V8"], 2, 0, [1]),
        (["V3_two_day"], 3, 0, []),
        (["V3_two_day"], 9, 0, []),
        (["V6", "V6", "broadcast"], 0, 0, [0, 2]),
        (["V6", "V8"], 0, 1, [1]),
        (["new", "V7"], 2, 0, [1]),
        (["broadcast", "broadcast"], 2, 0, [0]),
        ([], 0, 0, []),
    ],
)
def test_what_is_kept_within_a_week(kinds: list[str], already: int, check_ins: int, kept: list[int]) -> None:
    """S39: V3 48 h, V3 morning, V5, V6, broadcast, V8, V7; at most three, one check-in."""
    found = keep_within_week(kinds, already, check_ins, Caps())
    assert [place for place, keep in enumerate(found) if keep] == kept


def test_reply_caps() -> None:
    """T6."""
    assert not reply_capped(9, 29, Caps())
    assert reply_capped(10, 10, Caps())
    assert reply_capped(0, 30, Caps())
