"""The rows of a participant list as people to enrol: each cell read and every fault named by line and column."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date

from sms_service.text.phone import PhoneFault, parse_for_import
from sms_service.usecases.faults import Fault, UseFault
from sms_service.usecases.find import read_day
from sms_service.usecases.list_file import Line, Listing, refuse
from sms_service.usecases.new_person import NewPerson, check_person, clean_name

COLUMNS = ("code", "name", "phone", "language", "sex", "age_band", "group", "phone_ownership", "safe_hours", "consents")
OPTIONAL = ("role", "pair", "recorded_by", "consent_date")
_PAIR = re.compile(r"R[0-9]{2,5}")
_RECORDER = re.compile(r"[A-Za-z0-9 ._-]{1,40}")
_FIELD_TO_COLUMN = {"how": "consents"}


@dataclass(frozen=True, slots=True)
class RowFault:
    """One fault of one row: its line as a spreadsheet counts, the column, and what to do."""

    line: int
    column: str
    fault: Fault

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.fault.text}"


@dataclass(slots=True)
class Row:
    """One person of the list: ``given`` says which optional cells were filled (an empty cell changes nothing)."""

    line: int
    new: NewPerson
    e164: str = ""
    pair: str = ""
    recorded_by: str = ""
    consent_date: date | None = None
    given: frozenset[str] = frozenset()
    faults: list[RowFault] = field(default_factory=list)

    def add(self, column: str, message: str, **values: object) -> None:
        """Note one fault of this row."""
        self.faults.append(RowFault(self.line, column, Fault(column, message, values)))


def read_rows(listing: Listing, known_groups: Mapping[str, int], languages: Sequence[str]) -> list[Row]:
    """Every row with its own faults; ``languages`` are those people are written to in.

    Raises ``UseFault('file', ...)`` when the columns are not the documented ones.
    """
    _check_header(listing.header)
    rows = [_read_row(listing.header, line, known_groups, languages) for line in listing.lines]
    _check_repeats(rows)
    return rows


def _check_header(header: Sequence[str]) -> None:
    repeated = [name for name in dict.fromkeys(header) if header.count(name) > 1]
    if repeated:
        raise refuse("the column %(name)s comes twice; keep one", name=repeated[0][:30] or "without a name")
    missing = [name for name in COLUMNS if name not in header]
    unknown = [name for name in header if name not in (*COLUMNS, *OPTIONAL)]
    if missing:
        raise refuse(
            "missing columns: %(missing)s; the first row names %(all)s",
            missing=", ".join(missing),
            all=", ".join(COLUMNS),
        )
    if unknown:
        raise refuse("unknown column %(name)s; remove it, or correct its name", name=unknown[0][:30] or "without a name")


def _read_row(header: Sequence[str], line: Line, known_groups: Mapping[str, int], languages: Sequence[str]) -> Row:
    cells = list(line.cells)
    while len(cells) > len(header) and not cells[-1]:
        cells.pop()
    if len(cells) != len(header):
        row = Row(line.number, _nobody())
        row.add("all", "this row has %(has)s cells, the first row %(due)s; correct it", has=len(cells), due=len(header))
        return row
    named = dict(zip(header, cells, strict=True))
    role = named.get("role", "").lower()
    new = NewPerson(
        name=clean_name(named["name"]),
        sex=named["sex"].upper(),
        age_band=named["age_band"].replace("–", "-").replace(" ", ""),
        language=named["language"].lower(),
        kind="participant" if role in ("", "partner", "member") else role,
        code=named["code"].upper(),
        group=named["group"].upper(),
        part="partner" if role == "partner" else "member",
        phone=named["phone"],
        phone_ownership=named["phone_ownership"].lower(),
        safe_hours=named["safe_hours"],
        consents=tuple(dict.fromkeys(one.strip().lower() for one in named["consents"].split(";") if one.strip())),
    )
    row = Row(line.number, new, given=frozenset(name for name, cell in named.items() if cell))
    for name, cell in named.items():
        if cell.startswith(("=", "@")):
            row.add(name, "this looks like a spreadsheet formula; write the value")
    for fault in check_person(new, languages).found:
        column = _FIELD_TO_COLUMN.get(fault.field, fault.field)
        row.faults.append(RowFault(line.number, column, fault))
    _read_more(row, named, known_groups)
    return row


def _nobody() -> NewPerson:
    return NewPerson(name="", sex="", age_band="", language="")


def _read_more(row: Row, named: Mapping[str, str], known_groups: Mapping[str, int]) -> None:
    if row.new.group and row.new.group not in known_groups:
        row.add("group", "there is no group %(code)s; add it first, or check the code", code=row.new.group[:12])
    with suppress(PhoneFault):  # noted with the person's other faults
        row.e164 = parse_for_import(named["phone"])
    row.pair = named.get("pair", "").upper()
    if row.pair and not _PAIR.fullmatch(row.pair):
        row.add("pair", "a pair's code is R and two to five digits, for example R12")
    row.recorded_by = named.get("recorded_by", "")
    if row.recorded_by and not _RECORDER.fullmatch(row.recorded_by):
        row.add("recorded_by", "give a staff code of at most 40 letters and digits")
    if named.get("consent_date"):
        try:
            row.consent_date = read_day("consent_date", named["consent_date"])
        except UseFault as fault:
            row.faults.append(RowFault(row.line, "consent_date", fault.faults[0]))


def _check_repeats(rows: Sequence[Row]) -> None:
    """The same person twice in one list is a fault of the second row; several people on one number are not (S9)."""
    seen: dict[tuple[str, str], int] = {}
    for row in rows:
        keys = [("code", row.new.code)] if row.new.code else []
        if row.new.name:
            keys.append(("name", f"{row.e164 or row.new.group}:{row.new.name.casefold()}"))
        for column, key in keys:
            first = seen.setdefault((column, key), row.line)
            if first != row.line:
                row.add(column, "the same person is on line %(first)s; keep one of the two rows", first=first)
