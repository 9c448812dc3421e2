"""The money left at the gateway: asked for by the clock, kept beside the channel, low when it lasts under three days."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, select

from sms_service.models import outbox, state
from sms_service.models.state import channel
from sms_service.usecases.context import Context

EVERY = timedelta(minutes=15)
LASTS_DAYS = 3
LOOKS_BACK = timedelta(days=7)


def poll_balance(context: Context) -> bool:
    """Ask once a quarter of an hour; True when an answer was kept. The call is made outside any transaction."""
    with context.database.begin() as db:
        row = db.execute(select(channel).where(channel.c.name == "sms")).one()
        if row.balance_at is not None and context.now(db) - row.balance_at < EVERY:
            return False
    balance = context.client.balance() if context.client is not None else None
    with context.database.begin() as db:
        kept = {"balance": float(balance.amount)} if balance is not None else {}
        state.change_channel(db, balance_at=context.now(db), **kept)
    return balance is not None


def balance_is_low(db: Connection, row: Row[Any], now: datetime) -> bool:
    """Whether what is left lasts under three days at the pace of the last seven; unknown money is not called low."""
    if row.balance is None:
        return False
    costs = outbox.outbox.c
    spent = select(func.sum(costs.cost)).where(costs.accepted_at > now - LOOKS_BACK)
    a_day = float(db.execute(spent).scalar() or 0.0) / LOOKS_BACK.days
    return bool(row.balance <= a_day * LASTS_DAYS) and a_day > 0
