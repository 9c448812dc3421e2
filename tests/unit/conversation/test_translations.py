"""Words as rows and tables, and definitions as TOML: what goes out comes back the same."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sms_service.conversation.check import load
from sms_service.conversation.toml_text import _assigned as assigned
from sms_service.conversation.toml_text import definition_text, words_text
from sms_service.conversation.translations import (
    AWAITING,
    ROW_KINDS,
    Row,
    completeness,
    forms_table,
    measured,
    ordered,
    overlay,
    places_of,
    rows_of,
    spelled_out,
    tables_of,
)
from sms_service.conversation.translations_check import MOST_NEW, judge, plainly
from sms_service.conversation.version import stored_words
from sms_service.conversation.words import read_words
from tests.unit.conversation.broken import shipped
from tests.unit.conversation.player import catalogue

WORDS = catalogue().words
PLACES = places_of(catalogue().conversations.values())
TOPICS = catalogue().topics


def text_row(key: str, place: str = "row 3", **cells: str) -> Row:
    return Row("text", key, cells, place=place)


def test_words_as_tables_are_the_words() -> None:
    words, faults = read_words(tables_of(WORDS))
    assert not faults
    assert stored_words(words) == stored_words(WORDS)


@pytest.mark.parametrize("language", WORDS.languages)
def test_words_written_as_toml_are_the_words(language: str) -> None:
    written = tomllib.loads(words_text(WORDS, language, list(PLACES)))
    words, faults = read_words({language: {"all.toml": written}})
    assert not faults
    assert words.entries[language].keys() == WORDS.entries[language].keys()
    assert {key: (one.text, one.text_class, one.channel) for key, one in words.entries[language].items()} == {
        key: (one.text, one.text_class, one.channel) for key, one in WORDS.entries[language].items()
    }
    assert words.forms[language] == WORDS.forms[language]
    assert words.option_labels[language] == WORDS.option_labels[language]


@pytest.mark.parametrize("name", sorted(catalogue().conversations))
def test_a_definition_written_as_toml_is_the_same_version(name: str) -> None:
    """Decision 4: export and import of an unchanged conversation make no other version."""
    conversation = catalogue().conversations[name]
    table = json.loads(conversation.canonical)
    written = tomllib.loads(definition_text(conversation, table))
    assert written == table
    again = load({"again.toml": written}, tables_of(WORDS))
    assert not again.faults
    assert [one.fingerprint for one in again.conversations] == [conversation.fingerprint]


def toml_values() -> st.SearchStrategy[Any]:
    """What a definition may hold; TOML has no character of half a pair, and whole numbers of 64 bits."""
    text = st.text(st.characters(codec="utf-8"), max_size=20)
    plain = st.one_of(text, st.booleans(), st.integers(-(2**63), 2**63 - 1))
    return st.recursive(plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3), max_leaves=8)


@given(toml_values())
def test_whatever_a_definition_holds_is_read_back(value: Any) -> None:
    assert tomllib.loads("\n".join(assigned("key", value)))["key"] == value


def test_every_text_has_a_row_a_place_and_a_measure() -> None:
    """S6: what a translator sees is the length with the longest values, the same the check refuses by."""
    rows = rows_of(WORDS, list(PLACES))
    assert rows[0] == Row("review", "review", {})
    texts = [row for row in rows if row.kind == "text"]
    assert {row.key for row in texts} == {key for table in WORDS.entries.values() for key in table}
    assert not {row.key for row in texts} - set(PLACES)
    assert all(set(row.cells) == set(WORDS.languages) for row in texts)
    entry = WORDS.entries["en"]["reminder"]
    filled = entry.text.replace("{day:day}", "Wed 23/12").replace("{time:time}", "14:30")
    assert measured(WORDS, "en", entry, PLACES["reminder"].values) == len(filled)
    assert "reminder: ask" in PLACES["reminder"].steps


def test_languages_stand_in_the_same_order_everywhere() -> None:
    assert ordered(["sw", "aa", "fr", "rw", "zz", "en"]) == ("rw", "en", "fr", "sw", "aa", "zz")


def test_a_text_laid_over_goes_to_its_own_file_and_awaits_review_again() -> None:
    """Native review: a file whose words were changed is signed off no longer; the others, and what was given, stay as they were."""
    messages = {
        "en": {"a": {"review": "Ann B", "hello": {"text": "x", "class": "A"}}, "b": {"review": "Ann B", "labels": {"yes": "Yes"}}}
    }
    laid = overlay(messages, {"en": {"hello": {"text": "y"}, "new": {"text": "z", "class": "B", "channel": "sms"}}}, "sheet")
    assert laid["en"]["a"] == {"review": AWAITING, "hello": {"text": "y", "class": "A"}}
    assert laid["en"]["b"]["review"] == "Ann B"
    assert laid["en"]["sheet"]["new"]["text"] == "z"
    assert messages["en"]["a"]["review"] == "Ann B"
    assert overlay(messages, {"en": {"hello": {"text": "x"}, "labels": {"yes": "Yes"}}}, "sheet") == messages


def test_a_file_of_screens_keeps_its_channel_when_laid_over() -> None:
    table = spelled_out({"review": AWAITING, "channel": "ussd", "screen": {"text": "x", "class": "A"}, "labels": {"a": "b"}})
    assert table["screen"]["channel"] == "ussd"
    assert table["labels"] == {"a": "b"}


def test_completeness_counts_what_any_language_has() -> None:
    conversations, messages = shipped()
    tables = {language: {file: dict(table) for file, table in files.items()} for language, files in messages.items()}
    del tables["sw"]["texts.toml"]["missed"]
    tables["xx"] = {"one.toml": {"review": AWAITING, "missed": {"text": "x", "class": "B"}}}
    found = completeness(load(conversations, tables).words)
    whole = found["rw"][1]
    assert found == {"rw": (whole, whole), "en": (whole, whole), "fr": (whole, whole), "sw": (whole - 1, whole), "xx": (1, whole)}


def test_days_and_hours_are_whole_or_named_as_missing() -> None:
    cells = {row.key: row.cells["rw"] for row in rows_of(WORDS) if row.kind == "form"}
    table, missing = forms_table(cells, None)
    assert not missing
    assert len(table["hours"]) == 12
    del cells["hours.3"], cells["weekdays.7"]
    assert forms_table(cells, None)[1] == ["weekdays.7", "hours.3"]
    assert not forms_table(cells, WORDS.forms["rw"])[1]
    english = {row.key: row.cells["en"] for row in rows_of(WORDS) if row.kind == "form" and "en" in row.cells}
    assert "hours" not in forms_table(english, None)[0]


ROWS: list[tuple[str, Row, str, str]] = [
    # what is wrong, the row, the column that is named, the words of the fault
    ("placeholder changed", text_row("moved_plain", fr="Servas: {day:day} {time:time}"), "fr", "without {old_day:day}"),
    ("placeholder missing", text_row("cancelled", rw="Servas: nta nama."), "rw", "without {day:day}"),
    ("placeholder added", text_row("thanks", sw="Servas: asante {name}."), "sw", "with {name}"),
    ("placeholder of another kind", text_row("cancelled", en="Servas: {day:weekday}."), "en", "with {day:weekday}"),
    ("brace", text_row("thanks", en="Servas: thank you }."), "en", "a brace that is no placeholder"),
    ("accent outside GSM-7", text_row("thanks", fr="Servas: bientôt."), "fr", "outside GSM-7: ô"),
    ("emoji", text_row("thanks", fr="Servas: merci 🙂."), "fr", "outside GSM-7"),
    ("too long", text_row("thanks", fr="Servas: " + "a" * 150), "fr", "at most 156 fit"),
    ("too long once filled", text_row("cancelled", sw="Servas: {day:day} " + "a" * 144), "sw", "at most 160 fit"),
    ("far too long", text_row("thanks", fr="Servas: " + "a" * 9000), "fr", "no text is that long"),
    ("topic word", text_row("thanks", en="Servas: about violence."), "en", "topic word"),
    ("link", text_row("thanks", en="Servas: see servas.org now."), "en", "a link"),
    ("no brand", text_row("thanks", en="Thank you."), "en", "begins with 'Servas: '"),
    ("a number", text_row("thanks", en="Servas: call 3029."), "en", "would never expire"),
    ("unknown key", text_row("thnaks", en="Servas: x."), "key", "unknown key 'thnaks'"),
    (
        "new key without channel",
        Row("text", "extra", {"en": "Servas: x."}, text_class="A", place="row 3"),
        "channel",
        "a new text needs",
    ),
    ("new key of class C", Row("text", "extra", {"en": "Servas: x."}, "sms", "C", "row 3"), "class", "'C' is no class"),
    ("new key that is no key", Row("text", "Ex tra", {"en": "Servas: x."}, "sms", "A", "row 3"), "key", "is no key"),
    ("class changed", Row("text", "checkin", {}, "", "A", "row 3"), "class", "'A' stands where B was"),
    ("channel changed", Row("text", "checkin", {}, "both", "", "row 3"), "channel", "'both' stands where sms was"),
    ("label with a topic word", Row("label", "call", {"en": "violence"}, place="row 3"), "en", "topic word"),
    ("label with a placeholder", Row("label", "call", {"en": "call {me}"}, place="row 3"), "en", "no placeholder"),
    ("unknown form", Row("form", "weekdays.8", {"en": "Someday"}, place="row 3"), "key", "unknown way of saying days"),
    ("day outside GSM-7", Row("form", "weekdays.1", {"fr": "lündê"}, place="row 3"), "fr", "outside GSM-7"),
    ("placeholder in a day", Row("form", "weekdays.1", {"fr": "{day}"}, place="row 3"), "fr", "no place in a day"),
    ("one hour of twelve", Row("form", "hours.1", {"fr": "une heure"}, place="row 3"), "fr", "twelve, or none"),
    ("a reviewer of one letter", Row("review", "review", {"fr": "A"}, place="row 3"), "fr", "2 to 80 characters"),
]


@pytest.mark.parametrize(("row", "column", "expected"), [one[1:] for one in ROWS], ids=[one[0] for one in ROWS])
def test_each_fault_names_its_row_and_column(row: Row, column: str, expected: str) -> None:
    """S1, S6, reliability section 10: what a translator may not do is refused with its place and what would put it right."""
    found = judge("words.xlsx", [row], WORDS, TOPICS, PLACES)
    faults = [fault for fault in found.faults if fault.kind == "fault"]
    assert any(fault.file == f"words.xlsx, row 3, column {column}" and expected in fault.reason for fault in faults), faults


def test_the_same_key_twice_is_refused_and_both_rows_are_named() -> None:
    found = judge(
        "w.csv", [text_row("thanks", en="Servas: a."), text_row("thanks", "row 9", en="Servas: b.")], WORDS, TOPICS, PLACES
    )
    assert [str(fault) for fault in found.faults] == [
        "w.csv, row 9, column key, step thanks: 'thanks' is on row 3 already - suggested: keep one of the two"
    ]


def test_word_processors_characters_are_written_plainly_and_said_so() -> None:
    """Domain section 10: curly quotes, dashes, dots and spaces become plain, and the translator is told which."""
    row = text_row("thanks", en="Servas: \u201cit\u2019s\u00a0fine\u201d \u2013 thanks\u2026")
    found = judge("w.xlsx", [row], WORDS, TOPICS, PLACES)
    assert found.messages["en"]["thanks"]["text"] == 'Servas: "it\'s fine" - thanks...'
    (notice,) = found.faults
    assert notice.kind == "notice"
    assert notice.file == "w.xlsx, row 3, column en"
    assert "\u2019 -> '" in notice.reason
    assert "U+00A0 -> a space" in notice.reason


def test_an_empty_cell_changes_nothing() -> None:
    found = judge("w.xlsx", [text_row("thanks", en="  ", fr="Servas: merci bien.")], WORDS, TOPICS, PLACES)
    assert not found.faults
    assert found.messages == {"fr": {"thanks": {"text": "Servas: merci bien."}}}


def test_a_new_text_is_taken_with_its_class_and_channel_and_said_so() -> None:
    row = Row("text", "checkin_four", {"en": "Servas: {day:day}?", "fr": "Servas: {day:day}!"}, "sms", "B", "row 3")
    found = judge("w.xlsx", [row], WORDS, TOPICS, PLACES)
    assert [(fault.kind, fault.reason) for fault in found.faults] == [("notice", "new text 'checkin_four'")]
    assert found.messages["fr"]["checkin_four"] == {"text": "Servas: {day:day}!", "class": "B", "channel": "sms"}
    wrong = Row("text", "checkin_four", {"en": "Servas: {day:day}?", "fr": "Servas."}, "sms", "B", "row 3")
    assert any("without {day:day}" in fault.reason for fault in judge("w.xlsx", [wrong], WORDS, TOPICS, PLACES).faults)


def test_a_new_key_that_is_nearly_one_the_file_lacks_is_a_slip() -> None:
    slip = Row("text", "thansk", {"en": "Servas: x."}, "sms", "A", "row 3")
    found = judge("w.xlsx", [slip], WORDS, TOPICS, PLACES)
    assert [(fault.kind, fault.reason) for fault in found.faults] == [("fault", "unknown key 'thansk'")]
    beside = judge("w.xlsx", [slip, text_row("thanks", "row 4", en="Servas: y.")], WORDS, TOPICS, PLACES)
    assert [fault.kind for fault in beside.faults] == ["notice"]
    label = judge("w.xlsx", [Row("label", "practice_yse", {"en": "Yes"}, place="row 3")], WORDS, TOPICS, PLACES)
    assert [fault.kind for fault in label.faults] == ["fault"]


def test_more_new_texts_than_any_conversation_has_are_refused_once() -> None:
    """I22: bounded work, one fault, and the texts that are known are judged all the same."""
    rows = [Row("text", f"new_{n}", {"en": "Servas: x."}, "sms", "A", f"row {n}") for n in range(MOST_NEW + 9)]
    found = judge("w.csv", [*rows, text_row("thanks", "row 999", en="x")], WORDS, TOPICS, PLACES)
    said = [str(fault) for fault in found.faults if fault.kind == "fault"]
    assert len(said) == 2
    assert said[0].startswith(f"w.csv, row {MOST_NEW}, column key")
    assert said[1].startswith("w.csv, row 999, column en")


def test_a_reviewer_of_texts_marked_as_not_reviewed_signed_nothing() -> None:
    review = Row("review", "review", {"fr": "Ann B"}, place="line 1")
    fuzzy = Row("text", "thanks", {"fr": "Servas: merci bien."}, place="line 9", fuzzy=True)
    assert judge("fr.po", [review, fuzzy], WORDS, TOPICS, PLACES).reviews == {}
    assert judge("fr.po", [review, text_row("thanks", fr="Servas: merci.")], WORDS, TOPICS, PLACES).reviews == {"fr": "Ann B"}
    assert judge("fr.po", [Row("review", "review", {"fr": AWAITING}, place="line 1")], WORDS, TOPICS, PLACES).reviews == {}


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(("thanks", "cancelled", "x", "or", "call", "")), st.text(max_size=200)), max_size=4))
def test_no_row_breaks_the_judging(rows: list[tuple[str, str]]) -> None:
    """I22: whatever stands in a cell, there is an answer; what is accepted is plain already."""
    given_rows = [
        Row(ROW_KINDS[n % 4], key, {"en": text, "xx": text}, "sms", "A", f"row {n}")
        for n, (key, text) in enumerate(rows)
        for n in (n, n + 9)
    ]
    found = judge("w.csv", given_rows, WORDS, TOPICS, PLACES)
    for table in found.messages.values():
        texts = [value["text"] for key, value in table.items() if key not in ("labels", "forms")]
        assert all(text == plainly(text) and text.strip() for text in texts)
