"""Texts are found by their group and day"""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_outbox_group_id_not_before", "outbox", ["group_id", "not_before"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_outbox_group_id_not_before", table_name="outbox")
