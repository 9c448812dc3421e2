"""What a filled-in translators' file may hold: every fault of every cell at once, by row and column; with one, nothing is used.

In: rows as they were read and the words there are. Out: a ``WordsFile``. Placeholders, classes, channels and keys belong to the
conversation: a translator's file leaves them as they are. An empty cell changes nothing.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sms_service.conversation.check_standing import signed_off
from sms_service.conversation.check_steps import Use
from sms_service.conversation.check_texts import filling_reasons, text_reasons
from sms_service.conversation.faults import Fault, FaultKind, nearest, shortly
from sms_service.conversation.translations import FORM_KEYS, Place, Row, WordsFile, forms_table, ordered, overlay, tables_of
from sms_service.conversation.types import Channel
from sms_service.conversation.vocabulary import CHANNELS
from sms_service.conversation.words import LIST_MORE, PLACEHOLDER, Entry, Words, read_words
from sms_service.text.gsm import fold
from sms_service.text.topics import Topics

_KEY = re.compile(r"[a-z][a-z0-9_]{0,59}")
_NEARLY = 0.8
_NAMED_ONCE = 6
_NAMED = {"": "nothing", " ": "a space"}
REVIEWER_LONGEST = 80
MOST_NEW = 300
"""New texts and labels in one file (I22)."""

MOST_TEXT = 480
"""Characters of one cell that are looked at; no text that may leave is a third as long (I22)."""


def judge(name: str, rows: Sequence[Row], base: Words, topics: Topics, places: Mapping[str, Place]) -> WordsFile:
    """The file called ``name``: what it fills in over ``base``, and every fault and notice, in the order of its rows.

    ``places`` says which values fill each text where it is used, for measuring; a text nobody uses yet is measured with codes.
    """
    judging = _Judging(name, base)
    for row in rows:
        judging.take(row)
    judging.finish()
    judging.measure(topics, places)
    order = {row.place: n for n, row in enumerate(rows)}
    found = sorted(judging.faults, key=lambda one: order.get(one.file.split(", ")[1] if ", " in one.file else "", -1))
    return WordsFile(name, judging.messages, judging.reviews, tuple(dict.fromkeys(found)), judging.cells, judging.seen)


def plainly(text: str) -> str:
    """The text with word processors' characters in their plain form (domain section 10): quotes, dashes, dots, spaces."""
    return fold(unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")))


class _Judging:
    def __init__(self, name: str, base: Words) -> None:
        self.name = name
        self.base = base
        self.messages: dict[str, dict[str, Any]] = {}
        self.reviews: dict[str, str] = {}
        self.faults: list[Fault] = []
        self.cells: dict[tuple[str, str], str] = {}
        self.forms: dict[str, dict[str, str]] = {}
        self.form_rows: dict[str, Row] = {}
        self.seen: dict[str, str] = {}
        self.fuzzy: set[str] = set()
        self.new: list[tuple[Row, set[str]]] = []
        self.full = False
        self.labels = {key for table in base.option_labels.values() for key in table}

    def fault(self, row: Row, column: str, reason: str, fix: str = "", kind: FaultKind = "fault", language: str = "") -> None:
        where = f"{row.place}, column {column}" if column else row.place
        self.faults.append(Fault(f"{self.name}, {where}", shortly(row.key), language, reason, fix, kind))

    def take(self, row: Row) -> None:
        """One row: noted in the tables, or in the faults."""
        first = self.seen.setdefault(row.ident, row.place)
        if first != row.place:
            self.fault(row, "key", f"'{shortly(row.key)}' is on {first} already", "keep one of the two")
        elif row.kind == "review":
            self._review(row)
        elif row.kind == "form":
            self._form(row)
        elif row.kind == "label":
            self._label(row)
        else:
            self._text(row)

    def _review(self, row: Row) -> None:
        for language, text in row.cells.items():
            named = " ".join(text.split())
            if not signed_off(named):
                continue
            if not 2 <= len(named) <= REVIEWER_LONGEST:
                self.fault(row, language, f"a reviewer's name has 2 to {REVIEWER_LONGEST} characters", language=language)
            else:
                self.reviews[language] = named

    def _form(self, row: Row) -> None:
        if row.key not in FORM_KEYS:
            self.fault(row, "key", f"unknown way of saying days '{shortly(row.key)}'", nearest(row.key, FORM_KEYS))
            return
        self.form_rows[row.key] = row
        for language, text in self._filled(row):
            self.forms.setdefault(language, {})[row.key] = text
            if PLACEHOLDER.search(text):
                self.fault(row, language, "a placeholder has no place in a day, an hour or a joining word", language=language)

    def _label(self, row: Row) -> None:
        if not self._known(row, self.labels):
            return
        for language, text in self._filled(row):
            self.messages.setdefault(language, {}).setdefault("labels", {})[row.key] = text
            if "{" in text or "}" in text:
                self.fault(row, language, "a label is read in replies and has no placeholder", language=language)

    def _text(self, row: Row) -> None:
        keys = {key for table in self.base.entries.values() for key in table}
        held = next(
            (self.base.entries[one][row.key] for one in ordered(self.base.languages) if row.key in self.base.entries[one]), None
        )
        if held is None and not self._new(row, keys):
            return
        text_class, channel = (held.text_class, held.channel) if held is not None else (row.text_class, row.channel)
        for column, given, due in (("class", row.text_class, text_class), ("channel", row.channel, channel)):
            if given and given != due:
                self.fault(
                    row, column, f"'{shortly(given)}' stands where {due} was", f"leave {due}: it belongs to the conversation"
                )
        for language, text in self._filled(row):
            value = {"text": text}
            if row.key not in self.base.entries.get(language, {}):
                value.update({"class": text_class, "channel": channel})
            self.messages.setdefault(language, {})[row.key] = value
            self._placeholders(row, language, text)

    def _new(self, row: Row, keys: set[str]) -> bool:
        """Whether a key nobody has is meant as a new text: with its channel and class, and a name that can be one."""
        if not row.text_class and not row.channel:
            self.fault(
                row, "key", f"unknown key '{shortly(row.key)}'", nearest(row.key, keys) or "a new text needs channel and class"
            )
            return False
        for column, given, due in (("class", row.text_class, ("A", "B")), ("channel", row.channel, (*CHANNELS, "both"))):
            if given not in due:
                reason = f"a new text needs a {column}: {', '.join(due)}"
                self.fault(row, column, reason if not given else f"'{shortly(given)}' is no {column}; {reason}")
        return self._known(row, keys)

    def _known(self, row: Row, known: set[str]) -> bool:
        """Whether the key is known or could be a new one's name."""
        if row.key in known:
            return True
        if not _KEY.fullmatch(row.key):
            self.fault(
                row, "key", f"'{shortly(row.key)}' is no key: small letters, digits and _, at most 60", nearest(row.key, known)
            )
            return False
        if len(self.new) < MOST_NEW:
            self.new.append((row, known))
            return True
        if not self.full:
            self.full = True
            self.fault(row, "key", f"more than {MOST_NEW} new texts and labels in one file", "split the file")
        return False

    def _new_or_slip(self, row: Row, known: set[str]) -> None:
        """A new key that is nearly one the file lacks is a slip of the pen: its text would be lost without a word."""
        missing = {key for key in known if replace(row, key=key).ident not in self.seen}
        meant = difflib.get_close_matches(row.key, sorted(missing), n=1, cutoff=_NEARLY)
        if meant:
            fix = f"did you mean '{meant[0]}'? If it is new, keep the row of '{meant[0]}' beside it"
            self.fault(row, "key", f"unknown key '{row.key}'", fix)
        else:
            self.fault(row, "key", f"new {row.kind} '{row.key}'", nearest(row.key, known), "notice")

    def _filled(self, row: Row) -> Iterator[tuple[str, str]]:
        """Each language's text in plain characters; what was changed for that is said."""
        for language, written in row.cells.items():
            if len(written) > MOST_TEXT:
                self.fault(row, language, f"{len(written)} characters: no text is that long", "write it shorter", language=language)
                continue
            text = plainly(written)
            if not text.strip():
                continue
            if text != written.replace("\r\n", "\n"):
                self.fault(row, language, f"written plainly: {_changed(written)}", kind="notice", language=language)
            self.cells[language, row.ident] = f"{row.place}, column {language}"
            if row.fuzzy:
                self.fuzzy.add(language)
            yield language, text

    def _placeholders(self, row: Row, language: str, text: str) -> None:
        reference = self._reference(row, language)
        due, found = Counter(PLACEHOLDER.findall(reference)), Counter(PLACEHOLDER.findall(text))
        wrong = [f"{said} {_shown(counted)}" for said, counted in (("without", due - found), ("with", found - due)) if counted]
        if wrong:
            keep = f"keep {_shown(due)} exactly" if due else "leave it out: this text has no placeholder"
            self.fault(row, language, f"the placeholders are changed: {' and '.join(wrong)}", keep, language=language)

    def _reference(self, row: Row, language: str) -> str:
        """The text whose placeholders must be kept: this language's own, else the English, else the first there is."""
        held = {one: table[row.key].text for one, table in self.base.entries.items() if row.key in table}
        given = {one: plainly(text) for one, text in row.cells.items() if text.strip()}
        texts = held or given
        first = language if held else "en"
        return next((texts[one] for one in (first, "en", *ordered(texts)) if one in texts), "")

    def finish(self) -> None:
        """The ways of saying days, whole or not at all; a reviewer whose texts are marked as unreviewed has signed nothing."""
        for row, known in self.new:
            self._new_or_slip(row, known)
        for language, cells in self.forms.items():
            table, missing = forms_table(cells, self.base.forms.get(language))
            if not missing:
                self.messages.setdefault(language, {})["forms"] = table
            hours = [key for key in cells if key.startswith("hours.")]
            if hours and any(key.startswith("hours.") for key in missing):
                reason = "the hours are twelve, or none at all"
                self.fault(self.form_rows[hours[0]], language, reason, "fill in all twelve, or empty them", language=language)
        for language in sorted(self.fuzzy & set(self.reviews)):
            reason = f"a reviewer is named for {language}, but texts are marked as not reviewed (fuzzy)"
            self.faults.append(Fault(self.name, "", language, reason, "take the marks off, or the name", "notice"))
            del self.reviews[language]

    def measure(self, topics: Topics, places: Mapping[str, Place]) -> None:
        """S1, S6: what the check says of each text, label and form of this file, laid over the words there are."""
        base = self.base.only({LIST_MORE, *(ident for _, ident in self.cells)}, ())
        words, _ = read_words(overlay(tables_of(base), self.messages, self.name))
        for (language, ident), where in self.cells.items():
            kind, _, key = ident.partition(":")
            if kind == "label":
                found = filling_reasons(self.messages[language]["labels"][key], topics, sent=False)
            elif kind == "form":
                found = filling_reasons(self.forms[language][key], topics, sent=True)
            else:
                found = _text_reasons(words, language, ident, topics, places)
            self.faults += [Fault(f"{self.name}, {where}", key or ident, language, *said) for said in found]


def _text_reasons(words: Words, language: str, key: str, topics: Topics, places: Mapping[str, Place]) -> Iterator[tuple[str, str]]:
    entry: Entry = words.entries[language][key]
    channel: Channel = "ussd" if entry.channel == "ussd" else "sms"
    use = Use("", "", key, channel, entry.text_class, places.get(key, Place()).values)
    yield from text_reasons(words, language, entry, use, topics)


def _shown(counted: Counter[tuple[str, str]]) -> str:
    return " ".join(f"{{{name}:{form}}}" if form else f"{{{name}}}" for name, form in counted.elements())


def _changed(written: str) -> str:
    """Which characters were written plainly, each once: ``’ -> '``; an invisible one by its code."""
    pairs = {one: plainly(one) for one in unicodedata.normalize("NFC", written) if plainly(one) != one and one != "\r"}
    named = [f"{one if one.isprintable() else f'U+{ord(one):04X}'} -> {_NAMED.get(to, to)}" for one, to in pairs.items()]
    return ", ".join(named[:_NAMED_ONCE]) if named else "accents as one character with their letter"
