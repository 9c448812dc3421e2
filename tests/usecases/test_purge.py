"""Retention: what is over is counted and goes, what is still needed stays, and nothing else changes (S33, S34, T13)."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from sqlalchemy import func, insert, select, update

from sms_service.models import numbers, people, suppressions
from sms_service.models.audit import audit
from sms_service.models.concerns import concern, concern_note
from sms_service.models.dials import dial, turn
from sms_service.models.inbound import inbound
from sms_service.models.month_counts import month_count
from sms_service.models.outbox import attempt, outbox
from sms_service.models.people import consent
from sms_service.models.schedules import occurrence
from sms_service.models.search import text_word
from sms_service.models.staff import staff
from sms_service.security.tokens import new_row_id
from sms_service.usecases.erase import erase, finish_begun
from sms_service.usecases.invariants import check_invariants
from sms_service.usecases.purge import due, purge
from tests.service import Service
from tests.usecases.site import NOW, Site

PHONE = "+250788000001"


def count(service: Service, table: Any) -> int:
    with service.context.database.begin() as db:
        return int(db.execute(select(func.count()).select_from(table)).scalar_one())


def lived_through(service: Service) -> Site:
    """A person who was asked, answered, dialled and wrote, each with its reply."""
    site = Site.build(service.context)
    site.group()
    site.person()
    for words in ("Murakoze cyane rwose", "3"):
        service.text(PHONE, words)
        service.work()
    service.hop("dial-1", PHONE, "")
    service.hop("dial-1", PHONE, "1")
    return site


def test_after_ninety_days_texts_are_counts_by_month_and_their_words_are_gone(service: Service) -> None:
    """S33, S34, T13: nothing goes a day early; afterwards only sums are left, and every invariant still holds."""
    site = lived_through(service)
    with service.context.database.begin() as db:
        db.execute(update(dial).values(state="ended"))
        db.execute(update(concern).values(state="closed", closed_at=NOW))
    texts, calls = count(service, outbox), count(service, attempt)
    assert texts
    assert calls
    assert count(service, text_word)
    site.at(NOW + timedelta(days=89))
    assert purge(service.context)["texts_in"] == 0
    assert (count(service, outbox), count(service, inbound)) == (texts, 2)
    site.at(NOW + timedelta(days=92))
    with service.context.database.begin() as db:
        db.execute(update(outbox).where(outbox.c.state == "queued").values(state="expired", closed_at=NOW))
        db.execute(update(occurrence).where(occurrence.c.state == "pending").values(state="missed"))  # as the clock would have
    listed = due(service.context)
    assert count(service, outbox) == texts, "counting changes nothing"
    done = purge(service.context)
    assert {name: done[name] for name in ("texts_out", "dials")} == {name: listed[name] for name in ("texts_out", "dials")}
    assert [count(service, table) for table in (outbox, attempt, inbound, dial, turn, text_word)] == [0] * 6
    with service.context.database.begin() as db:
        rows = db.execute(select(month_count)).all()
        acts = db.execute(select(audit.c.subject).where(audit.c.act == "retention.purge")).scalars().all()
    sums = {source: sum(row.total for row in rows if row.source == source) for source in ("out", "in", "dial", "call")}
    assert sums == {"out": texts, "in": 2, "dial": 1, "call": calls}
    assert {row.month for row in rows} == {"2026-05"}
    assert {"texts_out", "texts_in", "dials"} <= set(acts)
    assert [one for one in check_invariants(service.context) if one.broken] == []
    assert sum(purge(service.context).values()) == 0, "a second run finds nothing"


def test_the_words_of_an_open_concern_and_what_is_in_doubt_stay(service: Service) -> None:
    """S33, I8, I9: a person still has to act on them; they go when the concern is closed and the doubt decided."""
    site = Site.build(service.context)
    site.group()
    site.person()
    service.text(PHONE, "Ndashaka kwiyahura")
    service.work()
    with service.context.database.begin() as db:
        doubtful = db.execute(select(outbox.c.id).where(outbox.c.kind == "reply")).scalars().first()
        db.execute(update(outbox).where(outbox.c.id == doubtful).values(state="unknown", closed_at=None, inbound_id=None))
    site.at(NOW + timedelta(days=120))
    purge(service.context)
    assert count(service, inbound) == 1
    with service.context.database.begin() as db:
        assert db.execute(select(outbox.c.id).where(outbox.c.state == "unknown")).scalars().all() == [doubtful]
        db.execute(update(concern).values(state="closed", closed_at=NOW))
        db.execute(update(outbox).values(closed_at=NOW))
    purge(service.context)
    assert count(service, inbound) == 0
    with service.context.database.begin() as db:
        assert set(db.execute(select(concern.c.inbound_id)).scalars()) == {None}
        assert db.execute(select(outbox.c.id).where(outbox.c.state == "unknown")).first() is None


def test_a_note_goes_two_years_after_its_concern_closed(service: Service) -> None:
    """S33: the concern stays as codes, its notes do not."""
    site = Site.build(service.context)
    site.group()
    site.person()
    site.staff("ana", "safeguarding")
    service.text(PHONE, "Ndashaka kwiyahura")
    with service.context.database.begin() as db:
        who = db.execute(select(staff.c.id)).scalars().first()
        about = db.execute(select(concern.c.id).where(concern.c.severity == "red")).scalar_one()
        row_id = new_row_id()
        note = service.context.vault.seal("concern_note", "note", row_id, "met her at home")
        db.execute(insert(concern_note).values(id=row_id, concern_id=about, staff_id=who, at=NOW, note=note))
        db.execute(update(concern).values(state="closed", closed_at=NOW))
    site.at(NOW + timedelta(days=719))
    assert purge(service.context)["notes"] == 0
    site.at(NOW + timedelta(days=722))
    assert purge(service.context)["notes"] == 1
    assert count(service, concern) >= 1


def test_consents_stay_five_years_from_the_erasure_not_from_their_day(service: Service) -> None:
    """S33, S16: what allowed the texts can be shown for five years after the person is gone, however long they were here."""
    site = Site.build(service.context)
    site.group()
    code = site.person()
    given = count(service, consent)
    assert given
    erased_at = NOW + timedelta(days=6 * 365)
    site.at(erased_at)
    erase(service.context, code, "asked in person", "S12")
    kept = count(service, consent)
    assert kept > given, "withdrawing is entered as well"
    site.at(erased_at + timedelta(days=5 * 365 - 1))
    assert purge(service.context)["consents"] == 0
    site.at(erased_at + timedelta(days=5 * 365 + 1))
    assert purge(service.context)["consents"] == kept


def test_an_erasure_holds_nobody_up_while_it_waits_for_a_number(service: Service) -> None:
    """I4, I19: a step that has the number and writes about its person goes on; the erasure follows it."""
    site = Site.build(service.context)
    site.group()
    code = site.person()
    number_id, who = site.contact_of(code).number_id, site.id_of(code)
    with service.context.database.begin() as db:
        suppressions.note(db, "erasure", None, NOW, code)  # begun and cut off
        people.change(db, who, status="withdrawn")
    with ThreadPoolExecutor(1) as pool:
        with service.context.database.begin() as db:
            numbers.lock(db, number_id)
            erasing = pool.submit(finish_begun, service.context, "service")
            time.sleep(0.3)
            people.change(db, who, last_seen_at=NOW)
        assert erasing.result(timeout=20) == 1
