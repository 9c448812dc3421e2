"""What the reports ask of the service while they are keyed in, and what they hand to it: facts and effects (V15, V16)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, select

from sms_service.conversation.types import Dialogue
from sms_service.models import dialogues, groups, meetings, people
from sms_service.models.base import insert_ignore
from sms_service.models.dialogues import dialogue
from sms_service.models.people import person
from sms_service.models.schedules import occurrence
from sms_service.security.tokens import new_row_id
from sms_service.usecases.cascade_reports import Month, file_month
from sms_service.usecases.context import Context
from sms_service.usecases.find import open_meeting
from sms_service.usecases.meeting_reports import INCIDENTS, Counts, Reporter, call_back, due_meeting, file_report, impossible
from sms_service.usecases.open_dialogue import Questions

if TYPE_CHECKING:
    from sms_service.usecases.steps import Scope

Fact = dict[str, Any]
CONVERSATION = "report"
UNSENT_AFTER = timedelta(hours=1)
UNSENT_KEPT = timedelta(days=30)  # a service that was down looks into it when it is back


def report_due(context: Context, db: Connection, scope: Scope, args: Mapping[str, Any]) -> Fact:
    """The report to key in now, found half-way or opened: of an own group only (S31), one at a time."""
    who = people.by_code(db, args.get("person") or "")
    own = groups.of_facilitator(db, who.id) if who is not None else ()
    group = next((one for one in own if one.code == args.get("group")), None)
    if who is None or group is None:
        return {"result": "none"}
    meeting, any_due = due_meeting(db, group.id, who.code, scope.now)
    if meeting is None:
        return {"result": "done" if any_due else "none"}
    open_one = _begun_before(db, who.id, meeting.id, scope.now)
    if open_one is not None:
        _look_again(db, open_one.id, scope.now)
        return {"result": "report", "dialogue": str(open_one.id)}
    questions = Questions(context, db, scope.now)
    data = {"group": group.code, "no": meeting.no}
    row_id = questions.open_on_dial(CONVERSATION, number_id=scope.number.id, person_id=who.id, data=data, meeting_id=meeting.id)
    questions.store()
    _look_again(db, row_id, scope.now)
    return {"result": "report", "dialogue": str(row_id)}


def _look_again(db: Connection, dialogue_id: int, now: datetime) -> None:
    """Look into this report later: it may have been left before it was sent."""
    due = now + UNSENT_AFTER
    row = {"schedule": f"report:{dialogue_id}", "kind": "report_unsent", "about": str(dialogue_id), "state": "pending"}
    insert_ignore(db, occurrence, row | {"id": new_row_id(), "due_at": due, "expires_at": due + UNSENT_KEPT})


def fire_report_unsent(context: Context, db: Connection, row: Row[Any], now: datetime) -> None:
    """A report that was left after its incident was keyed and before it was sent: the supervisor calls back all the same. The
    numbers wait; what may be a danger to somebody does not (domain 2.4).
    """
    left = dialogues.get(db, int(row.about))
    if left is None or left.state == "done" or left.meeting_id is None:
        return
    incident = str(Dialogue.from_json(left.place).data.get("incident") or "none")
    code = db.execute(select(person.c.code).where(person.c.id == left.person_id)).scalar()
    if incident in INCIDENTS[1:] and code is not None:
        by = Reporter(code, "ussd", left.person_id, left.number_id)
        call_back(context, db, open_meeting(db, left.meeting_id), incident, by, now)


def _begun_before(db: Connection, person_id: int, meeting_id: int, now: datetime) -> Row[Any] | None:
    """This person's report about this meeting that is still open, left half-way on an earlier dial."""
    query = select(dialogue).where(
        dialogue.c.conversation == CONVERSATION,
        dialogue.c.person_id == person_id,
        dialogue.c.meeting_id == meeting_id,
        dialogue.c.state == "open",
        dialogue.c.closes_at > now,
    )
    return db.execute(query.order_by(dialogue.c.id.desc()).limit(1)).first()


def report_total(context: Context, db: Connection, scope: Scope, args: Mapping[str, Any]) -> Fact:
    """Whether the people counted can have been there; what cannot be is asked again once (V15)."""
    row = meetings.get(db, scope.meeting_id or 0)
    if row is None:
        return {"result": "ok"}
    counts = Counts(int(args["men"]), int(args["women"]), 0, 0, "none")
    return {"result": "again" if impossible(db, row.group_id, counts) else "ok"}


def save_meeting_report(context: Context, db: Connection, scope: Scope, args: Mapping[str, Any]) -> None:
    """V15 is sent: six answers become the meeting's report."""
    code = _code(db, scope)
    if scope.meeting_id is None or code is None:
        return
    counts = Counts(
        int(args["men"]),
        int(args["women"]),
        int(args["distressed"]),
        int(args["referred"]),
        str(args["incident"]),
        args["both_present"],
    )
    file_report(context, db, scope.meeting_id, counts, Reporter(code, "ussd", scope.person_id, scope.number.id), scope.now)


def save_cascade_report(context: Context, db: Connection, scope: Scope, args: Mapping[str, Any]) -> None:
    """V16 is answered: four answers become the pair's month."""
    code = _code(db, scope)
    if code is not None:
        counts = Month(int(args["activities"]), int(args["women"]), int(args["men"]), args["co_led"])
        file_month(context, db, str(args["pair"]), str(args["month"]), counts, code, scope.now)


def _code(db: Connection, scope: Scope) -> str | None:
    """The code of whoever is speaking: known by the PIN that led here."""
    return db.execute(select(person.c.code).where(person.c.id == scope.person_id)).scalar()
