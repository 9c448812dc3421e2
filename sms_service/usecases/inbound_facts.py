"""What a set of waiting texts is read against: their numbers, whose phones these are, what is open, what was said before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row

from sms_service.models import dialogues, inbound, people
from sms_service.usecases.late_answers import closed_questions

REPEAT_WINDOW = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class OfNumber:
    """A locked number: its row, the people on it, the one question a bare reply answers, those that have closed when there is none,
    and the latest time this text came before.
    """

    row: Row[Any]
    contacts: Sequence[Row[Any]]
    question: Row[Any] | None
    closed: Sequence[Row[Any]]
    earlier: Row[Any] | None


def gather(db: Connection, texts: Sequence[Row[Any]], held: Mapping[int, Row[Any]], now: datetime) -> dict[int, OfNumber]:
    """The facts of these texts by number id, one text a number; ``held``: the numbers' rows, locked by this transaction."""
    ids = [text.number_id for text in texts]
    people_on: dict[int, list[Row[Any]]] = {}
    contacts = people.contact_points_of(db, ids)
    for contact in contacts:
        people_on.setdefault(contact.number_id, []).append(contact)
    asked = dialogues.open_by_sms(db, [one for one in ids if not held[one].frozen_at], now)
    closed = closed_questions(db, [one for one in contacts if one.number_id not in asked], now)
    earlier = inbound.same_texts_since(db, texts, REPEAT_WINDOW)
    return {
        one.number_id: OfNumber(
            held[one.number_id],
            people_on.get(one.number_id, []),
            asked.get(one.number_id),
            closed.get(one.number_id, []),
            earlier.get(one.id),
        )
        for one in texts
    }
