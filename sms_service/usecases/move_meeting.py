"""Moving and cancelling a meeting, from the console or a facilitator's phone: later meetings follow as a chain.

A session number is never skipped (domain section 2.2): a cancelled meeting takes the next free slot of its group and
pushes the later ones on. The stages of a curriculum with days after the first (2.3) are no chain: one that moves leaves
the others where they are, and moves only those that it would run into; one that is cancelled is looked for a week later.
Whatever was planned or still queued for the old date goes in the same transaction (reliability section 5).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, Row, select, update

from sms_service import clock
from sms_service.models import dialogues, groups, meetings, schedules
from sms_service.models.dialogues import response
from sms_service.models.groups import session_template
from sms_service.models.meetings import meeting
from sms_service.models.outbox import cancel_queued, outbox
from sms_service.rules.timing import PauseWindow, may_hold, next_in_chain, stage_from
from sms_service.usecases import occurrences
from sms_service.usecases.attendance import coming_counts
from sms_service.usecases.context import Context
from sms_service.usecases.faults import UseFault
from sms_service.usecases.find import open_meeting, read_time
from sms_service.usecases.meeting_texts import queue_v4, v4_key
from sms_service.usecases.pauses import windows_of
from sms_service.usecases.remind_group import remind_group_in

#: What a facilitator may do with the next meeting of an own group, from the phone or the console.
__all__ = [
    "cancel_meeting",
    "cancel_meeting_in",
    "coming_counts",
    "move_check",
    "move_meeting",
    "move_meeting_in",
    "remind_group_in",
    "settle_group_in",
]

Check = Literal["ok", "past", "paused", "bad"]
FURTHEST = timedelta(days=366)
EARLIEST_HOUR, LATEST_HOUR = 6, 20
_GONE_OUT = ("calling", "accepted", "unknown", "delivered", "failed")
_SAY: Mapping[str, str] = {
    "past": "this time has passed; give one to come",
    "paused": "a pause window, remembrance week or an umuganda morning: no meeting may be then; choose another time",
    "bad": "choose a time between 6:00 and 20:00, after the meeting before it and within a year",
}


def move_check(context: Context, db: Connection, group_row: Any, meeting_row: Any, new_start: datetime, now: datetime) -> Check:
    """Whether this meeting may move to ``new_start`` (aware): ``ok``, or why not (``past``, ``paused``, ``bad``)."""
    local = clock.local(new_start)
    if new_start <= now:
        return "past"
    if not _may_be(new_start, _days(db, meeting_row), windows_of(db, group_row.id, local.date())):
        return "paused"
    if meeting_row.state not in meetings.OPEN or new_start == meeting_row.starts_at or new_start - now > FURTHEST:
        return "bad"
    if not EARLIEST_HOUR <= local.hour < LATEST_HOUR:
        return "bad"
    before = db.execute(
        select(meeting).where(
            meeting.c.group_id == group_row.id,
            meeting.c.no < meeting_row.no,
            meeting.c.state.in_((*meetings.OPEN, "held", "reported")),
        )
    ).all()
    if any(_last_day(one.starts_at, _days(db, one)) >= local.date() for one in before):
        return "bad"
    return "ok"


def move_meeting(context: Context, meeting_id: int, new_start: datetime, actor: str, *, seen: datetime | None = None) -> None:
    """Move one meeting to ``new_start`` (aware) and tell its people (V4).

    ``seen`` is the start the person saw on the form: a meeting moved meanwhile is refused. Raises ``UseFault``.
    """
    with context.database.begin() as db:
        row, group_row = _meeting_and_group(db, meeting_id, seen)
        now = context.now(db)
        checked = move_check(context, db, group_row, row, new_start, now)
        if checked != "ok":
            raise UseFault("new_start", _SAY[checked])
        move_meeting_in(context, db, row, new_start, actor, now)


def move_meeting_in(context: Context, db: Connection, meeting_row: Any, new_start: datetime, actor: str, now: datetime) -> None:
    """Move a meeting in the caller's transaction; the caller has asked ``move_check``. Later meetings keep their
    order.
    """
    group_row = _group_of(db, meeting_row)
    context.record(db, actor, "meeting.move", f"{group_row.code} {meeting_row.no}", new_start.isoformat(timespec="minutes"))
    _retime(context, db, meeting_row, new_start, now, reason="moved")
    _tell(context, db, meeting_row, now, cancelled=False)
    settle_group_in(context, db, group_row, now, reason="shifted", keep=meeting_row.id)


def cancel_meeting(context: Context, meeting_id: int, actor: str, *, seen: datetime | None = None) -> None:
    """Cancel a meeting's date and tell its people (V4); its number moves to the next slot. Raises ``UseFault``."""
    with context.database.begin() as db:
        row, _ = _meeting_and_group(db, meeting_id, seen)
        now = context.now(db)
        if row.state not in meetings.OPEN or row.starts_at <= now:
            raise UseFault("meeting", "this meeting is over or closed and cannot be cancelled")
        cancel_meeting_in(context, db, row, actor, now)


def cancel_meeting_in(context: Context, db: Connection, meeting_row: Any, actor: str, now: datetime) -> None:
    """As ``cancel_meeting``, in the caller's transaction, for a meeting that is open and to come."""
    group_row = _group_of(db, meeting_row)
    context.record(db, actor, "meeting.cancel", f"{group_row.code} {meeting_row.no}")
    windows = windows_of(db, group_row.id, clock.local(meeting_row.starts_at).date())
    stage, days = _stage(db, meeting_row)
    after = clock.local(meeting_row.starts_at).date() + (timedelta(days=6) if stage else timedelta(0))
    _retime(context, db, meeting_row, _next_slot(group_row, after, windows, stage, days), now, reason="cancelled")
    _tell(context, db, meeting_row, now, cancelled=True)
    settle_group_in(context, db, group_row, now, reason="shifted", keep=meeting_row.id)


def settle_group_in(
    context: Context, db: Connection, group_row: Any, now: datetime, *, reason: str, keep: int | None = None
) -> int:
    """Bring the group's coming meetings into order: one after the other, none in a block window; returns how many
    shifted.

    ``keep`` is a meeting whose date a person has just chosen. People already told of a date that changes get V4.
    """
    shifted = 0
    previous: date | None = None
    for row in _open_from(db, group_row.id):
        start, (stage, days) = row.starts_at, _stage(db, row)
        day = clock.local(start).date()
        windows = windows_of(db, group_row.id, min(day, previous or day))
        crowded = previous is not None and day <= previous
        fits = row.id == keep or start <= now or _may_be(start, days, windows)
        if crowded or not fits:
            new_start = _next_slot(group_row, previous if crowded and previous is not None else day, windows, stage, days)
            told = _announced(db, row.id)
            _retime(context, db, row, new_start, now, reason=reason)
            if told:
                _tell(context, db, row, now, cancelled=False)
            start, shifted = new_start, shifted + 1
        previous = _last_day(start, days)
    return shifted


def _open_from(db: Connection, group_id: int) -> list[Row[Any]]:
    query = select(meeting).where(meeting.c.group_id == group_id, meeting.c.state.in_(meetings.OPEN)).order_by(meeting.c.no)
    return list(db.execute(query))


def _next_slot(group_row: Any, after: date, windows: tuple[PauseWindow, ...], stage: bool, days: int) -> datetime:
    """The next start after a local day: of a chain on the group's weekday, of a stage on any day that it may begin."""
    at = read_time("start_time", group_row.start_time)
    if stage:
        slot = stage_from(after + timedelta(days=1), at, days, windows)
    else:
        slot = next_in_chain(after, group_row.weekday, at, windows)
    if slot is None:
        raise UseFault("meeting", "pause windows leave no day for this meeting within a year; end or shorten one first")
    return slot


def _may_be(start: datetime, days: int, windows: tuple[PauseWindow, ...]) -> bool:
    local = clock.local(start)
    return may_hold(local.date(), local.time(), days, windows)


def _stage(db: Connection, row: Any) -> tuple[bool, int]:
    """Whether a meeting is a stage and no link of a weekly chain, and the days it lasts."""
    mine = select(session_template.c.offset_days, session_template.c.days).where(session_template.c.id == row.template_id)
    found = db.execute(mine).first()
    return (found.offset_days is not None, found.days) if found is not None else (False, 1)


def _days(db: Connection, row: Any) -> int:
    return _stage(db, row)[1]


def _last_day(start: datetime, days: int) -> date:
    return clock.local(start).date() + timedelta(days=days - 1)


def _retime(context: Context, db: Connection, row: Any, new_start: datetime, now: datetime, *, reason: str) -> None:
    """Give a meeting its new start. Answers to the old date count no more, its question closes, its texts are
    cancelled.
    """
    told = _told_start(db, row)
    schedules.cancel_of_meeting(db, row.id)
    cancel_queued(db, now, reason, outbox.c.meeting_id == row.id)
    dialogues.close_where(db, now, dialogues.dialogue.c.meeting_id == row.id)
    db.execute(update(response).where(response.c.meeting_id == row.id).values(meeting_id=None))
    meetings.change(db, row.id, starts_at=new_start, state="moved", moved_from=told, reason=reason)
    occurrences.plan_occurrences(context, db, open_meeting(db, row.id), now)
    _revive(db, row.id, new_start, now)


def _revive(db: Connection, meeting_id: int, start: datetime, now: datetime) -> None:
    """A meeting moved back to a date it had before: its occurrences of then, which never fired, are due again (I12)."""
    rows = schedules.occurrence
    db.execute(
        update(rows)
        .where(
            rows.c.meeting_id == meeting_id,
            rows.c.state == "cancelled",
            rows.c.schedule.endswith(f":{int(start.timestamp())}"),
            rows.c.expires_at > now,
        )
        .values(state="pending")
    )


def _told_start(db: Connection, row: Any) -> datetime:
    """The date people have heard: when the V4 of the last move has reached nobody yet, the date before that move."""
    if row.moved_from is None:
        return row.starts_at
    waiting = (outbox.c.meeting_id == row.id) & outbox.c.key.startswith(v4_key(row.id, row.starts_at))
    sent = select(outbox.c.state.in_(_GONE_OUT)).where(waiting)
    states = db.execute(sent).scalars().all()
    return row.moved_from if states and not any(states) else row.starts_at


def _tell(context: Context, db: Connection, old_row: Any, now: datetime, *, cancelled: bool) -> None:
    """V4 from the date people know; moved back to that date before anybody heard of another, there is nothing to say."""
    row = open_meeting(db, old_row.id)
    if cancelled or row.starts_at != row.moved_from:
        queue_v4(context, db, row, old_start=row.moved_from, cancelled=cancelled, now=now)


def _announced(db: Connection, meeting_id: int) -> bool:
    """Whether a text that names this meeting's date may already have reached someone."""
    query = select(outbox.c.id).where(outbox.c.meeting_id == meeting_id, outbox.c.state.in_(_GONE_OUT))
    return db.execute(query.limit(1)).first() is not None


def _meeting_and_group(db: Connection, meeting_id: int, seen: datetime | None) -> tuple[Row[Any], Row[Any]]:
    row = open_meeting(db, meeting_id)
    if seen is not None and row.starts_at != seen:
        raise UseFault("meeting", "this meeting was changed meanwhile; look at its new time first")
    return row, _group_of(db, row)


def _group_of(db: Connection, meeting_row: Any) -> Row[Any]:
    return db.execute(select(groups.group).where(groups.group.c.id == meeting_row.group_id)).one()
