"""Waiting texts are taken some at a time: by two drains at once, with a faulty one among them, with a held number."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from sms_service.models import numbers
from sms_service.models.inbound import inbound
from sms_service.usecases.process_inbound import TEXTS_A_ROUND, process_waiting
from sms_service.usecases.sweep import drain_inbound
from tests.service import Service
from tests.usecases.site import Site, break_reading

PHONES = [f"+2507880010{place:02d}" for place in range(30)]


def kept(service: Service) -> list[tuple[str, int]]:
    with service.context.database.begin() as db:
        return [(row.state, row.fails) for row in db.execute(select(inbound.c.state, inbound.c.fails).order_by(inbound.c.id))]


def test_two_drains_at_once_take_each_text_once_and_those_of_a_number_in_order(service: Service) -> None:
    """I2, I4: 30 numbers, three different texts each; every number is answered once (V14 greets once in 30 days)."""
    Site.build(service.context)
    for words in ("muraho", "mwaramutse neza", "murakoze cyane"):
        for phone in PHONES:
            service.text(phone, words)
    with ThreadPoolExecutor(2) as pool:
        done = sum(pool.map(lambda _: drain_inbound(service.context), range(2)))
    service.work()
    assert kept(service) == [("done", 0)] * 90
    assert done == 90
    assert sorted(number for number, _, _ in service.gateway.sent) == PHONES
    with service.context.database.begin() as db:
        rows = db.execute(select(inbound.c.number_id, inbound.c.processed_at).order_by(inbound.c.id)).all()
    for number in {row.number_id for row in rows}:
        times = [row.processed_at for row in rows if row.number_id == number]
        assert times == sorted(times)


def test_a_faulty_text_keeps_none_of_its_round_waiting(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """I2: what one text breaks is undone for all of the round, and each of the others is then taken by itself."""
    Site.build(service.context)
    break_reading(monkeypatch)
    for place, phone in enumerate(PHONES[:5]):
        service.text(phone, "breaks" if place == 2 else "muraho")
    taken = process_waiting(service.context)
    assert (taken.taken, taken.done, len(taken.failed)) == (5, 4, 1)
    assert kept(service) == [("done", 0), ("done", 0), ("new", 1), ("done", 0), ("done", 0)]


def test_a_long_run_of_one_number_is_taken_in_few_rounds_and_in_order(service: Service) -> None:
    """I4: the texts of one number follow each other within a round, each read against what the one before it left open."""
    Site.build(service.context)
    for place in range(TEXTS_A_ROUND):
        service.text(PHONES[0], f"inkuru ya {place}")
    taken = process_waiting(service.context)
    assert (taken.taken, taken.done, taken.held) == (TEXTS_A_ROUND, TEXTS_A_ROUND, set())
    service.work()
    assert len(service.gateway.sent) == 1, "greeted once, though all came in one round"


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_number_that_somebody_holds_is_passed_over(service: Service) -> None:
    """F13: its text stays, with no failure counted; the others of the round are done."""
    Site.build(service.context)
    for phone in PHONES[:3]:
        service.text(phone, "muraho")
    with service.context.database.begin() as db:
        held = numbers.find(db, service.context.vault, PHONES[1])
        assert held is not None
        numbers.lock(db, held.id)
        taken = process_waiting(service.context)
    assert (taken.taken, taken.done, taken.held) == (3, 2, {held.id})
    assert kept(service) == [("done", 0), ("new", 0), ("done", 0)]
    assert drain_inbound(service.context) == 1
