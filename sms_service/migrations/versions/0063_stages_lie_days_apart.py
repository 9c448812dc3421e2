"""A curriculum's meetings may lie a number of days after the first, and last several days"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0063"
down_revision = "0062"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("session_template", sa.Column("offset_days", sa.Integer(), nullable=True))
    op.add_column("session_template", sa.Column("days", sa.Integer(), nullable=False, server_default="1"))


def downgrade() -> None:
    with op.batch_alter_table("session_template") as table:
        table.drop_column("days")
        table.drop_column("offset_days")
