"""Indexes over what is still to be done, and over a number's latest texts, so that no cost grows with what is stored"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

BEFORE: tuple[tuple[str, str, list[str]], ...] = (
    ("ix_outbox_person_id", "outbox", ["person_id"]),
    ("ix_outbox_meeting_id", "outbox", ["meeting_id"]),
    ("ix_outbox_dialogue_id", "outbox", ["dialogue_id"]),
    ("ix_outbox_due", "outbox", ["state", "lane", "not_before"]),
    ("ix_outbox_number_id_state", "outbox", ["number_id", "state"]),
    ("ix_outbox_broadcast_id_state", "outbox", ["broadcast_id", "state"]),
    ("ix_outbox_gateway_id", "outbox", ["gateway_id"]),
    ("ix_outbox_group_id_not_before", "outbox", ["group_id", "not_before"]),
    ("ix_inbound_dialogue_id", "inbound", ["dialogue_id"]),
    ("ix_inbound_number_id_state", "inbound", ["number_id", "state"]),
    ("ix_inbound_state_received_at", "inbound", ["state", "received_at"]),
    ("ix_turn_typed_hash", "turn", ["typed_hash"]),
    ("ix_dial_number_id", "dial", ["number_id"]),
    ("ix_dialogue_person_id", "dialogue", ["person_id"]),
    ("ix_dialogue_meeting_id", "dialogue", ["meeting_id"]),
    ("ix_dialogue_number_id_state", "dialogue", ["number_id", "state"]),
    ("ix_dialogue_state_closes_at", "dialogue", ["state", "closes_at"]),
    ("ix_response_person_id", "response", ["person_id"]),
    ("ix_response_meeting_id", "response", ["meeting_id"]),
    ("ix_occurrence_state_due_at", "occurrence", ["state", "due_at"]),
    ("ix_alert_next_at", "alert", ["next_at"]),
    # each the beginning of a unique key
    ("ix_meeting_group_id", "meeting", ["group_id"]),
    ("ix_attendance_meeting_id", "attendance", ["meeting_id"]),
    ("ix_session_template_curriculum_id", "session_template", ["curriculum_id"]),
    ("ix_membership_group_id", "membership", ["group_id"]),
    ("ix_group_facilitator_group_id", "group_facilitator", ["group_id"]),
    ("ix_contact_point_person_id", "contact_point", ["person_id"]),
    ("ix_staff_role_staff_id", "staff_role", ["staff_id"]),
    ("ix_broadcast_text_broadcast_id", "broadcast_text", ["broadcast_id"]),
    ("ix_pair_member_pair_id", "pair_member", ["pair_id"]),
    ("ix_activity_pair_id", "activity", ["pair_id"]),
    ("ix_cascade_report_pair_id", "cascade_report", ["pair_id"]),
)
MOVING = "state = 'queued' OR state = 'reserved' OR state = 'calling' OR state = 'unknown'"
LIVE = "state = 'waiting' OR state = 'open'"
AFTER: tuple[tuple[str, str, list[str], str | None], ...] = (
    ("ix_outbox_number_id_not_before", "outbox", ["number_id", "not_before"], None),
    ("ix_outbox_due", "outbox", ["lane", "not_before"], "state = 'queued'"),
    ("ix_outbox_moving", "outbox", ["state", "number_id"], MOVING),
    ("ix_outbox_broadcast_id", "outbox", ["broadcast_id", "state"], "broadcast_id IS NOT NULL"),
    ("ix_outbox_group_id", "outbox", ["group_id", "not_before"], "group_id IS NOT NULL"),
    ("ix_outbox_person_id", "outbox", ["person_id"], "person_id IS NOT NULL"),
    ("ix_outbox_meeting_id", "outbox", ["meeting_id"], "meeting_id IS NOT NULL"),
    ("ix_outbox_dialogue_id", "outbox", ["dialogue_id"], "dialogue_id IS NOT NULL"),
    ("ix_outbox_gateway_id", "outbox", ["gateway_id"], "gateway_id IS NOT NULL"),
    ("ix_outbox_inbound_id", "outbox", ["inbound_id"], "inbound_id IS NOT NULL"),
    ("ix_outbox_replaces_id", "outbox", ["replaces_id"], "replaces_id IS NOT NULL"),
    ("ix_inbound_number_id_received_at", "inbound", ["number_id", "received_at"], None),
    ("ix_inbound_new", "inbound", ["id"], "state = 'new'"),
    ("ix_inbound_new_number_id", "inbound", ["number_id"], "state = 'new'"),
    ("ix_inbound_needs_person", "inbound", ["id"], "state = 'needs_person'"),
    ("ix_inbound_dialogue_id", "inbound", ["dialogue_id"], "dialogue_id IS NOT NULL"),
    ("ix_turn_typed_hash", "turn", ["typed_hash"], "typed_hash IS NOT NULL"),
    ("ix_dial_number_id_opened_at", "dial", ["number_id", "opened_at"], None),
    ("ix_dial_open", "dial", ["opened_at"], "state = 'open'"),
    ("ix_dialogue_number_id_asked_at", "dialogue", ["number_id", "asked_at"], None),
    ("ix_dialogue_live", "dialogue", ["number_id"], LIVE),
    ("ix_dialogue_closing", "dialogue", ["closes_at"], LIVE),
    ("ix_dialogue_person_id", "dialogue", ["person_id"], "person_id IS NOT NULL"),
    ("ix_dialogue_meeting_id", "dialogue", ["meeting_id"], "meeting_id IS NOT NULL"),
    ("ix_response_person_id", "response", ["person_id"], "person_id IS NOT NULL"),
    ("ix_response_meeting_id", "response", ["meeting_id"], "meeting_id IS NOT NULL"),
    ("ix_occurrence_pending", "occurrence", ["due_at"], "state = 'pending'"),
    ("ix_occurrence_missed", "occurrence", ["due_at"], "state = 'missed'"),
    ("ix_concern_inbound_id", "concern", ["inbound_id"], "inbound_id IS NOT NULL"),
)


def upgrade() -> None:
    for name, table, _ in BEFORE:
        op.drop_index(name, table_name=table)
    for name, table, columns, where in AFTER:
        only = sa.text(where) if where else None
        op.create_index(name, table, columns, unique=False, postgresql_where=only, sqlite_where=only)


def downgrade() -> None:
    for name, table, _, _ in AFTER:
        op.drop_index(name, table_name=table)
    for name, table, columns in BEFORE:
        op.create_index(name, table, columns, unique=False)
