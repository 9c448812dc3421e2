"""What of a group's written and planned texts will really go, number by number: stops, and the week's cap over all groups (S39).

A number's texts of every group are looked at in the order in which they leave, each as if nobody answered and nothing else changed:
what the fence would drop then is told now, and which phones get no two-day reminder because no minute is allowed. Nothing is
stored, and no clock is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from sms_service import clock
from sms_service.models import groups, meetings, pauses
from sms_service.models.groups import membership
from sms_service.models.numbers import number
from sms_service.models.outbox import MAY_HAVE_LEFT, outbox
from sms_service.models.people import contact_point, person
from sms_service.models.schedules import occurrence
from sms_service.rules.caps import Caps
from sms_service.rules.sending import FROZEN, STOPPED
from sms_service.rules.timing import FIRST_TEXT_BEFORE, reminder_times
from sms_service.usecases.fence_facts import REMEMBRANCE, WEEK, hours_of, windows_for
from sms_service.usecases.meeting_texts import NO_FIRST_MINUTE, agreed_to_reminders, has_no_first_minute, phones_of_meeting

REMINDERS = ("reminder_two_day", "reminder_morning")
_WAITING = ("queued", "reserved")


@dataclass(frozen=True, slots=True)
class Foreseen:
    """One text to come: ``at`` (aware UTC) it leaves, or does not for ``reason``. ``written`` says whether its row is there."""

    number_id: int
    group_id: int
    template: str
    at: datetime
    written: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Text:
    number_id: int
    group_id: int
    template: str
    at: datetime
    lane: int
    place: tuple[datetime, int]
    written: bool
    capped: bool
    reason: str = ""


def foresee(db: Connection, group_id: int, now: datetime, caps: Caps) -> list[Foreseen]:
    """This group's texts to come, by time; those to its phones of other groups count for the week, and are left out."""
    numbers = _numbers_of(db, group_id)
    if not numbers:
        return []
    silent, gone, ahead = _silent(db, numbers), _gone(db, numbers, now), _written(db, numbers)
    for one in _planned(db, group_id, numbers, now):
        ahead.setdefault(one.number_id, []).append(one)
    found: list[Foreseen] = []
    for number_id, texts in ahead.items():
        sent = list(gone.get(number_id, ()))
        for text in sorted(texts, key=lambda one: (one.at, one.lane, one.place)):
            reason = text.reason or silent.get(number_id, "") or (_full(sent, text, caps) if text.capped else "")
            if not reason and text.capped:
                sent.append((text.at, text.template))
            if text.group_id == group_id:
                found.append(Foreseen(number_id, group_id, text.template, text.at, text.written, reason))
    return sorted(found, key=lambda one: (one.at, one.template, one.number_id))


def _full(sent: Iterable[tuple[datetime, str]], text: _Text, caps: Caps) -> str:
    if text.template in REMEMBRANCE:
        return ""
    week = [template for at, template in sent if at > text.at - WEEK and template not in REMEMBRANCE]
    if text.template == "V6" and week.count("V6") >= caps.weekly_check_ins:
        return "weekly check-in cap reached"
    return "weekly cap reached" if len(week) >= caps.weekly_scheduled else ""


def _numbers_of(db: Connection, group_id: int) -> list[int]:
    query = (
        select(contact_point.c.number_id)
        .join(membership, membership.c.person_id == contact_point.c.person_id)
        .join(person, person.c.id == contact_point.c.person_id)
        .where(membership.c.group_id == group_id, membership.c.left_at.is_(None), contact_point.c.ended_at.is_(None))
        .where(person.c.status == "active")
    )
    return sorted(set(db.execute(query).scalars()))


def _silent(db: Connection, numbers: Sequence[int]) -> dict[int, str]:
    query = select(number.c.id, number.c.stopped_at, number.c.network_opt_out_at, number.c.frozen_at)
    found = {}
    for row in db.execute(query.where(number.c.id.in_(numbers))):
        if row.stopped_at is not None:
            found[row.id] = STOPPED
        elif row.network_opt_out_at is not None:
            found[row.id] = "opted out at the network"
        elif row.frozen_at is not None:
            found[row.id] = FROZEN
    return found


def _gone(db: Connection, numbers: Sequence[int], now: datetime) -> dict[int, list[tuple[datetime, str]]]:
    rows = outbox.c
    mine = (rows.number_id.in_(numbers), rows.state.in_(MAY_HAVE_LEFT), rows.kind.in_(("scheduled", "broadcast")))
    found: dict[int, list[tuple[datetime, str]]] = {}
    for row in db.execute(select(rows.number_id, rows.not_before, rows.template).where(*mine, rows.not_before > now - WEEK)):
        found.setdefault(row.number_id, []).append((row.not_before, row.template))
    return found


def _written(db: Connection, numbers: Sequence[int]) -> dict[int, list[_Text]]:
    rows = outbox.c
    mine = (rows.number_id.in_(numbers), rows.state.in_(_WAITING), rows.kind.in_(("scheduled", "broadcast", "v4")))
    columns = (rows.id, rows.created_at, rows.number_id, rows.group_id, rows.template, rows.not_before, rows.lane, rows.kind)
    found: dict[int, list[_Text]] = {}
    for row in db.execute(select(*columns).where(*mine)):
        text = _Text(
            row.number_id,
            row.group_id or 0,
            row.template,
            row.not_before,
            row.lane,
            (row.created_at, row.id),
            True,
            row.kind != "v4",
        )
        found.setdefault(row.number_id, []).append(text)
    return found


def _planned(db: Connection, group_id: int, numbers: Sequence[int], now: datetime) -> list[_Text]:
    """Reminders not written yet, of this group and of every other whose people are on its phones; of this group also those that
    never will be, for want of an allowed minute, until the meeting.
    """
    due = occurrence.c
    beside = (
        select(membership.c.group_id)
        .join(contact_point, contact_point.c.person_id == membership.c.person_id)
        .where(contact_point.c.number_id.in_(numbers), contact_point.c.ended_at.is_(None), membership.c.left_at.is_(None))
    )
    unfired = due.state == "pending"
    own = (due.group_id == group_id) & (due.kind == REMINDERS[0]) & (due.state == "fired") & (due.expires_at > now)
    query = select(due.id, due.meeting_id, due.kind, due.due_at, due.state).where(
        due.group_id.in_(beside), due.kind.in_(REMINDERS), unfired | own
    )
    kinds: dict[int, dict[str, Any]] = {}
    for row in db.execute(query):
        pending = kinds.setdefault(row.meeting_id, {})
        if row.state == "pending":
            pending[row.kind] = row
    windows = pauses.active(db, clock.local(now).date())
    wanted, texts = set(numbers), []
    for meeting_id, pending in kinds.items():
        found = meetings.get(db, meeting_id)
        if found is not None and found.state in meetings.OPEN and not _closed(db, found.group_id):
            texts += [one for one in _reminders(db, found, pending, windows, now) if one.number_id in wanted]
    return texts


def _closed(db: Connection, group_id: int) -> bool:
    query = select(groups.group.c.id).where(groups.group.c.id == group_id, groups.group.c.state == "closed")
    return db.execute(query).first() is not None


def _reminders(db: Connection, found: Row[Any], pending: dict[str, Any], windows: Sequence[Row[Any]], now: datetime) -> list[_Text]:
    texts = []
    mine = windows_for(found.group_id, windows)
    for contacts, everyone in phones_of_meeting(db, found):
        if not agreed_to_reminders(contacts):
            continue
        asked = len(everyone) == 1 and contacts[0].ownership == "own"
        if has_no_first_minute(found, everyone, mine):
            texts.append(_never(contacts[0].number_id, found))
        both = reminder_times(found.starts_at, now, hours_of(everyone), mine)
        for kind, at in zip(REMINDERS, both, strict=True):
            # its occurrence fires after this minute: the phone's hours and the pauses leave none, and no text is written
            if kind in pending and at is not None and at >= pending[kind].due_at:
                template = "V3" if asked else "V3b"
                texts.append(
                    _Text(
                        contacts[0].number_id,
                        found.group_id,
                        template,
                        at,
                        2,
                        (pending[kind].due_at, pending[kind].id),
                        False,
                        True,
                    )
                )
    return texts


def _never(number_id: int, found: Row[Any]) -> _Text:
    """The two-day reminder that this phone cannot get, where it would stand: 48 h before."""
    at = found.starts_at - FIRST_TEXT_BEFORE
    return _Text(number_id, found.group_id, "V3", at, 2, (at, found.id), False, False, NO_FIRST_MINUTE)
