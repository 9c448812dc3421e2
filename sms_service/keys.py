"""Keys and the files they lie in.

``python -m sms_service.keys`` prints a fresh set, one ``NAME=value`` a line, to be put where production keeps its
secrets. Development and the demo keep theirs in ``DATA_DIR/keys.env``, made once and readable by its owner only.
"""

from __future__ import annotations

import base64
import os
import secrets
import stat
import sys
from pathlib import Path
from typing import Final

from dotenv import dotenv_values

KEY_NAMES: Final = ("SECRET_KEY", "FIELD_KEYS", "HASH_KEY", "AUDIT_KEY", "WEBHOOK_SECRET")
KEY_FILE: Final = "keys.env"


class KeyFileFault(Exception):
    """A file with secrets cannot be used; the sentence names the file and what to do, never what it holds."""


def new_keys() -> dict[str, str]:
    """A fresh value for each of ``KEY_NAMES``."""

    def key() -> str:
        return base64.b64encode(secrets.token_bytes(32)).decode()

    return {
        "SECRET_KEY": secrets.token_urlsafe(32),
        "FIELD_KEYS": f"1:{key()}",
        "HASH_KEY": key(),
        "AUDIT_KEY": key(),
        "WEBHOOK_SECRET": secrets.token_urlsafe(24),
    }


def generate_keys(data_dir: Path) -> dict[str, str]:
    """The keys of ``data_dir``, made at the first call with mode 0600 and the same ever after.

    Several processes may call at once: the first file in place wins and all read it. Raises ``KeyFileFault`` when the
    file can be read by others, is incomplete or cannot be written.
    """
    path = data_dir / KEY_FILE
    try:
        if not path.exists():
            _write_once(path, "".join(f"{name}={value}\n" for name, value in new_keys().items()))
    except OSError as fault:
        raise KeyFileFault(f"{path} cannot be written: {os.strerror(fault.errno or 0)}; check DATA_DIR") from None
    if readable_by_others(path):
        raise KeyFileFault(f"{path} can be read by others: run chmod 600 on it")
    keys = {name: value for name, value in read_env_file(path).items() if name in KEY_NAMES}
    missing = [name for name in KEY_NAMES if not keys.get(name)]
    if missing:
        raise KeyFileFault(f"{path} lacks {', '.join(missing)}: restore it from its copy (new keys open nothing old)")
    return keys


def read_env_file(path: Path) -> dict[str, str]:
    """The ``NAME=value`` lines of a file; raises ``KeyFileFault`` when it cannot be read as text."""
    try:
        values = dotenv_values(path, interpolate=False, encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise KeyFileFault(f"{path} cannot be read ({type(fault).__name__}): is it there, and text?") from None
    return {name: value or "" for name, value in values.items()}


def readable_by_others(path: Path) -> bool:
    """Whether anyone but the owner may open the file."""
    return bool(stat.S_IMODE(path.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO))


def _write_once(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink()


def main() -> int:
    """Print a fresh set of keys, and one for backups, which is to be kept apart from them."""
    backup = base64.b64encode(secrets.token_bytes(32)).decode()
    sys.stdout.write("".join(f"{name}={value}\n" for name, value in {**new_keys(), "BACKUP_KEY": backup}.items()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
