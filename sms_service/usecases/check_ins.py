"""When a group's people are asked how their week was (V6): a rule people choose in words, and the clock that follows it.

Stored are the rule (RFC 5545), its zone and the next moment only; each that comes becomes an occurrence, and then the next is
counted (I12). A group that does not run is asked nothing; when it runs again the rule goes on from that day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from sms_service import clock
from sms_service.models import groups, pauses, recurrences
from sms_service.models.base import insert_ignore
from sms_service.models.recurrences import recurrence
from sms_service.models.schedules import occurrence
from sms_service.rules.recurrence import Recurrence, RuleFault, coming, next_moment, read_rule
from sms_service.rules.timing import is_paused
from sms_service.security.tokens import new_row_id
from sms_service.usecases.context import Context
from sms_service.usecases.faults import UseFault
from sms_service.usecases.fence_facts import windows_for
from sms_service.usecases.find import group_named

KIND = "check_in"
ZONE = "Africa/Kigali"
AT = time(10, 0)
LIFE = timedelta(hours=30)
SHOWN = 5
MOST_BEHIND = 60


@dataclass(frozen=True, slots=True)
class CheckIns:
    """A group's rule, None for none, and its next moments (aware UTC), each with whether a pause lies on that day."""

    rule: Recurrence | None
    next: Sequence[tuple[datetime, bool]] = ()


def check_ins_of(db: Connection, group_id: int, now: datetime) -> CheckIns:
    """What is stored for a group."""
    row = recurrences.of_group(db, group_id, KIND)
    if row is None:
        return CheckIns(None)
    rule = read_rule(row.rule)
    return CheckIns(
        rule, _shown(db, group_id, coming(rule, row.starts_on, _at(row), row.zone, max(now, row.next_due_at), SHOWN), now)
    )


def rule_moments(db: Connection, group_id: int, start: datetime, end: datetime) -> list[datetime]:
    """The moments of a running group's rule from its next one on, within the span (aware UTC); at most a year of them (I22)."""
    row = recurrences.of_group(db, group_id, KIND)
    state = db.execute(select(groups.group.c.state).where(groups.group.c.id == group_id)).scalar()
    if row is None or state != "running":
        return []
    found = coming(read_rule(row.rule), row.starts_on, _at(row), row.zone, max(start, row.next_due_at), 53)
    return [at for at in found if at < end]


def preview(db: Connection, group_id: int, rule: Recurrence, now: datetime) -> CheckIns:
    """The moments a rule would give the group if it were kept now."""
    start = _start(rule, now)
    return CheckIns(rule, _shown(db, group_id, coming(rule, start.date(), AT, ZONE, start, SHOWN), now))


def _shown(db: Connection, group_id: int, found: Sequence[datetime], now: datetime) -> list[tuple[datetime, bool]]:
    windows = windows_for(group_id, pauses.active(db, clock.local(now).date()))
    return [(at, is_paused(clock.local(at).date(), windows)) for at in found]


def set_check_ins(context: Context, group_code: str, rule: str, actor: str) -> None:
    """Keep a group's rule (RFC 5545 text), or none for an empty one. Raises ``UseFault`` naming what is wrong with it.

    What the rule before had planned and nobody was asked yet is planned no more, in the same transaction.
    """
    with context.database.begin() as db:
        row, now = group_named(db, group_code), context.now(db)
        set_check_ins_in(db, row, _read(rule), actor, now)
        context.record(db, actor, "group.check_ins", row.code, rule)


def _read(rule: str) -> Recurrence | None:
    try:
        return read_rule(rule) if rule.strip() else None
    except RuleFault as fault:
        raise UseFault("check_in_rule", "%(part)s: expected %(expected)s", part=fault.field, expected=fault.expected) from fault


def set_check_ins_in(db: Connection, group_row: Any, rule: Recurrence | None, actor: str, now: datetime) -> None:
    """As ``set_check_ins``, in the caller's transaction and without an entry in the audit."""
    mine = (occurrence.c.group_id == group_row.id, occurrence.c.kind == KIND, occurrence.c.state == "pending")
    db.execute(update(occurrence).where(*mine).values(state="cancelled"))
    db.execute(delete(recurrence).where(recurrence.c.group_id == group_row.id, recurrence.c.kind == KIND))
    weekly = rule is not None and rule.every == "week"
    groups.change(db, group_row.id, check_in_weekday=rule.weekday if rule is not None and weekly else None)
    if rule is None:
        return
    start = _start(rule, now)
    values = {"group_id": group_row.id, "kind": KIND, "rule": rule.text, "zone": ZONE, "starts_on": start.date()}
    due = next_moment(rule, start.date(), AT, ZONE, start)
    kept = {"clock_time": f"{AT:%H:%M}", "next_due_at": due, "changed_at": now, "changed_by": actor}
    db.execute(insert(recurrence).values(id=new_row_id(), **values, **kept))


def _start(rule: Recurrence, now: datetime) -> datetime:
    """Local midnight of the first day of the rule's weekday, today at the earliest: an interval counts from there."""
    today = clock.local(now).replace(hour=0, minute=0, second=0, microsecond=0)
    return today if rule.nth is not None else today + timedelta(days=(rule.weekday - today.weekday()) % 7)


def resume(db: Connection, group_id: int, now: datetime) -> None:
    """The group runs again: what fell due meanwhile is not asked about, the rule goes on from today."""
    row = recurrences.of_group(db, group_id, KIND)
    if row is not None and row.next_due_at <= now:
        today = clock.local(now).replace(hour=0, minute=0, second=0, microsecond=0)
        due = next_moment(read_rule(row.rule), row.starts_on, _at(row), row.zone, today)
        recurrences.change(db, row.id, next_due_at=due)


def plan_check_ins(db: Connection, now: datetime) -> None:
    """Make the next moment of every running group an occurrence, and count on from those that have come (I12, F38).

    After a time without a clock each moment that passed is one: what is of no use any more is missed and listed, never sent late.
    """
    for row in recurrences.running(db, KIND, now + timedelta(days=7)):
        rule, due = read_rule(row.rule), row.next_due_at
        rows = [_occurrence(row, due)]
        while due <= now and len(rows) <= MOST_BEHIND:
            due = next_moment(rule, row.starts_on, _at(row), row.zone, due + timedelta(minutes=1))
            rows.append(_occurrence(row, due))
        insert_ignore(db, occurrence, rows)
        _revive(db, row, due, now)
        if due != row.next_due_at:
            recurrences.change(db, row.id, next_due_at=due)


def _occurrence(row: Row[Any], due: datetime) -> dict[str, Any]:
    return {
        "id": new_row_id(),
        "schedule": f"group:{row.group_id}:check_in",
        "kind": KIND,
        "group_id": row.group_id,
        "meeting_id": None,
        "due_at": due,
        "expires_at": due + LIFE,
        "state": "pending",
    }


def _revive(db: Connection, row: Row[Any], due: datetime, now: datetime) -> None:
    """A rule changed there and back finds its next occurrence cancelled: it is due again (I12)."""
    mine = (occurrence.c.schedule == f"group:{row.group_id}:check_in", occurrence.c.due_at == due)
    db.execute(
        update(occurrence).where(*mine, occurrence.c.state == "cancelled", occurrence.c.expires_at > now).values(state="pending")
    )


def _at(row: Row[Any]) -> time:
    return time.fromisoformat(row.clock_time)
