"""Acting on concerns: taking, contacting, planning, noting, closing; each act audited, each kept in the history (S15, S30).

``me`` decides what exists: without ``see_concerns`` red and amber ones are not there (S31, S32, T12).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, func, insert, select

from sms_service.models import concerns, numbers, people
from sms_service.models.audit import audit
from sms_service.models.concerns import OPEN, alert, concern, concern_note, contact_attempt
from sms_service.models.dials import turn
from sms_service.models.groups import group, membership
from sms_service.models.inbound import inbound
from sms_service.models.numbers import number
from sms_service.models.people import person
from sms_service.models.staff import staff
from sms_service.rules.roles import allows
from sms_service.security.tokens import new_row_id
from sms_service.usecases.context import Context
from sms_service.usecases.doubt_holder import another_name
from sms_service.usecases.faults import UseFault
from sms_service.usecases.raise_concern import stop_alerts
from sms_service.usecases.sign_in import SignedIn
from sms_service.usecases.withheld import answer_withheld

RESULTS: Final = ("spoke", "no_answer", "wrong_person", "call_later", "in_person")
REACHED: Final = ("spoke", "in_person")
OUTCOMES: Final = ("supported", "referred", "imminent", "declined", "false_alarm", "not_reached", "done")
NOTE_LIMIT: Final = 1000
REASON_LIMIT: Final = 200
GRAVE: Final = ("red", "amber")


class Stale(Exception):
    """Somebody else changed the concern since the page was opened; nothing was done."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which concerns to list; empty means any. ``state`` may also be ``open`` (the default) or ``all``."""

    state: str = "open"
    severity: str = ""
    kind: str = ""
    group: str = ""
    overdue: bool = False


def _visible(me: SignedIn) -> Select[Any]:
    """The concerns this person may know of, with the codes a list shows."""
    query = (
        select(
            concern,
            person.c.code.label("person_code"),
            number.c.code.label("number_code"),
            group.c.code.label("group_code"),
            staff.c.code.label("owner_code"),
        )
        .outerjoin(person, person.c.id == concern.c.person_id)
        .outerjoin(number, number.c.id == concern.c.number_id)
        .outerjoin(group, group.c.id == concern.c.group_id)
        .outerjoin(staff, staff.c.id == concern.c.owner_id)
    )
    if allows(me.roles, "see_concerns"):
        return query
    if allows(me.roles, "see_tasks"):
        return query.where(concern.c.severity.not_in(GRAVE))
    return query.where(concern.c.id.is_(None))


def listed(db: Connection, me: SignedIn, wanted: Filter, *, limit: int, now: datetime | None = None) -> Sequence[Row[Any]]:
    """What needs a person: unacknowledged RED first, then by the time it is due (closed ones: newest first)."""
    query = _visible(me)
    if wanted.state == "open":
        query = query.where(concern.c.state.in_(OPEN))
    elif wanted.state != "all":
        query = query.where(concern.c.state == wanted.state)
    if wanted.severity:
        query = query.where(concern.c.severity == wanted.severity)
    if wanted.kind:
        query = query.where(concern.c.kind == wanted.kind)
    if wanted.group:
        members = select(membership.c.person_id).join(group, group.c.id == membership.c.group_id)
        query = query.where((group.c.code == wanted.group) | concern.c.person_id.in_(members.where(group.c.code == wanted.group)))
    if wanted.overdue and now is not None:
        query = query.where(concern.c.due_at < now, concern.c.state.in_(("new", "acknowledged", "unreachable")))
    if wanted.state in ("closed", "all"):
        return db.execute(query.order_by(concern.c.opened_at.desc(), concern.c.id.desc()).limit(limit)).all()
    first = (concern.c.severity == "red") & (concern.c.state == "new")
    return db.execute(query.order_by(first.desc(), concern.c.due_at, concern.c.id).limit(limit)).all()


def open_count(db: Connection, me: SignedIn) -> int:
    """How many open concerns this person may work on."""
    return int(db.execute(select(func.count()).select_from(_visible(me).where(concern.c.state.in_(OPEN)).subquery())).scalar_one())


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a concern's history: when, who, what (a code), and a note's words."""

    at: datetime
    who: str
    what: str
    detail: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """One concern with what a caller needs: safe-contact plan, groups, history. ``has_text``: a sealed text belongs to it.

    ``withheld``: the outbound switch kept the answer the person was due (S41).
    """

    row: Row[Any]
    contacts: Sequence[Row[Any]]
    groups: tuple[str, ...]
    history: tuple[Event, ...]
    has_text: bool
    flagged: bool
    number: Row[Any] | None
    sharers: tuple[str, ...] = field(default=())
    withheld: bool = False


def case(context: Context, db: Connection, me: SignedIn, code: str) -> Case | None:
    """The concern of a code as this person may see it; None when it is not there or not theirs."""
    row = db.execute(_visible(me).where(concern.c.code == code)).first()
    if row is None:
        return None
    contacts = people.phones_of(db, [row.person_id]) if row.person_id else []
    on_number = people.contact_points_of(db, [row.number_id]) if row.number_id else []
    joined = select(group.c.code).join(membership, membership.c.group_id == group.c.id)
    codes = db.execute(joined.where(membership.c.person_id == row.person_id, membership.c.left_at.is_(None))).scalars().all()
    return Case(
        row=row,
        contacts=contacts or on_number,
        groups=tuple(sorted({*codes, *([row.group_code] if row.group_code else [])})),
        history=_history(context, db, row),
        has_text=row.inbound_id is not None or row.turn_id is not None,
        flagged=row.severity in GRAVE,
        number=numbers.get(db, row.number_id) if row.number_id else None,
        sharers=tuple(contact.person_code for contact in on_number),
        withheld=row.severity in GRAVE and answer_withheld(db, row.number_id, row.opened_at, by_text=row.inbound_id is not None),
    )


def _history(context: Context, db: Connection, row: Row[Any]) -> tuple[Event, ...]:
    by_id = {one.id: one.code for one in db.execute(select(staff.c.id, staff.c.code))}
    events = [Event(row.opened_at, "", "opened", row.kind)]
    for one in db.execute(select(alert).where(alert.c.concern_id == row.id)):
        events.append(Event(one.opened_at, "", "alerted"))
    for one in db.execute(select(contact_attempt).where(contact_attempt.c.concern_id == row.id)):
        events.append(Event(one.at, by_id.get(one.staff_id, ""), "attempt", one.result))
    for one in db.execute(select(concern_note).where(concern_note.c.concern_id == row.id)):
        words = context.vault.open("concern_note", "note", one.id, one.note)
        events.append(Event(one.at, by_id.get(one.staff_id, ""), "note", words=words))
    told = ("concern.acknowledge", "concern.plan", "concern.close", "concern.reveal", "concern.reopen", "concern.take")
    for one in db.execute(select(audit).where(audit.c.subject == row.code, audit.c.act.in_(told))):
        detail = row.outcome or "" if one.act == "concern.close" else ""
        events.append(Event(one.at, one.actor, one.act.removeprefix("concern."), detail))
    return tuple(sorted(events, key=lambda event: event.at))


def for_change(db: Connection, me: SignedIn, code: str, seen: str | None) -> Row[Any]:
    """The concern, locked; raises ``UseFault`` when it is not theirs, ``Stale`` when its state is not the one seen."""
    row = db.execute(_visible(me).where(concern.c.code == code)).first()
    permission = "work_concerns" if row is not None and row.severity in GRAVE else "work_tasks"
    if row is None or not allows(me.roles, permission):
        raise UseFault("concern", "There is no concern with this code.")
    db.execute(select(concern.c.id).where(concern.c.id == row.id).with_for_update())
    now = db.execute(select(concern.c.state).where(concern.c.id == row.id)).scalar_one()
    if seen is not None and now != seen:
        raise Stale
    return row


def acknowledge(context: Context, me: SignedIn, code: str, seen: str | None = None) -> None:
    """'I have it': the alert stops, the concern has an owner (S25). Raises ``Stale`` when it is not new any more."""
    with context.database.begin() as db:
        row = for_change(db, me, code, seen)
        if row.state != "new":
            raise Stale
        _take(context, db, row, me)


def _take(context: Context, db: Connection, row: Row[Any], me: SignedIn) -> None:
    now = context.now(db)
    stop_alerts(db, row.id, now, me.code)
    concerns.change(db, row.id, state="acknowledged", acknowledged_at=now, owner_id=me.staff_id)
    context.record(db, me.code, "concern.acknowledge", row.code)


def take_over(context: Context, me: SignedIn, code: str, seen: str | None = None) -> None:
    """Another person becomes the owner."""
    with context.database.begin() as db:
        row = for_change(db, me, code, seen)
        _open_only(row)
        concerns.change(db, row.id, owner_id=me.staff_id)
        context.record(db, me.code, "concern.take", code)


def log_attempt(context: Context, me: SignedIn, code: str, result: str, seen: str | None = None) -> None:
    """One try to reach the person, with its result code and nothing else (S15). A new concern is acknowledged by it, and
    another name at an own phone freezes it (S14).
    """
    if result not in RESULTS:
        raise UseFault("result", "Choose what came of it.")
    with context.database.begin() as db:
        row = for_change(db, me, code, seen)
        _open_only(row)
        if row.state == "new":
            _take(context, db, row, me)
        now = context.now(db)
        db.execute(insert(contact_attempt).values(id=new_row_id(), concern_id=row.id, staff_id=me.staff_id, at=now, result=result))
        if result == "wrong_person" and row.number_id is not None:
            another_name(context, db, row.number_id, now)
        if row.state != "plan":
            concerns.change(db, row.id, state="contacted" if result in REACHED else "unreachable")
        context.record(db, me.code, "concern.attempt", code, result)


def agree_plan(context: Context, me: SignedIn, code: str, seen: str | None = None) -> None:
    """A plan is agreed with the person; what it is goes into a note. Raises ``Stale`` for a closed concern."""
    with context.database.begin() as db:
        row = for_change(db, me, code, seen)
        _open_only(row)
        if row.state == "new":
            _take(context, db, row, me)
        concerns.change(db, row.id, state="plan")
        context.record(db, me.code, "concern.plan", code)


def close(context: Context, me: SignedIn, code: str, outcome: str, seen: str | None = None) -> None:
    """Close with an outcome code. A grave one needs an attempt to reach the person first: silence is not safety (S30)."""
    if outcome not in OUTCOMES:
        raise UseFault("outcome", "Choose an outcome.")
    with context.database.begin() as db:
        row = for_change(db, me, code, seen)
        _open_only(row)
        tried = select(contact_attempt.c.id).where(contact_attempt.c.concern_id == row.id).limit(1)
        if row.severity in GRAVE and outcome != "false_alarm" and db.execute(tried).first() is None:
            raise UseFault("outcome", "Log an attempt to reach the person first: silence is not safety.")
        if row.state == "new":
            _take(context, db, row, me)
        concerns.change(db, row.id, state="closed", closed_at=context.now(db), outcome=outcome)
        context.record(db, me.code, "concern.close", code, outcome)


def add_note(context: Context, me: SignedIn, code: str, words: str) -> None:
    """A sealed note of at most 1,000 characters; read only on the concern's own page."""
    words = words.strip()
    if not 0 < len(words) <= NOTE_LIMIT:
        raise UseFault("note", "A note has 1 to %(most)s characters.", most=NOTE_LIMIT)
    with context.database.begin() as db:
        row = for_change(db, me, code, None)
        row_id = new_row_id()
        sealed = context.vault.seal("concern_note", "note", row_id, words)
        now = context.now(db)
        db.execute(insert(concern_note).values(id=row_id, concern_id=row.id, staff_id=me.staff_id, at=now, note=sealed))
        context.record(db, me.code, "concern.note", code)


def open_text(context: Context, me: SignedIn, code: str, reason: str) -> str:
    """The text behind a concern, opened with a reason and audited; a flagged one by safeguarding only (S32, I17)."""
    reason = reason.strip()
    if not 0 < len(reason) <= REASON_LIMIT:
        raise UseFault("reason", "Say why you need to read it, in 1 to %(most)s characters.", most=REASON_LIMIT)
    with context.database.begin() as db:
        row = db.execute(_visible(me).where(concern.c.code == code)).first()
        found = _sealed_text(context, db, row) if row is not None else None
        if row is None or found is None or not allows(me.roles, "open_flagged" if found[1] != "none" else "see_log"):
            raise UseFault("concern", "There is no text here that you may open.")
        context.record(db, me.code, "concern.reveal", code, reason)
        return found[0]


def _sealed_text(context: Context, db: Connection, row: Row[Any]) -> tuple[str, str] | None:
    """(words, alert) of the text that opened the concern; None when there is none, or none any more."""
    if row.inbound_id is not None:
        query = select(inbound.c.id, inbound.c.body, inbound.c.alert).where(inbound.c.id == row.inbound_id)
        text = db.execute(query).first()
        return (context.vault.open("inbound", "body", text.id, text.body), text.alert) if text else None
    if row.turn_id is not None:
        typed = db.execute(select(turn.c.id, turn.c.typed, turn.c.alert).where(turn.c.id == row.turn_id)).first()
        if typed is not None and typed.typed is not None:
            return context.vault.open("turn", "typed", typed.id, typed.typed), typed.alert
    return None


def _open_only(row: Row[Any]) -> None:
    if row.state == "closed":
        raise Stale
