"""The queue store emptied (F6), killed and gone (F7): a nudge is all that can be lost (I13)."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from sqlalchemy import insert

from sms_service import store
from sms_service.models import numbers
from sms_service.models.rota import duty
from sms_service.models.staff import staff
from sms_service.security.tokens import new_row_id
from tests.faults.conftest import SHORT, Start
from tests.faults.load import InboundLoad
from tests.faults.processes import wait_for
from tests.faults.service import RunningService

DUTY_PHONE = "+250788999001"
RED_TEXT = "arashaka kunyica"


def put_on_duty(service: RunningService) -> None:
    """One safeguarding account on the first line, now and for a week."""
    code = service.site.staff("duty", "safeguarding")
    with service.context.database.begin() as db:
        now = service.context.now(db)
        holder = db.execute(staff.select().where(staff.c.code == code)).one()
        number_id = numbers.ensure(db, service.context.vault, DUTY_PHONE, now)
        times = {"starts_at": now, "ends_at": now + timedelta(days=7), "created_at": now}
        db.execute(insert(duty).values(id=new_row_id(), staff_id=holder.id, number_id=number_id, line=1, **times))


def empty_again_and_again(service: RunningService, seconds: float, every: float) -> None:
    """FLUSHALL while texts come in and go out."""
    phones = service.people(20)
    service.start()
    service.simulator.switch(latency_ms=20)
    stop = threading.Event()

    def flush() -> None:
        while not stop.wait(every):
            service.flush_redis()

    flusher = threading.Thread(target=flush)
    flusher.start()
    until = time.monotonic() + seconds
    sent = 0
    with InboundLoad(service, phones) as load, service.fault():
        while time.monotonic() < until:
            service.queue(f"round-{sent}", phones)
            sent += 1
            time.sleep(seconds / 5)
    stop.set()
    flusher.join()
    load.check()
    for no in range(sent):
        service.arrive(f"round-{no}", 20)
    service.check()


def gone(service: RunningService, seconds: float) -> None:
    """``kill -9`` and no restart for a while: everything moves by the sweep; then it comes back and the workers with it."""
    phones = service.people(20)
    put_on_duty(service)
    service.start()
    wait_for(lambda: workers_known(service) == 1, 30, "the worker's birth")
    service.queue("swept", phones)
    with service.fault():
        service.redis.kill()
        began = time.monotonic()
        answered = service.simulator.text(phones[0], RED_TEXT)
        assert answered["statuses"] == [200]
        wait_for(lambda: alerts(service), 60, "the first alert of a RED text")
        service.arrive("swept", 20)
        with InboundLoad(service, phones, every=0.5) as load:
            time.sleep(max(0.0, seconds - (time.monotonic() - began)))
        slowest = max(line["milliseconds"] for line in service.simulator.callbacks("sms"))
        assert slowest < 2000, f"a callback took {slowest} ms without the queue store"
        service.start_redis()
    wait_for(lambda: workers_known(service) == 1, 30, "the worker's return")
    service.queue("back", phones)
    service.arrive("back", 20)
    load.ids.append(answered["id"])
    load.check()
    service.check()


def workers_known(service: RunningService) -> int:
    """How many workers the queue store knows."""
    return store.connect(service.env["REDIS_URL"]).scard("rq:workers")


def alerts(service: RunningService) -> list[object]:
    """The texts that reached the duty phone."""
    return [line for line in service.simulator.record("send") if line["number"] == DUTY_PHONE and line["taken"]]


@pytest.mark.fault("F6")
@SHORT
def test_the_queue_store_emptied(start_service: Start) -> None:
    """F6, I13: nothing lost, nothing doubled, everything goes."""
    empty_again_and_again(start_service(), seconds=4, every=0.3)


@pytest.mark.fault("F7")
@SHORT
def test_the_queue_store_killed_and_back(start_service: Start) -> None:
    """F7, I5, I13: callbacks within 2 s, the RED alert within 60 s, sends by the sweep; the worker comes back by itself."""
    gone(start_service(), seconds=8)


@pytest.mark.fault("F6")
@pytest.mark.full
def test_in_full_emptied_for_a_minute(start_service: Start) -> None:
    """F6 at full length: every 2 s for 60 s, on both databases."""
    empty_again_and_again(start_service(workers=2), seconds=60, every=2)


@pytest.mark.fault("F7")
@pytest.mark.full
def test_in_full_gone_for_five_minutes(start_service: Start) -> None:
    """F7 at full length: five minutes, on both databases."""
    gone(start_service(), seconds=300)
