"""Attaching a late text in a transcript, as the button on the thread does."""

from __future__ import annotations

from sqlalchemy import select

from sms_service.models import numbers
from sms_service.models.inbound import inbound
from sms_service.models.staff import staff
from sms_service.usecases.late_answers import attach, offers
from sms_service.usecases.sign_in import SignedIn
from tests.usecases.site import Site


def attach_newest(site: Site, person_code: str, phone: str) -> bool:
    """The newest text of this phone (E.164) goes to the latest question offered for it; whether there was one."""
    context = site.context
    with context.database.begin() as db:
        number = numbers.find(db, context.vault, phone)
        assert number is not None
        newest = select(inbound.c.id).where(inbound.c.number_id == number.id).order_by(inbound.c.id.desc())
        text = db.execute(newest).scalars().first() or 0
        found = offers(context, db, [text]).get(text, [])
        officer = db.execute(select(staff).where(staff.c.login == "officer")).first()
    if not found:
        return False
    if officer is None:
        site.staff("officer", "staff")
        with context.database.begin() as db:
            officer = db.execute(select(staff).where(staff.c.login == "officer")).one()
    me = SignedIn(0, officer.id, officer.code, "officer", "officer", "en", frozenset({"staff"}), None, True)
    attach(context, me, person_code, text, found[0].dialogue_id)
    return True
