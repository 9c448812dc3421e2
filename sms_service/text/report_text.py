"""The facilitator's meeting report as one text: ``RPT G07 5 M8 W3 D0 R1 I0`` (V15).

Group, meeting number, then men, women, distressed, referred and incident, each letter before its number. The lettered
fields come in any order; case, spacing and punctuation do not matter, and the letter O stands for a zero. Pure, and linear
in the first ``READ_CHARS`` characters: the rest of a text is not read (I22).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sms_service.text.normalise import plain

#: More than any report needs, whatever politeness stands around it.
READ_CHARS: Final = 200
MOST_PEOPLE: Final = 999
#: The digit of the field I and the code it is kept as (domain 2.4).
INCIDENTS: Final = ("none", "safety", "conflict", "outside", "other")
COUNTS: Final[Mapping[str, str]] = {"m": "men", "w": "women", "d": "distressed", "r": "referred"}

_HEAD = re.compile(r"[^a-z0-9]{0,20}rpt(?![a-z]{3})")
_LETTER = re.compile(r"[^a-z0-9]*([a-z])")
_GROUP = re.compile(r"[^a-z0-9]*([0-9]{2,5})(?![0-9])")
_NO = re.compile(r"[^a-z0-9]*([0-9]{1,3})(?![0-9])")
# After its number a field ends: with the text, with a sign, or with the next field. So no word is read as one.
_FIELD = re.compile(r"(?<![a-z])([mwdri])[^a-z0-9]*([0-9]+)(?=$|[^a-z0-9]|[mwdri][^a-z0-9]*[0-9])")


@dataclass(frozen=True, slots=True)
class ReportText:
    """A report as it was written: the group's code, the meeting's number, counts of people, a code of ``INCIDENTS``."""

    group: str
    no: int
    men: int
    women: int
    distressed: int
    referred: int
    incident: str


@dataclass(frozen=True, slots=True)
class WrongField:
    """What could not be read: ``G`` the group, ``No`` the meeting's number, or the letter M, W, D, R or I."""

    field: str


def is_report(text: str) -> bool:
    """Whether a text begins as a report does, whatever follows."""
    return _HEAD.match(plain(text[:READ_CHARS])) is not None


def parse_report(text: str) -> ReportText | WrongField | None:
    """The report in a text, the first field of it that cannot be read, or None when the text is no report.

    A field given twice with two values is not guessed.
    """
    written = plain(text[:READ_CHARS])
    head = _HEAD.match(written)
    if head is None:
        return None
    letter = _LETTER.match(written, head.end())
    if letter is None:
        return WrongField("G")
    rest = written[letter.end() :].replace("o", "0")
    group = _GROUP.match(rest)
    if group is None:
        return WrongField("G")
    no = _NO.match(rest, group.end())
    if no is None or int(no[1]) == 0:
        return WrongField("No")
    given: dict[str, int] = {}
    for name, digits in _FIELD.findall(rest, no.end()):
        value = int(digits) if len(digits) <= len(str(MOST_PEOPLE)) else MOST_PEOPLE + 1
        if value > MOST_PEOPLE or given.setdefault(name, value) != value:
            return WrongField(name.upper())
    missing = next((name for name in (*COUNTS, "i") if name not in given), "")
    if missing or given["i"] >= len(INCIDENTS):
        return WrongField((missing or "i").upper())
    counts = {field: given[name] for name, field in COUNTS.items()}
    return ReportText(f"{letter[1].upper()}{group[1]}", int(no[1]), **counts, incident=INCIDENTS[given["i"]])
