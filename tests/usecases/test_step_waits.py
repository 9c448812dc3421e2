"""A step that could not be taken for want of the database is no fault of the text."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select
from sqlalchemy.exc import TimeoutError as PoolTimeout

from sms_service.database import Database
from sms_service.models.inbound import inbound
from sms_service.usecases.process_inbound import process_waiting
from tests.service import Service
from tests.usecases.site import Site


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_step_without_a_connection_is_not_counted_against_its_text(service: Service) -> None:
    """I2, F12: three times without a connection must not hand the text to a person."""
    Site.build(service.context)
    service.text("+250788000009", "mumpamagare")
    narrow = Database(service.context.database.url, wait_ms=50, pool=1)
    with narrow.begin():
        for _ in range(3):
            with pytest.raises(PoolTimeout):
                process_waiting(replace(service.context, database=narrow))
    narrow.dispose()
    with service.context.database.begin() as db:
        kept = db.execute(select(inbound.c.state, inbound.c.fails)).one()
    assert tuple(kept) == ("new", 0)
