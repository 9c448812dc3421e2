"""V7, V8 and V18 in the database: what is planned, who gets it, what is dropped with which reason, and what it costs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from sms_service import clock
from sms_service.models import audit
from sms_service.models.groups import group, session_template
from sms_service.models.meetings import meeting
from sms_service.models.outbox import outbox
from sms_service.models.people import contact_point
from sms_service.models.schedules import occurrence
from sms_service.usecases.attendance import mark_attendance
from sms_service.usecases.enrol import set_consents
from sms_service.usecases.groups import add_member, change_group
from sms_service.usecases.move_meeting import move_meeting
from sms_service.usecases.occurrences import fire_due
from sms_service.usecases.tick import run_schedules
from tests.service import Service
from tests.usecases.site import NOW, Site
from tests.usecases.test_fan_out import START, counted

CHECKINS = ("reminders", "checkins")


@pytest.fixture
def site(service: Service) -> Site:
    return Site.build(service.context)


def close(site: Site, code: str = "G07", state: str = "closed") -> None:
    change_group(site.context, code, "command", state=state, venue_code="V1")


def due(site: Site, kind: str, state: str = "pending") -> list[str]:
    """When occurrences of a kind are due, local."""
    query = select(occurrence.c.due_at).where(occurrence.c.kind == kind, occurrence.c.state == state)
    with site.context.database.begin() as db:
        return [f"{clock.local(at):%Y-%m-%d %H:%M}" for at in db.execute(query.order_by(occurrence.c.due_at)).scalars()]


def texts(site: Site, template: str) -> list[tuple[str, str]]:
    return [(row.state, row.reason or "") for row in site.texts(outbox.c.template == template)]


def held(site: Site, code: str, marks: dict[str, str]) -> None:
    """The group's first meeting was held, in the evening of its day."""
    site.at(START + timedelta(hours=4))
    mark_attendance(site.context, site.meetings(code)[0].id, marks, "command", source="staff")


@pytest.mark.parametrize(
    ("closed", "expected"),
    [
        (
            datetime(2026, 8, 31, 8, tzinfo=UTC),
            ["2026-09-30", "2026-10-31", "2026-12-31", "2027-02-28", "2027-05-31", "2027-08-31"],
        ),
        (
            datetime(2026, 12, 5, 22, 30, tzinfo=UTC),
            ["2027-01-06", "2027-02-06", "2027-04-06", "2027-06-06", "2027-09-06", "2027-12-06"],
        ),
    ],
    ids=["the last of a month", "past midnight in Kigali"],
)
def test_caring_messages_are_planned_in_the_transaction_that_closes(site: Site, closed: datetime, expected: list[str]) -> None:
    """V18: months 1, 2, 4, 6, 9 and 12 after the closing date, at 10:00 local; closing twice plans nothing twice (I12)."""
    site.group(first_day=None)
    site.at(closed)
    close(site)
    close(site)
    assert due(site, "caring") == [f"{day} 10:00" for day in expected]
    close(site, state="running")
    assert due(site, "caring") == []
    with site.context.database.begin() as db:
        assert db.execute(select(group.c.closed_at, group.c.verified_since)).one() == (None, None)


def test_who_was_in_two_groups_that_closed_has_one_caring_message(site: Site) -> None:
    """V18: the same words twice on one morning are one chance more to be seen, and say nothing more."""
    for code in ("G07", "G08"):
        site.group(code, first_day=None)
    both, one = site.person("G07", consents=CHECKINS), site.person("G08", consents=CHECKINS)
    add_member(site.context, "G08", both, "member", "command")
    with site.context.database.begin() as db:
        db.execute(update(contact_point).values(verified_at=NOW))
    for code in ("G07", "G08"):
        close(site, code)
    site.at(datetime(2026, 6, 13, 8, 1, tzinfo=UTC))
    run_schedules(site.context)
    rows = site.texts(outbox.c.template == "V18")
    assert sorted(row.number_id for row in rows) == sorted(site.contact_of(code).number_id for code in (both, one))


def test_only_meetings_with_an_exercise_have_a_v8(site: Site) -> None:
    """V8: three days after a meeting whose template has a home practice; V7 the day after every meeting."""
    with site.context.database.begin() as db:
        db.execute(update(session_template).where(session_template.c.no == 2).values(home_practice="greet one neighbour"))
    site.group()
    assert due(site, "practice") == ["2026-05-30 10:00"]
    assert due(site, "feedback")[:2] == ["2026-05-21 15:00", "2026-05-28 15:00"]


def _queue(site: Site, code: str, template: str, hours: float, state: str, kind: str = "scheduled") -> None:
    """Put a text of another kind to this person's number ``hours`` from now."""
    contact, at = site.contact_of(code), START + timedelta(hours=25 + hours)
    site.context.database.run(lambda db: db.execute(outbox.insert().values(**_text(contact, template, at, state, kind))))


def _text(contact: Any, template: str, at: datetime, state: str, kind: str) -> dict[str, Any]:
    row = {"id": contact.id + int(at.timestamp()), "key": f"{template}:{at:%d%H%M}", "number_id": contact.number_id}
    row |= {"template": template, "kind": kind, "text_class": "A", "lane": 3, "language": "rw", "body": b"x", "body_hash": b"x"}
    return row | {"state": state, "not_before": at, "expires_at": at + timedelta(days=1), "created_at": at, "attempts": 0}


FULL, NEAR = "weekly cap: the reminders go first", "within a day of a text about a meeting"
TWO_GONE = (("V6", -100, "delivered"), ("V5", -80, "delivered"))
ROWS: tuple[tuple[str, tuple[tuple[Any, ...], ...], tuple[str, str]], ...] = (
    ("nothing else", (), ("queued", "")),
    ("a week with room for one", (("V6", -100, "delivered"), ("broadcast", -60, "accepted", "broadcast")), ("queued", "")),
    ("a full week", (("V6", -100, "delivered"), ("V5", -80, "unknown"), ("V8", -60, "failed")), ("suppressed", FULL)),
    ("the place of a broadcast that waits", (*TWO_GONE, ("broadcast", 5, "queued", "broadcast")), ("suppressed", FULL)),
    ("texts that never left count for nothing", (*TWO_GONE, ("V8", -60, "suppressed"), ("V5", -70, "expired")), ("queued", "")),
    ("a reminder sent less than a day before", (("V3", -23, "delivered"),), ("suppressed", NEAR)),
    ("a plain reminder to come", (("V3b", 23, "queued"),), ("suppressed", NEAR)),
    ("a moved meeting", (("V4", -1, "accepted", "v4"),), ("suppressed", NEAR)),
    ("a reminder that was not sent", (("V3", -1, "cancelled"),), ("queued", "")),
    ("a reminder more than a day away", (("V3", -25, "delivered"),), ("queued", "")),
)  # fmt: skip


@pytest.mark.parametrize(("_what", "others", "expected"), ROWS, ids=[row[0] for row in ROWS])
def test_feedback_is_dropped_with_its_reason(
    site: Site, _what: str, others: tuple[tuple[Any, ...], ...], expected: tuple[str, str]
) -> None:
    """V7, S39, domain section 9.3: under the cap, after everything kept before it, and not beside a text about a meeting."""
    site.group("G08")
    person = site.person("G08", consents=CHECKINS)
    with site.context.database.begin() as db:
        db.execute(update(outbox).values(state="cancelled"))
        later = (occurrence.c.kind != "feedback") | (occurrence.c.due_at > START + timedelta(days=3))
        db.execute(update(occurrence).where(later).values(state="cancelled"))
    held(site, "G08", {person: "present"})
    with site.context.database.begin() as db:
        # no other meeting is near: what a coming one's reminders take is the transcripts' business
        db.execute(update(meeting).where(meeting.c.no > 1).values(starts_at=NOW + timedelta(days=60), state="cancelled"))
    for one in others:
        _queue(site, person, *one)
    site.at(START + timedelta(hours=25, seconds=1))
    run_schedules(site.context)
    assert texts(site, "V7")[-1] == expected


def test_feedback_takes_as_many_statements_for_thirty_people_as_for_three(service: Service, site: Site) -> None:
    """I22: one short transaction, in which a dial waits."""
    costs = []
    for code, members in (("G08", 3), ("G09", 30)):
        site.at(NOW)
        site.group(code)
        there = {site.person(code, consents=CHECKINS): "present" for _ in range(members)}
        held(site, code, there)
        with site.context.database.begin() as db:
            row_id = db.execute(select(group.c.id).where(group.c.code == code)).scalar_one()
            mine = (occurrence.c.group_id == row_id) & (occurrence.c.kind == "feedback")
            db.execute(update(occurrence).where(~mine).values(state="cancelled"))
        site.at(START + timedelta(hours=25, seconds=1))
        with site.context.database.begin() as db, counted(service) as count:
            fire_due(site.context, db, site.context.now(db), 1)
            costs.append(count[0])
    assert costs[1] <= costs[0] + 4, costs
    assert len(texts(site, "V7")) == 33


def test_a_language_the_published_version_lacks_keeps_nobody_elses_text_back(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """An older version runs again, without a language one person chose: that person is told of the meeting in the service's own
    words and asked nothing, the audit says so, and everybody else gets what they were due.
    """
    site.group()
    said, unsaid = site.person(consents=CHECKINS), site.person(consents=CHECKINS, language="en")
    running = site.context.published.running
    older = dict(running.conversations)
    for name in ("reminder", "moved", "feedback", "missed"):
        words = older[name].words
        without = replace(words, entries={one: texts for one, texts in words.entries.items() if one != "en"})
        older[name] = replace(older[name], words=without)
    monkeypatch.setattr(site.context.published, "running", replace(running, conversations=older))
    run_schedules(site.context)
    move_meeting(site.context, site.meetings("G07")[1].id, START + timedelta(days=8), "command")
    held(site, "G07", {said: "present", unsaid: "present"})
    site.at(START + timedelta(hours=25, seconds=1))
    run_schedules(site.context)
    numbers = {site.contact_of(code).number_id: code for code in (said, unsaid)}
    rows = site.texts(outbox.c.template.in_(("V3", "V3b", "V4", "V4b", "V7")))
    found = {(numbers[row.number_id], row.template) for row in rows}
    assert found == {(said, "V3"), (said, "V4"), (said, "V7"), (unsaid, "V3b"), (unsaid, "V4b")}
    with site.context.database.begin() as db:
        assert "text.language_missing" in [row.act for row in audit.latest(db, 20)]


def test_consent_withdrawn_before_the_text_leaves_holds_it_back(service: Service, site: Site) -> None:
    """S16, I10: V7 was planned for a phone whose safe hours come later; meanwhile its person took the consent back."""
    site.group()
    hours = "Mon-Wed 08:00-19:00;Thu 17:00-18:00"
    kept, taken = (site.person(consents=CHECKINS, safe_hours=hours) for _ in range(2))
    with site.context.database.begin() as db:
        db.execute(update(outbox).values(state="cancelled"))
        db.execute(update(occurrence).where(occurrence.c.kind != "feedback").values(state="cancelled"))
    held(site, "G07", {kept: "present", taken: "present"})
    site.at(START + timedelta(hours=25, seconds=1))
    run_schedules(site.context)
    assert texts(site, "V7") == [("queued", "")] * 2
    set_consents(site.context, taken, ["reminders"], "oral", "command")
    service.wait_until(START + timedelta(hours=28))
    assert sorted(texts(site, "V7")) == [("accepted", ""), ("suppressed", "no consent for this purpose")]
