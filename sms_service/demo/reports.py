"""What facilitators and pairs of the demo report: all meetings but the latest, and the last month of the first pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from sms_service import clock
from sms_service.demo import people as data
from sms_service.usecases.cascade_reports import Month, file_month, month_to_report, open_month
from sms_service.usecases.context import Context
from sms_service.usecases.meeting_reports import Counts, Reporter, file_report

MONTHS = {"R11": Month(2, 9, 7, True), "R12": Month(1, 6, 8, True)}
"""What the first two pairs did in the last month; the others have not said yet."""


def report_meeting(
    context: Context, db: Connection, meeting: Any, present: Mapping[str, str], members: Sequence[Any], by: str
) -> None:
    """The facilitator's report on a meeting from who was marked present (V15); the fourth one counts somebody distressed."""
    there = [one for one in members if present.get(one.code) == "present"]
    men = sum(one.sex == "M" for one in there)
    distressed = int(meeting.no == 4)
    counts = Counts(men, len(there) - men, distressed, 0, "none", True)
    file_report(context, db, meeting.id, counts, Reporter(by, "ussd"), context.now(db))


def report_month(context: Context) -> None:
    """The pairs' month is opened, and the first two file it (V16)."""
    with context.database.begin() as db:
        now: datetime = context.now(db)
        open_month(context, db, now)
        month, _ = month_to_report(clock.local(now).date())
        for code, _parent, _generation, members in data.PAIRS:
            if code in MONTHS:
                file_month(context, db, code, month, MONTHS[code], members[0], now)
