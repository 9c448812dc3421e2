"""Care for those on duty: too many nights in a row are said on the rota, and a debrief is asked for after hard cases (S45)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, func, select

from sms_service import clock
from sms_service.models.audit import audit
from sms_service.models.concerns import concern
from sms_service.models.rota import duty
from sms_service.models.staff import staff
from sms_service.rules.duty import DEBRIEF_AFTER, DEBRIEF_WITHIN, too_many_nights
from sms_service.usecases.context import Context
from sms_service.usecases.faults import UseFault
from sms_service.usecases.find import staff_named

LOOKS_BACK = timedelta(days=31)
HELD = "duty.debrief"


@dataclass(frozen=True, slots=True)
class Strain:
    """One person's load, by code: a run of nights (``first_night``, ``nights``), or ``cases`` since the last debrief."""

    staff_code: str
    first_night: date | None = None
    nights: int = 0
    cases: int = 0


def strains(db: Connection, now: datetime) -> list[Strain]:
    """Runs of nights that are not over yet and too long, then who is due a debrief; by code."""
    return _long_runs(db, now) + _debriefs_due(db, now)


def _long_runs(db: Connection, now: datetime) -> list[Strain]:
    query = select(staff.c.code, duty.c.starts_at, duty.c.ends_at).join(staff, staff.c.id == duty.c.staff_id)
    turns: dict[str, list[tuple[datetime, datetime]]] = {}
    for row in db.execute(query.where(duty.c.ends_at > now - LOOKS_BACK)):
        turns.setdefault(row.code, []).append((row.starts_at, row.ends_at))
    today = clock.local(now).date()
    return [
        Strain(code, first, nights)
        for code in sorted(turns)
        for first, nights in too_many_nights(turns[code])
        if first + timedelta(days=nights) >= today
    ]


def _debriefs_due(db: Connection, now: datetime) -> list[Strain]:
    last = select(audit.c.subject, func.max(audit.c.at).label("at")).where(audit.c.act == HELD).group_by(audit.c.subject).subquery()
    query = (
        select(staff.c.code, func.count().label("cases"))
        .join(concern, concern.c.owner_id == staff.c.id)
        .outerjoin(last, last.c.subject == staff.c.code)
        .where(
            concern.c.severity == "red",
            concern.c.acknowledged_at > now - DEBRIEF_WITHIN,
            staff.c.disabled_at.is_(None),
            last.c.at.is_(None) | (concern.c.acknowledged_at > last.c.at),
        )
        .group_by(staff.c.code)
        .having(func.count() >= DEBRIEF_AFTER)
        .order_by(staff.c.code)
    )
    return [Strain(row.code, cases=row.cases) for row in db.execute(query)]


def debrief_held(context: Context, who: str, actor: str) -> None:
    """Somebody has talked with this person about the cases; nobody can say it of themselves. Audited. Raises ``UseFault``."""
    with context.database.begin() as db:
        row = staff_named(db, who, "who")
        if row.code == actor:
            raise UseFault("who", "Somebody else records your debrief.")
        context.record(db, actor, HELD, row.code)
