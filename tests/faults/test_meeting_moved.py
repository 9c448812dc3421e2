"""A meeting moves while its reminder is in each state (F41): nothing of the old date starts after the move."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, select

from sms_service.models import meetings
from sms_service.models.outbox import attempt, outbox
from sms_service.usecases.move_meeting import move_meeting
from tests.faults.conftest import SHORT, Start
from tests.faults.processes import wait_for
from tests.faults.service import RunningService

FIRST_MEETING = date(2026, 5, 20)
OLD_START = datetime(2026, 5, 20, 12, 0, tzinfo=UTC)
NEW_START = OLD_START + timedelta(days=1)
REMINDED = timedelta(days=2)
SOON_AFTER = timedelta(seconds=5)
STATES = ("pending", "queued", "reserved", "calling", "accepted")
HELD = "after_claim"


def reminders(service: RunningService, start: datetime) -> dict[str, int]:
    """The states of the reminders of two days before that name this start."""
    with service.context.database.begin() as db:
        until = start - timedelta(hours=40)
        mine = (outbox.c.template == "V3", outbox.c.expires_at == start, outbox.c.not_before < until)
        return {
            row[0]: int(row[1]) for row in db.execute(select(outbox.c.state, func.count()).where(*mine).group_by(outbox.c.state))
        }


def in_state(service: RunningService, state: str, people: int) -> None:
    """Bring the reminders of the first meeting into a state, and keep them there."""
    service.people(people)
    if state == "reserved":
        service.workers[0].env["SMS_FAILPOINT"] = f"{HELD}:{service.folder}"
    if state == "pending":
        service.start(service.web)
        return
    service.start(service.web, *service.clocks)
    wait_for(lambda: reminders(service, OLD_START) == {"queued": people}, 30, "the reminders")
    service.clocks[0].kill()  # its own sweep must not send what the worker is held with
    if state == "queued":
        return
    service.simulator.switch(latency_ms=4000 if state == "calling" else 0)
    service.forward_to(OLD_START - REMINDED + SOON_AFTER)
    service.start(*service.workers)
    service.context.nudge("send", 0)
    if state == "reserved":
        wait_for((service.folder / HELD).exists, 60, "the held worker")
    wait_for(lambda: reminders(service, OLD_START).get(state) == people, 60, f"reminders that are {state}")


def moved_under(service: RunningService, state: str, people: int) -> None:
    in_state(service, state, people)
    with service.context.database.begin() as db:
        meeting = db.execute(select(meetings.meeting).where(meetings.meeting.c.starts_at == OLD_START)).one()
    with service.fault():
        move_meeting(service.context, meeting.id, NEW_START, "command")
        with service.context.database.begin() as db:
            moved_at = service.context.now(db)
    (service.folder / HELD).unlink(missing_ok=True)
    service.simulator.switch(latency_ms=0)
    for process in (*service.workers, *service.clocks):
        if not process.alive:
            process.start()
    wait_for(lambda: reminders(service, NEW_START).get("queued") == people, 60, "the reminders of the new day")
    service.settle()
    service.forward_to(NEW_START - REMINDED + SOON_AFTER)
    wait_for(lambda: service.settled() and "queued" not in reminders(service, NEW_START), 60, "the reminders of the new day")
    with service.context.database.begin() as db:
        old = (outbox.c.template == "V3", outbox.c.expires_at == OLD_START)
        late = select(func.count()).select_from(attempt).join(outbox, outbox.c.id == attempt.c.outbox_id)
        assert db.execute(late.where(*old, attempt.c.started_at > moved_at)).scalar_one() == 0, (
            "the old date was told after the move"
        )
    gone = set(reminders(service, OLD_START))
    assert gone <= ({"accepted", "delivered"} if state in ("calling", "accepted") else {"cancelled"}), gone
    assert set(reminders(service, NEW_START)) <= {"accepted", "delivered"}
    service.check()


@SHORT
@pytest.mark.fault("F41")
def test_a_meeting_moves_under_a_reminder_that_a_worker_holds(start_service: Start) -> None:
    """F41, I10, I11: claimed but not fenced, it does not go."""
    moved_under(start_service(first_meeting=FIRST_MEETING), "reserved", people=3)


@pytest.mark.full
@pytest.mark.fault("F41")
@pytest.mark.parametrize("state", STATES)
def test_in_full_a_meeting_moves_under_its_reminder(start_service: Start, state: str) -> None:
    """F41 for every state, on both databases."""
    moved_under(start_service(first_meeting=FIRST_MEETING), state, people=20)
