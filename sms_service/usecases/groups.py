"""Groups: adding one, changing what may change, and naming its two facilitators."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, delete, insert, select

from sms_service.models import groups, people
from sms_service.models.groups import curriculum, group, group_facilitator, programme
from sms_service.security.tokens import new_code, new_row_id
from sms_service.text.gsm import fold
from sms_service.text.topics import topic_word_in
from sms_service.usecases import check_ins
from sms_service.usecases.context import Context
from sms_service.usecases.faults import Faults, UseFault
from sms_service.usecases.find import already_made, group_named, once_id, person_named, person_to_change, read_time
from sms_service.usecases.follow_ups import close_group_in, reopen_group_in
from sms_service.usecases.plan_meetings import plan_meetings_in

CODE = re.compile(r"[A-Z][0-9]{2,5}")
_PLACE = re.compile(r"[A-Za-z0-9-]{1,20}")
STATES = ("planned", "enrolling", "running", "paused", "closed")
WEEKDAYS = range(7)


@dataclass(frozen=True, slots=True)
class NewGroup:
    """A group as a form or command gives it: texts as written, ``weekday`` 0 = Monday, ``start_time`` ``HH:MM``
    local.

    An empty ``code`` is drawn (G and two digits or more). ``first_day`` makes the meetings at once.
    """

    programme: str
    neutral_name: str
    cell_code: str
    weekday: int
    start_time: str
    venue_code: str
    code: str = ""
    curriculum_version: int | None = None
    first_day: date | None = None


def add_group(context: Context, new: NewGroup, actor: str, once: int | None = None) -> str:
    """Add a group, with its meetings when ``first_day`` is given; returns its code.

    ``once`` is the form's hidden id: the same form sent twice makes one group. Raises ``UseFault`` naming every field.
    """
    with context.database.begin() as db:
        now = context.now(db)
        row_id = once_id(once)
        if already_made(db, "peace_group", row_id):
            return str(db.execute(select(group.c.code).where(group.c.id == row_id)).scalar_one())
        code = new.code.strip().upper() or _free_code(db)
        curriculum_id = _check(context, db, new, code)
        db.execute(
            insert(group).values(
                id=row_id,
                code=code,
                curriculum_id=curriculum_id,
                neutral_name=fold(new.neutral_name).strip(),
                cell_code=new.cell_code.strip(),
                weekday=new.weekday,
                start_time=f"{read_time('start_time', new.start_time):%H:%M}",
                venue_code=new.venue_code.strip(),
                state="planned" if new.first_day is None else "running",
                outbound_held=False,
                created_at=now,
            )
        )
        context.record(db, actor, "group.add", code)
        if new.first_day is not None:
            plan_meetings_in(context, db, group_named(db, code), new.first_day, actor, now)
    return code


def _check(context: Context, db: Connection, new: NewGroup, code: str) -> int:
    faults = Faults()
    faults.need(CODE.fullmatch(code), "code", "write a letter and two to five digits, for example G07")
    faults.need(groups.by_code(db, code) is None, "code", "the code %(code)s is taken; choose another", code=code[:8])
    name = fold(new.neutral_name).strip()
    faults.need(1 <= len(name) <= 60, "neutral_name", "give a name of 1 to 60 characters")
    found = topic_word_in(name, context.topics)
    faults.need(found is None, "neutral_name", "the word %(word)s says what the group is about (S1)", word=found)
    faults.need(_PLACE.fullmatch(new.cell_code.strip()), "cell_code", "give the cell's code: letters, digits and -")
    faults.need(_PLACE.fullmatch(new.venue_code.strip()), "venue_code", "give the venue's code: letters, digits and -")
    faults.need(new.weekday in WEEKDAYS, "weekday", "choose a day of the week")
    try:
        read_time("start_time", new.start_time)
    except UseFault as fault:
        faults.found += fault.faults
    curriculum_id = _curriculum(db, new.programme.strip().upper(), new.curriculum_version)
    if curriculum_id is None:
        known = ", ".join(sorted(db.execute(select(programme.c.code)).scalars())) or "-"
        faults.add("programme", "there is no such programme or curriculum version; programmes: %(known)s", known=known)
    faults.done()
    return int(curriculum_id or 0)


def _curriculum(db: Connection, programme_code: str, version: int | None) -> int | None:
    query = (
        select(curriculum.c.id)
        .join(programme, programme.c.id == curriculum.c.programme_id)
        .where(programme.c.code == programme_code)
        .order_by(curriculum.c.version.desc())
        .limit(1)
    )
    if version is not None:
        query = query.where(curriculum.c.version == version)
    return db.execute(query).scalar()


def _free_code(db: Connection) -> str:
    for digits in (2, 2, 2, 2, 3, 3, 4, 5):
        drawn = new_code("G", digits)
        if groups.by_code(db, drawn) is None:
            return drawn
    raise UseFault("code", "no free group code could be drawn; write one")


def change_group(context: Context, code: str, actor: str, *, state: str, venue_code: str) -> None:
    """Change what may change while a group runs: its state and venue. Closing it plans V18. Raises ``UseFault``."""
    with context.database.begin() as db:
        row = group_named(db, code)
        faults = Faults()
        faults.need(state in STATES, "state", "choose one of the states")
        faults.need(_PLACE.fullmatch(venue_code.strip()), "venue_code", "give the venue's code: letters, digits and -")
        faults.done()
        groups.change(db, row.id, state=state, venue_code=venue_code.strip())
        if state == "running" and row.state != "running":
            check_ins.resume(db, row.id, context.now(db))
        if state == "closed" and row.state != "closed":
            close_group_in(db, row.id, context.now(db))
        elif state != "closed" and row.state == "closed":
            reopen_group_in(db, row.id, context.now(db))
        context.record(db, actor, "group.change", row.code)


def set_facilitators(context: Context, code: str, woman: str, man: str, actor: str) -> None:
    """Name the group's pair, a woman and a man, by their person codes; both must be facilitators. Raises
    ``UseFault``.
    """
    with context.database.begin() as db:
        row = group_named(db, code)
        pair = [_facilitator(db, woman, "woman", "F"), _facilitator(db, man, "man", "M")]
        db.execute(delete(group_facilitator).where(group_facilitator.c.group_id == row.id))
        for person_id in pair:
            db.execute(insert(group_facilitator).values(id=new_row_id(), group_id=row.id, person_id=person_id))
        context.record(db, actor, "group.facilitators", row.code, f"{woman.strip()} {man.strip()}")


def _facilitator(db: Connection, code: str, field: str, sex: str) -> int:
    row = person_named(db, code, field)
    if row.kind != "facilitator" or row.status != "active":
        raise UseFault(field, "%(code)s is no active facilitator; enrol the person as facilitator first", code=row.code)
    if row.sex != sex:
        raise UseFault(field, "a pair is a woman and a man; %(code)s is recorded with the other sex", code=row.code)
    return int(row.id)


def add_member(context: Context, group_code: str, person_code: str, part: str, actor: str) -> None:
    """Put a person into a group as ``member`` or ``partner``; again after leaving is allowed, twice changes nothing."""
    with context.database.begin() as db:
        row, who = group_named(db, group_code), person_to_change(db, person_code)
        join_in(db, row.id, who.id, part, context.now(db))
        context.record(db, actor, "group.member_add", row.code, who.code)


def join_in(db: Connection, group_id: int, person_id: int, part: str, now: datetime) -> None:
    """Membership in the caller's transaction. Raises ``UseFault`` for an unknown part."""
    if part not in ("member", "partner"):
        raise UseFault("part", "choose member or partner")
    rows = groups.membership
    mine = (rows.c.group_id == group_id) & (rows.c.person_id == person_id)
    if db.execute(select(rows.c.id).where(mine)).first() is None:
        db.execute(insert(rows).values(id=new_row_id(), group_id=group_id, person_id=person_id, part=part, joined_at=now))
    else:
        db.execute(rows.update().where(mine).values(part=part, left_at=None))


def remove_member(context: Context, group_code: str, person_code: str, actor: str) -> None:
    """End a person's place in a group; nothing else about the person changes."""
    with context.database.begin() as db:
        row, who = group_named(db, group_code), person_named(db, person_code)
        rows = groups.membership
        mine = (rows.c.group_id == row.id) & (rows.c.person_id == who.id) & rows.c.left_at.is_(None)
        if not db.execute(rows.update().where(mine).values(left_at=context.now(db))).rowcount:
            raise UseFault("person", "%(code)s is not in this group", code=who.code)
        context.record(db, actor, "group.member_remove", row.code, who.code)


def people_of_pair(db: Connection, group_id: int) -> list[str]:
    """The person codes of the group's facilitators, woman first."""
    query = (
        select(people.person.c.code)
        .join(group_facilitator, group_facilitator.c.person_id == people.person.c.id)
        .where(group_facilitator.c.group_id == group_id)
        .order_by(people.person.c.sex)
    )
    return list(db.execute(query).scalars())
