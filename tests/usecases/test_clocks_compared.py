"""Processes compare their clocks: one that is wrong holds schedules and is named; a long absence is remembered."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from sms_service.models import wall_clocks
from sms_service.models.state import service_state
from sms_service.usecases.compare_clocks import Beat
from sms_service.usecases.context import Context
from sms_service.usecases.read_health import read_health
from sms_service.usecases.tick import Pace, tick

START = datetime(2026, 5, 13, 7, tzinfo=UTC)


@dataclass
class Machine:
    """One machine's real time, and by how much each process's own clock is wrong."""

    context: Context
    seconds: float = 0.0
    wrong: dict[str, timedelta] = field(default_factory=dict)
    beats: dict[str, Beat] = field(default_factory=dict)

    def starts(self, name: str, role: str) -> None:
        beat = Beat(role, own_time=lambda: self.time_of(name), steady=lambda: self.seconds)
        beat.process = name  # one test process plays several
        self.beats[name] = beat

    def time_of(self, name: str) -> datetime:
        return START + timedelta(seconds=self.seconds) + self.wrong.get(name, timedelta())

    def passes(self, seconds: float, *silent: str) -> dict[str, tuple[str, ...]]:
        """Time goes by, then everyone but the silent ones beats; who found whom apart."""
        self.seconds += seconds
        found = {}
        for name, beat in self.beats.items():
            if name not in silent:
                with self.context.database.begin() as db:
                    found[name] = beat.beat(db)
        return found


@pytest.fixture
def machine(context: Context) -> Machine:
    made = Machine(context)
    for name, role in (("clock-1", "clock"), ("web-2", "web"), ("worker-3", "worker")):
        made.starts(name, role)
    return made


def test_right_clocks_agree_however_rarely_they_look(machine: Machine) -> None:
    """F39: a process that was held up for ten minutes is late, not wrong."""
    for pause in (5, 5, 600, 10):
        assert set(machine.passes(pause).values()) == {()}


@pytest.mark.parametrize("wrong", [timedelta(minutes=-10), timedelta(minutes=10), timedelta(days=1), timedelta(seconds=80)])
@pytest.mark.parametrize("culprit", ["clock-1", "web-2"])
def test_a_wrong_clock_is_noticed_whoever_has_it(machine: Machine, wrong: timedelta, culprit: str) -> None:
    """F39: behind, ahead, by a day; the clock process sees it when it is another's and when it is its own."""
    machine.wrong[culprit] = wrong
    machine.passes(5)
    machine.passes(5)
    found = machine.passes(5)
    assert found["clock-1"] == (("web", "worker") if culprit == "clock-1" else ("web",))
    assert "clock" in found["web-2"], "the other one sees it as well"
    machine.wrong.clear()
    machine.passes(5)
    machine.passes(5)
    assert machine.passes(5)["clock-1"] == ()


def test_a_process_that_ended_with_a_wrong_clock_is_not_compared(machine: Machine) -> None:
    """F39: its last row lies a day ahead and never changes again."""
    machine.wrong["worker-3"] = timedelta(days=1)
    machine.passes(5)
    machine.passes(5, "worker-3")
    assert machine.passes(5, "worker-3")["clock-1"] == ()


def test_clocks_apart_hold_schedules_and_health_says_so(context: Context, machine: Machine) -> None:
    """F39, I21: as with a step of the clock: held at once, on again after two ticks that agree."""
    pace = Pace(lambda: machine.time_of("clock-1"), lambda: machine.seconds, machine.beats["clock-1"])
    others = ("clock-1",)

    def held() -> bool:
        machine.passes(5, *others)
        # the process agrees with its own database here: what is tried is the comparison with the other processes
        with context.database.begin() as db:
            apart = machine.beats["clock-1"].beat(db)
        return not pace.trusted(machine.time_of("clock-1"), timedelta(), bool(apart))

    assert [held(), held()] == [False, False]
    machine.wrong["web-2"] = timedelta(minutes=-10)
    assert held()
    assert "clocks apart" in read_health(context).degraded
    machine.wrong.clear()
    assert [held(), held()] == [True, False]
    assert "clocks apart" not in read_health(context).degraded


def test_the_tick_compares_too(context: Context, machine: Machine) -> None:
    """F39: what the tick finds stands in the state row."""
    machine.starts("web-2", "web")
    pace = Pace()
    tick(context, pace)
    machine.seconds = (datetime.now(UTC) - START).total_seconds()
    for wrong in (0, 3600):
        machine.wrong["web-2"] = timedelta(seconds=wrong)
        machine.passes(1, "clock-1", "worker-3")
        tick(context, pace)
    with context.database.begin() as db:
        assert db.execute(select(service_state.c.schedules_held_at)).scalar_one() is not None
        assert wall_clocks.clocks_apart(db, "clock")


@pytest.mark.parametrize(("hours", "noted"), [(11, False), (13, True)])
def test_a_long_absence_of_the_web_process_is_remembered(context: Context, machine: Machine, hours: int, noted: bool) -> None:
    """I8, I21: the gateway gives up after some twelve hours; longer, and somebody must look into its inbox."""
    machine.passes(5)
    machine.beats.clear()
    machine.seconds += hours * 3600
    machine.starts("web-20", "web")
    machine.starts("web-21", "web")
    machine.passes(5)
    machine.passes(5)
    with context.database.begin() as db:
        gaps = wall_clocks.unchecked_outages(db)
        left = {row.process for row in wall_clocks.all_clocks(db) if row.role == "web"}
    assert [(row.from_at, row.role) for row in gaps] == ([(START + timedelta(seconds=5), "web")] if noted else [])
    assert ("texts may be missing" in read_health(context).degraded) is noted
    assert left == {"web-20", "web-21"}, "rows of processes long gone are let go"


def test_a_process_that_starts_clears_what_its_forerunner_found(context: Context, machine: Machine) -> None:
    """I21: health does not go on naming what a clock process saw that has ended since."""
    machine.wrong["web-2"] = timedelta(minutes=10)
    for _ in range(3):
        machine.passes(5)
    assert "clocks apart" in read_health(context).degraded
    machine.wrong.clear()
    del machine.beats["clock-1"]
    machine.starts("clock-9", "clock")
    machine.passes(5)
    assert "clocks apart" not in read_health(context).degraded
