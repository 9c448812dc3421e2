"""The append-only record of everything the simulated gateway took, posted and was answered.

One JSON object a line in ``record.jsonl``. A line is flushed to the operating system before the caller is answered, so
a killed simulator never answered for a message its record does not hold; tests count on that for "at most once" (I7,
I8).
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FILE_NAME = "record.jsonl"


class Record:
    """The record in one directory, created when absent and continued when present.

    A last line without its end was being written when the process died and was never answered for: it is cut off.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.path = directory / FILE_NAME
        self._lock = threading.Lock()
        self._starts: list[int] = []
        self._end = 0
        if self.path.exists():
            with self.path.open("rb") as old:
                for line in old:
                    if not line.endswith(b"\n"):
                        break
                    self._starts.append(self._end)
                    self._end += len(line)
        self._file = self.path.open("ab", buffering=0)
        self._file.truncate(self._end)

    def __len__(self) -> int:
        """How many lines the record holds."""
        return len(self._starts)

    def write(self, *entries: Mapping[str, Any]) -> None:
        """Append entries, in order and together; each gets ``seq`` (from 1) and ``time`` (UTC, ISO 8601)."""
        if not entries:
            return
        now = datetime.now(UTC).isoformat(timespec="microseconds")
        with self._lock:
            lines = []
            first = len(self._starts) + 1
            for number, entry in enumerate(entries, start=first):
                line = json.dumps({"seq": number, "time": now, **entry}, ensure_ascii=False).encode() + b"\n"
                lines.append(line)
            block = b"".join(lines)
            try:
                written = self._file.write(block)
            except OSError:
                self._file.truncate(self._end)
                raise
            if written != len(block):
                self._file.truncate(self._end)
                raise OSError(f"the record {FILE_NAME} could not be written whole: is the disk full?")
            for line in lines:
                self._starts.append(self._end)
                self._end += len(line)

    def since(self, number: int) -> bytes:
        """The lines after line ``number`` (0 for all), as they are in the file."""
        with self._lock:
            if number >= len(self._starts):
                return b""
            start, end = self._starts[max(number, 0)], self._end
        with self.path.open("rb") as lines:
            lines.seek(start)
            return lines.read(end - start)
