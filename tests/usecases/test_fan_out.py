"""What fires for a whole group: who joined late is found, a fault keeps nobody else back, and statements are few."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select, update

from sms_service.models import audit
from sms_service.models.groups import group
from sms_service.models.outbox import outbox
from sms_service.models.schedules import occurrence
from sms_service.usecases import occurrences, tick
from sms_service.usecases.occurrences import fire_due
from sms_service.usecases.tick import run_schedules
from tests.releases import publish_another_release
from tests.service import Service
from tests.usecases.site import NOW, Site

START = NOW + timedelta(days=7, hours=5)  # the first meeting: Wednesday 20 May, 14:00


@pytest.fixture
def site(service: Service) -> Site:
    made = Site.build(service.context)
    made.group()
    return made


def planned(service: Service, template: str) -> dict[str, list[Any]]:
    """When texts of this template are to leave, by person code."""
    with service.context.database.begin() as db:
        rows = db.execute(select(outbox).where(outbox.c.template == template).order_by(outbox.c.not_before)).all()
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(str(row.number_id), []).append(row.not_before)
    return found


def test_who_joins_after_the_reminder_was_planned_gets_it_once(service: Service, site: Site) -> None:
    """V3, I12: the 48 h text is planned ten days ahead; a member of four days ahead gets it as well, and nobody twice."""
    site.person(phone_ownership="shared_other")
    run_schedules(service.context)
    assert len(planned(service, "V3b")) == 1
    site.at(START - timedelta(days=4))
    site.person(phone_ownership="shared_other")
    service.wait_until(START - timedelta(hours=47))
    by_phone = {to: 0 for to, _, _ in service.gateway.sent}
    for to, _, _ in service.gateway.sent:
        by_phone[to] += 1
    assert by_phone == {"+250788000001": 1, "+250788000002": 1}
    service.wait_until(START)
    assert len(service.gateway.sent) == 4, "and the morning text, once each"


def test_an_occurrence_that_cannot_be_fired_keeps_no_other_back(
    service: Service, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I12, F38: it is missed, the audit says so, and the other group's texts are planned."""
    site.group("G08")
    site.person("G08", phone_ownership="shared_other")
    real, first = occurrences.queue_reminder, site.meetings("G07")[0].id

    def faulty(context: Any, db: Any, meeting: Any, **options: Any) -> Any:
        if meeting.id == first:
            raise LookupError("a word is missing")
        return real(context, db, meeting, **options)

    monkeypatch.setattr(occurrences, "queue_reminder", faulty)
    run_schedules(service.context)
    assert len(planned(service, "V3b")) == 1
    mine = (occurrence.c.meeting_id == first) & (occurrence.c.kind == "reminder_two_day")
    with service.context.database.begin() as db:
        assert db.execute(select(occurrence.c.state).where(mine)).scalars().all() == ["missed"]
        assert [row.act for row in audit.latest(db, 1)] == ["occurrence.failed"]


def test_a_fault_in_one_part_of_a_tick_keeps_the_others_going(
    service: Service, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F37, I5: alerts that cannot be repeated hold back no reminder; the fault is still told."""

    def broken(*_: object) -> int:
        raise LookupError("a fault of the program")

    site.person(phone_ownership="shared_other")
    monkeypatch.setattr(tick, "repeat_alerts", broken)
    with pytest.raises(LookupError):
        service.tick()
    assert len(planned(service, "V3b")) == 1


@contextmanager
def counted(service: Service) -> Iterator[list[int]]:
    """How many statements the database ran meanwhile."""
    count = [0]

    def one_more(*_: object) -> None:
        count[0] += 1

    event.listen(service.context.database.engine, "before_cursor_execute", one_more)
    yield count
    event.remove(service.context.database.engine, "before_cursor_execute", one_more)


def test_a_reminder_takes_as_many_statements_for_thirty_people_as_for_three(service: Service, site: Site) -> None:
    """I22: a large group's fan-out is one short transaction, in which a dial waits."""
    costs = []
    for code, members in (("G08", 3), ("G09", 30)):
        site.group(code)
        for _ in range(members):
            site.person(code)
        with service.context.database.begin() as db:
            row_id = db.execute(select(group.c.id).where(group.c.code == code)).scalar_one()
            db.execute(update(occurrence).where(occurrence.c.group_id != row_id).values(state="cancelled"))
        with service.context.database.begin() as db, counted(service) as count:
            fire_due(service.context, db, service.context.now(db), 1)
            costs.append(count[0])
    assert costs[1] <= costs[0] + 4, costs


def test_an_open_question_is_asked_again_after_a_release_changed_the_conversation(service: Service, site: Site) -> None:
    """V3, V6: the second reminder repeats the question on the definition it started on, and the group gets its texts."""
    site.person()
    with service.context.database.begin() as db:
        db.execute(update(outbox).values(state="cancelled"))
    service.wait_until(START - timedelta(hours=50))
    ours = (outbox.c.meeting_id == site.meetings()[0].id, outbox.c.template == "V3")
    assert len(site.texts(*ours)) == 1
    publish_another_release(service.context)
    site.at(START - timedelta(hours=39))
    run_schedules(site.context)
    assert len(site.texts(*ours)) == 2
