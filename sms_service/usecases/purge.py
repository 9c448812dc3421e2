"""Retention: what is over is counted and goes, a little at a time, class by class, and the audit says how much (S33, F47).

Every step is a short transaction that takes rows nobody holds: on SQLite some 30 ms of everybody's file, on PostgreSQL rows skipped
when somebody has them. Ended anywhere, the next run goes on from there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, Table, delete, exists, func, or_, select, update

from sms_service.models import concerns, findings
from sms_service.models.broadcasts import broadcast, broadcast_text
from sms_service.models.concerns import concern, concern_note
from sms_service.models.dialogues import dialogue, dialogue_event, response
from sms_service.models.dials import dial, turn
from sms_service.models.draft_replays import draft_replay
from sms_service.models.groups import group, membership
from sms_service.models.harm import harm
from sms_service.models.inbound import inbound
from sms_service.models.outbox import FINAL, outbox, parked_report
from sms_service.models.people import consent, person
from sms_service.models.referrals import referral
from sms_service.models.staff import login, signin_failure, signin_link
from sms_service.models.suppressions import suppression
from sms_service.usecases.context import Context
from sms_service.usecases.erase import begun, finish_begun, finish_waiting, waiting
from sms_service.usecases.overwrite import overwrite_deleted
from sms_service.usecases.remove_texts import remove_dials, remove_texts_in, remove_texts_out

FIRST_STEP, MOST_A_STEP = 50, 500
STEP_SECONDS = {"postgresql": 0.25, "sqlite": 0.03}
SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Part:
    """One kind of row: ``over(now)`` chooses those that may go, ``remove`` takes some of them, by id, in the caller's transaction.

    ``period`` is the class of ``rules.retention`` whose time it is.
    """

    name: str
    period: str
    over: Callable[[Context, datetime], Select[Any]]
    remove: Callable[[Connection, Sequence[int]], int]


def due(context: Context) -> dict[str, int]:
    """How many rows of each part are over now; nothing is changed."""
    with context.database.begin() as db:
        now = context.now(db)
        counts = {
            part.name: int(db.execute(select(func.count()).select_from(part.over(context, now).subquery())).scalar_one())
            for part in PARTS
        }
        return {"people": len({*begun(db), *waiting(context, db, now)}), **counts}


def purge(context: Context, stopping: Callable[[], bool] = lambda: False) -> dict[str, int]:
    """Let everything go that is over; returns how many rows of each part did. Each part's count is in the audit (I17)."""
    done = {"people": finish_begun(context, SERVICE) + finish_waiting(context, SERVICE, stopping)}
    for part in PARTS:
        count = _part(context, part, stopping)
        if count:
            with context.database.begin() as db:
                context.record(db, SERVICE, "retention.purge", part.name, f"{count} rows")
        done[part.name] = count
    if not stopping():
        with context.database.begin() as db:
            findings.note(db, findings.RETENTION, context.now(db), ok=True, figure=sum(done.values()))
    return done


def purge_by_itself(context: Context, stopping: Callable[[], bool]) -> bool:
    """Once a day, as the clock process does it; erasures that were cut off are finished each time. True when it ran."""
    finish_begun(context, SERVICE)
    with context.database.begin() as db:
        last = findings.found(db).get(findings.RETENTION)
        now = context.now(db)
    if last is not None and (now - last.found_at).total_seconds() < 23 * 3600:
        return False
    purge(context, stopping)
    return True


def _part(context: Context, part: Part, stopping: Callable[[], bool]) -> int:
    """Take one part in steps as large as fit the time a step may hold the file."""
    done, size = 0, FIRST_STEP
    aim = STEP_SECONDS[context.database.engine.dialect.name]
    while not stopping():
        started = time.monotonic()
        with context.database.begin() as db:
            overwrite_deleted(db)
            chosen = part.over(context, context.now(db)).limit(size).with_for_update(skip_locked=True)
            ids = list(db.execute(chosen).scalars())
            removed = part.remove(db, ids) if ids else 0
        done += removed
        if not ids:
            break
        took = time.monotonic() - started
        size = max(5, min(MOST_A_STEP, int(size * min(2.0, aim / max(took, 0.001)))))
        context.database.give_way()
    return done


# which rows


def _texts_out(context: Context, now: datetime) -> Select[Any]:
    """A text still on its way is not over, nor one in doubt that nobody has decided about (I8, I9)."""
    rows = outbox.c
    ended = or_(rows.state.in_((*FINAL, "accepted")), (rows.state == "unknown") & rows.closed_at.is_not(None))
    return select(rows.id).where(rows.shown_at < context.periods.over("texts", now), ended).order_by(rows.shown_at)


def _texts_in(context: Context, now: datetime) -> Select[Any]:
    """Not what nobody has processed, nor the words of a concern that is open, nor what a text still there answers."""
    rows = inbound.c
    open_concern = exists().where(concern.c.inbound_id == rows.id, concern.c.state.in_(concerns.OPEN))
    answer = exists().where(outbox.c.inbound_id == rows.id)
    query = select(rows.id).where(rows.received_at < context.periods.over("texts", now), rows.state == "done")
    return query.where(~open_concern, ~answer).order_by(rows.received_at)


def _dials(context: Context, now: datetime) -> Select[Any]:
    rows = dial.c
    needed = select(turn.c.dial_id).join(concern, concern.c.turn_id == turn.c.id).where(concern.c.state.in_(concerns.OPEN))
    query = select(rows.id).where(rows.opened_at < context.periods.over("texts", now), rows.state != "open")
    return query.where(rows.id.not_in(needed)).order_by(rows.opened_at)


def _broadcast_texts(context: Context, now: datetime) -> Select[Any]:
    last = func.coalesce(broadcast.c.finished_at, broadcast.c.created_at)  # one that was paused or waited ends long after
    ended = broadcast.c.state.in_(("done", "recalled", "refused")) & (last < context.periods.over("texts", now))
    return select(broadcast_text.c.id).where(broadcast_text.c.broadcast_id.in_(select(broadcast.c.id).where(ended)))


def _reports(context: Context, now: datetime) -> Select[Any]:
    return select(parked_report.c.id).where(parked_report.c.received_at < context.periods.over("reports", now))


def _closed_long_ago(context: Context, now: datetime) -> Select[Any]:
    """People all of whose groups have been closed for the time of their answers."""
    mine = select(group.c.id).join(membership, membership.c.group_id == group.c.id)
    mine = mine.where(membership.c.person_id == person.c.id)
    still = mine.where(or_(group.c.closed_at.is_(None), group.c.closed_at >= context.periods.over("answers", now)))
    return select(person.c.id).where(mine.exists(), ~still.exists())


def _answers(context: Context, now: datetime) -> Select[Any]:
    return select(dialogue.c.id).where(
        dialogue.c.person_id.in_(_closed_long_ago(context, now)),
        dialogue.c.state.in_(("done", "closed")),
        dialogue.c.opened_at < context.periods.over("answers", now),
        ~exists().where(outbox.c.dialogue_id == dialogue.c.id),
    )


def _notes(context: Context, now: datetime) -> Select[Any]:
    over = (concern.c.state == "closed") & (concern.c.closed_at < context.periods.over("notes", now))
    return select(concern_note.c.id).where(concern_note.c.concern_id.in_(select(concern.c.id).where(over)))


def _decisions(context: Context, now: datetime) -> Select[Any]:
    over = (concern.c.state == "closed") & (concern.c.closed_at < context.periods.over("notes", now))
    query = select(referral.c.id).where(referral.c.decision.is_not(None))
    return query.where(referral.c.concern_id.in_(select(concern.c.id).where(over)))


def _harm(context: Context, now: datetime) -> Select[Any]:
    return select(harm.c.id).where(harm.c.note.is_not(None), harm.c.reviewed_at < context.periods.over("notes", now))


def _consents(context: Context, now: datetime) -> Select[Any]:
    """From the erasure, which the suppression journal dates: until then they are what allows each text (S16)."""
    over = (suppression.c.kind == "erasure", suppression.c.at < context.periods.over("consents", now))
    named = select(suppression.c.person_code).where(*over, suppression.c.person_code.is_not(None))
    gone = select(person.c.id).where(person.c.status == "erased", person.c.code.in_(named))
    return select(consent.c.id).where(consent.c.person_id.in_(gone), consent.c.at < context.periods.over("consents", now))


def _replays(context: Context, now: datetime) -> Select[Any]:
    return select(draft_replay.c.id).where(draft_replay.c.asked_at < context.periods.over("replays", now))


def _logins(context: Context, now: datetime) -> Select[Any]:
    return select(login.c.id).where(login.c.active_at < context.periods.over("sign_ins", now))


def _links(context: Context, now: datetime) -> Select[Any]:
    return select(signin_link.c.id).where(signin_link.c.expires_at < context.periods.over("sign_ins", now))


def _failures(context: Context, now: datetime) -> Select[Any]:
    return select(signin_failure.c.id).where(signin_failure.c.at < context.periods.over("sign_ins", now))


# how they go


def _delete(table: Table) -> Callable[[Connection, Sequence[int]], int]:
    return lambda db, ids: db.execute(delete(table).where(table.c.id.in_(ids))).rowcount


def _blank(table: Table, column: str) -> Callable[[Connection, Sequence[int]], int]:
    return lambda db, ids: db.execute(update(table).where(table.c.id.in_(ids)).values({column: None})).rowcount


def _delete_dialogues(db: Connection, ids: Sequence[int]) -> int:
    for table in (response, dialogue_event):
        db.execute(delete(table).where(table.c.dialogue_id.in_(ids)))
    db.execute(update(referral).where(referral.c.dialogue_id.in_(ids)).values(dialogue_id=None))
    db.execute(update(inbound).where(inbound.c.dialogue_id.in_(ids)).values(dialogue_id=None))
    return db.execute(delete(dialogue).where(dialogue.c.id.in_(ids))).rowcount


PARTS: tuple[Part, ...] = (
    Part("texts_out", "texts", _texts_out, remove_texts_out),
    Part("texts_in", "texts", _texts_in, remove_texts_in),
    Part("dials", "texts", _dials, remove_dials),
    Part("broadcast_texts", "texts", _broadcast_texts, _delete(broadcast_text)),
    Part("reports", "reports", _reports, _delete(parked_report)),
    Part("answers", "answers", _answers, _delete_dialogues),
    Part("notes", "notes", _notes, _delete(concern_note)),
    Part("decisions", "notes", _decisions, _blank(referral, "decision")),
    Part("harm_notes", "notes", _harm, _blank(harm, "note")),
    Part("consents", "consents", _consents, _delete(consent)),
    Part("replays", "replays", _replays, _delete(draft_replay)),
    Part("logins", "sign_ins", _logins, _delete(login)),
    Part("links", "sign_ins", _links, _delete(signin_link)),
    Part("failures", "sign_ins", _failures, _delete(signin_failure)),
)
