"""Reports of meetings and of pairs, and the yearly approval of the remembrance text"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "meeting_report",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("meeting_id", sa.BigInteger(), nullable=False),
        sa.Column("men", sa.Integer(), nullable=False),
        sa.Column("women", sa.Integer(), nullable=False),
        sa.Column("distressed", sa.Integer(), nullable=False),
        sa.Column("referred", sa.Integer(), nullable=False),
        sa.Column("incident", sa.String(length=10), nullable=False),
        sa.Column("both_present", sa.Boolean(), nullable=True),
        sa.Column("source", sa.String(length=8), nullable=False),
        sa.Column("reported_by", sa.String(length=60), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("flags", sa.JSON(), nullable=False),
        sa.Column("other", sa.JSON(), nullable=True),
        sa.Column("other_by", sa.String(length=60), nullable=True),
        sa.Column("other_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["meeting_id"], ["meeting.id"], name=op.f("fk_meeting_report_meeting_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meeting_report")),
        sa.UniqueConstraint("meeting_id", name=op.f("uq_meeting_report_meeting_id")),
    )
    op.create_index(op.f("ix_meeting_report_reported_at"), "meeting_report", ["reported_at"], unique=False)
    op.create_table(
        "cascade_report",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("pair_id", sa.BigInteger(), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("activities", sa.Integer(), nullable=True),
        sa.Column("women", sa.Integer(), nullable=True),
        sa.Column("men", sa.Integer(), nullable=True),
        sa.Column("co_led", sa.Boolean(), nullable=True),
        sa.Column("filed_by", sa.String(length=60), nullable=True),
        sa.Column("filed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("other", sa.JSON(), nullable=True),
        sa.Column("other_by", sa.String(length=60), nullable=True),
        sa.Column("other_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["pair_id"], ["pair.id"], name=op.f("fk_cascade_report_pair_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cascade_report")),
        sa.UniqueConstraint("pair_id", "month", name=op.f("uq_cascade_report_pair_id_month")),
    )
    op.create_index(op.f("ix_cascade_report_pair_id"), "cascade_report", ["pair_id"], unique=False)
    op.create_table(
        "remembrance_approval",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("texts_hash", sa.String(length=64), nullable=False),
        sa.Column("approved_by", sa.String(length=60), nullable=False),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("queued_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_remembrance_approval")),
        sa.UniqueConstraint("year", name=op.f("uq_remembrance_approval_year")),
    )


def downgrade() -> None:
    op.drop_table("remembrance_approval")
    op.drop_index(op.f("ix_cascade_report_pair_id"), table_name="cascade_report")
    op.drop_table("cascade_report")
    op.drop_index(op.f("ix_meeting_report_reported_at"), table_name="meeting_report")
    op.drop_table("meeting_report")
