"""Staff passwords: Argon2id with the library's defaults, about 0.1 s and 64 MB each, so limit attempts (T10)."""

from __future__ import annotations

from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST: Final = 12
LONGEST: Final = 128

_hasher = PasswordHasher()


class PasswordFault(ValueError):
    """A password that will not do; the sentence is fit for the form and does not repeat it."""


def check_password(password: str, *, account: str = "") -> None:
    """Raise ``PasswordFault`` unless the password is long enough, short enough to hash, and not the obvious one."""
    if len(password) < SHORTEST:
        raise PasswordFault(f"The password has {len(password)} characters; use at least {SHORTEST}.")
    if len(password) > LONGEST:
        raise PasswordFault(f"The password has {len(password)} characters; use at most {LONGEST}.")
    if len(set(password)) < 5:
        raise PasswordFault("The password repeats a few characters; use several words.")
    if account and account.lower() in password.lower():
        raise PasswordFault("The password contains the account's name; use other words.")


def hash_password(password: str) -> str:
    """The text to store: algorithm, cost, salt and hash in one."""
    return _hasher.hash(password)


def verify_password(stored: str | None, password: str) -> bool:
    """Whether ``password`` is the stored one.

    For an unknown account (``None``) the same work is done and the answer is False, so that the time taken does not
    tell which accounts exist (T10). A password too long to be ours is compared as a wrong one.
    """
    known = stored if stored else _stand_in()
    try:
        _hasher.verify(known, password[: LONGEST + 1])
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def needs_rehash(stored: str) -> bool:
    """Whether the stored hash was made at another cost than today's: hash again at the next sign-in."""
    return _hasher.check_needs_rehash(stored)


@cache
def _stand_in() -> str:
    return _hasher.hash("nobody's password")
