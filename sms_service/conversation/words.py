"""The words catalogue: every text in every language, how days and times are said there, and filling them in.

In: the parsed tables of ``templates/messages/<language>/*.toml``. Each file names the state of its review and holds
texts (``[key]`` with ``text`` and ``class``); one file per language holds ``[forms]`` (days, hours, joining words) and
``[labels]`` (the words of numbered options, for reading replies). Out: strings. Days are ISO dates, times HH:MM, in
Africa/Kigali. What a placeholder says is in the text itself: ``{day:day}``, ``{day:weekday}``, ``{time:time}``,
``{at:moment}``, ``{choices:choices}``, ``{soon:soon}``, ``{groups:list}``, and ``{name}`` for a code or a count.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sms_service.conversation.faults import Fault
from sms_service.conversation.paging import PER_PAGE, list_text, menu_text
from sms_service.conversation.vocabulary import MAX_LISTED, Kind

PLACEHOLDER = re.compile(r"\{([a-z_]+)(?::([a-z]+))?\}")

FORMATS: Mapping[str, frozenset[Kind]] = {
    "": frozenset({"code", "count", "phone", "clock"}),
    "day": frozenset({"day"}),
    "weekday": frozenset({"day"}),
    "time": frozenset({"time"}),
    "moment": frozenset({"moment"}),
    "choices": frozenset({"choices"}),
    "soon": frozenset({"soon"}),
    "list": frozenset({"list"}),
    "menu": frozenset({"menu"}),
}
"""Format named in a placeholder -> the kinds of value it can say."""

LIST_MORE = "list_more"
"""The text beside the key that turns the page of a long list."""

_LONGEST_PLAIN: Mapping[Kind, str] = {"code": "G99999", "count": "999", "phone": "0788888888", "clock": "20:58"}
# a week with two-digit days and months, so that every weekday is tried at its longest
_WEEK = tuple(dt.date(2026, 12, 21) + dt.timedelta(days=n) for n in range(7))
_FIRST_SPOKEN_HOUR = 6  # 07:00 is the first hour of the day in Kinyarwanda and Kiswahili


class WordsFault(ValueError):
    """A text that cannot be given: unknown language or key, or a value that is missing or of the wrong shape."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One text in one language: its class (S3), the channel it is written for (``sms``, ``ussd`` or ``both``), its
    file.
    """

    text: str
    text_class: str
    channel: str = "sms"
    file: str = ""

    def placeholders(self) -> tuple[tuple[str, str], ...]:
        """Name and format of each value the text asks for, in order."""
        return tuple((name, form) for name, form in PLACEHOLDER.findall(self.text))


@dataclass(frozen=True, slots=True)
class Forms:
    """How a language says days, hours and choices. ``hours`` holds twelve spoken hours (07:00 and 19:00 first) or
    nothing.
    """

    weekdays: tuple[str, ...]
    weekdays_short: tuple[str, ...]
    hours: tuple[str, ...]
    or_word: str
    soon: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Words:
    """Immutable catalogue; build one with ``Words.build`` or, to learn of every fault, with ``read_words``."""

    entries: Mapping[str, Mapping[str, Entry]] = field(default_factory=dict)
    forms: Mapping[str, Forms] = field(default_factory=dict)
    option_labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def build(cls, tables: Mapping[str, Mapping[str, Any]]) -> Words:
        """From ``{language: {key: {text, class, channel?}, forms: ..., labels: ...}}``; WordsFault names every fault
        found.
        """
        words, faults = read_words({lang: {lang: {"review": "none", **table}} for lang, table in tables.items()})
        if faults:
            raise WordsFault("; ".join(str(fault) for fault in faults))
        return words

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(sorted(self.entries))

    def entry(self, language: str, key: str) -> Entry:
        """The unfilled text; WordsFault if this language has none (there is no silent fallback to another language)."""
        found = self.entries.get(language, {}).get(key)
        if found is None:
            raise WordsFault(f"no text '{key}' in language '{language}': add it under templates/messages/{language}")
        return found

    def text(self, language: str, key: str, values: Mapping[str, Any] | None = None) -> str:
        """The text with its values filled in, said the way this language says them."""
        given = values or {}

        def fill(match: re.Match[str]) -> str:
            name, form = match.group(1), match.group(2) or ""
            if name not in given:
                raise WordsFault(f"text '{key}' in language '{language}' needs a value for '{name}'")
            return self._say(language, form, given[name], f"value '{name}' of text '{key}'")

        return PLACEHOLDER.sub(fill, self.entry(language, key).text)

    def only(self, keys: Collection[str], labels: Collection[str]) -> Words:
        """The same languages with these texts and labels alone, and how each language says days and hours."""
        entries = {
            language: {key: entry for key, entry in table.items() if key in keys} for language, table in self.entries.items()
        }
        kept = {
            language: {key: label for key, label in table.items() if key in labels}
            for language, table in self.option_labels.items()
        }
        return Words(entries, self.forms, kept)

    def beside(self, others: Words) -> Words:
        """These words with the texts of ``others`` in the same languages, where these have none of that key."""
        entries = {language: {**others.entries.get(language, {}), **table} for language, table in self.entries.items()}
        return Words(entries, self.forms, self.option_labels)

    def labels(self, key: str) -> tuple[str, ...]:
        """The words of one numbered option in every language that has them."""
        return tuple(table[key] for _, table in sorted(self.option_labels.items()) if key in table)

    def day_text(self, day: dt.date, language: str) -> str:
        """``Wed 12/11``, ``ku wa Gatatu 12/11``, ``mercredi 12/11``, ``Jumatano 12/11``."""
        return f"{self._forms(language).weekdays_short[day.weekday()]} {day.day}/{day.month}"

    def weekday_text(self, day: dt.date, language: str) -> str:
        """``Wednesday``, ``ku wa Gatatu``, ``mercredi``, ``Jumatano``."""
        return self._forms(language).weekdays[day.weekday()]

    def time_text(self, hour: int, minute: int, language: str) -> str:
        """``14:00``; with the spoken hour where it is offset by six: ``saa munani (14:00)``. Digits always stay."""
        digits = f"{hour:02d}:{minute:02d}"
        spoken = self._forms(language).hours
        if not spoken or minute:
            return digits
        return f"{spoken[(hour - _FIRST_SPOKEN_HOUR - 1) % 12]} ({digits})"

    def choices_text(self, choices: Sequence[int] | str, language: str) -> str:
        """``1, 2 or 3``; a range such as ``1-50`` is given as text and stays."""
        if isinstance(choices, str):
            return choices
        digits = [str(choice) for choice in choices]
        if len(digits) < 2:
            return "".join(digits)
        return f"{', '.join(digits[:-1])} {self._forms(language).or_word} {digits[-1]}"

    def more(self, language: str) -> str:
        """The word beside the key that turns the page of a long list; a sign where a version had no long lists yet."""
        found = self.entries.get(language, {}).get(LIST_MORE)
        return found.text if found is not None else ">>"

    def longest(self, language: str, form: str, kind: Kind) -> str:
        """The longest thing a placeholder of this format can become, for measuring before a text may run (S6)."""
        if form == "menu":
            return ""  # measured with its real options, page by page
        if form == "list":
            page = {"codes": ["G99999"] * PER_PAGE, "more": True}
            return max(list_text(["G99999"] * MAX_LISTED), list_text(page, self.more(language)), key=len)
        return max(self._candidates(language, form, kind), key=len)

    def _candidates(self, language: str, form: str, kind: Kind) -> list[str]:
        times = [self.time_text(hour, minute, language) for hour in range(24) for minute in (0, 30)]
        days = [self.day_text(day, language) for day in _WEEK]
        by_form: dict[str, list[str]] = {
            "day": days,
            "weekday": list(self._forms(language).weekdays),
            "time": times,
            "moment": [f"{max(days, key=len)}, {max(times, key=len)}"],
            "choices": [self.choices_text([1, 2, 3, 4, 5, 9], language)],
            "soon": list(self._forms(language).soon.values()),
        }
        return by_form.get(form) or [_LONGEST_PLAIN.get(kind, "G99999")]

    def _forms(self, language: str) -> Forms:
        found = self.forms.get(language)
        if found is None:
            raise WordsFault(f"language '{language}' has no [forms]: add them under templates/messages/{language}")
        return found

    def _say(self, language: str, form: str, value: Any, what: str) -> str:
        try:
            return _SAYERS[form](self, value, language)
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise WordsFault(f"{what} cannot be said as '{form or 'plain'}' in language '{language}'") from error


def _say_plain(_words: Words, value: Any, _language: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise TypeError("a code or a number was expected")
    return str(value)


def _say_time(words: Words, value: Any, language: str) -> str:
    moment = dt.time.fromisoformat(value)
    return words.time_text(moment.hour, moment.minute, language)


def _say_moment(words: Words, value: Any, language: str) -> str:
    moment = dt.datetime.fromisoformat(value)
    return f"{words.day_text(moment.date(), language)}, {words.time_text(moment.hour, moment.minute, language)}"


_SAYERS: Mapping[str, Callable[[Words, Any, str], str]] = {
    "": _say_plain,
    "day": lambda words, value, language: words.day_text(dt.date.fromisoformat(value), language),
    "weekday": lambda words, value, language: words.weekday_text(dt.date.fromisoformat(value), language),
    "time": _say_time,
    "moment": _say_moment,
    "choices": lambda words, value, language: words.choices_text(value, language),
    "soon": lambda words, value, language: words._forms(language).soon[value],
    "list": lambda words, value, language: list_text(value, words.more(language)),
    "menu": lambda words, value, language: menu_text(value, words.option_labels.get(language, {}), words.more(language)),
}


def read_words(files: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> tuple[Words, list[Fault]]:
    """From ``{language: {file name: parsed table}}``: whatever can be read, and every fault of shape met on the way."""
    faults: list[Fault] = []
    entries: dict[str, dict[str, Entry]] = {}
    forms: dict[str, Forms] = {}
    labels: dict[str, dict[str, str]] = {}
    for language, tables in sorted(files.items()):
        reader = _Reader(language, faults)
        for file, table in sorted(tables.items()):
            reader.read(file, table)
        entries[language] = reader.entries
        labels[language] = reader.labels
        if reader.forms is not None:
            forms[language] = reader.forms
        else:
            faults.append(Fault(language, "forms", language, "no [forms] table in any file: days and hours cannot be said"))
    return Words(entries, forms, labels), faults


class _Reader:
    """Reads the files of one language, noting faults instead of stopping."""

    def __init__(self, language: str, faults: list[Fault]) -> None:
        self.language = language
        self.faults = faults
        self.entries: dict[str, Entry] = {}
        self.labels: dict[str, str] = {}
        self.forms: Forms | None = None

    def fault(self, file: str, key: str, reason: str) -> None:
        self.faults.append(Fault(file, key, self.language, reason))

    def read(self, file: str, table: Mapping[str, Any]) -> None:
        if not isinstance(table.get("review"), str):
            self.fault(file, "", "'review' is missing: say who reviewed the words, or 'awaiting native review'")
        channel = table.get("channel", "sms")
        if channel not in ("sms", "ussd", "both"):
            self.fault(file, "", "'channel' must be sms, ussd or both")
            channel = "sms"
        for key, value in table.items():
            if key in ("review", "channel"):
                continue
            if not isinstance(value, Mapping):
                self.fault(file, key, "unknown key: a text is a table with 'text' and 'class'")
            elif key == "forms":
                self._read_forms(file, value)
            elif key == "labels":
                self._read_labels(file, value)
            else:
                self._read_entry(file, key, value, channel)

    def _read_entry(self, file: str, key: str, value: Mapping[str, Any], channel: str) -> None:
        unknown = sorted(set(value) - {"text", "class", "channel"})
        if unknown:
            self.fault(file, key, f"unknown key {', '.join(unknown)}: a text has 'text', 'class' and perhaps 'channel'")
        text, text_class = value.get("text"), value.get("class")
        own_channel = value.get("channel", channel)
        if not isinstance(text, str) or not text.strip():
            self.fault(file, key, "'text' is missing or empty")
            return
        if text_class not in ("A", "B"):
            # S3: class C is never written down as a text
            self.fault(file, key, f"class must be A or B, not {text_class!r}: sensitive texts (C) are never sent")
        if own_channel not in ("sms", "ussd", "both"):
            self.fault(file, key, "'channel' must be sms, ussd or both")
        if key in self.entries:
            self.fault(file, key, f"the text is already in {self.entries[key].file}: each key once per language")
        self.entries[key] = Entry(text, str(text_class), str(own_channel), file)

    def _read_labels(self, file: str, value: Mapping[str, Any]) -> None:
        for key, label in value.items():
            if not isinstance(label, str) or not label.strip():
                self.fault(file, key, "a label is a short text")
            elif key in self.labels:
                self.fault(file, key, "the label is given twice in this language")
            else:
                self.labels[key] = label

    def _read_forms(self, file: str, value: Mapping[str, Any]) -> None:
        weekdays, short = _names(value.get("weekdays")), _names(value.get("weekdays_short", value.get("weekdays")))
        hours, soon, or_word = _names(value.get("hours", [])), value.get("soon"), value.get("or")
        unknown = sorted(set(value) - {"weekdays", "weekdays_short", "hours", "or", "soon"})
        expected = (
            (not unknown, f"unknown key {', '.join(unknown)}"),
            (len(weekdays) == 7 and len(short) == 7, "'weekdays' and 'weekdays_short' name seven days, Monday first"),
            (len(hours) in (0, 12), "'hours' names twelve spoken hours, that of 07:00 first, or none"),
            (isinstance(or_word, str) and or_word != "", "'or' is the word before the last choice"),
            (isinstance(soon, Mapping) and set(soon) == {"soon", "tomorrow"}, "'soon' holds 'soon' and 'tomorrow'"),
            (self.forms is None, "[forms] is given twice in this language"),
        )
        wrong = [reason for holds, reason in expected if not holds]
        for reason in wrong:
            self.fault(file, "forms", reason)
        if not wrong:
            self.forms = Forms(weekdays, short, hours, str(or_word), dict(soon or {}))


def _names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        return ()
    return tuple(value)
