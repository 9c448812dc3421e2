"""Doubt about who holds a phone, or about age: routine texts stop at once, and a person finds out (S14, S21)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import insert, select

from sms_service.models import concerns, numbers
from sms_service.models.concerns import concern
from sms_service.models.outbox import outbox
from sms_service.models.staff import staff
from sms_service.security.tokens import new_row_id
from sms_service.usecases import concerns as work
from sms_service.usecases.contacts import verify_phone
from sms_service.usecases.doubt_holder import mark_under_age
from sms_service.usecases.enrol import withdraw
from sms_service.usecases.faults import UseFault
from sms_service.usecases.outbound_switch import hold
from sms_service.usecases.remind_group import remind_group
from sms_service.usecases.sign_in import SignedIn
from tests.service import Service
from tests.usecases.site import NOW, Site


@pytest.fixture
def site(service: Service) -> Site:
    made = Site.build(service.context)
    made.group()
    return made


def me(site: Site) -> SignedIn:
    code = site.staff("lead", "safeguarding")
    with site.context.database.begin() as db:
        row = db.execute(select(staff).where(staff.c.code == code)).one()
    return SignedIn(1, row.id, row.code, "lead", "lead", "en", frozenset({"safeguarding"}), None, True)


def call_for(site: Site, person_code: str) -> str:
    """An open request for a call of this person."""
    contact, person_id = site.contact_of(person_code), site.id_of(person_code)
    with site.context.database.begin() as db:
        values = {"id": new_row_id(), "code": "C7001", "kind": "call_request", "severity": "call", "state": "new", "texts": 1}
        times = {"opened_at": NOW, "due_at": NOW + timedelta(days=1)}
        db.execute(insert(concern).values(**values, **times, number_id=contact.number_id, person_id=person_id))
    return "C7001"


def kinds(site: Site) -> list[tuple[str, str | None]]:
    with site.context.database.begin() as db:
        rows = db.execute(select(concern.c.kind, concern.c.note_code).where(concern.c.code != "C7001").order_by(concern.c.id))
        return [(row.kind, row.note_code) for row in rows]


@pytest.mark.parametrize(
    ("ownership", "result", "frozen"),
    [
        ("own", "wrong_person", True),
        ("own", "no_answer", False),
        ("own", "spoke", False),
        ("shared_partner", "wrong_person", False),
        ("shared_other", "wrong_person", False),
    ],
)
def test_another_name_at_an_own_phone_freezes_it(site: Site, ownership: str, result: str, frozen: bool) -> None:
    """S14: until verified in person; on a shared phone somebody else answers every day."""
    who = site.person(phone_ownership=ownership)
    work.log_attempt(site.context, me(site), call_for(site, who), result)
    contact = site.contact_of(who)
    with site.context.database.begin() as db:
        assert (numbers.get(db, contact.number_id).frozen_at is not None) is frozen
        assert concerns.by_code(db, "C7001") is not None
    assert kinds(site) == ([("frozen_number", "other_name")] if frozen else [])
    if frozen:
        verify_phone(site.context, contact.id, "command")
        with site.context.database.begin() as db:
            assert numbers.get(db, contact.number_id).frozen_at is None


def test_a_young_person_gets_no_routine_text_and_is_answered(site: Site, service: Service) -> None:
    """S21: the hold stops what the service sends of its own accord; help is answered; the concern is for safeguarding."""
    who = site.person()
    phone = "+250788000001"
    service.work()
    before = len(service.gateway.sent)
    mark_under_age(site.context, who, "Slead")
    remind_group(site.context, "G07", "command")
    service.work()
    assert len(service.gateway.sent) == before
    assert [row.reason for row in site.texts(outbox.c.template == "V3")] == ["no consent for this purpose"]
    service.text(phone, "ubufasha")
    service.work()
    assert len(service.gateway.sent) == before + 1
    assert [kind for kind, _ in kinds(site)] == ["under_age", "call_request"]
    with site.context.database.begin() as db:
        assert db.execute(select(concern.c.severity).where(concern.c.kind == "under_age")).scalar_one() == "amber"
    hold(site.context, "person", who, False, "command")
    site.at(NOW + timedelta(days=1))
    remind_group(site.context, "G07", "command")
    service.work()
    assert len(service.gateway.sent) == before + 2


def test_on_a_shared_phone_the_others_texts_go_on(site: Site, service: Service) -> None:
    """S21, S9: the group's text is addressed to nobody and still due to the other one."""
    first = site.person(phone="0788000777", phone_ownership="shared_partner")
    site.person(phone="0788000777", phone_ownership="shared_partner")
    mark_under_age(site.context, first, "Slead")
    remind_group(site.context, "G07", "command")
    service.work()
    assert [row.state for row in site.texts(outbox.c.template == "V3b")] == ["accepted"]


def test_who_has_left_cannot_be_marked(site: Site) -> None:
    who = site.person()
    withdraw(site.context, who, "command")
    with pytest.raises(UseFault, match="withdrawn"):
        mark_under_age(site.context, who, "Slead")
