"""Women and Men as Partners: pairs of a woman and a man, what they teach, and the generation each belongs to.

Trainees are counts, not people, unless one becomes a trainer: then a practitioner with a pair of the next generation.
"""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Date, Float, Integer, Table, UniqueConstraint

from sms_service.models.base import at, code, metadata, ref, row_id, word

pair = Table(
    "pair",
    metadata,
    row_id(),
    code(8),
    ref("group_id", "peace_group", nullable=True),
    ref("parent_pair_id", "pair", nullable=True),
    Column("generation", Integer, nullable=False, default=1),
    at("created_at"),
)

pair_member = Table(
    "pair_member",
    metadata,
    row_id(),
    ref("pair_id", "pair"),
    ref("person_id", "person"),
    UniqueConstraint("pair_id", "person_id"),
)

activity = Table(
    "activity",
    metadata,
    row_id(),
    ref("pair_id", "pair"),
    word("kind", 20),  # workshop | dialogue | home_visits | coaching | radio
    Column("held_on", Date, nullable=False),
    Column("hours", Float, nullable=False),
    word("cell_code", 20),
    Column("modules", JSON, nullable=False),
    Column("women", JSON, nullable=False),  # counts by age band
    Column("men", JSON, nullable=False),
    Column("first_time", Integer, nullable=False, default=0),
    Column("co_led", Boolean, nullable=False),
    Column("commitments", Integer, nullable=False, default=0),
    Column("knowledge_before", Float, nullable=True),
    Column("knowledge_after", Float, nullable=True),
    word("evidence", 12),  # list | photo | letter, held offline
    word("verified_by", 8),  # visit | call | none
    at("created_at"),
    UniqueConstraint("pair_id", "held_on", "kind"),
)
