"""A delivery report: moves its row whatever the order, or waits for a row that is being recorded (I14, F27, F30)."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection, delete, select, update

from sms_service.gateway.wire import DeliveryReport, real_gateway_id
from sms_service.models import numbers, outbox
from sms_service.models.base import insert_ignore
from sms_service.models.outbox import parked_report
from sms_service.rules.delivery import STAGES, after_report, suppresses_number
from sms_service.security.tokens import new_row_id
from sms_service.usecases.accept_inbound import opt_out
from sms_service.usecases.context import Context

KEPT = timedelta(days=7)
MOST_PARKED = 100_000


def take_report(context: Context, report: DeliveryReport) -> None:
    """Apply one report. An unknown status changes nothing (W7); an unknown id is parked, within what the sweep keeps (I22)."""
    gateway_id = real_gateway_id(report.gateway_id)
    if gateway_id is None or report.status.strip().lower() not in STAGES:
        return

    def keep(db: Connection) -> None:
        now = context.now(db)
        if apply_report(context, db, gateway_id, report.status, report.failure_reason):
            return
        row = {
            "id": new_row_id(),
            "gateway_id": gateway_id,
            "status": report.status[:40],
            "failure_reason": report.failure_reason[:60] or None,
            "number_id": _number_id(context, db, report.number),
            "received_at": now,
        }
        insert_ignore(db, parked_report, row)

    context.database.run(keep)


def _number_id(context: Context, db: Connection, e164: str | None) -> int | None:
    """The row id of a number on file: it suggests to staff which text a report means that no id joins to one."""
    row = numbers.find(db, context.vault, e164) if e164 else None
    return row.id if row is not None else None


def apply_report(context: Context, db: Connection, gateway_id: str, status: str, failure_reason: str | None) -> bool:
    """Move the row of this gateway id as the report says; False when no row has the id."""
    row = outbox.by_gateway_id(db, gateway_id)
    if row is None:
        return False
    now = context.now(db)
    held = "sending" if row.state == "calling" else row.state
    new_state, stage = after_report(held, row.stage or "", status)
    if (new_state, stage) != (held, row.stage or ""):
        values = {"state": new_state, "stage": stage, "closed_at": now if new_state in outbox.FINAL else None}
        db.execute(update(outbox.outbox).where(outbox.outbox.c.id == row.id).values(**values))
    if failure_reason and suppresses_number(failure_reason):
        opt_out(context, db, row.number_id, now)
    return True


def match_parked(context: Context, db: Connection, limit: int = 500) -> int:
    """The sweep's part: reports and rows whose transactions missed each other are joined; then the old are let go, and the newest
    beyond ``MOST_PARKED``, so that a flood of reports of nobody's texts neither fills the table nor costs a real one its place.
    """
    now = context.now(db)
    db.execute(delete(parked_report).where(parked_report.c.received_at < now - KEPT))
    query = (
        select(parked_report)
        .join(outbox.outbox, outbox.outbox.c.gateway_id == parked_report.c.gateway_id)
        .order_by(parked_report.c.received_at)
    )
    matched = db.execute(query.limit(limit)).all()
    for report in matched:
        apply_report(context, db, report.gateway_id, report.status, report.failure_reason)
        db.execute(delete(parked_report).where(parked_report.c.id == report.id))
    if len(matched) < limit:
        beyond = select(parked_report.c.id).order_by(parked_report.c.received_at).offset(MOST_PARKED)
        db.execute(delete(parked_report).where(parked_report.c.id.in_(beyond)))
    return len(matched)
