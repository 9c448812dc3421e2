"""What the calendar asks for once a month and once a year, looked at every hour: V16 and V17."""

from __future__ import annotations

from sms_service.usecases import cascade_reports
from sms_service.usecases.context import Context
from sms_service.usecases.remembrance import TEXTS, queue_remembrance


def run_seasons(context: Context) -> None:
    """Open the month's reports of the pairs, and write the remembrance texts; what is not published waits."""
    if cascade_reports.CONVERSATION in context.published.running.conversations:
        context.database.run(lambda db: cascade_reports.open_month(context, db, context.now(db)))
    if all(TEXTS[0] in entries and TEXTS[1] in entries for entries in context.words.entries.values()):
        queue_remembrance(context)
