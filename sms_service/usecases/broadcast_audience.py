"""Who a broadcast reaches, who it leaves out and why (S3, S9, S16, S39, S40). Numbers and people by row id, never by
name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, func, select

from sms_service.models.groups import curriculum, group, membership, programme
from sms_service.models.numbers import number
from sms_service.models.outbox import MAY_HAVE_LEFT, outbox
from sms_service.models.people import contact_point, person
from sms_service.rules.caps import WEEK, Caps
from sms_service.usecases.context import Context

CHUNK = 1_000  # numbers a transaction
REASONS = (
    "no_phone",
    "no_consent",
    "not_opted_in",
    "held",
    "stopped",
    "network_opt_out",
    "frozen",
    "cap_reached",
    "not_own_phone",
    "no_check_ins",
)


@dataclass(frozen=True, slots=True)
class Whom:
    """Who of a group is meant: a part (member, partner; empty: both), who joined within (from, before), and for a ``personal``
    text (class B) only an own phone with consent to check-ins (S3, S16).
    """

    part: str = ""
    joined: tuple[datetime, datetime] | None = None
    personal: bool = False

    def means(self, member: Any) -> bool:
        """Whether this membership is of somebody meant."""
        of_part = not self.part or member.part == self.part
        return bool(of_part and (self.joined is None or self.joined[0] <= member.joined_at < self.joined[1]))


EVERYBODY = Whom()


@dataclass(frozen=True, slots=True)
class Recipient:
    """One number: the language its text goes in, the safe hours of all its people, and the one person, if it is one.

    ``agreed`` is somebody on it who agreed to the text.
    """

    number_id: int
    language: str
    safe_hours: tuple[str, ...]
    person_id: int | None
    group_id: int
    agreed: int


@dataclass(frozen=True, slots=True)
class Audience:
    """How many numbers get it, by language, and how many people (no phone, no consent) or numbers were left out, by reason."""

    recipients: int
    languages: dict[str, int]
    excluded: dict[str, int]


def count_audience(context: Context, group_ids: Sequence[int], whom: Whom = EVERYBODY) -> Audience:
    """Everyone of these groups as they stand now; each number once, however many groups or people share it (S9).

    A hundred thousand numbers take seconds: they are counted chunk by chunk, beside whoever writes.
    """
    with context.database.reading() as db:
        without = _without_phone(db, group_ids, whom)
        numbers = number_ids(db, group_ids, whom=whom)
    judged = []
    for start in range(0, len(numbers), CHUNK):
        with context.database.reading() as db:
            judged.append(judge(db, group_ids, numbers[start : start + CHUNK], context.now(db), context.caps, whom))
    return _summed(judged, without)


def audience_of(
    db: Connection, group_ids: Sequence[int], now: datetime, caps: Caps | None = None, whom: Whom = EVERYBODY
) -> Audience:
    """The same in the caller's transaction, for few groups."""
    numbers = number_ids(db, group_ids, whom=whom)
    parts = (numbers[start : start + CHUNK] for start in range(0, len(numbers), CHUNK))
    return _summed([judge(db, group_ids, part, now, caps, whom) for part in parts], _without_phone(db, group_ids, whom))


def _summed(judged: Sequence[tuple[list[Recipient], Counter[str]]], without: int) -> Audience:
    languages = Counter(one.language for found, _ in judged for one in found)
    excluded: Counter[str] = sum((left_out for _, left_out in judged), Counter({"no_phone": without}))
    return Audience(languages.total(), dict(languages), {reason: excluded[reason] for reason in REASONS if excluded[reason]})


def _without_phone(db: Connection, group_ids: Sequence[int], whom: Whom) -> int:
    has_phone = select(contact_point.c.id).where(contact_point.c.person_id == person.c.id, contact_point.c.ended_at.is_(None))
    query = (
        select(func.count(person.c.id.distinct()))
        .join(membership, membership.c.person_id == person.c.id)
        .where(_member_of(group_ids, whom), ~has_phone.exists())
    )
    return int(db.execute(query).scalar_one())


def _member_of(group_ids: Sequence[int], whom: Whom) -> Any:
    where = [membership.c.group_id.in_(group_ids), membership.c.left_at.is_(None), person.c.status == "active"]
    if whom.part:
        where.append(membership.c.part == whom.part)
    if whom.joined is not None:
        where += [membership.c.joined_at >= whom.joined[0], membership.c.joined_at < whom.joined[1]]
    return and_(*where)


def number_ids(
    db: Connection, group_ids: Sequence[int], after: int = 0, limit: int | None = None, whom: Whom = EVERYBODY
) -> list[int]:
    """The next distinct numbers of the groups' active people, in row id order: what makes expansion resumable. It looks through
    all the groups' people: ask for many at once.
    """
    query = (
        select(contact_point.c.number_id)
        .join(person, person.c.id == contact_point.c.person_id)
        .join(membership, membership.c.person_id == person.c.id)
        .where(_member_of(group_ids, whom), contact_point.c.ended_at.is_(None), contact_point.c.number_id > after)
        .distinct()
        .order_by(contact_point.c.number_id)
        .limit(limit)
    )
    return list(db.execute(query).scalars())


def judge(
    db: Connection,
    group_ids: Sequence[int],
    chunk: Sequence[int],
    now: datetime,
    caps: Caps | None = None,
    whom: Whom = EVERYBODY,
) -> tuple[list[Recipient], Counter[str]]:
    """Recipients among these numbers, and the reasons of the others. The fence asks again before each call (I10)."""
    numbers = {row.id: row for row in db.execute(select(number).where(number.c.id.in_(chunk)))}
    people_on: dict[int, dict[int, Any]] = {}
    meant: dict[int, dict[int, Meant]] = {}
    held = _held_groups(db, group_ids)
    contacts = sorted(db.execute(_contacts(chunk)), key=lambda row: row.id)
    wanted = set(group_ids)
    groups_of: dict[int, list[int]] = {}
    # By person alone: asked for groups as well, SQLite tries every group with every person.
    mine = membership.c.person_id.in_({row.person_id for row in contacts}) & membership.c.left_at.is_(None)
    rows = membership.c
    members = select(rows.person_id, rows.group_id, rows.part, rows.joined_at).where(mine).order_by(rows.id)
    for row in db.execute(members):
        if row.group_id in wanted and whom.means(row):
            groups_of.setdefault(row.person_id, []).append(row.group_id)
    for row in contacts:
        people_on.setdefault(row.number_id, {})[row.person_id] = row
        groups = groups_of.get(row.person_id)
        if groups and row.status == "active":
            free = [one for one in groups if one not in held]
            meant.setdefault(row.number_id, {})[row.person_id] = Meant(row, (free or groups)[0])
    counts = _week_counts(db, chunk, now)
    most = (caps or Caps()).weekly_scheduled
    recipients, left_out = [], Counter[str]()
    for number_id in chunk:
        if number_id not in meant:
            continue  # whoever it was has left since the chunk was drawn up
        reason = _why_not(numbers[number_id], list(meant[number_id].values()), held, counts.get(number_id, 0) >= most)
        if whom.personal and not reason:
            reason = _not_personal(list(people_on[number_id].values()))
        if reason:
            left_out[reason] += 1
        else:
            recipients.append(_recipient(numbers[number_id], people_on[number_id], meant[number_id], held))
    return recipients, left_out


@dataclass(frozen=True, slots=True)
class Meant:
    """A person the broadcast is meant for, on one of its phones, in the group that it reaches them by."""

    contact: Any
    group_id: int


def _contacts(chunk: Sequence[int]) -> Any:
    return (
        select(
            contact_point.c.id,
            contact_point.c.number_id,
            contact_point.c.person_id,
            contact_point.c.ownership,
            contact_point.c.safe_hours,
            contact_point.c.opted_in_at,
            person.c.language,
            person.c.status,
            person.c.may_remind,
            person.c.may_check_in,
            person.c.outbound_held,
        )
        .join(person, person.c.id == contact_point.c.person_id)
        .where(contact_point.c.number_id.in_(chunk), contact_point.c.ended_at.is_(None))
    )


def _held_groups(db: Connection, group_ids: Sequence[int]) -> set[int]:
    query = (
        select(group.c.id)
        .join(curriculum, curriculum.c.id == group.c.curriculum_id)
        .join(programme, programme.c.id == curriculum.c.programme_id)
        .where(group.c.id.in_(group_ids), group.c.outbound_held | programme.c.outbound_held)
    )
    return set(db.execute(query).scalars())


def _week_counts(db: Connection, chunk: Sequence[int], now: datetime) -> dict[int, int]:
    query = (
        select(outbox.c.number_id, func.count())
        .where(
            outbox.c.number_id.in_(chunk),
            outbox.c.state.in_(MAY_HAVE_LEFT),
            outbox.c.kind.in_(("scheduled", "broadcast")),
            outbox.c.not_before > now - WEEK,
        )
        .group_by(outbox.c.number_id)
    )
    return {number_id: int(count) for number_id, count in db.execute(query)}


def _agrees(one: Meant) -> bool:
    """Consent to routine texts; an own phone must also have opted in (S16)."""
    return bool(one.contact.may_remind) and (one.contact.ownership != "own" or one.contact.opted_in_at is not None)


def _why_not(row: Any, meant: Sequence[Meant], held: set[int], capped: bool) -> str:
    reasons = (
        ("stopped", row.stopped_at is not None),
        ("network_opt_out", row.network_opt_out_at is not None),
        ("frozen", row.frozen_at is not None),
        ("no_consent", not any(one.contact.may_remind for one in meant)),
        ("not_opted_in", not any(_agrees(one) for one in meant)),
        ("held", all(one.contact.outbound_held or one.group_id in held for one in meant if _agrees(one))),
        ("cap_reached", capped),
    )
    return next((reason for reason, holds in reasons if holds), "")


def _not_personal(everyone: Sequence[Any]) -> str:
    """Why a personal text does not go to this phone: it is not one person's own, or without consent to check-ins (S3, S16)."""
    [one] = everyone if len(everyone) == 1 else [None]
    if one is None or one.ownership != "own":
        return "not_own_phone"
    return "" if one.may_check_in else "no_check_ins"


def _recipient(row: Any, everyone: dict[int, Any], meant: dict[int, Meant], held: set[int]) -> Recipient:
    agreeing = [one for one in meant.values() if _agrees(one) and not one.contact.outbound_held and one.group_id not in held]
    languages = {one.language for one in everyone.values()}
    return Recipient(
        number_id=row.id,
        language=row.language or (agreeing[0].contact.language if len(languages) == 1 else "rw"),
        safe_hours=tuple(one.safe_hours for one in everyone.values() if one.safe_hours),
        person_id=agreeing[0].contact.person_id if len(everyone) == 1 else None,
        group_id=agreeing[0].group_id,
        agreed=agreeing[0].contact.person_id,
    )
