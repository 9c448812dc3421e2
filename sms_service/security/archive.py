"""The form a backup lies in: lines, compressed, cut into chunks, each sealed with AES-256-GCM under a key of the file's own (T13).

A file begins with a magic line, 16 random bytes and the id of the key. The file's key is derived from ``BACKUP_KEY`` and those
bytes, a chunk's nonce is its number and whether it is the last: one that was changed, swapped, repeated, left out or cut off does
not open.
Neither side ever holds more than a chunk and a line.
"""

from __future__ import annotations

import secrets
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sms_service.security.vault import derive_key

MAGIC = b"sms-service backup 1\n"
SALT_BYTES = 16
ID_BYTES = 4
CHUNK_BYTES = 1 << 18
LONGEST_LINE = 1 << 26
_TAG_BYTES = 16
_HEAD_BYTES = len(MAGIC) + SALT_BYTES + ID_BYTES


class ArchiveFault(Exception):
    """A file that cannot be read as a backup: one sentence that says why, and never what it holds."""


def key_id(key: bytes) -> bytes:
    """What tells one ``BACKUP_KEY`` from another without saying anything of it."""
    return derive_key(key, "backup key id", ID_BYTES)


class Writer:
    """Writes lines into ``file``; nothing of it opens before ``close`` has written the last chunk."""

    def __init__(self, file: BinaryIO, key: bytes) -> None:
        salt = secrets.token_bytes(SALT_BYTES)
        self._file = file
        self._head = MAGIC + salt + key_id(key)
        self._cipher = _cipher(key, salt)
        self._packer = zlib.compressobj(6)
        self._waiting = bytearray()
        self._count = 0
        file.write(self._head)

    def line(self, line: bytes) -> None:
        """Append one line, given without its end."""
        self._waiting += self._packer.compress(line + b"\n")
        while len(self._waiting) > CHUNK_BYTES:
            self._seal(bytes(self._waiting[:CHUNK_BYTES]), last=False)
            del self._waiting[:CHUNK_BYTES]

    def close(self) -> None:
        """Write what is left and the mark that says so; the file itself stays open."""
        self._waiting += self._packer.flush()
        while len(self._waiting) > CHUNK_BYTES:
            self._seal(bytes(self._waiting[:CHUNK_BYTES]), last=False)
            del self._waiting[:CHUNK_BYTES]
        self._seal(bytes(self._waiting), last=True)

    def _seal(self, chunk: bytes, *, last: bool) -> None:
        sealed = self._cipher.encrypt(_nonce(self._count, last), chunk, self._head)
        self._file.write(len(sealed).to_bytes(4, "big") + sealed)
        self._count += 1


def read_lines(file: BinaryIO, key: bytes) -> Iterator[bytes]:
    """The lines of a backup, each without its end. Raises ``ArchiveFault`` at the first byte that is not as it was written."""
    unpacker = zlib.decompressobj()
    left = b""
    for chunk in _chunks(file, key):
        packed = chunk
        while packed:
            try:
                text = unpacker.decompress(packed, CHUNK_BYTES)
            except zlib.error:
                raise ArchiveFault("the backup cannot be unpacked: it was not written by this program") from None
            packed = unpacker.unconsumed_tail
            *whole, left = (left + text).split(b"\n")
            yield from whole
            if len(left) > LONGEST_LINE:
                raise ArchiveFault("the backup holds a line longer than any this program writes")
    if left or not unpacker.eof:
        raise ArchiveFault("the backup ends in the middle of a line: it was not written to its end")


def _chunks(file: BinaryIO, key: bytes) -> Iterator[bytes]:
    head = file.read(_HEAD_BYTES)
    if not head.startswith(MAGIC) or len(head) < _HEAD_BYTES:
        raise ArchiveFault("this is no backup of this service: it does not begin like one")
    wanted, own = head[-ID_BYTES:], key_id(key)
    if wanted != own:
        raise ArchiveFault(f"the backup was made with another BACKUP_KEY: the id of its key is {wanted.hex()}, not {own.hex()}")
    cipher = _cipher(key, head[len(MAGIC) : -ID_BYTES])
    length, count = file.read(4), 0
    while length:
        size = int.from_bytes(length, "big")
        if len(length) < 4 or not _TAG_BYTES <= size <= CHUNK_BYTES + _TAG_BYTES:
            raise _damaged(count)
        sealed = file.read(size)
        if len(sealed) < size:
            raise _damaged(count)
        length = file.read(4)
        try:
            chunk = cipher.decrypt(_nonce(count, not length), sealed, head)
        except InvalidTag:
            raise _damaged(count) from None
        yield chunk
        count += 1
    if not count:
        raise _damaged(0)


def _damaged(count: int) -> ArchiveFault:
    return ArchiveFault(f"chunk {count + 1} of the backup does not open: the file was changed or cut off; use another copy")


def _cipher(key: bytes, salt: bytes) -> AESGCM:
    return AESGCM(derive_key(key, f"backup/{salt.hex()}"))


def _nonce(count: int, last: bool) -> bytes:
    return count.to_bytes(11, "big") + (b"\x01" if last else b"\x00")
