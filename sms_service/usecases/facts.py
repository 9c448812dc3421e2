"""What the engine may ask for: each fact or command of ``conversation.vocabulary.FACTS``, answered inside the caller's transaction.

Facts handed to a facilitator are codes and counts only (S43); a group is looked up among the facilitator's own (S31).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row

from sms_service import clock
from sms_service.conversation.types import Need
from sms_service.conversation.vocabulary import MAX_ENTRIES
from sms_service.models import directory, groups, meetings, people
from sms_service.rules.audience import invited
from sms_service.usecases.context import Context

if TYPE_CHECKING:
    from sms_service.usecases.steps import Scope

Fact = dict[str, Any]


def fetch(context: Context, db: Connection, scope: Scope, need: Need) -> Fact:
    """The fact or the recorded result of the command ``need`` names; JSON values only."""
    return _FACTS[need.name](context, db, scope, need.args)


def day_and_time(starts_at: datetime) -> Fact:
    """A meeting's day (ISO) and time (HH:MM), Africa/Kigali."""
    local = clock.local(starts_at)
    return {"day": local.date().isoformat(), "time": local.strftime("%H:%M")}


def _person_ids(db: Connection, scope: Scope, code: str) -> list[int]:
    if code:
        row = people.by_code(db, code)
        return [row.id] if row else []
    return [contact.person_id for contact in scope.contacts]


def _next_meeting(context: Context, db: Connection, scope: Scope, args: Mapping[str, Any]) -> Fact:
    """The next meeting of whoever holds this number; of the one person, once known, only meetings that person is invited to."""
    ids = _person_ids(db, scope, args.get("person") or "")
    found = meetings.upcoming_of_people(db, ids, scope.now) if ids else []
    for row in found:
        if invited(row.audience, row.part, row.sex):
            return {"result": "planned", **day_and_time(row.starts_at)}
    return {"result": "none"}


def _open_question(context: Context, db: Connection, scope: Scope, args: Mapping[str, Any]) -> Fact:
    from sms_service.usecases.question_sets import next_question

    ids = _person_ids(db, scope, args.get("person") or "")
    named = bool(args.get("person"))
    found = next_question(context, db, ids[0], scope.number.id, scope.now, named=named) if len(ids) == 1 else None
    return {"result": "question", "dialogue": str(found)} if found is not None else {"result": "none"}


def _groups(context: Context, db: Connection, scope: Scope, args: Mapping[str, Any]) -> Fact:
    ids = _person_ids(db, scope, args.get("person") or "")
    codes = [row.code for row in groups.of_facilitator(db, ids[0])] if ids else []
    return {"result": "some", "groups": codes[:MAX_ENTRIES]} if codes else {"result": "none"}


def _own_group(db: Connection, scope: Scope, args: Mapping[str, Any]) -> tuple[str, Row[Any], Row[Any]] | None:
    """The facilitator's code, the group and its next meeting; None when it is not theirs or nothing is planned."""
    person = people.by_code(db, args.get("person") or "")
    if person is None:
        return None
    for group in groups.of_facilitator(db, person.id):
        if group.code == args.get("group"):
            meeting = meetings.next_of_group(db, group.id, scope.now)
            return (person.code, group, meeting) if meeting else None
    return None


def _coming(context: Context, db: Connection, scope: Scope, args: Mapping[str, Any]) -> Fact:
    from sms_service.usecases.move_meeting import coming_counts

    own = _own_group(db, scope, args)
    if own is None:
        return {"result": "none"}
    yes, no, unknown = coming_counts(db, own[2])
    return {"result": "ok", "yes": yes, "no": no, "unknown": unknown, **day_and_time(own[2].starts_at)}


def _remind(context: Context, db: Connection, scope: Scope, args: Mapping[str, Any]) -> Fact:
    from sms_service.usecases.move_meeting import remind_group_in

    own = _own_group(db, scope, args)
    if own is None:
        return {"result": "none"}
    result, when = remind_group_in(context, db, own[1], own[0], scope.now)
    fact: Fact = {"result": result}
    if when is not None:
        fact["at"] = clock.local(when).strftime("%Y-%m-%dT%H:%M")
    return fact


def _wanted_start(meeting: Row[Any], args: Mapping[str, Any], now: datetime) -> datetime | None:
    """The moment a facilitator keyed in; None when that day or time does not exist. A date without a year is the next such day."""
    old = clock.local(meeting.starts_at)
    typed_time, typed_date = str(args.get("time") or ""), str(args.get("date") or "")
    try:
        at = old.time() if typed_time == "same" else time(int(typed_time[:2]), int(typed_time[2:]))
        if args.get("when") == "next_day":
            day = date.fromordinal(old.date().toordinal() + 1)
        elif args.get("when") == "next_week":
            day = date.fromordinal(old.date().toordinal() + 7)
        else:
            today = clock.local(now).date()
            day = date(today.year, int(typed_date[2:]), int(typed_date[:2]))
            if (today - day).days > 180:
                day = day.replace(year=today.year + 1)
    except ValueError:
        return None
    return datetime.combine(day, at.replace(tzinfo=None), tzinfo=clock.KIGALI)


def _move_check(context: Context, db: Connection, scope: Scope, args: Mapping[str, Any]) -> Fact:
    from sms_service.usecases.move_meeting import move_check

    own = _own_group(db, scope, args)
    if own is None:
        return {"result": "none"}
    start = _wanted_start(own[2], args, scope.now)
    if start is None:
        return {"result": "bad"}
    return {"result": move_check(context, db, own[1], own[2], start, scope.now), **day_and_time(start)}


def _exact_start(args: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(f"{args['day']}T{args['time']}").replace(tzinfo=clock.KIGALI)


def _move(context: Context, db: Connection, scope: Scope, args: Mapping[str, Any]) -> Fact:
    from sms_service.usecases.move_meeting import move_check, move_meeting_in

    own = _own_group(db, scope, args)
    if own is None:
        return {"result": "none"}
    start = _exact_start(args)
    verdict = move_check(context, db, own[1], own[2], start, scope.now)
    if verdict != "ok":
        return {"result": "past" if verdict == "bad" else verdict}
    move_meeting_in(context, db, own[2], start, own[0], scope.now)
    return {"result": "ok"}


def _cancel(context: Context, db: Connection, scope: Scope, args: Mapping[str, Any]) -> Fact:
    from sms_service.usecases.move_meeting import cancel_meeting_in

    own = _own_group(db, scope, args)
    # The meeting confirmed on the screen must still be the next one: a second facilitator may have moved it meanwhile.
    if own is None or clock.local(own[2].starts_at) != _exact_start(args):
        return {"result": "none"}
    cancel_meeting_in(context, db, own[2], own[0], scope.now)
    return {"result": "ok"}


def _report_due(context: Context, db: Connection, scope: Scope, args: Mapping[str, Any]) -> Fact:
    from sms_service.usecases.report_steps import report_due

    return report_due(context, db, scope, args)


def _report_total(context: Context, db: Connection, scope: Scope, args: Mapping[str, Any]) -> Fact:
    from sms_service.usecases.report_steps import report_total

    return report_total(context, db, scope, args)


def _support_line(context: Context, db: Connection, scope: Scope, args: Mapping[str, Any]) -> Fact:
    from sms_service.usecases.remembrance import careful_for

    health = directory.health_line(db, scope.now) if careful_for(db, scope.person_id, scope.now) else None
    return {"result": "line", "health": health} if health else {"result": "usual"}


_FACTS: Mapping[str, Callable[[Context, Connection, Any, Mapping[str, Any]], Fact]] = {
    "next_meeting": _next_meeting,
    "open_question": _open_question,
    "groups": _groups,
    "coming": _coming,
    "remind": _remind,
    "move_check": _move_check,
    "move": _move,
    "cancel": _cancel,
    "report_due": _report_due,
    "report_total": _report_total,
    "support_line": _support_line,
}
