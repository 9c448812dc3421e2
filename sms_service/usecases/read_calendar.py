"""A group's calendar: its meetings and its texts day by day, as they went and as they will go, each with its reason (S39).

Counts only, never who (S31). What lies ahead is not guessed: texts that wait and reminders that will be written show the
minutes they leave for the phones of today, or why they will not; anything else that is due shows when it is decided.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, Row, func, select

from sms_service import clock
from sms_service.models import pauses
from sms_service.models.groups import session_template
from sms_service.models.meetings import meeting
from sms_service.models.outbox import outbox
from sms_service.models.schedules import AGAIN, occurrence
from sms_service.rules.caps import Caps
from sms_service.rules.timing import PauseWindow, in_remembrance_week, is_umuganda
from sms_service.usecases.check_ins import rule_moments
from sms_service.usecases.fence_facts import windows_for
from sms_service.usecases.foresee import REMINDERS, foresee

Outcome = Literal["went", "failed", "unsure", "leaves", "stayed", "planned", "dropped", "open", "missed"]
MOST_WEEKS = 8
LONGEST = timedelta(days=14)

_OUTCOMES: dict[str, Outcome] = {
    "accepted": "went",
    "delivered": "went",
    "failed": "failed",
    "unknown": "unsure",
    "calling": "unsure",
}
_TEMPLATES = {"check_in": "V6", "missed": "V5", "feedback": "V7", "practice": "V8", "caring": "V18"}


@dataclass(slots=True)
class Line:
    """Texts of one kind with one fate on one day. ``first`` to ``last`` (aware UTC) is when they left, will leave or would have.

    ``outcome``: went, failed (did not arrive), unsure (nobody knows whether it left), leaves (written), stayed (did not leave, for
    ``reason``), planned (a reminder not written yet), dropped (will not leave, for ``reason``), open (to whom is decided then:
    ``phones`` is 0), missed (nobody was there to send it in time).
    """

    template: str
    outcome: Outcome
    reason: str
    first: datetime
    last: datetime
    phones: int


@dataclass(slots=True)
class Day:
    """One local day: the group's meetings on it, its texts, and what holds texts back on it (empty for nothing)."""

    day: date
    meetings: list[Row[Any]] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    held: Literal["", "remembrance", "block", "allow_urgent", "reword", "umuganda"] = ""

    def total(self, *outcomes: Outcome) -> int:
        """How many phones have one of these outcomes."""
        return sum(line.phones for line in self.lines if line.outcome in outcomes)


def read_calendar(db: Connection, group: Row[Any], first: date, weeks: int, now: datetime, caps: Caps | None = None) -> list[Day]:
    """The days of ``weeks`` weeks from the local date ``first``; ``now`` aware. Bounded by ``MOST_WEEKS`` (I22)."""
    count = 7 * max(1, min(weeks, MOST_WEEKS))
    windows = windows_for(group.id, pauses.active(db, first))
    days = {first + timedelta(days=n): Day(first + timedelta(days=n)) for n in range(count)}
    for one in days.values():
        one.held = _held(one.day, windows)
    start = datetime.combine(first, datetime.min.time(), tzinfo=clock.KIGALI)
    span = (start, start + timedelta(days=count))
    for row in _meetings(db, group.id, *span):
        for n in range(row.days or 1):
            day = clock.local(row.starts_at).date() + timedelta(days=n)
            if day in days:
                days[day].meetings.append(row)
    for line in [*_written(db, group.id, *span), *_ahead(db, group.id, span), *_foreseen(db, group.id, now, caps or Caps())]:
        day = clock.local(line.first).date()
        if day in days:
            days[day].lines.append(line)
    for one in days.values():
        one.lines.sort(key=lambda line: (line.first, line.template, line.outcome))
    return list(days.values())


def template_of(kind: str) -> str:
    """Which text an occurrence of this kind makes, by its name in the outbox."""
    return "V3" if kind in REMINDERS else _TEMPLATES.get(kind, kind)


def _held(day: date, windows: Sequence[PauseWindow]) -> Any:
    if in_remembrance_week(day):
        return "remembrance"
    found = {window.behaviour for window in windows if window.covers(day)}
    strongest = next((behaviour for behaviour in ("block", "allow_urgent", "reword") if behaviour in found), "")
    return strongest or ("umuganda" if is_umuganda(day) else "")


def _meetings(db: Connection, group_id: int, start: datetime, end: datetime) -> Sequence[Row[Any]]:
    """The meetings of these days, those of several days with each of them (``days``; None without a template)."""
    query = (
        select(meeting, session_template.c.days)
        .outerjoin(session_template, session_template.c.id == meeting.c.template_id)
        .where(meeting.c.group_id == group_id, meeting.c.starts_at >= start - LONGEST, meeting.c.starts_at < end)
    )
    return db.execute(query.order_by(meeting.c.starts_at)).all()


def _written(db: Connection, group_id: int, start: datetime, end: datetime) -> list[Line]:
    """Texts that were written for this group, by kind, fate, reason and local day."""
    rows = outbox.c
    query = (
        select(rows.template, rows.state, rows.reason, rows.not_before, func.count().label("phones"))
        .where(rows.group_id == group_id, rows.not_before >= start, rows.not_before < end)
        .where(rows.kind.in_(("scheduled", "broadcast", "v4")), rows.state.not_in(("queued", "reserved")))
        .group_by(rows.template, rows.state, rows.reason, rows.not_before)
        .order_by(rows.not_before)
    )
    lines: dict[tuple[date, str, Outcome, str], Line] = {}
    for row in db.execute(query):
        outcome = _OUTCOMES.get(row.state, "stayed")
        reason = (row.reason or "") if outcome in ("stayed", "failed") else ""
        key = (clock.local(row.not_before).date(), row.template, outcome, reason)
        line = lines.setdefault(key, Line(row.template, outcome, reason, row.not_before, row.not_before, 0))
        line.last = row.not_before
        line.phones += int(row.phones)
    return list(lines.values())


def _ahead(db: Connection, group_id: int, span: tuple[datetime, datetime]) -> list[Line]:
    """What is due and decided only then, the check-ins of the rule included; and what was missed."""
    due = occurrence.c
    query = select(occurrence).where(due.group_id == group_id, due.kind.not_in(AGAIN), due.state.in_(("pending", "missed")))
    lines: list[Line] = []
    asked: set[datetime] = set()
    for row in db.execute(query.where(due.due_at < span[1], due.expires_at > span[0])):
        if row.kind == "check_in":
            asked.add(row.due_at)
        if row.state == "missed":
            at = row.expires_at if row.kind in REMINDERS else row.due_at
            lines.append(Line(template_of(row.kind), "missed", "", at, at, 0))
        elif row.kind not in REMINDERS:
            lines.append(Line(template_of(row.kind), "open", "", row.due_at, row.due_at, 0))
    for at in rule_moments(db, group_id, *span):
        if at not in asked:
            lines.append(Line("V6", "open", "", at, at, 0))
    return lines


def _foreseen(db: Connection, group_id: int, now: datetime, caps: Caps) -> list[Line]:
    """Texts that wait and reminders that will be written, by kind, fate and local day."""
    lines: dict[tuple[date, str, Outcome, str], Line] = {}
    for one in foresee(db, group_id, now, caps):
        template = one.template if one.written else "V3"
        outcome: Outcome = "dropped" if one.reason else "leaves" if one.written else "planned"
        line = lines.setdefault(
            (clock.local(one.at).date(), template, outcome, one.reason), Line(template, outcome, one.reason, one.at, one.at, 0)
        )
        line.last = one.at
        line.phones += 1
    return list(lines.values())
