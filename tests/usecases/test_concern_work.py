"""Working on a concern: who may, in which order, and what stays of it (S15, S25, S30, S31, I17)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select

from sms_service.models import audit, concerns
from sms_service.models.concerns import alert, concern_note
from sms_service.models.people import identity
from sms_service.models.staff import staff
from sms_service.usecases import concerns as work
from sms_service.usecases import reveal
from sms_service.usecases.context import Context
from sms_service.usecases.faults import UseFault
from sms_service.usecases.sign_in import SignedIn
from sms_service.usecases.staff_accounts import add_staff
from tests.console.world import HELD, NAME, PHONE, World, make_world

Me = Callable[[str], SignedIn]


@pytest.fixture
def world(context: Context) -> World:
    return make_world(context)


@pytest.fixture
def me(context: Context) -> Me:
    """A signed-in person of a role."""

    def signed_in(role: str) -> SignedIn:
        made = add_staff(context, role, role, [role], actor="command")
        with context.database.begin() as db:
            row = db.execute(select(staff).where(staff.c.code == made.code)).one()
        return SignedIn(1, row.id, row.code, row.login, role, "en", frozenset({role}), None, True)

    return signed_in


def state_of(context: Context, code: str) -> str:
    with context.database.begin() as db:
        row = concerns.by_code(db, code)
        assert row is not None
        return str(row.state)


def test_acknowledging_stops_the_alert_and_names_an_owner(context: Context, world: World, me: Me) -> None:
    """S25: in the console as from the phone; the second of two people is told that somebody was quicker."""
    lead = me("safeguarding")
    with context.database.begin() as db:
        world.put(
            db,
            alert,
            concern_id=world.ids[world.concern],
            ack_code="7731",
            step=1,
            opened_at=world.now,
            next_at=world.now,
        )
    work.acknowledge(context, lead, world.concern, "new")
    with context.database.begin() as db:
        row = concerns.by_code(db, world.concern)
        assert row is not None
        assert (row.state, row.owner_id) == ("acknowledged", lead.staff_id)
        assert db.execute(select(alert.c.acknowledged_by)).scalar_one() == lead.code
    with pytest.raises(work.Stale):
        work.acknowledge(context, lead, world.concern, "new")


def test_the_way_from_new_to_closed_is_in_the_history(context: Context, world: World, me: Me) -> None:
    """S15, I17: each act with who and when; the audit has one entry for each."""
    lead = me("safeguarding")
    work.acknowledge(context, lead, world.concern)
    work.log_attempt(context, lead, world.concern, "no_answer")
    assert state_of(context, world.concern) == "unreachable"
    work.log_attempt(context, lead, world.concern, "spoke")
    assert state_of(context, world.concern) == "contacted"
    work.agree_plan(context, lead, world.concern)
    work.add_note(context, lead, world.concern, "Visit on Friday with the nurse.")
    work.close(context, lead, world.concern, "supported")
    with context.database.begin() as db:
        case = work.case(context, db, lead, world.concern)
        acts = [row.act for row in audit.latest(db, 50) if row.act.startswith("concern.")]
    assert case is not None
    told = [event.what for event in case.history]
    assert told == ["opened", "acknowledge", "attempt", "attempt", "plan", "note", "close"]
    assert [event.words for event in case.history if event.words] == ["Visit on Friday with the nurse."]
    assert acts.count("concern.attempt") == 2
    assert {"concern.note", "concern.close", "concern.plan", "concern.acknowledge"} <= set(acts)


def test_silence_is_not_safety(context: Context, world: World, me: Me) -> None:
    """S30: a grave concern closes only after somebody tried to reach the person."""
    lead = me("safeguarding")
    with pytest.raises(UseFault, match="silence is not safety"):
        work.close(context, lead, world.concern, "supported")
    assert state_of(context, world.concern) == "new"
    work.log_attempt(context, lead, world.concern, "in_person")
    work.close(context, lead, world.concern, "supported")
    assert state_of(context, world.concern) == "closed"
    with pytest.raises(work.Stale):
        work.log_attempt(context, lead, world.concern, "spoke")


def test_staff_work_on_requests_and_do_not_know_of_grave_concerns(context: Context, world: World, me: Me) -> None:
    """S31, S32, T12: neither in the list, nor by code, nor by acting on it."""
    member = me("staff")
    with context.database.begin() as db:
        assert [row.code for row in work.listed(db, member, work.Filter(), limit=9)] == [world.task]
        assert work.case(context, db, member, world.concern) is None
        assert work.open_count(db, member) == 1
    with pytest.raises(UseFault):
        work.acknowledge(context, member, world.concern)
    assert state_of(context, world.concern) == "new"
    work.acknowledge(context, member, world.task)


def test_other_roles_see_no_concern_at_all(context: Context, world: World, me: Me) -> None:
    """S31."""
    for reader in (me("admin"), me("read_only")):
        with context.database.begin() as db:
            assert work.listed(db, reader, work.Filter(state="all"), limit=9) == []


LISTS: tuple[tuple[work.Filter, list[str]], ...] = (
    (work.Filter(), ["C1042", "C2042"]),
    (work.Filter(severity="red"), ["C1042"]),
    (work.Filter(kind="call_request"), ["C2042"]),
    (work.Filter(group="G07"), ["C1042", "C2042"]),
    (work.Filter(group="G08"), []),
    (work.Filter(overdue=True), ["C1042"]),
    (work.Filter(state="closed"), []),
)


def test_lists(context: Context, world: World, me: Me) -> None:
    """Unacknowledged RED first, then by when it is due."""
    lead = me("safeguarding")
    with context.database.begin() as db:
        now = context.now(db)
        found = [(one, [row.code for row in work.listed(db, lead, one, limit=9, now=now)]) for one, _ in LISTS]
    assert found == list(LISTS)


def test_a_form_opened_before_somebody_acted_is_refused(context: Context, world: World, me: Me) -> None:
    """Reliability section 10, stale form: nothing is changed."""
    lead = me("safeguarding")
    work.log_attempt(context, lead, world.task, "spoke", "new")
    with pytest.raises(work.Stale):
        work.close(context, lead, world.task, "done", "new")
    assert state_of(context, world.task) == "contacted"


def test_an_empty_or_endless_note_is_refused(context: Context, world: World, me: Me) -> None:
    lead = me("safeguarding")
    for words in ("", "   ", "x" * (work.NOTE_LIMIT + 1)):
        with pytest.raises(UseFault):
            work.add_note(context, lead, world.concern, words)


def test_a_note_is_sealed(context: Context, world: World, me: Me) -> None:
    """T13: its words are not in the table."""
    work.add_note(context, me("safeguarding"), world.concern, "Visit on Friday.")
    with context.database.begin() as db:
        assert b"Friday" not in bytes(db.execute(select(concern_note.c.note)).scalar_one())


def test_opening_the_text_needs_a_reason_and_leaves_an_entry(context: Context, world: World, me: Me) -> None:
    """S32, I17."""
    lead = me("safeguarding")
    with pytest.raises(UseFault):
        work.open_text(context, lead, world.concern, "  ")
    assert work.open_text(context, lead, world.concern, "to prepare the call") == HELD
    with pytest.raises(UseFault):
        work.open_text(context, me("staff"), world.concern, "curious")
    with context.database.begin() as db:
        assert len(audit.latest(db, 50, act="concern.reveal")) == 1


def test_an_identity_is_shown_with_a_reason_and_an_entry(context: Context, world: World, me: Me) -> None:
    """S31, I17: code, reason and who, in the same transaction."""
    member = me("staff")
    with pytest.raises(UseFault):
        reveal.reveal(context, member, world.person, "")
    found = reveal.reveal(context, member, world.person, "asked for a call")
    assert found.name == NAME
    assert [phone[0] for phone in found.phones] == [PHONE]
    with context.database.begin() as db:
        entry = audit.latest(db, 1)[0]
        assert (entry.actor, entry.act, entry.subject) == (member.code, "identity.reveal", world.person)
        assert NAME.encode() not in bytes(db.execute(select(identity.c.name).limit(1)).scalar_one())
    with pytest.raises(UseFault):
        reveal.reveal(context, me("admin"), world.person, "curious")


def test_more_than_twenty_reveals_a_day_raise_a_task(context: Context, world: World, me: Me) -> None:
    """T9: the 21st, once."""
    member = me("staff")
    for _ in range(reveal.MANY_A_DAY + 2):
        reveal.reveal(context, member, world.person, "asked for a call")
    lead = me("safeguarding")
    with context.database.begin() as db:
        raised = [row for row in work.listed(db, lead, work.Filter(), limit=50) if row.kind == "many_reveals"]
    assert [row.note_code for row in raised] == [member.code]
