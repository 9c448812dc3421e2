"""Texts in and dials in the wrong number, order or time: ten at once (F32), hours late (F33), disturbed dials (F34)."""

from __future__ import annotations

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from sms_service.models import numbers, state
from sms_service.models.concerns import concern
from sms_service.models.dialogues import dialogue, response
from sms_service.models.inbound import inbound
from sms_service.models.outbox import outbox
from sms_service.usecases.check_ins import set_check_ins
from tests.faults.conftest import SHORT, Start
from tests.faults.processes import wait_for
from tests.faults.service import RunningService
from tests.faults.test_queue_store import RED_TEXT, alerts, put_on_duty

STARTS = datetime(2026, 7, 15, 7, tzinfo=UTC)  # a Wednesday outside the months that ask earlier for a call
ASKED = STARTS + timedelta(days=2, hours=1, minutes=1)  # Friday 10:01: the weekly question goes at 10:00
CLOSED = STARTS + timedelta(days=6)  # the question closed on Monday
AT_ONCE = ("STOP", RED_TEXT, "1", "2", "yego", "oya", "mumpamagare", "murakoze", "ejo", "5")
AFTER_STOP = {"V10", "V11", "V12"}


def asked_about_the_week(service: RunningService, members: int) -> list[str]:
    """People with the weekly question open on their phones, texted by the running service."""
    service.forward_to(STARTS)
    service.first_meeting = (STARTS + timedelta(days=42)).date()
    phones = service.people(members, consents=("reminders", "checkins"))
    set_check_ins(service.context, "G07", "FREQ=WEEKLY;BYDAY=FR", "command")
    service.start()
    wait_for(lambda: planned(service), 30, "the plan of the weekly question")
    service.forward_to(ASKED)
    wait_for(lambda: open_questions(service) == members, 60, "the weekly question on every phone")
    service.settle()
    return phones


def planned(service: RunningService) -> bool:
    """Whether the clock has run at the new time."""
    with service.context.database.begin() as db:
        last = state.read(db).last_tick_at
    return last is not None and last >= STARTS


def open_questions(service: RunningService) -> int:
    """How many questions wait for an answer by text."""
    with service.context.database.begin() as db:
        return int(db.execute(select(func.count()).where(dialogue.c.state == "open", dialogue.c.sms_open)).scalar_one())


def of_number(service: RunningService, table: Any, phone: str) -> Sequence[Any]:
    """A table's rows of one number, in the order in which they were made."""
    with service.context.database.begin() as db:
        row = numbers.find(db, service.context.vault, phone)
        assert row is not None
        return db.execute(select(table).where(table.c.number_id == row.id).order_by(table.c.id)).all()


def ten_at_once(service: RunningService, phones: Sequence[str]) -> None:
    """Ten different texts of one number in the same moment, a stop and danger among them, with a question open."""
    with service.fault(), ThreadPoolExecutor(len(AT_ONCE)) as pool:
        for phone in phones:
            words = random.sample(AT_ONCE, len(AT_ONCE))
            answered = list(pool.map(service.simulator.text, [phone] * len(words), words))
            assert all(set(one["statuses"]) <= {200, 503} for one in answered)
    wait_for(lambda: all(len(of_number(service, inbound, phone)) == len(AT_ONCE) for phone in phones), 30, "every text")
    service.settle()
    for phone in phones:
        texts = of_number(service, inbound, phone)
        assert len(texts) == len(AT_ONCE)
        assert {row.state for row in texts} == {"done"}
        taken = [row.processed_at for row in texts]
        assert taken == sorted(taken), "texts of one number were taken out of their order (I4)"
        with service.context.database.begin() as db:
            row = numbers.find(db, service.context.vault, phone)
        assert row is not None
        assert row.stopped_at is not None, "the stop was not heeded"
        assert "red" in {one.severity for one in of_number(service, concern, phone)}, "danger was not heeded"
        after = {
            one.template for one in of_number(service, outbox, phone) if one.kind == "reply" and one.created_at > row.stopped_at
        }
        gone = {one.template for one in of_number(service, outbox, phone) if one.attempts and one.accepted_at > row.stopped_at}
        assert gone <= AFTER_STOP, f"after the stop {gone} went, of {after} written (I6)"
    wait_for(lambda: alerts(service), 60, "the first alert")


def late_and_reversed(service: RunningService, phones: Sequence[str]) -> None:
    """What comes first counts, whatever its date says; what comes after its question closed is kept and applied to nothing."""
    in_time, too_late = phones[::2], phones[1::2]
    for phone in in_time:
        service.simulator.text(phone, "4", date="2026-07-17 08:20:00")
        service.settle()
        service.simulator.text(phone, "2", date="2026-07-17 06:00:00", date_form="zone")
    service.settle()
    for phone in in_time:
        assert [row.value for row in answers(service, phone)] == ["4"], "a text with an older date overtook the one that came first"
    service.forward_to(CLOSED)
    wait_for(lambda: open_questions(service) == 0, 30, "the end of the questions")
    for phone in too_late:
        service.simulator.text(phone, "4", date="2026-07-17 08:05:00")
    service.settle()
    for phone in too_late:
        (row,) = of_number(service, inbound, phone)
        assert row.state == "done"
        assert not answers(service, phone), "a late answer was applied"
        assert not [one for one in of_number(service, outbox, phone) if one.kind == "reply"]


def answers(service: RunningService, phone: str) -> Sequence[Any]:
    """The kept answers of one number's dialogues."""
    ids = [row.id for row in of_number(service, dialogue, phone)]
    with service.context.database.begin() as db:
        return db.execute(select(response).where(response.c.dialogue_id.in_(ids)).order_by(response.c.id)).all()


def disturbed_dial(service: RunningService, phone: str) -> None:
    """A dial whose turns come five times, late and again, with a text in between: the same screens, one effect."""
    gateway = service.simulator
    first = gateway.dial(phone)
    home = gateway.key(first["session"], "1", copies=5)
    assert len(set(home["answers"])) == 1, home["answers"]
    assert home["screen"] != first["screen"]
    assert gateway.key(first["session"], "", exact="1")["screen"] == home["screen"], "a repeated turn has another screen"
    assert gateway.key(first["session"], "", exact="")["screen"] == first["screen"], "a late first turn has another screen"
    assert gateway.text(phone, "murakoze")["statuses"] == [200]
    turn = gateway.key(first["session"], "3", copies=5)
    for _ in range(4):
        assert len(set(turn["answers"])) == 1, turn["answers"]
        assert turn["status"] == 200
        assert not turn["error"], turn["error"]
        if not turn["open"]:
            break
        turn = gateway.key(first["session"], "1", copies=3)
    assert not turn["open"], "the request was not finished"
    service.settle()
    assert [row.kind for row in of_number(service, concern, phone)] == ["call_request"], "a repeated turn acted twice (I15)"

    skipping = gateway.dial(phone)
    for text in ("1*3*1*1*9", "**", "1*2*3*4*5*6", "#", "9" * 100):
        turn = gateway.key(skipping["session"], "", exact=text)
        if not turn["status"]:
            break  # the last one ended the dial
        assert turn["status"] == 200
        assert not turn["error"], f"{turn['error']}: {turn['answers']}"


def dials_disturbed(service: RunningService, phones: Sequence[str]) -> None:
    """The same for several people at once."""
    with service.fault(), ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda phone: disturbed_dial(service, phone), phones))
    took = [line["milliseconds"] for line in service.simulator.callbacks("ussd")]
    service.note(f"{len(took)} turns, p99 {sorted(took)[int(len(took) * 0.99)]} ms")


@SHORT
@pytest.mark.fault("F32", "F33", "F34")
def test_texts_at_once_and_late_and_dials_disturbed(start_service: Start) -> None:
    """F32, F33, F34, I4, I5, I6, I15: as if one by one; the stop and danger heeded; late answers kept, not applied."""
    service = start_service(reports="off")
    put_on_duty(service)
    phones = asked_about_the_week(service, 6)
    dials_disturbed(service, phones[4:])
    ten_at_once(service, phones[2:4])
    late_and_reversed(service, phones[:2])
    service.check()


@pytest.mark.fault("F32")
@pytest.mark.full
def test_in_full_ten_at_once(start_service: Start) -> None:
    """F32 for fifty numbers, on both databases."""
    service = start_service(workers=2, clocks=2, reports="off")
    put_on_duty(service)
    ten_at_once(service, asked_about_the_week(service, 50))
    service.check()


@pytest.mark.fault("F33")
@pytest.mark.full
def test_in_full_late_and_reversed(start_service: Start) -> None:
    """F33 for forty numbers, on both databases."""
    service = start_service(workers=2, reports="off")
    late_and_reversed(service, asked_about_the_week(service, 40))
    service.check()


@pytest.mark.fault("F34")
@pytest.mark.full
def test_in_full_dials_disturbed(start_service: Start) -> None:
    """F34 for forty people, four at once, on both databases."""
    service = start_service(reports="off")
    phones = service.people(40)
    service.start()
    dials_disturbed(service, phones)
    service.check()
