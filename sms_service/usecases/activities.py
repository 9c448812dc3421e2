"""What the pairs of Women and Men as Partners did: one activity filed by the office, and how far the teaching has come.

Trainees are counts, not people; the measures are those of the domain guide's section 2.5.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, select

from sms_service import clock
from sms_service.models.base import insert_ignore
from sms_service.models.cascade import activity, pair, pair_member
from sms_service.models.people import person
from sms_service.usecases.context import Context
from sms_service.usecases.faults import Faults
from sms_service.usecases.find import already_made, once_id
from sms_service.usecases.overview import SMALLEST_COUNT

__all__ = ["BANDS", "EVIDENCE", "KINDS", "VERIFIED", "Cascade", "NewActivity", "PairLine", "add_activity", "cascade", "pair_codes"]

KINDS: Final = ("workshop", "dialogue", "home_visits", "coaching", "radio")
BANDS: Final = ("18-24", "25-34", "35-59", "60+")  # nobody below 18 is counted
EVIDENCE: Final = ("list", "photo", "letter")
VERIFIED: Final = ("none", "call", "visit")
MOST_PEOPLE, MOST_HOURS, MOST_MODULES = 500, 100.0, 20
OLDEST: Final = timedelta(days=730)
DAYS_A_MONTH: Final = 30.44
_CELL = re.compile(r"[A-Za-z0-9-]{1,20}")


@dataclass(frozen=True, slots=True)
class NewActivity:
    """One activity as a form gives it. ``held_on`` is a local day, ``hours`` hours, ``women`` and ``men`` counts by age
    band, ``modules`` numbers of the curriculum, knowledge the group's average from 0 to 10 before and after, or neither.
    """

    pair: str
    kind: str
    held_on: date
    hours: float
    cell_code: str
    women: Mapping[str, int]
    men: Mapping[str, int]
    co_led: bool
    modules: Sequence[int] = ()
    first_time: int = 0
    commitments: int = 0
    knowledge_before: float | None = None
    knowledge_after: float | None = None
    evidence: str = "list"
    verified_by: str = "none"

    @property
    def people(self) -> int:
        """Everybody who was there."""
        return sum(self.women.values()) + sum(self.men.values())


def add_activity(context: Context, new: NewActivity, actor: str, once: int | None = None) -> bool:
    """File one activity; False when it was filed before (both of a pair may report: same pair, day and kind are one).

    ``once`` is the form's hidden id. Raises ``UseFault`` naming every field.
    """
    with context.database.begin() as db:
        now, row_id = context.now(db), once_id(once)
        if already_made(db, "activity", row_id):
            return True
        pair_id = db.execute(select(pair.c.id).where(pair.c.code == new.pair.strip().upper())).scalar()
        faults = _faults(new, clock.local(now).date())
        faults.need(pair_id is not None, "pair", "there is no pair %(code)s; check the code", code=new.pair.strip()[:8])
        faults.done()
        row = {
            "id": row_id,
            "pair_id": pair_id,
            "kind": new.kind,
            "held_on": new.held_on,
            "hours": new.hours,
            "cell_code": new.cell_code.strip(),
            "modules": sorted(set(new.modules)),
            "women": dict(new.women),
            "men": dict(new.men),
            "first_time": new.first_time,
            "co_led": new.co_led,
            "commitments": new.commitments,
            "knowledge_before": new.knowledge_before,
            "knowledge_after": new.knowledge_after,
            "evidence": new.evidence,
            "verified_by": new.verified_by,
            "created_at": now,
        }
        made = insert_ignore(db, activity, row) == 1
        if made:
            context.record(db, actor, "activity.add", new.pair.strip().upper(), f"{new.kind} {new.held_on.isoformat()}")
        return made


def _faults(new: NewActivity, today: date) -> Faults:
    faults = Faults()
    faults.need(new.kind in KINDS, "kind", "choose one kind of activity")
    faults.need(new.held_on <= today, "held_on", "this day is still to come; file what was held")
    faults.need(new.held_on >= today - OLDEST, "held_on", "this day is more than two years ago; check the year")
    faults.need(0 < new.hours <= MOST_HOURS, "hours", "between a quarter of an hour and 100 hours")
    faults.need(_CELL.fullmatch(new.cell_code.strip()), "cell_code", "give the cell's code: letters, digits and -")
    counts = [*new.women.values(), *new.men.values()]
    known = set(new.women) <= set(BANDS) and set(new.men) <= set(BANDS)
    faults.need(known and all(0 <= one <= MOST_PEOPLE for one in counts), "people", "count from 0 to 500 people in each age group")
    faults.need(new.people > 0 or new.kind == "radio", "people", "count the women and men who were there")
    faults.need(0 <= new.first_time <= new.people, "first_time", "no more than all who were there")
    faults.need(0 <= new.commitments <= MOST_PEOPLE, "commitments", "a number from 0 to 500")
    faults.need(
        all(1 <= one <= MOST_MODULES for one in new.modules), "modules", "numbers of the curriculum's modules, such as 3 and 4"
    )
    knowledge = [one for one in (new.knowledge_before, new.knowledge_after) if one is not None]
    faults.need(len(knowledge) != 1, "knowledge_after", "give the knowledge before and after, or neither")
    faults.need(all(0 <= one <= 10 for one in knowledge), "knowledge_before", "an average from 0 to 10")
    faults.need(new.evidence in EVIDENCE, "evidence", "choose what the office keeps as evidence")
    faults.need(new.verified_by in VERIFIED, "verified_by", "choose how it was verified")
    return faults


def pair_codes(db: Connection) -> list[str]:
    """Every pair's code, for a list to choose from."""
    return list(db.execute(select(pair.c.code).order_by(pair.c.code)).scalars())


@dataclass(frozen=True, slots=True)
class PairLine:
    """One pair and what it did. ``women`` and ``men`` are None when not shown; ``months`` is None before a first report."""

    code: str
    generation: int
    parent: str
    members: tuple[str, ...]
    activities: int
    women: int | None
    men: int | None
    co_led: int
    months: int | None
    children: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cascade:
    """All pairs by generation and code, and the whole. Shares are whole percents, None without an activity."""

    pairs: Sequence[PairLine]
    generations: int
    active: int
    activities: int
    women: int | None
    men: int | None
    co_led: int | None
    visited: int | None


@dataclass
class _Sum:
    """What is added up for one pair while its activities are read."""

    women: int = 0
    men: int = 0
    activities: int = 0
    co_led: int = 0
    visited: int = 0
    last: date | None = None
    members: list[str] = field(default_factory=list)

    def add(self, row: Any) -> None:
        self.women += sum(row.women.values())
        self.men += sum(row.men.values())
        self.activities += 1
        self.co_led += bool(row.co_led)
        self.visited += row.verified_by == "visit"
        self.last = row.held_on if self.last is None else max(self.last, row.held_on)


ACTIVE_MONTHS: Final = 3


def cascade(db: Connection, now: datetime, *, counts_only: bool) -> Cascade:
    """Pairs, activities and generations at ``now`` (aware).

    ``counts_only``: for readers of counts. A pair's women and men are hidden together when either is below 5 (S34),
    and a sum with a hidden part is hidden as well, so that no figure follows from the others (T21); no person's code.
    """
    rows = db.execute(select(pair).order_by(pair.c.generation, pair.c.code)).all()
    codes = {row.id: row.code for row in rows}
    sums = {row.id: _Sum() for row in rows}
    for row in db.execute(select(activity)):
        sums[row.pair_id].add(row)
    if not counts_only:
        members = select(pair_member.c.pair_id, person.c.code).join(person, person.c.id == pair_member.c.person_id)
        for pair_id, code in db.execute(members.order_by(person.c.sex, person.c.code)):
            sums[pair_id].members.append(code)
    lines = [_line(row, sums[row.id], rows, codes, clock.local(now).date(), hide=counts_only) for row in rows]
    total = sum(one.activities for one in sums.values())
    return Cascade(
        pairs=lines,
        generations=max((row.generation for row in rows), default=0),
        active=sum(line.months is not None and line.months < ACTIVE_MONTHS for line in lines),
        activities=total,
        women=_total([line.women for line in lines]),
        men=_total([line.men for line in lines]),
        co_led=_percent(sum(one.co_led for one in sums.values()), total),
        visited=_percent(sum(one.visited for one in sums.values()), total),
    )


def _line(row: Any, did: _Sum, rows: Sequence[Any], codes: Mapping[int, str], today: date, *, hide: bool) -> PairLine:
    hidden = hide and did.activities > 0 and min(did.women, did.men) < SMALLEST_COUNT
    return PairLine(
        code=row.code,
        generation=row.generation,
        parent=codes.get(row.parent_pair_id, ""),
        members=tuple(did.members),
        activities=did.activities,
        women=None if hidden else did.women,
        men=None if hidden else did.men,
        co_led=did.co_led,
        months=None if did.last is None else int((today - did.last).days / DAYS_A_MONTH),
        children=tuple(one.code for one in rows if one.parent_pair_id == row.id),
    )


def _total(parts: Sequence[int | None]) -> int | None:
    known = [one for one in parts if one is not None]
    return sum(known) if len(known) == len(parts) else None


def _percent(part: int, whole: int) -> int | None:
    return round(100 * part / whole) if whole else None
