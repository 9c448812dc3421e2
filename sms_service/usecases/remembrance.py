"""V17, the one text of the remembrance week: sent only when the director has approved this year's words (domain 8.5, S1).

It takes the place of every routine text of 7 to 13 April, which the pause holds back, and so it leaves before the week: on
6 April, in each phone's own safe hours. Once to every number whose group would have been reminded in that week.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, insert, select, update

from sms_service import clock
from sms_service.conversation.vocabulary import APPROVED_YEARLY
from sms_service.conversation.words import Words
from sms_service.models import directory, groups, meetings, pauses, reports
from sms_service.models.outbox import cancel_queued, outbox
from sms_service.models.reports import remembrance_approval
from sms_service.rules.timing import (
    PauseWindow,
    at_local,
    in_remembrance_week,
    last_allowed_not_after,
    needs_rewording,
    next_allowed,
)
from sms_service.security.tokens import new_row_id
from sms_service.usecases.compose import LANE_REMINDER, Outgoing, queue_texts
from sms_service.usecases.context import Context
from sms_service.usecases.faults import UseFault
from sms_service.usecases.fence_facts import hours_of, windows_for
from sms_service.usecases.meeting_texts import phones_of_meeting
from sms_service.usecases.raise_concern import About, raise_concern

TEXTS: Final = APPROVED_YEARLY
LEAVES: Final = (4, 6)
WEEK_BEGINS: Final = (4, 7)
WRITTEN_AHEAD: Final = timedelta(days=3)
CANCELLED: Final = "not approved"


@dataclass(frozen=True, slots=True)
class Remembrance:
    """This year's text as the director sees it: words by language, the day it leaves, and the approval, if there is one.

    ``current`` is false for an approval of words that have been changed since: they need a new one.
    """

    year: int
    leaves_on: date
    words: Mapping[str, str]
    texts_hash: str
    approval: Row[Any] | None
    current: bool
    texts: Mapping[str, int]


def coming_year(today: date) -> int:
    """The year whose remembrance week comes next; on 6 April still this one."""
    return today.year if (today.month, today.day) <= LEAVES else today.year + 1


def texts_hash(words: Words) -> str:
    """What an approval is given to: both forms of the text in every language, as SHA-256 in hex."""
    texts = {language: [words.entry(language, key).text for key in TEXTS] for language in words.languages}
    return hashlib.sha256(json.dumps(texts, sort_keys=True).encode()).hexdigest()


def view_remembrance(context: Context, db: Connection, now: datetime) -> Remembrance:
    """The page of the yearly approval."""
    year = coming_year(clock.local(now).date())
    approval, digest = reports.approval_of(db, year), texts_hash(context.words)
    rows = outbox.c
    states: dict[str, int] = {}
    for state in db.execute(select(rows.state).where(rows.key.startswith(f"v17:{year}:"))).scalars():
        states[state] = states.get(state, 0) + 1
    return Remembrance(
        year=year,
        leaves_on=date(year, *LEAVES),
        words={one: context.words.entry(one, TEXTS[0]).text for one in context.words.languages},
        texts_hash=digest,
        approval=approval,
        current=approval is not None and approval.texts_hash == digest,
        texts=states,
    )


def approve_remembrance(context: Context, seen: str, actor: str) -> int:
    """The director approves the words seen (their ``texts_hash``) for the coming year; returns that year.

    Raises ``UseFault`` when the words were changed meanwhile. Approving twice changes nothing; approving other words than before
    cancels what waits in the old ones, and it is written anew.
    """
    with context.database.begin() as db:
        now = context.now(db)
        year, digest = coming_year(clock.local(now).date()), texts_hash(context.words)
        if seen != digest:
            raise UseFault("texts", "the words were changed meanwhile; read them again before you approve")
        approval = reports.approval_of(db, year)
        if approval is not None and approval.texts_hash == digest:
            return year
        context.record(db, actor, "remembrance.approve", str(year), digest[:12])  # the audit is locked first everywhere
        if approval is not None:
            db.execute(delete(remembrance_approval).where(remembrance_approval.c.id == approval.id))
            cancel_queued(db, now, CANCELLED, outbox.c.key.startswith(f"v17:{year}:"))  # they say the words before
        values = {"year": year, "texts_hash": digest, "approved_by": actor, "approved_at": now}
        db.execute(insert(remembrance_approval).values(id=new_row_id(), **values))
        return year


def withdraw_remembrance(context: Context, actor: str) -> None:
    """Take the approval back: what has not left is cancelled. Raises ``UseFault`` when there is none."""
    with context.database.begin() as db:
        now = context.now(db)
        year = coming_year(clock.local(now).date())
        context.record(db, actor, "remembrance.withdraw", str(year))  # the audit is locked first everywhere
        if not db.execute(delete(remembrance_approval).where(remembrance_approval.c.year == year)).rowcount:
            raise UseFault("texts", "this year's text is not approved; there is nothing to take back")
        cancel_queued(db, now, CANCELLED, outbox.c.key.startswith(f"v17:{year}:"))


def queue_remembrance(context: Context) -> int:
    """Write the texts in the days before they leave, a transaction a group, once a day; returns how many were written.

    Whoever joins in between is found on the next day. Without the year's approval of these very words nothing is written.
    """
    with context.database.begin() as db:
        now = context.now(db)
        today = clock.local(now).date()
        leaves_on = date(today.year, *LEAVES)
        approval = reports.approval_of(db, today.year) if leaves_on - WRITTEN_AHEAD <= today <= leaves_on else None
        if approval is None or approval.queued_on == today or approval.texts_hash != texts_hash(context.words):
            return 0
        running = select(groups.group.c.id).where(groups.group.c.state == "running").order_by(groups.group.c.id)
        ids = db.execute(running).scalars().all()
    written = 0
    for group_id in ids:
        written += context.database.run(partial(_queue_group, context, group_id, approval))
        context.database.give_way()
    with context.database.begin() as db:
        rows = remembrance_approval
        context.record(db, "service", "remembrance.queue", str(today.year), str(written))
        db.execute(update(rows).where(rows.c.id == approval.id).values(queued_on=today))
    return written


def _queue_group(context: Context, group_id: int, approval: Row[Any], db: Connection) -> int:
    """The phones that would be reminded of the group's next meeting after the week began, had it not been put off.

    The approval is held meanwhile: whoever takes it back finds every text that was written under it.
    """
    now = context.now(db)
    held = reports.approval_of(db, approval.year, lock=True)
    if held is None or held.id != approval.id:
        return 0
    begins = at_local(date(approval.year, *WEEK_BEGINS), time())
    coming = meetings.next_of_group(db, group_id, begins - timedelta(seconds=1))
    meeting = meetings.get(db, coming.id) if coming is not None else None
    if meeting is None:
        return 0
    windows = windows_for(group_id, pauses.active(db, clock.local(now).date()))
    prefix = f"v17:{approval.year}:"
    had = set(
        db.execute(select(outbox.c.number_id).where(outbox.c.key.startswith(prefix), outbox.c.state != "cancelled")).scalars()
    )
    health = directory.health_line(db, now)
    texts = []
    for contacts, everyone in phones_of_meeting(db, meeting):
        first = contacts[0]
        if first.number_id in had or not any(one.may_remind and (one.ownership != "own" or one.opted_in_at) for one in contacts):
            continue
        leaves = _moment(approval.year, now, everyone, windows)
        if leaves is None:
            continue
        language = context.language_for(first.number_language, first.person_language)
        values = {"health": health} if health else {}
        texts.append(
            Outgoing(
                key=f"{prefix}{approval.id}:{first.number_id}",
                number_id=first.number_id,
                language=language,
                template="V17" if health else "V17b",
                kind="scheduled",
                text_class="A",
                lane=LANE_REMINDER,
                body=context.words.text(language, TEXTS[0] if health else TEXTS[1], values),
                not_before=leaves,
                expires_at=begins,
                person_id=first.person_id if len(everyone) == 1 else None,
                group_id=group_id,
            )
        )
    if texts and health is None:
        raise_concern(context, db, About(kind="directory_expired"), now)
    return queue_texts(context, db, texts, now)


def _moment(year: int, now: datetime, everyone: Sequence[Row[Any]], windows: Sequence[PauseWindow]) -> datetime | None:
    """The first allowed minute of 6 April, else the last one of the three days before; None when there is none."""
    hours = hours_of(everyone)
    day = at_local(date(year, *LEAVES), time())
    found = next_allowed(max(now, day), hours, windows, at_local(date(year, *WEEK_BEGINS), time()))
    return found or last_allowed_not_after(day, hours, windows, max(now, day - WRITTEN_AHEAD))


def careful_days(db: Connection, group_ids: Sequence[int], now: datetime) -> bool:
    """Whether the local day calls for sober words and an earlier call: 7 April to 3 July, or a window that rewords (8.5)."""
    day = clock.local(now).date()
    rows = pauses.active(db, day)
    return in_remembrance_week(day) or any(needs_rewording(day, windows_for(one, rows)) for one in (None, *group_ids))


def careful_for(db: Connection, person_id: int | None, now: datetime) -> bool:
    """The same for one person, whose groups may have windows of their own."""
    group_ids = [one.id for one in groups.groups_of(db, person_id)] if person_id is not None else []
    return careful_days(db, group_ids, now)
