"""Check-ins recur by a rule: each group's weekly day becomes one, and stays for the release before"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0021"
branch_labels = None
depends_on = None

ZONE = "Africa/Kigali"
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def upgrade() -> None:
    made = op.create_table(
        "recurrence",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("rule", sa.String(length=120), nullable=False),
        sa.Column("zone", sa.String(length=40), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("clock_time", sa.String(length=5), nullable=False),
        sa.Column("next_due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.String(length=60), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["peace_group.id"], name=op.f("fk_recurrence_group_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recurrence")),
        sa.UniqueConstraint("group_id", "kind", name=op.f("uq_recurrence_group_id_kind")),
    )
    op.create_index("ix_recurrence_next_due_at", "recurrence", ["next_due_at"], unique=False)
    rows = _rules(op.get_bind())
    if rows:
        op.bulk_insert(made, rows)


def _rules(db: sa.Connection) -> list[dict[str, object]]:
    """A weekly rule at 10:00 for every group with a check-in day; the group's row id serves as the rule's own."""
    zone = ZoneInfo(ZONE)
    now = datetime.now(UTC)
    today = now.astimezone(zone)
    rows: list[dict[str, object]] = []
    for group_id, weekday in db.execute(
        sa.text("SELECT id, check_in_weekday FROM peace_group WHERE check_in_weekday IS NOT NULL ORDER BY id")
    ):
        first = today + timedelta(days=(int(weekday) - today.weekday()) % 7)
        due = first.replace(hour=10, minute=0, second=0, microsecond=0).astimezone(UTC)
        rows.append(
            {
                "id": group_id,
                "group_id": group_id,
                "kind": "check_in",
                "rule": f"FREQ=WEEKLY;BYDAY={DAYS[int(weekday)]}",
                "zone": ZONE,
                "starts_on": first.date(),
                "clock_time": "10:00",
                "next_due_at": due if db.dialect.name != "sqlite" else due.replace(tzinfo=None),
                "changed_at": now if db.dialect.name != "sqlite" else now.replace(tzinfo=None),
                "changed_by": "migrate",
            }
        )
    return rows


def downgrade() -> None:
    op.drop_index("ix_recurrence_next_due_at", table_name="recurrence")
    op.drop_table("recurrence")
