"""Texts are found by the dialogue they belong to"""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_outbox_dialogue_id"), "outbox", ["dialogue_id"], unique=False)
    op.create_index(op.f("ix_inbound_dialogue_id"), "inbound", ["dialogue_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_inbound_dialogue_id"), table_name="inbound")
    op.drop_index(op.f("ix_outbox_dialogue_id"), table_name="outbox")
