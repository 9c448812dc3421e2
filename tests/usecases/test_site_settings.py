"""The duty rota, the service directory and unknown numbers (S25, S38, S45, domain section 9.1)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import insert, select

from sms_service.models import directory as entries
from sms_service.models import numbers, people
from sms_service.models.audit import audit
from sms_service.models.dials import dial
from sms_service.models.rota import on_duty
from sms_service.security.tokens import new_row_id
from sms_service.usecases.directory import Entry, add_entry, expire_entry, verify_entry
from sms_service.usecases.faults import UseFault
from sms_service.usecases.rota import add_duty, coming_duty, end_duty
from sms_service.usecases.unknown_numbers import link_number, unknown_numbers
from tests.usecases.site import NOW, Site

DAY = timedelta(days=1)
POLICE = Entry("police", "Police", "emergency", "112", "all", "always", "none")


def test_a_turn_of_duty_makes_its_phone_a_staff_phone(site: Site) -> None:
    """S25: alerts go to whoever is on the line now."""
    who, once = site.staff("sara", "safeguarding"), new_row_id()
    for _ in range(2):
        duty_id = add_duty(site.context, who, 1, NOW - DAY, NOW + DAY, "0788999000", "S1", once)
    with site.context.database.begin() as db:
        rows = on_duty(db, NOW)
        assert [row.staff_code for row in rows] == [who]
        assert numbers.get(db, rows[0].number_id).staff_phone
    end_duty(site.context, duty_id, "S1")
    with site.context.database.begin() as db:
        assert not coming_duty(db, site.context.now(db))
    with pytest.raises(UseFault):
        end_duty(site.context, duty_id, "S1")


def test_a_line_has_one_person_and_only_of_the_role(site: Site) -> None:
    who, other = site.staff("sara", "safeguarding"), site.staff("olga", "staff")
    add_duty(site.context, who, 1, NOW, NOW + DAY, "0788999000", "S1")
    for wrong in (
        (who, 1, NOW + DAY / 2, NOW + 2 * DAY, "0788999000"),
        (other, 2, NOW, NOW + DAY, "0788999001"),
        (who, 4, NOW, NOW + DAY, "0788999000"),
        (who, 2, NOW + DAY, NOW, "0788999000"),
        (who, 2, NOW - 2 * DAY, NOW - DAY, "0788999000"),
        (who, 2, NOW, NOW + 32 * DAY, "0788999000"),
        (who, 2, NOW, NOW + DAY, "12"),
        ("Snobody", 2, NOW, NOW + DAY, "0788999000"),
    ):
        with pytest.raises(UseFault):
            add_duty(site.context, *wrong, "S1")


def test_a_directory_number_is_good_for_ninety_days_after_a_call(site: Site) -> None:
    """S38."""
    entry_id = add_entry(site.context, POLICE, "command")
    for slot in ("ambulance", "health"):
        add_entry(site.context, replace(POLICE, slot=slot, phone="91 2"), "command")
    with site.context.database.begin() as db:
        assert entries.urgent_numbers(db, NOW + 89 * DAY) == {"police": "112", "ambulance": "912", "health": "912"}
        assert entries.urgent_numbers(db, NOW + 91 * DAY) is None
    assert verify_entry(site.context, entry_id, "113", "command") > NOW + 90 * DAY - timedelta(minutes=1)
    expire_entry(site.context, entry_id, "command")
    with site.context.database.begin() as db:
        assert entries.urgent_numbers(db, site.context.now(db)) is None
    with pytest.raises(UseFault):
        expire_entry(site.context, entry_id, "command")
    for wrong in ({"phone": "call us"}, {"slot": "x"}, {"name": ""}, {"area": "x" * 61}, {}):
        with pytest.raises(UseFault):
            add_entry(site.context, replace(POLICE, **wrong), "command")


def test_an_unknown_number_is_linked_with_a_reason(site: Site) -> None:
    """Staff see 'Unknown numbers' and may link one, audited; a stop on it stays (S17)."""
    code = site.person("", phone="", phone_ownership="none")
    with site.context.database.begin() as db:
        number_id = numbers.ensure(db, site.context.vault, "+250788777000", NOW)
        numbers.change(db, number_id, stopped_at=NOW)
        values = {"id": new_row_id(), "gateway_session": "a", "service_code": "*1#", "language": "rw", "text_hash": b"x"}
        db.execute(insert(dial).values(**values, number_id=number_id, place={}, state="ended", opened_at=NOW, last_at=NOW))
        row = unknown_numbers(db)[0]
        assert (row.texts, row.dials) == (0, 1)
    for number, who, reason in ((row.code, code, ""), (row.code, "P0000", "met them"), ("N0", code, "met them")):
        with pytest.raises(UseFault):
            link_number(site.context, number, who, "own", reason, "S1")
    link_number(site.context, row.code, code, "own", "met at the meeting", "S1")
    with site.context.database.begin() as db:
        assert not unknown_numbers(db)
        assert people.contact_points_of(db, [number_id])[0].person_code == code
        assert numbers.get(db, number_id).stopped_at is not None
        entry = db.execute(select(audit).where(audit.c.act == "number.link")).one()
        assert "met at" not in str(entry.reason)
    with pytest.raises(UseFault):
        link_number(site.context, row.code, code, "own", "met at the meeting", "S1")
