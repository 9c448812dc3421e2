"""Where files of the service lie, in a clone and in an installed wheel."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def templates_dir() -> Path:
    """The folder with conversations, messages, lexicon and pages: inside the package in a wheel, beside it in a clone.

    Raises ``FileNotFoundError`` when there is neither, rather than answering from half a catalogue.
    """
    for folder in (PACKAGE / "_templates", PACKAGE.parent / "templates"):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(
        f"no templates: neither {PACKAGE / '_templates'} nor {PACKAGE.parent / 'templates'} is a folder;"
        " install the wheel again or start from a complete clone"
    )


def default_data_dir(env: Mapping[str, str]) -> Path:
    """Where the service keeps its state when ``DATA_DIR`` is not set.

    A clone keeps it in ``.state`` beside the code; an installed wheel in the user's own state folder, whatever the
    working directory is.
    """
    if (PACKAGE.parent / "pyproject.toml").is_file():
        return PACKAGE.parent / ".state"
    base = env.get("XDG_STATE_HOME") or os.path.join(env.get("HOME") or os.path.expanduser("~"), ".local", "state")
    return Path(base) / "sms-service"
