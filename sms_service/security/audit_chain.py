"""The keyed hash chain that makes the audit tamper-evident (I17, T19).

Each entry's hash covers the hash before it and all its own fields, under a key that is not in the database. Editing,
removing, inserting or swapping entries breaks the chain at a place that can be named; cutting off the tail, or
rebuilding all of it, is seen against a head that was kept elsewhere. Pure: entries come in, a place comes out.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry of a chain at some moment: its number and its hash. Before the first entry: 0 and nothing."""

    seq: int = 0
    hash: bytes = b""

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash.hex()}"

    @classmethod
    def read(cls, text: str) -> Head:
        """The head written by ``str()``; raises ``ValueError`` for anything else."""
        seq, colon, digest = text.strip().partition(":")
        if not (colon and seq.isascii() and seq.isdigit()):
            raise ValueError("an audit head is written as 'number:hash', such as 120:9f3a…")
        return cls(int(seq), bytes.fromhex(digest))


Entry = tuple[int, bytes, bytes, Sequence[str]]
"""An entry as stored: its number, the hash before it, its own hash, its fields as texts."""


def entry_hash(key: bytes, previous: bytes, fields: Sequence[str]) -> bytes:
    """32 bytes over the hash before and every field, each with its length, so that no text slips between fields."""
    digest = hmac.new(key, digestmod=sha256)
    for part in (previous, *(field.encode("utf-8", "surrogatepass") for field in fields)):
        digest.update(len(part).to_bytes(4, "big") + part)
    return digest.digest()


def verify(entries: Iterable[Entry], key: bytes, *, head: Head | None = None, start: Head | None = None) -> int | None:
    """The number of the first bad entry, or None when all is as it was written.

    ``entries`` in order of number. ``head`` is one that was kept outside: the chain must contain it, so that a tail
    that was cut off, or a chain rebuilt by someone who has the key, is noticed. ``start`` is the head left by a
    retention cut at the old end (default: the beginning, number 1).
    """
    last = start or Head()
    head_seen = head is None or head == last
    for seq, previous, stored, fields in entries:
        if seq != last.seq + 1:
            return last.seq + 1
        right = entry_hash(key, last.hash, fields)
        if not (hmac.compare_digest(previous, last.hash) and hmac.compare_digest(right, stored)):
            return seq
        last = Head(seq, bytes(stored))
        if head is not None and head.seq == seq:
            if not hmac.compare_digest(head.hash, last.hash):
                return seq
            head_seen = True
    return None if head_seen else last.seq + 1
