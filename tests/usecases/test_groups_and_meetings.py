"""Groups, their chain of meetings, and what moving or cancelling one does (domain 2.2, reliability 5)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import insert, select

from sms_service.models import groups, meetings
from sms_service.models.audit import audit
from sms_service.models.dialogues import dialogue, response
from sms_service.models.outbox import outbox
from sms_service.models.schedules import occurrence
from sms_service.security.tokens import new_row_id
from sms_service.usecases.attendance import coming_counts
from sms_service.usecases.faults import UseFault
from sms_service.usecases.groups import NewGroup, add_group, set_facilitators
from sms_service.usecases.move_meeting import cancel_meeting, move_check, move_meeting
from sms_service.usecases.pauses import add_pause, end_pause
from sms_service.usecases.plan_meetings import plan_meetings
from sms_service.usecases.remind_group import remind_group
from tests.usecases.site import NOW, Site


def local(day: int, hour: int = 14, month: int = 5) -> datetime:
    return datetime(2026, month, day, hour - 2, tzinfo=UTC)


def fields(fault: UseFault) -> set[str]:
    return {one.field for one in fault.faults}


def test_a_group_gets_its_chain_of_weekly_meetings_and_freezes_its_curriculum(site: Site) -> None:
    site.group()
    assert site.days() == ["05-20 14:00", "05-27 14:00", "06-03 14:00", "06-10 14:00", "06-17 14:00"]
    assert [row.no for row in site.meetings()] == [1, 2, 3, 4, 5]
    with site.context.database.begin() as db:
        assert db.execute(select(groups.curriculum.c.frozen_at)).scalar_one() is not None
        assert db.execute(select(occurrence.c.id).where(occurrence.c.kind == "reminder_morning")).first() is not None


def test_the_chain_skips_pauses_and_never_a_number(site: Site) -> None:
    """8.5: no meeting falls in a pause window, the remembrance week or on umuganda morning."""
    add_pause(site.context, date(2026, 5, 25), date(2026, 6, 7), "block", "harvest", "command")
    site.group()
    assert site.days() == ["05-20 14:00", "06-10 14:00", "06-17 14:00", "06-24 14:00", "07-01 14:00"]
    site.group("G08", weekday=5, start_time="09:00", first_day=date(2026, 5, 23))
    assert "05-30 09:00" not in site.days("G08")  # the last Saturday of May


def test_every_fault_of_a_group_is_named_and_nothing_is_made(site: Site) -> None:
    wrong = NewGroup("XYZ", "violence circle", "", 9, "25:00", "", code="group")
    with pytest.raises(UseFault) as caught:
        add_group(site.context, wrong, "command")
    expected = {"code", "neutral_name", "cell_code", "weekday", "start_time", "venue_code", "programme"}
    assert fields(caught.value) == expected
    with site.context.database.begin() as db:
        assert not groups.all_groups(db)


def test_a_form_sent_twice_makes_one_group(site: Site) -> None:
    once = new_row_id()
    new = NewGroup("CSG", "Imena", "0101", 2, "14:00", "V1")
    assert add_group(site.context, new, "command", once) == add_group(site.context, new, "command", once)
    with site.context.database.begin() as db:
        assert len(groups.all_groups(db)) == 1


def test_meetings_are_made_once_and_never_in_the_past(site: Site) -> None:
    site.group()
    with pytest.raises(UseFault):
        plan_meetings(site.context, "G07", date(2026, 6, 1), "command")
    site.group("G08", first_day=None)
    with pytest.raises(UseFault):
        plan_meetings(site.context, "G08", date(2026, 5, 12), "command")


def test_a_pair_is_a_woman_and_a_man_who_are_facilitators(site: Site) -> None:
    site.group()
    woman = site.person("", kind="facilitator", sex="F")
    man = site.person("", kind="facilitator", sex="M")
    other = site.person("")
    for first, second in ((man, woman), (woman, other), (woman, "P0000")):
        with pytest.raises(UseFault):
            set_facilitators(site.context, "G07", first, second, "command")
    set_facilitators(site.context, "G07", woman, man, "command")
    woman_id = site.id_of(woman)
    with site.context.database.begin() as db:
        assert [row.code for row in groups.of_facilitator(db, woman_id)] == ["G07"]


def test_cancelling_shifts_the_chain_and_tells_everyone(site: Site) -> None:
    """The number moves to the next slot; pending occurrences and queued texts of the old date go with it (I11)."""
    site.group()
    site.person()
    site.at(local(18, 15))
    assert remind_group(site.context, "G07", "command")[0] == "sent"
    first = site.meetings()[0]
    cancel_meeting(site.context, first.id, "command")
    assert site.days() == ["05-27 14:00", "06-03 14:00", "06-10 14:00", "06-17 14:00", "06-24 14:00"]
    assert [row.no for row in site.meetings()] == [1, 2, 3, 4, 5]
    moved = site.meetings()[0]
    assert (moved.state, moved.moved_from, moved.reason) == ("moved", first.starts_at, "cancelled")
    assert [row.state for row in site.texts(outbox.c.template == "V3")] == ["cancelled"]
    assert [row.template for row in site.texts(outbox.c.kind == "v4")] == ["cancelled"]
    with site.context.database.begin() as db:
        pending = select(occurrence.c.expires_at).where(
            occurrence.c.meeting_id == first.id, occurrence.c.state == "pending", occurrence.c.kind.not_in(("missed", "feedback"))
        )
        assert set(db.execute(pending).scalars()) == {moved.starts_at}


def test_moving_within_the_week_leaves_the_others_where_they_are(site: Site) -> None:
    site.group()
    site.person()
    first = site.meetings()[0]
    move_meeting(site.context, first.id, local(21), "command", seen=first.starts_at)
    assert site.days() == ["05-21 14:00", "05-27 14:00", "06-03 14:00", "06-10 14:00", "06-17 14:00"]
    assert [row.template for row in site.texts(outbox.c.kind == "v4")] == ["V4"]


def test_moving_onto_the_next_meeting_pushes_it_on(site: Site) -> None:
    site.group()
    move_meeting(site.context, site.meetings()[0].id, local(27), "command")
    assert site.days() == ["05-27 14:00", "06-03 14:00", "06-10 14:00", "06-17 14:00", "06-24 14:00"]


def test_a_meeting_moved_back_is_reminded_of_again(site: Site) -> None:
    """I12: its occurrences of the first date, cancelled unfired, are due again."""
    site.group()
    first = site.meetings()[0]
    move_meeting(site.context, first.id, local(21), "command")
    move_meeting(site.context, first.id, first.starts_at, "command")
    with site.context.database.begin() as db:
        rows = db.execute(select(occurrence.c.kind).where(occurrence.c.meeting_id == first.id, occurrence.c.state == "pending"))
        kinds = ["again_morning", "again_two_day", "feedback", "missed", "reminder_morning", "reminder_two_day"]
        assert sorted(rows.scalars()) == kinds


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (local(12), "past"),
        (local(7, month=4) + timedelta(days=365), "paused"),
        (local(30, 9), "paused"),
        (local(21, 23), "bad"),
        (local(21, 5), "bad"),
        (local(20), "bad"),
        (local(13, month=6) + timedelta(days=400), "bad"),
        (local(22, 10), "ok"),
    ],
)
def test_what_a_meeting_may_move_to(site: Site, start: datetime, said: str) -> None:
    site.group()
    with site.context.database.begin() as db:
        group_row = groups.by_code(db, "G07")
        row = meetings.of_group(db, group_row.id)[0] if group_row is not None else None
        assert move_check(site.context, db, group_row, row, start, NOW) == said


def test_a_meeting_cannot_move_before_the_one_before_it(site: Site) -> None:
    site.group()
    with pytest.raises(UseFault):
        move_meeting(site.context, site.meetings()[1].id, local(20, 16), "command")


def test_a_stale_form_changes_nothing(site: Site) -> None:
    """Reliability 10: edited meanwhile."""
    site.group()
    first = site.meetings()[0]
    move_meeting(site.context, first.id, local(21), "command")
    for act in (
        lambda: move_meeting(site.context, first.id, local(22), "command", seen=first.starts_at),
        lambda: cancel_meeting(site.context, first.id, "command", seen=first.starts_at),
    ):
        with pytest.raises(UseFault):
            act()
    assert site.days()[0] == "05-21 14:00"


def test_answers_to_the_old_date_count_no_more(site: Site) -> None:
    site.group()
    code = site.person()
    first = site.meetings()[0]
    contact = site.contact_of(code)
    asked = {"id": new_row_id(), "number_id": contact.number_id, "person_id": contact.person_id}
    with site.context.database.begin() as db:
        db.execute(
            insert(dialogue).values(
                **asked,
                meeting_id=first.id,
                conversation="reminder",
                place={},
                state="open",
                sms_open=True,
                opened_at=NOW,
                closes_at=first.starts_at,
            )
        )
        db.execute(
            insert(response).values(
                id=new_row_id(),
                dialogue_id=asked["id"],
                person_id=asked["person_id"],
                meeting_id=first.id,
                question="coming",
                value="yes",
                channel="sms",
                rule="yes",
                at=NOW,
            )
        )
        assert coming_counts(db, first) == (1, 0, 0)
    move_meeting(site.context, first.id, local(21), "command")
    with site.context.database.begin() as db:
        assert coming_counts(db, first) == (0, 0, 1)
        old = db.execute(select(dialogue.c.state, dialogue.c.sms_open).where(dialogue.c.id == asked["id"])).one()
        assert tuple(old) == ("closed", False)


def test_a_new_pause_window_moves_the_meetings_it_covers(site: Site) -> None:
    site.group()
    window = add_pause(site.context, date(2026, 6, 1), date(2026, 6, 5), "block", "security", "command", group_code="G07")
    assert site.days() == ["05-20 14:00", "05-27 14:00", "06-10 14:00", "06-17 14:00", "06-24 14:00"]
    end_pause(site.context, window, "command")
    with pytest.raises(UseFault):
        end_pause(site.context, window, "command")
    for bad in (
        (date(2026, 6, 5), date(2026, 6, 1), "block", "other"),
        (date(2026, 1, 5), date(2026, 1, 6), "block", "other"),
        (date(2026, 6, 5), date(2028, 6, 6), "block", "other"),
        (date(2026, 6, 5), date(2026, 6, 6), "shout", "other"),
    ):
        with pytest.raises(UseFault):
            add_pause(site.context, *bad, "command")


def test_a_group_is_reminded_once_a_meeting_and_day(site: Site) -> None:
    """Facilitator menu: outside hours it says when it will leave; a second asking the same day sends nothing."""
    site.group()
    site.person()
    site.at(datetime(2026, 5, 18, 19, 30, tzinfo=UTC))
    result, when = remind_group(site.context, "G07", "command")
    assert (result, when) == ("later", datetime(2026, 5, 19, 6, 0, tzinfo=UTC))
    assert remind_group(site.context, "G07", "command")[0] == "already"
    site.at(local(19, 10))
    assert remind_group(site.context, "G07", "command")[0] == "sent"
    site.group("G08", first_day=None)
    assert remind_group(site.context, "G08", "command") == ("none", None)


def test_each_act_is_audited_by_its_actor(site: Site) -> None:
    """I17: no audit, no act."""
    site.group()
    cancel_meeting(site.context, site.meetings()[0].id, "S12")
    with site.context.database.begin() as db:
        acts = db.execute(select(audit.c.actor, audit.c.act, audit.c.subject).order_by(audit.c.seq)).all()
    assert ("S12", "meeting.cancel", "G07 1") in [tuple(row) for row in acts]
