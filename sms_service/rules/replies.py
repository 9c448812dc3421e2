"""One text out for one text in: which reply a text gets, whatever else it set in motion (domain 9.1, reliability section 4)."""

from __future__ import annotations

from dataclasses import dataclass

from sms_service.text.reply_types import Alert, Reading


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known about a text and its number when its reply is chosen.

    ``alert`` and ``stop`` were decided when the text was stored. ``late`` says it reads as an answer though no question is open.
    ``staff_phone``: a duty phone, which nobody asks who is writing. ``opted_out``: at the network, until a new opt-in face to face.
    ``report``: a facilitator's registered phone, and the text begins as a meeting report does (V15).
    """

    registered: bool
    frozen: bool
    stopped: bool
    own_phone: bool
    question_open: bool
    alert: Alert
    stop: bool
    reading: Reading
    greeted_recently: bool
    late: bool
    staff_phone: bool = False
    opted_out: bool = False
    report: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What follows: the words catalogue key of the reply (empty for none), its template name, and what is done besides.

    ``silent_reply`` withholds whatever the dialogue wanted to say.
    """

    reply: str = ""
    template: str = ""
    take_step: bool = False
    call_request: bool = False
    unclear_task: bool = False
    start: bool = False
    freeze: bool = False
    set_language: str = ""
    silent_reply: bool = False
    take_report: bool = False


V10 = ("call_ack", "V10")
WORDS_UNREAD, WORDS_BESIDE = 5, 9
_PLAIN_REQUESTS = frozenset({"stop", "start", "help", "language", "code_word", "wrong_person"})


def needs_a_reader(alert: Alert, reading: Reading, words: int, *, late: bool = False) -> bool:
    """Whether a person must read a text of so many words within a day.

    Indirect calls for help are heard in part only (docs/replies.md has the figures): what was not understood, or stands beside a
    valid or ``late`` answer, is read by somebody (S22, S23). A flagged text already is; a bare answer, request or greeting need
    not be.
    """
    if alert != "none" or reading.intent in _PLAIN_REQUESTS or reading.rule in ("courtesy", "empty", "report"):
        return False
    return words >= (WORDS_UNREAD if reading.intent in ("unclear", "crisis") and not late else WORDS_BESIDE)


def choose_reply(at: Situation) -> Plan:
    """V11 or V10 before V12 before V14 before anything else; neither stops a valid answer being recorded (S22, S23).

    An unknown or frozen number learns nothing (T20): V10 for RED and for help, the short V12 for a stop, else V14 at most
    once in 30 days. A stopped number gets V10, V11 or V12 and nothing else (I6).
    """
    reading = at.reading
    answers = reading.intent in ("answer", "dont_know") and at.question_open
    if not at.registered or at.frozen:
        return _stranger(at)
    if at.alert != "none":
        urgent = at.alert == "red" and at.own_phone and "self_harm" in reading.notes and "other_person" not in reading.notes
        key, template = ("urgent", "V11") if urgent else V10
        return Plan(key, template, take_step=answers and not at.report, take_report=at.report)
    if at.stop or reading.intent == "stop":
        return Plan("stopped", "V12")
    if at.report:
        return Plan(take_report=True, silent_reply=at.stopped)
    if reading.intent in ("code_word", "help"):
        return Plan(*V10, call_request=True)
    if reading.intent == "start":
        return Plan() if at.opted_out else Plan("started", "V12", start=True)
    if at.stopped:
        return Plan(take_step=answers, silent_reply=True)
    if reading.intent == "language":
        return Plan("thanks", "thanks", set_language=str(reading.value))
    if reading.intent == "wrong_person":
        return Plan("who", "V14", freeze=True)
    if at.question_open:
        return Plan(take_step=True)
    if at.late or reading.rule == "courtesy":
        return Plan()
    return Plan(*V10, unclear_task=True)


def _stranger(at: Situation) -> Plan:
    if at.alert == "red":
        return Plan(*V10)
    if at.stop or at.reading.intent == "stop":
        return Plan("stopped_short", "V12")
    if at.reading.intent in ("help", "code_word"):
        return Plan(*V10, call_request=True)
    if at.stopped or at.greeted_recently or (at.staff_phone and not at.registered):
        return Plan()
    return Plan("who", "V14")
