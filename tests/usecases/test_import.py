"""The participant list: every row accounted for, all or nothing, nothing guessed (I23, reliability section 10)."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from contextlib import suppress
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from sms_service import paths
from sms_service.models import numbers
from sms_service.models.cascade import pair_member
from sms_service.models.people import consent, identity, person
from sms_service.usecases.enrol import set_consents, withdraw
from sms_service.usecases.faults import UseFault
from sms_service.usecases.import_participants import ImportReport, import_participants
from sms_service.usecases.list_file import read_listing
from tests.usecases.site import NOW, Site

HEADER = "code,name,phone,language,sex,age_band,group,phone_ownership,safe_hours,consents"
ALINE = ",Aline,0788000001,rw,F,25-34,G07,own,,reminders"
BEN = ",Ben,0788000002,rw,M,25-34,G07,shared_partner,,reminders"


def csv(*rows: str, header: str = HEADER) -> bytes:
    return "\n".join((header, *rows)).encode()


def bring(site: Site, data: bytes, *, name: str = "list.csv", dry_run: bool = False) -> ImportReport:
    report = import_participants(site.context, name, data, "S12", dry_run=dry_run)
    assert report.rows == report.added + report.updated + report.unchanged + report.rejected
    return report


def people(site: Site) -> int:
    with site.context.database.begin() as db:
        return int(db.execute(select(func.count()).select_from(person)).scalar_one())


@pytest.fixture
def group(site: Site) -> Site:
    site.group("G07", first_day=None)
    return site


def test_a_preview_changes_nothing_the_import_does_and_again_nothing(group: Site) -> None:
    """I23."""
    data = csv(ALINE, BEN, ",Chloe,,sw,F,60+,G07,none,,calls")
    assert (bring(group, data, dry_run=True).added, people(group)) == (3, 0)
    report = bring(group, data)
    assert (report.added, report.applied, people(group)) == (3, True, 3)
    again = bring(group, data)
    assert (again.unchanged, again.added, again.updated, people(group)) == (3, 0, 0, 3)


def test_the_example_file_can_be_imported(group: Site) -> None:
    data = (paths.templates_dir().parent / "docs" / "participants-example.csv").read_bytes()
    assert bring(group, data).added == 4
    assert bring(group, data).unchanged == 4


@pytest.mark.parametrize(
    ("row", "column"),
    [
        (",A,0788000003,rw,F,<18,G07,own,,", "age_band"),
        (",A,0788000003,rw,F,25-34,G99,own,,", "group"),
        (",A,0788000003,xx,F,25-34,G07,own,,", "language"),
        (",A,0788000003,rw,F,25-34,G07,own,,everything", "consents"),
        (",A,0788000003,rw,F,25-34,G07,mine,,", "phone_ownership"),
        (",A,0788000003,rw,F,25-34,G07,own,noon,", "safe_hours"),
        (",A,+33612345678,rw,F,25-34,G07,own,,", "phone"),
        (",A,0252570000,rw,F,25-34,G07,own,,", "phone"),
        (",A,2.50788E+11,rw,F,25-34,G07,own,,", "phone"),
        (",A,0788000003/0788000004,rw,F,25-34,G07,own,,", "phone"),
        (",A,07880000O3,rw,F,25-34,G07,own,,", "phone"),
        (",=A1,0788000003,rw,F,25-34,G07,own,,", "name"),
        (",A,,rw,F,25-34,G07,own,,", "phone_ownership"),
        ("X1,A,0788000003,rw,F,25-34,G07,own,,", "code"),
        (",A,0788000003,rw,F,25-34,G07", "all"),
        (",A,0788000003,rw,F,25-34,G07,own,,,more", "all"),
        (",Aline,0788000001,rw,F,25-34,G07,own,,", "name"),
        (",Other,0788000001,rw,M,25-34,G07,shared_other,,", "phone_ownership"),
    ],
)
def test_one_wrong_row_stops_the_whole_list_and_is_named(group: Site, row: str, column: str) -> None:
    """The line is the one a spreadsheet shows; the number itself is never repeated."""
    report = bring(group, csv(ALINE, row))
    assert not report.applied
    assert people(group) == 0
    assert ("line 3", column) in {(f"line {one.line}", one.column) for one in report.faults}
    assert all(str(one).startswith(f"line {one.line}, column {one.column}: ") for one in report.faults)
    assert "788000" not in "".join(map(str, report.faults))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n\n",
        csv(),
        csv(ALINE, header=HEADER.replace("code,", "")),
        csv(ALINE, header=HEADER + ",ethnic_origin"),
        csv(ALINE, header=HEADER + ",code"),
        csv(ALINE + "\x00"),
        csv('"unclosed'),
        csv(ALINE.replace("Aline", "A" * 11_000)),
        csv(*[ALINE] * 2_001),
        b"PK\x03\x04rest",
    ],
)
def test_a_file_that_cannot_be_used_is_refused_whole(group: Site, data: bytes) -> None:
    """S37: a column that must not exist is refused too."""
    with pytest.raises(UseFault) as caught:
        bring(group, data)
    assert [one.field for one in caught.value.faults] == ["file"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_what_spreadsheets_write_can_be_read(encoding: str, delimiter: str, ending: str) -> None:
    text = ending.join((HEADER, ",Amélie,0788000001,fr,F,25-34,G07,own,,reminders")).replace(",", delimiter) + ending
    listing = read_listing("list.csv", text.encode(encoding))
    assert listing.header == tuple(HEADER.split(","))
    assert listing.lines[0].cells[1] == "Amélie"


def test_two_people_may_share_a_number_and_are_told_apart_by_name(group: Site) -> None:
    """S9."""
    report = bring(group, csv(BEN, BEN.replace("Ben", "Chloe").replace(",M,", ",F,")))
    assert report.added == 2


def test_changes_are_made_by_code_and_a_new_phone_replaces_the_old(group: Site) -> None:
    bring(group, csv(ALINE))
    with group.context.database.begin() as db:
        code = db.execute(select(person.c.code)).scalar_one()
    row = f"{code},Aline M,0788000009,fr,F,35-59,G07,own,Mon 09:00-10:00,reminders;calls"
    assert bring(group, csv(row)).updated == 1
    assert bring(group, csv(row)).unchanged == 1
    with group.context.database.begin() as db:
        sealed = db.execute(select(identity)).one()
        assert group.context.vault.open("identity", "name", sealed.person_id, sealed.name) == "Aline M"
        assert [one.purpose for one in db.execute(select(consent).order_by(consent.c.id))] == ["reminders", "calls"]
    assert group.contact_of(code).safe_hours == "Mon 09:00-10:00"


def test_a_stop_stays_and_a_withdrawn_consent_is_not_given_again(group: Site) -> None:
    """S17, S19: a list is not the person."""
    bring(group, csv(ALINE))
    with group.context.database.begin() as db:
        code = db.execute(select(person.c.code)).scalar_one()
        numbers.change(db, db.execute(select(numbers.number.c.id)).scalar_one(), stopped_at=NOW)
    set_consents(group.context, code, [], "oral", "S12")
    report = bring(group, csv(ALINE))
    assert (report.unchanged, report.stopped) == (1, 1)
    with group.context.database.begin() as db:
        assert db.execute(select(numbers.number.c.stopped_at)).scalar_one() is not None
        assert not db.execute(select(person.c.may_remind)).scalar_one()


def test_someone_who_left_is_not_brought_back_by_an_old_list(group: Site) -> None:
    bring(group, csv(ALINE))
    with group.context.database.begin() as db:
        code = db.execute(select(person.c.code)).scalar_one()
    withdraw(group.context, code, "S12")
    report = bring(group, csv(ALINE, BEN))
    assert (report.rejected, report.applied, people(group)) == (1, False, 1)


def test_a_pair_is_made_once(group: Site) -> None:
    header = HEADER + ",role,pair"
    rows = (ALINE + ",practitioner,R12", BEN + ",practitioner,R12")
    bring(group, csv(*rows, header=header))
    assert bring(group, csv(*rows, header=header)).unchanged == 2
    with group.context.database.begin() as db:
        assert db.execute(select(func.count()).select_from(pair_member)).scalar_one() == 2


def workbook(*rows: tuple[Any, ...], change: Any = None) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (tuple(HEADER.split(",")), *rows):
        sheet.append(row)
    if change is not None:
        change(book, sheet)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


GOOD_ROW = ("", "Aline", 788000001, "rw", "F", "25-34", "G07", "own", "", "reminders")


def test_a_workbook_with_numbers_stored_as_numbers_is_read(group: Site) -> None:
    assert bring(group, workbook(GOOD_ROW), name="list.xlsx").added == 1


def merged(_book: Any, sheet: Any) -> None:
    sheet.merge_cells("B2:C2")


def hidden(_book: Any, sheet: Any) -> None:
    sheet.row_dimensions[2].hidden = True


def formula(_book: Any, sheet: Any) -> None:
    sheet["B2"] = "=1+1"


def second(book: Any, _sheet: Any) -> None:
    book.create_sheet("Other").append(("x",))


def rounded(_book: Any, sheet: Any) -> None:
    sheet["C2"] = 2.50788e11


def half(_book: Any, sheet: Any) -> None:
    sheet["C2"] = 788000001.5


@pytest.mark.parametrize(
    ("change", "place"),
    [(merged, "B2:C2"), (hidden, "row 2"), (formula, "B2"), (second, "Other"), (rounded, "C2"), (half, "C2")],
)
def test_each_refusal_of_a_workbook_names_its_place(change: Any, place: str) -> None:
    with pytest.raises(UseFault) as caught:
        read_listing("list.xlsx", workbook(GOOD_ROW, change=change))
    assert place in str(caught.value)


def repacked(data: bytes, **parts: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            new.writestr(part, old.read(part))
        for name, content in parts.items():
            new.writestr(name, content)
    return out.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"no zip at all",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
        b"PK\x03\x04broken",
        repacked(workbook(GOOD_ROW), **{"xl/media/bomb.bin": bytes(25 * 1024 * 1024)}),
        repacked(workbook(GOOD_ROW), **{"xl/vbaProject.bin": b"x"}),
        repacked(workbook(GOOD_ROW), mimetype=b"application/vnd.oasis"),
        repacked(workbook(GOOD_ROW), **{"xl/externalLinks/externalLink1.xml": b"<x/>"}),
        repacked(workbook(GOOD_ROW), **{"xl/extra.xml": b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>"}),
    ],
)
def test_a_dangerous_workbook_is_refused_before_it_is_parsed(data: bytes) -> None:
    """T16: the archive's directory is measured first, since 194 KB can become 790 MB."""
    with pytest.raises(UseFault):
        read_listing("list.xlsx", data)


def resheeted(rows: bytes) -> bytes:
    """A workbook whose one sheet is these rows, as a program wrote them that states 16,384 columns."""
    out, data = io.BytesIO(), workbook(GOOD_ROW)
    spoken = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><dimension ref="A1:XFD2000"/>'
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            sheet = part.filename.startswith("xl/worksheets/")
            new.writestr(part, spoken + b"<sheetData>" + rows + b"</sheetData></worksheet>" if sheet else old.read(part))
    return out.getvalue()


HEAD = b'<row r="1"><c r="A1" t="inlineStr"><is><t>code</t></is></c></row>'
ONE = b'<row r="2"><c r="A2"><v>7</v></c><c r="XFD2"/></row>'


def test_a_workbook_takes_the_room_of_its_cells_not_of_the_size_it_states() -> None:
    """I22: ten kilobytes that state two thousand rows of 16,384 columns once took a quarter of a gigabyte."""
    rows = b"".join(b'<row r="%d"/>' % number for number in range(3, 2001))
    tracemalloc.start()
    found = read_listing("list.xlsx", resheeted(HEAD + ONE + rows))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (found.header, [line.cells[0] for line in found.lines]) == (("code",), ["7"])
    assert most < 30_000_000


def test_a_cell_beyond_the_widest_list_is_refused_and_never_left_out() -> None:
    with pytest.raises(UseFault, match="XFD2"):
        read_listing("list.xlsx", resheeted(HEAD + ONE.replace(b'<c r="XFD2"/>', b'<c r="XFD2"><v>1</v></c>')))


def test_a_number_no_computer_holds_is_a_named_fault() -> None:
    with pytest.raises(UseFault, match="damaged"):
        read_listing("list.xlsx", resheeted(HEAD + ONE.replace(b"7", b"1e999")))


@pytest.mark.parametrize("at", range(40, 4000, 97))
def test_a_workbook_damaged_on_the_way_is_a_named_fault(at: int) -> None:
    """One byte of a sound workbook is another: it is read, or refused with a sentence."""
    data = bytearray(workbook(GOOD_ROW))
    data[at % len(data)] ^= 0x55
    with suppress(UseFault):
        assert read_listing("list.xlsx", bytes(data)).lines


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=2000), st.sampled_from(["list.csv", "list.xlsx", "list", "list.xls"]))
def test_no_bytes_raise_anything_but_a_named_fault(data: bytes, name: str) -> None:
    with suppress(UseFault):
        assert read_listing(name, data).lines
