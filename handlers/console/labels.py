"""The words people read for the codes that are stored, and the colour each has on the pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from handlers.console.language import gettext as _
from handlers.console.language import later
from sms_service.usecases.concerns import Event

ROLES: Final = {
    "admin": later("Administrator"),
    "safeguarding": later("Safeguarding"),
    "staff": later("Staff"),
    "facilitator": later("Facilitator"),
    "read_only": later("Read only"),
}
LANGUAGES: Final = {"rw": "Kinyarwanda", "en": "English", "fr": "Français", "sw": "Kiswahili"}
SEVERITIES: Final = {
    "red": (later("Urgent"), "red"),
    "amber": (later("Within a day"), "amber"),
    "call": (later("Call"), "blue"),
    "task": (later("Task"), "grey"),
}
CONCERN_STATES: Final = {
    "new": (later("New"), "red"),
    "acknowledged": (later("Acknowledged"), "blue"),
    "contacted": (later("Contacted"), "green"),
    "unreachable": (later("Not reached"), "amber"),
    "plan": (later("Plan agreed"), "blue"),
    "closed": (later("Closed"), "grey"),
}
CONCERN_KINDS: Final = {
    "crisis_red": later("Urgent text"),
    "crisis_amber": later("Worrying text"),
    "incident": later("Something happened at a meeting"),
    "call_request": later("Asked for a call"),
    "code_word": later("Asked for a call, by code word"),
    "checkin_call": later("Weekly answer to follow up"),
    "checkin_amber": later("Weekly answer to follow up, in the months of remembrance"),
    "practice_call": later("Wants the exercise explained"),
    "referral_call": later("Has not got to the service yet"),
    "unregistered_request": later("Unknown number asks for a call"),
    "not_understood": later("Could not be understood"),
    "words_to_read": later("Words to be read"),
    "needs_person": later("Text could not be handled"),
    "stop_on_shared": later("Stop from a shared phone"),
    "wrong_person": later("Maybe another person"),
    "frozen_number": later("Number frozen: verify who holds it"),
    "missed_visit": later("Visit after a missed meeting"),
    "meeting_change_untold": later("Tell about a moved meeting"),
    "directory_expired": later("Directory number expired"),
    "send_unknown": later("Unclear whether a text left"),
    "under_age": later("Maybe under 18"),
    "many_reveals": later("Many identities looked up"),
}
TOPICS: Final = {
    "health": later("Health"),
    "family": later("Family advice"),
    "legal": later("Legal or land"),
    "talk": later("Someone to talk to"),
    "other": later("Other"),
}
SLOTS: Final = {
    "morning": later("Morning"),
    "midday": later("Midday"),
    "afternoon": later("Afternoon"),
    "meeting": later("Do not call: will talk at the meeting"),
}
QUESTION_SETS: Final = {
    "shared_decisions": later("Deciding together"),
    "social_cohesion": later("Neighbours: help and trust"),
    "training": later("What has been learnt"),
    "training_day": later("Feedback on a training day"),
    "baseline": later("when the meetings begin"),
    "endline": later("when they end"),
    "monthly": later("every month"),
    "block": later("on the days of a training block"),
    "block_end": later("after a training block"),
    "half_year": later("26 weeks after the last meeting"),
    "year": later("12 months after the last meeting"),
}
INCIDENTS: Final = {
    "none": later("Nothing"),
    "safety": later("A risk to somebody"),
    "conflict": later("Conflict in the group"),
    "outside": later("Interference from outside"),
    "other": later("Something else"),
}
ATTEMPTS: Final = {
    "spoke": later("Spoke with the person"),
    "no_answer": later("No answer"),
    "wrong_person": later("Someone else answered"),
    "call_later": later("Asked to be called later"),
    "in_person": later("Met in person"),
}
OUTCOMES: Final = {
    "supported": later("Spoken with, no more needed"),
    "referred": later("Referred with consent"),
    "imminent": later("Acted without consent: imminent danger"),
    "declined": later("Declined help"),
    "false_alarm": later("No concern after all"),
    "not_reached": later("Not reached, handed to a visit"),
    "done": later("Task done"),
}
OWNERSHIP: Final = {
    "own": later("Own phone"),
    "shared_partner": later("Shared with the partner"),
    "shared_other": later("Shared with others"),
    "none": later("No phone: through the facilitator"),
}
OVERTNESS: Final = {"discreet": later("Discreet: meeting only"), "open": later("Open: may be spoken about")}
INBOUND_STATES: Final = {
    "new": (later("Waiting"), "blue"),
    "done": (later("Handled"), "grey"),
    "needs_person": (later("Needs a person"), "red"),
}
OUTBOX_STATES: Final = {
    "queued": (later("Queued"), "blue"),
    "reserved": (later("Going out"), "blue"),
    "calling": (later("Going out"), "blue"),
    "accepted": (later("Accepted"), "blue"),
    "delivered": (later("Delivered"), "green"),
    "unknown": (later("Unknown"), "amber"),
    "failed": (later("Failed"), "red"),
    "refused": (later("Refused"), "red"),
    "expired": (later("Expired"), "grey"),
    "cancelled": (later("Cancelled"), "grey"),
    "suppressed": (later("Held back"), "grey"),
    "given_up": (later("Given up"), "red"),
}
INTENTS: Final = {
    "answer": later("Answer"),
    "stop": later("Stop"),
    "start": later("Start"),
    "help": later("Asks for a call"),
    "language": later("Language"),
    "code_word": later("Asks for a call"),
    "wrong_person": later("Who is this?"),
    "dont_know": later("Does not know"),
    "unclear": later("Not understood"),
    "crisis": later("Held"),
    "pin": "PIN",
}

Table = Mapping[str, str] | Mapping[str, tuple[str, str]]


def label(table: Table, code: str | None) -> str:
    """The words of a code in the page's language; the code itself when there are none."""
    found = table.get(code or "")
    if found is None:
        return code or ""
    return _(found if isinstance(found, str) else found[0])


def tone(table: Mapping[str, tuple[str, str]], code: str) -> str:
    """The colour of a code."""
    return table[code][1] if code in table else "grey"


def languages(codes: Sequence[str]) -> list[tuple[str, str]]:
    """(code, name) of each language, in the order given; a further one is named by its code."""
    return [(code, LANGUAGES.get(code, code)) for code in codes]


def options(table: Table) -> list[tuple[str, str]]:
    """(code, words) for a list to choose from."""
    return [(code, label(table, code)) for code in table]


def _words(table: Table) -> Callable[[str], str]:
    return lambda code: label(table, code)


def _tones(table: Mapping[str, tuple[str, str]]) -> Callable[[str], str]:
    return lambda code: tone(table, code)


_HISTORY: Final = {
    "opened": later("Opened"),
    "alerted": later("Alert to the duty phone"),
    "acknowledge": later("Acknowledged"),
    "take": later("Taken over"),
    "plan": later("Plan agreed"),
    "note": later("Note"),
    "reveal": later("Text opened, with a reason"),
    "close": later("Closed"),
    "attempt": later("Attempt"),
}


def history(event: Event) -> str:
    """One line of a concern's history in words."""
    words = label(_HISTORY, event.what)
    tables: dict[str, Table] = {"opened": CONCERN_KINDS, "attempt": ATTEMPTS, "close": OUTCOMES}
    detail = label(tables[event.what], event.detail) if event.what in tables and event.detail else ""
    return f"{words}: {detail}" if detail else words


#: For the templates: ``{{ row.severity | severity }}``, ``ui.pill(x | outbox_state, x | outbox_tone)``.
FILTERS: Final[dict[str, Callable[..., str]]] = {
    "role": _words(ROLES),
    "severity": _words(SEVERITIES),
    "severity_tone": _tones(SEVERITIES),
    "concern_state": _words(CONCERN_STATES),
    "concern_tone": _tones(CONCERN_STATES),
    "concern_kind": _words(CONCERN_KINDS),
    "topic": _words(TOPICS),
    "slot": _words(SLOTS),
    "attempt": _words(ATTEMPTS),
    "incident": _words(INCIDENTS),
    "outcome": _words(OUTCOMES),
    "ownership": _words(OWNERSHIP),
    "overtness": _words(OVERTNESS),
    "inbound_state": _words(INBOUND_STATES),
    "inbound_tone": _tones(INBOUND_STATES),
    "outbox_state": _words(OUTBOX_STATES),
    "outbox_tone": _tones(OUTBOX_STATES),
    "intent": _words(INTENTS),
    "language_name": _words(LANGUAGES),
    "history": history,
}
