"""What a conversation may ask of the service and hand to it: facts, effects, notices, and the limits (I22).

A definition that uses a name from outside these tables is refused by the check, so the use cases need to know exactly
these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["code", "count", "phone", "clock", "day", "time", "moment", "choices", "soon", "list", "flag", "row", "menu"]
"""What a value is. ``day`` is an ISO date, ``time`` HH:MM, ``moment`` both as YYYY-MM-DDTHH:MM, all Africa/Kigali;
``clock`` is HH:MM shown as it is, ``choices`` a list of digits or a range, ``soon`` is soon or tomorrow, ``list`` a
list of codes, ``row`` a reference that is never shown; ``menu`` is what a paged menu fills in by itself, never an argument.
"""

KINDS: tuple[Kind, ...] = (
    "code", "count", "phone", "clock", "day", "time", "moment", "choices", "soon", "list", "flag", "row",
)  # fmt: skip

CHANNELS = ("sms", "ussd")

MAX_STEPS = 300
"""Steps in one conversation (I22)."""

MAX_HOPS = 24
"""Steps that one call of the engine may pass through before it must wait for a person (I22)."""

MAX_LISTED = 9
"""Entries of a list that a screen offers, one digit each."""

MAX_ENTRIES = 60
"""Entries of a list altogether; more than a screen offers are paged (I22)."""

MAX_UNCLEAR = 2
"""V13 is sent at most this many times in a row; then a person takes over."""

QUESTION_MOMENTS = ("baseline", "endline", "monthly", "block", "block_end", "half_year", "year")
"""When a question set is asked: before and after the meetings, every month between, on the days of a training block and after it,
and 26 weeks and 12 months after the last meeting, when the group may have closed.
"""

MAX_CAP_DAYS = 366

MONTHLY_CAP_DAYS = 28
"""A monthly set is asked at most this often (domain section 2.6)."""

MAX_TEXTED_QUESTIONS = 3
"""Questions one after another by SMS; a fourth is answered by hardly anyone (domain section 7)."""

SMS_LIMIT = 160
"""GSM-7 characters of one SMS (S6)."""

USSD_LIMIT = 156
"""GSM-7 characters of one screen: 160 less the four of ``CON `` or ``END ``."""


@dataclass(frozen=True, slots=True)
class FactShape:
    """A fact or command a ``fetch`` step may name: its arguments, the results to branch on, the fields of one result.

    Only the result ``carries`` brings the ``fields``; with any other result they are absent.
    """

    args: frozenset[str]
    results: frozenset[str]
    carries: str = ""
    fields: Mapping[str, Kind] = field(default_factory=dict)


def _fact(args: str, results: str, carries: str = "", **fields: Kind) -> FactShape:
    return FactShape(frozenset(args.split()), frozenset(results.split()), carries, fields)


FACTS: Mapping[str, FactShape] = {
    # the next planned meeting of whoever holds this number; of the person, once the PIN has named one
    "next_meeting": _fact("person", "planned none", "planned", day="day", time="time"),
    # the first unanswered question of the person; ``dialogue`` is the reference that a resume step hands back
    "open_question": _fact("person", "question none", "question", dialogue="row"),
    # the groups this facilitator leads, by code
    "groups": _fact("person", "some none", "some", groups="list"),
    # who has said what about the group's next meeting: counts only (S43)
    "coming": _fact("person group", "ok none", "ok", day="day", time="time", yes="count", no="count", unknown="count"),
    # command: remind the group now, at most once per meeting and day; ``at`` says when it leaves
    "remind": _fact("person group", "sent later already none", "later", at="moment"),
    # would this move be allowed? ``when`` is next_day, next_week or date (then ``date`` is DDMM);
    # ``time`` is HHMM or ``same``; the fields say the day and time it would become
    "move_check": _fact("person group when date time", "ok past paused bad none", "ok", day="day", time="time"),
    # commands: move the group's next meeting to this day and time; cancel the one of this day and time
    "move": _fact("person group day time", "ok past paused none"),
    "cancel": _fact("person group day time", "ok none"),
    # command: the report of the group's last meeting, begun or found half-way; ``dialogue`` is what a resume step hands back.
    # ``done``: this facilitator has reported it; ``none``: no meeting has been due
    "report_due": _fact("person group", "report done none", "report", dialogue="row"),
    # can so many people have been at the meeting this dialogue is about? ``again``: ask once more (V15)
    "report_total": _fact("men women", "ok again"),
    # 7 April to 3 July, and where a window asks for sober words: the verified health line (8.5, S38)
    "support_line": _fact("", "line usual", "line", health="phone"),
}
"""Fact name -> what it takes and gives. Days are ISO dates, times HH:MM, Africa/Kigali."""

OPEN_FACTS = frozenset({"next_meeting"})
"""Facts with a ``person`` that a dial may ask for before any PIN: they tell a number no more than its texts do (S11)."""

PERSONAL_FLAG = "personal"
"""The argument that is set only for the one participant of an own phone: there class B may show without a PIN (S3, S11)."""

EFFECTS: Mapping[str, frozenset[str]] = {
    # the coded answer (true, false, a number, an option; null is "does not know", never a no) to a question
    "save_answer": frozenset({"question", "value"}),
    # open a request for a call; topic and slot may be empty; ``unregistered`` marks it 'unregistered number' (S11)
    "call_request": frozenset({"topic", "slot", "unregistered"}),
    # stop every text to this number at once (S17)
    "stop": frozenset(),
    # the number's language from here on; applied before this step's replies are rendered
    "set_language": frozenset({"language"}),
    # a facilitator visits in person (V5, answer 3)
    "visit_task": frozenset(),
    # a facilitator calls within a day, for a reason given as a code
    "call_task": frozenset({"reason"}),
    # consent given or withdrawn for one purpose (V1, S16)
    "consent": frozenset({"purpose", "given"}),
    # what was counted at the meeting this dialogue is about; ``both_present`` is true, false or null (V15)
    "meeting_report": frozenset({"men", "women", "distressed", "referred", "incident", "both_present"}),
    # what a pair did in a month, YYYY-MM; ``co_led`` is true, false or null (V16)
    "cascade_report": frozenset({"pair", "month", "activities", "women", "men", "co_led"}),
    # two V13 in a row were not enough: a person reads and decides (V13)
    "unclear_task": frozenset(),
}

APPROVED_YEARLY = ("remembrance", "remembrance_plain")
"""The texts of V17: the lint of topic words passes them over (S1), because none leaves without the director's approval of
exactly these words for its year.
"""

_REPORTED: Mapping[str, Kind] = {"group": "code", "no": "count", "men": "count", "women": "count"}

NOTICES: Mapping[str, Mapping[str, Kind]] = {
    # texts that the service sends or shows by itself, outside every conversation, with the values it fills in
    "reminder_plain": {"day": "day", "time": "time"},  # V3b
    "moved_plain": {"old_day": "day", "day": "day", "time": "time"},  # V4 on a shared number
    "cancelled": {"day": "day"},  # V4
    "urgent": {"soon": "soon", "police": "phone", "ambulance": "phone", "health": "phone"},  # V11
    "urgent_plain": {"soon": "soon"},  # V11 without numbers (S38)
    "call_ack": {},  # V10
    "stopped": {},  # V12
    "stopped_short": {},  # V12, unknown or frozen number
    "started": {},  # V12
    "not_understood": {"choices": "choices"},  # V13
    "who": {},  # V14
    "thanks": {},
    "report_received": {**_REPORTED, "distressed": "count", "referred": "count"},  # V15
    "report_doubt": _REPORTED,  # V15
    "report_wrong": {"field": "code"},  # V15
    "remembrance": {"health": "phone"},  # V17
    "remembrance_plain": {},  # V17 without a number (S38)
    "fault_screen": {},
    "alert": {"code": "code", "open": "count", "since": "clock", "reply": "code"},  # S25
    # S25 while the switch withholds the answer to the person (S41)
    "alert_withheld": {"code": "code", "open": "count", "since": "clock", "reply": "code"},
}
