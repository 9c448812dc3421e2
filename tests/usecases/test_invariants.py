"""Each checker finds the row that breaks its rule, on a snapshot that holds up nobody and changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.exc import DBAPIError

from sms_service.models.inbound import inbound
from sms_service.models.numbers import number
from sms_service.models.outbox import attempt, outbox, parked_report
from sms_service.models.schedules import occurrence
from sms_service.models.staff import staff_role
from sms_service.security.tokens import new_row_id
from sms_service.usecases.context import Context
from sms_service.usecases.invariants import ELSEWHERE, check_invariants
from sms_service.usecases.remind_group import remind_group
from tests.service import Service
from tests.usecases.site import NOW, Site

PHONES = ("+250788000001", "+250788000002", "+250788000003")
CALL_ME = "mumpamagare"
LATER = NOW + timedelta(minutes=1)


@pytest.fixture
def busy(service: Service) -> Service:
    """Three people were reminded; each asked for a call, the first of them twice; everything is done and nothing is broken."""
    site = Site.build(service.context)
    site.group()
    for _ in PHONES:
        site.person()
    site.staff("mary", "staff")
    remind_group(service.context, "G07", "command")
    service.work()
    for phone in (*PHONES, PHONES[0]):
        service.text(phone, CALL_ME)
        service.work()
    assert broken(service) == []
    return service


def broken(service: Service) -> list[str]:
    """The rules that do not hold, each once."""
    return sorted({one.rule for one in check_invariants(service.context) if one.broken})


def ids(db: Connection, table: Any, *where: Any) -> list[int]:
    """The row ids that match, oldest first."""
    return list(db.execute(select(table.c.id).where(*where).order_by(table.c.id)).scalars())


def change(db: Connection, table: Any, row_id: int, **values: Any) -> None:
    db.execute(update(table).where(table.c.id == row_id).values(**values))


def repeat_answered(db: Connection) -> None:
    (repeat,) = ids(db, inbound, inbound.c.repeat_of.is_not(None))
    change(db, outbox, ids(db, outbox, outbox.c.kind == "scheduled")[0], inbound_id=repeat)


def overtaken(db: Connection) -> None:
    first, *_, last = ids(db, inbound, inbound.c.number_id == ids(db, number)[0])
    assert first != last
    change(db, inbound, first, processed_at=LATER + timedelta(hours=1))


def two_answers(db: Connection) -> None:
    first, second, *_ = ids(db, outbox, outbox.c.kind == "reply")
    change(db, outbox, second, inbound_id=db.execute(select(outbox.c.inbound_id).where(outbox.c.id == first)).scalar_one())


def red_without_concern(db: Connection) -> None:
    change(db, inbound, ids(db, inbound)[1], alert="red")


def shared_id(db: Connection) -> None:
    first, second, *_ = ids(db, outbox, outbox.c.gateway_id.is_not(None))
    change(db, outbox, second, gateway_id=db.execute(select(outbox.c.gateway_id).where(outbox.c.id == first)).scalar_one())


def sent_again_after_doubt(db: Connection) -> None:
    held = db.execute(select(attempt).order_by(attempt.c.id)).first()
    assert held is not None
    change(db, attempt, held.id, result="unknown")
    values = held._asdict() | {"id": new_row_id(), "started_at": held.started_at + timedelta(minutes=1), "result": "refused"}
    db.execute(insert(attempt).values(values))


def two_departures(db: Connection) -> None:
    sent_again_after_doubt(db)
    db.execute(update(attempt).where(attempt.c.result == "refused").values(result="accepted"))


def no_such_state(db: Connection) -> None:
    change(db, outbox, ids(db, outbox)[0], state="lost")


def past_the_fence(db: Connection) -> None:
    row = db.execute(select(outbox).order_by(outbox.c.id)).first()
    assert row is not None
    values = row._asdict() | {"id": new_row_id(), "key": "stray", "gateway_id": "ATXid_stray", "inbound_id": None}
    db.execute(insert(outbox).values(values | {"state": "accepted"}))


def called_late(db: Connection) -> None:
    row = db.execute(select(attempt.c.outbox_id, attempt.c.started_at)).first()
    assert row is not None
    change(db, outbox, row.outbox_id, expires_at=row.started_at)


def never_fired(db: Connection) -> None:
    row_id = ids(db, occurrence)[0]
    change(db, occurrence, row_id, state="pending", due_at=NOW - timedelta(days=2), expires_at=NOW - timedelta(days=1))


def behind_its_report(db: Connection) -> None:
    known = db.execute(select(outbox.c.gateway_id).where(outbox.c.gateway_id.is_not(None))).scalars().first()
    values = {"id": new_row_id(), "gateway_id": known, "status": "Success", "received_at": NOW - timedelta(hours=1)}
    db.execute(insert(parked_report).values(values))


def kept_too_long(db: Connection) -> None:
    values = {"id": new_row_id(), "gateway_id": "foreign", "status": "Success", "received_at": NOW - timedelta(days=9)}
    db.execute(insert(parked_report).values(values))


def found_under_another_hash(db: Connection) -> None:
    change(db, number, ids(db, number)[0], hash=b"\x00" * 32)


def unknown_role(db: Connection) -> None:
    db.execute(update(staff_role).values(role="owner"))


def old_schema(db: Connection) -> None:
    db.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")


BREAKS: tuple[tuple[str, Callable[[Connection], None]], ...] = (
    ("I2", two_answers),
    ("I3", repeat_answered),
    ("I4", overtaken),
    ("I5", red_without_concern),
    ("I7", shared_id),
    ("I9", sent_again_after_doubt),
    ("I7", two_departures),
    ("I8", no_such_state),
    ("I10", past_the_fence),
    ("I11", called_late),
    ("I12", never_fired),
    ("I14", behind_its_report),
    ("I16", found_under_another_hash),
    ("I18", unknown_role),
    ("I22", kept_too_long),
    ("I24", old_schema),
)


def test_each_broken_row_is_found(busy: Service) -> None:
    """I2-I24: whatever is broken is named by its own rule, beside those broken before it."""
    expected: set[str] = set()
    for rule, break_it in BREAKS:
        with busy.context.database.begin() as db:
            break_it(db)
        expected.add(rule)
        found = set(broken(busy))
        assert rule in found, break_it.__name__
        assert found - expected <= {"D5"}, break_it.__name__


def test_a_writer_goes_on_while_the_invariants_are_checked(busy: Service) -> None:
    """The snapshot takes no lock: what is written meanwhile is stored, and is not seen by it."""
    with busy.context.database.snapshot() as db:
        before = db.execute(select(func.count()).select_from(inbound)).scalar_one()
        assert busy.text(PHONES[1], "yego").status_code == 200
        assert db.execute(select(func.count()).select_from(inbound)).scalar_one() == before
    with busy.context.database.begin() as db:
        assert db.execute(select(func.count()).select_from(inbound)).scalar_one() == before + 1


def test_a_snapshot_writes_nothing(context: Context) -> None:
    with pytest.raises(DBAPIError), context.database.snapshot() as db:
        db.execute(update(outbox).values(state="lost"))


def test_every_invariant_is_checked_or_says_where_it_is_proved(busy: Service) -> None:
    named = {one.rule for one in check_invariants(busy.context)} | set(ELSEWHERE)
    assert named >= {f"I{no}" for no in range(1, 25)}
