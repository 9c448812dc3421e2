"""Staff accounts: made by an administrator or on the host, opened by a single-use link, ended at once (T9, T10)."""

from __future__ import annotations

import base64
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from sms_service import clock
from sms_service.models import people
from sms_service.models import staff as accounts
from sms_service.models.staff import signin_link, staff, staff_role
from sms_service.rules.roles import ROLES
from sms_service.security.passwords import (
    LONGEST,
    SHORTEST,
    PasswordFault,
    check_password,
    hash_password,
    verify_password,
)
from sms_service.security.tokens import new_code, new_row_id, new_url_token
from sms_service.security.totp import accept_code, enrolment_uri
from sms_service.security.vault import derive_key
from sms_service.usecases.context import Context
from sms_service.usecases.faults import Faults, UseFault
from sms_service.usecases.sign_in import SignedIn, end_logins, open_login, real_now, spend_code

LINK_LIFE = timedelta(minutes=30)
LANGUAGES = ("en", "fr")


@dataclass(frozen=True, slots=True)
class NewAccount:
    """A new account's code, and the token of the link that opens it once within 30 minutes."""

    code: str
    token: str


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What the page behind a link shows: whose it is, and the secret for the authenticator (also as an otpauth address)."""

    login: str
    secret: str
    uri: str


def add_staff(
    context: Context,
    login: str,
    name: str,
    roles: Collection[str],
    *,
    actor: str,
    language: str = "en",
    person_code: str = "",
    second_factor: bool = True,
    link_life: timedelta = LINK_LIFE,
) -> NewAccount:
    """A new account with its sign-in link, audited. ``person_code`` ties a facilitator's account to their own person.

    ``second_factor=False`` is for a demo's links only. Raises ``UseFault`` naming every fault.
    """
    login = login.strip().lower()
    faults = Faults()
    plain = login.replace(".", "").replace("-", "").replace("_", "")
    right_form = 3 <= len(login) <= 60 and plain.isascii() and plain.isalnum()
    faults.need(right_form, "login", "A sign-in name has 3 to 60 letters, digits, dots or hyphens.")
    faults.need(0 < len(name.strip()) <= 80, "name", "A name has 1 to 80 characters.")
    faults.need(roles and set(roles) <= set(ROLES), "roles_list", "Choose at least one role of the list.")
    faults.need(language in LANGUAGES, "language", "Choose English or French.")
    with context.database.begin() as db:
        if right_form:
            faults.need(accounts.by_login(db, login) is None, "login", "There is already an account with this sign-in name.")
        person = people.by_code(db, person_code) if person_code else None
        if "facilitator" in roles:
            right_person = person is not None and person.kind == "facilitator"
            faults.need(right_person, "person", "A facilitator's account needs the code of a person enrolled as facilitator.")
        faults.done()
        row_id = new_row_id()
        code = _free_code(db)
        db.execute(
            insert(staff).values(
                id=row_id,
                code=code,
                login=login,
                name=context.vault.seal("staff", "name", row_id, name.strip()),
                language=language,
                person_id=person.id if person else None,
                totp_step=0,
                created_at=real_now(db),
            )
        )
        _put_roles(db, row_id, roles)
        context.record(db, actor, "staff.add", code, " ".join(sorted(roles)))
        token = make_link(context, db, row_id, second_factor=second_factor, life=link_life)
    return NewAccount(code, token)


def make_link(context: Context, db: Connection, staff_id: int, *, second_factor: bool = True, life: timedelta = LINK_LIFE) -> str:
    """A new sign-in link's token; earlier unused links of the account end."""
    now = real_now(db)
    db.execute(update(signin_link).where(signin_link.c.staff_id == staff_id, signin_link.c.used_at.is_(None)).values(used_at=now))
    token = new_url_token()
    db.execute(
        insert(signin_link).values(
            id=new_row_id(),
            token_hash=context.vault.text_hash("sign-in link", token),
            staff_id=staff_id,
            expires_at=now + life,
            second_factor=second_factor,
        )
    )
    return token


def new_link(context: Context, code: str, *, actor: str) -> str:
    """A fresh link for someone who lost the password or the authenticator: both are set anew, every login ends, audited.

    Raises ``UseFault`` for an unknown or disabled account.
    """
    with context.database.begin() as db:
        row = _account(db, code)
        if row.disabled_at is not None:
            raise UseFault("staff", "This account is disabled: enable it first.")
        accounts.change(db, row.id, password_hash=None, totp=None, totp_step=0)
        end_logins(db, row.id, real_now(db))
        context.record(db, actor, "staff.link", code)
        return make_link(context, db, row.id)


def _link(context: Context, db: Connection, token: str) -> Row[Any] | None:
    """The unexpired, unused link of a token with its enabled account."""
    if not 16 <= len(token) <= 100:
        return None
    query = select(signin_link.c.id.label("link_id"), signin_link.c.second_factor, staff).join(
        staff, staff.c.id == signin_link.c.staff_id
    )
    return db.execute(
        query.where(
            signin_link.c.token_hash == context.vault.text_hash("sign-in link", token),
            signin_link.c.used_at.is_(None),
            signin_link.c.expires_at > real_now(db),
            staff.c.disabled_at.is_(None),
        )
    ).first()


def enrolment(context: Context, token: str) -> Enrolment | None:
    """What to show behind a link; None for one that is unknown, used, expired or a demo's. Showing it does not use it up.

    The authenticator's secret is derived from the token, so that it is stored nowhere before it is confirmed.
    """
    with context.database.begin() as db:
        row = _link(context, db, token)
    if row is None or not row.second_factor:
        return None
    secret = base64.b32encode(derive_key(token.encode(), "totp enrolment", 20)).decode()
    return Enrolment(row.login, secret, enrolment_uri(secret, row.login))


def enrol(context: Context, token: str, password: str, again: str, one_time: str) -> str:
    """Set the password, enrol the authenticator, use the link up and sign in: the login's token.

    Raises ``UseFault``: field ``link`` when the link does not serve any more, else what is wrong with the fields.
    """
    offered = enrolment(context, token)
    if offered is None:
        raise UseFault("link", "This link was used or has expired. Ask for a new one.")
    faults = Faults()
    _check(faults, password, again, offered.login)
    step = accept_code(offered.secret, one_time, clock.wall(), 0)
    faults.need(step is not None, "one_time", "The code does not fit. Enter the six digits that the authenticator shows now.")
    faults.done()
    hashed = hash_password(password)
    with context.database.begin() as db:
        row = _link(context, db, token)
        now = real_now(db)
        used = update(signin_link).where(signin_link.c.id == (row.link_id if row else 0), signin_link.c.used_at.is_(None))
        if row is None or db.execute(used.values(used_at=now)).rowcount != 1:
            raise UseFault("link", "This link was used or has expired. Ask for a new one.")
        totp = context.vault.seal("staff", "totp", row.id, offered.secret)
        accounts.change(db, row.id, password_hash=hashed, totp=totp, totp_step=step)
        end_logins(db, row.id, now)
        context.record(db, row.code, "staff.enrol", row.code)
        return open_login(context, db, row, now)


def enter_demo(context: Context, token: str) -> str | None:
    """Sign in by a demo's link, which may be used again until it expires; None for any other link."""
    with context.database.begin() as db:
        row = _link(context, db, token)
        if row is None or row.second_factor:
            return None
        return open_login(context, db, row, real_now(db))


def change_password(context: Context, me: SignedIn, old: str, password: str, again: str, one_time: str) -> None:
    """A new password; every other login of the account ends (T10). Raises ``UseFault``."""
    with context.database.begin() as db:
        row = accounts.get(db, me.staff_id)
    faults = Faults()
    faults.need(verify_password(row.password_hash if row else None, old), "old", "This is not the password you have now.")
    _check(faults, password, again, me.login)
    faults.done()
    hashed = hash_password(password)
    with context.database.begin() as db:
        if row is None or not spend_code(context, db, row, one_time):
            raise UseFault("one_time", "The code does not fit. Enter the six digits that the authenticator shows now.")
        accounts.change(db, me.staff_id, password_hash=hashed)
        end_logins(db, me.staff_id, real_now(db), keep=me.login_id)
        context.record(db, me.code, "staff.password", me.code)


def _check(faults: Faults, password: str, again: str, account: str) -> None:
    faults.need(password == again, "again", "The two passwords differ.")
    if not SHORTEST <= len(password) <= LONGEST:
        sentence = "A password has %(low)s to %(high)s characters, this has %(has)s."
        faults.add("password", sentence, low=SHORTEST, high=LONGEST, has=len(password))
        return
    try:
        check_password(password, account=account)
    except PasswordFault as fault:
        faults.add("password", str(fault))


def set_roles(context: Context, code: str, roles: Collection[str], *, actor: str) -> None:
    """Other roles for an account, effective with its next request (ASVS 8.3.2), audited. Raises ``UseFault``."""
    with context.database.begin() as db:
        row = _account(db, code)
        faults = Faults()
        faults.need(roles and set(roles) <= set(ROLES), "roles_list", "Choose at least one role of the list.")
        leaves_itself = row.code == actor and "admin" not in roles
        faults.need(not leaves_itself, "roles_list", "You cannot take the administrator role from yourself.")
        faults.need(
            "facilitator" not in roles or row.person_id is not None,
            "roles_list",
            "A facilitator's account needs the code of a person enrolled as facilitator.",
        )
        faults.done()
        before = accounts.roles_of(db, row.id)
        _put_roles(db, row.id, roles)
        context.record(db, actor, "staff.roles", code, f"{' '.join(sorted(before))} -> {' '.join(sorted(roles))}")


def set_enabled(context: Context, code: str, enabled: bool, *, actor: str) -> None:
    """Disable an account, ending its logins and links at once (T9), or enable it again; audited. Raises ``UseFault``."""
    with context.database.begin() as db:
        row = _account(db, code)
        if row.code == actor and not enabled:
            raise UseFault("staff", "You cannot disable your own account.")
        now = real_now(db)
        accounts.change(db, row.id, disabled_at=None if enabled else now)
        if not enabled:
            end_logins(db, row.id, now)
            unused = update(signin_link).where(signin_link.c.staff_id == row.id, signin_link.c.used_at.is_(None))
            db.execute(unused.values(used_at=now))
        context.record(db, actor, "staff.enable" if enabled else "staff.disable", code)


def set_language(context: Context, me: SignedIn, language: str) -> None:
    """The language the console speaks to this person, and their alerts with it."""
    if language in LANGUAGES:
        with context.database.begin() as db:
            accounts.change(db, me.staff_id, language=language)


@dataclass(frozen=True, slots=True)
class Account:
    """One account as the list shows it."""

    code: str
    login: str
    name: str
    roles: tuple[str, ...]
    language: str
    disabled: bool
    enrolled: bool


def all_accounts(context: Context) -> Sequence[Account]:
    """Every account, enabled ones first."""
    with context.database.begin() as db:
        rows = db.execute(select(staff).order_by(staff.c.disabled_at.is_not(None), staff.c.login)).all()
        held: dict[int, list[str]] = {}
        for staff_id, role in db.execute(select(staff_role.c.staff_id, staff_role.c.role)):
            held.setdefault(staff_id, []).append(role)
    return [
        Account(
            row.code,
            row.login,
            context.vault.open("staff", "name", row.id, row.name),
            tuple(sorted(held.get(row.id, ()))),
            row.language,
            row.disabled_at is not None,
            row.password_hash is not None,
        )
        for row in rows
    ]


def _account(db: Connection, code: str) -> Row[Any]:
    row = db.execute(select(staff).where(staff.c.code == code)).first()
    if row is None:
        raise UseFault("staff", "There is no account with this code.")
    return row


def _put_roles(db: Connection, staff_id: int, roles: Collection[str]) -> None:
    db.execute(delete(staff_role).where(staff_role.c.staff_id == staff_id))
    db.execute(insert(staff_role), [{"id": new_row_id(), "staff_id": staff_id, "role": role} for role in sorted(set(roles))])


def _free_code(db: Connection) -> str:
    while True:
        drawn = new_code("S", 3)
        if db.execute(select(staff.c.id).where(staff.c.code == drawn)).first() is None:
            return drawn
