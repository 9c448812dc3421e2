"""Random codes, links and row ids, drawn from the system's generator; nothing else draws identifiers."""

from __future__ import annotations

import os
import secrets
import threading
import time
from datetime import datetime

EPOCH_MS = 1_577_836_800_000  # 2020-01-01T00:00:00Z
COUNTER_BITS = 21
_COUNTER_SIZE = 1 << COUNTER_BITS

# What whoever finds the phone tries first, beside repeats, runs and years: the middle column of the keypad, doubled
# pairs.
_GUESSED_PINS = frozenset({"2580", "1122", "1212"})


class RowIds:
    """Row ids made before the insert, because a sealed field needs its row id (T13).

    An id is 63 bits: milliseconds since 2020 in the upper 42, a counter in the lower 21 that starts at a random place
    in every millisecond. Ids of one process only grow, also when the clock is set back; ids of several processes are
    ordered to the millisecond. Two processes that draw in the same millisecond meet once in a million: the insert
    then fails on its key and the transaction is tried again.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ms = 0
        self._counter = 0
        os.register_at_fork(after_in_child=self._start_afresh)

    def new(self) -> int:
        """The next id, greater than every id drawn before in this process."""
        with self._lock:
            now = time.time_ns() // 1_000_000 - EPOCH_MS
            if now > self._ms:
                self._ms, self._counter = now, secrets.randbelow(_COUNTER_SIZE)
            else:
                self._counter += 1
                if self._counter >= _COUNTER_SIZE:
                    self._ms, self._counter = self._ms + 1, secrets.randbelow(_COUNTER_SIZE)
            return self._ms << COUNTER_BITS | self._counter

    def _start_afresh(self) -> None:
        """A forked child holds its parent's place: move to a millisecond of its own with a new random start."""
        self._lock = threading.Lock()
        self._ms, self._counter = self._ms + 1, secrets.randbelow(_COUNTER_SIZE)


_row_ids = RowIds()


def new_row_id() -> int:
    """A new unique, time-ordered 63-bit row id (see ``RowIds``)."""
    return _row_ids.new()


def first_row_id_at(moment: datetime) -> int:
    """The smallest row id that can have been drawn at ``moment`` (aware, of the drawing process's own clock)."""
    return max(0, int(moment.timestamp() * 1000) - EPOCH_MS) << COUNTER_BITS


def new_code(prefix: str, digits: int) -> str:
    """A random public code such as ``P4821``; the caller keeps it unique by its table's key and draws again."""
    if digits < 1:
        raise ValueError("a code needs at least one digit")
    return f"{prefix}{secrets.randbelow(10**digits):0{digits}d}"


def new_url_token(random_bytes: int = 24) -> str:
    """A url-safe secret for links and paths; at least 128 bits (T4)."""
    if random_bytes < 16:
        raise ValueError("a secret in a link needs at least 16 random bytes")
    return secrets.token_urlsafe(random_bytes)


def new_pin() -> str:
    """Four digits for a person to remember (S11), without what everybody tries first: repeats, runs, years."""
    while True:
        pin = f"{secrets.randbelow(10_000):04d}"
        guessed = len(set(pin)) == 1 or pin in _GUESSED_PINS or pin[:2] in ("19", "20")
        if not guessed and pin not in "01234567890" and pin not in "09876543210":
            return pin
