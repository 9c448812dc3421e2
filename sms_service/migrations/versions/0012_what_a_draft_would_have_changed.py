"""What a draft would have changed"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "draft_replay",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("conversation", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("asked_by", sa.String(length=60), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("beat_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("result", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_draft_replay")),
    )
    op.create_index("ix_draft_replay_conversation_number", "draft_replay", ["conversation", "number"], unique=False)
    op.create_index("ix_draft_replay_state", "draft_replay", ["state"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_draft_replay_state", table_name="draft_replay")
    op.drop_index("ix_draft_replay_conversation_number", table_name="draft_replay")
    op.drop_table("draft_replay")
