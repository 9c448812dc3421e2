"""Reading a participant list (CSV or XLSX) into rows of text, within limits, every refusal naming its place.

Nothing here knows people: bytes in, a header and rows out (reliability section 10, I22).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

from sms_service.usecases.faults import UseFault

MOST_BYTES = 5 * 1024 * 1024
UPLOAD_ROWS = 2_000  # somebody waits for the page
MOST_ROWS = 50_000  # by command; a list is one transaction, and on SQLite callbacks wait for it (docs/operations.md)
MOST_CELL = 10 * 1024
MOST_COLUMNS = 60
_DELIMITERS = ",;\t"
_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a list: ``number`` as a spreadsheet counts it (the header is 1) and its cells as text."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """A list as read: its header cells and its rows, blank rows left out. ``sheet`` is empty for a CSV."""

    header: tuple[str, ...]
    lines: tuple[Line, ...]
    sheet: str = ""


def refuse(message: str, **values: object) -> UseFault:
    """A fault of the whole file."""
    return UseFault("file", message, **values)


def read_listing(name: str, data: bytes, most_rows: int = UPLOAD_ROWS) -> Listing:
    """The rows of an uploaded or named file. Raises ``UseFault('file', ...)`` when it cannot be read safely, or has more than
    ``most_rows``.
    """
    if not data:
        raise refuse("the file is empty; choose the list and try again")
    if len(data) > MOST_BYTES:
        raise refuse("the file is larger than %(limit)s MB; split the list", limit=MOST_BYTES // 1024 // 1024)
    kind = name.lower().rpartition(".")[2]
    if kind == "xlsx":
        from sms_service.usecases.list_xlsx import read_xlsx

        return read_xlsx(data, most_rows)
    if kind != "csv":
        raise refuse("the file's name must end in .csv or .xlsx; save the list in one of these forms")
    if data.startswith((_ZIP, _OLE)):
        raise refuse("this is a spreadsheet named .csv; save it as CSV, or name it .xlsx")
    return _read_csv(data, most_rows)


def decode(data: bytes) -> str:
    """The text of a CSV: UTF-8, UTF-16 with its mark, else Windows-1252."""
    encodings = ("utf-16",) if data.startswith((b"\xff\xfe", b"\xfe\xff")) else ("utf-8-sig", "cp1252")
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise refuse("the letters of this file cannot be read; save it again as CSV UTF-8")


def _read_csv(data: bytes, most_rows: int) -> Listing:
    text = decode(data)
    control = _CONTROLS.search(text)
    if control:
        line = text.count("\n", 0, control.start()) + 1
        raise refuse("line %(line)s: a control character; save the list again as CSV UTF-8", line=line)
    first = text.lstrip("\r\n").splitlines()[0] if text.strip() else ""
    if not first:
        raise refuse("the file holds no rows; the first row names the columns")
    delimiter = max(_DELIMITERS, key=first.count)
    csv.field_size_limit(MOST_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[Line] = []
    start = 1
    try:
        for cells in reader:
            # a row as a spreadsheet shows it: a cell of several lines shifts the lines of the file, not the rows
            rows.append(Line(len(rows) + 1, tuple(cell.strip() for cell in cells)))
            start = reader.line_num + 1
            check_count(len(rows), most_rows)
    except csv.Error as fault:
        long = "field larger" in str(fault)
        raise refuse(
            "line %(line)s: a cell is longer than %(limit)s characters"
            if long
            else "line %(line)s: a quotation mark is not closed; correct the row",
            line=start,
            limit=MOST_CELL,
        ) from None
    return listing(rows, "")


def check_count(rows: int, most: int) -> None:
    """Stop reading beyond the limit (the header is not counted)."""
    if rows > most + 1:
        raise refuse("more than %(limit)s rows; split the list", limit=most)


def listing(rows: Sequence[Line], sheet: str) -> Listing:
    """Header and rows, blank rows left out."""
    filled = [row for row in rows if any(row.cells)]
    if not filled:
        raise refuse("the file holds no rows; the first row names the columns")
    header = tuple(cell.lower() for cell in filled[0].cells)
    while header and not header[-1]:
        header = header[:-1]
    if len(header) > MOST_COLUMNS:
        raise refuse("more than %(limit)s columns; keep the named ones", limit=MOST_COLUMNS)
    if len(filled) == 1:
        raise refuse("the file holds the column names only, and nothing below them")
    return Listing(header, tuple(filled[1:]), sheet)
