"""Reading the value of one setting. Each reader takes the text of the environment and returns the value, or raises
``ValueError`` with a sentence that says what was expected and never repeats the value, which may be a secret.
"""

from __future__ import annotations

import base64
import binascii
import re
import shlex
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit

KEY_BYTES: Final = 32
SECRET_KEY_CHARACTERS: Final = 32
WEBHOOK_CHARACTERS: Final = 22
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})

_BASE64 = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")
_URL_SAFE = re.compile(r"[A-Za-z0-9_-]+")
_PLACEHOLDER = re.compile(r"change.?me|example|placeholder|secret.?key|your.?|password|default|xxxx", re.IGNORECASE)
# Generic sender ids are refused by the Rwandan networks (S2).
_GENERIC_SENDERS = frozenset({"INFO", "SMS", "ALERT", "NOTICE", "TEST", "SERVICE", "AFRICASTKNG"})


def read_key(text: str) -> bytes:
    """A key of at least 32 bytes, written in base64 (plain or url-safe, padding optional)."""
    text = text.strip()
    try:
        if not _BASE64.fullmatch(text):
            raise ValueError
        key = base64.b64decode(text.rstrip("=").replace("-", "+").replace("_", "/") + "=" * (-len(text.rstrip("=")) % 4))
    except (ValueError, binascii.Error):
        raise ValueError(f"is not base64; expected {KEY_BYTES} random bytes in base64") from None
    if len(key) < KEY_BYTES:
        raise ValueError(f"holds {len(key)} bytes; expected at least {KEY_BYTES} random bytes in base64")
    if len(set(key)) < 8:
        raise ValueError(f"is no random key (too few different bytes); expected {KEY_BYTES} random bytes in base64")
    return key


def read_key_ring(text: str) -> dict[int, bytes]:
    """``id:key,id:key``: ids 1 to 255, the first is the current key, the others still open what they sealed."""
    ring: dict[int, bytes] = {}
    for place, part in enumerate(text.split(","), start=1):
        key_id, colon, key = part.strip().partition(":")
        if not colon or not key_id.isascii() or not key_id.isdigit() or not 1 <= int(key_id[:4]) <= 255:
            raise ValueError(f"entry {place} is not 'id:key' with an id from 1 to 255")
        if int(key_id) in ring:
            raise ValueError(f"entry {place} repeats key id {int(key_id)}")
        try:
            ring[int(key_id)] = read_key(key)
        except ValueError as fault:
            raise ValueError(f"entry {place} {fault}") from None
    return ring


def read_secret_key(text: str) -> str:
    """The secret that signs logins: 32 characters or more."""
    if len(text) < SECRET_KEY_CHARACTERS:
        raise ValueError(f"has {len(text)} characters; expected at least {SECRET_KEY_CHARACTERS} random ones")
    if _PLACEHOLDER.search(text) or len(set(text)) < 8:
        raise ValueError("is a placeholder; expected random characters")
    return text


def read_webhook_secrets(text: str) -> tuple[str, ...]:
    """One secret, or two separated by a comma while one replaces the other (T4): 22 url-safe characters or more."""
    secrets = tuple(part.strip() for part in text.split(","))
    if len(secrets) > 2:
        raise ValueError("holds more than two secrets; expected one, or two while one replaces the other")
    for secret in secrets:
        if len(secret) < WEBHOOK_CHARACTERS or not _URL_SAFE.fullmatch(secret):
            raise ValueError(f"is not url-safe or too short; expected at least {WEBHOOK_CHARACTERS} of A-Z a-z 0-9 - _")
        if len(set(secret)) < 8:
            raise ValueError("is a placeholder; expected random characters")
    return secrets


def read_database_url(text: str) -> str:
    """A SQLAlchemy address of SQLite or PostgreSQL; the short forms of hosting platforms become psycopg's."""
    scheme, separator, rest = text.partition("://")
    if scheme == "sqlite" and separator:
        if not rest.startswith("/") or rest in ("/", "/:memory:"):
            raise ValueError("names no file; expected sqlite:////absolute/path/to/file")
        return text
    if scheme in ("postgres", "postgresql", "postgresql+psycopg") and separator:
        if not _split(text).path.strip("/"):
            raise ValueError("names no database; expected postgresql+psycopg://user:password@host/database")
        return f"postgresql+psycopg://{rest}"
    raise ValueError("is neither sqlite:////path nor postgresql+psycopg://user:password@host/database")


def read_redis_url(text: str) -> str:
    """``redis://``, ``rediss://`` or ``unix://``; empty when the service is to start a private store."""
    if text and (_split(text).scheme not in ("redis", "rediss", "unix") or not (_split(text).netloc or _split(text).path)):
        raise ValueError("is not redis://host:port/0, rediss://… or unix:///path")
    return text


def read_gateway_url(text: str) -> str:
    """Where sends go, without ``/version1`` and without a slash at the end; HTTPS unless on this machine."""
    parts = _split(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("is not an address such as https://api.africastalking.com")
    if parts.path.rstrip("/").endswith("/version1"):
        raise ValueError("must end before /version1")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise ValueError("sends the gateway key without TLS; expected https://")
    return text.rstrip("/")


def read_public_url(text: str) -> str:
    """The address people open, without a path: it also names the only host that is answered (T24)."""
    parts = _split(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("is not an address such as https://sms.example.org")
    if parts.path.strip("/") or parts.query or parts.fragment or parts.username:
        raise ValueError("has more than scheme, host and port; expected only https://sms.example.org")
    return text.rstrip("/")


def read_proxies(text: str) -> int:
    """How many proxies stand in front, each trusted with one forwarded address (T24)."""
    if not (text.isascii() and text.isdigit() and len(text) == 1 and int(text) <= 5):
        raise ValueError("is not a whole number from 0 to 5")
    return int(text)


def read_delay(text: str) -> int:
    """Seconds between the approval of a broadcast and its first text: 0 to 86,400."""
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= 86_400):
        raise ValueError("is not a whole number of seconds from 0 to 86400")
    return int(text)


def read_cost(text: str) -> float:
    """Francs (RWF) a segment costs, for the estimate on the broadcast page: 0 to 1000, with a decimal point."""
    if not re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,2})?", text, re.ASCII) or float(text) > 1000:
        raise ValueError("is not an amount in RWF such as 12.5, from 0 to 1000")
    return float(text)


def read_ceiling(text: str) -> float:
    """Francs (RWF) that sending may cost in a day or month before reminders and broadcasts wait (T6); 0 is no ceiling."""
    if not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,2})?", text, re.ASCII):
        raise ValueError("is not an amount in RWF such as 250000, or 0 for no ceiling")
    return float(text)


def read_rate(text: str) -> float:
    """Parts of texts a second that all processes may send together (the route's pace, T6): 0.1 to 100,000."""
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,2})?", text, re.ASCII) or not 0.1 <= float(text) <= 100_000:
        raise ValueError("is not a number of text parts a second such as 50, from 0.1 to 100000")
    return float(text)


def read_sender(text: str) -> str:
    """The registered alphanumeric sender id for one-way texts: at most 11 letters and digits, no generic word (S2)."""
    if not re.fullmatch(r"[A-Za-z0-9 _-]{3,11}", text, re.ASCII) or not re.search("[A-Za-z]", text):
        raise ValueError("is no sender id; expected 3 to 11 letters and digits, as registered")
    if text.upper() in _GENERIC_SENDERS:
        raise ValueError("is a generic word that the networks refuse; expected the registered brand (S2)")
    return text


def read_short_code(text: str) -> str:
    """The number that texts which can be answered leave from (S2): 3 to 8 digits."""
    if not re.fullmatch(r"[0-9]{3,8}", text, re.ASCII):
        raise ValueError("is no short code; expected 3 to 8 digits")
    return text


def read_ussd_code(text: str) -> str:
    """The service code people dial, such as ``*384*123#``."""
    if not re.fullmatch(r"\*[0-9]{2,6}(\*[0-9]{1,6}){0,3}#", text, re.ASCII):
        raise ValueError("is no USSD code; expected a form such as *384*123#")
    return text


def read_plain(text: str) -> str:
    """A word without spaces or control characters."""
    if not text.isprintable() or " " in text:
        raise ValueError("holds a space or a control character")
    return text


def read_command(text: str) -> tuple[str, ...]:
    """A program by its whole path and its arguments, split as a shell would; no shell runs it."""
    try:
        words = tuple(shlex.split(text))
    except ValueError:
        raise ValueError("has a quotation mark that is not closed") from None
    if not words or not Path(words[0]).is_absolute():
        raise ValueError("does not begin with a program's whole path; expected a form such as /usr/local/bin/page-us --to duty")
    return words


def read_alarm_url(text: str) -> str:
    """Where alarms or heartbeats go: HTTPS unless on this machine."""
    parts = _split(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("is not an address such as https://alarms.example.org/hook")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise ValueError("has no TLS; expected https://")
    return text


def read_folder(text: str) -> Path:
    """A folder, made absolute; it need not exist yet."""
    path = Path(text).expanduser().absolute()
    if path.exists() and not path.is_dir():
        raise ValueError("is a file; expected a folder")
    return path


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise ValueError("is not a well-formed address") from None
    return parts
