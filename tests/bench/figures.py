"""What a benchmark found: one line a figure, with its target, as a table or as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value. ``at_most`` says whether the target is a ceiling or a floor; ``wrong`` counts answers or rows
    that were not what they had to be, which makes a figure short whatever its value; no ``target``: for information.
    """

    name: str
    database: str
    measured: float
    unit: str
    target: float | None = None
    at_most: bool = True
    wrong: int = 0
    note: str = ""

    @property
    def verdict(self) -> str:
        """``ok``, ``short`` or, without a target, nothing."""
        if self.wrong:
            return "short"
        if self.target is None:
            return ""
        return "ok" if (self.measured <= self.target if self.at_most else self.measured >= self.target) else "short"


def as_json(figures: Sequence[Figure]) -> str:
    return json.dumps([{**asdict(one), "verdict": one.verdict} for one in figures], indent=1)


def as_table(figures: Sequence[Figure]) -> str:
    """Columns: figure, database, target, measured, verdict, remarks."""
    rows = [("figure", "database", "target", "measured", "", "")]
    for one in figures:
        sign = "<=" if one.at_most else ">="
        target = "" if one.target is None else f"{sign} {one.target:g} {one.unit}"
        remark = "; ".join(part for part in (f"{one.wrong} wrong" if one.wrong else "", one.note) if part)
        rows.append((one.name, one.database, target, f"{one.measured:.4g} {one.unit}", one.verdict, remark))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
