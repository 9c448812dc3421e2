"""Alerts under load: the first one of every concern leaves within a minute, repeats are bounded, and nobody is left out."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from sms_service.models.concerns import alert, concern
from sms_service.models.outbox import outbox
from sms_service.security.tokens import new_row_id
from sms_service.usecases import raise_concern
from sms_service.usecases.raise_concern import About
from sms_service.usecases.rota import add_duty
from tests.service import Service
from tests.usecases.site import NOW, Site

DUTY = "+250788009001"
RED = "ndashaka kwiyahura"


@pytest.fixture
def site(service: Service) -> Site:
    """A service with a lead who is on duty for ten days."""
    made = Site.build(service.context)
    on_duty(service, made)
    return made


def on_duty(service: Service, site: Site, login: str = "lead", line: int = 1, phone: str = DUTY) -> None:
    code = site.staff(login, "safeguarding")
    now = service.now()
    add_duty(service.context, code, line, now - timedelta(hours=1), now + timedelta(days=10), phone, "command")


def alerts_of(service: Service, code: str) -> list[datetime]:
    """When texts that name this concern were queued."""
    with service.context.database.begin() as db:
        query = (
            select(outbox.c.created_at)
            .join(alert, alert.c.id == outbox.c.alert_id)
            .join(concern, concern.c.id == alert.c.concern_id)
            .where(concern.c.code == code)
        )
        return list(db.execute(query.order_by(outbox.c.id)).scalars())


def red_codes(service: Service) -> list[str]:
    with service.context.database.begin() as db:
        return list(db.execute(select(concern.c.code).where(concern.c.severity == "red").order_by(concern.c.id)).scalars())


def test_the_first_alert_leaves_within_a_minute_however_many_went_before(service: Service, site: Site) -> None:
    """I5, T6, S25: the cap of five an hour counts repeats; first alerts beyond it merge into one text a minute."""
    for place in range(8):
        site.at(NOW + timedelta(minutes=2 * place))
        service.text(f"+2507880011{place:02d}", RED)
        service.tick()
        service.set_time(NOW + timedelta(minutes=2 * place, seconds=61))
        service.tick()
    for place, code in enumerate(red_codes(service)):
        due = NOW + timedelta(minutes=2 * place)
        assert any(due <= at <= due + timedelta(seconds=70) for at in alerts_of(service, code)), f"concern {place + 1} of 8"


def test_a_flood_of_red_texts_reaches_the_duty_phone_in_few_texts(service: Service, site: Site) -> None:
    """T6: sixty numbers in a minute, then an hour without an answer: bounded texts, each naming how many are open."""
    for place in range(60):
        service.text(f"+2507880011{place:02d}", RED)
    service.work()
    assert len([to for to, _, _ in service.gateway.sent if to == DUTY]) == 5
    for minute in range(1, 61, 3):
        site.at(NOW + timedelta(minutes=minute))
        service.tick()
    texts = [text for to, text, _ in service.gateway.sent if to == DUTY]
    assert len(texts) <= 5 + 20 + 5, "at first, one a round, five repeats"
    assert "60 open" in texts[-1]


def test_an_alert_with_nobody_to_send_it_to_leaves_as_soon_as_there_is_someone(service: Service) -> None:
    """S25: no duty was ever entered; the moment somebody is on duty the alert goes, and it is not at its third step."""
    site = Site.build(service.context)
    service.text("+250788001100", RED)
    for minute in (1, 6, 11, 21, 22):
        site.at(NOW + timedelta(minutes=minute))
        service.tick()
    assert not [one for one in service.gateway.sent if one[0] == DUTY]
    on_duty(service, site)
    site.at(NOW + timedelta(minutes=23, seconds=5))
    service.tick()
    assert [to for to, _, _ in service.gateway.sent if to == DUTY] == [DUTY]


def test_two_clocks_do_not_hurry_the_steps_of_an_alert(service: Service, site: Site) -> None:
    """S25, F37: the second clock finds the step taken and leaves the next one for its own time."""
    service.text("+250788001100", RED)
    with service.context.database.begin() as db:
        alert_id = db.execute(select(alert.c.id)).scalar_one()
    site.at(NOW + timedelta(minutes=5, seconds=1))
    for _ in range(2):
        with service.context.database.begin() as db:
            raise_concern.send_alert(service.context, db, alert_id, service.context.now(db))
    with service.context.database.begin() as db:
        assert db.execute(select(alert.c.step)).scalar_one() == 2


def test_an_alert_is_opened_when_every_four_digits_are_taken(service: Service, site: Site) -> None:
    """I22, I5: ten thousand open alerts leave no free code; the next one takes a code again and does not search for ever."""
    with service.context.database.begin() as db:
        now = service.context.now(db)
        concern_id = raise_concern.raise_concern(service.context, db, About("crisis_red"), now)
        used = db.execute(select(alert.c.ack_code)).scalar_one()
        later = now + timedelta(days=1)
        rows = [
            {"id": new_row_id(), "concern_id": concern_id, "ack_code": f"{code:04d}", "step": 1, "opened_at": now, "next_at": later}
            for code in range(10_000)
            if f"{code:04d}" != used
        ]
        db.execute(alert.insert(), rows)
    assert service.text("+250788001100", RED).status_code == 200
    assert len(red_codes(service)) == 2
