"""Does a conversation ask what no phone may ask (S4), or with an instrument that must not go by phone (domain section 5)?"""

from __future__ import annotations

from collections.abc import Iterator

from sms_service.conversation.definition import Ask, Conversation, QuestionSet
from sms_service.conversation.faults import Fault, shortly
from sms_service.conversation.vocabulary import MAX_CAP_DAYS, MAX_TEXTED_QUESTIONS, MONTHLY_CAP_DAYS, QUESTION_MOMENTS
from sms_service.text.forbidden import Forbidden, instrument_in, subject_in

IN_PERSON = "leave it to the interview in person"


def check_forbidden(conversation: Conversation, forbidden: Forbidden) -> list[Fault]:
    """Every question about a forbidden subject in any language, every forbidden instrument, and a question set's own faults."""
    file = conversation.file
    faults = [Fault(file, "", "", reason, fix) for reason, fix in _instruments(conversation, forbidden)]
    if conversation.question_set is not None:
        faults += [Fault(file, step, "", reason) for step, reason in _set(conversation, conversation.question_set)]
    for ask in _asks(conversation):
        for language, text in _asked(conversation, ask):
            found = subject_in(text, forbidden)
            if found is not None:
                reason = f"'{found[0]}' asks about {found[1]}: no message asks about it (S4)"
                faults.append(Fault(file, ask.name, language, reason, IN_PERSON))
    return faults


def _asks(conversation: Conversation) -> list[Ask]:
    return [step for step in conversation.steps.values() if isinstance(step, Ask)]


def _asked(conversation: Conversation, ask: Ask) -> Iterator[tuple[str, str]]:
    """Language and text of everything this question says: its texts, and the labels of its options."""
    keys = {key for _, key in ask.message.shown()}
    labels = {choice.label for choice in ask.choices if choice.label}
    for language, table in conversation.words.entries.items():
        yield from ((language, entry.text) for key, entry in sorted(table.items()) if key in keys)
    for language, names in conversation.words.option_labels.items():
        yield from ((language, label) for key, label in sorted(names.items()) if key in labels)


def _instruments(conversation: Conversation, forbidden: Forbidden) -> Iterator[tuple[str, str]]:
    """Named by the set, by the conversation, or by the question its answers are kept under."""
    named = [conversation.name, *(ask.record for ask in _asks(conversation))]
    if conversation.question_set is not None:
        named += [conversation.question_set.instrument, conversation.question_set.purpose]
    for name in dict.fromkeys(named):
        found = instrument_in(name.replace("_", " "), conversation.channels, forbidden)
        if found is not None:
            channels = " or ".join(channel.upper() for channel in found.channels)
            yield f"'{shortly(name)}' is {found.name}, which never goes by {channels}: {found.reason} (S4)", IN_PERSON


def _set(conversation: Conversation, found: QuestionSet) -> Iterator[tuple[str, str]]:
    """A set's own rules: known moments, a cap, a month between two askings, three texts at most, every answer kept."""
    if not found.when or not set(found.when) <= set(QUESTION_MOMENTS):
        yield "", f"'when' of the question set must name one or more of {', '.join(QUESTION_MOMENTS)}"
    if not 1 <= found.cap_days <= MAX_CAP_DAYS:
        yield "", f"'cap_days' of the question set must be 1 to {MAX_CAP_DAYS}"
    elif "monthly" in found.when and found.cap_days < MONTHLY_CAP_DAYS:
        yield "", f"a monthly set is asked at most once a month: 'cap_days' must be {MONTHLY_CAP_DAYS} or more"
    if conversation.text_class != "B" or "ussd" not in conversation.channels:
        yield "", "a question set is class B and can be answered on ussd"
    asks = _asks(conversation)
    if "sms" in conversation.channels and len(asks) > MAX_TEXTED_QUESTIONS:
        yield "", f"{len(asks)} questions by SMS, at most {MAX_TEXTED_QUESTIONS} in a row are asked by text"
    for ask in asks:
        if not ask.record:
            yield ask.name, "a question of a set keeps its answer: give 'record'"
