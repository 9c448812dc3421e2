"""Broadcasts disturbed: by stops, the switch and pause windows (F42), by kills and a paused channel as well (F36)."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner
from sqlalchemy import select

from sms_service import clock
from sms_service.__main__ import main
from sms_service.models import broadcasts, numbers, state
from sms_service.models.outbox import attempt, outbox
from sms_service.models.staff import staff
from sms_service.usecases.context import Context
from sms_service.usecases.expand_broadcast import EXPANDED
from sms_service.usecases.outbound_switch import hold, set_outbound
from sms_service.usecases.pauses import add_pause, end_pause
from sms_service.usecases.sign_in import open_login, real_now
from tests.faults.books import RecordLines
from tests.faults.conftest import SHORT, Start
from tests.faults.crowd import Announced, Crowd, announce, gather
from tests.faults.processes import Process, wait_for
from tests.faults.service import RunningService
from tests.usecases.site import Site

STOP = "STOP"
CALL_ME = "mumpamagare"
CHANNEL_PAUSE = 2.0
MEMORY_MB = 100


def starts(service: RunningService, announced: Announced) -> list[tuple[int, datetime]]:
    """(number row id, start) of every call made for a broadcast."""
    query = select(outbox.c.number_id, attempt.c.started_at).join(attempt, attempt.c.outbox_id == outbox.c.id)
    with service.context.database.begin() as db:
        rows = db.execute(query.where(outbox.c.broadcast_id == announced.row_id)).all()
    return [(row.number_id, row.started_at) for row in rows]


def now_of(service: RunningService) -> datetime:
    """The service's time."""
    with service.context.database.begin() as db:
        return service.context.now(db)


def progress(service: RunningService, announced: Announced) -> dict[str, int]:
    """The broadcast's rows by state."""
    return service.states(f"bc:{announced.row_id}")


def stopped_on_its_way(service: RunningService, members: int, stops: int, rate: int) -> None:
    """Single stops, the switch and a pause window, each at a random moment: after each commit no call starts that it forbids."""
    for process in service.processes:
        process.env["SEND_RATE_PER_SECOND"] = str(rate)
    crowd = gather(service, "G10", members)
    author = service.site.staff("author", "staff")
    service.start()
    service.simulator.switch(latency_ms=100)
    with service.fault():
        announced = announce(service, author, crowd, "midway")
        gone(service, announced, members * 0.1)
        stopped: dict[int, datetime] = {}
        for _ in range(stops):
            called = {number_id for number_id, _ in starts(service, announced)}
            number_id = random.choice(sorted(set(crowd.phones) - called))
            stopped[number_id] = stopped_by_text(service, crowd.phones[number_id])
        gone(service, announced, members * random.uniform(0.15, 0.4))
        set_outbound(service.context, False, "command", "a test of the switch")
        switched_off = now_of(service)
        time.sleep(1.5)
        switched_on = now_of(service)
        set_outbound(service.context, True, "command")
        time.sleep(random.uniform(0.2, 1.0))
        today = clock.local(now_of(service)).date()
        pause = add_pause(service.context, today, today + timedelta(days=2), "block", "security", "command")
        paused = now_of(service)
        time.sleep(1.5)
        service.settle()
    calls = starts(service, announced)
    late = [number_id for number_id, started in calls if number_id in stopped and started > stopped[number_id]]
    assert not late, f"{len(late)} calls to numbers that had stopped (I6)"
    off = [started for _, started in calls if switched_off < started < switched_on]
    assert not off, f"{len(off)} calls while outbound was off (S41)"
    after = [started for _, started in calls if started > paused]
    assert not after, f"{len(after)} calls in the pause window"
    states = progress(service, announced)
    assert states.get("queued", 0) + states.get("expired", 0) > 0, "all had gone before the pause: nothing was proved"
    assert not set(states) & {"unknown", "given_up", "calling", "reserved"}, states
    recorded_with_a_call(service, crowd, announced, len(calls))
    service.note(f"{len(calls)} of {members} went; {len(stopped)} stopped; {states}")
    end_pause(service.context, pause, "command")
    service.check()


def stopped_by_text(service: RunningService, phone: str) -> datetime:
    """A person writes STOP; the service's time just after its commit. One that was told 503 comes again."""
    service.simulator.text(phone, STOP)
    wait_for(partial(is_stopped, service, phone), 60, "the stop")
    return now_of(service)


def is_stopped(service: RunningService, phone: str) -> bool:
    """Whether the number gets no more texts."""
    with service.context.database.begin() as db:
        row = numbers.find(db, service.context.vault, phone)
    return row is not None and row.stopped_at is not None


def gone(service: RunningService, announced: Announced, count: float) -> None:
    """Until so many calls of the broadcast have been started."""
    wait_for(lambda: len(starts(service, announced)) >= count, 90, f"the first {count:.0f} calls")


def recorded_with_a_call(service: RunningService, crowd: Crowd, announced: Announced, calls: int) -> None:
    """The gateway's own record: one message for every call that was started before, and none besides."""
    taken = [line["number"] for line in service.taken(announced.tag)]
    assert len(taken) == len(set(taken)) == calls
    assert set(taken) <= set(crowd.phones.values())


class Watcher:
    """What people and staff notice meanwhile: replies, console pages; and the memory of processes that live through it."""

    def __init__(self, service: RunningService, author: str) -> None:
        self._service = service
        self._lines = RecordLines(service.simulator.record_path)
        self.replied: dict[str, float] = {}
        self.replies: list[float] = []
        self.pages: dict[str, float] = {}
        with service.context.database.begin() as db:
            row = db.execute(select(staff).where(staff.c.code == author)).one()
            self._cookie = {"console_login": open_login(service.context, db, row, real_now(db))}

    def ask(self, phone: str, within: float) -> None:
        """Somebody asks for a call: when does the answer reach the gateway?"""
        self._service.simulator.text(phone, CALL_ME)
        began = time.monotonic()
        wait_for(lambda: self._reply_to(phone), 90, "a reply while the broadcast goes")
        self.replies.append(time.monotonic() - began)
        assert self.replies[-1] <= within, f"a reply left after {self.replies[-1]:.1f} s"

    def _reply_to(self, phone: str) -> bool:
        for line in self._lines.new():
            if line["kind"] == "send" and line["taken"] and " inama ni ejo" not in line["text"]:
                self.replied[line["number"]] = time.monotonic()
        return phone in self.replied

    def look(self, *paths: str) -> None:
        """Open pages of the console as staff; the slowest time of each is kept."""
        for path in paths:
            began = time.monotonic()
            answer = requests.get(f"{self._service.url}/console{path}", cookies=self._cookie, timeout=60, allow_redirects=False)
            assert answer.status_code == 200, f"{path}: {answer.status_code}"
            name = path.rpartition("/")[0] + "/…" if any(digit in path for digit in "0123456789") else path
            self.pages[name] = max(self.pages.get(name, 0.0), time.monotonic() - began)


def memory_of(process: Process) -> float:
    """Resident memory of a process and its children, in MB."""
    total = 0
    for pid in (process.pid, *process.children()):
        for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines():
            if line.startswith("VmRSS:"):
                total += int(line.split()[1])
    return total / 1024


def large(service: RunningService, members: int, kills: int, stops: int, rate: int, within: float) -> None:
    """Expanded and sent while workers die, the gateway refuses our key once, people stop and ask for calls, and staff look."""
    for process in service.processes:
        process.env["SEND_RATE_PER_SECOND"] = str(rate)
    crowd = gather(service, "G10", members)
    phones = list(crowd.phones.values())
    random.shuffle(phones)
    asking, stopping = phones[:kills], phones[kills : kills + stops]
    author = service.site.staff("author", "staff")
    watcher = Watcher(service, author)
    service.start()
    began = time.monotonic()
    with service.fault():
        announced = announce(service, author, crowd, "large")
        wait_for(lambda: progress(service, announced).get("delivered", 0) > members // 50, 120, "the first arrivals")
        before = {"clock": memory_of(service.clocks[0]), "web": memory_of(service.web)}
        stopped: dict[str, datetime] = {}
        for no, phone in enumerate(asking):
            killed = service.workers[no % len(service.workers)]
            killed.kill()
            for other in stopping[no * stops // kills : (no + 1) * stops // kills]:
                stopped[other] = stopped_by_text(service, other)
            killed.start()
            if no == kills // 2:
                refuse_our_key_once(service)
            watcher.ask(phone, within)
            watcher.look("/", "/broadcasts", f"/broadcasts/{announced.code}", "/log", "/people")
        wait_for(lambda: at_rest(service, announced), 60 + members * 3 / rate, "the end of the broadcast", every=1.0)
    seconds = time.monotonic() - began
    after = {"clock": memory_of(service.clocks[0]), "web": memory_of(service.web)}
    service.forward(timedelta(seconds=100))  # the leases of the killed end
    service.settle()
    states = progress(service, announced)
    calls = {crowd.phones[number_id]: started for number_id, started in starts(service, announced)}
    late = [phone for phone, moment in stopped.items() if phone in calls and calls[phone] > moment]
    assert not late, f"{len(late)} calls to numbers that had stopped (I6)"
    assert sum(states.values()) == members
    assert set(states) <= {"accepted", "delivered", "unknown", "cancelled", "suppressed"}, states
    taken = [line["number"] for line in service.taken(announced.tag)]
    assert len(taken) == len(set(taken)), "a text reached the gateway twice (I7)"
    service.note(f"{members} in {seconds:.0f} s: {states}; {kills} workers killed, {stops} people stopped")
    service.note("replies within " + ", ".join(f"{one:.1f}" for one in watcher.replies) + " s")
    service.note("slowest pages " + ", ".join(f"{path} {took * 1000:.0f} ms" for path, took in watcher.pages.items()))
    service.note("memory " + ", ".join(f"{name} {before[name]:.0f} -> {after[name]:.0f} MB" for name in before))
    assert all(after[name] - before[name] < MEMORY_MB for name in before), "memory grew with the broadcast"
    service.check()


def at_rest(service: RunningService, announced: Announced) -> bool:
    """Whether every row is written, and none waits for a call any more."""
    with service.context.database.begin() as db:
        row = broadcasts.get(db, announced.row_id)
    return row is not None and row.expanded_to >= EXPANDED and not progress(service, announced).get("queued")


def refuse_our_key_once(service: RunningService) -> None:
    """The channel pauses until a person lets it go on."""
    service.simulator.switch(send="401", times=1)
    wait_for(lambda: paused(service), 60, "the pause of the channel")
    time.sleep(CHANNEL_PAUSE)
    done = CliRunner().invoke(main, ["resume"], env=service.env)
    assert done.exit_code == 0, done.output


def paused(service: RunningService) -> bool:
    """Whether a person has to act before anything but alerts goes."""
    with service.context.database.begin() as db:
        return state.lock_channel(db).paused_at is not None


@pytest.mark.fault("F42")
def test_a_pause_and_a_hold_wait_for_the_fence_under_way(context: Context) -> None:
    """F42, I10: what a fence has read cannot change before its calls are marked as started."""
    site = Site.build(context)
    group = site.group()
    first = clock.local(context.database.run(context.now)).date()
    acts: list[Callable[[], object]] = [
        lambda: add_pause(context, first, first, "block", "security", "command"),
        lambda: hold(context, "group", group, True, "command"),
        lambda: set_outbound(context, False, "command", "a test of the switch"),
    ]
    for act in acts:
        with context.database.begin() as db:
            state.share(db)
            acting = threading.Thread(target=act)
            acting.start()
            acting.join(0.5)
            assert acting.is_alive(), "it was committed while a fence was under way"
        acting.join(20)
        assert not acting.is_alive()


@SHORT
@pytest.mark.fault("F42")
def test_stops_the_switch_and_a_pause_window_in_the_middle_of_a_broadcast(start_service: Start) -> None:
    """F42, I6, I10, S41: no call starts after the commit."""
    stopped_on_its_way(start_service(), members=240, stops=5, rate=40)


@SHORT
@pytest.mark.fault("F36")
def test_a_broadcast_disturbed_in_every_way(start_service: Start) -> None:
    """F36, I6, I7: each text once at most, none after a stop; replies overtake it and the console stays usable."""
    large(start_service(workers=2), members=2_000, kills=3, stops=15, rate=300, within=30)


@pytest.mark.fault("F42")
@pytest.mark.full
@pytest.mark.parametrize("round_no", range(3))
def test_in_full_stopped_on_its_way(start_service: Start, round_no: int) -> None:
    """F42 with several workers, on both databases."""
    stopped_on_its_way(start_service(workers=2, clocks=2), members=2_400, stops=12, rate=60)


@pytest.mark.fault("F36")
@pytest.mark.full
def test_in_full_a_broadcast_to_a_hundred_thousand(start_service: Start) -> None:
    """F36 at full length, on both databases: a reply within ten seconds."""
    large(start_service(workers=2), members=100_000, kills=10, stops=500, rate=1_000, within=10)
