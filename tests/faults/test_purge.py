"""Retention and erasure while texts of the same people come and go (F47): nobody is half erased, and nothing else is lost (I19)."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, union, update

from sms_service.models import numbers
from sms_service.models.concerns import concern
from sms_service.models.dials import turn
from sms_service.models.inbound import inbound
from sms_service.models.month_counts import month_count
from sms_service.models.outbox import outbox
from sms_service.models.people import contact_point, identity, person
from sms_service.models.search import text_word
from sms_service.usecases.erase import erase, places
from sms_service.usecases.faults import UseFault
from sms_service.usecases.overwrite import vacuum
from sms_service.usecases.purge import purge
from tests.faults.conftest import SHORT, Start
from tests.faults.load import DialLoad, InboundLoad
from tests.faults.processes import wait_for
from tests.faults.service import RunningService

OLD = timedelta(days=100)


def forget_under_load(service: RunningService, people: int, erased: int, seconds: float) -> None:
    """Old texts go and some people are erased, one after the other, while everyone texts, dials and is written to."""
    phones = service.people(people)
    service.start()
    service.queue("old", phones)
    service.arrive("old", people)
    age(service)
    service.let_go(tag="old")
    stop = threading.Event()
    purger = threading.Thread(target=purge_again_and_again, args=(service, stop))
    began = time.monotonic()
    with InboundLoad(service, phones, every=0.2), DialLoad(service, phones, every=0.5) as dials, service.fault():
        purger.start()
        service.queue("meanwhile", phones, each=3)
        bytes_of: list[bytes] = []
        for phone in phones[:erased]:
            bytes_of += forget(service, phone)
            time.sleep(max(0.0, seconds / (erased + 1)))
        time.sleep(max(0.0, seconds - (time.monotonic() - began)))
    stop.set()
    purger.join()
    for phone in phones[:erased]:
        service.let_go(phone=phone)
    service.settle()
    dials.check()
    whole_or_gone(service, erased)
    counted(service, people)
    words_of_something(service)
    gone_from_the_file(service, bytes_of)
    service.check()


def age(service: RunningService) -> None:
    """The texts of the first round were sent long ago."""
    with service.context.database.begin() as db:
        long_ago = service.context.now(db) - OLD
        db.execute(update(outbox).where(outbox.c.key.startswith("old:")).values(shown_at=long_ago, created_at=long_ago))


def purge_again_and_again(service: RunningService, stop: threading.Event) -> None:
    while not stop.is_set():
        purge(service.context, stop.is_set)
        stop.wait(0.2)


def forget(service: RunningService, phone: str) -> list[bytes]:
    """Erase whoever has this phone, their requests for a call closed first; returns sealed values that must be gone."""
    with service.context.database.begin() as db:
        row = numbers.find(db, service.context.vault, phone)
        assert row is not None
        query = select(person).join(contact_point, contact_point.c.person_id == person.c.id)
        who = db.execute(query.where(contact_point.c.number_id == row.id)).one()
        sealed = [bytes(row.sealed), bytes(db.execute(select(identity.c.name).where(identity.c.person_id == who.id)).scalar_one())]
        sealed += [bytes(body) for body in db.execute(select(inbound.c.body).where(inbound.c.number_id == row.id)).scalars()]
    until = time.monotonic() + 60
    while True:
        with service.context.database.begin() as db:
            now = service.context.now(db)
            db.execute(update(concern).where(concern.c.person_id == who.id).values(state="closed", closed_at=now))
        try:
            erase(service.context, who.code, "asked in person", "S12")
            break
        except UseFault:
            assert time.monotonic() < until, "a person could not be erased for a minute"
    assert sum(places(service.context, who.code).rows.values()) == 0
    return sealed


def whole_or_gone(service: RunningService, erased: int) -> None:
    """I19: name and phone are there together or not at all; an erased number that texts again is one nobody writes to."""
    with service.context.database.begin() as db:
        named = set(db.execute(select(identity.c.person_id)).scalars())
        reached = set(db.execute(select(contact_point.c.person_id)).scalars())
        gone = set(db.execute(select(person.c.id).where(person.c.status == "erased")).scalars())
        every = set(db.execute(select(person.c.id)).scalars())
        back = db.execute(select(numbers.number.c.stopped_at).where(numbers.number.c.stop_reason.in_(("journal", "erasure"))))
        assert all(back.scalars())
    assert len(gone) == erased
    assert named == reached == every - gone


def counted(service: RunningService, people: int) -> None:
    """S33: every old text is one in its month's counts, whichever of the two took it."""
    with service.context.database.begin() as db:
        assert db.execute(select(outbox.c.id).where(outbox.c.key.startswith("old:"))).first() is None
        sums = db.execute(select(month_count.c.total).where(month_count.c.source == "out", month_count.c.kind == "V4")).scalars()
        assert sum(sums) >= people


def words_of_something(service: RunningService) -> None:
    """T13: no search word is left of a text that is gone."""
    with service.context.database.begin() as db:
        held = union(
            select(outbox.c.body_hash), select(inbound.c.text_hash), select(turn.c.typed_hash).where(turn.c.typed_hash.is_not(None))
        )
        assert {bytes(one) for one in db.execute(select(text_word.c.text_hash)).scalars()} <= {
            bytes(one) for one in db.execute(held).scalars()
        }


def gone_from_the_file(service: RunningService, values: list[bytes]) -> None:
    """I19: on SQLite not even the sealed bytes are left, in the file or the log beside it."""
    if service.context.database.is_postgresql:
        return
    path = Path(str(service.context.database.url.database))

    def none_left() -> bool:
        vacuum(service.context)
        content = b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))
        return not any(value in content for value in values)

    wait_for(none_left, 20, "the end of every sealed byte")


@pytest.mark.fault("F47")
@SHORT
def test_people_are_erased_while_they_text_and_old_texts_go(start_service: Start) -> None:
    """F47: two of eight people, in a few seconds."""
    forget_under_load(start_service(), people=8, erased=2, seconds=3)


@pytest.mark.fault("F47")
@pytest.mark.full
def test_in_full_people_are_erased_while_they_text_and_old_texts_go(start_service: Start) -> None:
    """F47: ten of forty people, in half a minute."""
    forget_under_load(start_service(), people=40, erased=10, seconds=30)
