"""What people are told when a meeting moves twice before the first text has left."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update

from sms_service.models.outbox import outbox
from sms_service.usecases.move_meeting import move_meeting
from tests.usecases.site import Site


def v4_texts(site: Site) -> list[str]:
    with site.context.database.begin() as db:
        rows = db.execute(select(outbox).where(outbox.c.kind == "v4", outbox.c.state == "queued")).all()
        return [site.context.vault.open("outbox", "body", row.id, row.body) for row in rows]


def test_a_second_move_speaks_of_the_date_people_know(site: Site) -> None:
    """V4: nobody has heard of the first new date, so the second text moves the meeting from the date they were told."""
    site.group()
    site.person(language="en")
    known = site.meetings()[0]
    move_meeting(site.context, known.id, known.starts_at + timedelta(days=1), "command")
    move_meeting(site.context, known.id, known.starts_at + timedelta(days=2), "command")
    (said,) = v4_texts(site)
    assert f"{known.starts_at.day}/{known.starts_at.month} has moved" in said


def test_moved_back_before_anybody_heard_nothing_is_said(site: Site) -> None:
    """V4 is not sent for a move that was undone while its text still waited."""
    site.group()
    site.person(language="en")
    known = site.meetings()[0]
    move_meeting(site.context, known.id, known.starts_at + timedelta(days=1), "command")
    move_meeting(site.context, known.id, known.starts_at, "command")
    assert v4_texts(site) == []


def test_moved_again_after_people_heard_each_move_is_told(site: Site) -> None:
    """V4, there and back and there again: the third text is as new as the first."""
    site.group()
    site.person(language="en")
    known = site.meetings()[0]
    other = known.starts_at + timedelta(days=1)
    for start in (other, known.starts_at, other):
        move_meeting(site.context, known.id, start, "command")
        assert len(v4_texts(site)) == 1
        with site.context.database.begin() as db:
            db.execute(update(outbox).where(outbox.c.kind == "v4", outbox.c.state == "queued").values(state="delivered"))
