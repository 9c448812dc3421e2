"""Why each message was sent and how each text was understood, told from stored rows: rule, step, input, in codes."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta

from handlers.console.conversation_why import sentences as written
from sms_service.usecases import read_log
from sms_service.usecases.explain_message import RULES, Stood, Why, explain
from sms_service.usecases.read_log import Filter, Line
from tests.releases import publish_another_release
from tests.service import Service
from tests.usecases.dialling import CALLER, Phone
from tests.usecases.site import NOW, Site

HELD = "ndashaka gupfa uyu munsi"


def sentences(why: Why) -> list[str]:
    return written(why, datetime.isoformat)


def told(service: Service, *, entitled: bool = False) -> list[tuple[Line, Why]]:
    """Every line of the log, oldest first, with its explanation."""
    with service.context.database.begin() as db:
        lines = read_log.page(service.context, db, Filter(), limit=200)[::-1]
    found = explain(service.context, lines, entitled=entitled)
    return [(line, found[line.source, line.id]) for line in lines if (line.source, line.id) in found]


def newest(service: Service, source: str, *, entitled: bool = False) -> Why:
    return [why for line, why in told(service, entitled=entitled) if line.source == source][-1]


def test_a_question_and_its_answer_name_rule_step_and_input(service: Service, phone: Phone) -> None:
    """The reminder was asked for that day; the answer was read against its first step on its own version."""
    asked = newest(service, "out")
    assert (asked.rule, asked.group, asked.meeting_no) == ("remind", "G07", 1)
    assert asked.after == Stood("reminder", 1, "ask")
    service.text(CALLER, "Yego, ndaza")
    service.work()
    heard = newest(service, "in")
    assert heard.before == Stood("reminder", 1, "ask")
    assert heard.heard is not None
    assert (heard.heard.intent, heard.heard.value, heard.heard.held) == ("answer", "True", False)
    assert any("step ask of reminder, version 1" in one for one in sentences(heard))


def test_a_reply_names_the_text_it_answers(service: Service, phone: Phone) -> None:
    service.text(CALLER, "the bus was late")
    service.work()
    reply = newest(service, "out")
    assert (reply.rule, reply.after) == ("reply", Stood("reminder", 1, "ask"))
    assert reply.heard is not None
    assert reply.heard.intent == "unclear"
    assert sentences(reply)[0].startswith("Answers the text of ")


def test_a_scheduled_text_names_its_occurrence(service: Service) -> None:
    site = Site.build(service.context)
    site.group()
    site.person(language="en")
    service.wait_until(NOW + timedelta(days=6))
    why = next(one for line, one in told(service) if line.template == "V3" or line.template == "V3b")
    assert (why.rule, why.schedule, why.group) == ("schedule", "reminder_two_day", "G07")
    assert why.due_at is not None
    assert "the reminder two days before a meeting" in sentences(why)[0]


def test_each_screen_of_a_dial_names_its_step(service: Service, phone: Phone) -> None:
    phone.dials("1")
    steps = [(why.before, why.after) for line, why in told(service) if line.source == "dial"][-2:]
    home = Stood("home", 1, "home")
    assert steps == [(None, home), (home, Stood("home", 1, "meeting_planned"))]


def test_a_message_keeps_the_version_it_was_sent_by(service: Service, phone: Phone) -> None:
    """Decision 4: after another publication the reminder is still explained by version 1."""
    publish_another_release(service.context)
    service.text(CALLER, "1")
    service.work()
    assert newest(service, "in").before == Stood("reminder", 1, "ask")


def test_a_flagged_text_is_explained_only_to_those_who_may_open_it(service: Service, phone: Phone) -> None:
    """S32: neither the line nor the reply to it says how it was read; safeguarding sees the alert."""
    service.text(CALLER, HELD)
    service.work()
    for source in ("in", "out"):
        hidden = newest(service, source)
        assert hidden.heard is not None
        assert hidden.heard == dataclasses.replace(hidden.heard, held=True, intent="", value="", rule="", alert="none")
        assert not any("RED" in one or "Held" in one.replace("Held for safeguarding", "") for one in sentences(hidden))
        shown = newest(service, source, entitled=True).heard
        assert shown is not None
        assert (shown.held, shown.alert) == (False, "red")
    assert "Alert: urgent (RED)." in sentences(newest(service, "in", entitled=True))


def test_the_reply_to_a_flagged_answer_does_not_say_where_it_led(service: Service, phone: Phone) -> None:
    """S32: the step a dialogue went to tells what the text was read as."""
    service.text(CALLER, "Oya, inzara iranyica")
    service.work()
    hidden = newest(service, "out")
    assert hidden.heard is not None
    assert hidden.heard.held
    assert (hidden.before, hidden.after) == (None, None)
    shown = newest(service, "out", entitled=True)
    assert shown.heard is not None
    assert shown.heard.alert == "amber"


def test_no_words_and_no_number_are_in_any_explanation(service: Service, phone: Phone) -> None:
    """S31: codes, times and counts only."""
    service.text(CALLER, "Yego, ndaza")
    phone.dials("3")
    service.work()
    every = " ".join(one for _, why in told(service, entitled=True) for one in sentences(why))
    assert every
    assert "ndaza" not in every
    assert "788000001" not in every


def test_every_rule_has_its_sentence(service: Service) -> None:
    for rule in set(RULES.values()) - {"reply"}:
        assert sentences(Why(rule, broadcast="B1", author="S1")), rule
