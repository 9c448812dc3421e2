"""Telephone numbers: the gateway's loose forms (W9) and the strict reading of participant lists.

Numbers come out as E.164 text (``+`` and 8 to 15 ASCII digits). No fault ever repeats the number itself.
"""

from __future__ import annotations

import re
from typing import Literal

import phonenumbers

FaultReason = Literal[
    "empty", "letters", "two_numbers", "too_short", "too_long", "fixed_line", "foreign", "rounded", "not_a_number"
]

COUNTRY = "RW"
_E164 = re.compile(r"\+[1-9][0-9]{7,14}", re.ASCII)
_FILLING = str.maketrans("", "", " -.()")
_LONGEST_CELL = 64

_EXPLANATIONS: dict[FaultReason, str] = {
    "empty": "no number given; write the number, for example in the form 07x xxx xxxx",
    "letters": "letters in the number; write digits only",
    "two_numbers": "two numbers in one cell; keep one number for each row",
    "too_short": "too few digits; a Rwandan mobile number has nine after +250",
    "too_long": "too many digits; a Rwandan mobile number has nine after +250",
    "fixed_line": "a fixed line cannot receive texts; give a mobile number",
    "foreign": "not a Rwandan number; give a Rwandan mobile number",
    "rounded": "the number was rounded by a spreadsheet; format the column as text and enter it again",
    "not_a_number": "not a Rwandan mobile number; check the digits",
}


class PhoneFault(ValueError):
    """A cell that is not one Rwandan mobile number: ``reason`` is a code, the message says what to do."""

    def __init__(self, reason: FaultReason) -> None:
        super().__init__(_EXPLANATIONS[reason])
        self.reason: FaultReason = reason


def normalise_msisdn(raw: str) -> str | None:
    """Bring a gateway's sender or caller to E.164 (W9); None when it is not a number (a name such as a network's)."""
    if len(raw) > _LONGEST_CELL:
        return None
    number = raw.translate(_FILLING)
    digits = number[1:] if number.startswith("+") else number
    if not (digits.isascii() and digits.isdigit()):
        return None
    if not number.startswith("+"):
        number = _international(digits)
    return number if _E164.fullmatch(number) else None


def _international(digits: str) -> str:
    if digits.startswith("00"):
        return "+" + digits[2:]
    if len(digits) == 10 and digits.startswith("07"):
        return "+250" + digits[1:]
    if len(digits) == 9 and digits.startswith("7"):
        return "+250" + digits
    return "+" + digits


def is_rwandan_mobile(e164: str) -> bool:
    """Whether the number can be a Rwandan mobile by current number metadata (never says which operator)."""
    if not _E164.fullmatch(e164):
        return False
    try:
        number = phonenumbers.parse(e164, None)
    except phonenumbers.NumberParseException:
        return False
    return (
        phonenumbers.is_valid_number_for_region(number, COUNTRY)
        and phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.MOBILE
    )


def parse_for_import(raw: str) -> str:
    """Read one cell of a participant list as a Rwandan mobile number in E.164, or raise ``PhoneFault``.

    A number that a spreadsheet rounded (``2.50788E+11``) is refused, never guessed.
    """
    cell = raw.strip().lstrip("'")
    if not cell:
        raise PhoneFault("empty")
    if re.fullmatch(r"[0-9]+[.,][0-9]+[eE]\+?[0-9]+", cell):
        raise PhoneFault("rounded")
    if any(c.isalpha() for c in cell):
        raise PhoneFault("letters")
    if not cell.isascii():
        raise PhoneFault("not_a_number")
    if _holds_two(cell):
        raise PhoneFault("two_numbers")
    cell = cell.removesuffix(".0")
    number = normalise_msisdn(cell)
    if number is not None and is_rwandan_mobile(number):
        return number
    raise PhoneFault(_why_not(cell))


def _holds_two(cell: str) -> bool:
    pieces = [piece for piece in re.split(r"[/,;|&\n]", cell) if piece.strip()]
    digits = sum(c.isdigit() for c in cell)
    return len(pieces) > 1 or cell.count("+") > 1 or (digits >= 18 and " " in cell)


def _why_not(cell: str) -> FaultReason:
    try:
        number = phonenumbers.parse(cell, COUNTRY)
    except phonenumbers.NumberParseException as fault:
        if fault.error_type == phonenumbers.NumberParseException.TOO_LONG:
            return "too_long"
        digits = sum(c.isdigit() for c in cell)
        return "too_short" if 0 < digits < 9 else "not_a_number"
    if number.country_code != phonenumbers.country_code_for_region(COUNTRY):
        return "foreign"
    possible = phonenumbers.is_possible_number_with_reason(number)
    if possible in (phonenumbers.ValidationResult.TOO_SHORT, phonenumbers.ValidationResult.IS_POSSIBLE_LOCAL_ONLY):
        return "too_short"
    if possible == phonenumbers.ValidationResult.TOO_LONG:
        return "too_long"
    if phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.FIXED_LINE:
        return "fixed_line"
    # Fixed lines have eight digits after the country's code; nine that fit no mobile range are simply wrong.
    return "too_short" if len(str(number.national_number)) < 9 else "not_a_number"


def last_digits(e164: str, n: int = 3) -> str:
    """The last ``n`` digits, the most an uploader may be shown (reliability guide section 10)."""
    return e164[-n:] if n > 0 else ""
