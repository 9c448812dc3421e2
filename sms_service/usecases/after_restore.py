"""What a restored copy may not take for granted: what happened between the backup and its restoration (I20, F45).

The copy starts with outbound held. Whatever may have gone out meanwhile is ``unknown``; what the clock would do again in ignorance
is over; whoever stopped or was erased since is stopped or erased; and nobody is signed in.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, delete, func, select, update

from sms_service import clock
from sms_service.models import broadcasts, numbers, outbox, people, state, suppressions, wall_clocks
from sms_service.models.broadcasts import broadcast
from sms_service.models.concerns import alert
from sms_service.models.dials import dial
from sms_service.models.inbound import inbound
from sms_service.models.outbox import RESTORED, attempt
from sms_service.models.reports import remembrance_approval
from sms_service.models.schedules import occurrence
from sms_service.models.staff import login, signin_link, staff
from sms_service.security.totp import step_at
from sms_service.usecases.accept_inbound import note_opt_out, stop_number
from sms_service.usecases.campaign_schedule import plan_campaigns
from sms_service.usecases.check_ins import plan_check_ins
from sms_service.usecases.compare_clocks import WEB
from sms_service.usecases.context import Context
from sms_service.usecases.enrol import withdraw_in
from sms_service.usecases.expand_broadcast import EXPANDED
from sms_service.usecases.question_sets import plan_question_sets
from sms_service.usecases.remembrance import LEAVES

PLANNED_AHEAD: Final = timedelta(days=40)
# What fires again writes the same texts at the same moments, leaving out those that are past; or only raises a concern.
EXACT: Final = ("reminder_two_day", "reminder_morning", "again_two_day", "again_morning", "referral_silent", "report_unsent")


@dataclass(frozen=True, slots=True)
class Settled:
    """What was done to a restored copy, in counts and codes."""

    unknown: int
    read_by_a_person: int
    missed: int
    recalled: tuple[str, ...]
    stopped: int
    erased: tuple[str, ...]


def settle_restored(
    context: Context, db: Connection, made_at: datetime, journal: Iterable[dict[str, Any]], now: datetime, actor: str
) -> Settled:
    """Make a copy of ``made_at`` safe to run at ``now``, in the transaction that restores it."""
    state.change(db, outbound_on=False, held_reason=RESTORED, schedules_held_at=None, last_tick_at=None)
    wall_clocks.note_outage(db, WEB, made_at, now)  # health says so until the gateway's inbox was fetched
    db.execute(delete(wall_clocks.wall_clock))
    # First of all, so that what is cancelled below is not taken for something that never went.
    unknown = _may_have_gone(db, now)
    recalled = _recall(db, now)
    stopped, erased = _apply(context, db, journal, now, actor)
    settled = Settled(
        unknown=unknown,
        read_by_a_person=_needs_person(db),
        missed=_miss(context, db, made_at, now),
        recalled=recalled,
        stopped=stopped,
        erased=erased,
    )
    _end_sessions(db, now)
    context.record(db, actor, "backup.restore", None, f"made {made_at:%Y-%m-%d %H:%M} UTC, {settled.unknown} texts unknown")
    return settled


def _apply(
    context: Context, db: Connection, journal: Iterable[dict[str, Any]], now: datetime, actor: str
) -> tuple[int, tuple[str, ...]]:
    """Enter what the journal holds and the backup does not, and do it again."""
    stopped = 0
    erased: list[str] = []
    for entry in sorted(journal, key=lambda one: (one["at"], one["id"])):
        if not suppressions.take_over(db, {**entry, "written_at": now}):
            continue
        row = numbers.by_hash(db, entry["number_hash"]) if entry["number_hash"] else None
        if row is not None:
            stop_number(context, db, row.id, entry["at"], reason="journal")
            if entry["kind"] == "network":
                note_opt_out(db, row.id, entry["at"])
        stopped += entry["kind"] != "erasure"
        if entry["person_code"] and entry["person_code"] not in erased:
            who = people.by_code(db, entry["person_code"])
            if who is not None:  # the next purge takes what is left, as of any erasure that was cut short
                erased.append(entry["person_code"])
                withdraw_in(context, db, who, actor, now)
    return stopped, tuple(erased)


def _may_have_gone(db: Connection, now: datetime) -> int:
    """Texts to participants whose moment had come: they may be on a phone, so nobody but a person sends them again (I7, I9).

    Alerts are at least once: what was reserved waits again, and every alert that is not acknowledged is repeated at once (S25).
    """
    rows = outbox.outbox.c
    gone = (rows.state.in_(outbox.SENDING) & (rows.kind != "alert")) | (
        (rows.state == "queued") & (rows.kind != "alert") & (rows.not_before <= now)
    )
    values = {"state": "unknown", "reason": RESTORED, "token": None, "lease_until": None, "shown_at": now}
    count = db.execute(update(outbox.outbox).where(gone).values(**values)).rowcount
    waiting = update(outbox.outbox).where(rows.state.in_(outbox.SENDING), rows.kind == "alert")
    db.execute(waiting.values(state="queued", token=None, lease_until=None))
    db.execute(update(attempt).where(attempt.c.ended_at.is_(None)).values(ended_at=now, result="unknown", detail=RESTORED))
    db.execute(update(alert).where(alert.c.acknowledged_at.is_(None)).values(next_at=now))
    return count


def _needs_person(db: Connection) -> int:
    """Texts in that no worker had taken yet were answered since, or not: a person reads them. Their stop and crisis stand."""
    return db.execute(update(inbound).where(inbound.c.state == "new").values(state="needs_person")).rowcount


def _recall(db: Connection, now: datetime) -> tuple[str, ...]:
    """Broadcasts whose rows were still being written: whom they reached since is not known, so none is written any more."""
    found = broadcast.c
    under_way = (found.state.in_(("approved", "sending")), found.starts_at <= now, found.expanded_to < EXPANDED)
    rows = db.execute(select(found.id, found.code).where(*under_way).order_by(found.code)).all()
    for row in rows:
        broadcasts.change(db, row.id, state="recalled", finished_at=now)
        outbox.cancel_queued(db, now, RESTORED, outbox.outbox.c.broadcast_id == row.id)
    return tuple(row.code for row in rows)


def _miss(context: Context, db: Connection, made_at: datetime, now: datetime) -> int:
    """What was due meanwhile has fired, or has not: it is missed and listed, also what was planned only after the backup."""
    moment = max(made_at, now - PLANNED_AHEAD)
    while moment <= now:
        plan_check_ins(db, moment)
        plan_campaigns(db, moment)
        plan_question_sets(context, db, moment)
        moment += timedelta(days=1)
    found = occurrence.c
    late = update(occurrence).where(found.state == "pending", found.due_at <= now, found.kind.not_in(EXACT))
    count = db.execute(late.values(state="missed", fired_at=now)).rowcount
    today = clock.local(now).date()
    if (today.month, today.day) == LEAVES:  # the one text whose moment is the hour it is written in (V17)
        approval = remembrance_approval
        db.execute(update(approval).where(approval.c.year == today.year).values(queued_on=today))
    return count


def _end_sessions(db: Connection, now: datetime) -> None:
    """No login, link, dial or one-time code of before the restoration is good for anything (T10)."""
    db.execute(update(login).where(login.c.ended_at.is_(None)).values(ended_at=now))
    db.execute(update(signin_link).where(signin_link.c.used_at.is_(None)).values(used_at=now))
    db.execute(update(staff).where(staff.c.totp_step < step_at(clock.wall())).values(totp_step=step_at(clock.wall())))
    db.execute(update(dial).where(dial.c.state == "open").values(state="abandoned"))


def still_to_go(db: Connection, now: datetime) -> int:
    """Texts to participants that would leave as soon as outbound is on: in a copy just restored there are none (I20)."""
    rows = outbox.outbox.c
    due = select(func.count()).select_from(outbox.outbox)
    return int(db.execute(due.where(rows.state == "queued", rows.kind != "alert", rows.not_before <= now)).scalar_one())
