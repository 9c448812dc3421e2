"""What transcripts set up and staff do around follow-ups: exercises, services, referrals, closing a group, question sets."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import select, update

from sms_service.models.concerns import concern
from sms_service.models.directory import directory_entry
from sms_service.models.groups import session_template
from sms_service.models.people import person
from sms_service.models.staff import staff
from sms_service.security.tokens import new_row_id
from sms_service.usecases.directory import Entry, add_entry
from sms_service.usecases.groups import change_group
from sms_service.usecases.question_sets import turn_set
from sms_service.usecases.referrals import refer
from sms_service.usecases.sign_in import SignedIn
from tests.usecases.site import Site

SERVICE = Entry("other", "Clinic", "health", "0788777777", "Nyarugenge", "day", "free")


def exercise(site: Site, _words: list[str]) -> None:
    """``given exercise agreed``: every meeting of the curriculum agrees on one, for groups planned from here on."""
    with site.context.database.begin() as db:
        db.execute(update(session_template).values(home_practice="greet one neighbour"))


def phase(site: Site, words: list[str]) -> None:
    """``given phase 1 Block``: the phase of a meeting of the curriculum."""
    with site.context.database.begin() as db:
        db.execute(update(session_template).where(session_template.c.no == int(words[0])).values(phase=words[1]))


def service(site: Site, _words: list[str]) -> None:
    """``given service Clinic``: a service of the directory, called today."""
    add_entry(site.context, SERVICE, "command")


def lead(site: Site) -> SignedIn:
    """A signed-in safeguarding person, made at the first call."""
    with site.context.database.begin() as db:
        row = db.execute(select(staff).where(staff.c.login == "helper")).first()
    if row is None:
        site.staff("helper", "safeguarding")
        return lead(site)
    return SignedIn(1, row.id, row.code, row.login, "Helper", "en", frozenset({"safeguarding"}), None, True)


def _refers(site: Site, words: list[str]) -> None:
    """``staff refers P1001 oral``: the person's latest concern, to the service of ``given service``."""
    with site.context.database.begin() as db:
        query = select(concern.c.code).join(person, person.c.id == concern.c.person_id).where(person.c.code == words[0])
        code = db.execute(query.order_by(concern.c.id.desc())).scalar()
        entry_id = db.execute(select(directory_entry.c.id).where(directory_entry.c.name == SERVICE.name)).scalar_one()
    assert code is not None
    refer(site.context, lead(site), code, entry_id, words[1], "the lead on duty, a child at risk", new_row_id())


def _state(site: Site, words: list[str], state: str) -> None:
    change_group(site.context, words[0], "command", state=state, venue_code="V1")


GIVEN: Mapping[str, Callable[[Site, list[str]], None]] = {"exercise": exercise, "phase": phase, "service": service}
STAFF: Mapping[str, Callable[[Site, list[str]], None]] = {
    "refers": _refers,
    "closes": lambda site, words: _state(site, words, "closed"),
    "reopens": lambda site, words: _state(site, words, "running"),
    "turns": lambda site, words: turn_set(site.context, words[2], words[1], "command", on=words[0] == "on"),
}
