"""Signing in: password and one-time code, server-side logins that can be ended, lockout kept in SQL (T10, S35).

Times here are the database's own, without the offset a demo may set: moving the demo's clock signs nobody out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from sms_service import clock
from sms_service.models import staff as accounts
from sms_service.models import state
from sms_service.models.staff import login, signin_failure, staff
from sms_service.security.passwords import hash_password, needs_rehash, verify_password
from sms_service.security.tokens import new_row_id, new_url_token
from sms_service.security.totp import accept_code
from sms_service.usecases.context import Context

IDLE = timedelta(minutes=15)
LONGEST = timedelta(hours=12)
CONFIRMED_FOR = timedelta(minutes=5)
LOCK = timedelta(minutes=15)
TRIES_PER_ACCOUNT = 5
TRIES_PER_SOURCE = 25
_NOTE_ACTIVITY = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who is asking: codes, roles and the name shown to themselves. ``confirmed``: password and code given just now."""

    login_id: int
    staff_id: int
    code: str
    login: str
    name: str
    language: str
    roles: frozenset[str]
    person_id: int | None
    confirmed: bool


def real_now(db: Connection) -> datetime:
    """The database's time without the demo's offset, aware UTC."""
    return clock.now(db) - timedelta(microseconds=state.read(db).clock_offset_us)


def _token_hash(context: Context, token: str) -> bytes:
    return context.vault.text_hash("console login", token)


def who(context: Context, token: str, *, active: bool) -> SignedIn | None:
    """The person of a login cookie, or None when it is unknown, ended, idle for 15 min or 12 h old.

    ``active`` is False for automatic refreshes, which do not keep a login alive.
    """
    if not 16 <= len(token) <= 100:
        return None
    with context.database.reading() as db:
        now = real_now(db)
        query = select(
            login.c.id.label("login_id"), login.c.active_at, login.c.created_at.label("began"), login.c.confirmed_at, staff
        ).join(staff, staff.c.id == login.c.staff_id)
        row = db.execute(
            query.where(
                login.c.token_hash == _token_hash(context, token), login.c.ended_at.is_(None), staff.c.disabled_at.is_(None)
            )
        ).first()
        if row is None or row.active_at + IDLE <= now or row.began + LONGEST <= now:
            return None
        found = SignedIn(
            login_id=row.login_id,
            staff_id=row.id,
            code=row.code,
            login=row.login,
            name=context.vault.open("staff", "name", row.id, row.name),
            language=row.language,
            roles=accounts.roles_of(db, row.id),
            person_id=row.person_id,
            confirmed=row.confirmed_at + CONFIRMED_FOR > now,
        )
    if active and row.active_at + _NOTE_ACTIVITY <= now:
        with context.database.begin() as db:
            db.execute(update(login).where(login.c.id == row.login_id).values(active_at=now))
    return found


def sign_in(context: Context, name: str, password: str, one_time: str, source: str) -> str | None:
    """A new login's token, or None: the same None, after the same work, for an unknown name, a wrong password, a wrong or
    used code, a disabled account and a locked one (T10). ``source`` is the network address the lockout counts by.
    """
    name = name.strip().lower()
    with context.database.begin() as db:
        row = accounts.by_login(db, name)
    matches = verify_password(row.password_hash if row is not None else None, password)
    # Made at another cost than today's, it is made again while the password is at hand.
    again = hash_password(password) if matches and row is not None and needs_rehash(row.password_hash) else None
    with context.database.begin() as db:
        now = real_now(db)
        subjects = _subjects(context, name, source)
        if _locked(db, subjects, now):
            return None
        if not (matches and row is not None and row.disabled_at is None and spend_code(context, db, row, one_time)):
            _note_failure(context, db, subjects, now, row)
            return None
        db.execute(delete(signin_failure).where(signin_failure.c.subject == subjects[0]))
        if again is not None:
            accounts.change(db, row.id, password_hash=again)
        return open_login(context, db, row, now)


def check_one_time(context: Context, name: str, one_time: str) -> bool:
    """Whether this account's one-time code is right now, for an act on the command line; counts towards the lockout (T10)."""
    name = name.strip().lower()
    with context.database.begin() as db:
        row, now = accounts.by_login(db, name), real_now(db)
        subjects = _subjects(context, name, "command line")
        if _locked(db, subjects, now):
            return False
        if row is not None and row.disabled_at is None and spend_code(context, db, row, one_time):
            return True
        _note_failure(context, db, subjects, now, row)
        return False


def spend_code(context: Context, db: Connection, row: Row[Any], one_time: str) -> bool:
    """Whether the one-time code is right and was never used; it is used up by this call."""
    if row.totp is None:
        return False
    secret = context.vault.open("staff", "totp", row.id, row.totp)
    step = accept_code(secret, one_time, clock.wall(), row.totp_step)
    if step is None:
        return False
    spent = update(staff).where(staff.c.id == row.id, staff.c.totp_step < step).values(totp_step=step)
    return db.execute(spent).rowcount == 1


def open_login(context: Context, db: Connection, row: Row[Any], now: datetime) -> str:
    """A fresh login of this account, audited; the token is the browser's only copy."""
    token = new_url_token()
    db.execute(
        insert(login).values(
            id=new_row_id(),
            token_hash=_token_hash(context, token),
            staff_id=row.id,
            created_at=now,
            active_at=now,
            confirmed_at=now,
        )
    )
    context.record(db, row.code, "sign_in", row.code)
    return token


def sign_out(context: Context, me: SignedIn) -> None:
    """End this login: its cookie opens nothing any more."""
    with context.database.begin() as db:
        db.execute(update(login).where(login.c.id == me.login_id).values(ended_at=real_now(db)))


def end_logins(db: Connection, staff_id: int, now: datetime, *, keep: int | None = None) -> None:
    """End every login of an account at once, but ``keep`` (T9, T10)."""
    ended = update(login).where(login.c.staff_id == staff_id, login.c.ended_at.is_(None)).values(ended_at=now)
    db.execute(ended.where(login.c.id != keep) if keep is not None else ended)


def confirm(context: Context, me: SignedIn, password: str, one_time: str, source: str) -> bool:
    """The password and code once more, before roles change or data leave; counts towards the lockout like a sign-in."""
    with context.database.begin() as db:
        row = accounts.get(db, me.staff_id)
    matches = verify_password(row.password_hash if row is not None else None, password)
    with context.database.begin() as db:
        now = real_now(db)
        subjects = _subjects(context, me.login, source)
        if row is None or _locked(db, subjects, now):
            return False
        if not (matches and spend_code(context, db, row, one_time)):
            _note_failure(context, db, subjects, now, row)
            return False
        mark_confirmed(db, me, now)
        return True


def mark_confirmed(db: Connection, me: SignedIn, now: datetime) -> None:
    db.execute(update(login).where(login.c.id == me.login_id).values(confirmed_at=now))


def confirm_demo(context: Context, me: SignedIn) -> bool:
    """In a demo an account has neither password nor code: a press of the button stands for both. False for any other account."""
    with context.database.begin() as db:
        row = accounts.get(db, me.staff_id)
        if row is None or row.password_hash is not None:
            return False
        mark_confirmed(db, me, real_now(db))
        return True


def _subjects(context: Context, name: str, source: str) -> tuple[bytes, bytes]:
    return context.vault.text_hash("sign-in name", name), context.vault.text_hash("sign-in source", source)


def _locked(db: Connection, subjects: tuple[bytes, bytes], now: datetime) -> bool:
    for subject, most in zip(subjects, (TRIES_PER_ACCOUNT, TRIES_PER_SOURCE), strict=True):
        query = select(func.count()).select_from(signin_failure)
        query = query.where(signin_failure.c.subject == subject, signin_failure.c.at > now - LOCK)
        if db.execute(query).scalar_one() >= most:
            return True
    return False


def _note_failure(context: Context, db: Connection, subjects: tuple[bytes, bytes], now: datetime, row: Row[Any] | None) -> None:
    db.execute(delete(signin_failure).where(signin_failure.c.at <= now - LOCK))
    for subject in subjects:
        db.execute(insert(signin_failure).values(id=new_row_id(), subject=subject, at=now))
    if row is not None and _locked(db, subjects, now):
        context.record(db, "console", "sign_in.locked", row.code)
