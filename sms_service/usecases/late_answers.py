"""A late answer, and one that was read wrongly: a person puts it right, in one click, once, audited (domain 9.3).

A text that came after its question had closed is kept and applied to nothing. Staff may attach it to the question it was meant
for: it is read against what that question offered, as it would have been in time. Nothing is sent to the phone because of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, exists, func, select

from sms_service.conversation import engine
from sms_service.conversation.definition import Ask, Conversation
from sms_service.conversation.one_answer import effects_of_answer
from sms_service.conversation.types import Dialogue, Effect
from sms_service.models import dialogues, inbound, numbers, people
from sms_service.models.dialogues import dialogue, response
from sms_service.models.outbox import MAY_HAVE_LEFT, outbox
from sms_service.models.staff import staff
from sms_service.rules.roles import allows
from sms_service.text.reading import read_reply
from sms_service.usecases.context import Context
from sms_service.usecases.effects import carry_out, coded_answer, follow_up, keep_answer
from sms_service.usecases.faults import UseFault
from sms_service.usecases.sign_in import SignedIn
from sms_service.usecases.steps import Scope, conversation_for

ATTACHED, CORRECTED = "attached by staff", "corrected by staff"
AS_LATE_AS = timedelta(days=30)
MOST_OFFERS = 3
ANSWERS_SHOWN = 20
ACTED_ON = frozenset({"call_request", "visit_task", "call_task"})
"""Effects of an answer that ask a person to act: they hold late as well."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A question that a late text may answer: its dialogue, name and time, and the code the answer would be kept as."""

    dialogue_id: int
    question: str
    asked_at: datetime
    value: str
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """One kept answer: ``corrected_by`` is the code of who attached or corrected it, ``options`` what it may be corrected to."""

    id: int
    question: str
    value: str
    at: datetime
    rule: str
    corrected_by: str
    options: tuple[str, ...]


def offers(context: Context, db: Connection, inbound_ids: Collection[int], *, flagged: bool = False) -> dict[int, list[Offer]]:
    """For each of these texts the questions it may answer late, the latest asked first; texts without any are left out.

    ``flagged``: texts held for safeguarding too, which only they may know of (S32).
    """
    rows = _late_texts(db, inbound_ids, flagged)
    if not rows:
        return {}
    asked = _asked(
        db, people.contact_points_of(db, {row.number_id for row in rows}), min(row.received_at for row in rows) - AS_LATE_AS
    )
    answered = _answered(db, [one.id for one in asked])
    conversations: dict[int, tuple[Conversation, Dialogue, Ask] | None] = {}
    found: dict[int, list[Offer]] = {}
    for row in rows:
        text = context.vault.open("inbound", "body", row.id, row.body)
        for one in asked:
            if one.number_id != row.number_id or not row.received_at - AS_LATE_AS < one.asked_at < row.received_at:
                continue
            if one.id not in conversations:
                conversations[one.id] = _open_step(context, db, one, answered)
            offer = _offer(context, one, conversations[one.id], text)
            if offer is not None and len(found.setdefault(row.id, [])) < MOST_OFFERS:
                found[row.id].append(offer)
    return {row_id: listed for row_id, listed in found.items() if listed}


def closed_questions(db: Connection, contacts: Sequence[Row[Any]], now: datetime) -> dict[int, list[Row[Any]]]:
    """By number what a text that comes now may answer late; ``contacts``: the people on these numbers."""
    found: dict[int, list[Row[Any]]] = {}
    for row in _asked(db, contacts, now - AS_LATE_AS):
        found.setdefault(row.number_id, []).append(row)
    return found


def answers_a_closed_question(context: Context, db: Connection, asked: Sequence[Row[Any]], text: str) -> bool:
    """Whether a text would have been an answer to one of these questions that have closed: it is kept for staff."""
    answered = _answered(db, [one.id for one in asked])
    return any(_offer(context, one, _open_step(context, db, one, answered), text) is not None for one in asked)


def _late_texts(db: Connection, ids: Collection[int], flagged: bool) -> Sequence[Row[Any]]:
    columns = inbound.inbound.c
    query = select(inbound.inbound).where(
        columns.id.in_(list(ids)),
        columns.state == "done",
        columns.number_id.is_not(None),
        columns.dialogue_id.is_(None),
        columns.repeat_of.is_(None),
        columns.is_stop.is_(False),
        columns.rule.is_distinct_from(ATTACHED),
    )
    return db.execute(query if flagged else query.where(columns.alert == "none")).all()


def _asked(db: Connection, contacts: Sequence[Row[Any]], since: datetime) -> Sequence[Row[Any]]:
    """Questions the numbers of these people were asked since then that no text can answer any more, the latest first.

    Only what a text has asked, never a question opened on a dial, and only while the phone is still the asked person's alone: a
    digit from a shared one is attributed to nobody (S9).
    """
    language = func.coalesce(numbers.number.c.language, people.person.c.language, "rw").label("language")
    query = (
        select(dialogue, language)
        .join(numbers.number, numbers.number.c.id == dialogue.c.number_id)
        .outerjoin(people.person, people.person.c.id == dialogue.c.person_id)
    )
    alone: dict[int, int | None] = {}
    for contact in contacts:
        own = contact.ownership == "own" and contact.number_id not in alone
        alone[contact.number_id] = contact.person_id if own else None
    if not any(alone.values()):
        return []
    texted = select(outbox.c.id).where(outbox.c.dialogue_id == dialogue.c.id, outbox.c.state.in_(MAY_HAVE_LEFT))
    query = query.where(
        exists(texted),
        dialogue.c.number_id.in_([number_id for number_id, person_id in alone.items() if person_id is not None]),
        dialogue.c.asked_at > since,
        dialogue.c.sms_open.is_(False),
        dialogue.c.state.in_(("open", "closed")),
    )
    rows = db.execute(query.order_by(dialogue.c.asked_at.desc(), dialogue.c.id.desc())).all()
    return [row for row in rows if row.person_id is not None and alone.get(row.number_id) == row.person_id]


def _answered(db: Connection, dialogue_ids: Sequence[int]) -> set[tuple[int, str]]:
    if not dialogue_ids:
        return set()
    query = select(response.c.dialogue_id, response.c.question).where(response.c.dialogue_id.in_(list(dialogue_ids)))
    return {(row.dialogue_id, row.question) for row in db.execute(query)}


def _open_step(
    context: Context, db: Connection, row: Row[Any], answered: Collection[tuple[int, str]]
) -> tuple[Conversation, Dialogue, Ask] | None:
    """Where the dialogue stands, if that is a question whose answer is kept and has none yet."""
    place = Dialogue.from_json(row.place)
    conversation = conversation_for(context, db, place.conversation, place.version)
    step = conversation.steps.get(place.step)
    if not isinstance(step, Ask) or not step.record or (row.id, step.record) in answered:
        return None
    return conversation, replace(place, done=False), step


def _offer(context: Context, row: Row[Any], at: tuple[Conversation, Dialogue, Ask] | None, text: str) -> Offer | None:
    """What the text would have been taken for, had it come in time; None when it would not have been understood."""
    if at is None:
        return None
    conversation, place, step = at
    reading = read_reply(context.lexicon, text, engine.wants(conversation, place), language=row.language)
    effects = effects_of_answer(conversation, place, reading)
    kept = [one for one in effects if one.name == "save_answer" and one.args["question"] == step.record]
    acted = tuple(one for one in effects if one.name in ACTED_ON)
    if len(kept) != 1 or len(kept) + len(acted) != len(effects):
        return None  # an answer that gives consent, stops or sets the language is the person's own act, in time or not at all
    return Offer(row.id, step.record, row.asked_at, coded_answer(kept[0].args["value"]), acted)


def attach(context: Context, me: SignedIn, person_code: str, inbound_id: int, dialogue_id: int) -> None:
    """Keep a late text as the answer to one of the questions offered for it. Raises ``UseFault`` when it is not offered
    (any more): answered meanwhile, attached before, another person's, or held from this reader (S31, S32).
    """
    gone = UseFault("answer", "This text cannot be attached to that question any more. Reload the page.")
    with context.database.begin() as db:
        asked = dialogues.get(db, dialogue_id)
        text = inbound.get(db, inbound_id)
        if asked is None or text is None or text.number_id != asked.number_id:
            raise gone
        number = numbers.lock(db, asked.number_id)
        held = allows(me.roles, "open_flagged")
        offer = next((one for one in offers(context, db, [inbound_id], flagged=held).get(inbound_id, ())
                      if one.dialogue_id == dialogue_id), None)  # fmt: skip
        who = people.by_code(db, person_code)
        if offer is None or who is None or asked.person_id != who.id:
            raise gone
        scope = _scope(context, db, asked, number)
        scope.inbound_id, scope.rule = inbound_id, ATTACHED
        keep_answer(context, db, scope, offer.question, offer.value, at=text.received_at, corrected_by=me.staff_id)
        carry_out(context, db, scope, offer.effects)
        inbound.change(db, inbound_id, intent="answer", value=offer.value[:40], rule=ATTACHED)
        context.record(db, me.code, "answer.attach", person_code, offer.question)


def _scope(context: Context, db: Connection, asked: Row[Any], number: Row[Any]) -> Scope:
    return Scope(
        number=number,
        contacts=people.contact_points_of(db, [number.id]),
        channel="sms",
        language=number.language or "rw",
        now=context.now(db),
        person_id=asked.person_id,
        dialogue_id=asked.id,
        meeting_id=asked.meeting_id,
    )


def answers_of(context: Context, db: Connection, person_id: int) -> list[Answer]:
    """The person's latest answers, newest first, with what each may be corrected to."""
    query = (
        select(response, dialogue.c.place, staff.c.code.label("staff_code"))
        .join(dialogue, dialogue.c.id == response.c.dialogue_id)
        .outerjoin(staff, staff.c.id == response.c.corrected_by)
        .where(response.c.person_id == person_id)
        .order_by(response.c.at.desc(), response.c.id.desc())
        .limit(ANSWERS_SHOWN)
    )
    return [
        Answer(
            row.id, row.question, row.value, row.at, row.rule, row.staff_code or "", _options(context, db, row.place, row.question)
        )
        for row in db.execute(query)
    ]


def _options(context: Context, db: Connection, place: Mapping[str, Any], question: str) -> tuple[str, ...]:
    """The codes an answer to this question may have; none for a question whose answers are not chosen from a list."""
    stands = Dialogue.from_json(place)
    steps = conversation_for(context, db, stands.conversation, stands.version).steps.values()
    asks = [step for step in steps if isinstance(step, Ask) and step.record == question]
    codes: list[str] = []
    for ask in asks:
        if ask.answer == "yesno":
            codes += ["yes", "no", "dont_know"]
        elif ask.answer == "scale":
            codes += [str(value) for value in range(ask.low, ask.high + 1)]
        codes += [str(choice.value) for choice in ask.choices]
    return tuple(dict.fromkeys(codes))


def correct(context: Context, me: SignedIn, person_code: str, answer_id: int, value: str) -> None:
    """Change the code of an answer that was read wrongly. What follows from the answer is looked at again. Raises ``UseFault``."""
    with context.database.begin() as db:
        row = db.execute(select(response).where(response.c.id == answer_id)).first()
        who = people.by_code(db, person_code)
        asked = dialogues.get(db, row.dialogue_id) if row is not None else None
        if row is None or asked is None or who is None or row.person_id != who.id:
            raise UseFault("answer", "There is no such answer of this person.")
        if value not in _options(context, db, asked.place, row.question):
            raise UseFault("value", "Please choose one of the list.")
        number = numbers.lock(db, asked.number_id)
        if value == db.execute(select(response.c.value).where(response.c.id == answer_id)).scalar_one():
            raise UseFault("value", "This is the answer as it stands: nothing was changed.")
        changed = {"value": value, "rule": CORRECTED, "corrected_by": me.staff_id}
        db.execute(response.update().where(response.c.id == answer_id).values(**changed))
        follow_up(context, db, _scope(context, db, asked, number), row.question, value)
        context.record(db, me.code, "answer.correct", person_code, row.question)
