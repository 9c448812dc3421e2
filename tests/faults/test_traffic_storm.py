"""More than usual at once: delivery reports (F29) and texts in (F35), with dials, texts and an alert in the middle of it."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import pytest
from sqlalchemy import func, select

from sms_service.models.inbound import inbound
from sms_service.models.outbox import outbox, parked_report
from tests.bench.load import Caller, Measured, Step, open_loop
from tests.faults.conftest import SHORT, Start
from tests.faults.processes import wait_for
from tests.faults.service import CANARY, SECRET, RunningService
from tests.faults.test_queue_store import RED_TEXT, alerts, put_on_duty

CALLERS = 16
PHONE_GIVES_UP_MS = 10_000  # the gateway's own deadline for a dial
STATUSES = ("Sent", "Submitted", "Buffered", "Success", "Failed", "Success")
WORDS = ("mumpamagare", "1", "Yego", "Oya", "Murakoze cyane", "Muraho, inama ni ryari?", "3")
RED_WITHIN = 60.0


class Posts:
    """Callbacks posted straight at the web process, as many a second as asked for; texts are remembered by their answers."""

    def __init__(self, service: RunningService) -> None:
        self._port = int(service.url.rpartition(":")[2])
        self._ids = itertools.count(1)
        self.accepted: set[str] = set()
        self.refused: list[Mapping[str, str]] = []

    def run(self, kind: str, steps: Callable[[int], Iterator[Step]], rate: float, seconds: float, callers: int) -> Measured:
        """``rate`` calls a second for ``seconds`` by callers of their own; delays count from when each was due."""
        own = [steps(place) for place in range(callers)]
        return open_loop(self._port, f"/callbacks/africastalking/{SECRET}/{kind}", own, rate, seconds)

    def reports(self, ids: Sequence[str], place: int) -> Iterator[Step]:
        """Reports of these texts in every status, and as many of texts that nobody knows."""
        for no in itertools.count():
            mine = (no * CALLERS + place) // 2
            known = (no + place) % 2 == 0
            gateway_id = ids[mine % len(ids)] if known else f"ATXid_{no * CALLERS + place:032x}"
            status = STATUSES[mine // len(ids) % len(STATUSES)] if known else "Success"
            yield partial(_report, {"id": gateway_id, "status": status, "phoneNumber": "+250788000001", "networkCode": "63510"})

    def texts(self, phones: Sequence[str], place: int) -> Iterator[Step]:
        """Texts of these people in turn, each under an id of its own."""
        for phone in itertools.cycle(phones[place::CALLERS]):
            no = next(self._ids)
            words = f"{WORDS[no % len(WORDS)]} {CANARY} {no}"
            yield partial(
                self._text, {"id": f"storm-{no}", "from": phone, "to": "1234", "text": words, "date": "2026-05-13 07:00:00"}
            )

    def dials(self, phones: Sequence[str], place: int) -> Iterator[Step]:
        """First turns of new dials."""
        for no, phone in enumerate(itertools.cycle(phones)):
            named = {"sessionId": f"ATUid_{place:04x}{no:028x}", "phoneNumber": phone, "serviceCode": "*384*123#"}
            yield partial(_dial, {**named, "networkCode": "63510", "text": ""})

    def _text(self, fields: Mapping[str, str], caller: Caller) -> bool:
        fine = False
        try:
            fine = caller.post(fields).status == 200
        finally:
            if fine:
                self.accepted.add(fields["id"])
            else:
                self.refused.append(fields)
        return fine

    def again(self) -> int:
        """Deliver what was not accepted again, as the gateway does; returns how many."""
        caller = Caller(self._port, f"/callbacks/africastalking/{SECRET}/sms")
        waiting, self.refused = self.refused, []
        for fields in waiting:
            assert self._text(fields, caller), "a text was refused again in quiet"
        caller.close()
        return len(waiting)


def _report(fields: Mapping[str, str], caller: Caller) -> bool:
    return caller.post(fields).status == 200


def _dial(fields: Mapping[str, str], caller: Caller) -> bool:
    answer = caller.post(fields)
    return answer.status == 200 and answer.body.startswith(("CON ", "END "))


def spread(measured: Measured) -> str:
    """The figures of one kind of callback, for the record."""
    quantiles = ", ".join(f"p{share * 100:g} {measured.percentile(share):.0f}" for share in (0.5, 0.99))
    return f"{len(measured.delays) / max(measured.seconds, 0.1):.0f}/s, {quantiles} ms, {measured.wrong} to come again"


def report_storm(service: RunningService, rate: int, seconds: float) -> None:
    """Reports of texts on file and of texts nobody knows, while people write and dial."""
    phones = service.people(20)
    service.start()
    service.queue("sent", phones)
    service.arrive_at_gateway("sent", 20, 60)
    with service.context.database.begin() as db:
        ids = list(db.execute(select(outbox.c.gateway_id).where(outbox.c.key.startswith("sent:"))).scalars())
    posts = Posts(service)
    found: dict[str, Measured] = {}

    def side(kind: str, steps: Callable[[int], Iterator[Step]], a_second: float) -> None:
        found[kind] = posts.run(kind, steps, a_second, seconds, 4)

    beside = [
        threading.Thread(target=side, args=("sms", partial(posts.texts, phones), 5.0)),
        threading.Thread(target=side, args=("ussd", partial(posts.dials, phones), 2.0)),
    ]
    with service.fault():
        for thread in beside:
            thread.start()
        found["delivery"] = posts.run("delivery", partial(posts.reports, ids), rate, seconds, CALLERS)
        for thread in beside:
            thread.join()
    for kind, measured in found.items():
        service.note(f"{kind}: {spread(measured)}")
    assert found["ussd"].wrong == 0, "a dial was not answered"
    assert found["ussd"].percentile(0.99) < PHONE_GIVES_UP_MS
    posts.again()
    service.settle(seconds=120)
    all_stored(service, posts)
    with service.context.database.begin() as db:
        parked = db.execute(select(func.count()).select_from(parked_report)).scalar_one()
        unknown = db.execute(select(func.count(parked_report.c.gateway_id.distinct()))).scalar_one()
    assert parked == unknown <= rate * seconds
    if rate * seconds > 2 * len(ids) * len(STATUSES) and not found["delivery"].wrong:
        assert service.states("sent") == {"delivered": 20}
    service.check()


def all_stored(service: RunningService, posts: Posts) -> None:
    """Every text that was answered 200 is stored once and processed (I1, I2)."""
    with service.context.database.begin() as db:
        rows = db.execute(select(inbound.c.provider_id, inbound.c.state).where(inbound.c.provider_id.startswith("storm-"))).all()
    assert len(rows) == len({row.provider_id for row in rows})
    assert posts.accepted <= {row.provider_id for row in rows}
    assert {row.state for row in rows} == {"done"}


def burst(service: RunningService, courses: Sequence[tuple[float, float]]) -> None:
    """Texts at each rate for so many seconds, a RED one in the middle: all stored, answered in the end, the alert in time."""
    put_on_duty(service)
    people = service.people(20)
    phones = people[1:] + [f"+25072{no:07d}" for no in range(400)]
    service.start()
    posts = Posts(service)
    alarmed: list[float] = []

    def in_danger() -> None:
        began = time.monotonic()
        service.simulator.text(people[0], RED_TEXT)
        wait_for(lambda: alerts(service), 2 * RED_WITHIN, "the alert of a RED text in the burst", every=0.5)
        alarmed.append(time.monotonic() - began)

    danger = threading.Timer(courses[0][1] / 2, in_danger)
    danger.start()
    with service.fault():
        for rate, seconds in courses:
            measured = posts.run("sms", partial(posts.texts, phones), rate, seconds, CALLERS)
            service.note(f"{rate:g}/s for {seconds:g} s: {spread(measured)}")
    danger.join()
    service.note(f"came again {posts.again()}; the alert after {alarmed[0] if alarmed else -1:.1f} s")
    assert alarmed, "the alert did not leave"
    assert alarmed[0] < RED_WITHIN, f"the alert left after {alarmed[0]:.0f} s (I5)"
    service.settle(seconds=900)
    all_stored(service, posts)
    service.check()


@SHORT
@pytest.mark.fault("F29")
def test_a_storm_of_reports_holds_up_neither_dials_nor_texts(start_service: Start) -> None:
    """F29, I14, I22: every report counts once, those of nobody's texts are kept within bounds, dials and texts are answered."""
    report_storm(start_service(reports="off"), rate=500, seconds=3)


@SHORT
@pytest.mark.fault("F35")
def test_a_burst_of_texts_is_stored_and_danger_heard(start_service: Start) -> None:
    """F35, I1, I5: ten times the usual; nothing is lost, and the RED text's alert leaves within a minute."""
    burst(start_service(reports="off"), [(50, 2.0), (100, 1.0)])


@pytest.mark.fault("F29")
@pytest.mark.full
def test_in_full_a_minute_of_reports(start_service: Start) -> None:
    """F29 at full length, on both databases."""
    report_storm(start_service(reports="off"), rate=500, seconds=60)


@pytest.mark.fault("F35")
@pytest.mark.full
def test_in_full_five_minutes_of_ten_times_the_usual(start_service: Start) -> None:
    """F35 at full length, on both databases."""
    burst(start_service(workers=2, reports="off"), [(50, 300.0), (100, 30.0)])
