"""Delivery reports that no text claims: same number and time only suggests which text is meant, a person decides (section 4).

A report names the gateway's id of a text. A text whose answer was lost has no such id and stays ``unknown``; its report waits
here. Accepting the suggestion gives the text its id and settles it; nothing is ever sent again (I9).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from sms_service.models import outbox
from sms_service.models.numbers import number
from sms_service.models.outbox import attempt, parked_report
from sms_service.usecases.context import Context
from sms_service.usecases.faults import UseFault
from sms_service.usecases.take_report import apply_report

WAITS = timedelta(minutes=10)  # by then the sweep has joined what belongs together
NEAR = timedelta(hours=6)  # a phone that was off gets its text, and we the report, hours after the call
MOST = 200

_rows = outbox.outbox.c


@dataclass(frozen=True, slots=True)
class Unmatched:
    """One text of the gateway's that nobody claims: its reports' latest status, the number's code, and the suggested row.

    ``number_code`` is empty for a number not on file; ``outbox_id`` None when no text fits.
    """

    gateway_id: str
    status: str
    received_at: datetime
    number_code: str = ""
    outbox_id: int | None = None
    template: str = ""
    sent_at: datetime | None = None


def unmatched(db: Connection, now: datetime) -> list[Unmatched]:
    """Reports that have waited for ten minutes, oldest first, at most 200, each with the text it may belong to."""
    query = (
        select(parked_report, number.c.code)
        .outerjoin(number, number.c.id == parked_report.c.number_id)
        .where(parked_report.c.received_at <= now - WAITS)
        .order_by(parked_report.c.received_at, parked_report.c.id)
        .limit(MOST)
    )
    latest = {row.gateway_id: row for row in db.execute(query)}
    taken: set[int] = set()
    found = []
    for row in latest.values():
        fits = [one for one in _candidates(db, row.number_id, row.received_at) if one.id not in taken]
        best = fits[0] if fits else None
        if best is not None:
            taken.add(best.id)
        found.append(
            Unmatched(
                gateway_id=row.gateway_id,
                status=row.status,
                received_at=row.received_at,
                number_code=row.code or "",
                outbox_id=best.id if best else None,
                template=best.template if best else "",
                sent_at=best.started_at if best else None,
            )
        )
    return found


def waiting_count(db: Connection, now: datetime) -> int:
    """How many texts of the gateway's wait for a person to say which of ours they are."""
    ids = select(func.count(func.distinct(parked_report.c.gateway_id))).where(parked_report.c.received_at <= now - WAITS)
    return int(db.execute(ids).scalar_one())


def _candidates(db: Connection, number_id: int | None, received_at: datetime) -> Sequence[Any]:
    """Texts to this number with a lost answer, called in the hours before the report; the latest call first."""
    if number_id is None:
        return ()
    query = (
        select(_rows.id, _rows.template, attempt.c.started_at)
        .join(attempt, attempt.c.outbox_id == _rows.id)
        .where(
            _rows.number_id == number_id,
            outbox.MOVING,
            _rows.state == "unknown",
            _rows.gateway_id.is_(None),
            attempt.c.started_at <= received_at,
            attempt.c.started_at > received_at - NEAR,
        )
    )
    return db.execute(query.order_by(attempt.c.started_at.desc(), _rows.id.desc())).all()


def accept_match(context: Context, gateway_id: str, outbox_id: int, actor: str) -> None:
    """A person says that these reports are this text's: it gets the id and the state they tell; audited. Raises ``UseFault``."""

    def work(db: Connection) -> None:
        waiting = _waiting(db, gateway_id)
        row = db.execute(select(outbox.outbox).where(_rows.id == outbox_id).with_for_update()).first()
        fits = row is not None and row.state == "unknown" and row.gateway_id is None
        if row is None or not fits or row.number_id not in {one.number_id for one in waiting}:
            raise UseFault("report", "This report and this text do not fit any more. Reload the page.")
        join(context, db, row, gateway_id, [(one.status, one.failure_reason) for one in waiting], actor)

    context.database.run(work)


def join(context: Context, db: Connection, row: Any, gateway_id: str, told: Sequence[tuple[str, str | None]], actor: str) -> None:
    """Give an outbox row its id and the state of what was told of it (status, reason); the reports that waited go; audited."""
    db.execute(update(outbox.outbox).where(_rows.id == row.id).values(gateway_id=gateway_id, accepted_at=context.now(db)))
    for status, reason in told:
        apply_report(context, db, gateway_id, status, reason)
    db.execute(delete(parked_report).where(parked_report.c.gateway_id == gateway_id))
    context.record(db, actor, "report.match", None, row.key)


def dismiss(context: Context, gateway_id: str, actor: str) -> None:
    """A person says that these reports are of no text of ours: they are removed; audited. Raises ``UseFault``."""

    def work(db: Connection) -> None:
        _waiting(db, gateway_id)
        db.execute(delete(parked_report).where(parked_report.c.gateway_id == gateway_id))
        context.record(db, actor, "report.dismiss")

    context.database.run(work)


def _waiting(db: Connection, gateway_id: str) -> Sequence[Any]:
    query = select(parked_report).where(parked_report.c.gateway_id == gateway_id).order_by(parked_report.c.received_at)
    found = db.execute(query).all()
    if not found:
        raise UseFault("report", "This report does not wait any more: somebody else has settled it, or its text was found.")
    return found
