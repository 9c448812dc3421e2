"""A question is answered by the person it was asked, and a text reaches only the people it is about, whatever changed meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from sms_service.models import meetings, outbox
from sms_service.models.dialogues import dialogue, response
from sms_service.models.numbers import number
from sms_service.models.outbox import outbox as outbox_table
from sms_service.usecases.contacts import add_phone, change_phone, end_phone, resume_phone
from sms_service.usecases.enrol import enrol
from sms_service.usecases.groups import remove_member
from sms_service.usecases.new_person import NewPerson
from sms_service.usecases.opt_in import offer_opt_ins
from sms_service.usecases.pins import draw_pin
from sms_service.usecases.remind_group import remind_group
from tests.service import Service
from tests.usecases.site import NOW, Site

FIRST, SECOND = "+250788000001", "+250788000002"


@pytest.fixture
def site(service: Service) -> Site:
    """One group that meets on Wednesday 20 May at 14:00; nobody in it yet."""
    made = Site.build(service.context)
    made.group()
    return made


def cancel_all(service: Service) -> None:
    with service.context.database.begin() as db:
        db.execute(update(outbox_table).values(state="cancelled"))


def asked(service: Service, site: Site) -> str:
    """A person on an own phone who has just been asked whether she comes."""
    code = site.person()
    cancel_all(service)
    remind_group(service.context, "G07", "command")
    service.work()
    assert len(service.gateway.sent) == 1
    return code


def answers(service: Service) -> list[Any]:
    with service.context.database.begin() as db:
        return list(db.execute(select(response.c.person_id, response.c.value)).all())


def sent_to(service: Service, phone: str) -> list[str]:
    return [text for to, text, _ in service.gateway.sent if to == phone]


def test_an_answer_not_understood_stays_open_while_others_are_asked(service: Service, site: Site) -> None:
    """V13, I4: the text that says so leaves in one round with another phone's question; the first question stays open."""
    code = asked(service, site)
    service.text(FIRST, "the weather was fine")
    site.person()
    with service.context.database.begin() as db:
        db.execute(update(outbox_table).where(outbox_table.c.template == "V1").values(state="cancelled"))
    site.at(NOW + timedelta(days=1))
    remind_group(service.context, "G07", "command")
    first = outbox_table.c.person_id == site.id_of(code)
    with service.context.database.begin() as db:  # only the second phone is asked now
        db.execute(update(outbox_table).where(first, outbox_table.c.kind == "scheduled").values(state="cancelled"))
        db.execute(update(outbox_table).where(outbox_table.c.kind == "scheduled").values(not_before=NOW))
    service.text(FIRST, "tomorrow it may rain")
    service.work()
    assert len(sent_to(service, SECOND)) == 1
    service.text(FIRST, "1")
    service.work()
    assert [row.value for row in answers(service)] == ["yes"]


def test_a_phone_that_became_shared_answers_for_nobody(service: Service, site: Site) -> None:
    """S9, S3: a digit from a phone that is shared by now is attributed to nobody."""
    code = asked(service, site)
    change_phone(service.context, site.contact_of(code).id, "shared_other", "", "discreet", "command")
    service.text(FIRST, "1")
    service.work()
    assert answers(service) == []


def test_a_new_holder_does_not_answer_for_the_old_one(service: Service, site: Site) -> None:
    """T3, S9: the phone is somebody else's by now; her digit is no answer of the person before her."""
    code = asked(service, site)
    end_phone(service.context, site.contact_of(code).id, "command")
    enrol(service.context, replace(_new(), phone="0788000001", phone_ownership="own", group=""), "command")
    service.text(FIRST, "1")
    service.work()
    assert answers(service) == []


def _new(**values: Any) -> NewPerson:
    new = NewPerson(name="Someone", sex="M", age_band="35-59", language="en", consents=("reminders",))
    return replace(new, **values)


def test_a_plain_text_does_not_reach_the_next_holder_of_a_phone(service: Service, site: Site) -> None:
    """T3, I10: a reminder of a shared phone waits; by then the phone serves a person of no group, or of another."""
    site.group("G08")
    code = site.person(phone_ownership="shared_other")
    remind_group(service.context, "G07", "command")
    end_phone(service.context, site.contact_of(code).id, "command")
    enrol(service.context, _new(phone="0788000001", phone_ownership="shared_other", group="G08"), "command")
    service.work()
    assert service.gateway.sent == []


def test_who_has_left_the_group_hears_of_no_meeting(service: Service, site: Site) -> None:
    """I10: membership is looked at again when the text leaves, on an own phone as on a shared one."""
    codes = [site.person(), site.person(phone_ownership="shared_other")]
    cancel_all(service)
    remind_group(service.context, "G07", "command")
    for code in codes:
        remove_member(service.context, "G07", code, "command")
    service.work()
    assert service.gateway.sent == []


def test_a_reminder_planned_beside_a_move_does_not_leave(service: Service, site: Site) -> None:
    """I10, I11: a text that names a start the meeting no longer has, because both were written at the same moment."""
    site.person()
    cancel_all(service)
    remind_group(service.context, "G07", "command")
    start = site.meetings()[0]
    with service.context.database.begin() as db:
        meetings.change(db, start.id, starts_at=start.starts_at + timedelta(days=1), state="moved")
    service.work()
    assert service.gateway.sent == []
    with service.context.database.begin() as db:
        assert db.execute(select(outbox_table.c.state).where(outbox_table.c.template == "V3")).scalars().all() == ["cancelled"]


def test_an_answer_from_another_phone_lines_up_the_reminders_of_the_phone_that_was_asked(service: Service, site: Site) -> None:
    """V3, S12: asked on an own phone, answered "no" with the PIN on a shared one: the second reminder of the own phone dies."""
    code = asked(service, site)
    site.person(phone_ownership="shared_other")
    other = add_phone(service.context, code, "0788000002", "shared_other", "", "command")
    pin = draw_pin(service.context, other, "command")
    site.at(NOW + timedelta(days=1))
    remind_group(service.context, "G07", "command")
    typed = ""
    for key in ("", "2", "2", pin, "2"):  # English, answer questions, PIN, no
        typed = f"{typed}*{key}" if typed else key
        service.hop("ATUid_9", SECOND, typed)
    assert [row.value for row in answers(service)] == ["no"]
    with service.context.database.begin() as db:
        query = (
            select(number.c.id, outbox_table.c.state)
            .join(number, number.c.id == outbox_table.c.number_id)
            .where(outbox_table.c.kind == "scheduled", outbox_table.c.state.in_(("queued", "cancelled")))
            .where(outbox_table.c.not_before > NOW)
        )
        waiting = {row.id: row.state for row in db.execute(query)}
        first = db.execute(select(dialogue.c.number_id).where(dialogue.c.conversation == "reminder")).scalar_one()
    assert waiting.pop(first) == "cancelled"
    assert set(waiting.values()) == {"queued"}, "the other people on the shared phone still hear of the meeting"


def test_consent_given_anew_ends_a_stop_at_the_network_too(service: Service, site: Site) -> None:
    """S19, contract 10.3: suppressed until a new opt-in, which staff record face to face; START alone is none."""
    code = site.person()
    cancel_all(service)
    service.post("opt-out", {"phoneNumber": FIRST, "senderId": "SERVAS"})
    service.text(FIRST, "START")
    service.work()
    assert service.gateway.sent == []
    resume_phone(service.context, site.contact_of(code).id, "command")
    remind_group(service.context, "G07", "command")
    service.work()
    assert len(sent_to(service, FIRST)) == 1
    with service.context.database.begin() as db:
        assert outbox.counts_by_state(db, outbox_table.c.kind == "scheduled", outbox_table.c.state == "accepted")


def test_a_phone_taken_up_again_is_asked_again(service: Service, site: Site) -> None:
    """V1, S16: ended and recorded anew, the phone has not opted in: it is asked once more, else it would never hear again."""
    code = site.person(opted_in=False)
    service.work()
    service.text(FIRST, "1")
    service.work()
    end_phone(service.context, site.contact_of(code).id, "command")
    site.at(NOW + timedelta(days=1))
    again = add_phone(service.context, code, "0788000001", "own", "", "command")
    for _ in range(2):
        with service.context.database.begin() as db:
            offer_opt_ins(service.context, db, [again], service.context.now(db))
    service.work()
    assert len([text for text in sent_to(service, FIRST) if "Murabyemera" in text]) == 2


def test_one_number_that_no_key_opens_holds_back_nobody_else(service: Service, site: Site) -> None:
    """I8, I5: its text is given up with the reason; the other phones' texts leave in the same round."""
    for _ in range(3):
        site.person()
    cancel_all(service)
    remind_group(service.context, "G07", "command")
    with service.context.database.begin() as db:
        digest = service.context.vault.number_hash(FIRST)
        db.execute(update(number).where(number.c.hash == digest).values(sealed=b"of a key that is gone"))
    service.work()
    assert sorted(to for to, _, _ in service.gateway.sent) == [SECOND, "+250788000003"]
    with service.context.database.begin() as db:
        states = db.execute(select(outbox_table.c.state).where(outbox_table.c.kind == "scheduled", outbox_table.c.template == "V3"))
        assert sorted(states.scalars()) == ["accepted", "accepted", "given_up"]
