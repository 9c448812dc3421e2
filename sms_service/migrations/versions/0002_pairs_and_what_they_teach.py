"""Pairs and what they teach"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.create_table(
        "pair",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("code", sa.String(length=8), nullable=False),
        sa.Column("group_id", sa.BigInteger(), nullable=True),
        sa.Column("parent_pair_id", sa.BigInteger(), nullable=True),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["peace_group.id"], name=op.f("fk_pair_group_id")),
        sa.ForeignKeyConstraint(["parent_pair_id"], ["pair.id"], name=op.f("fk_pair_parent_pair_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pair")),
        sa.UniqueConstraint("code", name=op.f("uq_pair_code")),
    )
    op.create_table(
        "activity",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("pair_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("held_on", sa.Date(), nullable=False),
        sa.Column("hours", sa.Float(), nullable=False),
        sa.Column("cell_code", sa.String(length=20), nullable=False),
        sa.Column("modules", sa.JSON(), nullable=False),
        sa.Column("women", sa.JSON(), nullable=False),
        sa.Column("men", sa.JSON(), nullable=False),
        sa.Column("first_time", sa.Integer(), nullable=False),
        sa.Column("co_led", sa.Boolean(), nullable=False),
        sa.Column("commitments", sa.Integer(), nullable=False),
        sa.Column("knowledge_before", sa.Float(), nullable=True),
        sa.Column("knowledge_after", sa.Float(), nullable=True),
        sa.Column("evidence", sa.String(length=12), nullable=False),
        sa.Column("verified_by", sa.String(length=8), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["pair_id"], ["pair.id"], name=op.f("fk_activity_pair_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activity")),
        sa.UniqueConstraint("pair_id", "held_on", "kind", name=op.f("uq_activity_pair_id_held_on_kind")),
    )
    with op.batch_alter_table("activity", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_activity_pair_id"), ["pair_id"], unique=False)

    op.create_table(
        "pair_member",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("pair_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["pair_id"], ["pair.id"], name=op.f("fk_pair_member_pair_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_pair_member_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pair_member")),
        sa.UniqueConstraint("pair_id", "person_id", name=op.f("uq_pair_member_pair_id_person_id")),
    )
    with op.batch_alter_table("pair_member", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_pair_member_pair_id"), ["pair_id"], unique=False)


def downgrade() -> None:

    with op.batch_alter_table("pair_member", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_pair_member_pair_id"))

    op.drop_table("pair_member")
    with op.batch_alter_table("activity", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_activity_pair_id"))

    op.drop_table("activity")
    op.drop_table("pair")
