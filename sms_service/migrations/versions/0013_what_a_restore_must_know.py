"""What a restore must know: stops by hash, the last backup, what the audit's chain covers"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "suppression",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("number_hash", sa.LargeBinary(), nullable=True),
        sa.Column("person_code", sa.String(length=12), nullable=True),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppression")),
    )
    op.create_index(op.f("ix_suppression_number_hash"), "suppression", ["number_hash"], unique=False)
    op.create_index("ix_suppression_written_at", "suppression", ["written_at"], unique=False)
    # Whoever had stopped before the journal began: the ids are the numbers' own, which no other entry has.
    op.execute(
        "INSERT INTO suppression (id, at, kind, number_hash) "
        "SELECT id, COALESCE(network_opt_out_at, stopped_at), CASE WHEN network_opt_out_at IS NULL THEN 'stop' ELSE 'network' END, "
        "hash FROM number WHERE stopped_at IS NOT NULL OR network_opt_out_at IS NOT NULL"
    )
    op.add_column("service_state", sa.Column("backup_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("service_state", sa.Column("backup_verified_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("audit", sa.Column("mark", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column("audit", "mark")
    op.drop_column("service_state", "backup_verified_at")
    op.drop_column("service_state", "backup_at")
    op.drop_index("ix_suppression_written_at", table_name="suppression")
    op.drop_index(op.f("ix_suppression_number_hash"), table_name="suppression")
    op.drop_table("suppression")
