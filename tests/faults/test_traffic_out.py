"""What stops all texts for a while: a gateway that asks for time (F19), is away for hours (F25), or wants a person to act (F26)."""

from __future__ import annotations

import time
from collections import Counter
from datetime import datetime, timedelta
from functools import partial

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

from sms_service.__main__ import main
from sms_service.models import state
from sms_service.models.audit import audit
from sms_service.models.outbox import attempt, outbox
from sms_service.usecases.read_health import read_health
from tests.faults.conftest import SHORT, Start
from tests.faults.processes import wait_for
from tests.faults.service import RunningService

LEAST_WAIT = 15.0  # seconds until a text that met a 429 is tried again
ASKED_WAIT = 60
BURST = 100  # texts at once after a pause, whatever the rate
TURNED_AWAY = ("401", "empty-list", "no-balance")


def attempts_of(service: RunningService, tag: str) -> list[tuple[int, datetime, str]]:
    """(row, start, result) of every call made for the texts of a tag, oldest first."""
    query = (
        select(attempt.c.outbox_id, attempt.c.started_at, attempt.c.result)
        .join(outbox, outbox.c.id == attempt.c.outbox_id)
        .where(outbox.c.key.startswith(f"{tag}:"))
        .order_by(attempt.c.started_at)
    )
    with service.context.database.begin() as db:
        return [(row.outbox_id, row.started_at, row.result or "") for row in db.execute(query)]


def counted(service: RunningService, tag: str) -> set[int]:
    """The numbers of attempts that the rows of a tag have used up."""
    with service.context.database.begin() as db:
        return set(db.execute(select(outbox.c.attempts).where(outbox.c.key.startswith(f"{tag}:"))).scalars())


def onward(service: RunningService, tag: str, by: timedelta = timedelta(minutes=2)) -> dict[str, int]:
    """Move the time past every wait until nothing of a tag is on its way."""
    for _ in range(20):
        if service.settled(tag):
            break
        service.forward(by)
        service.context.nudge("send", 0)
        time.sleep(0.5)
    return service.settle(tag)


def asked_for_time(service: RunningService, seconds: float, each: int) -> None:
    """429 for a while, first without and then with Retry-After; then all goes, and nothing has used up a try."""
    phones = service.people(20)
    service.start(service.web, *service.workers, *service.clocks)
    service.simulator.switch(retry_after_s=ASKED_WAIT)
    with service.fault():
        for mode in ("429", "429-retry-after"):
            service.simulator.switch(send=mode)
            service.queue(mode, phones, each=each)
            wait_for(partial(attempts_of, service, mode), 20, "the first refusal")
            time.sleep(seconds / 2)
        with service.context.database.begin() as db:
            assert state.lock_channel(db).slow_until > service.context.now(db), "the rate has not fallen"
    for mode, least in (("429", LEAST_WAIT), ("429-retry-after", ASKED_WAIT)):
        assert counted(service, mode) <= {0}, f"{mode} used up tries"
        calls = [one for one in attempts_of(service, mode) if one[2] == "not_sent_rate"]
        assert calls
        last: dict[int, datetime] = {}
        for row, started, _ in calls:
            gap = (started - last[row]).total_seconds() if row in last else least
            assert gap >= least - 1, f"{mode}: tried again after {gap:.1f} s"
            last[row] = started
        a_second = Counter(started.replace(microsecond=0) for _, started, _ in calls)
        service.note(f"{mode}: {len(calls)} calls, at most {max(a_second.values())} in a second, {seconds / 2:g} s")
    service.simulator.switch(send="normal")
    for mode in ("429", "429-retry-after"):
        assert onward(service, mode) == {"accepted": 20 * each}
        assert counted(service, mode) == {1}
    service.check()


def away_for_two_hours(service: RunningService, members: int, rate: int) -> None:
    """No connection for two hours: what was for that time expires, the rest goes at the pace of the route when it is back."""
    for process in service.processes:
        process.env["SEND_RATE_PER_SECOND"] = str(rate)
    phones = service.people(members)
    service.simulator.stop()
    with service.fault():
        service.queue("soon", phones, lasts=timedelta(hours=1))
        service.queue("later", phones, lasts=timedelta(hours=6))
        service.start(*service.workers, *service.clocks)
        wait_for(lambda: breaker_open(service), 30, "the opening of the breaker")
        for _ in range(12):
            wait_for(partial(tried, service), 30, "a try whether the gateway is back")
            service.forward(timedelta(minutes=10))  # between two tries, so that no call seems to last ten minutes
            service.context.nudge("send", 0)
        wait_for(partial(tried, service), 30, "the last try")
        assert set(service.states("soon")) <= {"queued", "expired"}
        assert service.states("later") == {"queued": members}
        assert max(counted(service, "later")) < 10, "an open breaker used up tries"
    service.simulator.start()
    with service.context.database.begin() as db:
        back = service.context.now(db)
    service.forward(timedelta(minutes=1))
    service.context.nudge("send", 0)
    wait_for(lambda: not breaker_open(service), 40, "the closing of the breaker, past every text whose time is over")
    service.forward(timedelta(minutes=16))  # the longest wait of a text that met the refused connection
    service.context.nudge("send", 0)
    assert service.settle("later", 120) == {"accepted": members}
    assert service.settle("soon") == {"expired": members}
    assert not service.taken("soon"), "a text went after its time (I11)"
    starts = [started for _, started, result in attempts_of(service, "later") if started > back and result == "accepted"]
    for first in starts:
        within = sum(first <= one < first + timedelta(seconds=10) for one in starts)
        assert within <= max(BURST, 2 * rate) + 10 * rate, f"{within} texts in ten seconds at {rate}/s"
    service.check()


def breaker_open(service: RunningService) -> bool:
    """Whether no call is made for the moment."""
    with service.context.database.begin() as db:
        return state.lock_channel(db).breaker_until is not None


def tried(service: RunningService) -> bool:
    """Whether the breaker's try is done and the next is yet to come."""
    with service.context.database.begin() as db:
        until = state.lock_channel(db).breaker_until
        waiting = until is not None and until > service.context.now(db)
    return waiting and at_rest(service, "")


def turned_away(service: RunningService, members: int) -> None:
    """Key, sender, money: each pauses the channel once with one alarm, and `sms-service resume` lets it go on."""
    phones = service.people(members)
    service.start(service.web, *service.workers, *service.clocks)
    for no, mode in enumerate(TURNED_AWAY, start=1):
        service.simulator.switch(send=mode)
        with service.fault():
            service.queue(mode, phones)
            wait_for(lambda: paused(service), 20, f"the pause of the channel by {mode}")
            wait_for(partial(at_rest, service, mode), 20, "the end of the calls")
            calls = len(attempts_of(service, mode))
            for _ in range(3):
                service.forward(timedelta(minutes=2))
                service.context.nudge("send", 0)
                time.sleep(0.3)
            assert len(attempts_of(service, mode)) == calls, "a paused channel was tried again"
            assert service.states(mode) == {"queued": members}
            assert counted(service, mode) == {0}
            assert alarms(service) == no
            assert "channel paused" in read_health(service.context).degraded
            service.simulator.switch(send="normal")  # the key was corrected, the account topped up
        done = CliRunner().invoke(main, ["resume"], env=service.env)
        assert done.exit_code == 0, done.output
        assert onward(service, mode) == {"accepted": members}
        assert not paused(service)
    service.check()


def at_rest(service: RunningService, tag: str) -> bool:
    """Whether no call for a tag is under way."""
    return not set(service.states(tag)) & {"reserved", "calling"}


def paused(service: RunningService) -> bool:
    """Whether a person has to act before anything but alerts goes."""
    with service.context.database.begin() as db:
        return state.lock_channel(db).paused_at is not None


def alarms(service: RunningService) -> int:
    """How often staff were told that the channel is paused."""
    with service.context.database.begin() as db:
        query = select(func.count()).select_from(audit).where(audit.c.act == "channel.paused")
        return int(db.execute(query).scalar_one())


@SHORT
@pytest.mark.fault("F19")
def test_a_gateway_that_asks_for_time_gets_it(start_service: Start) -> None:
    """F19, I8: 429 lowers the rate, Retry-After is honoured, no try is used up and nothing is lost."""
    asked_for_time(start_service(reports="off"), seconds=3, each=2)


@SHORT
@pytest.mark.fault("F25")
def test_a_gateway_away_for_two_hours(start_service: Start) -> None:
    """F25, I8, I11: reminders of those hours expire, the others go when it is back, at the route's pace, their tries intact."""
    away_for_two_hours(start_service(reports="off"), members=30, rate=10)


@SHORT
@pytest.mark.fault("F26")
def test_a_refused_key_or_sender_or_an_empty_account_pauses_the_channel_once(start_service: Start) -> None:
    """F26, I8: one pause, one alarm, no try used up; it goes on by command."""
    turned_away(start_service(reports="off"), members=12)


@pytest.mark.fault("F19")
@pytest.mark.full
def test_in_full_a_minute_of_429(start_service: Start) -> None:
    """F19 at full length, on both databases."""
    asked_for_time(start_service(workers=2, clocks=2, reports="off"), seconds=60, each=50)


@pytest.mark.fault("F25")
@pytest.mark.full
def test_in_full_away_for_two_hours(start_service: Start) -> None:
    """F25 with a backlog that takes minutes to go, on both databases."""
    away_for_two_hours(start_service(workers=2, clocks=2, reports="off"), members=600, rate=20)


@pytest.mark.fault("F26")
@pytest.mark.full
def test_in_full_turned_away(start_service: Start) -> None:
    """F26 with several workers whose calls are refused at the same time, on both databases."""
    turned_away(start_service(workers=2, clocks=2, reports="off"), members=100)
