"""One USSD hop, answered inside the request: one transaction, few statements, a receipt for every turn (I4, I15, S11, S12)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, update
from sqlalchemy.exc import IntegrityError

from sms_service.conversation import engine
from sms_service.conversation.definition import Conversation
from sms_service.conversation.render import render
from sms_service.conversation.types import Answered, Begin, Dialogue, Effect, Event, Outcome, PinChecked, Reply, Shown
from sms_service.gateway.ussd_input import Newest, newest_input
from sms_service.gateway.wire import UssdTurn
from sms_service.models import dialogues, numbers, people
from sms_service.models.dials import dial
from sms_service.security.tokens import new_row_id
from sms_service.text.reading import crisis_alert, is_stop, read_reply
from sms_service.text.reply_types import Alert, Expectation, Reading
from sms_service.usecases.accept_inbound import about_crisis, stop_number
from sms_service.usecases.check_pin import check_pin
from sms_service.usecases.context import Context
from sms_service.usecases.dial_rows import IDLE, Hop, Overtaken, look_up, store, store_turn
from sms_service.usecases.effects import carry_out
from sms_service.usecases.steps import Scope, conversation_for, event_json, keep_step, take

HOME = "home"
DEFAULT_LANGUAGE = "rw"


class OtherCaller(Exception):
    """The dial belongs to another number or service code: 409 (contract 11.1)."""


def take_turn(context: Context, hop: UssdTurn) -> str:
    """Answer one hop: ``CON ...`` or ``END ...``. The same (dial, text) gets the identical screen and no second effect.

    Raises ``OtherCaller`` for a dial bound to someone else, and the database's own faults, which the caller turns into the
    apology (a turn is always answered).
    """
    try:
        return _turn(context, hop)
    except (IntegrityError, Overtaken):
        # PostgreSQL read the dial before it waited for the number: a turn stored meanwhile is seen only by looking again.
        return _turn(context, hop)


def _turn(context: Context, hop: UssdTurn) -> str:
    receipt = context.vault.text_hash(hop.session_id, hop.text)
    return context.database.run(lambda db: _answer(context, db, hop, receipt))


def _answer(context: Context, db: Connection, hop: UssdTurn, receipt: bytes) -> str:
    seen = look_up(context, db, hop, receipt)
    if seen is None:
        numbers.ensure(db, context.vault, hop.number, context.now(db))
        seen = look_up(context, db, hop, receipt)
    if seen is None:
        raise LookupError("a number made in this transaction cannot be read back: the single state row is missing")
    now = context.at(db, seen)
    if seen.dial_id is None:
        return _first(context, db, hop, seen, receipt, now)
    if seen.dial_number_id != seen.id or seen.service_code != hop.service_code:
        raise OtherCaller
    if seen.screen is not None:
        return context.vault.open("turn", "screen", seen.turn_id, seen.screen)
    if seen.state != "open" or now - seen.last_at > IDLE:
        return _restart(context, db, hop, seen, receipt, now)
    newest = newest_input(seen.text_length, seen.text_hash, hop.text, lambda text: context.vault.text_hash(hop.session_id, text))
    if newest.kind == "unknown":
        return _restart(context, db, hop, seen, receipt, now)
    return _next(context, db, hop, seen, newest, receipt, now)


def _scope(context: Context, db: Connection, seen: Row[Any], now: datetime, *, contacts: Any = ()) -> Scope:
    scope = Scope(
        number=seen,
        contacts=contacts,
        channel="ussd",
        language=seen.language or seen.dial_language or DEFAULT_LANGUAGE,
        now=now,
        turn_id=new_row_id(),
    )
    scope.person_id = seen.person_id
    return scope


def _begin_home(context: Context, db: Connection, seen: Row[Any], now: datetime) -> tuple[Hop, Scope]:
    """The first screen, the same for every caller; only a registered facilitator phone has a sixth line (S11, T20)."""
    contacts = people.contact_points_of(db, [seen.id])
    participants = [one for one in contacts if one.kind != "facilitator"]
    alone = participants[0] if len(participants) == 1 and participants[0].ownership == "own" else None
    scope = _scope(context, db, seen, now, contacts=contacts)
    scope.language = seen.language or (contacts[0].person_language if contacts else DEFAULT_LANGUAGE)
    event = Begin(
        {
            "language_known": bool(seen.language),
            "facilitator": any(one.kind == "facilitator" for one in contacts),
            "personal": alone is not None,
            "unregistered": not contacts,
        }
    )
    conversation = context.published.conversation(HOME)
    outcome, given = take(context, db, scope, conversation, None, event)
    reading = Reading("unclear", rule="dial")
    return Hop(_screen(context, scope, conversation, outcome), outcome.dialogue, event_json(event), given, reading), scope


def _first(context: Context, db: Connection, hop: UssdTurn, seen: Row[Any], receipt: bytes, now: datetime) -> str:
    """A new dial: always CON, known caller or not. A deep dial's text is set aside: the menu shows (contract 11.2)."""
    made, scope = _begin_home(context, db, seen, now)
    _heed(context, hop, made)
    dial_id = new_row_id()
    db.execute(
        insert(dial).values(
            id=dial_id,
            gateway_session=hop.session_id,
            number_id=seen.id,
            service_code=hop.service_code[:40],
            network_code=hop.network_code[:12] or None,
            language=scope.language,
            text_length=len(hop.text),
            text_hash=receipt,
            turns=1,
            place=made.place.to_json(),
            person_id=None,
            state="open",
            opened_at=now,
            last_at=now,
        )
    )
    store_turn(context, db, seen, dial_id, 1, receipt, made, scope, now)
    return made.screen


def _restart(context: Context, db: Connection, hop: UssdTurn, seen: Row[Any], receipt: bytes, now: datetime) -> str:
    """State lost or out of order: the menu again on a live dial; a dial that ended or fell silent stays ended (T5)."""
    if seen.state != "open" or now - seen.last_at > IDLE:
        if seen.state == "open":
            db.execute(update(dial).where(dial.c.id == seen.dial_id).values(state="abandoned"))
        return _too_late(context, db, hop, seen, now)
    made, scope = _begin_home(context, db, seen, now)
    _heed(context, hop, made)
    store(context, db, hop, seen, receipt, made, scope, now)
    return made.screen


def _too_late(context: Context, db: Connection, hop: UssdTurn, seen: Row[Any], now: datetime) -> str:
    """The last screen of a dial that is over. What is keyed into it answers nothing; words are heeded: danger opens a concern,
    without the words, which are not kept, and a stop stops (S22, S17).
    """
    last, key = _last_typed(hop), "fault_screen"
    if not last.isdigit():
        alert = crisis_alert(context.lexicon, last)
        if is_stop(context.lexicon, last):
            stop_number(context, db, seen.id, now, reason="ussd")
            key = "stopped_short"
        if alert != "none":
            about_crisis(context, db, number_id=seen.id, severity=alert, now=now)
    return "END " + context.words.text(context.language_for(seen.language), key)


def _last_typed(hop: UssdTurn) -> str:
    return hop.text.rsplit("*", 1)[-1].strip()


def _heed(context: Context, hop: UssdTurn, made: Hop) -> None:
    """Words that came with a lost or deep dial answer nothing, and are read for crisis all the same (S22)."""
    last = _last_typed(hop)
    made.alert = "none" if last.isdigit() else crisis_alert(context.lexicon, last)
    if made.alert != "none":
        made.typed = last


def _next(context: Context, db: Connection, hop: UssdTurn, seen: Row[Any], newest: Newest, receipt: bytes, now: datetime) -> str:
    scope = _scope(context, db, seen, now)
    place = Dialogue.from_json(seen.place)
    home = conversation_for(context, db, HOME, place.version)
    typed = newest.input.strip()
    if newest.kind != "new" or not typed:
        made = _show(context, db, scope, home, place)
    elif not typed.isdigit() and is_stop(context.lexicon, typed):
        made = _stop(context, db, scope, place, typed)
    elif engine.wants(home, place).kind == "pin" and len(typed) == 4 and typed.isascii() and typed.isdigit():
        made = _pin(context, db, scope, home, place, typed)
    elif engine.at_resume(home, place):
        made = _answer_other(context, db, scope, home, place, typed)
    else:
        made = _answer_home(context, db, scope, home, place, typed)
    store(context, db, hop, seen, receipt, made, scope, now)
    return made.screen


def _screen(context: Context, scope: Scope, said: Conversation, outcome: Outcome) -> str:
    """The screen in the words of the version that says it."""
    if not outcome.replies:
        return render(context.words, context.language_for(scope.language), Reply("thanks", ends=True), "ussd")
    return render(said.words, context.language_for(scope.language, said=said.words), outcome.replies[-1], "ussd")


def _facts_for(context: Context, db: Connection, scope: Scope) -> None:
    """The people on the number, read only by the hops that need them."""
    if not scope.contacts:
        scope.contacts = people.contact_points_of(db, [scope.number.id])


def _step_home(
    context: Context, db: Connection, scope: Scope, home: Any, place: Dialogue, event: Event
) -> tuple[Outcome, dict[str, Any]]:
    _facts_for(context, db, scope)
    outcome, given = take(context, db, scope, home, place, event)
    if scope.person_id is None and place.data.get("personal"):
        scope.person_id = next((one.person_id for one in scope.contacts if one.kind != "facilitator"), None)
    carry_out(context, db, scope, outcome.effects)
    return outcome, given


def _after(context: Context, db: Connection, scope: Scope, home: Any, outcome: Outcome) -> str:
    """The screen after a home step: where another dialogue is to be answered, that dialogue's question."""
    if not engine.at_resume(home, outcome.dialogue):
        return _screen(context, scope, home, outcome)
    other = dialogues.get(db, int(outcome.dialogue.data["resume"]))
    if other is None:
        raise LookupError("the open question this dial stands at is gone: dialogues are closed, never deleted")
    place = Dialogue.from_json(other.place)
    conversation = conversation_for(context, db, place.conversation, place.version)
    shown, _ = take(context, db, scope, conversation, place, Shown())
    return _screen(context, scope, conversation, shown)


def _read(context: Context, scope: Scope, typed: str, expectation: Expectation) -> tuple[Reading, str, Alert]:
    raw_key = typed if typed in ("0", "00") else ""
    reading = read_reply(context.lexicon, typed, expectation, language=scope.language)
    scope.rule = reading.rule
    alert: Alert = "none" if typed.isdigit() else crisis_alert(context.lexicon, typed)
    return reading, raw_key, alert


def _show(context: Context, db: Connection, scope: Scope, home: Any, place: Dialogue) -> Hop:
    """A blank reply or a live dial with empty text shows the current screen again; nothing else changes."""
    event = Shown()
    outcome, given = take(context, db, scope, home, place, event)
    screen = _after(context, db, scope, home, outcome)
    return Hop(screen, place, event_json(event), given, Reading("unclear", rule="blank"), person_id=scope.person_id)


def _stop(context: Context, db: Connection, scope: Scope, place: Dialogue, typed: str) -> Hop:
    """A stop in words is honoured wherever it is typed, before any PIN or answer, and the menu stays where it is (S17)."""
    _facts_for(context, db, scope)
    alert = crisis_alert(context.lexicon, typed)
    reading = Reading("stop", rule="stop", alert=alert)
    carry_out(context, db, scope, [Effect("stop")])
    screen = render(context.words, context.language_for(scope.language), Reply("stopped_short", ends=True), "ussd")
    return Hop(screen, place, event_json(Answered(reading)), {}, reading, typed, alert, scope.person_id)


def _pin(context: Context, db: Connection, scope: Scope, home: Any, place: Dialogue, typed: str) -> Hop:
    """A PIN turn is kept as its verdict, never its digits (reliability section 3)."""
    _facts_for(context, db, scope)
    checked = check_pin(context, db, scope.number, scope.contacts, typed, scope.now)
    event = PinChecked(checked.verdict, checked.person_code)
    if checked.person_id is not None:
        scope.person_id = checked.person_id
    outcome, given = _step_home(context, db, scope, home, place, event)
    reading = Reading("answer", value=f"PIN {checked.verdict}", rule="pin")
    screen = _after(context, db, scope, home, outcome)
    return Hop(screen, outcome.dialogue, event_json(event), given, reading, person_id=scope.person_id)


def _answer_home(context: Context, db: Connection, scope: Scope, home: Any, place: Dialogue, typed: str) -> Hop:
    expectation = engine.wants(home, place)
    # At a PIN prompt whatever is not four digits may still be a mistyped PIN: it is not read and not kept.
    at_pin = expectation.kind == "pin"
    raw_key = typed if typed in ("0", "00") else ""
    reading = Reading("unclear", rule="pin form")
    alert: Alert = crisis_alert(context.lexicon, typed) if at_pin and not typed.isdigit() else "none"  # S22
    if not at_pin:
        reading, raw_key, alert = _read(context, scope, typed, expectation)
    event = Answered(reading, raw_key)
    outcome, given = _step_home(context, db, scope, home, place, event)
    screen = _after(context, db, scope, home, outcome)
    kept = "" if at_pin else typed
    return Hop(screen, outcome.dialogue, event_json(event), given, reading, kept, alert, scope.person_id)


def _answer_other(context: Context, db: Connection, scope: Scope, home: Any, place: Dialogue, typed: str) -> Hop:
    """The person answers an open question inside the dial: the other dialogue takes the step, then home goes on (S12)."""
    row = dialogues.get(db, int(place.data["resume"]))
    if typed in ("0", "00") or row is None or row.state != "open" or row.closes_at <= scope.now:
        return _answer_home(context, db, scope, home, place, typed)
    other = Dialogue.from_json(row.place)
    conversation = conversation_for(context, db, other.conversation, other.version)
    reading, _, alert = _read(context, scope, typed, engine.wants(conversation, other))
    event = Answered(reading)
    scope.dialogue_id, scope.meeting_id = row.id, row.meeting_id
    _facts_for(context, db, scope)
    outcome, given = take(context, db, scope, conversation, other, event)
    carry_out(context, db, scope, outcome.effects)
    done = keep_step(db, scope, row.id, outcome, event, given)
    stored = event_json(event)
    if not done or outcome.replies:
        ended = done and bool(outcome.replies) and outcome.replies[-1].ends
        home_place = Dialogue(place.conversation, place.version, place.step, place.data, 0, ended)
        screen = _screen(context, scope, conversation, outcome)
        return Hop(screen, home_place, stored, {}, reading, typed, alert, scope.person_id)
    onward, home_facts = _step_home(context, db, scope, home, place, Answered(reading))
    screen = _after(context, db, scope, home, onward)
    return Hop(screen, onward.dialogue, stored, home_facts, reading, typed, alert, scope.person_id)
