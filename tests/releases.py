"""Another release for tests: every published conversation again with one full stop more in each text, published."""

from __future__ import annotations

from dataclasses import replace

from sms_service.conversation.parse import unpack
from sms_service.conversation.version import Version
from sms_service.conversation.words import Words
from sms_service.usecases.context import Context
from sms_service.usecases.versions import approve, import_versions, publish


def reworded(version: Version) -> Version:
    """The same steps in other words: another version."""
    entries = {
        language: {key: replace(entry, text=f"{entry.text}.") for key, entry in table.items()}
        for language, table in version.words.entries.items()
    }
    return unpack(version.definition, Words(entries, version.words.forms, version.words.option_labels))


def publish_another_release(context: Context) -> None:
    """Import, approve and publish it; the numbers are one higher than those that ran."""
    with context.database.begin() as db:
        context.now(db)
    running = [Version(one.name, one.canonical, one.words, one, one.fingerprint) for one in context.conversations.values()]
    for made in import_versions(context, [reworded(version) for version in running], "command", "command"):
        approve(context, made.name, made.number, "S00001")
        publish(context, made.name, made.number, "S00002")
