"""Clocks side by side, outages, the number of a parked report, the harm log"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "wall_clock",
        sa.Column("process", sa.String(length=40), nullable=False),
        sa.Column("role", sa.String(length=10), nullable=False),
        sa.Column("wall_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("apart_from", sa.String(length=40), nullable=True),
        sa.PrimaryKeyConstraint("process", name=op.f("pk_wall_clock")),
    )
    op.create_table(
        "outage",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("role", sa.String(length=10), nullable=False),
        sa.Column("from_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("to_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checked_by", sa.String(length=60), nullable=True),
        sa.Column("brought", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outage")),
        sa.UniqueConstraint("role", "from_at", name=op.f("uq_outage_role_from_at")),
    )
    with op.batch_alter_table("parked_report", schema=None) as batch_op:
        batch_op.add_column(sa.Column("number_id", sa.BigInteger(), nullable=True))
        batch_op.create_foreign_key(op.f("fk_parked_report_number_id"), "number", ["number_id"], ["id"])
        batch_op.create_index(op.f("ix_parked_report_number_id"), ["number_id"], unique=False)
    op.create_table(
        "harm",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("template", sa.String(length=20), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.LargeBinary(), nullable=True),
        sa.Column("recorded_by", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reviewed_by", sa.BigInteger(), nullable=True),
        sa.Column("decision", sa.String(length=20), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_harm_person_id")),
        sa.ForeignKeyConstraint(["recorded_by"], ["staff.id"], name=op.f("fk_harm_recorded_by")),
        sa.ForeignKeyConstraint(["reviewed_by"], ["staff.id"], name=op.f("fk_harm_reviewed_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_harm")),
        sa.UniqueConstraint("code", name=op.f("uq_harm_code")),
    )
    with op.batch_alter_table("harm", schema=None) as batch_op:
        batch_op.create_index(op.f("ix_harm_at"), ["at"], unique=False)
        batch_op.create_index(op.f("ix_harm_person_id"), ["person_id"], unique=False)
    op.create_table(
        "paused_text",
        sa.Column("template", sa.String(length=20), nullable=False),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paused_by", sa.String(length=60), nullable=False),
        sa.Column("harm_code", sa.String(length=12), nullable=True),
        sa.PrimaryKeyConstraint("template", name=op.f("pk_paused_text")),
    )


def downgrade() -> None:
    op.drop_table("paused_text")
    op.drop_table("harm")
    with op.batch_alter_table("parked_report", schema=None) as batch_op:
        batch_op.drop_index(op.f("ix_parked_report_number_id"))
        batch_op.drop_constraint(op.f("fk_parked_report_number_id"), type_="foreignkey")
        batch_op.drop_column("number_id")
    op.drop_table("outage")
    op.drop_table("wall_clock")
