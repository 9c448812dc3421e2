"""No statement finds turns by their number: each hop wrote that index for nobody"""

from __future__ import annotations

from alembic import op

revision = "0061"
down_revision = "0052"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_turn_number_id_at", table_name="turn")


def downgrade() -> None:
    op.create_index("ix_turn_number_id_at", "turn", ["number_id", "at"], unique=False)
