"""Question sets (domain section 2.6): which a group uses, and asking them, on a dial after the PIN and by SMS where a set may.

A set is a conversation with a ``[question_set]``. A person is asked only with consent to learning data (S16), within the set's
window of the group's life, and never twice within its cap. Partners are two people, and each answers alone (S10).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from sms_service import clock
from sms_service.conversation.definition import QuestionSet
from sms_service.models import dialogues, groups, pauses, people
from sms_service.models import question_sets as sets
from sms_service.models.base import insert_ignore
from sms_service.models.dialogues import dialogue
from sms_service.models.groups import session_template
from sms_service.models.meetings import meeting
from sms_service.models.outbox import cancel_queued, outbox
from sms_service.models.question_sets import group_question_set
from sms_service.models.schedules import occurrence
from sms_service.rules.question_sets import ASKED_AFTER_CLOSING, Course, Window, may_be_asked, open_window
from sms_service.rules.timing import at_local, is_paused
from sms_service.security.tokens import new_row_id
from sms_service.usecases.context import Context
from sms_service.usecases.faults import UseFault
from sms_service.usecases.fence_facts import QUESTION_SET, windows_for
from sms_service.usecases.find import group_named
from sms_service.usecases.open_dialogue import Questions
from sms_service.usecases.personal_texts import Personal, own_phones, queue_personal

ASK_AT = time(10, 0)
LIFE = timedelta(hours=33)
BLOCK_PHASE = "Block"


@dataclass(frozen=True, slots=True)
class SetLine:
    """One published question set as a page shows it; ``since`` is when the group turned it on, None when it is off."""

    name: str
    about: QuestionSet
    channels: tuple[str, ...]
    since: datetime | None


def published_sets(context: Context) -> dict[str, QuestionSet]:
    """Every published conversation that is a question set, by name."""
    found = sorted(context.conversations.items())
    return {name: conversation.question_set for name, conversation in found if conversation.question_set is not None}


def sets_of_group(context: Context, db: Connection, group_id: int) -> list[SetLine]:
    """Every published set, with whether this group uses it."""
    used = {row.name: row for row in sets.of_group(db, group_id) if row.turned_off_at is None}
    return [
        SetLine(name, about, context.conversations[name].channels, used[name].turned_on_at if name in used else None)
        for name, about in published_sets(context).items()
    ]


def sets_of_person(context: Context, db: Connection, person_id: int) -> list[QuestionSet]:
    """The published sets in use in this person's groups, each once."""
    names = {row.name for row in sets.of_person(db, person_id)}
    return [about for name, about in published_sets(context).items() if name in names]


def turn_set(context: Context, group_code: str, name: str, actor: str, *, on: bool) -> None:
    """Let a group use a question set, or no longer. Raises ``UseFault`` for a set that is not published."""
    with context.database.begin() as db:
        row, now = group_named(db, group_code), context.now(db)
        if name not in published_sets(context):
            raise UseFault("set", "there is no published question set of this name")
        mine = (group_question_set.c.group_id == row.id) & (group_question_set.c.name == name)
        before = db.execute(select(group_question_set).where(mine)).first()
        if on == (before is not None and before.turned_off_at is None):
            return
        if before is None:
            values = {"group_id": row.id, "name": name, "turned_on_at": now, "turned_on_by": actor}
            db.execute(insert(group_question_set).values(id=new_row_id(), **values))
        elif on:
            db.execute(update(group_question_set).where(mine).values(turned_on_at=now, turned_on_by=actor, turned_off_at=None))
        else:
            db.execute(update(group_question_set).where(mine).values(turned_off_at=now))
            waiting = (occurrence.c.group_id == row.id, occurrence.c.about == name, occurrence.c.state == "pending")
            db.execute(update(occurrence).where(*waiting).values(state="cancelled"))
            asking = select(dialogue.c.id).where(dialogue.c.conversation == name)
            cancel_queued(db, now, "question set turned off", outbox.c.group_id == row.id, outbox.c.dialogue_id.in_(asking))
        context.record(db, actor, "group.question_set", row.code, f"{name} {'on' if on else 'off'}")


def courses_of(db: Connection, group_ids: Collection[int]) -> dict[int, Course]:
    """By group the meetings that have been or will be, in two statements however many groups; without any it has no course."""
    standing = (meeting.c.group_id.in_(list(group_ids)), meeting.c.state != "cancelled")
    ends = select(meeting.c.group_id, func.min(meeting.c.starts_at), func.max(meeting.c.starts_at)).where(*standing)
    blocks: dict[int, list[datetime]] = {}
    starts = (
        select(meeting.c.group_id, meeting.c.starts_at)
        .join(session_template, session_template.c.id == meeting.c.template_id)
        .where(*standing, session_template.c.phase.startswith(BLOCK_PHASE))
        .order_by(meeting.c.starts_at)
    )
    for group_id, start in db.execute(starts):
        blocks.setdefault(group_id, []).append(start)
    rows = db.execute(ends.group_by(meeting.c.group_id))
    return {group_id: Course(first, last, tuple(blocks.get(group_id, ()))) for group_id, first, last in rows}


def windows_now(context: Context, db: Connection, used: Sequence[Row[Any]], now: datetime) -> list[tuple[Row[Any], Window]]:
    """Those of these sets in use that may be asked now, with their window; none on a paused day: no surveys then (domain 8.5)."""
    published = published_sets(context)
    courses = courses_of(db, {row.group_id for row in used})
    day = clock.local(now).date()
    paused = pauses.active(db, day)
    found = []
    for row in used:
        about, course = published.get(row.name), courses.get(row.group_id)
        if about is None or course is None or is_paused(day, windows_for(row.group_id, paused)):
            continue
        window = open_window(about.when, course, now)
        if window is not None:
            found.append((row, window))
    return found


def next_question(context: Context, db: Connection, person_id: int, number_id: int, now: datetime, *, named: bool) -> int | None:
    """The oldest question this person can still answer, by the dialogue's row id; else the first set they are due for.

    ``named``: the PIN has named the person; a set is opened for nobody else (S11). A set's question whose consent was withdrawn
    meanwhile is closed unasked (S16); one of a set that the person's groups use no more, or on a paused day, is left out (8.5).
    """
    left_out: set[str] = set()
    while (row := dialogues.open_of_person(db, person_id, now, left_out)) is not None:
        if row.conversation not in published_sets(context):
            return int(row.id)
        if not _may_learn(db, person_id):
            dialogues.change(db, row.id, state="closed", sms_open=False, closed_at=now)
        elif row.conversation in _asked_today(db, person_id, now):
            return int(row.id)
        else:
            left_out.add(row.conversation)
    return open_due(context, db, person_id, number_id, now) if named else None


def _asked_today(db: Connection, person_id: int, now: datetime) -> set[str]:
    """The sets in use in this person's groups that are not paused on the local day: no surveys then (domain 8.5)."""
    day = clock.local(now).date()
    paused = pauses.active(db, day)
    return {one.name for one in sets.of_person(db, person_id) if not is_paused(day, windows_for(one.group_id, paused))}


def _may_learn(db: Connection, person_id: int) -> bool:
    who = people.person.c
    agreed = select(who.id).where(who.id == person_id, who.may_learn, who.status == "active")
    return db.execute(agreed).first() is not None


def open_due(context: Context, db: Connection, person_id: int, number_id: int, now: datetime) -> int | None:
    """Open the first set this person is due for, while they dial; returns the dialogue's row id, None when nothing is due."""
    if not _may_learn(db, person_id):
        return None
    for used, _ in windows_now(context, db, sets.of_person(db, person_id), now):
        if _may_be_asked(context, db, person_id, used.name, now):
            questions = Questions(context, db, now)
            opened = questions.open_on_dial(used.name, number_id=number_id, person_id=person_id)
            questions.store()
            return opened
    return None


def _may_be_asked(context: Context, db: Connection, person_id: int, name: str, now: datetime) -> bool:
    asked = select(func.max(dialogue.c.opened_at)).where(dialogue.c.person_id == person_id, dialogue.c.conversation == name)
    return may_be_asked(db.execute(asked).scalar(), published_sets(context)[name].cap_days, now)


def plan_question_sets(context: Context, db: Connection, now: datetime) -> None:
    """The occurrence of every set that goes by SMS and whose window is open; planning twice plans nothing twice (I12)."""
    texted = {name for name in published_sets(context) if "sms" in context.conversations[name].channels}
    in_use = [used for used in sets.in_use(db, now - ASKED_AFTER_CLOSING) if used.name in texted]
    rows = []
    for used, window in windows_now(context, db, in_use, now) if in_use else ():
        due = _ask_at(max(window.opens, used.turned_on_at))
        rows.append(
            {
                "id": new_row_id(),
                "schedule": f"set:{used.id}:{window.key}",
                "kind": "question_set",
                "group_id": used.group_id,
                "about": used.name,
                "due_at": due,
                "expires_at": min(due + LIFE, window.closes),
                "state": "pending",
            }
        )
    insert_ignore(db, occurrence, [row for row in rows if now < row["expires_at"]])


def _ask_at(moment: datetime) -> datetime:
    """The first 10:00 in Rwanda at or after a moment."""
    day = clock.local(moment).date()
    due = at_local(day, ASK_AT)
    return due if due >= moment else at_local(day + timedelta(days=1), ASK_AT)


def fire_question_set(context: Context, db: Connection, row: Row[Any], now: datetime) -> None:
    """Ask by SMS whoever agreed to learning data, on an own phone, and has not been asked within the cap."""
    if row.about not in published_sets(context):
        return
    members = [one for one in groups.members(db, row.group_id) if one.may_learn]
    due = [one for one in members if _may_be_asked(context, db, one.id, row.about, now)]
    what = Personal(QUESTION_SET, row.about, f"occ:{row.id}", row.due_at, row.expires_at, row.group_id)
    queue_personal(context, db, what, own_phones(db, due), now)
