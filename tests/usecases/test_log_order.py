"""Where the log and the thread show an outgoing text: when the phone got it, not when a schedule wrote it."""

from __future__ import annotations

from datetime import timedelta

from sms_service.models import numbers
from sms_service.usecases import read_log
from sms_service.usecases.compose import LANE_ALERT, Outgoing, queue_texts
from sms_service.usecases.read_log import Filter
from tests.service import Service

PHONE = "+250788000321"


def test_a_text_written_days_ago_is_shown_when_it_leaves(service: Service) -> None:
    """The live log shows a reminder as it goes out: above what came in after it was written."""
    context = service.context
    with context.database.begin() as db:
        now = context.now(db)
        text = Outgoing(
            key="late", number_id=numbers.ensure(db, context.vault, PHONE, now), language="en", template="alert", kind="alert",
            text_class="A", lane=LANE_ALERT, body="Servas: later.",
            not_before=now + timedelta(days=2), expires_at=now + timedelta(days=3),
        )  # fmt: skip
        queue_texts(context, db, [text], now)
    service.set_time(now + timedelta(days=1))
    service.text(PHONE, "muraho", "between")
    service.set_time(now + timedelta(days=2, minutes=1))
    service.work()
    with service.context.database.begin() as db:
        lines = read_log.page(service.context, db, Filter(), limit=10)
    late = next(line for line in lines if line.template == "alert")
    came_in = next(line for line in lines if line.source == "in")
    assert lines.index(late) < lines.index(came_in)
    assert late.at - now > timedelta(days=2)
