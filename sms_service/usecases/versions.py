"""From file to phone: importing versions, signing off their words, approving, and publishing one of each name.

A version is immutable; only what happened to it changes. Everything here is one transaction and audited. ``actor`` is a staff
code or ``command`` or ``release``; names in audit entries are those of conversations, never of people.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row

from sms_service.conversation.compare import Change, compare
from sms_service.conversation.version import Version, stored_words, texts_hash
from sms_service.conversation.words import Words
from sms_service.models import versions
from sms_service.security.tokens import new_row_id
from sms_service.usecases.context import Context
from sms_service.usecases.faults import UseFault
from sms_service.usecases.published import read_version

Origin = Literal["release", "console", "command"]
RELEASE = "release"
COMMAND = "command"
MACHINES = frozenset({RELEASE, COMMAND})
REVIEWER_LENGTH = 80


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of one version: its number, and whether it was not there yet."""

    name: str
    number: int
    new: bool


def import_versions(
    context: Context,
    found: Sequence[Version],
    actor: str,
    origin: Origin,
    *,
    reviews: Mapping[str, Mapping[str, str]] | None = None,
    unless: Callable[[Connection], None] | None = None,
) -> list[Imported]:
    """Store checked versions as drafts, all in one transaction; one that is there already stays what it is.

    ``reviews`` names, by version, the native reviewer of each language the files were signed off in. The caller has checked: a
    version with a fault never comes here. ``unless`` may raise, once nobody else can import, if what they were made from is gone.
    """
    with context.database.begin() as db:
        versions.lock_publications(db)
        if unless is not None:
            unless(db)
        return [_import(context, db, version, actor, origin, (reviews or {}).get(version.name, {})) for version in found]


def _import(context: Context, db: Connection, version: Version, actor: str, origin: Origin, reviews: Mapping[str, str]) -> Imported:
    now = context.now(db)
    known = versions.by_fingerprint(db, version.fingerprint)
    if known is None:
        number = versions.add(
            db,
            {
                "id": new_row_id(),
                "name": version.name,
                "fingerprint": version.fingerprint,
                "definition": version.definition,
                "words": stored_words(version.words),
                "state": "draft",
                "origin": origin,
                "imported_at": now,
                "imported_by": actor,
            },
        )
        context.record(db, actor, "conversation.import", f"{version.name} {number}")
    else:
        number = known.number
        if known.words is None:
            # the fingerprint is over definition and words: these are the ones that were lost on the way down and up
            versions.change(db, known.id, words=stored_words(version.words), state="draft")
    for language, reviewer in sorted(reviews.items()):
        if language in version.words.languages:
            _sign(context, db, version, number, language, reviewer, actor, now)
    return Imported(version.name, number, known is None)


def sign_off(context: Context, name: str, number: int, language: str, reviewer: str, actor: str) -> None:
    """Record that ``reviewer``, a native speaker, approved what this version says in ``language``.

    The sign-off is of the very texts: it holds for every version that says the same, and for none that says anything else.
    Whoever brought the version in may have written it and cannot be the one to record this.
    """
    with context.database.begin() as db:
        row = _found(db, name, number)
        if actor == row.imported_by and actor not in MACHINES:
            raise UseFault("reviewer", "whoever brought a version in cannot sign off its words: ask a second person")
        _not_the_author(context, db, row, actor)
        version = read(context, row)
        if language not in version.words.languages:
            raise UseFault("language", "there are no words in language %(language)s", language=language)
        if not _sign(context, db, version, number, language, reviewer, actor, context.now(db)):
            raise UseFault("language", "these texts have been signed off already: nothing was changed")


def _sign(
    context: Context, db: Connection, version: Version, number: int, language: str, reviewer: str, actor: str, now: datetime
) -> bool:
    named = " ".join(reviewer.split())
    if not 2 <= len(named) <= REVIEWER_LENGTH:
        raise UseFault("reviewer", "the reviewer's name is needed, 2 to %(most)s characters", most=REVIEWER_LENGTH)
    row_id = new_row_id()
    values: dict[str, Any] = {
        "id": row_id,
        "conversation": version.name,
        "language": language,
        "texts_hash": texts_hash(version, language),
        "reviewer": context.vault.seal("text_review", "reviewer", row_id, named),
        "recorded_by": actor,
        "at": now,
    }
    new = versions.add_review(db, values)
    if new:
        context.record(db, actor, "conversation.review", f"{version.name} {number} {language}")
    return new


def approve(context: Context, name: str, number: int, actor: str) -> None:
    """A second pair of eyes: not those of the person who brought the version in (S40 in spirit)."""
    with context.database.begin() as db:
        versions.lock_publications(db)
        row = _found(db, name, number)
        if row.approved_at is not None:
            raise UseFault("number", "version %(number)s of %(name)s is approved already", name=name, number=number)
        if actor == row.imported_by and actor not in MACHINES:
            raise UseFault("number", "whoever brought a version in cannot approve it: ask a second person")
        _not_the_author(context, db, row, actor)
        versions.change(db, row.id, approved_at=context.now(db), approved_by=actor)
        context.record(db, actor, "conversation.approve", f"{name} {number}")


def _not_the_author(context: Context, db: Connection, row: Row[Any], actor: str) -> None:
    """Refuse whoever brought in an earlier draft that this version was laid over and still holds something of (S40 in spirit)."""
    earlier = [one for one in reversed(versions.all_versions(db, row.name)) if one.number < row.number]
    if actor in MACHINES or all(one.imported_by != actor or one.published_at is not None for one in earlier):
        return
    running = next((one for one in versions.published(db) if one.name == row.name), None)
    base = read(context, running) if running is not None else Version(row.name, "{}", Words(), None, "")
    theirs: set[Change] = set()
    own: set[Change] = set()
    for one in earlier:
        said = set(compare(base, read(context, _found(db, one.name, one.number))))
        if one.imported_by == actor and one.published_at is None:
            own |= said - theirs
        else:
            theirs |= said
    if own & set(compare(base, read(context, row))):
        raise UseFault("number", "this version holds something of an earlier draft that you brought in: ask a second person")


def publish(context: Context, name: str, number: int, actor: str) -> None:
    """Make a version the one that runs, on every machine, from its next transaction on.

    Running dialogues stay on the version they began with. Publishing an older number again is the way back. Refused: a version
    nobody approved, and, where real people are at the other end, any language without a native reviewer's sign-off.
    """
    with context.database.begin() as db:
        versions.lock_publications(db)
        row = _found(db, name, number)
        if row.state == "published":
            raise UseFault("number", "version %(number)s of %(name)s is what runs already", name=name, number=number)
        if row.words is None:
            raise UseFault("number", "this version was kept without its words: import its files again")
        if row.approved_at is None:
            raise UseFault("number", "version %(number)s of %(name)s is not approved yet", name=name, number=number)
        if _alone(row, actor):
            raise UseFault("number", "it takes two people: whoever brought it in, or alone approved it, cannot publish it")
        missing = unreviewed(context, db, read(context, row))
        if missing and context.reviewed_only:
            raise UseFault(
                "language",
                "no native reviewer has signed off: %(languages)s. Nothing unreviewed is sent to people",
                languages=", ".join(missing),
            )
        _publish(context, db, row, actor)


def _alone(row: Row[Any], actor: str) -> bool:
    """Whether nobody else has looked at it (S40 in spirit). What has run before was looked at then: the way back is open to all."""
    if actor in MACHINES or row.published_at is not None:
        return False
    return actor == row.imported_by or (row.imported_by in MACHINES and row.approved_by == actor)


def withdraw(context: Context, name: str, number: int, actor: str) -> None:
    """Put a draft aside that nobody will publish; it stays stored and can be published later all the same."""
    with context.database.begin() as db:
        versions.lock_publications(db)
        row = _found(db, name, number)
        if row.state != "draft":
            raise UseFault("number", "version %(number)s of %(name)s is no draft", name=name, number=number)
        versions.change(db, row.id, state="retired")
        context.record(db, actor, "conversation.withdraw", f"{name} {number}")


def _publish(context: Context, db: Connection, row: Row[Any], actor: str) -> None:
    versions.publish(db, row.id, row.name, actor, context.now(db))
    context.record(db, actor, "conversation.publish", f"{row.name} {row.number}")


def unreviewed(context: Context, db: Connection, version: Version) -> list[str]:
    """The languages of this version whose very texts no native reviewer has signed off."""
    signed = {(row.language, row.texts_hash) for row in versions.reviews_of(db, version.name)}
    return [language for language in version.words.languages if (language, texts_hash(version, language)) not in signed]


def import_release(context: Context, found: Sequence[Version], reviews: Mapping[str, str]) -> list[str]:
    """What ships with a release, imported; published at once where it may be. Returns what happened, as ``checkin 2 published``.

    It is published when nobody at this site has published another version of that name (then it waits as a draft for a person),
    nobody has put this one aside, and every language is signed off or nothing here reaches real people.
    """
    said = []
    with context.database.begin() as db:
        versions.lock_publications(db)
        running = {row.name: row for row in versions.published(db)}
        for version in found:
            made = _import(context, db, version, RELEASE, "release", reviews)
            row = _found(db, version.name, made.number)
            now_running = running.get(version.name)
            free = now_running is None or now_running.published_by == RELEASE
            may = not (context.reviewed_only and unreviewed(context, db, version))
            aside = row.state == "retired" and row.published_at is None
            if row.state != "published" and free and may and not aside:
                if row.approved_at is None:
                    versions.change(db, row.id, approved_at=context.now(db), approved_by=RELEASE)
                _publish(context, db, row, RELEASE)
                said.append(f"{version.name} {made.number} published")
            elif made.new:
                said.append(f"{version.name} {made.number} waits for review and publication")
    return said


def read(context: Context, row: Row[Any]) -> Version:
    """A stored row as a version; one from before words were kept speaks with the words that run.

    Raises ``UseFault`` for one that another program wrote and this one cannot read.
    """
    current = context.conversations.get(row.name)
    try:
        return read_version(row.definition, row.words, current.words if current is not None else context.words)
    except ValueError:
        reason = "version %(number)s of %(name)s is damaged, or of another program: it cannot be read here"
        raise UseFault("number", reason, number=row.number, name=row.name) from None


def _found(db: Connection, name: str, number: int) -> Row[Any]:
    row = versions.by_number(db, name, number)
    if row is None:
        raise UseFault("number", "there is no version %(number)s of %(name)s", name=name, number=number)
    return row
