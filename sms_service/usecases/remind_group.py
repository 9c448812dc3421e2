"""A facilitator's or staff member's own reminder to one group: once per meeting and day (facilitator menu, domain
section 4).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, select

from sms_service import clock
from sms_service.models import meetings
from sms_service.models.outbox import outbox
from sms_service.usecases.context import Context
from sms_service.usecases.find import group_named, open_meeting
from sms_service.usecases.meeting_texts import queue_reminder

Reminded = tuple[Literal["sent", "later", "already", "none"], datetime | None]


def remind_group(context: Context, group_code: str, actor: str) -> Reminded:
    """Queue the reminder for the group's next meeting; see ``remind_group_in``."""
    with context.database.begin() as db:
        return remind_group_in(context, db, group_named(db, group_code), actor, context.now(db))


def remind_group_in(context: Context, db: Connection, group_row: Any, actor: str, now: datetime) -> Reminded:
    """Queue V3 or V3b for everyone the next meeting is for, in the caller's transaction.

    ``sent`` leaves now, ``later`` at the time given (aware UTC; quiet or safe hours), ``already`` was asked for today,
    ``none``: no meeting is planned or nobody can be reached by text.
    """
    coming = meetings.next_of_group(db, group_row.id, now)
    if coming is None:
        return "none", None
    key = f"remind:{coming.id}:{clock.local(now).date().isoformat()}"
    asked = (outbox.c.meeting_id == coming.id, outbox.c.key.startswith(f"{key}:"))  # by the meeting's index, not by every key
    if db.execute(select(outbox.c.id).where(*asked).limit(1)).first() is not None:
        return "already", None
    planned = queue_reminder(context, db, open_meeting(db, coming.id), kind="remind", now=now, key=key)
    if not planned:
        return "none", None
    context.record(db, actor, "group.remind", f"{group_row.code} {coming.no}")
    first = min(planned)
    return ("sent", first) if first <= now else ("later", first)
