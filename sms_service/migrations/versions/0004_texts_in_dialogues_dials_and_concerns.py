"""Texts in, dialogues, dials and concerns"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.create_table(
        "conversation_version",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("first_run_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversation_version")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_conversation_version_fingerprint")),
    )
    op.create_table(
        "text_word",
        sa.Column("word", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("text_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("word", "text_hash", name=op.f("pk_text_word")),
    )
    with op.batch_alter_table("text_word", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_text_word_text_hash"), ["text_hash"], unique=False)

    op.create_table(
        "dial",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("gateway_session", sa.String(length=128), nullable=False),
        sa.Column("number_id", sa.BigInteger(), nullable=False),
        sa.Column("service_code", sa.String(length=40), nullable=False),
        sa.Column("network_code", sa.String(length=12), nullable=True),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("text_length", sa.Integer(), nullable=False),
        sa.Column("text_hash", sa.LargeBinary(), nullable=False),
        sa.Column("turns", sa.Integer(), nullable=False),
        sa.Column("place", sa.JSON(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("end_status", sa.String(length=12), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["number_id"], ["number.id"], name=op.f("fk_dial_number_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_dial_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dial")),
        sa.UniqueConstraint("gateway_session", name=op.f("uq_dial_gateway_session")),
    )
    with op.batch_alter_table("dial", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_dial_number_id"), ["number_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_dial_opened_at"), ["opened_at"], unique=False)

    op.create_table(
        "inbound",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("channel", sa.String(length=8), nullable=False),
        sa.Column("provider_id", sa.String(length=128), nullable=False),
        sa.Column("number_id", sa.BigInteger(), nullable=True),
        sa.Column("sender", sa.LargeBinary(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("text_hash", sa.LargeBinary(), nullable=False),
        sa.Column("alert", sa.String(length=5), nullable=False),
        sa.Column("is_stop", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("fails", sa.Integer(), nullable=False),
        sa.Column("repeat_of", sa.BigInteger(), nullable=True),
        sa.Column("intent", sa.String(length=12), nullable=True),
        sa.Column("value", sa.String(length=40), nullable=True),
        sa.Column("rule", sa.String(length=60), nullable=True),
        sa.Column("confidence", sa.Float(), nullable=True),
        sa.Column("dialogue_id", sa.BigInteger(), nullable=True),
        sa.Column("network_code", sa.String(length=12), nullable=True),
        sa.Column("sent_date", sa.String(length=40), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("processed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["number_id"], ["number.id"], name=op.f("fk_inbound_number_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound")),
        sa.UniqueConstraint("channel", "provider_id", name=op.f("uq_inbound_channel_provider_id")),
    )
    with op.batch_alter_table("inbound", schema=None) as batch_op:
        batch_op.create_index("ix_inbound_number_id_state", ["number_id", "state"], unique=False)
        batch_op.create_index(batch_op.f("ix_inbound_received_at"), ["received_at"], unique=False)
        batch_op.create_index("ix_inbound_state_received_at", ["state", "received_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_inbound_text_hash"), ["text_hash"], unique=False)

    op.create_table(
        "turn",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("dial_id", sa.BigInteger(), nullable=False),
        sa.Column("number_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("receipt", sa.LargeBinary(), nullable=False),
        sa.Column("typed", sa.LargeBinary(), nullable=True),
        sa.Column("typed_hash", sa.LargeBinary(), nullable=True),
        sa.Column("screen", sa.LargeBinary(), nullable=False),
        sa.Column("intent", sa.String(length=12), nullable=False),
        sa.Column("value", sa.String(length=40), nullable=True),
        sa.Column("rule", sa.String(length=60), nullable=True),
        sa.Column("alert", sa.String(length=5), nullable=False),
        sa.Column("event", sa.JSON(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["dial_id"], ["dial.id"], name=op.f("fk_turn_dial_id")),
        sa.ForeignKeyConstraint(["number_id"], ["number.id"], name=op.f("fk_turn_number_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_turn_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_turn")),
        sa.UniqueConstraint("dial_id", "receipt", name=op.f("uq_turn_dial_id_receipt")),
    )
    with op.batch_alter_table("turn", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_turn_at"), ["at"], unique=False)
        batch_op.create_index("ix_turn_number_id_at", ["number_id", "at"], unique=False)
        batch_op.create_index(batch_op.f("ix_turn_typed_hash"), ["typed_hash"], unique=False)

    op.create_table(
        "concern",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("severity", sa.String(length=8), nullable=False),
        sa.Column("number_id", sa.BigInteger(), nullable=True),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("group_id", sa.BigInteger(), nullable=True),
        sa.Column("inbound_id", sa.BigInteger(), nullable=True),
        sa.Column("turn_id", sa.BigInteger(), nullable=True),
        sa.Column("topic", sa.String(length=20), nullable=True),
        sa.Column("slot", sa.String(length=20), nullable=True),
        sa.Column("note_code", sa.String(length=40), nullable=True),
        sa.Column("state", sa.String(length=14), nullable=False),
        sa.Column("texts", sa.Integer(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(length=24), nullable=True),
        sa.ForeignKeyConstraint(["group_id"], ["peace_group.id"], name=op.f("fk_concern_group_id")),
        sa.ForeignKeyConstraint(["inbound_id"], ["inbound.id"], name=op.f("fk_concern_inbound_id")),
        sa.ForeignKeyConstraint(["number_id"], ["number.id"], name=op.f("fk_concern_number_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["staff.id"], name=op.f("fk_concern_owner_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_concern_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_concern")),
        sa.UniqueConstraint("code", name=op.f("uq_concern_code")),
    )
    with op.batch_alter_table("concern", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_concern_number_id"), ["number_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_concern_person_id"), ["person_id"], unique=False)
        batch_op.create_index("ix_concern_state_due_at", ["state", "due_at"], unique=False)

    op.create_table(
        "alert",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("concern_id", sa.BigInteger(), nullable=False),
        sa.Column("ack_code", sa.String(length=6), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_by", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(["concern_id"], ["concern.id"], name=op.f("fk_alert_concern_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert")),
    )
    with op.batch_alter_table("alert", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_alert_ack_code"), ["ack_code"], unique=False)
        batch_op.create_index(batch_op.f("ix_alert_concern_id"), ["concern_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_alert_next_at"), ["next_at"], unique=False)

    op.create_table(
        "concern_note",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("concern_id", sa.BigInteger(), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["concern_id"], ["concern.id"], name=op.f("fk_concern_note_concern_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_concern_note_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_concern_note")),
    )
    with op.batch_alter_table("concern_note", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_concern_note_concern_id"), ["concern_id"], unique=False)

    op.create_table(
        "contact_attempt",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("concern_id", sa.BigInteger(), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("result", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(["concern_id"], ["concern.id"], name=op.f("fk_contact_attempt_concern_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_contact_attempt_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_attempt")),
    )
    with op.batch_alter_table("contact_attempt", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_contact_attempt_concern_id"), ["concern_id"], unique=False)

    op.create_table(
        "dialogue",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("meeting_id", sa.BigInteger(), nullable=True),
        sa.Column("conversation", sa.String(length=40), nullable=False),
        sa.Column("place", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("sms_open", sa.Boolean(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["meeting_id"], ["meeting.id"], name=op.f("fk_dialogue_meeting_id")),
        sa.ForeignKeyConstraint(["number_id"], ["number.id"], name=op.f("fk_dialogue_number_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_dialogue_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dialogue")),
    )
    with op.batch_alter_table("dialogue", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_dialogue_meeting_id"), ["meeting_id"], unique=False)
        batch_op.create_index("ix_dialogue_number_id_state", ["number_id", "state"], unique=False)
        batch_op.create_index(batch_op.f("ix_dialogue_person_id"), ["person_id"], unique=False)
        batch_op.create_index("ix_dialogue_state_closes_at", ["state", "closes_at"], unique=False)

    op.create_table(
        "alert_phone",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("alert_id", sa.BigInteger(), nullable=False),
        sa.Column("number_id", sa.BigInteger(), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=True),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name=op.f("fk_alert_phone_alert_id")),
        sa.ForeignKeyConstraint(["number_id"], ["number.id"], name=op.f("fk_alert_phone_number_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_alert_phone_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_phone")),
    )
    with op.batch_alter_table("alert_phone", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_alert_phone_alert_id"), ["alert_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_alert_phone_number_id"), ["number_id"], unique=False)

    op.create_table(
        "dialogue_event",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("dialogue_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=4), nullable=False),
        sa.Column("event", sa.JSON(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["dialogue_id"], ["dialogue.id"], name=op.f("fk_dialogue_event_dialogue_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dialogue_event")),
        sa.UniqueConstraint("dialogue_id", "seq", name=op.f("uq_dialogue_event_dialogue_id_seq")),
    )
    op.create_table(
        "response",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("dialogue_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("meeting_id", sa.BigInteger(), nullable=True),
        sa.Column("question", sa.String(length=40), nullable=False),
        sa.Column("value", sa.String(length=20), nullable=False),
        sa.Column("channel", sa.String(length=4), nullable=False),
        sa.Column("rule", sa.String(length=60), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("corrected_by", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["corrected_by"], ["staff.id"], name=op.f("fk_response_corrected_by")),
        sa.ForeignKeyConstraint(["dialogue_id"], ["dialogue.id"], name=op.f("fk_response_dialogue_id")),
        sa.ForeignKeyConstraint(["meeting_id"], ["meeting.id"], name=op.f("fk_response_meeting_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_response_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_response")),
    )
    with op.batch_alter_table("response", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_response_dialogue_id"), ["dialogue_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_response_meeting_id"), ["meeting_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_response_person_id"), ["person_id"], unique=False)


def downgrade() -> None:

    with op.batch_alter_table("response", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_response_person_id"))
        batch_op.drop_index(batch_op.f("ix_response_meeting_id"))
        batch_op.drop_index(batch_op.f("ix_response_dialogue_id"))

    op.drop_table("response")
    op.drop_table("dialogue_event")
    with op.batch_alter_table("alert_phone", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_alert_phone_number_id"))
        batch_op.drop_index(batch_op.f("ix_alert_phone_alert_id"))

    op.drop_table("alert_phone")
    with op.batch_alter_table("dialogue", schema=None) as batch_op:
        batch_op.drop_index("ix_dialogue_state_closes_at")
        batch_op.drop_index(batch_op.f("ix_dialogue_person_id"))
        batch_op.drop_index("ix_dialogue_number_id_state")
        batch_op.drop_index(batch_op.f("ix_dialogue_meeting_id"))

    op.drop_table("dialogue")
    with op.batch_alter_table("contact_attempt", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_contact_attempt_concern_id"))

    op.drop_table("contact_attempt")
    with op.batch_alter_table("concern_note", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_concern_note_concern_id"))

    op.drop_table("concern_note")
    with op.batch_alter_table("alert", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_alert_next_at"))
        batch_op.drop_index(batch_op.f("ix_alert_concern_id"))
        batch_op.drop_index(batch_op.f("ix_alert_ack_code"))

    op.drop_table("alert")
    with op.batch_alter_table("concern", schema=None) as batch_op:
        batch_op.drop_index("ix_concern_state_due_at")
        batch_op.drop_index(batch_op.f("ix_concern_person_id"))
        batch_op.drop_index(batch_op.f("ix_concern_number_id"))

    op.drop_table("concern")
    with op.batch_alter_table("turn", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_turn_typed_hash"))
        batch_op.drop_index("ix_turn_number_id_at")
        batch_op.drop_index(batch_op.f("ix_turn_at"))

    op.drop_table("turn")
    with op.batch_alter_table("inbound", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_inbound_text_hash"))
        batch_op.drop_index("ix_inbound_state_received_at")
        batch_op.drop_index(batch_op.f("ix_inbound_received_at"))
        batch_op.drop_index("ix_inbound_number_id_state")

    op.drop_table("inbound")
    with op.batch_alter_table("dial", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_dial_opened_at"))
        batch_op.drop_index(batch_op.f("ix_dial_number_id"))

    op.drop_table("dial")
    with op.batch_alter_table("text_word", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_text_word_text_hash"))

    op.drop_table("text_word")
    op.drop_table("conversation_version")
