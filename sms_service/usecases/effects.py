"""What a step asks to be done, carried out in its transaction: the effects of ``conversation.vocabulary.EFFECTS``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert

from sms_service.conversation.types import Effect
from sms_service.models import dialogues, numbers, people, referrals
from sms_service.models.dialogues import response
from sms_service.rules.concerns import check_in_follow_up
from sms_service.security.tokens import new_row_id
from sms_service.usecases.accept_inbound import stop_number
from sms_service.usecases.context import Context
from sms_service.usecases.meeting_texts import catch_up, follow_answer
from sms_service.usecases.raise_concern import About, raise_concern
from sms_service.usecases.remembrance import careful_for
from sms_service.usecases.report_steps import save_cascade_report, save_meeting_report
from sms_service.usecases.steps import Scope

WORDING = "v1-2026"
_CALLS = {"explain": "practice_call", "referral": "referral_call"}


def carry_out(context: Context, db: Connection, scope: Scope, effects: Sequence[Effect]) -> None:
    """Do each effect in order; a name this table does not know is a fault of the program, not of the person."""
    for effect in effects:
        _EFFECTS[effect.name](context, db, scope, effect.args)


def _save_answer(context: Context, db: Connection, scope: Scope, args: Mapping[str, Any]) -> None:
    keep_answer(context, db, scope, args["question"], coded_answer(args["value"]), at=scope.now)


def keep_answer(
    context: Context, db: Connection, scope: Scope, question: str, value: str, *, at: datetime, corrected_by: int | None = None
) -> None:
    """Keep a coded answer as given at ``at`` (UTC), and do what follows from it. ``corrected_by`` is who attached it, if anyone."""
    db.execute(
        insert(response).values(
            id=new_row_id(),
            dialogue_id=scope.dialogue_id,
            person_id=scope.person_id,
            meeting_id=scope.meeting_id,
            question=question,
            value=value,
            channel=scope.channel,
            rule=scope.rule[:60],
            at=at,
            corrected_by=corrected_by,
        )
    )
    follow_up(context, db, scope, question, value)


def follow_up(context: Context, db: Connection, scope: Scope, question: str, value: str) -> None:
    """What an answer means for reminders, and a mood that calls for a call (V6); nobody but the task's reader sees why."""
    if question == "coming" and scope.meeting_id is not None:
        # The reminders of the phone that was asked: in a dial the answer may come from another one.
        asked = dialogues.get(db, scope.dialogue_id) if scope.dialogue_id is not None else None
        number_id = asked.number_id if asked is not None else scope.number.id
        follow_answer(context, db, scope.meeting_id, number_id, coming=value != "no", now=scope.now)
    if question == "referral" and scope.dialogue_id is not None:
        referrals.answered(db, scope.dialogue_id, value, scope.now)
    if question == "week" and scope.person_id is not None and value.isdigit():
        latest = [int(one) for one in dialogues.latest_answers(db, scope.person_id, "week", 3) if one.isdigit()]
        kind = check_in_follow_up(latest[::-1], careful=careful_for(db, scope.person_id, scope.now))
        if kind:
            _open(context, db, scope, kind)


def coded_answer(value: Any) -> str:
    """The code an answer is kept as: yes, no, dont_know, or the key or option itself."""
    if value is None:
        return "dont_know"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _open(context: Context, db: Connection, scope: Scope, kind: str, **more: Any) -> None:
    about = About(
        kind=kind,
        number_id=scope.number.id,
        person_id=scope.person_id,
        inbound_id=scope.inbound_id,
        turn_id=scope.turn_id,
        **more,
    )
    raise_concern(context, db, about, scope.now)


def _call_request(context: Context, db: Connection, scope: Scope, args: Mapping[str, Any]) -> None:
    kind = "unregistered_request" if args.get("unregistered") else "call_request"
    _open(context, db, scope, kind, topic=args.get("topic") or None, slot=args.get("slot") or None)


def _stop(context: Context, db: Connection, scope: Scope, args: Mapping[str, Any]) -> None:
    stop_number(context, db, scope.number.id, scope.now, reason="ussd" if scope.channel == "ussd" else "text")


def _set_language(context: Context, db: Connection, scope: Scope, args: Mapping[str, Any]) -> None:
    numbers.change(db, scope.number.id, language=args["language"])
    scope.language = args["language"]


def _visit_task(context: Context, db: Connection, scope: Scope, args: Mapping[str, Any]) -> None:
    _open(context, db, scope, "missed_visit")


def _call_task(context: Context, db: Connection, scope: Scope, args: Mapping[str, Any]) -> None:
    """A call about something a person answered (V8, V19); any other reason is a weekly answer to follow up (V6)."""
    reason = str(args.get("reason", ""))[:40]
    _open(context, db, scope, _CALLS.get(reason, "checkin_call"), note_code=reason)


def _consent(context: Context, db: Connection, scope: Scope, args: Mapping[str, Any]) -> None:
    """The own-phone opt-in: electronic consent, and the phone opted in or out (S16)."""
    if scope.person_id is None:
        return
    given = bool(args["given"])
    people.record_consent(
        db,
        scope.person_id,
        args["purpose"],
        given,
        now=scope.now,
        how="electronic",
        language=scope.language,
        recorded_by="participant",
        wording=WORDING,
    )
    for contact in scope.contacts:
        if contact.person_id == scope.person_id:
            people.change_contact(
                db, contact.id, opted_in_at=scope.now if given else None, opted_out_at=None if given else scope.now
            )
    if given:
        catch_up(context, db, scope.number.id, scope.now)


def _unclear_task(context: Context, db: Connection, scope: Scope, args: Mapping[str, Any]) -> None:
    _open(context, db, scope, "not_understood")


_EFFECTS: Mapping[str, Callable[[Context, Connection, Scope, Mapping[str, Any]], None]] = {
    "save_answer": _save_answer,
    "call_request": _call_request,
    "stop": _stop,
    "set_language": _set_language,
    "visit_task": _visit_task,
    "call_task": _call_task,
    "consent": _consent,
    "unclear_task": _unclear_task,
    "meeting_report": save_meeting_report,
    "cascade_report": save_cascade_report,
}
