"""Health that tells the truth: ready only if a write works, the schema is current and the keys open a canary (I21)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from sms_service import schema
from sms_service.models import outbox, rota, state, wall_clocks
from sms_service.models.concerns import alert
from sms_service.models.inbound import inbound
from sms_service.models.numbers import number
from sms_service.security.vault import Unsealable
from sms_service.usecases.compare_clocks import CLOCK
from sms_service.usecases.context import Context
from sms_service.usecases.poll_balance import balance_is_low

NO_TICK = timedelta(minutes=3)
MOVING = ("queued", "reserved", "calling", "unknown")  # counted; final rows grow without end and are not (I22)


@dataclass(slots=True)
class Health:
    """Whether the service may take traffic, what is degraded (named, nothing personal), and counts for the metrics."""

    ready: bool = True
    degraded: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    ages: dict[str, float] = field(default_factory=dict)


def read_health(context: Context) -> Health:
    """Look at the database with a write that is rolled back, and at what is waiting; never raises."""
    health = Health()
    try:
        _look(context, health)
    except (SQLAlchemyError, Unsealable) as fault:
        health.ready = False
        health.degraded.append("keys" if isinstance(fault, Unsealable) else "database")
    return health


def _look(context: Context, health: Health) -> None:
    with context.database.engine.connect() as db:
        transaction = db.begin()
        if not schema.is_current(db):
            health.ready = False
            health.degraded.append("schema")
            return
        state.change(db, schema_note="canary")
        now = context.now(db)
        row = state.read(db)
        channel = state.lock_channel(db)
        canary = db.execute(select(number.c.id, number.c.sealed).order_by(number.c.id.desc()).limit(1)).first()
        if canary is not None:
            context.vault.open("number", "sealed", canary.id, canary.sealed)
        rows = outbox.outbox.c
        health.counts = {f"outbox_{name}": count for name, count in outbox.counts_by_state(db, rows.state.in_(MOVING)).items()}
        oldest_in = db.execute(select(func.min(inbound.c.received_at)).where(inbound.c.state == "new")).scalar()
        oldest_out = db.execute(select(func.min(rows.not_before)).where(rows.state == "queued", rows.not_before <= now)).scalar()
        unanswered = db.execute(select(func.min(alert.c.opened_at)).where(alert.c.acknowledged_at.is_(None))).scalar()
        for name, moment in (("inbound", oldest_in), ("outbox", oldest_out), ("alert", unanswered)):
            if moment is not None:
                health.ages[name] = max(0.0, (now - moment).total_seconds())
        checks = (
            ("clock", row.last_tick_at is None or now - row.last_tick_at > NO_TICK),
            ("schedules held", row.schedules_held_at is not None),
            ("clocks apart", wall_clocks.clocks_apart(db, CLOCK)),
            ("texts may be missing", bool(wall_clocks.unchecked_outages(db))),
            ("outbound off", not row.outbound_on),
            ("conversations not published", bool(context.unpublished())),
            ("channel paused", channel.paused_at is not None),
            ("balance low", balance_is_low(db, channel, now)),
            ("breaker open", channel.breaker_until is not None),
            ("nobody on duty", not rota.on_duty(db, now)),
            ("alert unacknowledged", unanswered is not None),
            ("inbound waiting", health.ages.get("inbound", 0.0) > 60),
        )
        health.degraded.extend(name for name, bad in checks if bad)
        transaction.rollback()
