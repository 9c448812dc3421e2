"""What periodic checks found, totals that only grow, and an index of the alerts nobody has answered"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "finding",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ok", sa.Boolean(), nullable=False),
        sa.Column("figure", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_finding")),
    )
    op.create_table(
        "running_total",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("counted_to", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_running_total")),
    )
    waiting = sa.text("acknowledged_at IS NULL")
    op.create_index("ix_alert_waiting", "alert", ["opened_at"], unique=False, postgresql_where=waiting, sqlite_where=waiting)


def downgrade() -> None:
    op.drop_index("ix_alert_waiting", table_name="alert")
    op.drop_table("running_total")
    op.drop_table("finding")
