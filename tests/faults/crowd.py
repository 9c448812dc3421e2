"""Crowds: groups of many people made at once, and broadcasts to them, written and handed in as staff do."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import select

from sms_service.models.groups import group
from sms_service.usecases.broadcasts import broadcast_named, draft_broadcast, submit_broadcast
from tests.bench.seed import add_members
from tests.faults.service import CANARY, RunningService


@dataclass(frozen=True, slots=True)
class Crowd:
    """A group and its members: E.164 numbers by the row ids of the numbers."""

    code: str
    phones: dict[int, str]


@dataclass(frozen=True, slots=True)
class Announced:
    """A broadcast on its way. Its one text names ``tag``, so that the gateway's record can be joined to it."""

    row_id: int
    code: str
    tag: str


def gather(service: RunningService, code: str, count: int, *, first: int = 0) -> Crowd:
    """A group of ``count`` people who agreed to be written to; their phones are +25078 and seven digits from ``first`` on."""
    service.site.group(code, first_day=None)
    with service.context.database.begin() as db:
        group_id = db.execute(select(group.c.id).where(group.c.code == code)).scalar_one()
        ids, _ = add_members(service.context, db, group_id, count, first=first, name=f"{CANARY} Nyirabizimana")
    return Crowd(code, {row_id: f"+25078{first + place:07d}" for place, row_id in enumerate(ids)})


def announce(service: RunningService, author: str, crowd: Crowd, tag: str) -> Announced:
    """``author`` (a staff code) writes a broadcast to one group and hands it in; it starts at once."""
    context = replace(service.context, broadcast_delay_seconds=0)
    text = f"Servas: {CANARY} {tag} inama ni ejo saa munani."
    code = draft_broadcast(context, author, [crowd.code], dict.fromkeys(context.languages, text))
    submit_broadcast(context, code, author)
    with context.database.begin() as db:
        return Announced(broadcast_named(db, code).id, code, tag)
