"""What the fence re-reads about a batch of rows just before their calls start (I10): few, set-shaped statements."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Row, func, select

from sms_service import clock
from sms_service.models import broadcasts, directory, harm, numbers, pauses, people, spending, state
from sms_service.models.groups import curriculum, group, membership, programme
from sms_service.models.inbound import inbound
from sms_service.models.meetings import OPEN, meeting
from sms_service.models.outbox import MAY_HAVE_LEFT, outbox
from sms_service.rules.safe_hours import SafeHours, intersect
from sms_service.rules.sending import APART_FROM_MEETING_TEXT, NumberState, Text
from sms_service.rules.timing import PauseWindow
from sms_service.security.vault import Unsealable
from sms_service.text.phone import is_rwandan_mobile
from sms_service.usecases.context import Context

WEEK = timedelta(days=7)
LOOK_AGAIN_SECONDS = 0.05  # the step of a text in takes less
REMEMBRANCE = ("V17", "V17b")
MEETING_TEXTS = ("V3", "V3b", "V4", "V4b", "cancelled")
QUESTION_SET = "question_set"
CHECK_INS = frozenset({"V6", "V7", "V8", "V18", "V19", "campaign_b"})  # personal texts, on the consent to check-ins (S16)
ABOUT_THE_PAST = frozenset({"V5", "V7", "V8", "cancelled"})  # true whatever becomes of the meeting
ASKING = frozenset({"V6", "V7", "V8", "V19", QUESTION_SET})


@dataclass(slots=True)
class Facts:
    """One batch's facts by number, group and meeting; ``members`` holds (group, person) of who is in the group now."""

    numbers: Mapping[int, Row[Any]]
    contacts: dict[int, list[Row[Any]]]
    outbound_on: bool
    held_groups: set[int]
    meetings: dict[int, datetime]
    members: set[tuple[int, int]]
    scheduled: dict[int, int]
    check_ins: dict[int, int]
    near_meeting_text: set[int]
    pauses: Sequence[Row[Any]]
    asked_at: dict[int, datetime]
    directory_ok: bool
    health_ok: bool
    e164: dict[int, str]
    budget_left: bool
    recalled: frozenset[int] = frozenset()
    paused_texts: frozenset[str] = frozenset()
    _windows: dict[int | None, list[PauseWindow]] = field(default_factory=dict)

    def windows(self, group_id: int | None) -> list[PauseWindow]:
        """The pause windows that bind a text of this group."""
        if group_id not in self._windows:
            self._windows[group_id] = windows_for(group_id, self.pauses)
        return self._windows[group_id]


def gather(context: Context, db: Connection, rows: Sequence[Row[Any]], now: datetime) -> Facts:
    """Lock the numbers that are free, share the switch, and read what the rules need for these rows."""
    locked = _locked(db, {row.number_id for row in rows})
    switch = state.share(db)
    ours = [row for row in rows if row.kind != "alert"]
    number_ids = sorted({row.number_id for row in ours})
    contacts: dict[int, list[Row[Any]]] = {}
    if number_ids:
        for contact in people.contact_points_of(db, number_ids):
            contacts.setdefault(contact.number_id, []).append(contact)
    counted = sorted({row.number_id for row in ours if row.kind in ("scheduled", "broadcast")})
    check_ins = sorted({row.number_id for row in ours if row.template == "V6"})
    asking = sorted({row.number_id for row in ours if row.template in ASKING})
    meeting_ids = sorted({row.meeting_id for row in ours if row.meeting_id})
    asked = sorted({row.inbound_id for row in ours if row.inbound_id})
    group_ids = sorted({row.group_id for row in ours if row.group_id})
    broadcast_ids = sorted({row.broadcast_id for row in ours if row.broadcast_id})
    return Facts(
        numbers=locked,
        contacts=contacts,
        outbound_on=switch.outbound_on,
        held_groups=_held_groups(db, group_ids) if group_ids else set(),
        meetings=_open_meetings(db, meeting_ids) if meeting_ids else {},
        members=_members(db, ours, contacts),
        scheduled=_counts(db, counted, now) if counted else {},
        check_ins=_counts(db, check_ins, now, outbox.c.template == "V6") if check_ins else {},
        near_meeting_text=_near_meeting_text(db, asking, now) if asking else set(),
        pauses=pauses.active(db, clock.local(now).date()) if ours else (),
        asked_at=_received(db, asked) if asked else {},
        directory_ok=not any(row.template == "V11" for row in ours) or directory.urgent_numbers(db, now) is not None,
        health_ok=not any(row.template == "V17" for row in ours) or directory.health_line(db, now) is not None,
        e164=_opened(context, locked),
        budget_left=spending.left(db, context.spending, now) > 0,
        recalled=broadcasts.recalled(db, broadcast_ids) if broadcast_ids else frozenset(),
        paused_texts=harm.paused_texts(db) if counted else frozenset(),
    )


def _locked(db: Connection, wanted: set[int]) -> dict[int, Row[Any]]:
    """The numbers of these that can be had; one that somebody holds is looked at twice, and then holds back no other (F13)."""
    found = numbers.lock_free(db, wanted)
    if len(found) < len(wanted):
        time.sleep(LOOK_AGAIN_SECONDS)
        found |= numbers.lock_free(db, wanted - set(found))
    return found


def _opened(context: Context, locked: Mapping[int, Row[Any]]) -> dict[int, str]:
    """The numbers to call; one that no key opens is left out, and holds back no other text."""
    found: dict[int, str] = {}
    for row_id, row in locked.items():
        with suppress(Unsealable):
            found[row_id] = numbers.reveal(context.vault, row)
    return found


def _held_groups(db: Connection, ids: Sequence[int]) -> set[int]:
    """Those of these groups whose texts are held, by their own switch or their programme's (S41)."""
    query = (
        select(group.c.id)
        .join(curriculum, curriculum.c.id == group.c.curriculum_id)
        .join(programme, programme.c.id == curriculum.c.programme_id)
        .where(group.c.id.in_(ids), group.c.outbound_held | programme.c.outbound_held)
    )
    return set(db.execute(query).scalars())


def _open_meetings(db: Connection, ids: Sequence[int]) -> dict[int, datetime]:
    query = select(meeting.c.id, meeting.c.starts_at).where(meeting.c.id.in_(ids), meeting.c.state.in_(OPEN))
    return {row.id: row.starts_at for row in db.execute(query)}


def _members(db: Connection, rows: Sequence[Row[Any]], contacts: Mapping[int, list[Row[Any]]]) -> set[tuple[int, int]]:
    """Who on these phones is in the group whose text waits: a group may be left, and a phone may change hands (T3)."""
    group_ids = {row.group_id for row in rows if _of_group(row)}
    person_ids = sorted({one.person_id for found in contacts.values() for one in found})
    if not group_ids or not person_ids:
        return set()
    # By person alone: asked for groups as well, SQLite tries every group with every person.
    query = select(membership.c.group_id, membership.c.person_id).where(
        membership.c.person_id.in_(person_ids), membership.c.left_at.is_(None)
    )
    return {(row.group_id, row.person_id) for row in db.execute(query) if row.group_id in group_ids}


def _of_group(row: Row[Any]) -> bool:
    """Whether this text is for the members of its group; a broadcast has an audience of its own."""
    return row.group_id is not None and row.kind in ("scheduled", "v4")


def _counts(db: Connection, number_ids: Sequence[int], now: datetime, *where: Any) -> dict[int, int]:
    """Scheduled texts of each number in the rolling 7 days; texts that may have gone out count as gone (S39)."""
    query = (
        select(outbox.c.number_id, func.count())
        .where(
            outbox.c.number_id.in_(number_ids),
            outbox.c.state.in_(MAY_HAVE_LEFT),
            outbox.c.kind.in_(("scheduled", "broadcast")),
            outbox.c.template.not_in(REMEMBRANCE),
            outbox.c.not_before > now - WEEK,
            *where,
        )
        .group_by(outbox.c.number_id)
    )
    return {number: int(count) for number, count in db.execute(query)}


def _near_meeting_text(db: Connection, number_ids: Sequence[int], now: datetime) -> set[int]:
    """Numbers that may have had a text about a meeting within the last 24 h, or will within the next (domain section 9.3)."""
    rows = outbox.c
    gone = rows.state.in_(MAY_HAVE_LEFT) & (rows.not_before >= now - APART_FROM_MEETING_TEXT)
    coming = rows.state.in_(("queued", "reserved")) & (rows.not_before <= now + APART_FROM_MEETING_TEXT)
    mine = (rows.number_id.in_(number_ids), rows.template.in_(MEETING_TEXTS))
    query = select(rows.number_id).where(*mine, gone | coming)
    return set(db.execute(query).scalars())


def _received(db: Connection, ids: Sequence[int]) -> dict[int, datetime]:
    rows = db.execute(select(inbound.c.id, inbound.c.received_at).where(inbound.c.id.in_(ids)))
    return {row.id: row.received_at for row in rows}


def text_of(row: Row[Any], facts: Facts) -> Text:
    """One outbox row as the rules see it."""
    contacts = facts.contacts.get(row.number_id, [])
    number = facts.numbers[row.number_id]
    asked = facts.asked_at.get(row.inbound_id) if row.inbound_id else None
    return Text(
        lane=row.lane,
        kind=row.kind,
        ack=row.template if row.template in ("V10", "V11", "V12", "V14") else "",
        text_class=row.text_class,
        not_before=row.not_before,
        expires_at=row.expires_at,
        meeting_valid=_meeting_stands(row, facts),
        to_shared=not (len(contacts) == 1 and contacts[0].ownership == "own"),
        consent_ok=_consents(row, contacts, facts),
        answers_stop=asked is not None and number.stopped_at is not None and asked >= number.stopped_at,
        directory_ok=(facts.directory_ok or row.template != "V11") and (facts.health_ok or row.template != "V17"),
        check_in=row.template == "V6",
        replaces_week=row.template in REMEMBRANCE,
        near_meeting_text=row.template in ASKING and row.number_id in facts.near_meeting_text,
    )


def _meeting_stands(row: Row[Any], facts: Facts) -> bool:
    """Whether what the text says of its meeting is still so. A reminder ends with the start it names: one planned in the
    moment the meeting was moved names the old start (I11).
    """
    if row.meeting_id is None or row.template in ABOUT_THE_PAST:
        return True
    start = facts.meetings.get(row.meeting_id)
    return start is not None and (row.template not in ("V3", "V3b") or start == row.expires_at)


def _consents(row: Row[Any], contacts: Sequence[Row[Any]], facts: Facts) -> bool:
    """Consent for the text's purpose by someone it is meant for; an own phone must also have opted in (S16)."""
    meant = [one for one in contacts if one.status == "active" and (row.person_id is None or one.person_id == row.person_id)]
    meant = [one for one in meant if not one.outbound_held]
    if _of_group(row):
        meant = [one for one in meant if (row.group_id, one.person_id) in facts.members]
    if row.template == "V1":
        return any(one.may_remind and one.ownership == "own" for one in meant)
    if row.template in CHECK_INS:
        return any(one.may_check_in and one.opted_in_at is not None for one in meant)
    if row.template == QUESTION_SET:
        return any(one.may_learn and one.opted_in_at is not None for one in meant)
    return any(one.may_remind and (one.ownership != "own" or one.opted_in_at is not None) for one in meant)


def number_of(row: Row[Any], facts: Facts) -> NumberState:
    number = facts.numbers[row.number_id]
    return NumberState(
        stopped=number.stopped_at is not None,
        frozen=number.frozen_at is not None,
        network_opt_out=number.network_opt_out_at is not None,
        weekly_scheduled_count=facts.scheduled.get(row.number_id, 0),
        checkins_in_week=facts.check_ins.get(row.number_id, 0),
        foreign=row.kind == "reply" and not is_rwandan_mobile(facts.e164[row.number_id]),  # asked of replies only (T6)
    )


def hours_of(contacts: Sequence[Row[Any]]) -> SafeHours:
    """The safe hours everyone on the number shares (domain section 3)."""
    return _common_hours(tuple(one.safe_hours for one in contacts if one.safe_hours))


@lru_cache(maxsize=4_096)
def _common_hours(written: tuple[str, ...]) -> SafeHours:
    return intersect([SafeHours.parse(one) for one in written])


def windows_for(group_id: int | None, rows: Sequence[Row[Any]]) -> list[PauseWindow]:
    """The pause windows that bind a text of this group: everyone's, and the group's own."""
    return [
        PauseWindow(one.first_day, one.last_day, one.behaviour) for one in rows if one.group_id is None or one.group_id == group_id
    ]
