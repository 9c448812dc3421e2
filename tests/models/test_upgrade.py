"""A site that ran before versions held their words: its dialogues go on after the upgrade, with the words of today."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from sqlalchemy import inspect, text

from sms_service import schema
from sms_service.catalogue import load_catalogue
from sms_service.conversation import engine
from sms_service.conversation.render import render
from sms_service.conversation.types import Begin, Dialogue, Outcome, Shown
from sms_service.database import Database
from sms_service.paths import templates_dir
from sms_service.usecases.context import Context
from sms_service.usecases.versions import import_release
from tests.service import Service
from tests.usecases.site import Site

OLD = "5" * 64
STORE = """
INSERT INTO conversation_version (id, name, fingerprint, definition, first_run_at)
VALUES (:id, 'missed', :fingerprint, :definition, :at)
"""


def test_a_dialogue_from_before_goes_on(context: Context, database: Database) -> None:
    """Decision 4, I24: a definition stored by an earlier release keeps its fingerprint, becomes a retired version, and speaks."""
    loaded = load_catalogue(templates_dir(), proof=False)
    schema.downgrade(database)
    schema.migrate(database, "0005")
    with database.begin() as db:
        for row_id, fingerprint in ((11, OLD), (12, "6" * 64)):
            definition = json.loads(loaded.conversations["missed"].canonical) | {"closes_after_hours": row_id}
            values = {"id": row_id, "fingerprint": fingerprint, "definition": json.dumps(definition)}
            db.execute(text(STORE), {**values, "at": datetime(2026, 5, 1, 9, 0, tzinfo=UTC).replace(tzinfo=None)})
    schema.migrate(database)
    with database.begin() as db:
        kept = db.execute(text("SELECT number, state, words FROM conversation_version ORDER BY id")).all()
    assert [tuple(row) for row in kept] == [(1, "retired", None), (2, "retired", None)]
    assert "missed 3 published" in import_release(context, loaded.versions(), loaded.reviews)
    with database.begin() as db:
        context.now(db)
        conversation = context.published.version(db, "missed", OLD)
    assert conversation.closes_after_hours == 11
    begun = engine.step(conversation, None, Begin({"day": "2026-05-12"}), {}, "sms")
    assert isinstance(begun, Outcome)
    stood = Dialogue.from_json({**begun.dialogue.to_json(), "version": OLD})
    shown = engine.step(conversation, stood, Shown(), {}, "sms")
    assert isinstance(shown, Outcome)
    assert render(conversation.words, "en", shown.replies[0], "sms").startswith("Servas: we missed you on Tuesday.")


def test_down_and_up_again_loses_no_words(context: Context, database: Database) -> None:
    """I24: after a way back to the earlier schema the same release fills in the words and publishes its versions again."""
    loaded = load_catalogue(templates_dir(), proof=False)
    schema.downgrade(database, "0005")
    schema.migrate(database)
    said = import_release(context, loaded.versions(), loaded.reviews)
    assert len(said) == len(loaded.versions())
    with database.begin() as db:
        assert db.execute(text("SELECT count(*) FROM conversation_version WHERE words IS NULL OR number <> 1")).scalar() == 0


def rows(database: Database) -> dict[str, int]:
    """How many rows each table holds."""
    with database.begin() as db:
        names = inspect(db).get_table_names()
        return {name: db.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one() for name in names}


def test_a_site_with_people_goes_down_and_up_and_keeps_every_row(service: Service, database: Database) -> None:
    """I24, F43: tables that others refer to are rebuilt with their rows in them; what shipped first is the way back."""
    site = Site.build(service.context)
    site.group()
    site.person()
    service.tick()
    service.hop("d1", "+250788000001", "")
    service.text("+250788000001", "ndashaka gupfa")
    service.work()
    before = rows(database)
    schema.downgrade(database, "0005")
    shipped = rows(database)
    schema.migrate(database)
    after = rows(database)
    assert {name: count for name, count in before.items() if name in shipped} == {name: after[name] for name in shipped}
    assert min(before[name] for name in ("person", "dialogue", "dialogue_event", "outbox", "concern", "turn", "meeting")) > 0
    with database.begin() as db:
        assert schema.is_current(db)
