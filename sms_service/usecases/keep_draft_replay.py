"""Replaying a draft in the background: asked for on a page, taken by the clock process, its counts kept as they grow.

One that was taken and fell silent (its process ended) is taken again from the start: it changes nothing but its own row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from sms_service.models import draft_replays, versions
from sms_service.security.tokens import new_row_id
from sms_service.usecases.context import Context
from sms_service.usecases.draft_replay import DAYS, DraftReplay, replay_in_batches
from sms_service.usecases.faults import UseFault
from sms_service.usecases.read_versions import one_version
from sms_service.usecases.sweep import never

SILENT = timedelta(minutes=2)
"""A replay that has not said how far it is for so long has lost its process."""

SAY_EVERY = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class KeptReplay:
    """The last replay of one version: ``state`` waiting, running, done or failed; times are aware UTC."""

    state: str
    days: int
    asked_by: str
    asked_at: datetime
    finished_at: datetime | None
    result: DraftReplay | None

    @property
    def under_way(self) -> bool:
        return self.state in ("waiting", "running")


def ask_replay(context: Context, name: str, number: int, actor: str) -> None:
    """Have version ``number`` replayed on the last ``DAYS`` days. UseFault when there is no such version, or it is under way."""
    with context.database.begin() as db:
        _, version = one_version(context, db, name, number)
        if version.conversation is None:
            raise UseFault("number", "%(name)s are single texts: no dialogue runs on them", name=name)
        now = context.now(db)
        versions.lock_publications(db)  # of two who ask at once, one waits and is told
        last = draft_replays.latest(db, name, number)
        if last is not None and last.state in ("waiting", "running"):
            raise UseFault("number", "this version is being replayed already; look again in a minute")
        values = {
            "id": new_row_id(),
            "conversation": name,
            "number": number,
            "days": DAYS,
            "state": "waiting",
            "asked_by": actor,
            "asked_at": now,
            "beat_at": now,
        }
        draft_replays.add(db, values)
        context.record(db, actor, "conversation.replay", f"{name} {number}")


def kept_replay(db: Connection, name: str, number: int) -> KeptReplay | None:
    """The last replay of this version, how far it is or what it found."""
    row = draft_replays.latest(db, name, number)
    if row is None:
        return None
    result = DraftReplay.from_json(row.result) if row.result else None
    return KeptReplay(row.state, row.days, row.asked_by, row.asked_at, row.finished_at, result)


def replay_waiting(context: Context, stopping: Callable[[], bool] = never) -> int:
    """Work out what waits, one after another; returns how many were finished. A fault of one marks it failed and is raised."""
    done = 0
    while not stopping() and _replay_next(context, stopping):
        done += 1
    return done


def _replay_next(context: Context, stopping: Callable[[], bool]) -> bool:
    with context.database.begin() as db:
        now = context.now(db)
        row = draft_replays.claim(db, now, now - SILENT)
    if row is None:
        return False
    said = now
    found: DraftReplay | None = None
    try:
        for found in replay_in_batches(context, row.conversation, row.number, row.days):
            if stopping():
                return False  # it falls silent, and the next process takes it
            with context.database.begin() as db:
                now = context.now(db)
                if now - said >= SAY_EVERY:
                    draft_replays.change(db, row.id, beat_at=now, result=found.to_json())
                    said = now
    except Exception:
        with context.database.begin() as db:
            draft_replays.change(db, row.id, state="failed", finished_at=context.now(db))
        raise
    with context.database.begin() as db:
        result = found.to_json() if found is not None else None
        draft_replays.change(db, row.id, state="done", finished_at=context.now(db), result=result)
    return True
