"""The money left at the gateway: asked for by the clock, kept beside the channel, low when it lasts under three days."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from sms_service.models import findings, outbox, state
from sms_service.models.state import channel
from sms_service.usecases.context import Context

EVERY = timedelta(minutes=15)
LASTS_DAYS = 3
LOOKS_BACK = timedelta(days=7)


def poll_balance(context: Context) -> bool:
    """Ask once a quarter of an hour; True when an answer was kept. The call is made outside any transaction."""
    with context.database.begin() as db:
        row = db.execute(select(channel).where(channel.c.name == "sms")).one()
        now = context.now(db)
        if row.balance_at is not None and timedelta() <= now - row.balance_at < EVERY:
            return False
    balance = context.client.balance() if context.client is not None else None
    with context.database.begin() as db:
        now = context.now(db)
        kept = {"balance": float(balance.amount)} if balance is not None else {}
        state.change_channel(db, balance_at=now, **kept)
        left = kept.get("balance", row.balance)
        if left is not None:
            a_day = _spent_a_day(db, now)
            findings.note(db, findings.BALANCE, now, ok=left > a_day * LASTS_DAYS or a_day <= 0)
    return balance is not None


def _spent_a_day(db: Connection, now: datetime) -> float:
    """What the texts of the last seven days cost, by the day; a text is shown no earlier than it was accepted."""
    rows, since = outbox.outbox.c, now - LOOKS_BACK
    spent = select(func.sum(rows.cost)).where(rows.shown_at > since, rows.accepted_at > since)
    return float(db.execute(spent).scalar() or 0.0) / LOOKS_BACK.days
