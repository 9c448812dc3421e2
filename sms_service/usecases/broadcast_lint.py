"""What a broadcast's words must hold to before anyone may approve them (S1, S2, S6, S7, S38)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, select

from sms_service.models.directory import directory_entry
from sms_service.text.gsm import fold, segments
from sms_service.text.topics import topic_word_in
from sms_service.usecases.context import Context
from sms_service.usecases.faults import Faults

BRAND = "Servas"
_LINK = re.compile(r"https?:|www\.|://|\b[a-z0-9-]{2,30}\.(?:com|org|net|rw|info|io|ly|gl|me)\b", re.IGNORECASE)
_DIGITS = re.compile(r"[*#+]?\d{3,15}#?", re.ASCII)
_FREE = re.compile(r"\b(?:free|gratuit\w*|ubuntu|bure)\b", re.IGNORECASE)


def tidy(text: str) -> str:
    """The text as it would be sent: word-processor characters folded, spaces single."""
    return " ".join(fold(text).split())


def lint_texts(context: Context, db: Connection, texts: Mapping[str, str], now: datetime) -> dict[str, str]:
    """The tidied text of each language people are written to in; raises ``UseFault`` naming every fault under the field
    ``text_<language>``.
    """
    faults = Faults()
    made: dict[str, str] = {}
    for language in context.languages:
        made[language] = tidy(str(texts.get(language, "")))
        _lint(context, db, f"text_{language}", made[language], now, faults)
    for language in texts:
        known = ", ".join(context.languages)
        faults.need(language in context.languages, "texts", "unknown language; known are %(known)s", known=known)
    faults.done()
    return made


def _lint(context: Context, db: Connection, field: str, text: str, now: datetime, faults: Faults) -> None:
    if not text:
        faults.add(field, "write the text in this language too: each person gets it in their own")
        return
    counted = segments(text)
    if counted.culprits:
        faults.add(field, "these characters would double the cost: %(culprits)s", culprits=" ".join(counted.culprits[:10]))
    elif counted.parts > 1:
        faults.add(field, "%(units)s characters; one text holds 160. Shorten it", units=counted.units)
    named = re.match(rf"{BRAND}\b", text)
    faults.need(named, field, "begin with %(brand)s: people must see who writes", brand=BRAND)
    found = topic_word_in(text, context.topics)
    faults.need(found is None, field, "the word %(word)s says what the group is about (S1)", word=found)
    faults.need(not _LINK.search(text), field, "a text carries no link (S7)")
    faults.need("{" not in text and "}" not in text, field, "a broadcast has no places to fill in; write it out")
    faults.need(not _FREE.search(text), field, "no text says that something is free until the tariff is confirmed (S2)")
    for digits in dict.fromkeys(_DIGITS.findall(text)):
        if _expired(db, digits, now):
            faults.add(field, "the directory number %(number)s has expired; verify it first (S38)", number=digits)


def _expired(db: Connection, digits: str, now: datetime) -> bool:
    query = select(directory_entry.c.valid_until).where(directory_entry.c.phone == digits)
    until = list(db.execute(query).scalars())
    return bool(until) and max(until) <= now
