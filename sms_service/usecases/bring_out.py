"""What stands, for translators and authors: of every conversation the newest draft, else what runs, with its words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection

from sms_service.conversation.translations import Place, places_of
from sms_service.conversation.version import NOTICES_NAME, Version
from sms_service.conversation.words import Entry, Forms, Words
from sms_service.models import versions
from sms_service.usecases.context import Context
from sms_service.usecases.faults import UseFault
from sms_service.usecases.read_versions import newest_draft, one_version, reviews


@dataclass(frozen=True, slots=True)
class Out:
    """What goes into a file: the words, the keys in reading order, where each is said, and the reviewer of each language.

    ``version`` is the one version it holds; None for all of them. A language has a reviewer when every version in it has one.
    """

    words: Words
    keys: tuple[str, ...]
    places: dict[str, Place]
    reviews: dict[str, str]
    version: Version | None = None


def standing_versions(context: Context, db: Connection) -> dict[str, Version]:
    """Of every name the newest draft that nothing newer runs beside, else the version that runs; conversations first."""
    context.now(db)
    names = dict.fromkeys(row.name for row in versions.all_versions(db))
    running = {row.name for row in versions.published(db)}
    found: dict[str, Version] = {}
    for name in sorted(names, key=lambda one: (one == NOTICES_NAME, one)):
        draft = newest_draft(context, db, name)
        if draft is not None or name in running:
            found[name] = one_version(context, db, name, draft)[1]
    return found


def standing_numbers(db: Connection) -> dict[str, int]:
    """The numbers of the same versions by name; they are others as soon as anybody brought in or published something."""
    found: dict[str, int] = {}
    for row in versions.all_versions(db):  # newest first: a draft stands until something newer runs
        if row.name not in found and row.state in ("draft", "published"):
            found[row.name] = int(row.number)
    return found


def all_words(found: Iterable[Version]) -> Words:
    """The words of several versions as one catalogue; of a text that differs between them, what the first says."""
    entries: dict[str, dict[str, Entry]] = {}
    labels: dict[str, dict[str, str]] = {}
    forms: dict[str, Forms] = {}
    for version in found:
        for language in version.words.languages:
            own = entries.setdefault(language, {})
            entries[language] = {**version.words.entries[language], **own}
            labels[language] = {**version.words.option_labels.get(language, {}), **labels.get(language, {})}
            if language in version.words.forms:
                forms.setdefault(language, version.words.forms[language])
    return Words(entries, forms, labels)


def take_out(context: Context, db: Connection, name: str = "", number: int | None = None) -> Out:
    """The words of one conversation (``notices``: the service's own texts), of one version of it, or of everything that stands.

    Raises ``UseFault`` when there is no such conversation or version.
    """
    if name:
        wanted = number if number is not None else newest_draft(context, db, name)
        found = {name: one_version(context, db, name, wanted)[1]}
    else:
        found = standing_versions(context, db)
        if not found:
            raise UseFault("name", "there is no conversation here yet: sms-service migrate brings in those that ship")
    words = all_words(found.values())
    places = places_of([one.conversation for one in found.values() if one.conversation is not None])
    every = {key for table in words.entries.values() for key in table}
    keys = (*(key for key in places if key in every), *sorted(every - set(places)))
    return Out(words, keys, places, _reviewers(context, db, list(found.values())), found[name] if name else None)


def _reviewers(context: Context, db: Connection, found: list[Version]) -> dict[str, str]:
    signed = [({one.language: one.reviewer for one in reviews(context, db, version)}, version) for version in found]
    named: dict[str, str] = {}
    for language in {one for _, version in signed for one in version.words.languages}:
        names = [by.get(language, "") for by, version in signed if language in version.words.languages]
        if all(names):
            named[language] = ", ".join(dict.fromkeys(names))
    return named
