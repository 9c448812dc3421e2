"""Translators' files out and in: what goes out comes back, what is wrong is named by row and column and changes nothing."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sms_service.conversation.faults import refusing
from sms_service.conversation.translations import WordsFile, overlay, places_of, tables_of
from sms_service.conversation.version import stored_words
from sms_service.conversation.words import Entry, Words, read_words
from sms_service.usecases.translations import read_words_file, write_csv, write_xlsx
from sms_service.usecases.translations_po import write_po
from tests.unit.conversation.player import catalogue

WORDS = catalogue().words
TOPICS = catalogue().topics
PLACES = places_of(catalogue().conversations.values())
KEYS = list(PLACES)
CHECKIN = catalogue().conversations["checkin"].words
Sheet = list[list[str]]


def read(name: str, content: bytes, base: Words = WORDS) -> WordsFile:
    return read_words_file(name, content, base, topics=TOPICS, places=PLACES)


def laid(found: WordsFile, base: Words = WORDS) -> Words:
    return read_words(overlay(tables_of(base), found))[0]


def blank(words: Words) -> Words:
    """The same keys with other texts, so that only what a file brings can make them right again."""
    entries = {
        language: {key: replace(entry, text="x") if language == "fr" else entry for key, entry in table.items()}
        for language, table in words.entries.items()
    }
    return Words(entries, words.forms, words.option_labels)


@pytest.mark.parametrize(("name", "write"), [("words.xlsx", write_xlsx), ("words.csv", write_csv)])
def test_all_shipped_words_come_back_from_a_spreadsheet(name: str, write: Callable[..., bytes]) -> None:
    """Every text, label and way of saying days, in every language, and the reviewer each is signed off by."""
    reviews = {"rw": "Ann Uwase", "fr": "Bea Keza"}
    found = read(name, write(WORDS, KEYS, PLACES, reviews))
    assert not found.faults
    assert found.reviews == reviews
    assert stored_words(laid(found)) == stored_words(WORDS)
    assert all(found.messages[one].keys() == found.messages["rw"].keys() for one in WORDS.languages)


@pytest.mark.parametrize("language", WORDS.languages)
def test_all_shipped_words_come_back_from_a_po_file(language: str) -> None:
    found = read(f"{language}.po", write_po(WORDS, language, KEYS, PLACES, "Ann Uwase"))
    assert not found.faults
    assert found.reviews == {language: "Ann Uwase"}
    assert stored_words(laid(found)) == stored_words(WORDS)
    unsigned = read(f"{language}.po", write_po(WORDS, language, KEYS, PLACES))
    assert unsigned.reviews == {}
    assert b"#, fuzzy" in write_po(WORDS, language, KEYS, PLACES)
    assert b"#, fuzzy" not in write_po(WORDS, language, KEYS, PLACES, "Ann Uwase")


def test_a_sheet_has_the_review_row_first_languages_in_order_and_counts() -> None:
    """S6: limit and count stand beside each text, with its longest values."""
    rows = table(write_csv(WORDS, KEYS, PLACES, {"fr": "Bea Keza"}))
    assert rows[0][:10] == ["kind", "key", "channel", "class", "limit", "placeholders", "rw", "en", "fr", "sw"]
    assert rows[1][:10] == ["review", "review", "", "", "", "", "", "", "Bea Keza", ""]
    reminder = dict(zip(rows[0], next(row for row in rows if row[1] == "reminder"), strict=True))
    assert (reminder["channel"], reminder["limit"], reminder["placeholders"]) == ("sms", "160", "{day:day} {time:time}")
    assert reminder["en count"] == "87"
    assert "reminder: ask" in reminder["context"]
    assert reminder["en"] in reminder["context"]
    weekday = dict(zip(rows[0], next(row for row in rows if row[1] == "weekdays.1"), strict=True))
    assert (weekday["kind"], weekday["en"], weekday["limit"]) == ("form", "Monday", "")


def table(content: bytes) -> Sheet:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def as_csv(rows: Sheet) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


def as_xlsx(rows: Sheet, change: Callable[[Any], None] | None = None) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    if change is not None:
        change(book.active)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def wild_text() -> st.SearchStrategy[str]:
    """What a published text may be: GSM-7 letters and more, line ends, anything a spreadsheet program might take for a formula."""
    letters = st.text(st.sampled_from("aé=+-@'\",;\t#€{ \nZ0|~à").filter(lambda one: one not in "\t{"), min_size=1, max_size=60)
    return letters.map(str.strip).filter(bool)


@settings(deadline=None)
@given(st.lists(wild_text(), min_size=1, max_size=5), st.sampled_from(("w.xlsx", "w.csv", "w.po")))
def test_wild_texts_come_back_the_same(texts: list[str], name: str) -> None:
    """Stack, spreadsheets: a leading = + - @ is no formula, and what was escaped is the same text again."""
    entries = {f"key_{n}": Entry(text, "A", "sms") for n, text in enumerate(texts)}
    words = Words({"en": entries}, {"en": WORDS.forms["en"]}, {"en": {"label_a": texts[0]}})
    write: dict[str, Callable[[], bytes]] = {
        "w.xlsx": lambda: write_xlsx(words),
        "w.csv": lambda: write_csv(words),
        "w.po": lambda: write_po(words, "en"),
    }
    found = read(name, write[name](), words)
    assert {key: found.messages["en"][key]["text"] for key in entries} == {key: entry.text for key, entry in entries.items()}
    assert found.messages["en"]["labels"] == {"label_a": texts[0]}


def test_no_cell_of_a_written_sheet_is_taken_for_a_formula() -> None:
    words = Words({"en": {"a": Entry("=1+1", "A"), "b": Entry("@x", "A"), "c": Entry("'=x", "A")}}, {"en": WORDS.forms["en"]})
    cells = {row[1]: row[6] for row in table(write_csv(words))}
    assert (cells["a"], cells["b"], cells["c"]) == ("'=1+1", "'@x", "''=x")
    sheet = openpyxl.load_workbook(io.BytesIO(write_xlsx(words))).active
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "n"}


def test_a_new_line_may_be_typed_as_toml_writes_it() -> None:
    rows = table(write_csv(CHECKIN, KEYS, PLACES))
    screen = dict(zip(rows[0], next(row for row in rows if row[1] == "checkin_screen"), strict=True))["fr"]
    change("checkin_screen", "fr", screen.replace("\n", "\\n"))(rows)
    found = read("w.csv", as_csv(rows), CHECKIN)
    assert not found.faults
    assert found.messages["fr"]["checkin_screen"]["text"] == screen


def change(row: str, column: str, value: str) -> Callable[[Sheet], None]:
    def changed(rows: Sheet) -> None:
        next(one for one in rows if one[1] == row)[rows[0].index(column)] = value

    return changed


def header(old: str, new: str) -> Callable[[Sheet], None]:
    def changed(rows: Sheet) -> None:
        rows[0][rows[0].index(old)] = new

    return changed


def without(column: str) -> Callable[[Sheet], None]:
    def changed(rows: Sheet) -> None:
        at = rows[0].index(column)
        for row in rows:
            del row[at]

    return changed


def twice(rows: Sheet) -> None:
    rows.append(list(next(row for row in rows if row[1] == "thanks")))


def longer(rows: Sheet) -> None:
    rows[2] = [*rows[2], "more"]


BAD: dict[str, tuple[Callable[[Sheet], None], str, str]] = {
    # what is wrong: how, the place that must be named, the words
    "placeholder changed": (
        change("not_understood", "fr", "Servas: pardon {choix:choices}."),
        "column fr",
        "without {choices:choices}",
    ),
    "placeholder missing": (change("not_understood", "sw", "Servas: samahani."), "column sw", "placeholders are changed"),
    "outside GSM-7": (change("thanks", "fr", "Servas: bientôt."), "column fr", "outside GSM-7"),
    "over-long": (change("thanks", "rw", "Servas: " + "a" * 200), "column rw", "at most 156 fit"),
    "topic word": (change("thanks", "en", "Servas: about abuse."), "column en", "topic word"),
    "unknown key": (change("thanks", "key", "thakns"), "column key", "unknown key"),
    "duplicate key": (twice, "column key", "is on row"),
    "unknown kind": (change("thanks", "kind", "txet"), "column kind", "is no kind of row"),
    "unknown column": (header("context", "colour"), "row 1", "unknown column 'colour'"),
    "missing language column": (without("sw"), "", "row 1: missing columns: sw"),
    "missing key column": (header("key", "kye"), "", "row 1: missing columns: key"),
    "column twice": (header("context", "fr"), "", "row 1: the column fr comes twice"),
    "formula": (change("thanks", "fr", "=A1"), "column fr", "looks like a spreadsheet formula"),
    "class changed": (change("thanks", "class", "B"), "column class", "'B' stands where A was"),
    "a cell too many": (longer, "row 3", "more cells"),
}


@pytest.mark.parametrize("what", BAD)
@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_each_bad_sheet_is_refused_with_its_place(what: str, form: str) -> None:
    """Bad input: row and column are named, and nothing of the file may be used."""
    rows = table(write_csv(CHECKIN, KEYS, PLACES))
    how, place, words = BAD[what]
    how(rows)
    found = read(f"words.{form}", as_csv(rows) if form == "csv" else as_xlsx(rows), CHECKIN)
    said = [str(fault) for fault in refusing(found.faults)]
    if what == "formula" and form == "xlsx":
        place, words = "cell", "a formula"
    assert any(place in one and words in one for one in said), said


def row_of(rows: Sheet, key: str) -> int:
    return next(number for number, row in enumerate(rows, start=1) if row[1] == key)


@pytest.mark.parametrize(("name", "form"), [("w.xlsx", as_xlsx), ("w.csv", as_csv)])
def test_the_row_named_is_the_one_the_spreadsheet_shows(name: str, form: Callable[[Sheet], bytes]) -> None:
    """A text of several lines before it shifts the lines of a CSV, but not the rows of a sheet."""
    rows = table(write_csv(CHECKIN, KEYS, PLACES))
    change("thanks", "fr", "Merci.")(rows)
    (fault,) = refusing(read(name, form(rows), CHECKIN).faults)
    assert str(fault).startswith(f"{name}, row {row_of(rows, 'thanks')}, column fr, step thanks, language fr: ")


def merged(sheet: Any) -> None:
    sheet.merge_cells("G3:H3")


def formula(sheet: Any) -> None:
    sheet["G3"] = "=1+1"


@pytest.mark.parametrize(("how", "place"), [(merged, "G3:H3"), (formula, "G3")])
def test_merged_cells_and_formulas_are_refused_by_cell(how: Callable[[Any], None], place: str) -> None:
    found = read("w.xlsx", as_xlsx(table(write_csv(CHECKIN)), how), CHECKIN)
    assert place in str(found.faults[0])
    assert not found.messages


def bomb() -> bytes:
    out = io.BytesIO(as_xlsx(table(write_csv(CHECKIN))))
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/bomb.bin", bytes(25 * 1024 * 1024))
    return out.getvalue()


FILES: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "empty": ("w.csv", lambda: b"", "is empty"),
    "header alone": ("w.csv", lambda: b"kind,key,rw,en,fr,sw\n", "nothing below them"),
    "wrong encoding": ("w.csv", lambda: write_csv(WORDS).decode("utf-8-sig").encode("cp1252"), "not UTF-8"),
    "huge": ("w.csv", lambda: b"a" * (6 * 1024 * 1024), "larger than"),
    "zip bomb": ("w.xlsx", bomb, "unpacks to more than"),
    "a document": ("w.xlsx", lambda: b"%PDF-1.4", "no readable .xlsx"),
    "another name": ("w.ods", lambda: b"x", "must end in .csv or .xlsx"),
    "po: wrong encoding": ("w.po", lambda: write_po(WORDS, "fr").decode().encode("cp1252"), "not UTF-8"),
    "po: empty": ("w.po", lambda: b"", "holds no text"),
    "po: huge": ("w.po", lambda: b"#" * (6 * 1024 * 1024), "larger than"),
    "po: no language": ("w.po", lambda: b'msgid "a"\nmsgstr "b"\n', "names no language"),
    "po: a quotation mark": ("w.po", lambda: po('msgid "a"', 'msgstr "b'), "line 5: no line of a PO file"),
    "po: no msgstr": ("w.po", lambda: po('msgid "a"', 'msgid "b"'), "a part of the PO file is missing"),
    "po: no msgctxt": ("w.po", lambda: po('msgid "a"', 'msgstr "b"'), "line 4, language fr: no msgctxt"),
    "po: plural": ("w.po", lambda: po('msgctxt "thanks"', 'msgid "a"', 'msgid_plural "b"', 'msgstr[0] "c"'), "no plural forms"),
    "po: unknown key": ("w.po", lambda: po('msgctxt "thnks"', 'msgid "a"', 'msgstr "b"'), "unknown key"),
    "po: no brand": ("w.po", lambda: po('msgctxt "thanks"', 'msgid "a"', 'msgstr "merci"'), "line 5, column fr"),
}


def po(*lines: str) -> bytes:
    return "\n".join(('msgid ""', 'msgstr "Language: fr\\n"', "", *lines)).encode()


@pytest.mark.parametrize("what", FILES)
def test_a_file_that_cannot_be_used_is_refused_whole(what: str) -> None:
    """T16, I22: wrong encoding, huge, a bomb, or no translators' file at all; said in a sentence, never raised."""
    name, content, words = FILES[what]
    found = read(name, content())
    assert any(words in str(fault) for fault in refusing(found.faults)), found.faults


def test_a_text_translated_from_other_english_is_said_so() -> None:
    old = write_po(WORDS, "fr").replace(b'msgid "Servas: thank you."', b'msgid "Servas: many thanks."')
    notices = [fault for fault in read("fr.po", old).faults if fault.kind == "notice"]
    assert [fault.step for fault in notices] == ["thanks"]
    assert "another one now" in notices[0].reason


def test_a_new_language_is_a_column_and_is_said_so() -> None:
    rows = table(write_csv(WORDS, KEYS, PLACES))
    for row in rows:
        row.append(row[rows[0].index("en")])
    rows[0][-1] = "lg"
    found = read("w.csv", as_csv(rows))
    assert [(fault.kind, fault.language) for fault in found.faults] == [("notice", "lg")]
    words = laid(found)
    assert words.entries["lg"].keys() == WORDS.entries["en"].keys()
    assert words.forms["lg"] == WORDS.forms["en"]


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=600), st.sampled_from(("w.csv", "w.xlsx", "w.po", "w")))
def test_no_bytes_break_the_reading(content: bytes, name: str) -> None:
    """I22: whatever is uploaded, there is an answer."""
    assert refusing(read(name, content).faults)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.sampled_from(('msgid "', 'msgctxt "', 'msgstr "', 'a"', '"', "\n", "#~ ", "#: x:1", "#, fuzzy", "\\", "[9]")),
        max_size=30,
    )
)
def test_no_po_lines_break_the_reading(parts: list[str]) -> None:
    """I22: the same for lines that look like PO."""
    assert refusing(read("w.po", "".join(parts).encode()).faults)
