"""The queue store emptied (F6), killed and gone (F7), back with old data (F8), full (F9): a nudge is all that can be lost (I13)."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from redis.exceptions import RedisError
from sqlalchemy import insert

from sms_service import jobs, store
from sms_service.models import numbers
from sms_service.models.rota import duty
from sms_service.models.staff import staff
from sms_service.security.tokens import new_row_id
from tests.faults.conftest import SHORT, Start
from tests.faults.load import InboundLoad, Load
from tests.faults.processes import wait_for
from tests.faults.service import RunningService

DUTY_PHONE = "+250788999001"
RED_TEXT = "arashaka kunyica"
Act = Callable[[RunningService], None]


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


def gone(service: RunningService, seconds: float, go: Act, back: Act) -> None:
    """No use for a while, by ``go``: everything moves by the sweep; then it comes ``back`` and the workers with it."""
    phones = service.people(20)
    put_on_duty(service)
    service.start()
    wait_for(lambda: workers_known(service) == 1, 30, "the worker's birth")
    service.queue("swept", phones)
    with service.fault():
        go(service)
        began = time.monotonic()
        answered = service.simulator.text(phones[0], RED_TEXT)
        assert answered["statuses"] == [200]
        wait_for(lambda: alerts(service), 60, "the first alert of a RED text")
        service.arrive("swept", 20)
        with InboundLoad(service, phones, every=0.5) as load:
            time.sleep(max(0.0, seconds - (time.monotonic() - began)))
        took = sorted(line["milliseconds"] for line in service.simulator.callbacks("sms"))
        slow = took[-1 - len(took) // 100]  # one in a hundred may have waited for a busy machine
        assert slow < 2000, f"callbacks took {slow} ms without the queue store"
        back(service)
    wait_for(lambda: workers_known(service) == 1, 30, "the worker's return")
    service.queue("back", phones)
    service.arrive("back", 20)
    load.ids.append(answered["id"])
    load.check()
    service.check()


def kill(service: RunningService) -> None:
    """``kill -9`` and no restart."""
    service.redis.kill()


def restart(service: RunningService) -> None:
    """Start it with what its files hold."""
    service.start_redis()


def leave_no_room(service: RunningService) -> None:
    """Less memory than it holds, and nothing may be thrown out: every write is refused."""
    keeper = store.connect(service.env["REDIS_URL"])
    keeper.config_set("maxmemory-policy", "noeviction")
    keeper.config_set("maxmemory", "1kb")
    with pytest.raises(RedisError):
        keeper.set("a", "b")


def leave_room(service: RunningService) -> None:
    """As much memory as there is."""
    store.connect(service.env["REDIS_URL"]).config_set("maxmemory", "0")


def old_data(service: RunningService, texts: int, seconds: float) -> None:
    """Nudges that were worked off long ago come back with the old files, and do nothing."""
    phones = service.people(20)
    service.start(service.web)
    service.queue("old", phones, each=texts)
    asked = [service.simulator.text(phone, "mumpamagare") for phone in phones]
    assert [text["statuses"] for text in asked] == [[200]] * 20
    time.sleep(1.5)  # its log is written every second
    kept = service.redis_dir.with_name(f"{service.redis_dir.name}-kept")
    shutil.copytree(service.redis_dir, kept, ignore=shutil.ignore_patterns("*.sock"))
    try:
        service.start(*service.workers, *service.clocks)
        service.settle()
        with Load(service, phones, texts=5) as load:
            time.sleep(seconds)
            with service.fault():
                service.redis.kill()
                for path in kept.iterdir():
                    place = service.redis_dir / path.name
                    shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)
                    shutil.move(path, place)
                service.start_redis()
                came_back = nudges(service)
            wait_for(lambda: not nudges(service), 30, "the end of the old nudges")
            service.queue("new", phones)
            service.arrive("new", 20)
    finally:
        shutil.rmtree(kept, ignore_errors=True)
    assert came_back, "the old files held no nudge: nothing was proved"
    load.inbound.ids += [text["id"] for text in asked]
    load.check()
    service.check()


def nudges(service: RunningService) -> int:
    """How many nudges wait in the queue store."""
    return store.connect(service.env["REDIS_URL"]).llen(f"rq:queue:{jobs.QUEUE}")


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
    gone(start_service(), 8, kill, restart)


@pytest.mark.fault("F6")
@pytest.mark.full
def test_in_full_emptied_for_a_minute(start_service: Start) -> None:
    """F6 at full length: every 2 s for 60 s, on both databases."""
    empty_again_and_again(start_service(workers=2), seconds=60, every=2)


@pytest.mark.fault("F7")
@pytest.mark.full
def test_in_full_gone_for_five_minutes(start_service: Start) -> None:
    """F7 at full length: five minutes, on both databases."""
    gone(start_service(), 300, kill, restart)


@pytest.mark.fault("F8")
@pytest.mark.full
def test_in_full_back_with_old_data(start_service: Start) -> None:
    """F8, I13: what comes back from two minutes ago is only nudges."""
    old_data(start_service(workers=2), texts=20, seconds=120)


@pytest.mark.fault("F9")
@pytest.mark.full
def test_in_full_out_of_memory(start_service: Start) -> None:
    """F9, I13: a queue store that refuses every write is as good as gone: callbacks within 2 s, all by the sweep."""
    gone(start_service(), 60, leave_no_room, leave_room)
