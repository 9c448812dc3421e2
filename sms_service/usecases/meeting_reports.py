"""The report on a meeting: counts by a facilitator's phone, by a text or by the console, one row a meeting (V15, domain 2.4).

Nobody types what happened: an incident is a code that opens a call-back task. Whatever is counted is kept; what cannot be
so, or differs from what the other facilitator counted, is flagged for staff and never refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import Connection, Row, select

from sms_service.models import groups, meetings, people, reports
from sms_service.models.base import insert_ignore
from sms_service.models.meetings import meeting
from sms_service.models.reports import meeting_report
from sms_service.security.tokens import new_row_id
from sms_service.text.report_text import INCIDENTS, MOST_PEOPLE
from sms_service.usecases.context import Context
from sms_service.usecases.faults import Faults, UseFault
from sms_service.usecases.find import open_meeting
from sms_service.usecases.raise_concern import About, raise_concern

__all__ = ["INCIDENTS", "MOST_PEOPLE", "Counts", "Reporter", "due_meeting", "file_by_staff", "file_report", "impossible"]

Source = Literal["ussd", "sms", "console"]
OVER_ENROLLED: Final = 5
LOOK_BACK: Final = 60
FIELDS: Final = ("men", "women", "distressed", "referred", "incident", "both_present")


@dataclass(frozen=True, slots=True)
class Counts:
    """What was counted: people from 0 to ``MOST_PEOPLE``, a code of ``INCIDENTS``, and whether both facilitators were there (None:
    not said).
    """

    men: int
    women: int
    distressed: int
    referred: int
    incident: str
    both_present: bool | None = None


@dataclass(frozen=True, slots=True)
class Reporter:
    """Whose report it is, by code; ``number_id`` is the phone to call back, when there is one."""

    code: str
    source: Source
    person_id: int | None = None
    number_id: int | None = None


def due_meeting(db: Connection, group_id: int, reporter: str, now: datetime) -> tuple[Row[Any] | None, bool]:
    """The meeting to report now, or None, and whether any meeting of the group has been due.

    The last meeting due, unless this reporter has filed it; then the last one nobody has filed. So the second facilitator can still
    report the last one, and is not taken through what the first has long reported.
    """
    query = (
        select(meeting, meeting_report.c.reported_by, meeting_report.c.other_by)
        .outerjoin(meeting_report, meeting_report.c.meeting_id == meeting.c.id)
        .where(meeting.c.group_id == group_id, meeting.c.starts_at <= now, meeting.c.state != "cancelled")
        .order_by(meeting.c.starts_at.desc())
        .limit(LOOK_BACK)
    )
    due = db.execute(query).all()
    if due and reporter not in (due[0].reported_by, due[0].other_by):
        return due[0], True
    return next((row for row in due if row.reported_by is None), None), bool(due)


def impossible(db: Connection, group_id: int, counts: Counts) -> str:
    """Why a total cannot be: ``nobody`` was there though it was held, or ``too_many`` (more than five over those enrolled)."""
    total = counts.men + counts.women
    if total == 0:
        return "nobody"
    return "too_many" if total > len(groups.members(db, group_id)) + OVER_ENROLLED else ""


def file_report(context: Context, db: Connection, meeting_id: int, counts: Counts, by: Reporter, now: datetime) -> str:
    """Keep a report on a meeting that has begun, in the caller's transaction; returns why its total cannot be, or nothing.

    The first report makes the meeting reported. The same reporter's second one corrects it. Another reporter's is kept beside it
    when it differs, flagged ``differs``; never two rows (V15).
    """
    row = open_meeting(db, meeting_id)
    wrong = impossible(db, row.group_id, counts)
    values = asdict(counts)
    first = {
        "id": new_row_id(),
        "meeting_id": meeting_id,
        **values,
        "source": by.source,
        "reported_by": by.code,
        "reported_at": now,
        "flags": [wrong] if wrong else [],
    }
    before: dict[str, Any] | None = None
    if not insert_ignore(db, meeting_report, first):
        kept = reports.of_meeting(db, meeting_id, lock=True)
        if kept is None:
            raise LookupError("the report this meeting already has cannot be read: reports are never deleted")
        before = _merge(db, row.group_id, kept, counts, by, now)
    if row.state not in ("reported", "cancelled"):
        meetings.change(db, meeting_id, state="reported", held_at=row.held_at or row.starts_at)
    subject = f"{row.group_code} {row.no}"
    context.record(db, by.code, "meeting.report", subject, by.source)
    if counts.incident != "none" and (before is None or before["incident"] != counts.incident):
        call_back(context, db, row, counts.incident, by, now)
    return wrong


def _merge(db: Connection, group_id: int, kept: Row[Any], counts: Counts, by: Reporter, now: datetime) -> dict[str, Any] | None:
    """Put a further report beside the first; returns what this reporter had counted before, None when nothing."""
    values = asdict(counts)
    before: dict[str, Any] | None
    if kept.reported_by == by.code:
        before = said(kept)
        if values["both_present"] is None:
            values["both_present"] = kept.both_present  # a text has no field for it: what was said on the screen stands
        changed = {**values, "source": by.source, "reported_at": now}
        other = kept.other
    else:
        before = kept.other if kept.other_by == by.code else None
        other = values
        changed = {"other": values, "other_by": by.code, "other_at": now}
    mine = {name: changed.get(name, getattr(kept, name)) for name in FIELDS}
    flags = [impossible(db, group_id, Counts(**one)) for one in (mine, other) if one is not None]
    if other is not None and _differ(mine, other):
        flags.append("differs")
    reports.change(db, kept.id, **changed, flags=sorted(set(flags) - {""}))
    return before


def said(row: Row[Any]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in FIELDS}


def _differ(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """The fields both of them gave, and gave differently."""
    return [name for name in FIELDS if None not in (one[name], other[name]) and one[name] != other[name]]


def differences(row: Row[Any]) -> list[str]:
    """The fields of a stored report in which the two who reported differ."""
    return _differ(said(row), row.other) if row.other else []


def call_back(context: Context, db: Connection, row: Row[Any], incident: str, by: Reporter, now: datetime) -> None:
    """The supervisor calls back; the task says which meeting (``row`` as ``open_meeting`` reads it) and the code, never what
    happened (domain 2.4).
    """
    about = About(
        kind="incident",
        number_id=by.number_id,
        person_id=by.person_id,
        group_id=row.group_id,
        topic=f"{row.group_code} {row.no}"[:20],
        note_code=incident,
    )
    raise_concern(context, db, about, now)


def file_by_staff(context: Context, meeting_id: int, counts: Counts, actor: str, *, settles: bool) -> str:
    """File or correct a report in the console; returns why its total cannot be, or nothing.

    ``actor`` is the account, or the facilitator's own person code. ``settles``: staff decide between two that differ, so theirs
    replaces both. Raises ``UseFault`` for a meeting to come or cancelled, or a count out of range.
    """
    with context.database.begin() as db:
        now = context.now(db)
        row = open_meeting(db, meeting_id)
        faults = Faults()
        for name in FIELDS[:4]:
            faults.need(0 <= getattr(counts, name) <= MOST_PEOPLE, name, "a number from 0 to %(most)s", most=MOST_PEOPLE)
        faults.need(counts.incident in INCIDENTS, "incident", "choose one of the list")
        faults.done()
        if row.starts_at > now:
            raise UseFault("meeting", "this meeting has not begun; report on it afterwards")
        if row.state == "cancelled":
            raise UseFault("meeting", "this meeting was cancelled; there is nothing to report")
        kept = reports.of_meeting(db, meeting_id, lock=True)
        if kept is not None and settles:
            reports.change(db, kept.id, reported_by=actor, other=None, other_by=None, other_at=None)
        who = people.by_code(db, actor)
        return file_report(context, db, meeting_id, counts, Reporter(actor, "console", who.id if who else None), now)


@dataclass(frozen=True, slots=True)
class ReportView:
    """A meeting's report as a page shows it: the row, the fields that differ, and yes, no or nothing for both being there."""

    row: Row[Any]
    differences: Sequence[str]
    both: str
    other_both: str


def report_of(db: Connection, meeting_id: int) -> ReportView | None:
    """The report on one meeting, or None."""
    row = reports.of_meeting(db, meeting_id)
    if row is None:
        return None
    said = {True: "yes", False: "no", None: ""}
    return ReportView(row, differences(row), said[row.both_present], said[row.other["both_present"] if row.other else None])


def person_code(db: Connection, person_id: int | None) -> str:
    """The code of a facilitator who is signed in, so that a report by phone and one here are the same person's; else empty."""
    found = db.execute(select(people.person.c.code).where(people.person.c.id == person_id)).scalar() if person_id else None
    return found or ""
