"""The upgrade that brings follow-ups: who had agreed to learning data may be asked, and what was planned stays planned."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import insert, select, text

from sms_service import schema
from sms_service.models.people import consent
from sms_service.models.schedules import occurrence
from sms_service.security.tokens import new_row_id
from sms_service.usecases.context import Context
from tests.usecases.site import NOW, Site

BEFORE = "0009"


def test_who_agreed_before_the_upgrade_may_be_asked_after_it(context: Context) -> None:
    """S16, I24: the flag follows each person's latest word in the ledger, and pending occurrences survive both ways."""
    site = Site.build(context)
    site.group()
    agreed, took_it_back, never = (site.person(consents=("reminders", "learning")) for _ in range(3))
    ids = {code: site.id_of(code) for code in (agreed, took_it_back, never)}
    with context.database.begin() as db:
        for code, given, days in ((took_it_back, False, 1), (agreed, False, -2), (agreed, True, 3)):
            row = {"id": new_row_id(), "person_id": ids[code], "purpose": "learning", "given": given, "how": "oral"}
            db.execute(insert(consent).values(**row, at=NOW + timedelta(days=days), language="rw", recorded_by="S", wording="v1"))
        db.execute(consent.delete().where(consent.c.person_id == ids[never], consent.c.purpose == "learning"))
        planned = db.execute(select(occurrence.c.schedule).order_by(occurrence.c.schedule)).scalars().all()
        about = {"id": new_row_id(), "schedule": "referral:1", "kind": "referral", "about": "1", "state": "pending"}
        db.execute(insert(occurrence).values(**about, due_at=NOW, expires_at=NOW))
    schema.downgrade(context.database, BEFORE)
    schema.migrate(context.database)
    with context.database.begin() as db:
        may: dict[str, Any] = dict(db.execute(text("SELECT code, may_learn FROM person")).tuples().all())
        assert {code: bool(may[code]) for code in (agreed, took_it_back, never)} == {
            agreed: True,
            took_it_back: False,
            never: False,
        }
        assert db.execute(select(occurrence.c.schedule).order_by(occurrence.c.schedule)).scalars().all() == planned
