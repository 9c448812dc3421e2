"""PostgreSQL killed (F10), stopped for minutes (F11), its connections cut (F12), a number locked (F13), writers crossing (F17)."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError

from sms_service.models import numbers
from sms_service.models.inbound import inbound
from sms_service.models.state import service_state
from tests.faults.conftest import Start
from tests.faults.load import Load
from tests.faults.private_postgresql import PrivatePostgresql
from tests.faults.processes import wait_for
from tests.faults.service import RunningService

TEXT = "mumpamagare"


def down_and_back(service: RunningService, server: PrivatePostgresql, texts: int, seconds: float, *, kill: bool) -> None:
    """The database goes in the middle of a load and is back after ``seconds``; no process of the service is started again."""
    phones = service.people(20)
    service.start()
    service.simulator.switch(latency_ms=20)
    with Load(service, phones, texts) as load:
        wait_for(lambda: len(service.taken("load")) > texts, 60, "the first sends")
        with service.fault():
            (server.kill if kill else server.stop)()
            refused = service.simulator.text(phones[0], TEXT)
            load.inbound.ids.append(refused["id"])
            assert refused["statuses"] == [503]
            screen = service.simulator.dial(phones[1])
            assert (screen["status"], screen["open"], screen["error"]) == (200, False, ""), screen
            time.sleep(seconds)
            server.start()
        wait_for(service.ready, 60, "the web's readiness")
        came_back(service, phones)
    service.forward_past_leases()
    load.check()
    answers = {line["status"] for line in service.simulator.callbacks("sms")}
    assert answers == {200, 503}
    assert all(process.alive for process in service.processes)
    service.check()


def came_back(service: RunningService, phones: list[str]) -> None:
    """A text in and a dial are taken again."""
    wait_for(lambda: service.simulator.dial(phones[2])["open"], 60, "the menu", every=0.5)


def cut_connections(service: RunningService, server: PrivatePostgresql, texts: int, seconds: float) -> None:
    """Every connection to the database is terminated, every second, whatever it is doing."""
    phones = service.people(20)
    service.start()
    service.simulator.switch(latency_ms=20)
    others = "FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    with Load(service, phones, texts) as load:
        wait_for(lambda: len(service.taken("load")) > texts, 60, "the first sends")
        with service.fault():
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                server.execute(f"SELECT pg_terminate_backend(pid) {others}")
                time.sleep(1)
        came_back(service, phones)
    service.forward_past_leases()
    load.check()
    assert {line["status"] for line in service.simulator.callbacks("sms")} <= {200, 503}
    service.check()


def one_number_locked(service: RunningService, seconds: float) -> None:
    """A transaction holds one number; texts in and out and dials of everybody else go on as ever, and its own come after."""
    held, *others = service.people(20)
    service.start()
    service.queue("before", [held, *others])
    service.arrive("before", 20)
    with service.fault(), holding(service, held, seconds):
        service.queue("to-all", [held, *others])
        answered = [service.simulator.text(phone, TEXT)["statuses"] for phone in (held, *others)]
        assert answered == [[200]] * 20, "a text is stored without the lock"
        screen = service.simulator.dial(held)
        assert (screen["status"], screen["open"], screen["error"]) == (200, False, ""), screen
        assert screen["milliseconds"] < 2000
        began = time.monotonic()
        wait_for(lambda: arrived(service) == 19 and answered_in(service) == 19, seconds - 5, "everybody else's texts, out and in")
        assert time.monotonic() - began < seconds - 5
        wait_for(lambda: service.simulator.dial(others[0])["open"], 5, "the menu of another number")
    service.arrive("to-all", 20)
    service.settle()
    assert answered_in(service) == 20
    service.check()


def arrived(service: RunningService) -> int:
    """How many of the texts to all have been delivered."""
    return service.states("to-all").get("delivered", 0)


def answered_in(service: RunningService) -> int:
    """How many texts in have been processed."""
    with service.context.database.begin() as db:
        return int(db.execute(select(func.count()).where(inbound.c.state == "done")).scalar_one())


@contextmanager
def holding(service: RunningService, phone: str, seconds: float) -> Iterator[None]:
    """The number's own lock, held by a transaction of somebody else for so long."""
    database = service.context.database
    began = time.monotonic()
    with database.engine.connect() as db, db.begin():
        found = numbers.find(db, service.context.vault, phone)
        assert found is not None
        numbers.lock(db, found.id)
        db.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        yield
        time.sleep(max(0.0, seconds - (time.monotonic() - began)))


def writers_crossing(service: RunningService, server: PrivatePostgresql, texts: int, seconds: float) -> None:
    """Somebody locks what the service locks in the opposite order, again and again, until the database breaks ties."""
    phones = service.people(40)
    service.start()
    stop = threading.Event()
    crossing = threading.Thread(target=cross, args=(service, stop))
    with Load(service, phones, texts) as load:
        with service.fault():
            crossing.start()
            time.sleep(seconds)
            stop.set()
            crossing.join()
        came_back(service, phones)
    service.forward_past_leases()
    load.check()
    with service.context.database.begin() as db:
        ties = db.execute(text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")).scalar_one()
    assert ties, "the database broke no tie: nothing was proved"
    service.check()


def cross(service: RunningService, stop: threading.Event) -> None:
    """Lock the switch and then every number, where a fence locks numbers first; to be the one that gives way is no fault."""
    while not stop.wait(0.2):
        with suppress(OperationalError), service.context.database.engine.connect() as db, db.begin():
            db.execute(select(service_state.c.id).with_for_update())
            for number_id in db.execute(select(numbers.number.c.id).order_by(numbers.number.c.id.desc())).scalars().all():
                numbers.lock(db, number_id)


@pytest.mark.fault("F10", database="postgresql")
def test_the_database_killed_and_back(start_on_own: Start, own_postgresql: PrivatePostgresql) -> None:
    """F10, I1, I15: 503 and the apology meanwhile, every committed row is there, the pools recover by themselves."""
    down_and_back(start_on_own(), own_postgresql, texts=5, seconds=1, kill=True)


@pytest.mark.fault("F10", database="postgresql")
@pytest.mark.full
def test_in_full_the_database_killed_and_back(start_on_own: Start, own_postgresql: PrivatePostgresql) -> None:
    """F10 with two workers and two thousand texts."""
    down_and_back(start_on_own(workers=2), own_postgresql, texts=100, seconds=2, kill=True)


@pytest.mark.fault("F11", database="postgresql")
@pytest.mark.full
def test_in_full_the_database_down_for_ten_minutes(start_on_own: Start, own_postgresql: PrivatePostgresql) -> None:
    """F11, I1, I4: the gateway comes again until all is stored, and the backlog drains in order."""
    down_and_back(start_on_own(workers=2), own_postgresql, texts=100, seconds=600, kill=False)


@pytest.mark.fault("F12", database="postgresql")
@pytest.mark.full
def test_in_full_every_connection_cut_every_second(start_on_own: Start, own_postgresql: PrivatePostgresql) -> None:
    """F12, I7, I15: every dial gets a screen, no text goes twice, nothing is lost."""
    cut_connections(start_on_own(workers=2), own_postgresql, texts=100, seconds=30)


@pytest.mark.fault("F13", database="postgresql")
@pytest.mark.full
def test_in_full_one_number_locked(start_on_own: Start) -> None:
    """F13, I4: a lock held by somebody makes that number wait, and no other; its dial is answered within two seconds."""
    one_number_locked(start_on_own(workers=2), seconds=30)


@pytest.mark.fault("F17", database="postgresql")
@pytest.mark.full
def test_in_full_writers_that_cross(start_on_own: Start, own_postgresql: PrivatePostgresql) -> None:
    """F17, I2, I7: the transaction that gives way is tried again whole; nothing is lost, nothing done twice."""
    writers_crossing(start_on_own(workers=2), own_postgresql, texts=50, seconds=30)
