"""The facilitator's report by SMS (V15): read however it is spaced and ordered, and never guessed."""

from __future__ import annotations

import time
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sms_service.text.report_text import INCIDENTS, MOST_PEOPLE, ReportText, WrongField, is_report, parse_report

WHOLE = ReportText("G07", 5, men=8, women=3, distressed=0, referred=1, incident="none")


@pytest.mark.parametrize(
    "written",
    [
        "RPT G07 5 M8 W3 D0 R1 I0",
        "rpt g07 5 m8 w3 d0 r1 i0",
        "  Rpt  G 07  5  M 8  W 3  D 0  R 1  I 0  ",
        "RPT GO7 5 M8 W3 DO R1 IO",
        "rptg07 5m8w3d0r1i0",
        "RPT: G07, 5; M=8, W:3, D-0, R.1, I(0)",
        "RPT G07 05 M08 W003 D0 R1 I0",
        "RPT G07 5 M8 M8 W3 D0 R1 I0",
        "RPT G07 5 M8 W3 D0 R1 I0 murakoze cyane",
        "RPT G07 5 M8 W3 D0 R1 I0. Women came late, men too",
        "ＲＰＴ Ｇ０７ ５ Ｍ８ Ｗ３ Ｄ０ Ｒ１ Ｉ０",
    ],
)
def test_however_it_is_written(written: str) -> None:
    assert parse_report(written) == WHOLE


@pytest.mark.parametrize("fields", list(permutations(("M8", "W3", "D0", "R1", "I0")))[::7])
def test_the_lettered_fields_come_in_any_order(fields: tuple[str, ...]) -> None:
    assert parse_report(f"RPT G07 5 {' '.join(fields)}") == WHOLE


@pytest.mark.parametrize(
    ("written", "field"),
    [
        ("RPT", "G"),
        ("RPT 07 5 M8 W3 D0 R1 I0", "G"),
        ("RPT G7 5 M8 W3 D0 R1 I0", "G"),
        ("RPT G07 M8 W3 D0 R1 I0", "No"),
        ("RPT G07 0 M8 W3 D0 R1 I0", "No"),
        ("RPT G075 M8 W3 D0 R1 I0", "No"),
        ("RPT G07 5 W3 D0 R1 I0", "M"),
        ("RPT G07 5 M8 D0 R1 I0", "W"),
        ("RPT G07 5 M8 W3 R1 I0", "D"),
        ("RPT G07 5 M8 W3 D0 I0", "R"),
        ("RPT G07 5 M8 W3 D0 R1", "I"),
        ("RPT G07 5 M8 W3 D0 R1 I5", "I"),
        ("RPT G07 5 M8 M9 W3 D0 R1 I0", "M"),
        ("RPT G07 5 M1000 W3 D0 R1 I0", "M"),
        ("RPT G07 5 M" + "9" * 180, "M"),
        ("RPT G07 5 men8 W3 D0 R1 I0", "M"),
    ],
)
def test_the_field_that_is_wrong_is_named(written: str, field: str) -> None:
    assert parse_report(written) == WrongField(field)


@pytest.mark.parametrize("written", ["", "yes", "1", "report G07 5 M8", "Raporo G07", "I sent RPT G07 5", "RPTREE", "R P T G07"])
def test_any_other_text_is_no_report(written: str) -> None:
    assert parse_report(written) is None
    assert not is_report(written)


count = st.integers(0, MOST_PEOPLE)


@given(no=st.integers(1, 999), people=st.tuples(count, count, count, count), incident=st.integers(0, 4), data=st.data())
def test_what_is_written_is_what_is_read(no: int, people: tuple[int, int, int, int], incident: int, data: st.DataObject) -> None:
    values = [*people, incident]
    order = data.draw(st.permutations(range(5)))
    gap = data.draw(st.sampled_from(("", " ", "  ", ",")))
    fields = [f"{'MWDRI'[place]}{data.draw(st.sampled_from(('', ' ')))}{values[place]}" for place in order]
    written = f"RPT G07 {no} {gap.join(fields)}"
    written = data.draw(st.sampled_from((written, written.lower(), written.replace("0", "O"))))
    assert parse_report(written) == ReportText("G07", no, *people, incident=INCIDENTS[incident])


@given(st.text(alphabet=st.sampled_from("rptRPTgGmwdrioO0123 ,.-:é\u200b٣"), max_size=80) | st.text(max_size=80))
def test_no_text_is_a_fault(written: str) -> None:
    found = parse_report(written)
    assert (found is not None) == is_report(written)
    if isinstance(found, ReportText):
        assert all(0 <= one <= MOST_PEOPLE for one in (found.men, found.women, found.distressed, found.referred))


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(("m", "RPT", "RPT G07 5 ", "RPT G07 5 M", "o", "0", "\ufdfa", "m ", "g0")))
def test_64_kb_take_no_time(piece: str) -> None:
    """I22: at most 100 ms whatever the text holds."""
    written = (piece * 65_536)[:65_536]
    begin = time.perf_counter()
    parse_report("RPT G07 5 " + written)
    parse_report(written)
    assert time.perf_counter() - begin < 0.1
