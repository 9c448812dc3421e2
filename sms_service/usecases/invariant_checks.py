"""The checkers of the invariants: each counts the rows it looks at and the rows that break it, without a lock or a sort."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, exists, func, or_, select

from sms_service.models import outbox
from sms_service.models.concerns import alert, concern
from sms_service.models.dials import turn
from sms_service.models.inbound import inbound
from sms_service.models.meetings import meeting
from sms_service.models.numbers import number
from sms_service.models.outbox import attempt, parked_report
from sms_service.models.people import contact_point
from sms_service.models.schedules import occurrence
from sms_service.models.staff import staff_role
from sms_service.rules.roles import ROLES

Counted = tuple[int, int]
AFTER_STOP = ("V10", "V11", "V12")
REMINDERS = ("V3", "V3b")
STATES = ("queued", "unknown", "accepted", *outbox.SENDING, *outbox.FINAL)
MAY_HAVE_LEFT = ("accepted", "unknown")
HOUR = timedelta(hours=1)
PARKED_FOR = timedelta(days=8)  # seven days, and one for the clock process to have been away
_rows = outbox.outbox.c


def _count(db: Connection, query: Select[Any]) -> int:
    return int(db.execute(select(func.count()).select_from(query.subquery())).scalar_one())


def _broken(db: Connection, every: Select[Any], *bad: Any) -> Counted:
    """How many rows there are, and how many of them are bad."""
    return _count(db, every), _count(db, every.where(*bad))


def _once(db: Connection, _now: datetime) -> Counted:
    replies = select(_rows.inbound_id).where(_rows.kind == "reply", _rows.inbound_id.is_not(None))
    return _count(db, replies), _count(db, replies.group_by(_rows.inbound_id).having(func.count() > 1))


def _waited(db: Connection, now: datetime) -> Counted:
    return _broken(db, select(inbound.c.id), inbound.c.state == "new", inbound.c.received_at < now - timedelta(minutes=10))


def _repeats_silent(db: Connection, _now: datetime) -> Counted:
    repeats = select(inbound.c.id).where(inbound.c.repeat_of.is_not(None))
    return _broken(db, repeats, exists().where(_rows.inbound_id == inbound.c.id))


def _repeats_true(db: Connection, _now: datetime) -> Counted:
    """A repeat names an older text of the same number with the same words."""
    first = inbound.alias("first")
    same = (first.c.id == inbound.c.repeat_of, first.c.number_id == inbound.c.number_id, first.c.text_hash == inbound.c.text_hash)
    repeats = select(inbound.c.id).where(inbound.c.repeat_of.is_not(None))
    return _broken(db, repeats, ~exists().where(*same, first.c.id < inbound.c.id))


def _in_order(db: Connection, _now: datetime) -> Counted:
    """Processed before an older text of its number, by one clock: where the service's time was set back it cannot be told."""
    older = inbound.alias("older")
    before = exists().where(
        older.c.number_id == inbound.c.number_id,
        older.c.state == "done",
        older.c.id < inbound.c.id,
        older.c.received_at <= inbound.c.received_at,
        older.c.processed_at > inbound.c.processed_at,
    )
    done = select(inbound.c.id).where(inbound.c.state == "done", inbound.c.number_id.is_not(None))
    return _broken(db, done, inbound.c.processed_at >= inbound.c.received_at, before)


def _crisis(db: Connection, _now: datetime) -> Counted:
    red = select(inbound.c.id).where(inbound.c.alert == "red")
    same = (concern.c.inbound_id == inbound.c.id) | (concern.c.number_id == inbound.c.number_id)
    return _broken(db, red, ~exists().where(concern.c.severity == "red", same))


def _alerted(db: Connection, _now: datetime) -> Counted:
    red = select(concern.c.id).where(concern.c.severity == "red")
    return _broken(db, red, ~exists().where(alert.c.concern_id == concern.c.id))


def _stopped(db: Connection, _now: datetime) -> Counted:
    """Calls that began after the stop, to a number still stopped, that are not one of the three acknowledgements."""
    query = (
        select(attempt.c.id)
        .join(outbox.outbox, _rows.id == attempt.c.outbox_id)
        .join(number, number.c.id == _rows.number_id)
        .where(number.c.stopped_at.is_not(None), attempt.c.started_at > number.c.stopped_at, _rows.kind != "alert")
    )
    return _broken(db, query, _rows.template.not_in(AFTER_STOP))


def _one_id(db: Connection, _now: datetime) -> Counted:
    other = outbox.outbox.alias("other")
    named = select(_rows.id).where(_rows.gateway_id.is_not(None))
    return _broken(db, named, exists().where(other.c.gateway_id == _rows.gateway_id, other.c.id != _rows.id))


def _one_departure(db: Connection, _now: datetime) -> Counted:
    other = attempt.alias("other")
    left = select(attempt.c.id).where(attempt.c.result.in_(MAY_HAVE_LEFT))
    again = (other.c.outbox_id == attempt.c.outbox_id, other.c.id != attempt.c.id, other.c.result.in_(MAY_HAVE_LEFT))
    return _broken(db, left, exists().where(*again))


def _after_doubt(db: Connection, _now: datetime) -> Counted:
    """An attempt that began after one of the same row that went, may have gone, or never said: a person asks by a new row."""
    other = attempt.alias("other")
    doubtful = or_(other.c.result.in_(MAY_HAVE_LEFT), other.c.result.is_(None))
    earlier = (other.c.outbox_id == attempt.c.outbox_id, other.c.id != attempt.c.id, other.c.started_at < attempt.c.started_at)
    return _broken(db, select(attempt.c.id), exists().where(*earlier, doubtful))


def _known_state(db: Connection, _now: datetime) -> Counted:
    return _broken(db, select(_rows.id), _rows.state.not_in(STATES))


def _vanished(db: Connection, now: datetime) -> Counted:
    """Rows neither final nor young: a lease that ended an hour ago, or a queued row past its time."""
    sending = _rows.state.in_(outbox.SENDING) & (_rows.lease_until < now - HOUR)
    return _broken(db, select(_rows.id), sending | ((_rows.state == "queued") & (_rows.expires_at < now - HOUR)))


def _accepted_without_id(db: Connection, _now: datetime) -> Counted:
    return _broken(db, select(_rows.id).where(_rows.state.in_(("accepted", "delivered"))), _rows.gateway_id.is_(None))


def _attempted(db: Connection, _now: datetime) -> Counted:
    """What left has the attempt it left by: no row reached the gateway past its fence. Of a restored copy nobody knows (I20)."""
    left = select(_rows.id).where(_rows.state.in_(outbox.MAY_HAVE_LEFT), _rows.reason.is_distinct_from(outbox.RESTORED))
    return _broken(db, left, ~exists().where(attempt.c.outbox_id == _rows.id))


def _class_b(db: Connection, _now: datetime) -> Counted:
    """Class B texts that wait for a number which is not one person's own (S3)."""
    shared = exists().where(
        contact_point.c.number_id == _rows.number_id, contact_point.c.ownership != "own", contact_point.c.ended_at.is_(None)
    )
    return _broken(db, select(_rows.id).where(_rows.text_class == "B", _rows.state == "queued", _rows.kind != "reply"), shared)


def _late(db: Connection, _now: datetime) -> Counted:
    started = select(attempt.c.id).join(outbox.outbox, _rows.id == attempt.c.outbox_id).where(_rows.kind != "alert")
    return _broken(db, started, attempt.c.started_at >= _rows.expires_at)


def _outlives_meeting(db: Connection, _now: datetime) -> Counted:
    waiting = select(_rows.id).join(meeting, meeting.c.id == _rows.meeting_id)
    waiting = waiting.where(_rows.state == "queued", _rows.template.in_(REMINDERS))
    return _broken(db, waiting, _rows.expires_at > meeting.c.starts_at)


def _twice_due(db: Connection, _now: datetime) -> Counted:
    other = occurrence.alias("other")
    same = (other.c.schedule == occurrence.c.schedule, other.c.due_at == occurrence.c.due_at, other.c.id != occurrence.c.id)
    return _broken(db, select(occurrence.c.id), exists().where(*same))


def _overdue(db: Connection, now: datetime) -> Counted:
    """Due an hour past its end and still pending: it was neither fired nor listed as missed."""
    return _broken(db, select(occurrence.c.id), occurrence.c.state == "pending", occurrence.c.expires_at < now - HOUR)


def _behind_reports(db: Connection, now: datetime) -> Counted:
    """A report kept for a row that has its id by now: the sweep has it within seconds."""
    kept = select(parked_report.c.id).where(parked_report.c.received_at < now - timedelta(minutes=5))
    return _broken(db, kept, exists().where(_rows.gateway_id == parked_report.c.gateway_id))


def _two_screens(db: Connection, _now: datetime) -> Counted:
    other = turn.alias("other")
    same = (other.c.dial_id == turn.c.dial_id, other.c.receipt == turn.c.receipt, other.c.id != turn.c.id)
    return _broken(db, select(turn.c.id), exists().where(*same))


def _roles(db: Connection, _now: datetime) -> Counted:
    return _broken(db, select(staff_role.c.id), staff_role.c.role.not_in(ROLES))


def _parked(db: Connection, now: datetime) -> Counted:
    return _broken(db, select(parked_report.c.id), parked_report.c.received_at < now - PARKED_FOR)


CHECKS: tuple[tuple[str, str, Callable[[Connection, datetime], Counted]], ...] = (
    ("I2", "one text in has at most one reply", _once),
    ("I2", "no text in has waited longer than ten minutes", _waited),
    ("I3", "a repeat has no reply of its own", _repeats_silent),
    ("I3", "a repeat names an older text of its number with the same words", _repeats_true),
    ("I4", "no text in was processed before an older one of its number", _in_order),
    ("I5", "every RED text has its concern", _crisis),
    ("I5", "every RED concern has its alert", _alerted),
    ("I6", "after a stop no call began but for V10, V11 and V12", _stopped),
    ("I7", "no two texts share a gateway's id", _one_id),
    ("I7", "no text has two attempts that went or may have gone", _one_departure),
    ("I8", "every text is in a state of the table", _known_state),
    ("I8", "no row is neither final nor young", _vanished),
    ("I8", "every accepted text has the gateway's id", _accepted_without_id),
    ("I9", "no attempt follows one that went or may have gone", _after_doubt),
    ("I10", "every text that may have left has the attempt it left by, made at its fence", _attempted),
    ("S3", "no class B text waits for a shared phone", _class_b),
    ("I11", "no call began after its text expired", _late),
    ("I11", "no reminder that waits outlives the start of its meeting", _outlives_meeting),
    ("I12", "no schedule has two occurrences at one moment", _twice_due),
    ("I12", "every occurrence past its end was fired, missed or cancelled", _overdue),
    ("I14", "no text is behind a report that is kept for it", _behind_reports),
    ("I15", "one turn of a dial has one screen", _two_screens),
    ("I18", "every role is one of the role table", _roles),
    ("I22", "no report without a text is kept longer than a week", _parked),
)
