"""The core by its use cases: clocks, occurrences, reports, failures, the fence, the PIN - what no transcript can show."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.exc import DBAPIError

from sms_service.gateway.wire import DeliveryReport
from sms_service.models import outbox
from sms_service.models.concerns import concern
from sms_service.models.inbound import inbound
from sms_service.models.outbox import parked_report
from sms_service.models.people import person
from sms_service.models.schedules import occurrence
from sms_service.models.state import service_state
from sms_service.usecases.invariants import check_invariants
from sms_service.usecases.occurrences import fire_due
from sms_service.usecases.outbound_switch import hold, set_outbound
from sms_service.usecases.pins import draw_pin
from sms_service.usecases.remind_group import remind_group
from sms_service.usecases.sweep import drain_inbound
from sms_service.usecases.take_report import match_parked, take_report
from sms_service.usecases.tick import Pace, tick
from tests.service import Service
from tests.usecases.site import NOW, Site, break_reading

CALLER = "+250788000001"


@pytest.fixture
def site(service: Service) -> Site:
    """One group that meets on Wednesday 20 May at 14:00, one person on an own phone."""
    made = Site.build(service.context)
    made.group()
    made.person()
    with service.context.database.begin() as db:
        db.execute(update(outbox.outbox).values(state="cancelled"))
    return made


def states(service: Service, *where: Any) -> list[str]:
    with service.context.database.begin() as db:
        return list(db.execute(select(outbox.outbox.c.state).where(*where).order_by(outbox.outbox.c.id)).scalars())


@pytest.fixture
def holds(service: Service) -> Iterator[None]:
    """Whatever a test did, the invariants a database can answer by itself hold afterwards (I2, I5, I6, I8, I11)."""
    yield
    assert not [one.rule for one in check_invariants(service.context) if one.broken]


class Clocks:
    """A wall clock and a steady clock that a test moves apart."""

    def __init__(self) -> None:
        self.wall = datetime(2026, 5, 13, 7, tzinfo=UTC)
        self.steady = 0.0

    def passes(self, seconds: float, *, wall: float | None = None) -> None:
        self.steady += seconds
        self.wall += timedelta(seconds=seconds if wall is None else wall)


@pytest.mark.parametrize("step", [25 * 3600, -2 * 3600, 61])
def test_a_step_of_the_clock_holds_schedules_until_two_ticks_agree(step: float) -> None:
    """F40: wall and monotonic clock disagree by more than a minute."""
    clocks = Clocks()
    pace = Pace(lambda: clocks.wall, lambda: clocks.steady)

    def looks() -> bool:
        return pace.trusted(clocks.wall, timedelta())

    clocks.passes(5)
    assert looks()
    clocks.passes(5, wall=5 + step)
    assert not looks()
    clocks.passes(5)
    assert not looks()
    clocks.passes(5)
    assert looks()


def test_a_database_clock_far_from_ours_holds_schedules() -> None:
    """F40, F39: process and database differ by more than a minute; a demo's offset does not count."""
    clocks = Clocks()
    pace = Pace(lambda: clocks.wall, lambda: clocks.steady)
    assert not pace.trusted(clocks.wall + timedelta(seconds=90), timedelta())
    for _ in range(2):
        pace.trusted(clocks.wall + timedelta(days=9), timedelta(days=9))
    assert pace.trusted(clocks.wall + timedelta(days=9), timedelta(days=9))


def test_held_schedules_fire_nothing_and_health_names_it(service: Service, site: Site) -> None:
    """F40, I21: while held nothing fires; the state is on the health page."""
    clocks = Clocks()
    tick(service.context, Pace(lambda: clocks.wall, lambda: clocks.steady))
    with service.context.database.begin() as db:
        assert db.execute(select(service_state.c.schedules_held_at)).scalar_one() is not None
        assert not db.execute(select(occurrence.c.id).where(occurrence.c.state == "fired")).first()
    assert "schedules held" in service.app.test_client().get("/health/ready").get_json()["degraded"]


def test_after_a_long_night_each_occurrence_fires_once_or_is_missed(service: Service, site: Site, holds: None) -> None:
    """F38, I11, I12: what may still leave fires once, what expired is missed and listed, and nothing is sent late."""
    site.at(NOW + timedelta(days=7, hours=2))  # 20 May, 11:00: both reminders fell due meanwhile, the meeting is to come
    for _ in range(2):
        with service.context.database.begin() as db:
            fire_due(service.context, db, service.context.now(db))
    service.work()
    assert len(service.gateway.sent) == 0, "both moments have passed: no text goes late"
    site.at(NOW + timedelta(days=9))
    with service.context.database.begin() as db:
        fire_due(service.context, db, service.context.now(db))
        kinds = {row.kind: row.state for row in db.execute(select(occurrence).where(occurrence.c.due_at < NOW + timedelta(days=8)))}
    assert set(kinds.values()) <= {"fired", "missed"}
    service.work()
    assert not service.gateway.sent


def test_two_clocks_fire_each_occurrence_once(service: Service, site: Site, holds: None) -> None:
    """F37, I12: two ticks over the same due occurrences make one text."""
    site.at(NOW + timedelta(days=4))
    pace = Pace()
    for _ in range(2):
        tick(service.context, pace)
    assert states(service, outbox.outbox.c.template == "V3") == ["queued"]


def test_a_report_before_its_row_is_kept_and_applied(service: Service, site: Site, holds: None) -> None:
    """F27, F30, I14: a report whose id nobody knows yet waits, and the sweep gives it to the row that got the id since."""
    take_report(service.context, DeliveryReport(f"ATXid_{0:032x}", "Success", "", None, None))
    remind_group(service.context, "G07", "command")
    service.work()
    assert states(service, outbox.outbox.c.template == "V3") == ["delivered"]
    with service.context.database.begin() as db:
        row = {"id": 1, "gateway_id": f"ATXid_{0:032x}", "status": "Sent", "received_at": service.context.now(db)}
        db.execute(parked_report.delete())
        db.execute(insert(parked_report).values(**row))
        assert match_parked(service.context, db) == 1
    assert states(service, outbox.outbox.c.template == "V3") == ["delivered"]


def test_a_text_that_fails_three_times_waits_for_a_person_and_blocks_nobody(
    service: Service, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I2, I4: the row is shown to staff at once; the next text of the number goes on."""
    break_reading(monkeypatch)
    service.text(CALLER, "breaks")
    service.text(CALLER, "help")
    for _ in range(3):
        drain_inbound(service.context)
    with service.context.database.begin() as db:
        assert list(db.execute(select(inbound.c.state).order_by(inbound.c.id)).scalars()) == ["needs_person", "done"]
        assert set(db.execute(select(concern.c.kind)).scalars()) == {"needs_person", "call_request"}


def test_a_stop_after_the_claim_is_met_by_the_fence(service: Service, site: Site, holds: None) -> None:
    """F42, I6, I10: a text that was reserved when the stop committed is not sent."""
    remind_group(service.context, "G07", "command")
    with service.context.database.begin() as db:
        db.execute(update(outbox.outbox).where(outbox.outbox.c.state == "queued").values(state="reserved", token="held"))
    service.text(CALLER, "stop")
    assert states(service, outbox.outbox.c.template == "V3") == ["cancelled"]
    service.work()
    assert [text for _, text, _ in service.gateway.sent] == [
        "Servas: byahagaritswe. Nta bundi butumwa muzabona. Mu itsinda muracyarimo. Kongera gutangira: TANGIRA."
    ]


@pytest.mark.parametrize(("level", "code"), [("programme", "CSG"), ("group", "G07")])
def test_a_held_programme_or_group_sends_nothing_until_released(
    service: Service, site: Site, level: str, code: str, holds: None
) -> None:
    """S41, F42: held texts wait; released ones leave."""
    remind_group(service.context, "G07", "command")
    hold(service.context, level, code, True, "command")
    service.work()
    assert not service.gateway.sent
    hold(service.context, level, code, False, "command")
    site.at(NOW + timedelta(minutes=5))
    service.work()
    assert len(service.gateway.sent) == 1


def test_the_switch_off_keeps_texts_and_a_late_one_expires(service: Service, site: Site, holds: None) -> None:
    """S41, I11: nothing to participants while off; what became too late meanwhile is never sent."""
    remind_group(service.context, "G07", "command")
    set_outbound(service.context, False, "command", "a reason")
    service.work()
    site.at(NOW + timedelta(days=8))
    service.tick()
    set_outbound(service.context, True, "command")
    service.work()
    assert not service.gateway.sent
    assert "expired" in states(service, outbox.outbox.c.template == "V3")


class _Deadlock(Exception):
    sqlstate = "40P01"


def test_a_deadlock_is_tried_again_whole_and_at_most_three_times(service: Service) -> None:
    """F17: the database asks for the transaction again."""
    tries = []

    def use(_: Any) -> str:
        tries.append(1)
        if len(tries) < 3:
            raise DBAPIError("", {}, _Deadlock())
        return "done"

    assert service.context.database.run(use) == "done"
    tries.clear()

    def always(_: Any) -> None:
        tries.append(1)
        raise DBAPIError("", {}, _Deadlock())

    with pytest.raises(DBAPIError):
        service.context.database.run(always)
    assert len(tries) == 3


def test_wrong_pins_are_counted_over_dials_and_a_right_one_clears_the_count(service: Service, site: Site) -> None:
    """T1, S11: two wrong, one right, two wrong: not locked; the third in a row locks."""
    with service.context.database.begin() as db:
        code = db.execute(select(person.c.code)).scalar_one()
    pin = draw_pin(service.context, site.contact_of(code).id, "command")
    wrong = "9876" if pin != "9876" else "6789"

    def enters(serial: int, *pins: str) -> str:
        history = "1*2"
        for typed in ("", "1", "1*2"):
            service.hop(f"ATUid_{serial}", CALLER, typed)
        screen = ""
        for one in pins:
            history = f"{history}*{one}"
            screen = service.hop(f"ATUid_{serial}", CALLER, history).get_data(as_text=True)
        return screen

    assert enters(1, wrong, wrong, pin).startswith("END ")
    service.hop("ATUid_2", CALLER, "")  # the language is known by now, so home is one key nearer
    for typed in ("2", f"2*{wrong}", f"2*{wrong}*{wrong}"):
        screen = service.hop("ATUid_2", CALLER, typed).get_data(as_text=True)
    assert screen.startswith("CON ")
    assert service.hop("ATUid_2", CALLER, f"2*{wrong}*{wrong}*{wrong}").get_data(as_text=True).startswith("END ")
