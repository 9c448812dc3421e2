"""Numbers as the gateway sends them (W9) and as lists hold them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms_service.text.phone import PhoneFault, is_rwandan_mobile, last_digits, normalise_msisdn, parse_for_import


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ("+250788000001", "+250788000001"),
        (" 250788000001", "+250788000001"),
        ("250788000001", "+250788000001"),
        ("0788000001", "+250788000001"),
        ("788000001", "+250788000001"),
        ("00250788000001", "+250788000001"),
        ("+250 (788) 000-001", "+250788000001"),
        ("+250.788.000.001", "+250788000001"),
        ("254711000001", "+254711000001"),
        ("MTN", None),
        ("", None),
        ("+", None),
        ("+0788000001", None),
        ("1234567", None),
        ("+2507880000010000", None),
        ("٠٧٨٨٠٠٠٠٠١", None),
        ("+250788000001\n", None),
        ("+" + "1" * 60, None),
        ("+25078800000a", None),
    ],
)
def test_gateway_forms(raw: str, wanted: str | None) -> None:
    """W9: every loose form, and what is not a number."""
    assert normalise_msisdn(raw) == wanted


@given(st.text(max_size=70))
def test_any_text_is_a_number_or_none(raw: str) -> None:
    """W9: the result is always +, a digit not 0, and 7 to 14 more ASCII digits."""
    number = normalise_msisdn(raw)
    assert number is None or re.fullmatch(r"\+[1-9][0-9]{7,14}", number, re.ASCII)
    assert number is None or normalise_msisdn(number) == number


@pytest.mark.parametrize("prefix", ["72", "73", "77", "78", "79"])
def test_rwandan_mobiles(prefix: str) -> None:
    """Gateway contract section 12: 072, 073, 077, 078 and 079 are mobiles; other numbers are not."""
    assert is_rwandan_mobile(f"+250{prefix}8000001")
    assert not is_rwandan_mobile(f"+254{prefix}8000001")


@pytest.mark.parametrize("number", ["+250252500000", "+250748000001", "+2507880000011", "0788000001", ""])
def test_not_rwandan_mobiles(number: str) -> None:
    """Fixed lines, unused ranges, wrong lengths and loose forms are refused."""
    assert not is_rwandan_mobile(number)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("07880000", "too_short"),
        ("078800000123", "too_long"),
        ("+254711000001", "foreign"),
        ("+250252500000", "fixed_line"),
        ("078800000x", "letters"),
        ("0788000001/0722000002", "two_numbers"),
        ("0788000001 0722000002", "two_numbers"),
        ("0788000001, 0722000002", "two_numbers"),
        ("2.50788E+11", "rounded"),
        ("0748000001", "not_a_number"),
    ],
)
def test_list_faults(raw: str, reason: str) -> None:
    """Each fault has its own reason, and its message never holds the number."""
    with pytest.raises(PhoneFault) as fault:
        parse_for_import(raw)
    assert fault.value.reason == reason
    assert not any(len(digits) > 3 for digits in re.findall(r"[0-9]+", str(fault.value)))


@pytest.mark.parametrize("raw", ["0788000001", "788000001", "+250 788 000 001", "250788000001", "788000001.0", "'0788000001"])
def test_list_forms(raw: str) -> None:
    """A number stored as text, as a number, or with a protecting apostrophe is the same number."""
    assert parse_for_import(raw) == "+250788000001"


def test_last_digits() -> None:
    """At most three digits are shown to an uploader."""
    assert last_digits("+250788000001") == "001"
    assert last_digits("+250788000001", 0) == ""
