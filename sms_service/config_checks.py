"""What is wrong between settings, rather than within one: a key used twice, a default in production, a misspelt name.

Pure functions over the raw texts, so that they say their part also when single values are wrong. No value is repeated.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import urlsplit

from sms_service.setting_values import LOOPBACK

FAILPOINT_SWITCH: Final = "SMS_FAILPOINT"
WRONG_CLOCK_SWITCH: Final = "SMS_CLOCK_WRONG_BY"
SANDBOX_GATEWAY: Final = "https://api.sandbox.africastalking.com"

_REQUIRED_IN_PRODUCTION: Final = {
    "DATABASE_URL": "where the data lies; there is no default in production",
    "SECRET_KEY": "32 or more random characters that sign logins",
    "FIELD_KEYS": "id:key, the key being 32 random bytes in base64",
    "HASH_KEY": "32 random bytes in base64",
    "AUDIT_KEY": "32 random bytes in base64",
    "WEBHOOK_SECRET": "22 or more random url-safe characters",
    "AT_USERNAME": "the gateway account's user name",
    "AT_API_KEY": "the gateway account's key",
    "AT_SHORT_CODE": "the number that people can answer to (S2)",
    "PUBLIC_URL": "the https:// address people open",
}
_SINGLE_PURPOSE: Final = ("SECRET_KEY", "FIELD_KEYS", "HASH_KEY", "AUDIT_KEY", "BACKUP_KEY", "WEBHOOK_SECRET", "AT_API_KEY")
_TRUE: Final = frozenset({"1", "true", "yes", "on"})


def between_settings(raw: Mapping[str, str]) -> list[str]:
    """Faults that hold in every environment: one key or secret serving two purposes, a folder for backups and no key."""
    users: dict[str, set[str]] = {}
    for name in _SINGLE_PURPOSE:
        for part in raw.get(name, "").split(","):
            value = part.strip()
            if name == "FIELD_KEYS":
                value = value.partition(":")[2].strip()
            comparable = value.rstrip("=").replace("-", "+").replace("_", "/")
            if comparable:
                users.setdefault(comparable, set()).add(name)
    shared = [" and ".join(sorted(names)) for names in users.values() if len(names) > 1]
    faults = [f"{names} hold the same secret: give each its own" for names in shared]
    if raw.get("BACKUP_DIR") and not raw.get("BACKUP_KEY"):
        faults.append("BACKUP_KEY is missing while BACKUP_DIR is set: expected 32 random bytes in base64 that no backup holds")
    return faults


def outside_production(raw: Mapping[str, str]) -> list[str]:
    """Faults of every environment but production: a real gateway key where nobody said what this is."""
    if "APP_ENV" not in raw and "AT_API_KEY" in raw:
        return ["APP_ENV is missing while AT_API_KEY is set: say production, or development if the key is a sandbox's"]
    return []


def production_faults(raw: Mapping[str, str], env: Mapping[str, str]) -> list[str]:
    """Faults of production: defaults, plain HTTP, a debugger, an open queue store, a failpoint (S2, T23)."""
    faults = [f"{name} is missing: expected {what}" for name, what in _REQUIRED_IN_PRODUCTION.items() if name not in raw]
    if raw.get("AT_USERNAME") == "sandbox" or raw.get("AT_BASE_URL", "").rstrip("/") == SANDBOX_GATEWAY:
        faults.append("AT_USERNAME or AT_BASE_URL names the gateway's sandbox: production needs the real account")
    if raw.get("PUBLIC_URL", "https://").lower().startswith("http://"):
        faults.append("PUBLIC_URL is plain http: production needs https, or passwords travel in the clear")
    if env.get("FLASK_DEBUG", "").lower() in _TRUE:
        faults.append("FLASK_DEBUG is on: a debugger runs code for whoever opens the page; remove it in production")
    for name in (FAILPOINT_SWITCH, WRONG_CLOCK_SWITCH):
        if env.get(name):
            faults.append(f"{name} is set: it is for tests; remove it in production")
    if _open_store(raw.get("REDIS_URL", "")):
        faults.append("REDIS_URL names another machine without a password: give the store one (T23)")
    return faults


def misspelt(names: Iterable[str], known: Iterable[str], *, all_of_them: bool) -> list[str]:
    """Faults for names no setting has: each one (``all_of_them``, for our own file), else only near misses.

    The environment holds many names that are not ours, so there only a name within a letter or two of one of ours
    counts.
    """
    known = list(known)
    faults = []
    for name in sorted(set(names) - set(known)):
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.6 if all_of_them else 0.92)
        hint = f": did you mean {close[0]}?" if close else ": remove it, or see the list of settings in the README"
        if close or all_of_them:
            faults.append(f"{name} is no setting{hint}")
    return faults


def _open_store(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("redis", "rediss") and parts.hostname not in LOOPBACK and not parts.password
