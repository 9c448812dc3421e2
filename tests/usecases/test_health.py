"""What health says: degraded states by name, money that runs out, and counts that stay small."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import insert

from sms_service.gateway.results import Balance, CallResult
from sms_service.models import numbers, state
from sms_service.models.outbox import outbox
from sms_service.security.tokens import new_row_id
from sms_service.usecases.context import Context
from sms_service.usecases.poll_balance import poll_balance
from sms_service.usecases.read_health import read_health


class Account:
    """A gateway account with so much money; it sends nothing."""

    def __init__(self, amount: str | None) -> None:
        self.amount, self.asked = amount, 0

    def balance(self, *, deadline: float = 10.0) -> Balance | None:
        self.asked += 1
        return Balance("RWF", Decimal(self.amount)) if self.amount else None

    def send(self, numbers: object, text: str, **_: object) -> CallResult:
        raise AssertionError("asking for the balance sends nothing")


def spent(context: Context, cost: float) -> None:
    with context.database.begin() as db:
        now = context.now(db)
        number_id = numbers.ensure(db, context.vault, "+250788000001", now)
        row = {
            "id": new_row_id(), "key": "k", "number_id": number_id, "template": "V3", "kind": "scheduled", "text_class": "A",
            "lane": 2, "language": "rw", "body": b"x", "body_hash": b"x", "state": "delivered", "not_before": now,
            "expires_at": now, "created_at": now, "accepted_at": now - timedelta(days=1), "cost": cost,
        }  # fmt: skip
        db.execute(insert(outbox).values(**row))


@pytest.mark.parametrize(("amount", "low"), [("100.0000", True), ("5000.0000", False), (None, False)])
def test_money_that_lasts_under_three_days_is_said(context: Context, amount: str | None, low: bool) -> None:
    """I21: 700 spent in seven days is 100 a day; 100 left does not last three."""
    spent(context, 700.0)
    poll_balance(replace(context, client=Account(amount)))
    assert ("balance low" in read_health(context).degraded) is low


def test_the_balance_is_asked_for_once_a_quarter_of_an_hour(context: Context) -> None:
    account = Account("1.0000")
    for _ in range(3):
        poll_balance(replace(context, client=account))
    assert account.asked == 1


def test_a_fresh_service_is_ready_and_says_what_is_missing(context: Context) -> None:
    """I21, S25: ready, but nobody is on duty and the clock has not ticked."""
    health = read_health(context)
    assert health.ready
    assert {"clock", "nobody on duty"} <= set(health.degraded)


def test_the_switch_and_a_paused_channel_are_degraded_states(context: Context) -> None:
    """S41, I21."""
    with context.database.begin() as db:
        state.change(db, outbound_on=False)
        state.pause_channel(db, context.now(db), "test")
    assert {"outbound off", "channel paused"} <= set(read_health(context).degraded)


def test_a_database_without_its_schema_is_not_ready(context: Context) -> None:
    """I21: ready only if the schema is current."""
    with context.database.begin() as db:
        db.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    health = read_health(context)
    assert (health.ready, health.degraded) == (False, ["schema"])
