"""Writing a broadcast's outbox rows in chunks: resumable after a crash, paused while too many wait (reliability
section 4).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from sms_service import clock
from sms_service.models import broadcasts
from sms_service.models.broadcasts import broadcast
from sms_service.models.outbox import more_than, unsettled
from sms_service.models.pauses import active
from sms_service.rules.safe_hours import SafeHours, intersect
from sms_service.rules.timing import next_allowed
from sms_service.usecases.broadcast_audience import Recipient, judge, number_ids
from sms_service.usecases.broadcasts import texts_of
from sms_service.usecases.compose import LANE_BROADCAST, Outgoing, queue_texts
from sms_service.usecases.context import Context
from sms_service.usecases.fence_facts import windows_for

CHUNK = 500  # rows a transaction: some 0.1 s, during which an SQLite file is theirs
MOST_WAITING = 10_000
EXPANDED = (1 << 63) - 1  # ``expanded_to`` of a broadcast whose rows are all written


def due_broadcasts(db: Connection, now: datetime) -> list[int]:
    """Approved broadcasts whose wait is over and whose rows are not all written, oldest start first."""
    query = select(broadcast.c.id).where(
        broadcast.c.state.in_(("approved", "sending")), broadcast.c.starts_at <= now, broadcast.c.expanded_to < EXPANDED
    )
    return list(db.execute(query.order_by(broadcast.c.starts_at)).scalars())


def expand_broadcast(context: Context, broadcast_id: int, chunk: int = CHUNK, most_chunks: int = 1) -> bool:
    """Write the next chunks of outbox rows, each in one transaction; True when there is nothing left to write.

    Nothing is written before the start, after a recall, or while more than 10,000 broadcast rows wait: then False and
    True again as its state says. The key ``bc:<id>:<number row id>`` makes a repeated chunk harmless.
    """
    with context.database.reading() as db:
        row = broadcasts.get(db, broadcast_id)
        if row is None or row.state not in ("approved", "sending") or row.expanded_to >= EXPANDED:
            return True
        if _waits(db, row, context.now(db)):
            return False
        # Who is next is looked up beside whoever writes, and asked again, number by number, in the transaction that writes.
        ids = number_ids(db, row.group_ids, row.expanded_to, chunk * most_chunks)
    last = len(ids) < chunk * most_chunks
    for start in range(0, len(ids) or 1, chunk):
        part = ids[start : start + chunk]
        with context.database.begin() as db:
            written = _write(context, db, broadcast_id, part, last=last and start + chunk >= len(ids))
        context.database.give_way()
        if written is not None:
            return written
    return False


def _waits(db: Connection, row: Any, now: datetime) -> bool:
    return bool(row.starts_at > now) or more_than(db, LANE_BROADCAST, MOST_WAITING)


def _write(context: Context, db: Connection, broadcast_id: int, ids: list[int], *, last: bool) -> bool | None:
    """Write the texts to these numbers; whether all is written then, None while the next chunk may follow at once.

    While another process writes it, or recalls it, this one does not wait: it has texts to send.
    """
    row = db.execute(select(broadcast).where(broadcast.c.id == broadcast_id).with_for_update(skip_locked=True)).first()
    if row is None:
        return False
    now = context.now(db)
    if row.state not in ("approved", "sending") or row.expanded_to >= EXPANDED:
        return True
    if _waits(db, row, now):
        return False
    ids = [one for one in ids if one > row.expanded_to]  # another process may have written them meanwhile
    if row.expires_at <= now:
        ids, last = [], True
    if ids:
        texts = texts_of(context, db, row.id)
        recipients, _ = judge(db, row.group_ids, ids, now, context.caps)
        windows = active(db, clock.local(now).date())
        queue_texts(context, db, [_outgoing(row, one, texts[one.language], windows, now) for one in recipients], now)
    broadcasts.change(db, row.id, state="sending", expanded_to=EXPANDED if last else max(ids, default=row.expanded_to))
    return True if last else None


def _outgoing(row: Any, to: Recipient, body: str, windows: Any, now: datetime) -> Outgoing:
    """One row; it leaves in the number's safe hours, or expires unsent when there are none in time (the fence says
    so).
    """
    hours = intersect([SafeHours.parse(written) for written in to.safe_hours])
    earliest = max(now, row.starts_at)
    leaves = next_allowed(earliest, hours, windows_for(to.group_id, windows), row.expires_at)
    return Outgoing(
        key=f"bc:{row.id}:{to.number_id}",
        number_id=to.number_id,
        language=to.language,
        template="broadcast",
        kind="broadcast",
        text_class="A",
        lane=LANE_BROADCAST,
        body=body,
        not_before=leaves or earliest,
        expires_at=row.expires_at,
        person_id=to.person_id,
        group_id=to.group_id,
        broadcast_id=row.id,
    )


def finish_broadcasts(context: Context) -> int:
    """Mark broadcasts done whose rows are all written and all final or accepted for a day; returns how many."""
    with context.database.begin() as db:
        now = context.now(db)
        query = select(broadcast).where(broadcast.c.state == "sending", broadcast.c.expanded_to >= EXPANDED)
        finished = 0
        for row in db.execute(query.with_for_update(skip_locked=True)).all():  # one that is being recalled stays recalled
            if not unsettled(db, row.id, reports=row.expires_at > now):
                broadcasts.change(db, row.id, state="done", finished_at=now)
                finished += 1
        return finished
