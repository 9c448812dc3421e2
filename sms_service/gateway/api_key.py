"""The gateway account's key, which may be changed while texts go: a file that is looked at again when it has changed (T18)."""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path
from typing import Final

FORM: Final = re.compile(r"[\x21-\x7e]{1,512}", re.ASCII)


class ApiKey:
    """``current()`` is the key to call with. With a ``file`` that is its content of now; a file that is gone, empty or no key is
    passed over, and the key read last goes on being used, so that no call is made with half a key.
    """

    def __init__(self, key: str, file: Path | None = None) -> None:
        self._key, self._file = key, file
        self._seen: tuple[int, int, int] | None = None
        self._lock = threading.Lock()

    def current(self) -> str:
        """The key; asks the file system whether the file changed and reads it only then."""
        if self._file is None:
            return self._key
        with self._lock:
            try:
                state = os.stat(self._file)
                seen = (state.st_mtime_ns, state.st_ino, state.st_size)
                if seen != self._seen:
                    text = self._file.read_text("ascii").strip()
                    if FORM.fullmatch(text):
                        self._key, self._seen = text, seen
            except (OSError, UnicodeDecodeError):
                pass  # between two versions of the file there is a moment without one
            return self._key
