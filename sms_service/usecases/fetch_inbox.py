"""After a long outage: what the gateway's inbox holds and this database does not, brought in by a person (reliability section 3).

The inbox numbers texts in another series than the callbacks, so a text is known by sender, words and time. What a person
confirms goes the way of every other text, with a receipt of its own: brought in twice, it is stored once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import Connection, select

from sms_service.gateway.africastalking import InboxMessage
from sms_service.gateway.wire import InboundSms, read_inbox_message
from sms_service.models import numbers, wall_clocks
from sms_service.models.inbound import inbound
from sms_service.text.phone import last_digits
from sms_service.usecases.accept_inbound import accept_inbound
from sms_service.usecases.context import Context
from sms_service.usecases.faults import UseFault

SAME_TIME = timedelta(minutes=2)
BEFORE_AN_OUTAGE = timedelta(minutes=10)
WITHOUT_OUTAGE = timedelta(hours=24)
MOST_PAGES = 1_000  # of some hundred texts: what lies behind is fetched by running the command again (I22)


class Inbox(Protocol):
    """The part of a gateway's client that reads its inbox."""

    def fetch_inbox(self, last_id: int, *, deadline: float = 30.0) -> tuple[InboxMessage, ...]:
        """Texts after ``last_id``, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class Missing:
    """A text the gateway has and we do not. ``ending`` is the sender's last three digits, the words are not shown to anyone."""

    inbox_id: int
    ending: str
    sent_at: datetime | None
    length: int
    message: InboundSms


def since_when(context: Context) -> datetime:
    """From when to look (UTC): a little before the oldest outage that nobody has looked into, else the last 24 hours."""
    with context.database.begin() as db:
        gaps = wall_clocks.unchecked_outages(db)
        return min((gap.from_at - BEFORE_AN_OUTAGE for gap in gaps), default=context.now(db) - WITHOUT_OUTAGE)


def missing_texts(context: Context, client: Inbox, since: datetime) -> list[Missing]:
    """Texts sent since then (aware) that are not stored here, oldest first; one without a readable time is among them.

    Raises ``InboxFault`` when the gateway does not answer.
    """
    found = []
    for message in _all_messages(client):
        one = read_inbox_message(message.inbox_id, message.sender_raw, message.to, message.text, message.date, message.link_id)
        if one.date is None or one.date >= since:
            found.append((message.inbox_id, one))
    with context.database.begin() as db:
        return [_missing(inbox_id, one) for inbox_id, one in found if not _is_stored(context, db, one, since)]


def _all_messages(client: Inbox) -> Iterable[InboxMessage]:
    last = 0
    for _ in range(MOST_PAGES):
        page = client.fetch_inbox(last)
        if not page or page[-1].inbox_id <= last:
            return
        yield from page
        last = page[-1].inbox_id


def _missing(inbox_id: int, one: InboundSms) -> Missing:
    return Missing(inbox_id, last_digits(one.sender or "") or "-", one.date, len(one.text), one)


def _is_stored(context: Context, db: Connection, one: InboundSms, since: datetime) -> bool:
    """Whether a stored text has this sender and these words at this time, or was brought in from here before."""
    known = select(inbound.c.id).where(inbound.c.channel == "sms", inbound.c.provider_id == one.provider_id)
    if db.execute(known).first() is not None:
        return True
    row = numbers.find(db, context.vault, one.sender) if one.sender else None
    if one.sender and row is None:
        return False
    same = select(inbound.c.sent_date, inbound.c.received_at).where(
        inbound.c.text_hash == context.vault.text_hash("text", one.text),
        inbound.c.number_id == (row.id if row is not None else None),
        inbound.c.received_at >= since - SAME_TIME,
    )
    return any(_same_time(stored, one.date) for stored in db.execute(same))


def _same_time(stored: Any, sent_at: datetime | None) -> bool:
    if sent_at is None:
        return True
    times = [stored.received_at]
    if stored.sent_date:
        read = datetime.fromisoformat(stored.sent_date)
        times.append(read if read.tzinfo else read.replace(tzinfo=UTC))
    return any(abs(at - sent_at) <= SAME_TIME for at in times)


def bring_in(context: Context, texts: Sequence[Missing], only: Collection[int], since: datetime, actor: str) -> int:
    """Store the confirmed texts, all of them or ``only`` these inbox ids; returns how many were new. Audited.

    Bringing all in closes the outages since ``since``: nothing is missing any more. Raises ``UseFault`` for an id not listed.
    """
    others = sorted(set(only) - {one.inbox_id for one in texts})
    if others:
        raise UseFault("only", "the inbox holds no missing text number %(ids)s", ids=", ".join(map(str, others)))
    chosen = [one for one in texts if not only or one.inbox_id in only]
    stored = sum(accept_inbound(context, one.message) is not None for one in chosen)
    with context.database.begin() as db:
        now = context.now(db)
        if len(chosen) == len(texts):
            wall_clocks.mark_checked(db, since, now, actor, stored)
        context.record(db, actor, "inbox.fetch", None, f"{stored} of {len(texts)}")
    return stored
