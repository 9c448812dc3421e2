"""Versions for people who decide about them: what there is of a conversation, what changed, and who signed what off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from sms_service.conversation.compare import Change, compare
from sms_service.conversation.version import Version, read_stored_words, texts_hash
from sms_service.models import versions
from sms_service.usecases.context import Context
from sms_service.usecases.faults import UseFault
from sms_service.usecases.versions import read


@dataclass(frozen=True, slots=True)
class Listed:
    """One version in a list: codes and times only (aware UTC); ``unreviewed`` are languages nobody has signed off."""

    name: str
    number: int
    state: str
    origin: str
    imported_at: datetime
    imported_by: str
    approved_by: str
    published_at: datetime | None
    published_by: str
    unreviewed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Review:
    """A native reviewer's sign-off of one language of one version."""

    language: str
    reviewer: str
    recorded_by: str
    at: datetime


def list_versions(context: Context, db: Connection, name: str | None = None) -> list[Listed]:
    """Every version, or those of one name, newest first."""
    context.now(db)
    signed: dict[str, set[tuple[str, str]]] = {}
    found = []
    for head in versions.all_versions(db, name):
        if head.name not in signed:
            signed[head.name] = {(row.language, row.texts_hash) for row in versions.reviews_of(db, head.name)}
        row = _row(db, head.name, head.number)
        # what was signed off are words: a definition that this program no longer reads is still listed
        words = read_stored_words(row.words) if row.words is not None else read(context, row).words
        version = Version(row.name, row.definition, words, None, row.fingerprint)
        missing = tuple(
            language for language in version.words.languages if (language, texts_hash(version, language)) not in signed[head.name]
        )
        found.append(_listed(head, missing))
    return found


def _listed(head: Row[Any], missing: tuple[str, ...]) -> Listed:
    return Listed(
        name=head.name,
        number=head.number,
        state=head.state,
        origin=head.origin,
        imported_at=head.imported_at,
        imported_by=head.imported_by,
        approved_by=head.approved_by or "",
        published_at=head.published_at,
        published_by=head.published_by or "",
        unreviewed=missing,
    )


def one_version(context: Context, db: Connection, name: str, number: int | None = None) -> tuple[int, Version]:
    """The version of this number, or the one that runs; raises ``UseFault`` when there is none."""
    context.now(db)
    if number is None:
        running = [row for row in versions.published(db) if row.name == name]
        if not running:
            raise UseFault("name", "nothing named %(name)s is published here", name=name)
        return int(running[0].number), read(context, running[0])
    return number, read(context, _row(db, name, number))


def newest_draft(context: Context, db: Connection, name: str) -> int | None:
    """The number of the newest draft that is newer than what runs; None when there is none."""
    context.now(db)
    rows = versions.all_versions(db, name)
    running = max((row.number for row in rows if row.state == "published"), default=0)
    return next((int(row.number) for row in rows if row.state == "draft" and row.number > running), None)


def changes(context: Context, db: Connection, name: str, older: int | None, newer: int) -> list[Change]:
    """What differs between two versions, steps first, then texts by language; ``older`` None is the one that runs."""
    _, before = one_version(context, db, name, older)
    _, after = one_version(context, db, name, newer)
    return compare(before, after)


def reviews(context: Context, db: Connection, version: Version) -> list[Review]:
    """The sign-offs that hold for this very version, one a language at most."""
    rows: Sequence[Row[Any]] = versions.reviews_of(db, version.name)
    hashes = {language: texts_hash(version, language) for language in version.words.languages}
    return [
        Review(row.language, context.vault.open("text_review", "reviewer", row.id, row.reviewer), row.recorded_by, row.at)
        for row in rows
        if hashes.get(row.language) == row.texts_hash
    ]


def _row(db: Connection, name: str, number: int) -> Row[Any]:
    row = versions.by_number(db, name, number)
    if row is None:
        raise UseFault("number", "there is no version %(number)s of %(name)s", name=name, number=number)
    return row
