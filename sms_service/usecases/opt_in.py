"""V1, the own-phone opt-in, after consent was given face to face (S16)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select

from sms_service import clock
from sms_service.models import pauses, people
from sms_service.models.base import in_parts
from sms_service.models.outbox import outbox
from sms_service.models.people import contact_point
from sms_service.rules.timing import next_allowed
from sms_service.usecases.compose import LANE_REMINDER, Outgoing, queue_texts
from sms_service.usecases.context import Context
from sms_service.usecases.fence_facts import hours_of, windows_for
from sms_service.usecases.open_dialogue import Questions

OPT_IN_LIFE = timedelta(days=7)
NEVER_LEFT = ("expired", "cancelled", "suppressed", "refused", "given_up")
WAITING = ("queued", "reserved", "calling")


def offer_opt_ins(context: Context, db: Connection, contact_ids: Sequence[int], now: datetime) -> int:
    """Queue V1 for each of these contact points that is an own phone whose person agreed to reminders face to face (S16); a
    shared phone gets none (domain section 4). It leaves at the next allowed minute. Returns how many were queued.

    Once each time the phone was recorded or verified; again before that only when the last one never left.
    """
    queued = 0
    for part in in_parts(contact_ids):
        numbers_of = select(contact_point.c.number_id).where(contact_point.c.id.in_(part), contact_point.c.ended_at.is_(None))
        everyone = people.contact_points_of(db, set(db.execute(numbers_of).scalars()))
        asked = set(part)
        wanted = [one for one in everyone if one.id in asked and _may_be_asked(one)]
        queued += _queue(context, db, wanted, everyone, now)
    return queued


def _may_be_asked(contact: Row[Any]) -> bool:
    return bool(contact.ownership == "own" and contact.may_remind and contact.opted_in_at is None)


def _queue(context: Context, db: Connection, wanted: Sequence[Row[Any]], everyone: Sequence[Row[Any]], now: datetime) -> int:
    before = _last(db, [one.number_id for one in wanted])
    sharing: dict[int, list[Row[Any]]] = {}
    for one in everyone:
        sharing.setdefault(one.number_id, []).append(one)
    windows = windows_for(None, pauses.active(db, clock.local(now).date()))
    expires = now + OPT_IN_LIFE
    questions, texts = Questions(context, db, now), []
    for contact in wanted:
        last = before.get((contact.number_id, contact.person_id))
        asked = last is not None and last.state not in NEVER_LEFT
        if last is not None and asked and (last.state in WAITING or last.created_at >= contact.verified_at):
            continue
        leaves = next_allowed(now, hours_of(sharing[contact.number_id]), windows, expires)
        if leaves is None:
            continue
        language = contact.number_language or contact.person_language
        dialogue_id, body = questions.begin(
            "optin", {}, number_id=contact.number_id, person_id=contact.person_id, language=language
        )
        texts.append(
            Outgoing(
                key=f"optin:{contact.id}" if last is None else f"optin:{contact.id}:{int(now.timestamp())}",
                number_id=contact.number_id,
                language=language,
                template="V1",
                kind="scheduled",
                text_class="B",
                lane=LANE_REMINDER,
                body=body,
                not_before=leaves,
                expires_at=expires,
                person_id=contact.person_id,
                dialogue_id=dialogue_id,
            )
        )
    questions.store()
    queue_texts(context, db, texts, now)
    return len(texts)


def _last(db: Connection, number_ids: Sequence[int]) -> dict[tuple[int, int | None], Any]:
    """The latest V1 to each person's phone, by number and person."""
    rows = outbox.c
    query = select(rows.number_id, rows.person_id, rows.state, rows.created_at)
    query = query.where(rows.number_id.in_(number_ids), rows.template == "V1").order_by(rows.id)
    return {(row.number_id, row.person_id): row for row in db.execute(query)}
