"""When a campaign speaks: its occurrences, planned a week ahead, and the texts each makes when it fires (I12, S39).

An occurrence is a group's: at the date, so many days after it closed, before or after one of its meetings, or after a local day on
which people joined it. A meeting that moves cancels its occurrence as it does its reminders', and
plans the new one. The outbox key holds campaign and number, so that nobody gets its text twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select, update

from sms_service import clock
from sms_service.models import campaigns, meetings, pauses, people
from sms_service.models.base import insert_ignore
from sms_service.models.groups import curriculum, group, membership
from sms_service.models.meetings import meeting
from sms_service.models.outbox import outbox
from sms_service.models.schedules import occurrence
from sms_service.rules.caps import Caps
from sms_service.rules.safe_hours import SafeHours, intersect
from sms_service.rules.timing import at_local, next_allowed
from sms_service.security.tokens import new_row_id
from sms_service.usecases.broadcast_audience import Recipient, Whom, judge, number_ids
from sms_service.usecases.compose import LANE_BROADCAST, Outgoing, queue_texts
from sms_service.usecases.context import Context
from sms_service.usecases.fence_facts import windows_for
from sms_service.usecases.personal_texts import NO_MINUTE, WEEK_IS_FULL, Own, Personal, full_weeks

AT = time(10, 0)
LIFE = timedelta(hours=33)
AHEAD = timedelta(days=7)
CHUNK = 1000
ANYBODY = Caps(weekly_scheduled=1 << 30)
"""The week's places are looked at text by text, so that each that is dropped says so."""

#: (group row id, due, meeting row id or None)
Moment = tuple[int, datetime, int | None]


def groups_of(db: Connection, row: Any) -> list[int]:
    """The row ids of the groups a campaign is for, as they stand now."""
    if row.programme_id is None:
        return list(row.group_ids)
    query = select(group.c.id).join(curriculum, curriculum.c.id == group.c.curriculum_id)
    return list(db.execute(query.where(curriculum.c.programme_id == row.programme_id).order_by(group.c.id)).scalars())


def moments(db: Connection, row: Any, start: datetime, end: datetime) -> list[Moment]:
    """The campaign's moments from ``start`` and before ``end`` (aware), by time."""
    ids = groups_of(db, row)
    days = timedelta(days=row.days)
    found: list[Moment] = []
    if row.anchor == "date":
        found = [(one, at_local(row.on_day, AT), None) for one in ids]
    elif row.anchor == "closed":
        query = select(group.c.id, group.c.closed_at).where(group.c.id.in_(ids), group.c.closed_at.is_not(None))
        found = [(one, _on(closed, days), None) for one, closed in db.execute(query)]
    elif row.anchor == "enrolled":
        joined = membership.c
        span = (joined.joined_at >= start - days - timedelta(days=1), joined.joined_at < end - days + timedelta(days=1))
        query = select(joined.group_id, joined.joined_at).where(joined.group_id.in_(ids), joined.left_at.is_(None), *span)
        found = [(one, due, None) for one, due in {(one, _on(at, days)) for one, at in db.execute(query)}]
    else:
        query = select(meeting.c.group_id, meeting.c.starts_at, meeting.c.id).where(
            meeting.c.group_id.in_(ids), meeting.c.no == row.meeting_no, meeting.c.state != "cancelled"
        )
        away = -days if row.anchor == "before_meeting" else days
        found = [(held.group_id, _on(held.starts_at, away), held.id) for held in db.execute(query)]
    return sorted((one for one in found if start <= one[1] < end), key=lambda one: (one[1], one[0]))


def _on(moment: datetime, days: timedelta) -> datetime:
    """10:00 on the local day so many days from a moment."""
    return at_local(clock.local(moment).date() + days, AT)


def plan_campaigns(db: Connection, now: datetime) -> None:
    """The occurrences of every running campaign for the week ahead; planning twice plans nothing twice (I12)."""
    for row in campaigns.running(db):
        plan_campaign(db, row, now)


def plan_for_meeting(db: Connection, about: Any, now: datetime) -> None:
    """The campaigns that speak before or after this meeting, in the transaction that makes or moves it."""
    for row in campaigns.running(db, about.no):
        plan_campaign(db, row, now)


def plan_campaign(db: Connection, row: Any, now: datetime) -> None:
    """As ``plan_campaigns``, for one; nothing that was due before it was approved, and one taken back by a pause is due again."""
    first = max(now - LIFE, row.approved_at)
    rows = [
        {
            "id": new_row_id(),
            "schedule": f"campaign:{row.id}:{group_id}",
            "kind": "campaign",
            "group_id": group_id,
            "meeting_id": meeting_id,
            "about": str(row.id),
            "due_at": due,
            "expires_at": due + LIFE,
            "state": "pending",
        }
        for group_id, due, meeting_id in moments(db, row, first, now + AHEAD)
    ]
    insert_ignore(db, occurrence, rows)
    for one in rows:
        same = (occurrence.c.schedule == one["schedule"], occurrence.c.due_at == one["due_at"])
        alive = (occurrence.c.state == "cancelled", occurrence.c.expires_at > now)
        db.execute(update(occurrence).where(*same, *alive).values(state="pending"))


def fire_campaign(context: Context, db: Connection, row: Row[Any], now: datetime) -> None:
    """The campaign's text to those of one group whose moment this is; what may not go is kept with its reason."""
    found = campaigns.get(db, int(row.about))
    if found is None or found.state != "running":
        return
    about = meetings.get(db, row.meeting_id) if row.meeting_id is not None else None
    if row.meeting_id is not None and _moved(found, row, about):
        return
    until = _until(found, row.due_at, about)
    if until <= now:
        return
    campaigns.set_aside(db, found.id)
    whom = whom_of(found, clock.local(row.due_at).date() if found.anchor == "enrolled" else None)
    texts = texts_of(context, db, found.id)
    had = campaigns.people_written_to(db, found.id)
    after = 0
    while chunk := number_ids(db, [row.group_id], after, CHUNK, whom):
        recipients, _ = judge(db, [row.group_id], chunk, now, ANYBODY, whom)
        _queue(context, db, found, row, [one for one in recipients if one.person_id not in had], texts, now, until)
        after = chunk[-1]


def _until(found: Any, due: datetime, about: Any) -> datetime:
    """Until when the text is of use; before a meeting not after its start (I11)."""
    return min(due + LIFE, about.starts_at) if found.anchor == "before_meeting" else due + LIFE


def still_right(db: Connection, found: Any, meeting_id: int, expires_at: datetime) -> bool:
    """Whether a text written before a meeting is still for the date the meeting has."""
    about = meetings.get(db, meeting_id)
    if about is None or about.state not in meetings.OPEN:
        return False
    return bool(_until(found, _on(about.starts_at, timedelta(days=-found.days)), about) == expires_at)


def _moved(found: Any, row: Row[Any], about: Any) -> bool:
    away = timedelta(days=-found.days if found.anchor == "before_meeting" else found.days)
    return about is None or about.state == "cancelled" or _on(about.starts_at, away) != row.due_at


def whom_of(found: Any, due_day: date | None = None) -> Whom:
    """Who is meant; with the local day it is due, of those who joined so many days before."""
    joined = None
    if due_day is not None:
        day = due_day - timedelta(days=found.days)
        joined = (at_local(day, time()), at_local(day + timedelta(days=1), time()))
    return Whom(found.part, joined, found.text_class == "B")


def texts_of(context: Context, db: Connection, campaign_id: int) -> dict[str, str]:
    """The campaign's words by language, opened."""
    rows = campaigns.texts_of(db, campaign_id)
    return {row.language: context.vault.open("campaign_text", "body", row.id, row.body) for row in rows}


def _queue(
    context: Context,
    db: Connection,
    found: Any,
    row: Row[Any],
    to: Sequence[Recipient],
    words: dict[str, str],
    now: datetime,
    until: datetime,
) -> None:
    unsaid = sorted({one.language for one in to if one.language not in words})
    if unsaid:
        context.record(db, "service", "text.language_missing", found.code, " ".join(unsaid))
    to = [one for one in to if one.language in words]
    if not to:
        return
    windows = windows_for(row.group_id, pauses.active(db, clock.local(now).date()))
    begins = max(now, row.due_at)
    leaves: dict[int, datetime] = {}
    for one in to:
        hours = intersect([SafeHours.parse(written) for written in one.safe_hours])
        at = next_allowed(begins, hours, windows, until)
        if at is not None:
            leaves[one.number_id] = at
    everyone: dict[int, list[Any]] = {}
    for contact in people.contact_points_of(db, [one.number_id for one in to]):
        everyone.setdefault(contact.number_id, []).append(contact)
    phones = [Own(one.agreed, one.number_id, one.language, None, "", everyone.get(one.number_id, ())) for one in to]
    what = Personal("broadcast", "", "", row.due_at, until, row.group_id)
    full = full_weeks(context, db, what, phones, leaves, windows, now)
    personal = found.text_class == "B"
    queue_texts(
        context,
        db,
        [
            Outgoing(
                key=campaigns.key(found.id, one.number_id),
                number_id=one.number_id,
                language=one.language,
                template="campaign_b" if personal else "campaign",
                kind="broadcast",
                text_class=found.text_class,
                lane=LANE_BROADCAST,
                body=words[one.language],
                not_before=leaves.get(one.number_id, begins),
                expires_at=until,
                person_id=one.person_id,
                group_id=row.group_id,
                meeting_id=row.meeting_id if found.anchor == "before_meeting" else None,  # moved or cancelled, it goes with it
            )
            for one in to
        ],
        now,
    )
    _hold_back(db, found.id, [one.number_id for one in to if one.number_id not in leaves], NO_MINUTE, now)
    _hold_back(db, found.id, sorted(full), WEEK_IS_FULL, now)


def _hold_back(db: Connection, campaign_id: int, number_ids: Sequence[int], reason: str, now: datetime) -> None:
    keys = [campaigns.key(campaign_id, one) for one in number_ids]
    rows = outbox.c.key.in_(keys) & (outbox.c.state == "queued") & (outbox.c.created_at == now)
    if keys:
        db.execute(update(outbox).where(rows).values(state="suppressed", reason=reason, closed_at=now, shown_at=now))
