"""The four digits and the word that belong to one person on one phone, set face to face (S11, S13)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from sms_service.models import numbers, people
from sms_service.security.tokens import new_pin
from sms_service.security.vault import new_pin_salt
from sms_service.text.normalise import plain
from sms_service.text.topics import topic_word_in
from sms_service.usecases.context import Context
from sms_service.usecases.faults import UseFault
from sms_service.usecases.find import contact_named

_DRAWS = 200
CODE_WORD_LENGTHS = (3, 20)


def draw_pin(context: Context, contact_id: int, actor: str) -> str:
    """Draw a new PIN for a person's phone, end any lockout, and return it: shown once, never stored or logged (S11).

    It is unique on its number, and drawn by the system, so that no clash tells one person about another (S10).
    """
    with context.database.begin() as db:
        row = contact_named(db, contact_id)
        numbers.lock(db, row.number_id)
        pin = _free_pin(context, db, row)
        salt = new_pin_salt()
        people.change_contact(db, row.id, pin_salt=salt, pin_hash=context.vault.pin_hash(salt, pin))
        numbers.change(db, row.number_id, pin_fails=0, pin_locked_until=None)
        context.record(db, actor, "pin.draw", row.person_code)
        return pin


def _free_pin(context: Context, db: Connection, row: Any) -> str:
    held = [other for other in people.contact_points_of(db, [row.number_id]) if other.pin_hash is not None]
    for _ in range(_DRAWS):
        pin = new_pin()
        if not any(context.vault.pin_matches(bytes(other.pin_salt), pin, other.pin_hash) for other in held):
            return pin
    raise UseFault("contact", "no free PIN could be drawn for this number; too many people share it")


def set_code_word(context: Context, contact_id: int, word: str, actor: str) -> None:
    """Seal a person's code word: a harmless noun of 3 to 20 letters; empty takes it away (S13). Raises ``UseFault``."""
    with context.database.begin() as db:
        row = contact_named(db, contact_id)
        chosen = plain(word).strip()
        blob = None
        if chosen:
            _check_word(context, db, row, chosen)
            blob = context.vault.seal("contact_point", "code_word", row.id, chosen)
        people.change_contact(db, row.id, code_word=blob)
        context.record(db, actor, "code_word.set" if chosen else "code_word.remove", row.person_code)


def _check_word(context: Context, db: Connection, row: Any, word: str) -> None:
    shortest, longest = CODE_WORD_LENGTHS
    if not (word.isascii() and word.isalpha() and shortest <= len(word) <= longest):
        raise UseFault("code_word", "choose one word of 3 to 20 letters, without spaces, accents or digits")
    if topic_word_in(word, context.topics) is not None:
        raise UseFault("code_word", "choose a harmless word: this one says what the group is about (S1)")
    for other in people.contact_points_of(db, [row.number_id]):
        taken = other.code_word is not None and other.id != row.id
        if taken and context.vault.open("contact_point", "code_word", other.id, other.code_word) == word:
            raise UseFault("code_word", "this word cannot be used on this phone; choose another")
