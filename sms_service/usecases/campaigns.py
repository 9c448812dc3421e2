"""Campaigns: written by one person, approved by another, sent once to each person at their moment; paused, resumed, ended (S40)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, insert, select, update

from sms_service import clock
from sms_service.models import campaigns, staff
from sms_service.models.campaigns import campaign, campaign_text
from sms_service.models.groups import group, programme
from sms_service.models.outbox import cancel_queued, outbox
from sms_service.models.schedules import occurrence
from sms_service.rules.roles import allows, may_approve
from sms_service.security.tokens import new_code, new_row_id
from sms_service.usecases.broadcast_audience import Audience, audience_of
from sms_service.usecases.broadcast_lint import lint_texts
from sms_service.usecases.campaign_schedule import groups_of, moments, plan_campaign, still_right, texts_of, whom_of
from sms_service.usecases.context import Context
from sms_service.usecases.faults import Faults, UseFault
from sms_service.usecases.find import already_made, group_named, once_id, staff_named

ANCHORS: Final = ("date", "enrolled", "closed", "before_meeting", "after_meeting")
PARTS: Final = ("", "member", "partner")
MOST_DAYS = 730
MOST_GROUPS = 200
SHOWN = 5
PAUSED = "campaign paused"
ENDED = "campaign ended"


@dataclass(frozen=True, slots=True)
class NewCampaign:
    """A campaign as a form gives it. ``programme`` (a code) means all its groups, else those of ``group_codes``.

    ``anchor``: date (``on_day``, local), or ``days`` after enrolment or closing, before or after meeting ``meeting_no``. ``part``:
    member, partner or empty for both. ``text_class``: A, or B for own phones with consent to check-ins (S3).
    """

    texts: Mapping[str, str]
    anchor: str
    text_class: str = "A"
    programme: str = ""
    group_codes: Sequence[str] = ()
    part: str = ""
    on_day: date | None = None
    days: int | None = None
    meeting_no: int | None = None


@dataclass(frozen=True, slots=True)
class View:
    """What author and approver see: words, audience as of today with exclusions by reason, and the next moments by group code."""

    row: Any
    texts: Mapping[str, str]
    audience: Audience
    groups: tuple[str, ...]
    next: Sequence[tuple[datetime, str]]
    progress: Mapping[str, int]
    author: str


def write_campaign(context: Context, new: NewCampaign, author: str, once: int | None = None) -> str:
    """Keep a campaign that waits for approval; returns its code (K and digits). Raises ``UseFault`` naming every field."""
    with context.database.begin() as db:
        now = context.now(db)
        row_id = once_id(once)
        if already_made(db, "campaign", row_id):
            return str(db.execute(select(campaign.c.code).where(campaign.c.id == row_id)).scalar_one())
        writer = staff_named(db, author, "author")
        _need(db, writer, "write_broadcast")
        programme_id, group_ids = _check(db, new, clock.local(now).date())
        made = lint_texts(context, db, new.texts, now)
        code = _free_code(db)
        db.execute(
            insert(campaign).values(
                id=row_id,
                code=code,
                author_id=writer.id,
                state="waiting",
                text_class=new.text_class,
                programme_id=programme_id,
                group_ids=group_ids,
                part=new.part,
                anchor=new.anchor,
                on_day=new.on_day if new.anchor == "date" else None,
                days=0 if new.anchor == "date" else new.days,
                meeting_no=new.meeting_no if new.anchor.endswith("_meeting") else None,
                created_at=now,
            )
        )
        for language, text in made.items():
            text_id = new_row_id()
            sealed = context.vault.seal("campaign_text", "body", text_id, text)
            db.execute(insert(campaign_text).values(id=text_id, campaign_id=row_id, language=language, body=sealed))
        context.record(db, writer.code, "campaign.write", code)
        return code


def _check(db: Connection, new: NewCampaign, today: date) -> tuple[int | None, list[int]]:
    faults = Faults()
    faults.need(new.anchor in ANCHORS, "anchor", "choose when the text goes")
    faults.need(
        new.text_class in ("A", "B"), "text_class", "choose whether the text is personal; a sensitive one never goes by SMS"
    )
    faults.need(new.part in PARTS, "part", "choose members, partners or both")
    if new.anchor == "date":
        ahead = new.on_day is not None and today <= new.on_day <= today + timedelta(days=MOST_DAYS)
        faults.need(ahead, "on_day", "give a day to come, within two years")
    elif new.anchor in ANCHORS:
        in_range = new.days is not None and 1 <= new.days <= MOST_DAYS
        faults.need(in_range, "days", "give a number of days from 1 to %(most)s", most=MOST_DAYS)
    if new.anchor.endswith("_meeting"):
        numbered = new.meeting_no is not None and 1 <= new.meeting_no <= 99
        faults.need(numbered, "meeting_no", "give the number of the meeting, from 1 to 99")
    programme_id = None
    if new.programme:
        programme_id = db.execute(select(programme.c.id).where(programme.c.code == new.programme)).scalar()
        faults.need(programme_id is not None, "programme", "there is no programme of this code; choose one of the list")
    codes = list(dict.fromkeys(one.strip().upper() for one in new.group_codes))
    if not new.programme:
        faults.need(1 <= len(codes) <= MOST_GROUPS, "groups", "choose a programme, or between 1 and 200 groups")
    faults.done()
    return programme_id, [] if new.programme else [group_named(db, one).id for one in codes]


def _free_code(db: Connection) -> str:
    for digits in (3, 3, 4, 5, 6):
        drawn = new_code("K", digits)
        if campaigns.by_code(db, drawn) is None:
            return drawn
    raise UseFault("campaign", "no free code could be drawn; try again")


def _need(db: Connection, who: Any, permission: str) -> None:
    if not allows(staff.roles_of(db, who.id), permission):
        raise UseFault("actor", "%(code)s may not do this; ask someone with the role", code=who.code)


def campaign_named(db: Connection, code: str, *, lock: bool = False) -> Any:
    """The campaign of this code; raises ``UseFault``."""
    row = campaigns.by_code(db, code.strip().upper(), lock=lock)
    if row is None:
        raise UseFault("campaign", "there is no campaign %(code)s", code=code.strip()[:12])
    return row


def view_campaign(context: Context, db: Connection, code: str) -> View:
    """The campaign as it would go out from now on: a dry run that keeps nothing. Raises ``UseFault`` for an unknown code."""
    row, now = campaign_named(db, code), context.now(db)
    ids = groups_of(db, row)
    named = select(group.c.id, group.c.code).where(group.c.id.in_(ids)).order_by(group.c.code)
    codes: dict[int, str] = {one.id: one.code for one in db.execute(named)}
    ahead = moments(db, row, now, now + timedelta(days=MOST_DAYS + 366)) if row.state in ("waiting", "running", "paused") else []
    author = staff.get(db, row.author_id)
    return View(
        row=row,
        texts=texts_of(context, db, row.id),
        audience=audience_of(db, ids, now, context.caps, whom_of(row)),
        groups=tuple(codes.values()),
        next=[(due, codes.get(group_id, "")) for group_id, due, _ in ahead[:SHOWN]],
        progress=campaigns.progress(db, row.id),
        author=author.code if author is not None else "",
    )


def decide_campaign(context: Context, code: str, actor: str, *, approve: bool) -> None:
    """A second person approves it, linted again, or refuses it (S40). Raises ``UseFault``: author, role, state, lint."""
    with context.database.begin() as db:
        row, who, now = campaign_named(db, code, lock=True), staff_named(db, actor), context.now(db)
        _need(db, who, "approve_broadcast")
        author = staff.get(db, row.author_id)
        if approve and (author is None or not may_approve(staff.roles_of(db, who.id), who.code, author.code)):
            raise UseFault("actor", "staff or safeguarding approve a campaign, and never its author (S40)")
        if row.state != "waiting":
            raise UseFault("campaign", "this campaign does not wait for approval")
        if not approve:
            campaigns.change(db, row.id, state="refused", ended_at=now)
        else:
            lint_texts(context, db, texts_of(context, db, row.id), now)
            if row.anchor == "date" and row.on_day < clock.local(now).date():
                raise UseFault("on_day", "its day has passed; write it again for a day to come")
            campaigns.change(db, row.id, state="running", approver_id=who.id, approved_at=now)
            plan_campaign(db, campaigns.get(db, row.id), now)
        context.record(db, who.code, "campaign.approve" if approve else "campaign.refuse", row.code)


def pause_campaign(context: Context, code: str, actor: str) -> None:
    """Hold a running campaign: what waits does not leave until it goes on."""
    _stop(context, code, actor, ("running",), "paused", "campaign.pause")


def end_campaign(context: Context, code: str, actor: str) -> None:
    """End a campaign for good: what waits does not leave."""
    _stop(context, code, actor, ("waiting", "running", "paused"), "ended", "campaign.end")


def _stop(context: Context, code: str, actor: str, from_states: Sequence[str], state: str, act: str) -> None:
    with context.database.begin() as db:
        row, who, now = campaign_named(db, code, lock=True), staff_named(db, actor), context.now(db)
        _need(db, who, "write_broadcast")
        if row.state not in from_states:
            raise UseFault("campaign", "this campaign is not in a state for that; look at it again")
        campaigns.change(db, row.id, state=state, ended_at=now if state == "ended" else None)
        waiting = (occurrence.c.kind == "campaign", occurrence.c.about == str(row.id), occurrence.c.state == "pending")
        db.execute(update(occurrence).where(*waiting).values(state="cancelled"))
        cancel_queued(db, now, PAUSED if state == "paused" else ENDED, campaigns.texts_sent(row.id))
        context.record(db, who.code, act, row.code)


def resume_campaign(context: Context, code: str, actor: str) -> None:
    """Let a paused campaign go on: what the pause took back and is of use still waits again; it never left."""
    with context.database.begin() as db:
        row, who, now = campaign_named(db, code, lock=True), staff_named(db, actor), context.now(db)
        _need(db, who, "write_broadcast")
        if row.state != "paused":
            raise UseFault("campaign", "this campaign is not in a state for that; look at it again")
        campaigns.change(db, row.id, state="running")
        back = (outbox.c.state == "cancelled", outbox.c.reason == PAUSED, outbox.c.expires_at > now)
        dated = select(outbox.c.meeting_id, outbox.c.expires_at).where(campaigns.texts_sent(row.id), *back)
        for text in db.execute(dated.where(outbox.c.meeting_id.is_not(None)).distinct()).all():
            if not still_right(db, row, text.meeting_id, text.expires_at):
                old = (outbox.c.meeting_id == text.meeting_id, outbox.c.expires_at == text.expires_at)
                db.execute(update(outbox).where(campaigns.texts_sent(row.id), *back, *old).values(reason="moved"))
        db.execute(
            update(outbox)
            .where(campaigns.texts_sent(row.id), *back)
            .values(state="queued", reason=None, closed_at=None, shown_at=now)
        )
        plan_campaign(db, row, now)
        context.record(db, who.code, "campaign.resume", row.code)
