"""Referrals on the pages of a concern: consent first, no stale number, no mediator after violence; and a group's question sets."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from sms_service.models.directory import directory_entry
from sms_service.models.question_sets import group_question_set
from sms_service.models.referrals import referral
from sms_service.models.schedules import occurrence
from sms_service.usecases.directory import Entry, add_entry
from tests.console.conftest import Browser, Browsers
from tests.console.test_forms import count, once_on
from tests.console.world import World

DECISION = "lead on duty: a child is at risk tonight"


@pytest.fixture
def services(world: World) -> dict[str, str]:
    """Row ids by name: a clinic, a mediator filed under law, and a line nobody has called for a year."""
    found = {}
    for name, kind in (("Clinic", "health"), ("Abunzi of the cell", "legal"), ("Old line", "support")):
        found[name] = str(
            add_entry(world.context, Entry("other", name, kind, "0788777777", "Nyarugenge", "day", "free"), "command")
        )
    with world.context.database.begin() as db:
        expired = world.context.now(db) - timedelta(days=1)
        db.execute(update(directory_entry).where(directory_entry.c.name == "Old line").values(valid_until=expired))
    return found


def path(code: str) -> str:
    return f"/console/concerns/{code}/referrals"


def sent(browser: Browser, code: str, **fields: str) -> tuple[int, str]:
    return browser.post(
        path(code), {"act": "refer", "entry": "", "consent": "", "decision": "", **once_on(browser, path(code)), **fields}
    )


def test_a_referral_is_made_once_followed_up_and_its_outcome_kept(
    browsers: Browsers, world: World, services: dict[str, str]
) -> None:
    """S28, V19: with consent recorded by whom and how; the same form twice makes one; the follow-up is planned with it."""
    browser = browsers("staff")
    fields = {**once_on(browser, path(world.task)), "act": "refer", "entry": services["Clinic"], "consent": "oral"}
    assert browser.post(path(world.task), fields)[0] == 303
    assert browser.post(path(world.task), fields)[0] == 303
    with world.context.database.begin() as db:
        made = db.execute(select(referral)).one()
        planned = db.execute(select(occurrence).where(occurrence.c.kind == "referral")).one()
    assert (made.consent, made.decision, made.person_id) == ("oral", None, world.ids[world.person])
    assert timedelta(days=6) < planned.due_at - made.created_at < timedelta(days=8)
    page = browser.get(path(world.task))[1]
    assert "Clinic" in page
    assert "Agreed, by word of mouth" in page
    assert "not known yet" in page
    told = {"act": "outcome", "referral": str(made.id), "outcome": "yes"}
    assert browser.post(path(world.task), told)[0] == 303
    assert "Got it" in browser.get(path(world.task))[1]
    assert browser.post(path(world.concern), told)[0] in (404, 422), "staff know of no grave concern"


REFUSED = (
    ("no consent", "C2042", {"entry": "Clinic"}, "Please choose one of the list."),
    ("a stale number", "C2042", {"entry": "Old line", "consent": "oral"}, "nobody has called this number for 90 days"),
    ("no service", "C2042", {"consent": "oral"}, "choose a service of the directory"),
    ("not asked, for a request", "C2042", {"entry": "Clinic", "consent": "imminent", "decision": DECISION}, "on a grave concern"),
    ("not asked, no decision", "C1042", {"entry": "Clinic", "consent": "imminent"}, "Please fill in this field."),
    ("a mediator after violence", "C1042", {"entry": "Abunzi of the cell", "consent": "oral"}, "never where there may be violence"),
)


@pytest.mark.parametrize(("_what", "code", "fields", "words"), REFUSED, ids=[row[0] for row in REFUSED])
def test_a_referral_is_refused(
    browsers: Browsers, world: World, services: dict[str, str], _what: str, code: str, fields: dict[str, str], words: str
) -> None:
    """S28, S29, S38: nothing is stored, and the page says why beside the field."""
    browser = browsers("safeguarding")
    status, page = sent(browser, code, **{**fields, "entry": services.get(fields.get("entry", ""), "")})
    assert (status, words in page) == (422, True), page
    assert count(world, referral) == 0


def test_what_may_not_be_offered_is_not_on_the_list(browsers: Browsers, world: World, services: dict[str, str]) -> None:
    """S29, S38: a mediator for a question of law only, and never a number that nobody has called."""
    browser = browsers("safeguarding")
    law, grave = browser.get(path(world.task))[1], browser.get(path(world.concern))[1]
    assert ("Abunzi" in law, "Abunzi" in grave) == (True, False)
    assert "Old line" not in law + grave
    assert ("imminent danger to a life or a child</option>" in law, "imminent danger to a life or a child</option>" in grave) == (
        False,
        True,
    )


def test_acting_without_consent_keeps_the_decision_sealed(browsers: Browsers, world: World, services: dict[str, str]) -> None:
    """S28: who decided and why is recorded, readable on this page and in no dump."""
    browser = browsers("safeguarding")
    assert sent(browser, world.concern, entry=services["Clinic"], consent="imminent", decision=DECISION)[0] == 303
    with world.context.database.begin() as db:
        made = db.execute(select(referral)).one()
    assert DECISION.encode() not in made.decision
    assert DECISION in browser.get(path(world.concern))[1]
    assert browsers("staff").get(path(world.concern))[0] == 404
    assert browsers("facilitator").get(path(world.task))[0] == 403


def test_a_group_uses_a_question_set_from_its_page(browsers: Browsers, world: World) -> None:
    """Domain section 2.6: shown to staff, turned on and off by a plain form, audited; another's group shows no set."""
    browser = browsers("staff")
    page = browser.get(f"/console/groups/{world.group}")[1]
    assert "Deciding together" in page
    on = {"act": "set", "set": "couple", "on": "1"}
    assert browser.post(f"/console/groups/{world.group}/change", on)[0] == 303
    assert "In use" in browser.get(f"/console/groups/{world.group}")[1]
    assert "Deciding together" in browser.get(f"/console/people/{world.person}")[1]
    assert browser.post(f"/console/groups/{world.group}/change", {**on, "on": "0"})[0] == 303
    assert "In use" not in browser.get(f"/console/groups/{world.group}")[1]
    status, page = browser.post(f"/console/groups/{world.group}/change", {**on, "set": "checkin"})
    assert (status, "no published question set" in page) == (422, True)
    with world.context.database.begin() as db:
        assert db.execute(select(group_question_set.c.name)).scalars().all() == ["couple"]
    assert "Deciding together" not in browsers("facilitator").get(f"/console/groups/{world.group}")[1]
