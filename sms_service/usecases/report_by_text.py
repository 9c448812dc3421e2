"""A meeting report sent as one text by a facilitator's registered phone (V15); from any other phone it is an ordinary text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from sms_service.models import groups
from sms_service.models.meetings import meeting
from sms_service.text.report_text import ReportText, WrongField, is_report, parse_report
from sms_service.usecases.context import Context
from sms_service.usecases.meeting_reports import Counts, Reporter, file_report


@dataclass(frozen=True, slots=True)
class Answer:
    """The one text back: its key among the notices and its values, counts and codes only (S43)."""

    key: str
    values: dict[str, Any]


def reporters(contacts: Sequence[Row[Any]], text: str) -> list[Row[Any]]:
    """The facilitators on this phone, when the text is a report; nobody otherwise."""
    if not is_report(text):
        return []
    return [one for one in contacts if one.kind == "facilitator" and one.status == "active"]


def report_by_text(context: Context, db: Connection, leaders: Sequence[Row[Any]], text: str, now: datetime) -> Answer:
    """File the report in a text, in the caller's transaction; the answer says what was counted, or which field is wrong.

    The group must be one of these facilitators' own: another's is as wrong as none, so that nothing is learnt (S31). A total that
    cannot be is kept and flagged, and the answer asks about it: a further text corrects it (V15).
    """
    read = parse_report(text)
    if not isinstance(read, ReportText):
        return _wrong(read.field if isinstance(read, WrongField) else "RPT")
    own = [
        (leader, group) for leader in leaders for group in groups.of_facilitator(db, leader.person_id) if group.code == read.group
    ]
    if not own:
        return _wrong("G")
    leader, group = own[0]
    held = select(meeting).where(meeting.c.group_id == group.id, meeting.c.no == read.no, meeting.c.starts_at <= now)
    row = db.execute(held.where(meeting.c.state != "cancelled")).first()
    if row is None:
        return _wrong("No")
    counts = Counts(read.men, read.women, read.distressed, read.referred, read.incident)
    by = Reporter(leader.person_code, "sms", leader.person_id, leader.number_id)
    doubtful = file_report(context, db, row.id, counts, by, now)
    said = {"group": group.code, "no": read.no, "men": read.men, "women": read.women}
    if doubtful:
        return Answer("report_doubt", said)
    return Answer("report_received", {**said, "distressed": read.distressed, "referred": read.referred})


def _wrong(field: str) -> Answer:
    return Answer("report_wrong", {"field": field})
