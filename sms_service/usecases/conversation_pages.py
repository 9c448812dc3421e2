"""What the conversation pages show: every conversation in one line, and one version with its words, reviews, changes, and check.

Reads only. Versions are immutable, so what a check found is kept for the last versions looked at.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from sms_service.conversation.check import check_all
from sms_service.conversation.check_steps import Use, uses_of
from sms_service.conversation.check_texts import fill_longest
from sms_service.conversation.compare import Change, compare
from sms_service.conversation.faults import Fault
from sms_service.conversation.types import Channel
from sms_service.conversation.version import NOTICES_NAME, Version
from sms_service.conversation.vocabulary import NOTICES, SMS_LIMIT, USSD_LIMIT
from sms_service.conversation.words import Words
from sms_service.models import versions
from sms_service.text.gsm import segments
from sms_service.usecases.context import Context
from sms_service.usecases.faults import UseFault
from sms_service.usecases.read_versions import Listed, Review, list_versions, one_version, reviews
from sms_service.usecases.versions import unreviewed

CHECKS_KEPT = 32


@dataclass(frozen=True, slots=True)
class Overview:
    """One conversation, or the service's own texts, in a list; times are aware UTC. ``running`` is 0 when nothing is published.

    ``drafts`` are the numbers of drafts newer than what runs, newest first. ``unreviewed`` are languages of the running version
    (or of the newest draft, when nothing runs) that no native reviewer has signed off.
    """

    name: str
    running: int
    drafts: tuple[int, ...]
    languages: tuple[str, ...]
    unreviewed: tuple[str, ...]
    published_at: datetime | None
    published_by: str


@dataclass(frozen=True, slots=True)
class Cell:
    """One text in one language at its longest: ``units`` of ``limit`` characters, in ``parts`` segments."""

    text: str
    units: int
    limit: int
    parts: int

    @property
    def fits(self) -> bool:
        return self.units <= self.limit


@dataclass(frozen=True, slots=True)
class WordRow:
    """One text or label in every language; ``cells`` has None where a language lacks it. ``steps`` are where it is said."""

    key: str
    kind: str
    channel: str
    text_class: str
    steps: tuple[str, ...]
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True, slots=True)
class VersionView:
    """One version with what happened to it, beside the one that runs."""

    listed: Listed
    version: Version
    running: int
    others: tuple[Listed, ...]
    reviews: dict[str, Review]
    words: tuple[WordRow, ...]
    changes: tuple[Change, ...]


def overviews(context: Context, db: Connection) -> list[Overview]:
    """Everything that can be published, conversations by name, the service's own texts last."""
    context.now(db)
    heads: dict[str, list[Any]] = {}
    for row in versions.all_versions(db):
        heads.setdefault(row.name, []).append(row)
    named = sorted({*heads, *context.expected}, key=lambda name: (name == NOTICES_NAME, name))
    return [_overview(context, db, name, heads.get(name, [])) for name in named]


def _overview(context: Context, db: Connection, name: str, rows: Sequence[Any]) -> Overview:
    running = next((row for row in rows if row.state == "published"), None)
    number = running.number if running is not None else 0
    drafts = tuple(int(row.number) for row in rows if row.state == "draft" and row.number > number)
    shown = number or next(iter(drafts), 0)
    version = one_version(context, db, name, shown)[1] if shown else None
    return Overview(
        name,
        number,
        drafts,
        version.words.languages if version else (),
        tuple(unreviewed(context, db, version)) if version else (),
        running.published_at if running is not None else None,
        (running.published_by or "") if running is not None else "",
    )


def view_version(context: Context, db: Connection, name: str, number: int | None = None) -> VersionView:
    """The version of this number; without one what runs, or the newest where nothing runs. UseFault when there is none."""
    listed = list_versions(context, db, name)
    running = next((one.number for one in listed if one.state == "published"), 0)
    wanted = number if number is not None else running or (listed[0].number if listed else 0)
    found = next((one for one in listed if one.number == wanted), None)
    if found is None:
        raise UseFault("name", "there is no version %(number)s of %(name)s", name=name, number=wanted)
    _, version = one_version(context, db, name, wanted)
    changes: list[Change] = []
    if running and running != wanted:
        changes = compare(one_version(context, db, name, running)[1], version)
    return VersionView(
        listed=found,
        version=version,
        running=running,
        others=tuple(listed),
        reviews={one.language: one for one in reviews(context, db, version)},
        words=tuple(word_rows(version)),
        changes=tuple(changes),
    )


def word_rows(version: Version) -> list[WordRow]:
    """Every text of a version by key, its languages side by side at their longest, then the labels of its options."""
    uses: dict[str, list[Use]] = {}
    for use in _uses(version):
        uses.setdefault(use.key, []).append(use)
    words = version.words
    keys = list(dict.fromkeys([*uses, *(key for table in words.entries.values() for key in sorted(table))]))
    rows = [_row(words, key, uses.get(key, [])) for key in keys]
    labels = sorted({key for table in words.option_labels.values() for key in table})
    return [row for row in rows if any(row.cells)] + [_label(words, key) for key in labels]


def _row(words: Words, key: str, uses: Sequence[Use]) -> WordRow:
    cells: list[Cell | None] = []
    channel = text_class = ""
    for language in words.languages:
        entry = words.entries[language].get(key)
        if entry is None:
            cells.append(None)
            continue
        channel, text_class = entry.channel, entry.text_class
        values = {name: kind for use in uses for name, kind in use.values.items()}
        measured = segments(fill_longest(words, language, entry, values) if language in words.forms else entry.text)
        limit = SMS_LIMIT if entry.channel == "sms" else USSD_LIMIT
        cells.append(Cell(entry.text, measured.units, limit, measured.parts))
    steps = tuple(dict.fromkeys(use.step for use in uses if use.step))
    return WordRow(key, "text", channel, text_class, steps, tuple(cells))


def _label(words: Words, key: str) -> WordRow:
    said = [words.option_labels.get(language, {}).get(key) for language in words.languages]
    cells = tuple(None if text is None else Cell(text, len(text), SMS_LIMIT, 1) for text in said)
    return WordRow(key, "label", "", "", (), cells)


def _uses(version: Version) -> list[Use]:
    if version.conversation is not None:
        return uses_of(version.conversation)
    sms: Channel = "sms"
    return [Use(NOTICES_NAME, "", key, sms, "B", values) for key, values in NOTICES.items()]


_checked: OrderedDict[tuple[str, str], tuple[Fault, ...]] = OrderedDict()


def check_version(context: Context, version: Version) -> tuple[Fault, ...]:
    """What the check finds in a version as it would run here, beside the service's own texts; nothing for those themselves.

    It may take seconds: call it outside a transaction, in which on SQLite nobody else can write.
    """
    if version.conversation is None:
        own, conversations = version.words, []
    else:
        own, conversations = version.words.beside(context.words), [version.conversation]
    key = (version.fingerprint, str(context.published.running.publications))
    found = _checked.get(key)  # kept here: another thread may drop it from the last ones meanwhile
    if found is None:
        found = _checked[key] = tuple(check_all(conversations, own, context.topics, context.lexicon))
        while len(_checked) > CHECKS_KEPT:
            _checked.popitem(last=False)
    return found
