"""What sending costs, a row a day; how many read which language of a broadcast; due texts in the order they are claimed"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "spending_day",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("parts", sa.Integer(), nullable=False),
        sa.Column("cost", sa.Float(), nullable=False),
        sa.Column("ceiling_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_spending_day")),
    )
    op.add_column("broadcast", sa.Column("languages", sa.JSON(), nullable=True))
    _due(["lane", "not_before", "id"])


def downgrade() -> None:
    _due(["lane", "not_before"])
    op.drop_column("broadcast", "languages")
    op.drop_table("spending_day")


def _due(columns: list[str]) -> None:
    queued = sa.text("state = 'queued'")
    op.drop_index("ix_outbox_due", table_name="outbox")
    op.create_index("ix_outbox_due", "outbox", columns, unique=False, postgresql_where=queued, sqlite_where=queued)
