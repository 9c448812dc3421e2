"""Follow-ups after meetings, referrals and closed groups; question sets"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# The flag follows the ledger: whoever's latest word on learning data is yes may be asked (S16).
_MAY_LEARN = """
UPDATE person SET may_learn = :yes WHERE id IN (
    SELECT latest.person_id FROM consent AS latest
    WHERE latest.purpose = 'learning' AND latest.given = :yes AND NOT EXISTS (
        SELECT 1 FROM consent AS later
        WHERE later.person_id = latest.person_id AND later.purpose = 'learning' AND later.at > latest.at
    )
)
"""


def upgrade() -> None:
    with op.batch_alter_table("peace_group", schema=None) as batch_op:
        batch_op.add_column(sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("verified_since", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.add_column(sa.Column("may_learn", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute(sa.text(_MAY_LEARN).bindparams(sa.bindparam("yes", True, sa.Boolean())))
    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.alter_column("may_learn", server_default=None)
    with op.batch_alter_table("occurrence", schema=None) as batch_op:
        batch_op.alter_column("group_id", existing_type=sa.BigInteger(), nullable=True)
        batch_op.add_column(sa.Column("about", sa.String(length=40), nullable=True))
    op.create_table(
        "referral",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("concern_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("consent", sa.String(length=12), nullable=False),
        sa.Column("decision", sa.LargeBinary(), nullable=True),
        sa.Column("made_by", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("dialogue_id", sa.BigInteger(), nullable=True),
        sa.Column("followed_up_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(length=12), nullable=True),
        sa.Column("outcome_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["concern_id"], ["concern.id"], name=op.f("fk_referral_concern_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_referral_person_id")),
        sa.ForeignKeyConstraint(["entry_id"], ["directory_entry.id"], name=op.f("fk_referral_entry_id")),
        sa.ForeignKeyConstraint(["made_by"], ["staff.id"], name=op.f("fk_referral_made_by")),
        sa.ForeignKeyConstraint(["dialogue_id"], ["dialogue.id"], name=op.f("fk_referral_dialogue_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_referral")),
    )
    for column in ("concern_id", "person_id", "dialogue_id"):
        op.create_index(op.f(f"ix_referral_{column}"), "referral", [column], unique=False)
    op.create_table(
        "group_question_set",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("turned_on_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("turned_on_by", sa.String(length=60), nullable=False),
        sa.Column("turned_off_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["group_id"], ["peace_group.id"], name=op.f("fk_group_question_set_group_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_group_question_set")),
        sa.UniqueConstraint("group_id", "name", name=op.f("uq_group_question_set_group_id_name")),
    )


def downgrade() -> None:
    op.drop_table("group_question_set")
    op.drop_table("referral")
    op.execute("DELETE FROM occurrence WHERE group_id IS NULL")
    with op.batch_alter_table("occurrence", schema=None) as batch_op:
        batch_op.drop_column("about")
        batch_op.alter_column("group_id", existing_type=sa.BigInteger(), nullable=False)
    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.drop_column("may_learn")
    with op.batch_alter_table("peace_group", schema=None) as batch_op:
        batch_op.drop_column("verified_since")
        batch_op.drop_column("closed_at")
