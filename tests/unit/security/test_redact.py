"""The second net: a number is masked in whatever way it was written."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms_service.security.redact import MASK, redact

WRITTEN = [
    "+250788123456",
    "250788123456",
    "00250788123456",
    "0788123456",
    "788123456",
    "%2B250788123456",
    "%2b250788123456",
    "+250 788 123 456",
    "+250%20788%20123%20456",
    "250-788-123-456",
    "0788.123.456",
    "(+250) 788 123 456",
    "+250(788)123-456",
    "0788 12 34 56",
    "07 88 12 34 56",
    "+250\u00a0788\u00a0123\u00a0456",
    "0788+123+456",
    "+44 20 7946 0958",
    "٠٧٨٨١٢٣٤٥٦",
]
AROUND = ["{}", "'{}'", '"{}"', "from={}&to=1234", "<{}>", "tel:{},", "row ({}, 1)", "{}\n", "'from': '{}'", "N{}"]


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("around", AROUND)
def test_a_number_is_masked(written: str, around: str) -> None:
    """T15: +250…, 250…, 07…, 7…, %2B250…, spaced and quoted."""
    masked = redact(around.format(written))
    assert MASK in masked
    assert sum(character.isdigit() for character in masked.replace("1234", "").replace(", 1)", "")) == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "P4821 in G07",
        "1234",
        "*384*123#",
        "2026-05-13T07:00:00",
        "row 463251129856348160",
        "13 of 200",
        "v3.0.0",
        "18:42:31",
    ],
)
def test_codes_times_and_row_ids_stay(text: str) -> None:
    assert redact(text) == text


def test_several_numbers_are_masked_each() -> None:
    """T15: also side by side."""
    assert redact("0788123456,0788123457;+250788123458") == f"{MASK},{MASK};{MASK}"
    assert "788" not in redact("0788123456 0788123457 250788123458")


@given(st.text(), st.from_regex(r"\+2507[2389][0-9]{7}", fullmatch=True), st.text())
def test_a_number_in_any_text_is_masked(before: str, number: str, after: str) -> None:
    """T15: unless digits are glued to it, which makes it something else."""
    assert number[1:] not in redact(f"{before} , {number} , {after}")


@pytest.mark.parametrize("unit", ["1", "1 ", "1%20", "(", "+", "1-)", "%2B", "12 3"])
def test_any_text_of_64_kilobytes_is_read_quickly(unit: str) -> None:
    """I22: linear, whatever was typed."""
    text = unit * (65_536 // len(unit))
    start = time.perf_counter()
    redact(text)
    assert time.perf_counter() - start < 2
