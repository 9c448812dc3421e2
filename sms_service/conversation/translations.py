"""The words of conversations as translators see them: one row a text, a label or a way of saying days, one cell a language.

In: a catalogue of words. Out: rows for a spreadsheet or a PO file; and back, tables that ``words.read_words`` takes, laid over
those there are. Nothing here knows a file format; what a filled-in file may hold is judged in ``translations_check``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sms_service.conversation.check_steps import uses_of
from sms_service.conversation.check_texts import fill_longest
from sms_service.conversation.definition import Conversation
from sms_service.conversation.faults import Fault
from sms_service.conversation.version import NOTICES_NAME
from sms_service.conversation.vocabulary import NOTICES, SMS_LIMIT, USSD_LIMIT, Kind
from sms_service.conversation.words import Entry, Forms, Words
from sms_service.text.gsm import segments

RowKind = Literal["review", "text", "label", "form"]
ROW_KINDS: tuple[RowKind, ...] = ("review", "text", "label", "form")

FIRST_LANGUAGES = ("rw", "en", "fr", "sw")
"""The order of languages in a file; any further one follows by its code."""

AWAITING = "awaiting native review"
"""What a words file says in place of a reviewer's name while nobody has signed it off."""

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

FORM_KEYS: Mapping[str, str] = {
    **{f"weekdays.{n}": f"the day by itself: {day}" for n, day in enumerate(_DAYS, start=1)},
    **{f"weekdays_short.{n}": f"the day before a date: {day[:3]} 12/11" for n, day in enumerate(_DAYS, start=1)},
    **{f"hours.{n}": f"the hour spoken at {6 + n:02d}:00 and {(18 + n) % 24:02d}:00; all empty for digits" for n in range(1, 13)},
    "or": "the word before the last choice: 1, 2 or 3",
    "soon.soon": "when somebody will call: soon",
    "soon.tomorrow": "when somebody will call: tomorrow morning",
}
"""Each way of saying days, hours and choices, with what it is for."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a text is said (``checkin: ask``), and the kinds of the values that fill it there."""

    steps: tuple[str, ...] = ()
    values: Mapping[str, Kind] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Row:
    """One row: ``cells`` holds what each language says, and lacks a language that says nothing.

    ``place`` is where it was read, as ``row 14`` or ``line 30``; empty for a row that is written. ``source`` is the text the
    translator saw, where the form keeps it (PO), and ``fuzzy`` whether it is marked as not reviewed.
    """

    kind: RowKind
    key: str
    cells: Mapping[str, str]
    channel: str = ""
    text_class: str = ""
    place: str = ""
    source: str = ""
    fuzzy: bool = False

    @property
    def ident(self) -> str:
        """One name over all kinds: ``thanks``, ``label:call``, ``form:or``."""
        return self.key if self.kind == "text" else f"{self.kind}:{self.key}"


@dataclass(frozen=True, slots=True)
class WordsFile:
    """A translators' file as read: tables by language with what it fills in, reviewers by language, and what is wrong with it.

    Nothing of it may be used while ``faults`` holds one that is no notice. ``cells`` says where each text came from:
    (language, ``Row.ident``) -> ``row 14, column fr``; ``rows`` where each key stands, filled in or not.
    """

    name: str
    messages: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    reviews: Mapping[str, str] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    cells: Mapping[tuple[str, str], str] = field(default_factory=dict)
    rows: Mapping[str, str] = field(default_factory=dict)

    def where(self, language: str, ident: str) -> str:
        """The place of a cell in this file, filled in or empty; empty when the file has no such row."""
        row = self.rows.get(ident, "")
        return self.cells.get((language, ident)) or (f"{row}, column {language}" if row and language else row)


def ordered(languages: Iterable[str]) -> tuple[str, ...]:
    """Languages as files name them: Kinyarwanda first, then English, French, Kiswahili, then any other by its code."""
    known = set(languages)
    return (*(one for one in FIRST_LANGUAGES if one in known), *sorted(known - set(FIRST_LANGUAGES)))


def places_of(conversations: Iterable[Conversation]) -> dict[str, Place]:
    """Where each text is said, in the order of the conversations and their steps; the service's own texts come last."""
    steps: dict[str, list[str]] = {}
    values: dict[str, dict[str, Kind]] = {}
    for conversation in conversations:
        for use in uses_of(conversation):
            steps.setdefault(use.key, []).append(f"{conversation.name}: {use.step}" if use.step else conversation.name)
            values.setdefault(use.key, {}).update(use.values)
    for key, kinds in NOTICES.items():
        steps.setdefault(key, []).append(NOTICES_NAME)
        values.setdefault(key, {}).update(kinds)
    return {key: Place(tuple(dict.fromkeys(found)), values[key]) for key, found in steps.items()}


def rows_of(words: Words, keys: Sequence[str] | None = None, reviews: Mapping[str, str] | None = None) -> list[Row]:
    """The review row, then every text (``keys`` first and in that order, when given: then these alone), labels, forms."""
    languages = ordered(words.languages)
    every = {key for table in words.entries.values() for key in table}
    wanted = sorted(every) if keys is None else [key for key in dict.fromkeys(keys) if key in every]
    rows = [Row("review", "review", {one: name for one, name in (reviews or {}).items() if one in languages})]
    for key in wanted:
        said = {one: words.entries[one][key] for one in languages if key in words.entries[one]}
        first = next(iter(said.values()))
        rows.append(Row("text", key, {one: entry.text for one, entry in said.items()}, first.channel, first.text_class))
    for key in sorted({key for table in words.option_labels.values() for key in table}):
        tables = {one: words.option_labels.get(one, {}) for one in languages}
        rows.append(Row("label", key, {one: table[key] for one, table in tables.items() if key in table}))
    forms = {one: _form_cells(words.forms[one]) for one in languages if one in words.forms}
    rows += [Row("form", key, {one: cells[key] for one, cells in forms.items() if cells[key]}) for key in FORM_KEYS]
    return rows


def _form_cells(forms: Forms) -> dict[str, str]:
    hours = forms.hours or ("",) * 12
    lists = {"weekdays": forms.weekdays, "weekdays_short": forms.weekdays_short, "hours": hours}
    cells = {f"{name}.{n}": text for name, texts in lists.items() for n, text in enumerate(texts, start=1)}
    return {**cells, "or": forms.or_word, **{f"soon.{name}": text for name, text in forms.soon.items()}}


def forms_table(cells: Mapping[str, str], base: Forms | None) -> tuple[dict[str, Any], list[str]]:
    """The ``[forms]`` table that these cells make over ``base``, and the keys that are still missing (then it cannot be used).

    Hours are twelve or none; short days that are left out are said like the long ones.
    """
    filled = {**(_form_cells(base) if base is not None else dict.fromkeys(FORM_KEYS, "")), **{k: v for k, v in cells.items() if v}}
    named = {name: [key for key in FORM_KEYS if key.partition(".")[0] == name] for name in ("weekdays", "weekdays_short", "hours")}
    optional = [named[name] for name in ("weekdays_short", "hours") if not any(filled[key] for key in named[name])]
    missing = [key for key in FORM_KEYS if not filled[key] and not any(key in keys for keys in optional)]
    table: dict[str, Any] = {name: [filled[key] for key in keys] for name, keys in named.items() if keys not in optional}
    table.update({"or": filled["or"], "soon": {"soon": filled["soon.soon"], "tomorrow": filled["soon.tomorrow"]}})
    return table, missing


def limit_of(channel: str) -> int:
    """Characters that fit: an SMS, or a screen; a text for both must fit the smaller."""
    return SMS_LIMIT if channel == "sms" else USSD_LIMIT


def measured(words: Words, language: str, entry: Entry, values: Mapping[str, Kind]) -> int:
    """The units of a text with its longest values; as it stands where the language cannot say days yet."""
    return segments(fill_longest(words, language, entry, values) if language in words.forms else entry.text).units


def tables_of(words: Words, file: str = "stored") -> dict[str, dict[str, dict[str, Any]]]:
    """The words as ``{language: {file: table}}``, in the form that ``check.load`` takes."""
    found = {}
    for language in words.languages:
        table: dict[str, Any] = {"review": AWAITING}
        for key, entry in words.entries[language].items():
            table[key] = {"text": entry.text, "class": entry.text_class, "channel": entry.channel}
        if labels := words.option_labels.get(language):
            table["labels"] = dict(labels)
        if language in words.forms:
            table["forms"] = forms_table({}, words.forms[language])[0]
        found[language] = {file: table}
    return found


def overlay(
    messages: Mapping[str, Mapping[str, Mapping[str, Any]]], found: WordsFile | Mapping[str, Mapping[str, Any]], name: str = ""
) -> dict[str, dict[str, dict[str, Any]]]:
    """``{language: {file: table}}`` with what the file fills in; new texts, and new languages, stand in a file of its own name.

    A file that was changed awaits native review again. The tables given are not changed. ``found`` may be the tables alone, by
    language (``spelled_out``); then ``name`` names them.
    """
    given = found.messages if isinstance(found, WordsFile) else found
    own = found.name if isinstance(found, WordsFile) else name
    merged = {language: {file: dict(table) for file, table in tables.items()} for language, tables in messages.items()}
    for language, table in given.items():
        tables = merged.setdefault(language, {})
        for key, value in table.items():
            if key == "labels":
                for label, text in value.items():
                    _put(tables, own, label, text, "labels")
            elif key not in ("review", "channel"):
                _put(tables, own, key, value)
    return merged


def spelled_out(table: Mapping[str, Any]) -> dict[str, Any]:
    """A words file's table with the channel of the file written into each text, so that it can be laid over another file."""
    channel = table.get("channel", "sms")
    texts = {key for key, value in table.items() if isinstance(value, Mapping) and key not in ("forms", "labels")}
    return {key: {"channel": channel, **value} if key in texts else value for key, value in table.items()}


def _put(tables: dict[str, dict[str, Any]], own: str, key: str, value: Any, inner: str = "") -> None:
    """Set a value in the file that has it, else in the one called ``own``; unchanged values leave the file as it is."""
    held = [file for file, table in tables.items() if key in (table.get(inner, {}) if inner else table)]
    file = held[0] if held else own
    table = tables.setdefault(file, {"review": AWAITING})
    there = dict(table.get(inner, {})) if inner else table
    before = there.get(key)
    after = {**before, **value} if isinstance(before, Mapping) and key != "forms" else value
    if before == after:
        return
    there[key] = after
    if inner:
        table[inner] = there
    table["review"] = AWAITING


def completeness(words: Words) -> dict[str, tuple[int, int]]:
    """Language -> (done, all): texts and labels that any language has, and the way of saying days as one more."""
    texts = {key for table in words.entries.values() for key in table}
    labels = {key for table in words.option_labels.values() for key in table}
    whole = len(texts) + len(labels) + 1
    return {
        one: (len(words.entries[one]) + len(words.option_labels.get(one, {})) + (one in words.forms), whole)
        for one in ordered(words.languages)
    }
