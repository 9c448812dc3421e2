"""V1, the own-phone opt-in, after consent was given face to face (S16)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select

from sms_service import clock
from sms_service.models import pauses, people
from sms_service.models.outbox import outbox
from sms_service.rules.timing import next_allowed
from sms_service.usecases.compose import LANE_REMINDER, Outgoing, queue_texts
from sms_service.usecases.context import Context
from sms_service.usecases.fence_facts import hours_of, windows_for
from sms_service.usecases.open_dialogue import Questions

OPT_IN_LIFE = timedelta(days=7)
NEVER_LEFT = ("expired", "cancelled", "suppressed", "refused", "given_up")
WAITING = ("queued", "reserved", "calling")


def queue_opt_in(context: Context, db: Connection, contact_id: int, now: datetime) -> None:
    """V1, after enrolment face to face, on an own phone: at the next allowed minute (S16).

    Once each time the phone was recorded or verified; again before that only when the last one never left.
    """
    number_id = db.execute(select(people.contact_point.c.number_id).where(people.contact_point.c.id == contact_id)).scalar_one()
    everyone = people.contact_points_of(db, [number_id])
    contact = next(one for one in everyone if one.id == contact_id)
    before = _last(db, contact)
    asked = before is not None and before.state not in NEVER_LEFT
    if before is not None and asked and (before.state in WAITING or before.created_at >= contact.verified_at):
        return
    windows = windows_for(None, pauses.active(db, clock.local(now).date()))
    expires = now + OPT_IN_LIFE
    leaves = next_allowed(now, hours_of(everyone), windows, expires)
    if leaves is None:
        return
    language = contact.number_language or contact.person_language
    questions = Questions(context, db, now)
    dialogue_id, body = questions.begin("optin", {}, number_id=number_id, person_id=contact.person_id, language=language)
    questions.store()
    text = Outgoing(
        key=f"optin:{contact.id}" if before is None else f"optin:{contact.id}:{int(now.timestamp())}",
        number_id=number_id,
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
    queue_texts(context, db, [text], now)


def _last(db: Connection, contact: Row[Any]) -> Row[Any] | None:
    """The latest V1 to this person's phone."""
    rows = outbox.c
    mine = (rows.person_id == contact.person_id, rows.number_id == contact.number_id, rows.template == "V1")
    row: Row[Any] | None = db.execute(select(outbox).where(*mine).order_by(rows.id.desc()).limit(1)).first()
    return row
