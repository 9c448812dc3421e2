"""Translators' files: the words as a spreadsheet (.xlsx, .csv) or, a language at a time, as PO; out, and filled in back in.

In: words, or a file's name and bytes as somebody sent it. Out: bytes, or a ``WordsFile`` with every fault named by row and column;
reading never changes anything. Files are read within the limits of ``list_file`` (I22, T16). How a file is written is in
docs/translating.md.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import openpyxl
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from sms_service.conversation.faults import Fault, nearest, shortly
from sms_service.conversation.translations import (
    FORM_KEYS,
    ROW_KINDS,
    Place,
    Row,
    WordsFile,
    limit_of,
    measured,
    ordered,
    rows_of,
)
from sms_service.conversation.translations_check import judge
from sms_service.conversation.words import PLACEHOLDER, Words
from sms_service.text.gsm import segments
from sms_service.text.topics import Topics
from sms_service.usecases.faults import UseFault
from sms_service.usecases.list_file import Listing, read_listing

FIXED = ("kind", "key", "channel", "class", "limit", "placeholders")
COUNT = " count"
CONTEXT = "context"
NEEDED = ("kind", "key")
_LANGUAGE = re.compile(r"[a-z]{2}")
_RISKY = re.compile(r"'*[=+\-@]")
_CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f\ufffe\uffff]")
_WIDTHS = {"key": 24, "placeholders": 22, CONTEXT: 44}
_TEXT_WIDTH = 48


def read_words_file(
    name: str, content: bytes, base: Words, *, topics: Topics, places: Mapping[str, Place] | None = None
) -> WordsFile:
    """A filled-in file, by the ending of ``name``: .xlsx, .csv or .po. Never raises: what is wrong is in ``faults``.

    ``base`` are the words there are; ``places`` (``places_of``) the values that fill each text, so that lengths are the real ones.
    """
    faults: list[Fault] = []
    try:
        if name.lower().endswith(".po"):
            from sms_service.usecases.translations_po import read_po_rows

            rows = read_po_rows(name, content, base, faults)
        else:
            rows = _sheet_rows(name, _listing(name, content), base, faults)
    except UseFault as fault:
        return WordsFile(name, faults=tuple(Fault(name, "", "", one.text) for one in fault.faults))
    found = judge(name, rows, base, topics, places or {})
    return WordsFile(name, found.messages, found.reviews, (*faults, *found.faults), found.cells, found.rows)


def _listing(name: str, content: bytes) -> Listing:
    """The rows of a spreadsheet; a CSV must be Unicode, because a guess at another encoding would change letters unseen."""
    if name.lower().endswith(".csv") and not content.startswith((b"\xff\xfe", b"\xfe\xff", b"PK")):
        try:
            content.decode("utf-8")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            raise UseFault("file", "line %(line)s: not UTF-8; save the file again as CSV UTF-8", line=line) from None
    return read_listing(name, content)


def _sheet_rows(name: str, listing: Listing, base: Words, faults: list[Fault]) -> list[Row]:
    """The rows of a sheet; faults of its columns stop the reading, those of one row are noted."""
    languages = _languages(name, listing.header, base, faults)
    rows: list[Row] = []
    for line in listing.lines:
        cells = list(line.cells[: len(listing.header)])
        cells += [""] * (len(listing.header) - len(cells))
        place = f"row {line.number}"
        named = dict(zip(listing.header, cells, strict=True))
        if any(line.cells[len(listing.header) :]):
            faults.append(Fault(f"{name}, {place}", shortly(named["key"]), "", "has more cells than the first row names columns"))
        kind = next((kind for kind in ROW_KINDS if kind == named["kind"].lower()), None)
        if kind is None:
            reason = f"'{shortly(named['kind'])}' is no kind of row: {', '.join(ROW_KINDS)}"
            faults.append(
                Fault(f"{name}, {place}, column kind", shortly(named["key"]), "", reason, nearest(named["kind"], ROW_KINDS))
            )
            continue
        formulas = [language for language in languages if named[language].startswith(("=", "@"))]
        for language in formulas:
            reason = "this looks like a spreadsheet formula"
            where = f"{name}, {place}, column {language}"
            faults.append(Fault(where, shortly(named["key"]), language, reason, "write the text; a leading ' keeps it one"))
        said = {language: _unescaped(named[language]) for language in languages if named[language]}
        channel, text_class = named.get("channel", "").lower(), named.get("class", "").upper()
        rows.append(Row(kind, named["key"] or named["kind"].lower(), said, channel, text_class, place))
    return rows


def _languages(name: str, header: Sequence[str], base: Words, faults: list[Fault]) -> tuple[str, ...]:
    """The languages among the columns. Each language there is must be among them, and the words of the first row be known."""
    where = f"{name}, row 1"
    for column in dict.fromkeys(one for one in header if header.count(one) > 1):
        raise UseFault("file", "row 1: the column %(name)s comes twice; keep one", name=shortly(column) or "without a name")
    missing = [one for one in (*NEEDED, *ordered(base.languages)) if one not in header]
    if missing:
        raise UseFault("file", "row 1: missing columns: %(missing)s; the first row names them", missing=", ".join(missing))
    found = tuple(one for one in header if _LANGUAGE.fullmatch(one))
    known = {*FIXED, *found, *(f"{one}{COUNT}" for one in found), CONTEXT}
    for column in header:
        if column not in known:
            fix = nearest(column, known) or "remove it; a language is named by its two letters"
            faults.append(Fault(where, "", "", f"unknown column '{shortly(column) or 'without a name'}'", fix))
    for language in found:
        if language not in base.languages:
            reason = f"new language '{language}'"
            faults.append(Fault(f"{where}, column {language}", "", language, reason, nearest(language, base.languages), "notice"))
    return found


def write_xlsx(
    words: Words,
    keys: Sequence[str] | None = None,
    places: Mapping[str, Place] | None = None,
    reviews: Mapping[str, str] | None = None,
) -> bytes:
    """The words as one sheet: texts (``keys`` alone, in their order, when given), labels, forms; ``reviews`` by language."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("words")
    lines = _lines(words, keys, places or {}, reviews or {})
    header = next(lines)
    sheet.freeze_panes = "C2"
    for number, column in enumerate(header, start=1):
        width = _TEXT_WIDTH if _LANGUAGE.fullmatch(str(column)) else _WIDTHS.get(str(column), 10)
        sheet.column_dimensions[get_column_letter(number)].width = width
    bold, wrapped = Font(bold=True), Alignment(wrap_text=True, vertical="top")
    for n, line in enumerate((header, *lines)):
        cells = [WriteOnlyCell(sheet, value=value if isinstance(value, int) or value else None) for value in line]
        for cell in cells:
            cell.alignment = wrapped
            if n == 0:
                cell.font = bold
        sheet.append(cells)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def write_csv(
    words: Words,
    keys: Sequence[str] | None = None,
    places: Mapping[str, Place] | None = None,
    reviews: Mapping[str, str] | None = None,
) -> bytes:
    """The same sheet as CSV: UTF-8 with its mark, commas, one record a row."""
    out = io.StringIO(newline="")
    csv.writer(out).writerows(_lines(words, keys, places or {}, reviews or {}))
    return out.getvalue().encode("utf-8-sig")


def _lines(
    words: Words, keys: Sequence[str] | None, places: Mapping[str, Place], reviews: Mapping[str, str]
) -> Iterator[list[str | int]]:
    languages = ordered(words.languages)
    yield [*FIXED, *languages, *(f"{one}{COUNT}" for one in languages), CONTEXT]
    for row in rows_of(words, keys, reviews):
        limit, names = limit_and_placeholders(words, row)
        counts = [_count(words, row, one, places) for one in languages]
        said = [escaped(row.cells.get(one, "")) for one in languages]
        english = [f"English: {row.cells['en']}"] if row.kind in ("text", "label") and "en" in row.cells else []
        context = "; ".join([context_of(row, places), *english])
        yield [row.kind, row.key, row.channel, row.text_class, limit, names, *said, *counts, escaped(context)]


def limit_and_placeholders(words: Words, row: Row) -> tuple[int | str, str]:
    """How many characters fit, empty where nothing is measured; and the placeholders to keep, as they are written."""
    if row.kind != "text":
        return "", ""
    held = {one: table[row.key].text for one, table in words.entries.items() if row.key in table}
    text = held.get("en") or next(iter(held.values()), "")
    return limit_of(row.channel), " ".join(dict.fromkeys(match.group() for match in PLACEHOLDER.finditer(text)))


def _count(words: Words, row: Row, language: str, places: Mapping[str, Place]) -> int | str:
    """Characters of a cell with the longest values (S6); empty where there is nothing to count."""
    if row.kind == "review" or language not in row.cells:
        return ""
    if row.kind == "text":
        return measured(words, language, words.entries[language][row.key], places.get(row.key, Place()).values)
    return segments(row.cells[language]).units


def context_of(row: Row, places: Mapping[str, Place]) -> str:
    """What a translator must know to say it: where it is said, what a form is for, how a review is named."""
    if row.kind == "review":
        return "the native reviewer's name below each language; empty: awaiting native review"
    if row.kind == "form":
        return FORM_KEYS[row.key]
    if row.kind == "label":
        return "the words of an answer, as people write them"
    return "; ".join(places.get(row.key, Place()).steps) or "said nowhere yet"


def escaped(text: str) -> str:
    """A cell that no spreadsheet program takes for a formula: a leading = + - @ gets an apostrophe before it (stack: escape)."""
    plain = _CONTROLS.sub(" ", text)
    return f"'{plain}" if _RISKY.match(plain) else plain


def _unescaped(cell: str) -> str:
    """The text a cell stands for: without the apostrophe of a leading sign, and ``\\n``, as TOML writes a new line, as one."""
    text = cell[1:] if cell.startswith("'") and _RISKY.match(cell) else cell
    return text.replace("\\n", "\n")


def conversations_first(places: Iterable[str], words: Words) -> list[str]:
    """The keys of ``words`` in the order of ``places``, then those that are said nowhere."""
    every = sorted({key for table in words.entries.values() for key in table})
    return [*(key for key in places if key in every), *(key for key in every if key not in set(places))]
