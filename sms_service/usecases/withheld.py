"""Whether a person who wrote of danger was left without the acknowledgement they were due (reliability section 4, S41)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from sms_service.models import state
from sms_service.models.outbox import MAY_HAVE_LEFT, outbox

ACKNOWLEDGEMENTS = ("V10", "V11")


def answer_withheld(db: Connection, number_id: int | None, since: datetime, *, by_text: bool) -> bool:
    """Whether the outbound switch keeps, or kept until it was too late, the answer to a text of this number since ``since``.

    A dial (``by_text`` False) is answered on its screen, and a sender that is no number is never answered: neither is withheld.
    Before the text's own step was taken there is no answer to look at; then the switch itself says what will become of it.
    """
    if not by_text or number_id is None:
        return False
    query = select(outbox.c.state).where(
        outbox.c.number_id == number_id,
        outbox.c.kind == "reply",
        outbox.c.template.in_(ACKNOWLEDGEMENTS),
        outbox.c.not_before >= since,
        outbox.c.created_at >= since,
    )
    states = set(db.execute(query).scalars())
    if states & set(MAY_HAVE_LEFT):
        return False
    return "expired" in states or not state.read(db).outbound_on
