"""What the console says on every page and on its first one: counts and clocks, never words or names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select

from sms_service import clock
from sms_service.models import rota, state
from sms_service.models.concerns import open_red_count
from sms_service.models.dials import dial
from sms_service.models.groups import group
from sms_service.models.inbound import count_for_a_person, inbound, oldest_waiting
from sms_service.models.meetings import OPEN as OPEN_MEETINGS
from sms_service.models.meetings import meeting
from sms_service.models.outbox import counts_by_state, outbox
from sms_service.models.people import person
from sms_service.usecases import unanswered
from sms_service.usecases.concerns import open_count
from sms_service.usecases.sign_in import SignedIn
from sms_service.usecases.unmatched_reports import waiting_count

SMALLEST_COUNT = 5  # S34: a smaller cell is not shown in reports


@dataclass(frozen=True, slots=True)
class Frame:
    """The facts behind the banners and the menu's number."""

    now: datetime
    red: int
    open_concerns: int
    outbound_on: bool
    on_duty: bool
    channel_paused: bool


def read_frame(db: Connection, now: datetime, me: SignedIn | None) -> Frame:
    """The frame's facts; ``now`` is the service's time, the menu counts only the concerns that ``me`` may see."""
    switch = state.read(db)
    paused = db.execute(select(state.channel.c.paused_at).where(state.channel.c.name == "sms")).scalar()
    return Frame(
        now=now,
        red=open_red_count(db),
        open_concerns=open_count(db, me) if me is not None else 0,
        outbound_on=bool(switch.outbound_on),
        on_duty=bool(rota.on_duty(db, now)),
        channel_paused=paused is not None,
    )


@dataclass(frozen=True, slots=True)
class Today:
    """The first page. ``texts`` counts today's outgoing texts by state; ``oldest_waiting`` is an inbound text's arrival."""

    meetings: Sequence[Any]
    texts: dict[str, int]
    received: int
    dials: int
    oldest_waiting: datetime | None
    needs_person: int
    unknown: int
    unmatched: int
    last_tick: datetime | None


def today(db: Connection, now: datetime) -> Today:
    """Counts of the local day so far and the meetings of the next seven days."""
    midnight = clock.local(now).replace(hour=0, minute=0, second=0, microsecond=0)
    upcoming = (
        select(meeting.c.no, meeting.c.starts_at, meeting.c.state, group.c.code, group.c.neutral_name)
        .join(group, group.c.id == meeting.c.group_id)
        .where(meeting.c.starts_at > now, meeting.c.starts_at < now + timedelta(days=7), meeting.c.state.in_(OPEN_MEETINGS))
    )
    day = inbound.c.received_at >= midnight
    from_turns = select(func.count()).select_from(dial).where(dial.c.opened_at >= midnight)
    return Today(
        meetings=db.execute(upcoming.order_by(meeting.c.starts_at).limit(8)).all(),
        texts=counts_by_state(db, outbox.c.shown_at >= midnight, outbox.c.kind != "alert"),
        received=int(db.execute(select(func.count()).select_from(inbound).where(day)).scalar_one()),
        dials=int(db.execute(from_turns).scalar_one()),
        oldest_waiting=oldest_waiting(db),
        needs_person=count_for_a_person(db),
        unknown=unanswered.waiting_count(db),
        unmatched=waiting_count(db, now),
        last_tick=state.read(db).last_tick_at,
    )


def _count(db: Connection, *where: Any) -> int:
    return int(db.execute(select(func.count()).select_from(inbound).where(*where)).scalar_one())


@dataclass(frozen=True, slots=True)
class Counts:
    """Figures for readers of counts: None stands for a figure below 5, which is not shown (S34)."""

    groups: int | None
    women: int | None
    men: int | None
    texts_week: int | None
    replies_week: int | None


def counts(db: Connection, now: datetime) -> Counts:
    """The programme in a few figures, small ones left out.

    Women and men are left out together when either is small, so that neither follows from the other (T21).
    """
    week = now - timedelta(days=7)
    by_sex = {
        sex: int(n)
        for sex, n in db.execute(
            select(person.c.sex, func.count())
            .where(person.c.status == "active", person.c.kind != "facilitator")
            .group_by(person.c.sex)
        )
    }
    women, men = by_sex.get("F", 0), by_sex.get("M", 0)
    shown = min(women, men) >= SMALLEST_COUNT
    running = db.execute(select(func.count()).select_from(group).where(group.c.state == "running")).scalar_one()
    out = db.execute(
        select(func.count()).select_from(outbox).where(outbox.c.shown_at >= week, outbox.c.kind != "alert")
    ).scalar_one()
    return Counts(
        groups=_shown(int(running)),
        women=women if shown else None,
        men=men if shown else None,
        texts_week=_shown(int(out)),
        replies_week=_shown(_count(db, inbound.c.received_at >= week)),
    )


def _shown(count: int) -> int | None:
    return count if count >= SMALLEST_COUNT else None
