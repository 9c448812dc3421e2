"""Limits that a form or an upgrade meets: turns of duty, kinds of services, a migration that dies half-way."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import inspect

from sms_service import schema
from sms_service.database import Database
from sms_service.models import state
from sms_service.usecases import directory
from sms_service.usecases.faults import UseFault
from sms_service.usecases.rota import LONGEST, add_duty
from tests.usecases.site import NOW, Site


def test_a_turn_of_duty_has_an_end(site: Site) -> None:
    """S45: the rota is part of the product; a turn longer than a month, or a line held twice, is refused."""
    holder = site.staff("lead", "safeguarding")
    add_duty(site.context, holder, 1, NOW, NOW + LONGEST, "0788009001", "command")
    with pytest.raises(UseFault, match="31 days"):
        add_duty(site.context, holder, 2, NOW, NOW + LONGEST + timedelta(minutes=1), "0788009001", "command")
    with pytest.raises(UseFault, match="already staffed"):
        add_duty(site.context, holder, 1, NOW + timedelta(days=1), NOW + timedelta(days=2), "0788009002", "command")


def test_the_directory_has_no_place_for_mediators(site: Site) -> None:
    """S29: a service of mediation cannot be entered, so no text and no caller can offer one after violence."""
    entry = directory.Entry("other", "Abunzi", "mediation", "3936", "Nyarugenge", "day", "free")
    with pytest.raises(UseFault, match="kind of service"):
        directory.add_entry(site.context, entry, "command")
    assert not [kind for kind in directory.KINDS if "mediat" in kind]


def test_a_migration_that_dies_half_way_has_not_happened(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """F43, I24: nothing is left of it, and it can be run again."""
    schema.downgrade(database)

    def dies(_: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as broken:
        broken.setattr(state, "make_rows", dies)
        with pytest.raises(RuntimeError, match="killed"):
            schema.migrate(database)
    assert not set(inspect(database.engine).get_table_names()) - {"alembic_version"}
    schema.migrate(database)
    with database.begin() as db:
        assert schema.is_current(db)
        assert state.read(db).outbound_on
