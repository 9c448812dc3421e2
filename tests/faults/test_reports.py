"""Delivery reports against the sends they are about: in every order and again (F28), and in the same moment (F30)."""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from sms_service.clock import set_now
from sms_service.gateway.results import CallResult
from sms_service.gateway.wire import DeliveryReport
from sms_service.models.outbox import cancel_queued, counts_by_state, outbox, parked_report
from sms_service.usecases.compose import LANE_REMINDER, Outgoing, queue_texts
from sms_service.usecases.context import Context
from sms_service.usecases.send_texts import send_due
from sms_service.usecases.take_report import match_parked, take_report
from tests.faults.conftest import SHORT, Start
from tests.faults.service import RunningService
from tests.service import Recorder
from tests.usecases.site import Site

STATUSES = ("Sent", "Success", "Buffered")
# What the simulator posts for one text, and where that leaves it in any order (contract 10.2).
PLANS = {
    "full": "delivered",
    "shuffled": "delivered",
    "duplicated": "delivered",
    "before": "delivered",
    "success-then-failed": "delivered",
    "failed-then-success": "delivered",
    "absent-then-success": "delivered",
    "failed": "failed",
    "rejected": "failed",
    "expired": "failed",
    "absent": "failed",
    "misspelt": "failed",
    "unknown-status": "accepted",
    "unknown-id": "accepted",
    "none-id": "accepted",
}


@dataclass
class Reporting(Recorder):
    """A gateway whose reports of a text come from threads of their own in the moment in which it answers."""

    context: Context | None = None
    slowest: float = 0.004
    threads: list[threading.Thread] = field(default_factory=list)

    def send(
        self, numbers: Sequence[str], text: str, *, sender: str | None, enqueue: bool | None = None, deadline: float = 40.0
    ) -> CallResult:
        result = super().send(numbers, text, sender=sender, enqueue=enqueue, deadline=deadline)
        together = threading.Barrier(len(STATUSES) + 1)
        for number in numbers:
            for status in STATUSES:
                about = DeliveryReport(result.recipients[number].gateway_id or "", status, "", number, None)
                self.threads.append(threading.Thread(target=self._report, args=(about, together, random.uniform(0, self.slowest))))
                self.threads[-1].start()
        together.wait(30)
        return result

    def _report(self, about: DeliveryReport, together: threading.Barrier, wait: float) -> None:
        assert self.context is not None
        together.wait(30)
        threading.Event().wait(wait)
        take_report(self.context, about)

    def join(self) -> None:
        """Until every report was taken."""
        for thread in self.threads:
            thread.join(30)
        self.threads.clear()


def report_while_recorded(context: Context, rounds: int) -> None:
    """One text a round, its reports and the record of its answer in the same moment; then the sweep."""
    gateway = Reporting(context=context)
    context = replace(context, client=gateway)
    site = Site.build(context)
    site.group(first_day=None)
    code = site.person()
    number_id = site.contact_of(code).number_id
    with context.database.begin() as db:
        cancel_queued(db, context.now(db), "answered", outbox.c.number_id == number_id)  # the invitation
    with ThreadPoolExecutor(2) as pool:
        for no in range(rounds):
            with context.database.begin() as db:
                now = context.now(db)
                text = Outgoing(
                    key=f"race:{no}",
                    number_id=number_id,
                    language="rw",
                    template="V4",
                    kind="v4",
                    text_class="A",
                    lane=LANE_REMINDER,
                    body=f"Servas: {no}",
                    not_before=now,
                    expires_at=now + timedelta(hours=6),
                )
                queue_texts(context, db, [text], now)
            assert send_due(context, pool) == 1
            gateway.join()
    with context.database.begin() as db:
        while match_parked(context, db):
            pass
        states = counts_by_state(db, outbox.c.key.startswith("race:"))
        parked = db.execute(select(func.count()).select_from(parked_report)).scalar_one()
    assert states == {"delivered": rounds}
    assert parked == 0


def every_plan(service: RunningService, members: int) -> None:
    """Texts under every plan of reports the simulator knows, with the processes of the service in between."""
    phones = service.people(members * len(PLANS))
    service.start(service.web, *service.workers, *service.clocks)
    for place, plan in enumerate(PLANS):
        service.simulator.switch(reports=plan)
        service.queue(plan, phones[place * members : (place + 1) * members], same=True)
        service.settle(plan, 20)
    service.simulator.wait_for(lambda: all(service.states(plan) == {state: members} for plan, state in PLANS.items()), 90)
    service.settle()
    assert {plan: service.states(plan) for plan in PLANS} == {plan: {state: members} for plan, state in PLANS.items()}
    service.check()


@pytest.mark.fault("F30")
def test_a_report_in_the_moment_its_answer_is_recorded(context: Context) -> None:
    """F30, I14: whichever of them is first, or none, no report is lost: what both missed the sweep joins."""
    report_while_recorded(context, 25)


@pytest.mark.fault("F30")
@pytest.mark.full
def test_in_full_a_thousand_such_moments(context: Context) -> None:
    """F30 at full length, on both databases."""
    report_while_recorded(context, 1000)


@pytest.mark.fault("F29")
def test_reports_of_nobodys_texts_are_kept_within_bounds(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """F29, I22: beyond the bound the newest go at the next sweep, but none whose text is on file by then; after a week all go."""
    monkeypatch.setattr("sms_service.usecases.take_report.MOST_PARKED", 5)
    site = Site.build(context)
    site.group(first_day=None)
    site.person()
    for no in range(8):
        take_report(context, DeliveryReport(f"ATXid_{no}", "Success", "", None, None))
    with context.database.begin() as db:
        db.execute(update(outbox).values(state="accepted", gateway_id="ATXid_7"))  # recorded after its report came
        assert match_parked(context, db) == 1
        assert counts_by_state(db) == {"delivered": 1}
        kept = db.execute(select(parked_report.c.gateway_id).order_by(parked_report.c.received_at)).scalars().all()
        assert kept == [f"ATXid_{no}" for no in range(5)]
        set_now(db, context.now(db) + timedelta(days=7, seconds=1))
        match_parked(context, db)
        assert not db.execute(select(parked_report.c.id)).all()


@SHORT
@pytest.mark.fault("F28")
def test_reports_shuffled_repeated_and_contradictory(start_service: Start) -> None:
    """F28, I14, W7: each plan of reports ends where its strongest report says, unknown statuses and ids change nothing."""
    every_plan(start_service(), 2)


@pytest.mark.fault("F28")
@pytest.mark.full
def test_in_full_every_plan_of_reports(start_service: Start) -> None:
    """F28 with whole calls, on both databases."""
    every_plan(start_service(workers=2), 100)
