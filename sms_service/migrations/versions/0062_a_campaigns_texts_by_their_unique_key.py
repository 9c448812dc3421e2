"""A campaign's texts are found by the beginning of their unique key; the index that is the same goes"""

from __future__ import annotations

from alembic import op

revision = "0062"
down_revision = "0061"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_campaign_text_campaign_id", table_name="campaign_text")


def downgrade() -> None:
    op.create_index("ix_campaign_text_campaign_id", "campaign_text", ["campaign_id"], unique=False)
