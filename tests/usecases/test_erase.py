"""Erasing a person: listed first, then gone from every place at once; the stop outlives them as a keyed hash (I19, S33)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import LargeBinary, func, insert, select, update

from sms_service.models import metadata, numbers, suppressions
from sms_service.models.audit import audit
from sms_service.models.concerns import concern, concern_note
from sms_service.models.dialogues import dialogue
from sms_service.models.harm import harm
from sms_service.models.inbound import inbound
from sms_service.models.outbox import outbox
from sms_service.models.people import contact_point, identity, person
from sms_service.models.search import text_word
from sms_service.security.tokens import new_row_id
from sms_service.usecases.contacts import add_phone
from sms_service.usecases.enrol import set_consents, withdraw
from sms_service.usecases.erase import erase, places
from sms_service.usecases.faults import UseFault
from sms_service.usecases.groups import add_member
from sms_service.usecases.invariants import check_invariants
from sms_service.usecases.overwrite import vacuum
from sms_service.usecases.pins import draw_pin, set_code_word
from sms_service.usecases.purge import purge
from sms_service.usecases.remind_group import remind_group
from sms_service.usecases.staff_accounts import set_enabled
from tests.service import Service
from tests.usecases.site import NOW, Site

PHONE = "+250788000001"
WHY = "asked in person"


def one(service: Service, query: Any) -> Any:
    with service.context.database.begin() as db:
        return db.execute(query).scalar()


def known_person(service: Service) -> tuple[Site, str]:
    """Someone about whom there is something in every place that can hold it."""
    site = Site.build(service.context)
    site.group()
    code = site.person()
    site.staff("ana", "safeguarding")
    draw_pin(service.context, site.contact_of(code).id, "command")
    set_code_word(service.context, site.contact_of(code).id, "igitoki", "command")
    remind_group(service.context, "G07", "command")
    service.work()
    for words in ("1", "Umugore wanjye yagiye i Muhanga"):
        service.text(PHONE, words)
        service.work()
    for typed in ("", "1", "1*muraho neza"):
        service.hop("dial-1", PHONE, typed)
    service.text(PHONE, "Ndashaka kwiyahura")
    service.work()
    vault = service.context.vault
    with service.context.database.begin() as db:
        who = db.execute(select(person.c.id).where(person.c.code == code)).scalar_one()
        staff_id = db.execute(select(metadata.tables["staff"].c.id)).scalars().first()
        about = db.execute(select(concern.c.id).where(concern.c.severity == "red")).scalar_one()
        for table, column, values in (
            (concern_note, "note", {"concern_id": about, "staff_id": staff_id, "at": NOW}),
            (harm, "note", {"code": "H1", "kind": "other", "template": "", "person_id": who, "at": NOW}),
        ):
            row_id = new_row_id()
            db.execute(insert(table).values(id=row_id, **{column: vault.seal(table.name, column, row_id, "met at home")}, **values))
        db.execute(update(concern).values(state="closed", closed_at=NOW))
    return site, code


def sealed_of(service: Service) -> dict[str, set[bytes]]:
    """Every value of every sealed or hashed column, by table and column."""
    found: dict[str, set[bytes]] = {}
    with service.context.database.begin() as db:
        for table in metadata.tables.values():
            for column in table.columns:
                if isinstance(column.type, LargeBinary):
                    query = select(column).where(column.is_not(None))
                    found[f"{table.name}.{column.name}"] = {bytes(value) for value in db.execute(query).scalars()}
    return found


def test_nothing_of_the_person_is_left_but_the_code_and_the_stop(service: Service) -> None:
    """I19, S33: every place that is listed is empty afterwards, and no sealed value of theirs is anywhere."""
    _, code = known_person(service)
    before = sealed_of(service)
    listed = places(service.context, code)
    wanted = ("name", "phones", "numbers", "texts out", "texts in", "dials", "concern notes", "harm notes")
    assert all(listed.rows[name] for name in wanted), listed.rows
    assert sealed_of(service) == before, "listing changes nothing"
    proof = erase(service.context, code, WHY, "S12")
    after = sealed_of(service)
    for place in (
        *("identity.name", "number.sealed", "number.hash", "inbound.body", "turn.screen", "turn.typed", "outbox.body"),
        *("contact_point.code_word", "contact_point.pin_hash", "concern_note.note", "harm.note", "text_word.text_hash"),
    ):
        assert before[place], place
        left = after[place] & before[place]
        assert not left, place
    assert code not in repr(proof.rows)
    assert "0788" not in repr(proof)
    again = places(service.context, code)
    assert sum(again.rows.values()) == 0, again.rows
    with service.context.database.begin() as db:
        assert db.execute(select(person.c.status).where(person.c.code == code)).scalar_one() == "erased"
        assert db.execute(select(func.count()).select_from(text_word)).scalar_one() == 0
        digest = service.context.vault.number_hash(PHONE)
        assert {row.kind for row in suppressions.on_number(db, [digest])} == {"stop", "erasure"}
        assert numbers.find(db, service.context.vault, PHONE) is None
        acts = db.execute(select(audit.c.act).where(audit.c.subject == code)).scalars().all()
        assert {"person.erase", "person.erased"} <= set(acts)
        assert db.execute(select(dialogue.c.person_id)).scalars().first() is not None, "coded answers stay under the code"
    assert [found for found in check_invariants(service.context) if found.broken] == []


def test_whoever_comes_back_starts_out_stopped(service: Service) -> None:
    """I19, S17: a later list with the same number reaches nobody."""
    site, code = known_person(service)
    erase(service.context, code, WHY, "S12")
    back = site.person(phone="0788000001")
    assert one(service, select(contact_point.c.id).join(person).where(person.c.code == back))
    with service.context.database.begin() as db:
        row = numbers.find(db, service.context.vault, PHONE)
        assert row is not None
        assert row.stopped_at is not None
    sent = len(service.gateway.sent)
    remind_group(service.context, "G07", "command")
    service.work()
    assert [number for number, *_ in service.gateway.sent[sent:] if number == PHONE] == []


def test_the_others_on_a_shared_phone_keep_what_is_theirs(service: Service) -> None:
    """I19, S9: the number stays in use for the other; what is kept of the erased person points to nobody's number."""
    site = Site.build(service.context)
    site.group()
    first = site.person(phone_ownership="shared_partner")
    second = site.person(phone="", phone_ownership="none")
    add_phone(service.context, second, "0788000001", "shared_partner", "", "command")
    remind_group(service.context, "G07", "command")
    service.work()
    proof = erase(service.context, first, WHY, "S12")
    assert proof.rows["numbers"] == 0
    with service.context.database.begin() as db:
        row = numbers.find(db, service.context.vault, PHONE)
        assert row is not None
        assert row.stopped_at is None
        gone = db.execute(select(person.c.id).where(person.c.code == first)).scalar_one()
        assert db.execute(select(identity.c.person_id)).scalars().all() == [site_id(db, second)]
        linked = db.execute(select(dialogue.c.number_id).where(dialogue.c.person_id == gone)).scalars().all()
        assert row.id not in linked


def site_id(db: Any, code: str) -> int:
    return int(db.execute(select(person.c.id).where(person.c.code == code)).scalar_one())


def test_an_open_concern_comes_first(service: Service) -> None:
    """S33, S25: whoever may be in danger is not lost sight of; the refusal names the concern."""
    site = Site.build(service.context)
    site.group()
    code = site.person()
    service.text(PHONE, "Ndashaka kwiyahura")
    with pytest.raises(UseFault) as refused:
        erase(service.context, code, WHY, "S12")
    assert "open concerns" in str(refused.value)
    with service.context.database.begin() as db:
        assert db.execute(select(identity.c.person_id)).first() is not None


@pytest.mark.parametrize("reason", ["", "x", "y" * 301])
def test_a_reason_is_needed(service: Service, reason: str) -> None:
    """I17: the audit says why."""
    site = Site.build(service.context)
    site.group()
    with pytest.raises(UseFault):
        erase(service.context, site.person(), reason, "S12")


def test_whoever_withdrew_is_erased_by_itself_within_thirty_days(service: Service) -> None:
    """S33: not in the first three weeks, in which a mistake is noticed, and before thirty days."""
    site = Site.build(service.context)
    site.group()
    code = site.person()
    withdraw(service.context, code, "S12")
    site.at(NOW + timedelta(days=20))
    assert purge(service.context)["people"] == 0
    site.at(NOW + timedelta(days=22))
    assert purge(service.context)["people"] == 1
    assert one(service, select(person.c.status).where(person.c.code == code)) == "erased"
    assert purge(service.context)["people"] == 0


def test_a_call_under_way_finds_its_row_and_an_erasure_cut_off_there_is_finished_later(service: Service) -> None:
    """I8, I19: the person is stopped and whole until the call is over; the next purge erases all of them."""
    _, code = known_person(service)
    with service.context.database.begin() as db:
        row_id = db.execute(select(outbox.c.id).where(outbox.c.kind != "alert")).scalars().first()
        db.execute(update(outbox).where(outbox.c.id == row_id).values(state="calling", lease_until=NOW + timedelta(seconds=90)))
    with pytest.raises(UseFault) as refused:
        erase(service.context, code, WHY, "S12", patience=0.0)
    assert "under way" in str(refused.value)
    whole = places(service.context, code)
    assert whole.rows["name"] == 1
    assert row_id in whole.texts_out
    with service.context.database.begin() as db:
        row = numbers.find(db, service.context.vault, PHONE)
        assert row is not None
        assert row.stopped_at is not None
        db.execute(update(outbox).where(outbox.c.id == row_id).values(state="accepted", gateway_id="ATX", accepted_at=NOW))
    assert purge(service.context)["people"] == 1
    assert sum(places(service.context, code).rows.values()) == 0


def test_the_bytes_are_gone_from_the_file(service: Service) -> None:
    """I19, T13: not even what was sealed is left in an SQLite file or the log beside it."""
    if service.context.database.is_postgresql:
        return  # said in docs/operations.md: the next vacuum frees the place, the write-ahead log keeps it with the backups
    _, code = known_person(service)
    with service.context.database.begin() as db:
        bodies = [bytes(value) for value in db.execute(select(inbound.c.body)).scalars()]
        bodies += [bytes(value) for value in db.execute(select(identity.c.name)).scalars()]
    path = Path(str(service.context.database.url.database))

    def held(value: bytes) -> bool:
        return any(value in file.read_bytes() for file in path.parent.glob(f"{path.name}*"))

    assert all(held(value) for value in bodies)
    erase(service.context, code, WHY, "S12")
    vacuum(service.context)
    assert not any(held(value) for value in bodies)


def shared_by_two(service: Service) -> tuple[Site, str, str]:
    """Two people on one phone, both withdrawn: no phone is in use any more."""
    site = Site.build(service.context)
    site.group()
    first = site.person(phone_ownership="shared_partner")
    second = site.person(phone="", phone_ownership="none")
    add_phone(service.context, second, "0788000001", "shared_partner", "", "command")
    return site, first, second


def test_an_open_concern_on_the_phone_keeps_number_and_words_whoever_wrote(service: Service) -> None:
    """S9, S25, S33: nobody can be called about a RED text whose number was erased with another person of the same phone."""
    site, first, second = shared_by_two(service)
    service.text(PHONE, "Ndashaka kwiyahura")
    service.work()
    for code in (first, second):
        withdraw(service.context, code, "S12")
    assert one(service, select(concern.c.person_id).where(concern.c.severity == "red")) is None, "whose it is, nobody knows"
    with pytest.raises(UseFault, match="open concerns"):
        erase(service.context, first, WHY, "S12")
    site.at(NOW + timedelta(days=22))
    assert purge(service.context)["people"] == 0
    with service.context.database.begin() as db:
        assert numbers.find(db, service.context.vault, PHONE) is not None
        assert db.execute(select(inbound.c.id)).first() is not None
        db.execute(update(concern).values(state="closed", closed_at=NOW))
    assert purge(service.context)["people"] == 2


def test_notes_and_texts_of_who_shared_the_phone_before_stay(service: Service) -> None:
    """S9, I19: erasing one takes what is theirs or of nobody known, not what is the other's."""
    site, first, second = shared_by_two(service)
    site.staff("ana", "safeguarding")
    vault = service.context.vault
    with service.context.database.begin() as db:
        staff_id = db.execute(select(metadata.tables["staff"].c.id)).scalars().first()
        number_id = db.execute(select(contact_point.c.number_id)).scalars().first()
        for code in (first, second):
            about, note_id = new_row_id(), new_row_id()
            told = {"kind": "crisis_red", "severity": "red", "state": "closed", "texts": 1, "opened_at": NOW, "due_at": NOW}
            who = site_id(db, code)
            db.execute(insert(concern).values(id=about, code=f"C{code}", number_id=number_id, person_id=who, **told))
            note = vault.seal("concern_note", "note", note_id, "met at home")
            db.execute(insert(concern_note).values(id=note_id, concern_id=about, staff_id=staff_id, at=NOW, note=note))
    for code in (first, second):
        withdraw(service.context, code, "S12")
    proof = erase(service.context, first, WHY, "S12")
    assert proof.rows["numbers"] == 1
    assert proof.rows["concern notes"] == 1
    kept = select(concern.c.person_id).join(concern_note, concern_note.c.concern_id == concern.c.id)
    assert one(service, kept) == site.id_of(second)


def test_a_red_text_during_the_erasure_waits_for_somebody(service: Service) -> None:
    """S25: begun and not finished, the number stays until somebody has the concern; then the purge goes on."""
    _, code = known_person(service)
    with service.context.database.begin() as db:
        row_id = db.execute(select(outbox.c.id).where(outbox.c.kind != "alert")).scalars().first()
        db.execute(update(outbox).where(outbox.c.id == row_id).values(state="calling", lease_until=NOW + timedelta(seconds=90)))
    with pytest.raises(UseFault, match="under way"):
        erase(service.context, code, WHY, "S12", patience=0.0)
    service.text(PHONE, "Ndashaka kwiyahura")
    with service.context.database.begin() as db:
        db.execute(update(outbox).where(outbox.c.id == row_id).values(state="accepted", gateway_id="ATX", accepted_at=NOW))
    assert purge(service.context)["people"] == 0
    with service.context.database.begin() as db:
        assert numbers.find(db, service.context.vault, PHONE) is not None
        db.execute(update(concern).where(concern.c.state == "new").values(state="acknowledged", acknowledged_at=NOW))
    assert purge(service.context)["people"] == 1


def test_the_name_and_duty_phone_of_a_former_account_go_too(service: Service) -> None:
    """I19: the account of an erased facilitator is a code in the audit, and the phone of its duties nobody's."""
    site = Site.build(service.context)
    site.group()
    code = site.person(kind="facilitator")
    account = site.staff("jeanne", "safeguarding")
    rows = metadata.tables["staff"]
    with service.context.database.begin() as db:
        who = db.execute(update(rows).values(person_id=site_id(db, code)).returning(rows.c.id)).scalar_one()
        phone = db.execute(select(contact_point.c.number_id)).scalar_one()
        hours = {"starts_at": NOW - timedelta(days=2), "ends_at": NOW - timedelta(days=1), "created_at": NOW}
        db.execute(insert(metadata.tables["duty"]).values(id=new_row_id(), staff_id=who, number_id=phone, line=1, **hours))
    withdraw(service.context, code, "S12")
    site.at(NOW + timedelta(days=22))
    assert purge(service.context)["people"] == 0, "the account is still used"
    set_enabled(service.context, account, False, actor="S1")
    before = sealed_of(service)
    assert purge(service.context)["people"] == 1
    after = sealed_of(service)
    assert not after["staff.name"] & before["staff.name"]
    assert not after["number.sealed"] & before["number.sealed"]
    assert one(service, select(rows.c.login)) == f"erased {account}"


def test_nothing_is_written_about_whom_was_erased(service: Service) -> None:
    """I19: a number added to the code that is left would never be erased again; who comes back is enrolled anew."""
    site = Site.build(service.context)
    site.group()
    code = site.person()
    erase(service.context, code, WHY, "S12")
    for act in (
        lambda: add_phone(service.context, code, "0788000009", "own", "", "command"),
        lambda: set_consents(service.context, code, ("reminders",), "oral", "command"),
        lambda: withdraw(service.context, code, "command"),
        lambda: add_member(service.context, "G07", code, "member", "command"),
    ):
        with pytest.raises(UseFault, match="was erased"):
            act()
    assert sum(places(service.context, code).rows.values()) == 0
