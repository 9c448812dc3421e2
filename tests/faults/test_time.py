"""Time goes wrong: no clock for hours (F38), one process with another time (F39), a step while all run (F40)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import requests
from sqlalchemy import func, select, update

from sms_service.models import meetings, wall_clocks
from sms_service.models.groups import group
from sms_service.models.outbox import attempt, outbox
from sms_service.models.schedules import occurrence
from sms_service.models.state import service_state
from sms_service.usecases.check_ins import set_check_ins
from sms_service.usecases.move_meeting import move_meeting
from sms_service.usecases.read_figures import missed_rows
from tests.faults.conftest import SHORT, Start
from tests.faults.processes import Process, wait_for
from tests.faults.service import RunningService

WEDNESDAY = datetime(2026, 5, 13, 7, 0, tzinfo=UTC)  # 09:00 in Kigali: where the service's time stands at the start
TOMORROW_AT_TWO = date(2026, 5, 14)
HOUR = timedelta(hours=1)


def degraded(service: RunningService) -> set[str]:
    return set(requests.get(f"{service.url}/health/ready", timeout=10).json()["degraded"])


def states(service: RunningService) -> dict[str, set[str]]:
    """The states of every kind's occurrences."""
    found: dict[str, set[str]] = {}
    with service.context.database.begin() as db:
        for row in db.execute(select(occurrence.c.kind, occurrence.c.state)):
            found.setdefault(row.kind, set()).add(row.state)
    return found


def held(service: RunningService) -> bool:
    with service.context.database.begin() as db:
        return db.execute(select(service_state.c.schedules_held_at)).scalar_one() is not None


def beaten(service: RunningService, *roles: str) -> bool:
    """Whether a process of each role has written its time."""
    with service.context.database.begin() as db:
        return {row.role for row in wall_clocks.all_clocks(db)} >= set(roles)


def wrong(service: RunningService, process: Process, by: timedelta) -> Path:
    """Give a process a clock that is wrong; the file can be changed while it runs."""
    path = service.folder / f"wrong-{process.command[-1]}"
    path.write_text(str(by.total_seconds()), "ascii")
    process.env["SMS_CLOCK_WRONG_BY"] = str(path)
    return path


def calls(service: RunningService, template: str) -> int:
    with service.context.database.begin() as db:
        query = select(func.count()).select_from(attempt).join(outbox, outbox.c.id == attempt.c.outbox_id)
        return int(db.execute(query.where(outbox.c.template == template)).scalar_one())


def clock_away(service: RunningService, people: int) -> None:
    """Six hours without a clock: a check-in falls due, a moved meeting's reminders do, and the meeting begins."""
    service.site.group("G08", first_day=date(2026, 6, 10))
    service.people(1)
    service.people(people, group_code="G08", consents=("reminders", "checkins"))
    set_check_ins(service.context, "G08", "FREQ=WEEKLY;BYDAY=WE", "command")
    service.start()
    wait_for(lambda: "check_in" in states(service), 30, "the planned check-in")
    service.clocks[0].kill()
    with service.context.database.begin() as db:
        first = db.execute(
            select(meetings.meeting).join(group).where(group.c.code == "G07").order_by(meetings.meeting.c.no)
        ).first()
    assert first is not None
    with service.fault():
        move_meeting(service.context, first.id, WEDNESDAY + 5 * HOUR, "command")
        service.forward_to(WEDNESDAY + 6 * HOUR)
        assert "clock" in degraded(service)
    service.start(*service.clocks)
    wait_for(lambda: "fired" in states(service)["check_in"], 40, "the round after six hours")
    wait_for(lambda: "clock" not in degraded(service), 20, "the clock's tick")
    found = states(service)
    assert found["check_in"] <= {"fired", "pending"}, "30 hours to answer: it still goes; the next is planned"
    with service.context.database.begin() as db:
        of_first = db.execute(select(occurrence.c.kind, occurrence.c.state).where(occurrence.c.meeting_id == first.id)).all()
        listed = {(row.code, row.kind) for row in missed_rows(db, service.context.now(db))}
    gone = {row.kind for row in of_first if row.state == "missed"}
    assert gone >= {"reminder_two_day", "reminder_morning"}, of_first
    assert {("G07", kind) for kind in gone} <= listed, "what was not sent is told to staff"
    assert "occurrences missed" in degraded(service)
    service.settle()
    assert calls(service, "V3") == 0, "no reminder of a meeting that has begun"
    assert calls(service, "V6") == people
    service.check()


def one_wrong_clock(service: RunningService, by: timedelta, which: Callable[[RunningService], Process]) -> None:
    """One process starts with another time while texts wait that are not due, nearly over, and due now."""
    phones = service.people(6)
    process = which(service)
    others = [one for one in (service.web, *service.workers, *service.clocks) if one is not process]
    service.start(*others)
    wait_for(lambda: beaten(service, *{"web", *(one.command[-1] for one in others[1:])}), 30, "the others' beats")
    with service.fault():
        wrong(service, process, by)
        process.start()
        wait_for(lambda: beaten(service, "web", "worker", "clock"), 30, "the wrong process's beat")
        service.queue("early", phones[:3])
        service.queue("over", phones[3:])
        with service.context.database.begin() as db:
            now = service.context.now(db)
            rows = outbox.c
            later = {"not_before": now + 12 * HOUR, "expires_at": now + 36 * HOUR}
            db.execute(update(outbox).where(rows.key.startswith("early:"), rows.state == "queued").values(**later))
            db.execute(update(outbox).where(rows.key.startswith("over:"), rows.state == "queued").values(expires_at=now))
        if service.context.database.is_postgresql:
            wait_for(lambda: "clocks apart" in degraded(service) or held(service), 40, "the notice of the wrong clock")
        else:
            wait_for(lambda: {"clocks apart", "schedules held"} <= degraded(service), 40, "the notice of the wrong clock")
        service.context.nudge("send", 0)
        service.simulator.text(phones[0], "mumpamagare")
        wait_for(lambda: answered(service), 40, "the answer to a text, which goes on")
        assert service.states("early").get("queued", 0) + len(service.taken("early")) == 3, "none ended before its time"
        process.kill()
        process.env.pop("SMS_CLOCK_WRONG_BY")
    process.start()
    wait_for(
        lambda: not held(service) and not degraded(service) & {"clocks apart", "schedules held"}, 60, "schedules that go again"
    )
    service.check()


def answered(service: RunningService) -> bool:
    with service.context.database.begin() as db:
        return (
            db.execute(select(outbox.c.id).where(outbox.c.kind == "reply", outbox.c.accepted_at.is_not(None))).first() is not None
        )


def step(service: RunningService, by: timedelta) -> None:
    """Every process's clock jumps, as the machine's own would; what waits for tomorrow does not leave in the moment of the jump."""
    phones = service.people(4)
    every = [service.web, *service.workers, *service.clocks]
    paths = [wrong(service, process, timedelta()) for process in every]
    service.start()
    wait_for(lambda: beaten(service, "web", "worker", "clock") and not held(service), 30, "the first round")
    fired = states(service)
    with service.fault():
        for path in paths:
            path.write_text(str(by.total_seconds()), "ascii")
        wait_for(lambda: held(service), 20, "schedules held")
        service.queue("held", phones)
        assert "clock stepped" in degraded(service)
    if service.context.database.is_postgresql:
        for path in paths:  # the server's time is right: the machine's must come back to it
            path.write_text("0", "ascii")
    wait_for(lambda: not held(service), 60, "two ticks that agree")
    assert "clock stepped" in degraded(service), "somebody is told, however soon schedules go again"
    # The test's own process keeps the right time: what it queued is due, or is not yet over, by every other clock.
    service.context.nudge("send", 0)
    wait_for(lambda: ended(service), 60, "the end of what waited")
    after = states(service)
    assert not {kind for kind in fired if "fired" in fired[kind] and after[kind] == {"pending"}}
    with service.context.database.begin() as db:
        twice = select(occurrence.c.schedule).group_by(occurrence.c.schedule, occurrence.c.due_at).having(func.count() > 1)
        assert db.execute(twice).all() == []
    for process in every:
        process.kill()
        process.env.pop("SMS_CLOCK_WRONG_BY")
    service.start()
    service.check()


def ended(service: RunningService) -> bool:
    """Ahead of its clock everything is over or gone; behind it, what was written by the right clock is still to come."""
    found = service.states("held")
    return not set(found) & {"reserved", "calling"}


@SHORT
@pytest.mark.fault("F38")
def test_no_clock_for_six_hours(start_service: Start) -> None:
    """F38, I11, I12: what may still go is fired once; what is over is missed, told to staff, and never sent late."""
    clock_away(start_service(first_meeting=TOMORROW_AT_TWO), people=3)


@SHORT
@pytest.mark.fault("F39")
def test_a_worker_that_starts_ten_minutes_behind(start_service: Start) -> None:
    """F39, I11: schedules and unasked texts are held, answers go on, and all is normal when the process has the right time."""
    one_wrong_clock(start_service(), timedelta(minutes=-10), lambda service: service.workers[0])


@SHORT
@pytest.mark.fault("F40")
def test_the_clock_jumps_ahead_while_all_run(start_service: Start) -> None:
    """F40, I12: schedules are held at once and go again after two ticks that agree; health tells it for a quarter of an hour."""
    step(start_service(), timedelta(hours=25))


@pytest.mark.full
@pytest.mark.fault("F38")
def test_in_full_no_clock_for_six_hours(start_service: Start) -> None:
    """F38 with a larger group, on both databases."""
    clock_away(start_service(workers=2, first_meeting=TOMORROW_AT_TWO), people=40)


@pytest.mark.full
@pytest.mark.fault("F39")
@pytest.mark.parametrize("minutes", [-10, 10, 24 * 60])
@pytest.mark.parametrize("role", ["worker", "clock"])
def test_in_full_a_process_with_another_time(start_service: Start, minutes: int, role: str) -> None:
    """F39 for each difference and both processes, on both databases."""
    which = (lambda service: service.workers[0]) if role == "worker" else (lambda service: service.clocks[0])
    one_wrong_clock(start_service(), timedelta(minutes=minutes), which)


@pytest.mark.full
@pytest.mark.fault("F40")
@pytest.mark.parametrize("hours", [25, -2])
def test_in_full_the_clock_jumps(start_service: Start, hours: int) -> None:
    """F40 ahead and back, on both databases."""
    step(start_service(workers=2), timedelta(hours=hours))
