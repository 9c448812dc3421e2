"""The same thing from several sides at once: one text delivered in parallel (F31), two clocks and several senders (F37)."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import func, select

from sms_service.models.inbound import inbound
from sms_service.models.outbox import outbox
from tests.faults.conftest import SHORT, Start
from tests.faults.processes import wait_for
from tests.faults.service import RunningService

FIRST_MEETING = date(2026, 5, 20)
REMINDERS_DUE = datetime(2026, 5, 18, 12, 0, 5, tzinfo=UTC)  # two days before the meeting at 14:00 in Kigali
EVERY_CLOCK_TICKED = 6.0
COPIES = 20
CALL_ME = "ubufasha"


def deliver_in_parallel(service: RunningService, rounds: int) -> None:
    """Twenty identical posts at the same moment, round after round."""
    phones = service.people(rounds)
    service.start(service.web, *service.workers)
    ids = []
    with service.fault():
        for phone in phones:
            answered = service.simulator.text(phone, CALL_ME, copies=COPIES)
            assert set(answered["statuses"]) <= {200, 503}, answered
            ids.append(answered["id"])
    service.settle()
    with service.context.database.begin() as db:
        stored = Counter(db.execute(select(inbound.c.provider_id)).scalars().all())
        replies = db.execute(select(func.count()).where(outbox.c.kind == "reply").group_by(outbox.c.inbound_id)).scalars().all()
    assert stored == Counter(ids)
    assert replies == [1] * rounds
    service.check()


def several_of_each(service: RunningService, members: int) -> None:
    """Two clocks fire the same occurrences; they and the workers send the same texts."""
    phones = service.people(members)
    service.start(*service.workers, *service.clocks)
    service.simulator.switch(latency_ms=20)
    service.queue("many", phones, each=4)
    with service.fault():
        service.settle("many")
    assert service.states("many") == {"accepted": members * 4}

    with service.fault():
        service.forward_to(REMINDERS_DUE)
        wait_for(lambda: len(reminded(service)) == members, 30, "the reminders")
        time.sleep(EVERY_CLOCK_TICKED)
    service.settle()
    assert set(reminded(service).values()) == {1}
    service.check()


def reminded(service: RunningService) -> Counter[int]:
    """How many reminders of two days before each number has; the second one, of the day itself, is another occurrence."""
    with service.context.database.begin() as db:
        due = (outbox.c.template == "V3", outbox.c.not_before <= service.context.now(db))
        return Counter(db.execute(select(outbox.c.number_id).where(*due)).scalars().all())


@pytest.mark.fault("F31")
@SHORT
def test_one_text_delivered_twenty_times_at_once(start_service: Start) -> None:
    """F31, I2, W12: one row, one processing, one reply."""
    deliver_in_parallel(start_service(), rounds=5)


@pytest.mark.fault("F37")
@SHORT
def test_two_clocks_and_several_senders(start_service: Start) -> None:
    """F37, I7, I12: every text once, every occurrence once."""
    several_of_each(start_service(workers=2, clocks=2, first_meeting=FIRST_MEETING, reports="off"), members=20)


@pytest.mark.fault("F31")
@pytest.mark.full
def test_in_full_two_hundred_rounds(start_service: Start) -> None:
    """F31 at full length, on both databases."""
    deliver_in_parallel(start_service(workers=2), rounds=200)


@pytest.mark.fault("F37")
@pytest.mark.full
def test_in_full_four_senders(start_service: Start) -> None:
    """F37 at full length, on both databases."""
    several_of_each(start_service(workers=4, clocks=2, first_meeting=FIRST_MEETING, reports="off"), members=200)
