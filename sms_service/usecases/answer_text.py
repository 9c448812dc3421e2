"""What one text means and what is said back: one text out for one text in, within a transaction that holds its number (I2, I4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row

from sms_service.conversation import engine
from sms_service.conversation.render import render
from sms_service.conversation.types import Answered, Dialogue
from sms_service.gateway.wire import INBOX_SERIES
from sms_service.models import directory, numbers, rota
from sms_service.rules.replies import Plan, Situation, choose_reply, needs_a_reader
from sms_service.text.reading import answers_any, read_reply
from sms_service.text.reply_types import Expectation, Reading
from sms_service.usecases.context import Context
from sms_service.usecases.effects import carry_out
from sms_service.usecases.inbound_facts import OfNumber
from sms_service.usecases.late_answers import answers_a_closed_question
from sms_service.usecases.meeting_texts import catch_up
from sms_service.usecases.raise_concern import About, raise_concern
from sms_service.usecases.report_by_text import report_by_text, reporters
from sms_service.usecases.steps import Scope, conversation_for, keep_step, take

WHO_EVERY = timedelta(days=30)
_USUAL = (Expectation("yesno"), Expectation("scale", 0, 9))  # what most questions ask for


@dataclass(slots=True)
class Said:
    """What came out of a text: how it was read, the one reply (template name, body, class), and whether a person has it already."""

    reading: Reading
    template: str = ""
    body: str = ""
    text_class: str = "A"
    dialogue_id: int | None = None
    urgent: bool = False
    handed_on: bool = False


def coded(reading: Reading) -> str | None:
    """The coded value worth keeping beside the sealed text; a kept text is not copied out of its seal."""
    if reading.intent not in ("answer", "language") or reading.value is None:
        return None
    return str(reading.value)[:40] if isinstance(reading.value, (bool, int)) or len(str(reading.value)) <= 12 else None


def answer_text(context: Context, db: Connection, row: Row[Any], text: str, found: OfNumber, now: datetime) -> Said:
    """Read the text against what is open on its locked number, do what follows from it, and choose the one reply."""
    contacts, question = found.contacts, found.question
    number = found.row
    alone = contacts[0] if len(contacts) == 1 else None
    language = context.language_for(number.language, *(one.person_language for one in contacts[:1]))
    if question is not None and (alone is None or alone.ownership != "own" or alone.person_id != question.person_id):
        question = None  # the phone is shared by now, or somebody else's: its digits are nobody's answer (S9, T3)
    if question is not None and fetched_from_before(row, question.asked_at):
        question = None  # it was written before this question was asked, and fetched only now
    place = Dialogue.from_json(question.place) if question else None
    conversation = conversation_for(context, db, place.conversation, place.version) if place else None
    expectation = engine.wants(conversation, place) if conversation and place else Expectation()
    words = [
        (one.person_id, context.vault.open("contact_point", "code_word", one.id, one.code_word))
        for one in contacts
        if one.code_word
    ]
    reading = read_reply(context.lexicon, text, expectation, language=language, code_words=[word for _, word in words])
    said = Said(reading)
    leaders = reporters(contacts, text)
    scope = Scope(
        number=number,
        contacts=contacts,
        channel="sms",
        language=language,
        now=now,
        person_id=_whose_word(context, text, words) if reading.intent == "code_word" else alone.person_id if alone else None,
        inbound_id=row.id,
        rule=reading.rule,
    )
    situation = Situation(
        registered=bool(contacts),
        staff_phone=number.staff_phone,
        opted_out=number.network_opt_out_at is not None,
        frozen=number.frozen_at is not None,
        stopped=number.stopped_at is not None,
        own_phone=alone is not None and alone.ownership == "own",
        question_open=question is not None,
        alert=row.alert,
        stop=row.is_stop,
        reading=reading,
        greeted_recently=number.last_v14_at is not None and now - number.last_v14_at < WHO_EVERY,
        late=question is None and _comes_late(context, db, found.closed, text, language),
        report=bool(leaders),
    )
    plan = choose_reply(situation)
    if plan.start and number.stopped_at is not None and fetched_from_before(row, number.stopped_at, unknown=True):
        plan = Plan()  # the stop came after it, though it was fetched only now: stop wins (I6, S17)
    if plan.take_step and question is not None and conversation is not None and place is not None:
        _take_step(context, db, scope, question, conversation, place, said)
    if plan.take_report:
        answer = report_by_text(context, db, leaders, text, now)
        said.reading = replace(reading, intent="answer", value=None, rule="report", confidence=1.0)
        said.template, said.body = "report", context.words.text(language, answer.key, answer.values)
    if plan.call_request:
        kind = "code_word" if reading.intent == "code_word" else "call_request"
        _concern(context, db, scope, kind if contacts else "unregistered_request")
    _hand_on(context, db, scope, plan, said, situation, text)
    if plan.start:
        numbers.change(db, number.id, stopped_at=None, stop_reason=None)
        catch_up(context, db, number.id, now)
        context.record(db, number.code, "number.start", number.code)
    if plan.freeze:
        numbers.change(db, number.id, frozen_at=now, frozen_reason="wrong_person")
        _concern(context, db, scope, "wrong_person")
    if plan.set_language:
        numbers.change(db, number.id, language=plan.set_language)
        scope.language = plan.set_language
    _say(context, db, scope, plan, said)
    return said


def _say(context: Context, db: Connection, scope: Scope, plan: Plan, said: Said) -> None:
    """The planned reply takes the place of whatever the step wanted to say (I2)."""
    if plan.reply and context.words.languages:
        # a service whose texts are not published yet keeps and raises everything, and says nothing
        said.template = plan.template
        said.urgent = plan.template == "V11"
        said.body = _notice(context, db, plan.reply, scope)
        said.text_class = "B" if said.urgent else "A"
    if plan.silent_reply:
        said.body = ""


def _whose_word(context: Context, text: str, words: Sequence[tuple[int, str]]) -> int | None:
    """Whose code word came (S13): of several people on a number only when it can be nobody else's, a slip allowed; else None."""
    fits = {who for who, word in words if read_reply(context.lexicon, text, Expectation(), code_words=[word]).intent == "code_word"}
    return fits.pop() if len(fits) == 1 else None


def fetched_from_before(row: Row[Any], moment: datetime | None, *, unknown: bool = False) -> bool:
    """Whether a text was fetched from the gateway's inbox after an outage and had been sent before ``moment``; ``unknown`` is what
    is held of one whose time cannot be read.
    """
    if moment is None or not row.provider_id.startswith(INBOX_SERIES):
        return False
    return datetime.fromisoformat(row.sent_date) < moment if row.sent_date else unknown


def _comes_late(context: Context, db: Connection, closed: Sequence[Row[Any]], text: str, language: str) -> bool:
    """Whether a text with no question open is an answer that came too late: kept for staff, applied to nothing (domain 9.3)."""
    if answers_any(context.lexicon, text, _USUAL, language=language):
        return True
    return answers_a_closed_question(context, db, closed, text)


def _take_step(
    context: Context, db: Connection, scope: Scope, question: Row[Any], conversation: Any, place: Dialogue, said: Said
) -> None:
    """Give the reading to the open dialogue; its first text, if any, is the reply (V13 and thanks among them)."""
    said.dialogue_id = scope.dialogue_id = question.id
    scope.meeting_id = question.meeting_id
    scope.person_id = question.person_id or scope.person_id
    event = Answered(said.reading)
    outcome, given = take(context, db, scope, conversation, place, event)
    carry_out(context, db, scope, outcome.effects)
    said.handed_on = any(effect.name == "unclear_task" for effect in outcome.effects)
    keep_step(db, scope, question.id, outcome, event, given)
    if outcome.replies:
        reply = outcome.replies[0]
        said.template = {"not_understood": "V13", "call_ack": "V10"}.get(reply.key, reply.key)
        language = context.language_for(scope.language, said=conversation.words)
        said.body = render(conversation.words, language, reply, "sms")
        said.text_class = conversation.words.entry(language, reply.key).text_class


def _hand_on(context: Context, db: Connection, scope: Scope, plan: Plan, said: Said, situation: Situation, text: str) -> None:
    """Words that nothing was made of go to a person, once (V13, S23)."""
    if plan.unclear_task:
        _concern(context, db, scope, "not_understood")
    elif situation.registered and not plan.take_report and not said.handed_on:
        words = len(text.split())
        if needs_a_reader(situation.alert, situation.reading, words, late=situation.late):
            _concern(context, db, scope, "words_to_read")


def _concern(context: Context, db: Connection, scope: Scope, kind: str) -> None:
    about = About(kind=kind, number_id=scope.number.id, person_id=scope.person_id, inbound_id=scope.inbound_id)
    raise_concern(context, db, about, scope.now)


def _notice(context: Context, db: Connection, key: str, scope: Scope) -> str:
    """A text the service sends by itself; V11 with its three numbers only while all are verified (S38), and with
    a truthful time when nobody is on duty (S26).
    """
    if key != "urgent":
        return context.words.text(scope.language, key)
    soon = "soon" if rota.on_duty(db, scope.now) else "tomorrow"
    phones = directory.urgent_numbers(db, scope.now)
    if phones is None:
        raise_concern(context, db, About(kind="directory_expired"), scope.now)
        return context.words.text(scope.language, "urgent_plain", {"soon": soon})
    return context.words.text(scope.language, "urgent", {"soon": soon, **phones})
