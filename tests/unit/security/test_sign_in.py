"""Passwords and one-time codes."""

import time
from datetime import UTC, datetime, timedelta

import pyotp
import pytest

from sms_service.security import passwords, totp

NOW = datetime(2026, 5, 13, 7, 0, 10, tzinfo=UTC)
PASSWORD = "imisozi igihumbi na kimwe"


def test_a_password_is_kept_as_a_salted_hash() -> None:
    """T10: Argon2id, the same password stored differently each time."""
    stored = passwords.hash_password(PASSWORD)
    assert stored.startswith("$argon2id$")
    assert passwords.verify_password(stored, PASSWORD)
    assert not passwords.verify_password(stored, PASSWORD + "x")
    assert not passwords.verify_password("not a hash", PASSWORD)
    assert not passwords.needs_rehash(stored)
    assert stored != passwords.hash_password(PASSWORD)


def test_an_unknown_account_costs_as_much_as_a_wrong_password() -> None:
    """T10: the answer and the work are the same. The bound is wide: it tells much work from none."""
    stored = passwords.hash_password(PASSWORD)
    assert not passwords.verify_password(None, PASSWORD)

    def seconds(account: str | None) -> float:
        start = time.process_time()
        assert not passwords.verify_password(account, "a wrong password")
        return time.process_time() - start

    assert seconds(None) > seconds(stored) / 4


def test_the_stand_in_for_unknown_accounts_opens_nothing() -> None:
    assert not passwords.verify_password(None, "nobody's password")


@pytest.mark.parametrize(
    ("password", "complaint"),
    [
        ("", "has 0 characters"),
        ("elevenchars", "has 11 characters"),
        ("x" * 129, "at most 128"),
        ("abababababababab", "repeats"),
        ("marie.uwase 2026!", "account's name"),
    ],
)
def test_a_weak_password_is_refused_in_a_sentence(password: str, complaint: str) -> None:
    with pytest.raises(passwords.PasswordFault, match=complaint):
        passwords.check_password(password, account="Marie.Uwase")


def test_a_good_password_passes() -> None:
    passwords.check_password(PASSWORD, account="Marie.Uwase")
    passwords.check_password("x1y2z" * 5)


def test_a_code_works_once() -> None:
    """T10: the second use of a code, and any older one, is refused."""
    secret = pyotp.random_base32()
    code = pyotp.TOTP(secret).at(NOW)
    step = totp.accept_code(secret, code, NOW, last_step=0)
    assert step == int(NOW.timestamp()) // 30
    assert totp.accept_code(secret, code, NOW, last_step=step) is None
    earlier = pyotp.TOTP(secret).at(NOW - timedelta(seconds=30))
    assert totp.accept_code(secret, earlier, NOW, last_step=step) is None
    later = NOW + timedelta(seconds=30)
    assert totp.accept_code(secret, pyotp.TOTP(secret).at(later), later, last_step=step) == step + 1


@pytest.mark.parametrize(("seconds_off", "accepted"), [(-61, False), (-30, True), (0, True), (30, True), (61, False)])
def test_a_clock_may_be_one_step_off(seconds_off: int, accepted: bool) -> None:
    secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    code = pyotp.TOTP(secret).at(NOW + timedelta(seconds=seconds_off))
    assert (totp.accept_code(secret, code, NOW, last_step=0) is not None) is accepted


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "12 34"])
def test_what_is_no_code_is_refused(code: str) -> None:
    assert totp.accept_code(pyotp.random_base32(), code, NOW, last_step=0) is None


def test_a_code_typed_in_two_groups_is_read() -> None:
    secret = pyotp.random_base32()
    code = pyotp.TOTP(secret).at(NOW)
    assert totp.accept_code(secret, f"{code[:3]} {code[3:]} ", NOW, last_step=0)
    assert totp.enrolment_uri(secret, "S01").startswith("otpauth://totp/Servas%20SMS:S01?secret=")
