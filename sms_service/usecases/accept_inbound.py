"""Storing an inbound text before it is answered: row, crisis verdict, stop and alert in one transaction (I1, I5, I6)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from sms_service import clock
from sms_service.gateway.wire import InboundSms, OptOut
from sms_service.models import dialogues, numbers, outbox, people, suppressions
from sms_service.models.base import insert_ignore
from sms_service.models.inbound import inbound
from sms_service.models.state import service_state
from sms_service.security.tokens import new_row_id
from sms_service.text.reading import crisis_alert, is_stop
from sms_service.text.reply_types import Alert
from sms_service.usecases.compose import index_texts
from sms_service.usecases.context import Context
from sms_service.usecases.raise_concern import About, raise_concern

SHARED = ("shared_partner", "shared_other")
AFTER_STOP = ("V10", "V11", "V12")


def accept_inbound(context: Context, message: InboundSms) -> int | None:
    """Store one text and everything that must not wait for a worker; returns its row id, None for a duplicate (W12, F31).

    Raises the database's own fault when it could not be stored: the caller answers 503 and the gateway comes again (W13).
    """
    alert = crisis_alert(context.lexicon, message.text)
    stop = is_stop(context.lexicon, message.text)
    row_id = context.database.run(lambda db: _store(context, db, message, alert, stop))
    if row_id is not None:
        context.nudge("inbound", row_id)
    return row_id


def _store(context: Context, db: Connection, message: InboundSms, alert: Alert, stop: bool) -> int | None:
    now, number_id = _arrive(context, db, message.sender)
    row_id = _insert(context, db, message, number_id, alert, stop, now)
    if row_id is None:
        return None
    if stop and number_id is not None:
        stop_number(context, db, number_id, now, reason="text")
    if alert != "none":
        about_crisis(context, db, number_id=number_id, inbound_id=row_id, severity=alert, now=now)
    return row_id


# Time and number in one statement, built once: this is all a usual text reads before it is stored.
_ARRIVE = {
    name: select(*columns, numbers.number.c.id.label("number_id"))
    .select_from(service_state)
    .outerjoin(numbers.number, numbers.number.c.hash == bindparam("digest"))
    .where(service_state.c.id == 1)
    for name, columns in clock.TIME_COLUMNS.items()
}


def _arrive(context: Context, db: Connection, sender: str | None) -> tuple[datetime, int | None]:
    """The time, and the sender's number, made on first contact; None for a sender that is no number (W9)."""
    digest = context.vault.number_hash(sender) if sender else None
    row = db.execute(_ARRIVE[db.dialect.name], {"digest": digest}).one()
    now, number_id = clock.of(row), row.number_id
    if sender and number_id is None:
        number_id = numbers.make(db, context.vault, sender, now)
    return now, number_id


def _insert(
    context: Context,
    db: Connection,
    message: InboundSms,
    number_id: int | None,
    alert: Alert,
    stop: bool,
    now: datetime,
) -> int | None:
    row_id = new_row_id()
    digest = context.vault.text_hash("text", message.text)
    values = {
        "id": row_id,
        "channel": "sms",
        "provider_id": message.provider_id,
        "number_id": number_id,
        "sender": None if message.sender else context.vault.seal("inbound", "sender", row_id, message.sender_raw),
        "body": context.vault.seal("inbound", "body", row_id, message.text),
        "text_hash": digest,
        "alert": alert,
        "is_stop": stop,
        "state": "new" if message.sender else "done",
        "fails": 0,
        "network_code": message.network_code[:12] or None,
        "sent_date": message.date.isoformat() if message.date else None,
        "received_at": now,
    }
    if not insert_ignore(db, inbound, values):
        return None
    if alert == "none" and not message.sender:  # what is processed is made searchable then, some at a time: no 200 waits for it
        index_texts(context, db, {digest: message.text})
    return row_id


def stop_number(context: Context, db: Connection, number_id: int, now: datetime, *, reason: str) -> None:
    """Stop every text to a number at once (I6, S17): takes the number's lock, so that no fence can pass it.

    A stop from a shared phone raises a quiet note to check in person, because someone else may have sent it (S18).
    """
    row = numbers.lock(db, number_id)
    if row.stopped_at is None:
        numbers.change(db, number_id, stopped_at=now, stop_reason=reason)
        suppressions.note(db, "stop", row.hash, now)
    rows = outbox.outbox.c
    outbox.cancel_queued(db, now, "stopped", rows.number_id == number_id, rows.kind != "alert", rows.template.not_in(AFTER_STOP))
    dialogues.close_where(db, now, dialogues.dialogue.c.number_id == number_id)
    if row.stopped_at is None:
        for contact in people.contact_points_of(db, [number_id]):
            if contact.ownership in SHARED:
                about = About(kind="stop_on_shared", number_id=number_id, person_id=contact.person_id)
                raise_concern(context, db, about, now)


def about_crisis(
    context: Context,
    db: Connection,
    *,
    number_id: int | None,
    severity: Alert,
    now: datetime,
    inbound_id: int | None = None,
    turn_id: int | None = None,
) -> int:
    """Open the concern of a flagged text: on a number of one participant it is about that person, else about the number."""
    person_id = None
    note: str | None = "unattributed" if number_id is None else "unregistered"
    if number_id is not None:
        contacts = people.contact_points_of(db, [number_id])
        if contacts:
            note = "shared_number" if len(contacts) > 1 else None
            person_id = contacts[0].person_id if len(contacts) == 1 else None
    about = About(
        kind=f"crisis_{severity}",
        number_id=number_id,
        person_id=person_id,
        inbound_id=inbound_id,
        turn_id=turn_id,
        note_code=note,
    )
    return raise_concern(context, db, about, now)


def accept_opt_out(context: Context, message: OptOut) -> None:
    """Suppress a number for good, also one not on file: a later import must stay suppressed (contract 10.3)."""
    with context.database.begin() as db:
        now = context.now(db)
        number_id = numbers.ensure(db, context.vault, message.number, now)
        opt_out(context, db, number_id, now)


def opt_out(context: Context, db: Connection, number_id: int, now: datetime) -> None:
    """The number left our sender at the network: stopped like by a stop, and only a new consent face to face ends it (S19)."""
    stop_number(context, db, number_id, now, reason="network")
    note_opt_out(db, number_id, now)


def note_opt_out(db: Connection, number_id: int, now: datetime) -> None:
    """Keep that the network carries none of our texts to this number, on the number and in the journal."""
    row = numbers.get(db, number_id)
    if row.network_opt_out_at is None:
        suppressions.note(db, "network", row.hash, now)
        numbers.change(db, number_id, network_opt_out_at=now)
