"""Erasing a person: every place listed first, then all of them in one transaction; the stop stays as a keyed hash (I19, F47).

First the phones are stopped and the erasure is entered in the suppression journal, so that nothing new begins; when no call is
under way, everything goes at once. Killed in between, the person is stopped and whole, and the next purge finishes it. What is kept
names nobody: the code with its coded answers, the consent ledger and the audit (five years), counts by month.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, delete, exists, func, or_, select, update

from sms_service.models import concerns, numbers, people, suppressions
from sms_service.models import staff as accounts
from sms_service.models.concerns import alert_phone, concern, concern_note
from sms_service.models.dialogues import dialogue
from sms_service.models.dials import dial
from sms_service.models.groups import membership
from sms_service.models.harm import harm
from sms_service.models.inbound import inbound
from sms_service.models.outbox import outbox, parked_report
from sms_service.models.people import consent, contact_point, identity, person
from sms_service.models.referrals import referral
from sms_service.models.rota import duty
from sms_service.models.staff import staff
from sms_service.models.suppressions import suppression
from sms_service.security.tokens import new_code
from sms_service.usecases import enrol
from sms_service.usecases.accept_inbound import stop_number
from sms_service.usecases.context import Context
from sms_service.usecases.faults import UseFault
from sms_service.usecases.find import person_named
from sms_service.usecases.overwrite import overwrite_deleted
from sms_service.usecases.remove_texts import remove_dials, remove_texts_in, remove_texts_out

ERASED = "erased"
LEAST_REASON, MOST_REASON = 5, 300
WAIT_SECONDS = 100.0  # a call that hangs ends after 30 s, and its lease after 90
PAGE_PATIENCE = 5.0
LOOK_AGAIN_SECONDS = 0.5
A_ROUND = 50
GIVEN_AT_ONCE = 500


@dataclass(slots=True)
class Places:
    """What there is of a person, in rows by place; ``alone`` are number rows that serve nobody else, ``shared`` those that do."""

    code: str
    rows: dict[str, int] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)
    alone: list[int] = field(default_factory=list)
    shared: list[int] = field(default_factory=list)
    texts_out: list[int] = field(default_factory=list)
    texts_in: list[int] = field(default_factory=list)
    dials: list[int] = field(default_factory=list)


def places(context: Context, person_code: str) -> Places:
    """List what an erasure of this person would take, and what it would keep; nothing is changed. Raises ``UseFault``."""
    with context.database.begin() as db:
        return _look(db, person_named(db, person_code))


def erase(context: Context, person_code: str, reason: str, actor: str, *, patience: float = WAIT_SECONDS) -> Places:
    """Erase a person for good; returns what went. Raises ``UseFault`` for whom this cannot be done now, and says why.

    ``patience`` is how many seconds to wait for a call to their phone that is under way.
    """
    written = " ".join(reason.split())
    if not LEAST_REASON <= len(written) <= MOST_REASON:
        raise UseFault("reason", "say in 5 to 300 characters why, without a name or a number")
    with context.database.begin() as db:
        who = person_named(db, person_code)
        _check(db, who)
        _begin(context, db, who, written, actor)
    return _finish(context, who.id, actor, patience)


def _check(db: Connection, who: Row[Any]) -> None:
    if who.status == ERASED:
        raise UseFault("person", "%(code)s has been erased already", code=who.code)
    waiting = ", ".join(_open_concerns(db, who, _look(db, who).alone))
    if waiting:
        raise UseFault("person", "%(code)s has open concerns: %(concerns)s; close them first", code=who.code, concerns=waiting)
    account = select(staff.c.code).where(staff.c.person_id == who.id, staff.c.disabled_at.is_(None))
    held = db.execute(account.limit(1)).scalar()
    if held:
        raise UseFault("person", "%(code)s has the account %(account)s; disable it first", code=who.code, account=held)


def _open_concerns(db: Connection, who: Row[Any], own: Collection[int]) -> list[str]:
    """Codes of what somebody must still act on: about the person, or on a phone whose number and texts would go with them.

    A text from such a phone may be somebody else's cry for help: who shared it, or nobody known (S9, S25).
    """
    mine = or_(concern.c.person_id == who.id, concern.c.number_id.in_(own))
    query = select(concern.c.code).where(mine, concern.c.state.in_(concerns.OPEN))
    return list(db.execute(query.order_by(concern.c.code)).scalars())


def _begin(context: Context, db: Connection, who: Row[Any], reason: str, actor: str) -> None:
    """Nothing new begins: withdrawn, every phone of theirs alone stopped, the erasure in the journal, the audit told (I6, I17)."""
    now = context.now(db)
    found = _look(db, who)
    digests: list[bytes | None] = [bytes(numbers.lock(db, number_id).hash) for number_id in found.alone]
    for digest in digests or [None]:
        suppressions.note(db, "erasure", digest, now, who.code)
    if who.status != "withdrawn":
        enrol.withdraw_in(context, db, who, actor, now)
    for number_id in found.alone:
        stop_number(context, db, number_id, now, reason="erasure")
    context.record(db, actor, "person.erase", who.code, reason)


def _finish(context: Context, person_id: int, actor: str, patience: float) -> Places:
    until = time.monotonic() + patience
    while True:
        with context.database.begin() as db:
            mine = select(person).where(person.c.id == person_id)
            found = _look(db, db.execute(mine).one())
            numbers.lock_many(db, [*found.alone, *found.shared])
            who = db.execute(mine.with_for_update(key_share=True)).one()  # after the numbers, as every step (I4)
            if not _calling(db, found):
                found = _look(db, who)  # what came before the locks were had
                _need_nothing_unseen(db, who, found)
                _take_all(context, db, who, found)
                context.record(db, actor, "person.erased", who.code, f"{sum(found.rows.values())} rows")
                break
        if time.monotonic() > until:
            said = "%(code)s is stopped; a call is still under way, and the rest goes within a minute of its end"
            raise UseFault("person", said, code=who.code)
        time.sleep(LOOK_AGAIN_SECONDS)
    _take_late(context, who, found)
    return found


def _need_nothing_unseen(db: Connection, who: Row[Any], found: Places) -> None:
    """A RED concern that came while the erasure was under way: nobody can be called whose number is gone (S25)."""
    mine = or_(concern.c.person_id == who.id, concern.c.number_id.in_(found.alone))
    red = (concern.c.severity == "red", concern.c.state == "new")
    if code := db.execute(select(concern.c.code).where(mine, *red).limit(1)).scalar():
        said = "%(code)s is stopped; %(concern)s came in meanwhile, and the rest goes when somebody has it"
        raise UseFault("person", said, code=who.code, concern=code)


def _calling(db: Connection, found: Places) -> bool:
    """Whether a call to one of the phones is under way: its answer must find its row (I8)."""
    query = select(outbox.c.id).where(outbox.c.id.in_(found.texts_out), outbox.c.state == "calling")
    return db.execute(query.limit(1)).first() is not None


def _look(db: Connection, who: Row[Any]) -> Places:
    found = Places(who.code)
    mine = set(db.execute(select(contact_point.c.number_id).where(contact_point.c.person_id == who.id)).scalars())
    theirs = (contact_point.c.person_id != who.id, contact_point.c.ended_at.is_(None))
    others = select(contact_point.c.number_id).where(contact_point.c.number_id.in_(mine), *theirs)
    held = set(db.execute(others).scalars())
    for table in (alert_phone, duty):  # a staff phone stays one as long as somebody's account goes with it
        phones = select(table.c.number_id).join(staff, staff.c.id == table.c.staff_id).where(staff.c.disabled_at.is_(None))
        held |= set(db.execute(phones.where(table.c.number_id.in_(mine))).scalars())
    found.alone, found.shared = sorted(mine - held), sorted(held)
    own = found.alone
    found.texts_out, found.texts_in, found.dials = _texts(db, who, own, found.shared)
    about = _concerns(who, own)
    found.rows = {
        "name": _count(db, identity, identity.c.person_id == who.id),
        "phones": _count(db, contact_point, contact_point.c.person_id == who.id),
        "numbers": len(own),
        "texts out": len(found.texts_out),
        "texts in": len(found.texts_in),
        "dials": len(found.dials),
        "reports": _count(db, parked_report, parked_report.c.number_id.in_(own)),
        "concern notes": _count(db, concern_note, concern_note.c.concern_id.in_(about)),
        "staff account": _count(db, staff, staff.c.person_id == who.id, staff.c.login.not_like("erased %")),
        "harm notes": _count(db, harm, harm.c.person_id == who.id, harm.c.note.is_not(None)),
        "referral reasons": _count(db, referral, referral.c.person_id == who.id, referral.c.decision.is_not(None)),
    }
    found.kept = {
        "consents": _count(db, consent, consent.c.person_id == who.id),
        "dialogues": _count(db, dialogue, dialogue.c.person_id == who.id),
        "concerns": _count(db, concern, concern.c.person_id == who.id),
        "memberships": _count(db, membership, membership.c.person_id == who.id),
        "texts on a shared phone, of nobody known": _unknown_on(db, found.shared),
    }
    return found


def _texts(db: Connection, who: Row[Any], own: Collection[int], shared: Collection[int]) -> tuple[list[int], list[int], list[int]]:
    """Row ids of texts out, texts in and dials that are the person's; not what somebody else said on a phone both had."""
    talks = select(dialogue.c.id).where(dialogue.c.person_id == who.id)
    of_others = select(dialogue.c.id).where(dialogue.c.number_id.in_(own), dialogue.c.person_id != who.id)
    in_own = inbound.c.number_id.in_(own) & or_(inbound.c.dialogue_id.is_(None), inbound.c.dialogue_id.not_in(of_others))
    in_shared = inbound.c.number_id.in_(shared) & inbound.c.dialogue_id.in_(talks)
    out = or_(outbox.c.person_id.is_(None) & outbox.c.number_id.in_(own), outbox.c.person_id == who.id)
    no_other = or_(dial.c.person_id == who.id, dial.c.person_id.is_(None) & dial.c.number_id.in_(own))
    dialled = dial.c.number_id.in_([*own, *shared]) & no_other  # by the number: people have many dials, and no index of theirs
    return _ids(db, outbox, out), _ids(db, inbound, or_(in_own, in_shared)), _ids(db, dial, dialled)


def _concerns(who: Row[Any], own: Collection[int]) -> Any:
    unnamed = concern.c.number_id.in_(own) & concern.c.person_id.is_(None)
    return select(concern.c.id).where(or_(concern.c.person_id == who.id, unnamed))


def _unknown_on(db: Connection, shared: Collection[int]) -> int:
    return _count(db, inbound, inbound.c.number_id.in_(shared), inbound.c.dialogue_id.is_(None))


def _ids(db: Connection, table: Table, *where: ColumnElement[bool]) -> list[int]:
    return list(db.execute(select(table.c.id).where(*where).order_by(table.c.id)).scalars())


def _count(db: Connection, table: Table, *where: ColumnElement[bool]) -> int:
    return int(db.execute(select(func.count()).select_from(table).where(*where)).scalar_one())


def _take_all(context: Context, db: Connection, who: Row[Any], found: Places) -> None:
    """Everything at once: whoever looks sees the whole person or none of them."""
    overwrite_deleted(db)
    _take_texts(db, found.texts_out, found.texts_in, found.dials)
    db.execute(delete(parked_report).where(parked_report.c.number_id.in_(found.alone)))
    db.execute(delete(concern_note).where(concern_note.c.concern_id.in_(_concerns(who, found.alone))))
    db.execute(update(harm).where(harm.c.person_id == who.id).values(note=None))
    db.execute(update(referral).where(referral.c.person_id == who.id).values(decision=None))
    db.execute(delete(contact_point).where(contact_point.c.person_id == who.id))
    db.execute(delete(identity).where(identity.c.person_id == who.id))
    _close_accounts(context, db, who)
    for number_id in found.alone:
        _make_nobodys(context, db, number_id)
    if found.shared:
        _leave_shared(context, db, who, found.shared)
    people.change(db, who.id, status=ERASED, outbound_held=True, last_seen_at=None)


def _close_accounts(context: Context, db: Connection, who: Row[Any]) -> None:
    """A facilitator's account, disabled before, stays as its code in the audit; its name and login, mostly a name too, go."""
    for account in db.execute(select(staff.c.id, staff.c.code).where(staff.c.person_id == who.id)).all():
        name = context.vault.seal("staff", "name", account.id, account.code)
        values = {"name": name, "login": f"erased {account.code}", "password_hash": None, "totp": None}
        accounts.change(db, account.id, **values, disabled_at=func.coalesce(staff.c.disabled_at, context.now(db)))


def _take_texts(db: Connection, texts_out: list[int], texts_in: list[int], dials: list[int]) -> None:
    for ids, remove in ((texts_out, remove_texts_out), (texts_in, remove_texts_in), (dials, remove_dials)):
        for start in range(0, len(ids), GIVEN_AT_ONCE):
            remove(db, ids[start : start + GIVEN_AT_ONCE])


def _leave_shared(context: Context, db: Connection, who: Row[Any], shared: Collection[int]) -> None:
    """What stays of the person points to nobody's number, not to the one somebody else goes on using."""
    nobody = numbers.make(db, context.vault, _nobodys_number(), context.now(db))
    for table in (dialogue, concern):
        mine = (table.c.person_id == who.id, table.c.number_id.in_(shared))
        db.execute(update(table).where(*mine).values(number_id=nobody))


def _make_nobodys(context: Context, db: Connection, number_id: int) -> None:
    """The row that dialogues and concerns point to stays and is no number any more; the hash of the number is in the journal."""
    drawn = _nobodys_number()
    values: dict[str, Any] = {
        "hash": context.vault.number_hash(drawn),
        "sealed": context.vault.seal("number", "sealed", number_id, drawn),
    }
    values |= {"code": new_code("N", 9), "language": None, "flagged": None, "staff_phone": False}
    numbers.change(db, number_id, **values, last_inbound_at=None, last_v14_at=None)


def _nobodys_number() -> str:
    """A number that no telephone has: its country code is kept free by the numbering plan (ITU-T E.164)."""
    return f"+999{secrets.randbelow(10**11):011d}"


def _take_late(context: Context, who: Row[Any], found: Places) -> None:
    """A text or turn that was being stored while the person was erased."""
    with context.database.begin() as db:
        overwrite_deleted(db)
        _take_texts(db, *_texts(db, who, found.alone, ()))


# what the purge does by itself


def waiting(context: Context, db: Connection, now: datetime) -> list[int]:
    """People who withdrew long enough ago, and whom nothing that ``erase`` refuses for keeps; at most ``A_ROUND``."""
    left = context.periods.over("withdrawn", now)
    last = select(func.max(consent.c.at)).where(consent.c.person_id == person.c.id).scalar_subquery()
    since = func.coalesce(last, person.c.created_at)
    still_open = concern.c.state.in_(concerns.OPEN)
    about = exists().where(concern.c.person_id == person.c.id, still_open)
    other = contact_point.alias("other")
    shared = exists().where(other.c.number_id == concern.c.number_id, other.c.person_id != person.c.id, other.c.ended_at.is_(None))
    phone = (contact_point.c.person_id == person.c.id) & (contact_point.c.number_id == concern.c.number_id)
    on_phone = exists().where(phone, still_open, ~shared)
    account = exists().where(staff.c.person_id == person.c.id, staff.c.disabled_at.is_(None))
    query = select(person.c.id).where(person.c.status == "withdrawn", since < left, ~about, ~on_phone, ~account)
    return list(db.execute(query.order_by(person.c.id).limit(A_ROUND)).scalars())


def begun(db: Connection) -> list[int]:
    """People whose erasure is in the journal and who are still there: it was cut off, or a backup was restored."""
    query = select(person.c.id).join(suppression, suppression.c.person_code == person.c.code).distinct()
    query = query.where(suppression.c.kind == "erasure", person.c.status != ERASED)
    return list(db.execute(query.order_by(person.c.id).limit(A_ROUND)).scalars())


def finish_begun(context: Context, actor: str) -> int:
    """Erase what is left of whom ``begun`` names; returns how many. Whose phone is being called waits for the next time."""
    with context.database.begin() as db:
        ids = begun(db)
    return sum(_erase_quietly(context, person_id, actor) for person_id in ids)


def finish_waiting(context: Context, actor: str, stopping: Callable[[], bool]) -> int:
    """Erase whom ``waiting`` names, until none is left; returns how many."""
    done = 0
    while not stopping():
        with context.database.begin() as db:
            ids = waiting(context, db, context.now(db))
        erased = sum(_erase_quietly(context, person_id, actor) for person_id in ids if not stopping())
        done += erased
        if not erased:
            break
    return done


def _erase_quietly(context: Context, person_id: int, actor: str) -> int:
    try:
        with context.database.begin() as db:
            who = db.execute(select(person).where(person.c.id == person_id)).one()
            if who.status != "withdrawn" or not _in_journal(db, who):
                _check(db, who)
                _begin(context, db, who, "retention", actor)
        _finish(context, person_id, actor, 0.0)
    except UseFault:
        return 0
    context.database.give_way()
    return 1


def _in_journal(db: Connection, who: Row[Any]) -> bool:
    query = select(suppression.c.id).where(suppression.c.kind == "erasure", suppression.c.person_code == who.code)
    return db.execute(query.limit(1)).first() is not None
