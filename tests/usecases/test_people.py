"""Enrolling, phones, PINs, code words, consent and leaving (S8-S19, S21, S37)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from sms_service.models import groups, meetings, numbers, people
from sms_service.models.audit import audit
from sms_service.models.people import consent, contact_point, identity, person
from sms_service.security.tokens import new_row_id
from sms_service.usecases.attendance import Dose, dose_of, mark_attendance
from sms_service.usecases.contacts import add_phone, change_phone, end_phone, resume_phone, verify_phone
from sms_service.usecases.enrol import enrol, set_consents, withdraw
from sms_service.usecases.faults import UseFault
from sms_service.usecases.new_person import NewPerson
from sms_service.usecases.outbound_switch import hold, set_outbound
from sms_service.usecases.pins import draw_pin, set_code_word
from tests.usecases.site import NOW, Site

NAME = "Uwimana Aline"
GOOD = NewPerson(name=NAME, sex="F", age_band="25-34", language="rw", phone="0788123456", phone_ownership="own")


def fields(caught: pytest.ExceptionInfo[UseFault]) -> set[str]:
    return {one.field for one in caught.value.faults}


def test_identity_lies_apart_from_the_code_and_sealed(site: Site) -> None:
    """Design decision 6: the name opens only from its own row."""
    code = enrol(site.context, GOOD, "S12")
    assert code[0] == "P"
    assert len(code) == 5
    with site.context.database.begin() as db:
        row = db.execute(select(identity)).one()
        assert NAME.encode() not in bytes(row.name)
        assert site.context.vault.open("identity", "name", row.person_id, row.name) == NAME
        assert b"788123456" not in bytes(db.execute(select(numbers.number.c.sealed)).scalar_one())


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"age_band": "<18"}, "age_band"),
        ({"age_band": "15-17"}, "age_band"),
        ({"age_band": "17"}, "age_band"),
        ({"sex": "x"}, "sex"),
        ({"language": "de"}, "language"),
        ({"name": "  "}, "name"),
        ({"name": "=cmd"}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"phone": "123"}, "phone"),
        ({"phone": "+33612345678"}, "phone"),
        ({"phone": ""}, "phone_ownership"),
        ({"phone_ownership": "none"}, "phone_ownership"),
        ({"safe_hours": "whenever"}, "safe_hours"),
        ({"consents": ("everything",)}, "consents"),
        ({"group": "G99"}, "group"),
        ({"code": "X1"}, "code"),
    ],
)
def test_each_fault_is_named_and_nobody_is_enrolled(site: Site, wrong: dict[str, Any], field: str) -> None:
    """S21: people under 18 are refused."""
    with pytest.raises(UseFault) as caught:
        enrol(site.context, replace(GOOD, **wrong), "S12")
    assert fields(caught) == {field}
    with site.context.database.begin() as db:
        assert db.execute(select(person.c.id)).first() is None


def test_a_form_sent_twice_makes_one_person(site: Site) -> None:
    once = new_row_id()
    assert enrol(site.context, GOOD, "S12", once) == enrol(site.context, GOOD, "S12", once)


def test_an_own_phone_with_consent_is_asked_once_and_a_shared_one_never(site: Site) -> None:
    """S16, V1: face-to-face consent is enough on a shared phone."""
    enrol(site.context, replace(GOOD, consents=("reminders",)), "S12")
    enrol(site.context, replace(GOOD, name="B", phone="0788123457", phone_ownership="", consents=("reminders",)), "S12")
    enrol(site.context, replace(GOOD, name="C", phone="0788123458"), "S12")
    assert [row.template for row in site.texts()] == ["V1"]


def test_an_own_phone_serves_one_person(site: Site) -> None:
    """S9."""
    first = enrol(site.context, GOOD, "S12")
    second = enrol(site.context, replace(GOOD, name="Other", phone="", phone_ownership=""), "S12")
    with pytest.raises(UseFault):
        add_phone(site.context, second, GOOD.phone, "shared_partner", "", "S12")
    change_phone(site.context, site.contact_of(first).id, "shared_partner", "Mon-Fri 09:00-12:00", "discreet", "S12")
    add_phone(site.context, second, GOOD.phone, "shared_partner", "", "S12")
    assert site.contact_of(first).number_id == site.contact_of(second).number_id


def test_a_pin_is_drawn_unique_on_its_number_and_a_new_one_unlocks(site: Site) -> None:
    """S11: shown once, kept as a keyed hash with its own salt."""
    shared = replace(GOOD, phone_ownership="shared_other")
    codes = [enrol(site.context, replace(shared, name=name), "S12") for name in ("A", "B")]
    contacts = [site.contact_of(code) for code in codes]
    pins = [draw_pin(site.context, contact.id, "S12") for contact in contacts]
    assert len(set(pins)) == 2
    assert all(len(pin) == 4 and pin.isdigit() for pin in pins)
    with site.context.database.begin() as db:
        numbers.change(db, contacts[0].number_id, pin_fails=2, pin_locked_until=NOW + timedelta(hours=24))
    again = draw_pin(site.context, contacts[0].id, "S12")
    row = site.contact_of(codes[0])
    assert site.context.vault.pin_matches(bytes(row.pin_salt), again, row.pin_hash)
    with site.context.database.begin() as db:
        assert numbers.get(db, row.number_id).pin_locked_until is None
        assert again not in str(db.execute(select(audit.c.actor, audit.c.act, audit.c.subject)).all())


@pytest.mark.parametrize("word", ["ab", "two words", "violence", "abc1", "x" * 21])
def test_a_code_word_is_one_harmless_word(site: Site, word: str) -> None:
    """S13, S1."""
    contact = site.contact_of(enrol(site.context, GOOD, "S12"))
    with pytest.raises(UseFault):
        set_code_word(site.context, contact.id, word, "S12")


def test_a_code_word_is_sealed_and_can_be_taken_away(site: Site) -> None:
    code = enrol(site.context, GOOD, "S12")
    contact = site.contact_of(code)
    set_code_word(site.context, contact.id, " Inyange ", "S12")
    sealed = site.contact_of(code).code_word
    assert site.context.vault.open("contact_point", "code_word", contact.id, sealed) == "inyange"
    set_code_word(site.context, contact.id, "", "S12")
    assert site.contact_of(code).code_word is None


def test_consent_is_appended_and_only_what_changed(site: Site) -> None:
    """S16."""
    code = enrol(site.context, replace(GOOD, consents=("reminders", "calls")), "S12")
    set_consents(site.context, code, ["reminders", "checkins"], "written", "S12")
    set_consents(site.context, code, ["reminders", "checkins"], "written", "S12")
    with site.context.database.begin() as db:
        ledger = [(row.purpose, row.given) for row in db.execute(select(consent).order_by(consent.c.id))]
        who = people.by_code(db, code)
    assert ledger == [("reminders", True), ("calls", True), ("checkins", True), ("calls", False)]
    assert who is not None
    assert (who.may_remind, who.may_check_in, who.may_call) == (True, True, False)


def test_verifying_unfreezes_and_resuming_ends_a_stop(site: Site) -> None:
    """S14, S19: both are recorded."""
    contact = site.contact_of(enrol(site.context, GOOD, "S12"))
    with site.context.database.begin() as db:
        numbers.change(db, contact.number_id, stopped_at=NOW, stop_reason="text", frozen_at=NOW, frozen_reason="silent")
    verify_phone(site.context, contact.id, "S12")
    with site.context.database.begin() as db:
        row = numbers.get(db, contact.number_id)
        assert row.frozen_at is None
        assert row.stopped_at is not None
    resume_phone(site.context, contact.id, "S12")
    with site.context.database.begin() as db:
        assert numbers.get(db, contact.number_id).stopped_at is None
        assert {"contact.verify", "contact.resume"} <= set(db.execute(select(audit.c.act)).scalars())


def test_leaving_ends_everything_at_once(site: Site) -> None:
    site.group()
    code = site.person(opted_in=False)
    contact = site.contact_of(code)
    withdraw(site.context, code, "S12")
    with site.context.database.begin() as db:
        who = people.by_code(db, code)
        assert who is not None
        assert (who.status, who.may_remind) == ("withdrawn", False)
        assert not groups.groups_of(db, who.id)
        assert not people.phones_of(db, [who.id])
        point = db.execute(select(contact_point).where(contact_point.c.id == contact.id)).one()
        assert point.pin_hash is None
        assert point.code_word is None
    assert {row.state for row in site.texts()} == {"cancelled"}
    with pytest.raises(UseFault):
        withdraw(site.context, code, "S12")
    with pytest.raises(UseFault):
        end_phone(site.context, contact.id, "S12")


def test_attendance_defaults_to_unknown_and_makes_the_meeting_held(site: Site) -> None:
    """Domain section 3: no mark is unknown, never absent."""
    site.group()
    here, away, silent = (site.person() for _ in range(3))
    stranger = site.person("")
    first = site.meetings()[0]
    with pytest.raises(UseFault):
        mark_attendance(site.context, first.id, {here: "present"}, "S12", source="staff")
    site.at(first.starts_at + timedelta(hours=3))
    for wrong in ({stranger: "present"}, {here: "late"}):
        with pytest.raises(UseFault):
            mark_attendance(site.context, first.id, wrong, "S12", source="staff")
    marks = {here: "present", away: "absent", silent: "unknown"}
    assert mark_attendance(site.context, first.id, marks, "S12", source="staff") == 2
    assert mark_attendance(site.context, first.id, marks, "S12", source="staff") == 0
    assert site.meetings()[0].state == "held"
    ids = [site.id_of(code) for code in (here, away, silent)]
    with site.context.database.begin() as db:
        assert {row.status for row in meetings.attendance_of(db, first.id).values()} == {"present", "absent"}
        assert [dose_of(db, one) for one in ids] == [Dose(1, 1), Dose(0, 1), Dose(0, 1)]
        assert db.execute(select(person.c.last_seen_at).where(person.c.id == ids[0])).scalar_one() is not None


def test_the_switch_and_the_holds_are_rows_the_fence_reads(site: Site) -> None:
    """S41: system, programme, group, person."""
    site.group()
    code = site.person()
    with pytest.raises(UseFault):
        set_outbound(site.context, False, "S12")
    set_outbound(site.context, False, "S12", "wrong text went out")
    hold(site.context, "programme", "CSG", True, "S12")
    hold(site.context, "group", "G07", True, "S12")
    hold(site.context, "person", code, True, "S12")
    with site.context.database.begin() as db:
        assert db.execute(select(groups.programme.c.outbound_held)).scalar_one()
        assert db.execute(select(groups.group.c.outbound_held)).scalar_one()
        assert db.execute(select(person.c.outbound_held)).scalar_one()
    set_outbound(site.context, True, "S12")
    for level, wrong in (("programme", "XX"), ("group", "G99"), ("person", "P0000"), ("world", "")):
        with pytest.raises(UseFault):
            hold(site.context, level, wrong, True, "S12")


def test_a_phone_told_to_be_shared_loses_its_personal_texts(site: Site) -> None:
    """S3: class B goes to own phones only."""
    code = enrol(site.context, replace(GOOD, consents=("reminders",)), "S12")
    change_phone(site.context, site.contact_of(code).id, "shared_partner", "", "discreet", "S12")
    assert [(row.template, row.state) for row in site.texts()] == [("V1", "cancelled")]
