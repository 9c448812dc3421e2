"""Files brought in: definitions (.toml), words (.toml in a language's folder, .xlsx, .csv, .po); several are one import, or none.

Each is laid over what stands: of every name the newest draft, else the version that runs. Whatever becomes different is checked
as it would run and kept as a draft; one fault anywhere and nothing is kept (reliability section 10).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection

from sms_service.conversation.check import check_all
from sms_service.conversation.compare import compare
from sms_service.conversation.definition import Conversation
from sms_service.conversation.faults import Fault, nearest, refusing, shortly
from sms_service.conversation.parse import parse_conversation
from sms_service.conversation.toml_read import TomlFault, read_toml
from sms_service.conversation.translations import (
    AWAITING,
    WordsFile,
    completeness,
    overlay,
    places_of,
    rows_of,
    spelled_out,
    tables_of,
)
from sms_service.conversation.version import NOTICES_NAME, Version, notices_version, version_of
from sms_service.conversation.words import Words, read_words
from sms_service.usecases.bring_out import all_words, standing_numbers, standing_versions
from sms_service.usecases.context import Context
from sms_service.usecases.faults import UseFault
from sms_service.usecases.translations import read_words_file
from sms_service.usecases.versions import Imported, Origin, import_versions

MOST_BYTES = 512 * 1024
"""A definition or words file in TOML that is larger is refused unread (I22)."""

_NAMED = re.compile(r"\b(text|label) '([^']{1,60})'")

SPREADSHEETS = (".xlsx", ".csv", ".po")


@dataclass(frozen=True, slots=True)
class Given:
    """A file as somebody gave it: its name, its bytes, and for words in TOML the language its folder is named for."""

    name: str
    content: bytes
    folder: str = ""


@dataclass(frozen=True, slots=True)
class BroughtIn:
    """What an import does, or did. ``applied`` is False for a trial and whenever a fault refused it: then nothing was changed.

    ``changes`` counts what differs from what stood, by name; ``signed`` are (name, language) whose reviewer was recorded;
    ``complete`` is (done, all) by language over everything that would then stand.
    """

    faults: tuple[Fault, ...]
    made: tuple[Imported, ...] = ()
    changes: Mapping[str, int] = field(default_factory=dict)
    signed: tuple[tuple[str, str], ...] = ()
    complete: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    applied: bool = False


def bring_in(
    context: Context, files: Sequence[Given], actor: str, origin: Origin, *, dry_run: bool = False, reviewed: bool = False
) -> BroughtIn:
    """Read, check and keep ``files`` as drafts. With ``reviewed`` the native reviewers that they name are recorded as sign-offs.

    Without it a name in the file signs nothing: it may have stood there before the words were changed. Raises ``UseFault`` when
    another import or publication came in between: what it changed would not be in these drafts, and would be undone by them.
    """
    with context.database.begin() as db:
        standing, numbers = standing_versions(context, db), standing_numbers(db)
    plan = _Plan(context, standing)
    for file in files:
        plan.read(file)
    versions = plan.versions() if not refusing(plan.faults) else {}
    changed = {name: one for name, one in versions.items() if name not in standing or one.fingerprint != standing[name].fingerprint}
    if not refusing(plan.faults):
        plan.check(versions, changed)
    reviews = plan.reviews(versions, changed, reviewed)
    faults = tuple(dict.fromkeys(plan.faults))
    refused = bool(refusing(faults))
    counted = {name: _differences(standing.get(name), one) for name, one in changed.items()}
    report = BroughtIn(faults, changes={} if refused else counted, complete=completeness(all_words(versions.values())))
    if refused or dry_run:
        return report
    kept = [one for name, one in versions.items() if name in changed or name in reviews]

    def unchanged(db: Connection) -> None:
        if standing_numbers(db) != numbers:
            raise UseFault("file", "somebody else brought in or published a version just now: look at your files again")

    made = import_versions(context, kept, actor, origin, reviews=reviews, unless=unchanged)
    signed = tuple((name, language) for name, named in reviews.items() for language in sorted(named))
    return replace(report, made=tuple(made), signed=signed, applied=True)


def _differences(before: Version | None, after: Version) -> int:
    empty = Version(after.name, "{}", Words(), None, "")
    return len(compare(before if before is not None else empty, after))


class _Plan:
    """What the files say, laid over what stands."""

    def __init__(self, context: Context, standing: Mapping[str, Version]) -> None:
        self.context = context
        self.standing = standing
        self.definitions: dict[str, tuple[str, dict[str, Any]]] = {}
        self.tables: list[tuple[str, str, dict[str, Any]]] = []
        self.sheets: list[WordsFile] = []
        self.waiting: list[Given] = []
        self.faults: list[Fault] = []

    def read(self, file: Given) -> None:
        """One file; translators' files wait for all others, whose new texts they may translate."""
        if file.name.lower().endswith(SPREADSHEETS):
            self.waiting.append(file)
            return
        table = self._toml(file)
        if table is None:
            return
        if "steps" in table or "name" in table:
            name = str(table.get("name", ""))
            if name == NOTICES_NAME:
                reason = f"'{NOTICES_NAME}' is the name of the service's own texts, which have no steps"
                self.faults.append(Fault(file.name, "", "", reason, "give the conversation another name"))
            if name in self.definitions:
                reason = f"conversation '{shortly(name)}' is in {self.definitions[name][0]} already"
                self.faults.append(Fault(file.name, "", "", reason, "give one of the two"))
            self.definitions.setdefault(name, (file.name, table))
        elif len(file.folder) == 2 and file.folder.isalpha() and file.folder.islower():
            self._shape(file.folder, f"{file.folder}/{file.name}", table)
            self.tables.append((file.folder, f"{file.folder}/{file.name}", spelled_out(table)))
        else:
            reason = "neither a definition (no 'steps') nor words in the folder of a language"
            self.faults.append(Fault(file.name, "", "", reason, "put words into a folder named rw, en, fr or sw"))

    def _toml(self, file: Given) -> dict[str, Any] | None:
        reason, fix = "", ""
        if not file.name.lower().endswith(".toml"):
            reason, fix = "no kind of file that can be brought in", "a .toml, .xlsx, .csv or .po file"
        elif len(file.content) > MOST_BYTES:
            reason, fix = f"larger than {MOST_BYTES} bytes", "split it"
        else:
            try:
                return read_toml(file.content.decode("utf-8-sig"))
            except UnicodeDecodeError:
                reason, fix = "it is not UTF-8", "save it as UTF-8"
            except TomlFault as fault:
                reason, fix = str(fault), fault.fix
        self.faults.append(Fault(file.name, "", "", reason, fix))
        return None

    def _shape(self, language: str, name: str, table: dict[str, Any]) -> None:
        """The faults of shape of one words file; days are said elsewhere when it has no ``[forms]`` itself."""
        other = {} if "forms" in table else {"": {"review": AWAITING, "forms": _ANY_FORMS}}
        self.faults += read_words({language: {name: table, **other}})[1]

    def versions(self) -> dict[str, Version]:
        """Every version as it would stand, by name; faults of shape are noted on the way."""
        base = all_words(self.standing.values())
        words = self._laid(base, self.tables)
        known = [self._parsed(name, words) for name in {**self.standing, **self.definitions} if name != NOTICES_NAME]
        places = places_of([one for one in known if one is not None])
        for file in self.waiting:
            found = read_words_file(file.name, file.content, words, topics=self.context.topics, places=places)
            self.sheets.append(found)
            self.faults += found.faults
        self.waiting = []
        if refusing(self.faults):
            return {}
        found_versions = {name: self._version(name, base) for name in {**self.standing, **self.definitions}}
        return {name: one for name, one in found_versions.items() if one is not None}

    def _laid(self, base: Words, tables: Sequence[tuple[str, str, dict[str, Any]]]) -> Words:
        messages = tables_of(base)
        for language, name, table in tables:
            messages = overlay(messages, {language: table}, name)
        return read_words(messages)[0]

    def _parsed(self, name: str, words: Words, *, note: bool = False) -> Conversation | None:
        """The conversation of this name: as given, else as it stands."""
        file, table = self.definitions.get(name, (name, {}))
        if name not in self.definitions:
            table = json.loads(self.standing[name].definition)
        conversation, faults = parse_conversation(file, table, words)
        if note:
            self.faults += faults
        return conversation

    def _version(self, name: str, base: Words) -> Version | None:
        """The version of this name with its own words, then with those given laid over them."""
        held = self.standing.get(name)
        messages = tables_of(base)
        if held is not None:
            own = tables_of(held.words)
            messages = overlay(messages, {language: tables["stored"] for language, tables in own.items()})
        for language, file, table in self.tables:
            messages = overlay(messages, {language: table}, file)
        for sheet in self.sheets:
            messages = overlay(messages, sheet)
        words, _ = read_words(messages)
        known = held.words.languages if held is not None else base.languages
        if name == NOTICES_NAME:
            return notices_version(_with_texts(words, notices_version(words).words, known))
        conversation = self._parsed(name, words, note=True)
        if conversation is None:
            return None
        trimmed = _with_texts(words, conversation.words, known)
        for language in sorted(set(trimmed.languages) - set(trimmed.forms)):
            reason = "days, hours and choices cannot be said yet"
            self.faults.append(Fault(name, "forms", language, reason, "fill in the rows of kind 'form', or [forms]"))
        again = self._parsed(name, trimmed)
        return version_of(again) if again is not None else None

    def check(self, versions: Mapping[str, Version], changed: Mapping[str, Version]) -> None:
        """Everything that became different, as it would run beside the service's own texts; and keys that nobody says."""
        notices = versions[NOTICES_NAME].words if NOTICES_NAME in versions else Words()
        found: set[Fault] = set()
        for version in changed.values():
            conversations = [version.conversation] if version.conversation is not None else []
            own = version.words.beside(notices)
            found.update(check_all(conversations, own, self.context.topics, self.context.lexicon))
        self.faults += [self._placed(fault) for fault in sorted(found)]
        said = {key for one in versions.values() for table in one.words.entries.values() for key in table}
        said |= {f"label:{key}" for one in versions.values() for table in one.words.option_labels.values() for key in table}
        for sheet in self.sheets:
            for ident, place in sheet.rows.items():
                kind, _, key = ident.partition(":")
                if kind not in ("review", "form") and ident not in said and any(cell == ident for _, cell in sheet.cells):
                    reason = "used by no conversation and by no notice"
                    self.faults.append(Fault(f"{sheet.name}, {place}", key or ident, "", reason, nearest(ident, said)))

    def _placed(self, fault: Fault) -> Fault:
        """The fault with the row and column it comes from, where a translators' file was given."""
        idents = [fault.step, *(f"label:{key}" if kind == "label" else key for kind, key in _NAMED.findall(fault.reason))]
        places = ((sheet.name, sheet.where(fault.language, ident)) for ident in idents for sheet in self.sheets)
        found = next((f"{name}, {place}" for name, place in places if place), "")
        return replace(fault, file=found) if found and fault.language else fault

    def reviews(self, versions: Mapping[str, Version], changed: Mapping[str, Version], reviewed: bool) -> dict[str, dict[str, str]]:
        """Reviewers by version and language: only of versions whose every word in that language was in the reviewer's file."""
        found: dict[str, dict[str, str]] = {}
        for sheet in self.sheets:
            if sheet.reviews and not reviewed:
                named = ", ".join(sorted(sheet.reviews))
                reason = f"names a native reviewer of {named}: not recorded"
                self.faults.append(
                    Fault(sheet.name, "", "", reason, "if the words were signed off as they stand now, say so", "notice")
                )
                continue
            for language, reviewer in sheet.reviews.items():
                for name, version in versions.items():
                    if _covers(sheet, version, language):
                        found.setdefault(name, {})[language] = reviewer
                    elif name in changed and language in version.words.languages:
                        reason = f"not every text of '{name}' is in this file: the reviewer did not sign it off"
                        self.faults.append(Fault(sheet.name, "", language, reason, "export that conversation whole", "notice"))
        return found


_ANY_FORMS = {"weekdays": ["-"] * 7, "or": "-", "soon": {"soon": "-", "tomorrow": "-"}}


def _with_texts(words: Words, own: Words, known: Sequence[str]) -> Words:
    """``words`` without a new language that says nothing here: it is not offered by this conversation yet."""
    kept = [one for one in words.languages if one in known or own.entries.get(one) or own.option_labels.get(one)]
    return Words(
        {one: words.entries[one] for one in kept},
        {one: forms for one, forms in words.forms.items() if one in kept},
        {one: labels for one, labels in words.option_labels.items() if one in kept},
    )


def _covers(sheet: WordsFile, version: Version, language: str) -> bool:
    """Whether everything this version says in ``language`` was in the file."""
    due = {row.ident for row in rows_of(version.words)[1:] if language in row.cells}
    return bool(due) and due <= {ident for given, ident in sheet.cells if given == language}
