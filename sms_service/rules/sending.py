"""May this text leave now? The checks made in the transaction that starts the call (I10), cell by cell:

what stops which text - stop, freeze, the outbound switch, pause windows, hours, caps, expiry (I6, I11, S3, S38,
S39, S41, T6).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sms_service.rules.caps import Caps, reply_capped
from sms_service.rules.safe_hours import SafeHours
from sms_service.rules.timing import PauseWindow, next_allowed

Kind = Literal["scheduled", "broadcast", "v4", "reply", "alert"]
Ack = Literal["V10", "V11", "V12", "V14", ""]
TextClass = Literal["A", "B", "C"]

ACKS_AFTER_STOP = frozenset({"V10", "V11", "V12"})
ACKS_WHEN_FROZEN = frozenset({"V10", "V11", "V12", "V14"})
LANES: dict[str, int] = {"alert": 0, "V11": 0, "reply": 1, "v4": 2, "scheduled": 2, "broadcast": 3}
FAR = timedelta(days=60)
APART_FROM_MEETING_TEXT = timedelta(hours=24)
STOPPED = "stopped"
FROZEN = "number frozen until verified"
SPENT = "spend ceiling reached"
NEAR_MEETING_TEXT = "within a day of a text about a meeting"


@dataclass(frozen=True, slots=True)
class Text:
    """One outbox row as the rules see it.

    ``ack`` names the acknowledgement a reply is. ``not_before`` and ``expires_at`` are UTC; ``expires_at`` None
    never expires. ``meeting_valid`` false: its meeting moved or was cancelled since. ``to_shared``: the phone is
    not the person's own. ``consent_ok``: consent for its purpose stands. ``answers_stop``: it answers a text sent
    with or after the stop. ``directory_ok`` false: a directory number in it has expired. ``check_in``: it is a V6.
    ``replaces_week``: it is V17, which stands for the texts of a week to come: no cap of the week before drops it.
    ``near_meeting_text``: it asks, and a V3 or V4 goes to the number within 24 h of it.
    """

    lane: int
    kind: Kind
    ack: Ack
    text_class: TextClass
    not_before: datetime
    expires_at: datetime | None
    meeting_valid: bool = True
    to_shared: bool = False
    consent_ok: bool = True
    answers_stop: bool = False
    directory_ok: bool = True
    check_in: bool = False
    replaces_week: bool = False
    near_meeting_text: bool = False


@dataclass(frozen=True, slots=True)
class NumberState:
    """What is known of the number at this moment; the counts are of rolling windows and leave this text out.

    ``network_opt_out``: the person opted out of our sender at the network, which stops like a stop until a new opt-in.
    """

    stopped: bool = False
    frozen: bool = False
    network_opt_out: bool = False
    weekly_scheduled_count: int = 0
    checkins_in_week: int = 0
    reply_hour: int = 0
    reply_day: int = 0
    foreign: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """``send`` now, ``wait`` (stays queued; look again at ``not_before``, or when the switch or the budget opens if
    None), or ``drop`` into the final ``state``. ``reason`` is for staff. ``short_form``: send only the first
    sentence and raise a directory task. ``call_task``: open a call task for the facilitator, because V4 cannot be
    told by text in time.
    """

    action: Literal["send", "wait", "drop"]
    state: Literal["sending", "queued", "expired", "cancelled", "suppressed", "given_up"]
    reason: str
    not_before: datetime | None = None
    short_form: bool = False
    call_task: bool = False


def lane_of(kind: Kind, ack: Ack = "") -> int:
    """0 alerts and V11, 1 replies, 2 reminders and V4, 3 broadcasts."""
    return LANES["V11"] if kind == "reply" and ack == "V11" else LANES[kind]


def verdict(
    text: Text,
    number: NumberState,
    *,
    now: datetime,
    outbound_on: bool,
    safe_hours: SafeHours,
    pauses: Sequence[PauseWindow],
    caps: Caps,
    budget_left: bool = True,
) -> Verdict:
    """Decide for ``now`` (UTC). Drops come first (a stop wins over everything), then waits, then the caps of the
    moment.

    ``budget_left`` false: the spend ceiling is reached, lanes 2 and 3 wait (T6). Staff alerts are stopped by
    nothing but their own time.
    """
    if text.kind == "alert":
        return _not_yet(text, now) or _expired(text, now) or SEND
    return (
        _stopped(text, number)
        or _unsuitable(text)
        or _expired(text, now)
        or _replies(text, number, caps)
        or _held(text, outbound_on, budget_left)
        or _not_yet(text, now)
        or _hours(text, now, safe_hours, pauses)
        or _weekly(text, number, caps)
        or (SHORT_FORM if not text.directory_ok else SEND)
    )


SEND = Verdict("send", "sending", "")
SHORT_FORM = Verdict("send", "sending", "directory number expired: first sentence only", short_form=True)


def _drop(reason: str) -> Verdict:
    return Verdict("drop", "suppressed", reason)


def _stopped(text: Text, number: NumberState) -> Verdict | None:
    """I6: after a stop only V10, V11 or V12, in answer to a text sent with or after it. Freeze: V14 as well."""
    answers = text.kind == "reply" and text.ack in ACKS_AFTER_STOP and text.answers_stop
    if (number.stopped or number.network_opt_out) and not answers:
        return _drop(STOPPED if number.stopped else "opted out at the network")
    if number.frozen and (text.kind != "reply" or text.ack not in ACKS_WHEN_FROZEN):
        return _drop(FROZEN)
    return None


def _unsuitable(text: Text) -> Verdict | None:
    if not text.meeting_valid:
        return Verdict("drop", "cancelled", "the meeting moved or was cancelled")
    if text.text_class == "C":
        return _drop("class C never goes by SMS")
    if text.text_class == "B" and text.to_shared:
        return _drop("class B goes to own phones only")
    # A person who wrote is answered whatever purposes they consented to; a text of ours needs the consent.
    if text.kind != "reply" and not text.consent_ok:
        return _drop("no consent for this purpose")
    # S38: only V11 has a form without the numbers; any other text with an expired one does not go.
    if not text.directory_ok and text.ack != "V11":
        return _drop("directory number expired")
    return None


def _expired(text: Text, now: datetime) -> Verdict | None:
    if text.expires_at is None or now < text.expires_at:
        return None
    return Verdict("drop", "expired", "too late", call_task=text.kind == "v4")


def _replies(text: Text, number: NumberState, caps: Caps) -> Verdict | None:
    if text.kind != "reply":
        return None
    if number.foreign and not caps.foreign_replies:
        return _drop("replies go to Rwandan numbers only")
    return _drop("reply cap reached") if reply_capped(number.reply_hour, number.reply_day, caps) else None


def _held(text: Text, outbound_on: bool, budget_left: bool) -> Verdict | None:
    if not outbound_on:
        return Verdict("wait", "queued", "outbound is switched off")
    if not budget_left and text.lane >= 2:
        return Verdict("wait", "queued", SPENT)
    return None


def _not_yet(text: Text, now: datetime) -> Verdict | None:
    return Verdict("wait", "queued", "not due yet", text.not_before) if now < text.not_before else None


def _hours(text: Text, now: datetime, safe_hours: SafeHours, pauses: Sequence[PauseWindow]) -> Verdict | None:
    if text.kind == "reply":
        return None
    limit = text.expires_at if text.expires_at is not None else now + FAR
    moment = next_allowed(now, safe_hours, pauses, limit, urgent=text.kind == "v4")
    if moment == now:
        return None
    if moment is None:
        return Verdict("drop", "expired", "no allowed minute before it expires", call_task=text.kind == "v4")
    return Verdict("wait", "queued", "outside allowed hours", moment)


def _weekly(text: Text, number: NumberState, caps: Caps) -> Verdict | None:
    """S39: a cap drops, it does not postpone; looked at only when the text would otherwise leave."""
    if text.kind not in {"scheduled", "broadcast"} or text.replaces_week:
        return None
    if text.near_meeting_text:
        return _drop(NEAR_MEETING_TEXT)
    if text.check_in and number.checkins_in_week >= caps.weekly_check_ins:
        return _drop("weekly check-in cap reached")
    return _drop("weekly cap reached") if number.weekly_scheduled_count >= caps.weekly_scheduled else None
