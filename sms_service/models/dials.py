"""A dial (one USSD session of the gateway) and its turns, which are also the receipts that make a repeat harmless (I15).

The previous text is known only by its length and keyed hash and a PIN turn stores its verdict, never the digits.
"""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, Integer, String, Table, UniqueConstraint

from sms_service.models.base import at, keyed_hash, metadata, one_of, partial, ref, row_id, sealed, where_given, word

dial = Table(
    "dial",
    metadata,
    row_id(),
    Column("gateway_session", String(128), nullable=False, unique=True),
    ref("number_id", "number"),
    Column("service_code", String(40), nullable=False),
    word("network_code", 12, nullable=True),
    word("language", 2),
    Column("text_length", Integer, nullable=False, default=0),
    keyed_hash("text_hash"),
    Column("turns", Integer, nullable=False, default=0),
    Column("place", JSON, nullable=False),  # the home dialogue
    Column("person_id", BigInteger, ForeignKey("person.id"), nullable=True),  # known after a right PIN
    word("state", 10),  # open | ended | abandoned
    word("end_status", 12, nullable=True),
    at("opened_at", index=True),
    at("last_at"),
    Index("ix_dial_number_id_opened_at", "number_id", "opened_at"),
)
OPEN = one_of(dial.c.state, "open")
partial("ix_dial_open", dial.c.opened_at, where=OPEN)

turn = Table(
    "turn",
    metadata,
    row_id(),
    ref("dial_id", "dial"),
    ref("number_id", "number"),
    ref("person_id", "person", nullable=True),
    Column("seq", Integer, nullable=False),
    keyed_hash("receipt"),
    sealed("typed", nullable=True),
    keyed_hash("typed_hash", nullable=True),
    sealed("screen"),
    word("intent", 12),
    word("value", 40, nullable=True),
    word("rule", 60, nullable=True),
    word("alert", 5),
    Column("event", JSON, nullable=False),
    Column("facts", JSON, nullable=False),
    at("at", index=True),
    UniqueConstraint("dial_id", "receipt"),
)
where_given(turn, "typed_hash")
