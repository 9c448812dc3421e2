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
    """Recipients in number order, and how many people (no phone, no consent) or numbers were left out, by reason."""

    recipients: tuple[Recipient, ...]
    excluded: dict[str, int]

    def by_language(self) -> dict[str, int]:
        """How many recipients read each language."""
        return dict(Counter(one.language for one in self.recipients))


def audience_of(
    db: Connection, group_ids: Sequence[int], now: datetime, caps: Caps | None = None, whom: Whom = EVERYBODY
) -> Audience:
    """Everyone of these groups as they stand now; each number once, however many groups or people share it (S9)."""
    recipients: list[Recipient] = []
    excluded: Counter[str] = Counter()
    excluded["no_phone"] = _without_phone(db, group_ids, whom)
    after: int = 0
    while True:
        chunk = number_ids(db, group_ids, after, 1000, whom)
        if not chunk:
            break
        found, left_out = judge(db, group_ids, chunk, now, caps, whom)
        recipients += found
        excluded.update(left_out)
        after = chunk[-1]
    return Audience(tuple(recipients), {reason: excluded[reason] for reason in REASONS if excluded[reason]})


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


def number_ids(db: Connection, group_ids: Sequence[int], after: int, limit: int, whom: Whom = EVERYBODY) -> list[int]:
    """The next distinct numbers of the groups' active people, in row id order: what makes expansion resumable."""
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
    meant: dict[int, dict[int, Any]] = {}
    held = _held_groups(db, group_ids)
    for row in db.execute(_contacts(chunk)):
        people_on.setdefault(row.number_id, {})[row.person_id] = row
    for row in db.execute(
        _contacts(chunk, membership.c.group_id)
        .join(membership, membership.c.person_id == person.c.id)
        .where(_member_of(group_ids, whom))
    ):
        if row.person_id not in meant.setdefault(row.number_id, {}) or meant[row.number_id][row.person_id].group_id in held:
            meant[row.number_id][row.person_id] = row
    counts = _week_counts(db, chunk, now)
    most = (caps or Caps()).weekly_scheduled
    recipients, left_out = [], Counter[str]()
    for number_id in chunk:
        reason = _why_not(numbers[number_id], list(meant[number_id].values()), held, counts.get(number_id, 0) >= most)
        if whom.personal and not reason:
            reason = _not_personal(list(people_on[number_id].values()))
        if reason:
            left_out[reason] += 1
        else:
            recipients.append(_recipient(numbers[number_id], people_on[number_id], meant[number_id], held))
    return recipients, left_out


def _contacts(chunk: Sequence[int], *more: Any) -> Any:
    return (
        select(
            contact_point.c.number_id,
            contact_point.c.person_id,
            contact_point.c.ownership,
            contact_point.c.safe_hours,
            contact_point.c.opted_in_at,
            person.c.language,
            person.c.may_remind,
            person.c.may_check_in,
            person.c.outbound_held,
            *more,
        )
        .join(person, person.c.id == contact_point.c.person_id)
        .where(contact_point.c.number_id.in_(chunk), contact_point.c.ended_at.is_(None))
        .order_by(contact_point.c.id)
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


def _agrees(one: Any) -> bool:
    """Consent to routine texts; an own phone must also have opted in (S16)."""
    return bool(one.may_remind) and (one.ownership != "own" or one.opted_in_at is not None)


def _why_not(row: Any, meant: Sequence[Any], held: set[int], capped: bool) -> str:
    reasons = (
        ("stopped", row.stopped_at is not None),
        ("network_opt_out", row.network_opt_out_at is not None),
        ("frozen", row.frozen_at is not None),
        ("no_consent", not any(one.may_remind for one in meant)),
        ("not_opted_in", not any(_agrees(one) for one in meant)),
        ("held", all(one.outbound_held or one.group_id in held for one in meant if _agrees(one))),
        ("cap_reached", capped),
    )
    return next((reason for reason, holds in reasons if holds), "")


def _not_personal(everyone: Sequence[Any]) -> str:
    """Why a personal text does not go to this phone: it is not one person's own, or without consent to check-ins (S3, S16)."""
    [one] = everyone if len(everyone) == 1 else [None]
    if one is None or one.ownership != "own":
        return "not_own_phone"
    return "" if one.may_check_in else "no_check_ins"


def _recipient(row: Any, everyone: dict[int, Any], meant: dict[int, Any], held: set[int]) -> Recipient:
    agreeing = [one for one in meant.values() if _agrees(one) and not one.outbound_held and one.group_id not in held]
    languages = {one.language for one in everyone.values()}
    return Recipient(
        number_id=row.id,
        language=row.language or (agreeing[0].language if len(languages) == 1 else "rw"),
        safe_hours=tuple(one.safe_hours for one in everyone.values() if one.safe_hours),
        person_id=agreeing[0].person_id if len(everyone) == 1 else None,
        group_id=agreeing[0].group_id,
        agreed=agreeing[0].person_id,
    )
