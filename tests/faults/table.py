"""The table of ``./run faults``: one line a fault and database, with the reason where it was not played."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tests.faults.catalogue import Fault
from tests.faults.plugin import Played

SUMMED = ("lost", "doubled", "late", "unknown")
HEADS = ("fault", "what", "database", "form", "tests", "in flight", *SUMMED, "normal after", "seed", "result")

WORDS = ("fault", "what", "database", "form", "result")


@dataclass(slots=True)
class Row:
    """One line: counts over all tests that played this fault on this database; None where no test counted."""

    fault: str
    what: str
    database: str
    form: str = ""
    tests: int = 0
    in_flight: int | None = None
    lost: int | None = None
    doubled: int | None = None
    late: int | None = None
    unknown: int | None = None
    seconds: float | None = None
    result: str = ""
    seed: int = 0


def rows(
    faults: Mapping[str, Fault], wanted: Iterable[str], databases: Sequence[str], played: Sequence[Played], seed: int
) -> list[Row]:
    """A row for each fault asked for and database, in order; none is left out."""
    made: list[Row] = []
    for name in wanted:
        fault = faults[name]
        ours = [one for one in played if name in one.faults]
        if fault.reason or not ours:
            only = fault.only and fault.only not in databases
            why = fault.reason or (f"it is about {fault.only} alone" if only else "it has no form of this length")
            made.append(Row(name, fault.title, "-", result=f"not played: {why}", seed=seed))
            continue
        for database in [*databases, ""]:
            here = [one for one in ours if one.database == database]
            if here:
                made.append(_row(fault, database, here, seed))
            elif database and fault.only != _other(database) and not any(one.database == "" for one in ours):
                made.append(Row(name, fault.title, database, result="not played: no form of this length here", seed=seed))
            elif database and fault.only == _other(database):
                made.append(Row(name, fault.title, database, result=f"not played: it is about {fault.only} alone", seed=seed))
    return made


def _other(database: str) -> str:
    return "sqlite" if database == "postgresql" else "postgresql"


def _row(fault: Fault, database: str, here: Sequence[Played], seed: int) -> Row:
    counted = [one.tally for one in here if one.tally]
    row = Row(fault.id, fault.title, database or "-", "/".join(sorted({one.form for one in here})), len(here), seed=seed)
    row.in_flight = _most(counted, "in_flight")
    row.seconds = _most(counted, "seconds")
    for name in SUMMED:
        setattr(row, name, sum(int(tally[name]) for tally in counted) if counted else None)
    reasons = [one.why_not for one in here if one.why_not]
    if any(one.failed for one in here):
        row.result = "FAIL"
    elif len(reasons) == len(here):
        row.result = f"not played: {reasons[0]}"
    else:
        row.result = "pass"
    return row


def _most(counted: Iterable[Mapping[str, Any]], name: str) -> Any:
    return max((tally[name] for tally in counted if tally[name] is not None), default=None)


def as_json(made: Sequence[Row]) -> str:
    """The rows as one JSON list."""
    return json.dumps([asdict(row) for row in made], indent=1)


def as_text(made: Sequence[Row]) -> str:
    """The rows in columns, for people."""
    lines = [HEADS, *(_cells(row) for row in made)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADS))]
    return "\n".join("  ".join(_aligned(line, widths)).rstrip() for line in lines)


def _aligned(line: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    for head, cell, width in zip(HEADS, line, widths, strict=True):
        yield cell.ljust(width) if head in WORDS else cell.rjust(width)


def _cells(row: Row) -> tuple[str, ...]:
    counts = [row.in_flight, row.lost, row.doubled, row.late, row.unknown]
    seconds = "-" if row.seconds is None else f"{row.seconds:.1f} s"
    tests = str(row.tests) if row.tests else "-"
    told = ["-" if count is None else str(count) for count in counts]
    return (row.fault, row.what, row.database, row.form or "-", tests, *told, seconds, str(row.seed), row.result)
