"""What is left of a text when its time is over: one count more in its month"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "month_count",
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("source", sa.String(length=8), nullable=False),
        sa.Column("programme", sa.String(length=8), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("segments", sa.Integer(), nullable=False),
        sa.Column("cost", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("month", "source", "programme", "kind", "state", name=op.f("pk_month_count")),
    )


def downgrade() -> None:
    op.drop_table("month_count")
