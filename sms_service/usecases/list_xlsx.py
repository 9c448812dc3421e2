"""Reading a participant list from an XLSX workbook: its archive is measured before anything is
parsed (T16).
"""

from __future__ import annotations

import io
import re
import warnings
import zipfile
import zlib
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import openpyxl
from openpyxl.utils import get_column_letter

from sms_service.usecases.list_file import MOST_CELL, MOST_COLUMNS, Line, Listing, check_count, listing, refuse

MOST_UNPACKED = 24 * 1024 * 1024
MOST_PARTS = 200
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MERGED = re.compile(rb'<mergeCell\b[^>]{0,200}?\bref="([A-Z0-9:]{1,30})"')
_HIDDEN_ROW = re.compile(rb"<row\b[^>]{0,400}?\bhidden=\"(?:1|true)\"[^>]{0,400}>")
_ROW_NUMBER = re.compile(rb'\br="([0-9]{1,7})"')
_ROUNDED = 100_000
_DAMAGED = (KeyError, ValueError, TypeError, IndexError, OverflowError, SyntaxError, zipfile.BadZipFile, zlib.error)


def read_xlsx(data: bytes, most_rows: int) -> Listing:
    """The one sheet of a workbook as text. Raises ``UseFault('file', ...)`` naming sheet and cell."""
    if data.startswith(_OLE):
        raise refuse("this workbook has a password or the old .xls form; save it as .xlsx without a password")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check_archive(archive)
            _check_parts(archive)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=False, keep_links=False)
    except (*_DAMAGED, OSError, EOFError, NotImplementedError):
        raise refuse("this is no readable .xlsx workbook; save the list again as .xlsx or CSV") from None
    try:
        return _read_book(book, most_rows)
    except _DAMAGED:
        raise refuse("this workbook is damaged; save the list again as .xlsx or CSV") from None
    finally:
        book.close()


def _check_archive(archive: zipfile.ZipFile) -> None:
    parts = archive.infolist()
    names = {part.filename for part in parts}
    if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_UNPACKED:
        raise refuse("the workbook unpacks to more than %(limit)s MB; keep the list alone", limit=MOST_UNPACKED // 1024 // 1024)
    if any(part.flag_bits & 1 for part in parts):
        raise refuse("this workbook has a password; save it without one")
    if any(name.endswith("vbaProject.bin") for name in names):
        raise refuse("this workbook holds macros; save it as .xlsx")
    if "mimetype" in names or "xl/workbook.xml" not in names:
        raise refuse("this is no .xlsx workbook (perhaps an .ods or another file renamed); save it as .xlsx")
    if any(name.startswith("xl/externalLinks/") for name in names):
        raise refuse("this workbook refers to other files; copy the values into a new one")


def _check_parts(archive: zipfile.ZipFile) -> None:
    for part in archive.infolist():
        if not part.filename.endswith((".xml", ".rels")):
            continue
        content = archive.read(part)
        if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
            raise refuse("this workbook declares entities; save it again from a spreadsheet program")
        if not part.filename.startswith("xl/worksheets/"):
            continue
        sheet = part.filename.rpartition("/")[2].removesuffix(".xml")
        merged = _MERGED.search(content)
        if merged:
            raise refuse(
                "sheet %(sheet)s, cells %(cell)s: merged cells; separate them",
                sheet=sheet,
                cell=merged.group(1).decode(),
            )
        hidden = _HIDDEN_ROW.search(content)
        if hidden:
            number = _ROW_NUMBER.search(hidden.group(0))
            place = number.group(1).decode() if number else "?"
            raise refuse("sheet %(sheet)s, row %(row)s: a hidden row; show it or delete it", sheet=sheet, row=place)


def _read_book(book: Any, most_rows: int) -> Listing:
    filled = [sheet for sheet in book.worksheets if _has_cells(sheet)]
    if not filled:
        raise refuse("the workbook is empty; the first row names the columns")
    if len(filled) > 1:
        raise refuse("more than one sheet holds cells (%(sheet)s); keep the list alone", sheet=filled[1].title[:40])
    sheet = filled[0]
    rows: list[Line] = []
    sheet.reset_dimensions()  # the size a workbook states may be 16,384 columns, and every row would be filled up to it (I22)
    for number, row in enumerate(sheet.iter_rows(), start=1):
        rows.append(Line(number, _cells(sheet.title, number, row)))
        check_count(number, most_rows)
    return listing(rows, str(sheet.title))


def _has_cells(sheet: Any) -> bool:
    return any(cell.value is not None for row in sheet.iter_rows(max_row=50, max_col=MOST_COLUMNS) for cell in row)


def _cells(sheet: str, number: int, row: Sequence[Any]) -> tuple[str, ...]:
    """The cells of a row as text; beyond the widest list there may be only empty ones, which are left out."""
    beyond = next((place for place, cell in enumerate(row[MOST_COLUMNS:], start=MOST_COLUMNS) if cell.value is not None), None)
    kept = row[:MOST_COLUMNS] if beyond is None else row[: beyond + 1]
    return tuple(_text(sheet, number, place, cell) for place, cell in enumerate(kept, start=1))


def _text(sheet: str, row: int, column: int, cell: Any) -> str:
    value = cell.value
    if value is None:
        return ""
    place = {"sheet": sheet[:40], "cell": f"{get_column_letter(column)}{row}"}
    if column > MOST_COLUMNS:
        raise refuse("sheet %(sheet)s, cell %(cell)s: too many columns; keep the named ones", **place)
    if cell.data_type == "f":
        raise refuse("sheet %(sheet)s, cell %(cell)s: a formula; paste its value instead", **place)
    if cell.data_type == "e":
        raise refuse("sheet %(sheet)s, cell %(cell)s: an error value; correct the cell", **place)
    if isinstance(value, datetime | date):
        return value.date().isoformat() if isinstance(value, datetime) else value.isoformat()
    if isinstance(value, bool | int | float):
        return _digits(value, place)
    text = str(value).strip()
    if len(text) > MOST_CELL:
        raise refuse("sheet %(sheet)s, cell %(cell)s: longer than %(limit)s characters", limit=MOST_CELL, **place)
    return text


def _digits(value: float | int | bool, place: dict[str, str]) -> str:
    """A number of a cell as digits; one that lost digits to rounding is refused, never guessed."""
    if isinstance(value, bool) or int(value) != value:
        raise refuse("sheet %(sheet)s, cell %(cell)s: not a whole number; enter it as text", **place)
    whole = int(value)
    if abs(whole) >= 10**9 and whole % _ROUNDED == 0:
        raise refuse("sheet %(sheet)s, cell %(cell)s: the number was rounded; enter it again as text", **place)
    return str(whole)
