"""Broadcasts: written by one person, approved by another, sent after a wait, recallable (S40)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from sms_service.models import broadcasts, staff
from sms_service.models.broadcasts import broadcast, broadcast_text
from sms_service.models.groups import group
from sms_service.models.outbox import cancel_queued, counts_by_state, outbox, waiting_of_broadcast
from sms_service.rules.roles import allows, may_approve
from sms_service.security.tokens import new_code, new_row_id
from sms_service.text.gsm import Segments, segments
from sms_service.usecases.broadcast_audience import Audience, count_audience
from sms_service.usecases.broadcast_lint import lint_texts
from sms_service.usecases.context import Context
from sms_service.usecases.faults import UseFault
from sms_service.usecases.find import already_made, group_named, once_id, staff_named

LIFE = timedelta(hours=24)
MOST_GROUPS = 200
RECALLED_AT_ONCE = 1_000
RECALLABLE = ("draft", "waiting", "approved", "sending", "done")


@dataclass(frozen=True, slots=True)
class Preview:
    """What author and approver see before anything is sent: audience, exclusions with reasons, words, parts and
    cost.
    """

    texts: Mapping[str, str]
    counted: Mapping[str, Segments]
    languages: Mapping[str, int]
    recipients: int
    excluded: Mapping[str, int]
    segments: int
    cost: float
    groups: tuple[str, ...]


def draft_broadcast(
    context: Context, author: str, group_codes: Sequence[str], texts: Mapping[str, str], once: int | None = None
) -> str:
    """Keep a draft by staff ``author`` (code or login) for these groups; returns its code (B and digits).

    ``texts`` holds rw, fr, en and sw, each linted. Raises ``UseFault`` naming every field (groups, text_rw ...).
    """
    row_id = once_id(once)
    with context.database.begin() as db:
        if already_made(db, "broadcast", row_id):
            return str(db.execute(select(broadcast.c.code).where(broadcast.c.id == row_id)).scalar_one())
        writer = staff_named(db, author, "author")
        _need_permission(db, writer, "write_broadcast", "author")
        group_ids = [group_named(db, code).id for code in dict.fromkeys(one.strip().upper() for one in group_codes)]
        if not 1 <= len(group_ids) <= MOST_GROUPS:
            raise UseFault("group", "choose between 1 and %(most)s groups", most=MOST_GROUPS)
        made = lint_texts(context, db, texts, context.now(db))
    figures = _figures(context, made, count_audience(context, group_ids))
    with context.database.begin() as db:
        now = context.now(db)
        if already_made(db, "broadcast", row_id):
            return str(db.execute(select(broadcast.c.code).where(broadcast.c.id == row_id)).scalar_one())
        code = _free_code(db)
        db.execute(
            insert(broadcast).values(
                id=row_id,
                code=code,
                author_id=writer.id,
                group_ids=group_ids,
                state="draft",
                one_group=len(group_ids) == 1,
                expanded_to=0,
                created_at=now,
                **figures,
            )
        )
        for language, text in made.items():
            text_id = new_row_id()
            sealed = context.vault.seal("broadcast_text", "body", text_id, text)
            db.execute(insert(broadcast_text).values(id=text_id, broadcast_id=row_id, language=language, body=sealed))
        context.record(db, writer.code, "broadcast.draft", code)
        return code


def _need_permission(db: Connection, who: Any, permission: str, field: str) -> None:
    if not allows(staff.roles_of(db, who.id), permission):
        raise UseFault(field, "%(code)s may not do this; ask someone with the role", code=who.code)


def _figures(context: Context, texts: Mapping[str, str], audience: Audience) -> dict[str, Any]:
    parts = sum(segments(texts[language]).parts * count for language, count in audience.languages.items())
    return {
        "recipients": audience.recipients,
        "languages": audience.languages,
        "excluded": audience.excluded,
        "segments": parts,
        "cost": round(parts * context.price_per_segment, 2),
    }


def _free_code(db: Connection) -> str:
    for digits in (4, 4, 4, 5, 6):
        drawn = new_code("B", digits)
        if broadcasts.by_code(db, drawn) is None:
            return drawn
    raise UseFault("broadcast", "no free code could be drawn; try again")


def texts_of(context: Context, db: Connection, broadcast_id: int) -> dict[str, str]:
    """The words of a broadcast, opened, by language in the fixed order."""
    rows = broadcasts.texts_of(db, broadcast_id)
    opened = {row.language: context.vault.open("broadcast_text", "body", row.id, row.body) for row in rows}
    return {language: opened[language] for language in dict.fromkeys((*context.languages, *opened)) if language in opened}


def preview_broadcast(context: Context, db: Connection, code: str) -> Preview:
    """The broadcast with its figures as they were counted last: when drafted, handed in or approved. Raises ``UseFault`` for an
    unknown code.
    """
    row = broadcast_named(db, code)
    texts = texts_of(context, db, row.id)
    codes = db.execute(select(group.c.code).where(group.c.id.in_(row.group_ids)).order_by(group.c.code)).scalars()
    return Preview(
        texts=texts,
        counted={language: segments(text) for language, text in texts.items()},
        groups=tuple(codes),
        recipients=row.recipients,
        languages=row.languages or {},
        excluded=row.excluded,
        segments=row.segments,
        cost=row.cost,
    )


def broadcast_named(db: Connection, code: str, *, lock: bool = False) -> Row[Any]:
    """The broadcast of this code, or a fault on ``broadcast``; ``lock`` keeps approval, expansion and recall apart."""
    query = select(broadcast).where(broadcast.c.code == code.strip().upper())
    row = db.execute(query.with_for_update() if lock else query).first()
    if row is None:
        raise UseFault("broadcast", "there is no broadcast %(code)s; check the code", code=code.strip()[:12])
    return row


def submit_broadcast(context: Context, code: str, actor: str) -> str:
    """The author hands the draft in; returns the new state.

    For one group no second person is needed: it starts after the wait, linted again. For more it waits for approval
    (S40).
    """
    with context.database.begin() as db:
        row = broadcast_named(db, code)
        _need_author(db, row, staff_named(db, actor))
    audience = count_audience(context, row.group_ids)
    with context.database.begin() as db:
        row, who, now = broadcast_named(db, code, lock=True), staff_named(db, actor), context.now(db)
        _need_author(db, row, who)
        if row.one_group:
            _start(context, db, row, audience, None, now)
            state = "approved"
        else:
            broadcasts.change(db, row.id, state="waiting", **_figures(context, texts_of(context, db, row.id), audience))
            state = "waiting"
        context.record(db, who.code, "broadcast.submit", row.code)
        return state


def _need_author(db: Connection, row: Any, who: Any) -> None:
    _need_permission(db, who, "write_broadcast", "actor")
    if who.id != row.author_id:
        raise UseFault("actor", "only the author can hand in a draft")
    if row.state != "draft":
        raise UseFault("broadcast", "this broadcast has been handed in already")


def approve_broadcast(context: Context, code: str, actor: str) -> datetime:
    """A second person approves; returns when sending starts (aware UTC). Raises ``UseFault``: author, role, state,
    lint.
    """
    with context.database.begin() as db:
        row = broadcast_named(db, code)
        _need_approver(db, row, staff_named(db, actor))
    audience = count_audience(context, row.group_ids)
    with context.database.begin() as db:
        row, who, now = broadcast_named(db, code, lock=True), staff_named(db, actor), context.now(db)
        _need_approver(db, row, who)
        starts_at = _start(context, db, row, audience, who.id, now)
        context.record(db, who.code, "broadcast.approve", row.code)
    context.nudge("expand_broadcast", row.id)
    return starts_at


def _need_approver(db: Connection, row: Any, who: Any) -> None:
    if row.state not in ("draft", "waiting"):
        raise UseFault("broadcast", "this broadcast does not wait for approval")
    author = staff.get(db, row.author_id)
    if author is not None and not may_approve(staff.roles_of(db, who.id), who.code, author.code):
        raise UseFault("actor", "staff or safeguarding approve a broadcast, and never its author (S40)")


def _start(context: Context, db: Connection, row: Any, audience: Audience, approver_id: int | None, now: datetime) -> datetime:
    texts = lint_texts(context, db, texts_of(context, db, row.id), now)
    figures = _figures(context, texts, audience)
    if not figures["recipients"]:
        raise UseFault("broadcast", "nobody can receive this: every number is left out, see the reasons")
    starts_at = now + timedelta(seconds=context.broadcast_delay_seconds)
    broadcasts.change(
        db,
        row.id,
        state="approved",
        approver_id=approver_id,
        approved_at=now,
        starts_at=starts_at,
        expires_at=starts_at + LIFE,
        **figures,
    )
    return starts_at


def refuse_broadcast(context: Context, code: str, actor: str) -> None:
    """A second person refuses what waits for approval; the author may write another."""
    with context.database.begin() as db:
        row, who = broadcast_named(db, code, lock=True), staff_named(db, actor)
        _need_permission(db, who, "approve_broadcast", "actor")
        if row.state != "waiting":
            raise UseFault("broadcast", "this broadcast does not wait for approval")
        broadcasts.change(db, row.id, state="refused", finished_at=context.now(db))
        context.record(db, who.code, "broadcast.refuse", row.code)


def recall_broadcast(context: Context, code: str, actor: str) -> int:
    """Stop what has not been handed over yet; returns how many queued texts were cancelled (S40).

    From the first commit on the fence lets no further text start and nothing more is written; then the texts that wait are
    cancelled in chunks. Should that be cut short, each is met by the fence.
    """
    with context.database.begin() as db:
        row, who, now = broadcast_named(db, code, lock=True), staff_named(db, actor), context.now(db)
        _need_permission(db, who, "write_broadcast", "actor")
        if row.state not in RECALLABLE:
            raise UseFault("broadcast", "this broadcast was recalled or refused already")
        broadcasts.change(db, row.id, state="recalled", finished_at=now)
        context.record(db, who.code, "broadcast.recall", row.code)
    stopped = 0
    while True:
        with context.database.begin() as db:
            ids = waiting_of_broadcast(db, row.id, RECALLED_AT_ONCE)
            stopped += cancel_queued(db, context.now(db), "recalled", outbox.c.id.in_(ids)) if ids else 0
        if len(ids) < RECALLED_AT_ONCE:
            return stopped
        context.database.give_way()


def progress_of(db: Connection, broadcast_id: int) -> dict[str, int]:
    """Its outbox rows by state."""
    return counts_by_state(db, outbox.c.broadcast_id == broadcast_id)


def latest_broadcasts(db: Connection, limit: int = 50) -> Sequence[Row[Any]]:
    """Newest first, with author's and approver's codes."""
    author, approver = staff.staff.alias("author"), staff.staff.alias("approver")
    query = (
        select(broadcast, author.c.code.label("author"), approver.c.code.label("approver"))
        .join(author, author.c.id == broadcast.c.author_id)
        .outerjoin(approver, approver.c.id == broadcast.c.approver_id)
        .order_by(broadcast.c.created_at.desc(), broadcast.c.id.desc())
        .limit(limit)
    )
    return db.execute(query).all()


def preview_texts(context: Context, author: str, group_codes: Sequence[str], texts: Mapping[str, str]) -> Preview:
    """What a draft of these texts would be, linted, without keeping anything. Raises ``UseFault`` as the draft
    would.
    """
    with context.database.begin() as db:
        writer = staff_named(db, author, "author")
        _need_permission(db, writer, "write_broadcast", "author")
        codes = tuple(dict.fromkeys(one.strip().upper() for one in group_codes))
        linted = lint_texts(context, db, texts, context.now(db))
        group_ids = [group_named(db, code).id for code in codes]
    return Preview(
        texts=linted,
        counted={language: segments(text) for language, text in linted.items()},
        groups=codes,
        **_figures(context, linted, count_audience(context, group_ids)),
    )


def author_code(db: Connection, broadcast_id: int) -> str:
    """The staff code of who wrote it."""
    query = select(staff.staff.c.code).join(broadcast, broadcast.c.author_id == staff.staff.c.id)
    return str(db.execute(query.where(broadcast.c.id == broadcast_id)).scalar_one())
