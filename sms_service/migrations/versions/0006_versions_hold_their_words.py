"""Versions hold their words, and are published"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# A definition that ran before is kept as a retired version without words: its dialogues go on with the words of today.
_NUMBER = """
UPDATE conversation_version SET number = (
    SELECT count(*) FROM conversation_version AS other
    WHERE other.name = conversation_version.name AND other.id <= conversation_version.id
)
"""


def upgrade() -> None:
    with op.batch_alter_table("conversation_version", schema=None) as batch_op:
        batch_op.alter_column("first_run_at", new_column_name="imported_at", existing_type=sa.DateTime(timezone=True))
        batch_op.add_column(sa.Column("number", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("words", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("state", sa.String(length=10), nullable=False, server_default="retired"))
        batch_op.add_column(sa.Column("origin", sa.String(length=10), nullable=False, server_default="release"))
        batch_op.add_column(sa.Column("imported_by", sa.String(length=60), nullable=False, server_default="release"))
        batch_op.add_column(sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("approved_by", sa.String(length=60), nullable=True))
        batch_op.add_column(sa.Column("published_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("published_by", sa.String(length=60), nullable=True))
    op.execute(_NUMBER)
    with op.batch_alter_table("conversation_version", schema=None) as batch_op:
        for name in ("number", "state", "origin", "imported_by"):
            batch_op.alter_column(name, server_default=None)
        batch_op.create_unique_constraint(op.f("uq_conversation_version_name_number"), ["name", "number"])
        batch_op.create_index("ix_conversation_version_state", ["state"], unique=False)
    op.create_table(
        "text_review",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("conversation", sa.String(length=40), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("texts_hash", sa.String(length=64), nullable=False),
        sa.Column("reviewer", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_by", sa.String(length=60), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_text_review")),
        sa.UniqueConstraint("conversation", "language", "texts_hash", name=op.f("uq_text_review_conversation_language_texts_hash")),
    )
    with op.batch_alter_table("service_state", schema=None) as batch_op:
        batch_op.add_column(sa.Column("publications", sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("service_state", schema=None) as batch_op:
        batch_op.alter_column("publications", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("service_state", schema=None) as batch_op:
        batch_op.drop_column("publications")
    op.drop_table("text_review")
    with op.batch_alter_table("conversation_version", schema=None) as batch_op:
        batch_op.drop_index("ix_conversation_version_state")
        batch_op.drop_constraint(op.f("uq_conversation_version_name_number"), type_="unique")
        for name in (
            *("published_by", "published_at", "approved_by", "approved_at"),
            *("imported_by", "origin", "state", "words", "number"),
        ):
            batch_op.drop_column(name)
        batch_op.alter_column("imported_at", new_column_name="first_run_at", existing_type=sa.DateTime(timezone=True))
