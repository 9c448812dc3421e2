"""The form of a backup: what is not as it was written does not open, and is told in one sentence (T13)."""

from __future__ import annotations

import hashlib
import io
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sms_service.security.archive import CHUNK_BYTES, MAGIC, ArchiveFault, Writer, read_lines

KEY = hashlib.sha256(b"backup").digest()
HEAD = len(MAGIC) + 20


def written(lines: list[bytes], key: bytes = KEY) -> bytes:
    file = io.BytesIO()
    writer = Writer(file, key)
    for line in lines:
        writer.line(line)
    writer.close()
    return file.getvalue()


def read(content: bytes, key: bytes = KEY) -> list[bytes]:
    return list(read_lines(io.BytesIO(content), key))


@cache
def large() -> tuple[list[bytes], bytes]:
    """Lines that do not compress: several chunks."""
    lines = [hashlib.shake_256(str(no).encode()).digest(999).replace(b"\n", b".") for no in range(1000)]
    return lines, written(lines)


def chunks(content: bytes) -> list[bytes]:
    found, place = [], HEAD
    while place < len(content):
        end = place + 4 + int.from_bytes(content[place : place + 4], "big")
        found.append(content[place:end])
        place = end
    return found


@given(st.lists(st.binary(max_size=60).map(lambda line: line.replace(b"\n", b"")), max_size=30))
def test_lines_come_back(lines: list[bytes]) -> None:
    assert read(written(lines)) == lines


def test_several_chunks_come_back_and_show_nothing() -> None:
    lines, content = large()
    assert read(content) == lines
    assert len(chunks(content)) > 3
    assert lines[0][:40] not in content
    assert max(map(len, chunks(content))) <= CHUNK_BYTES + 20


@given(st.integers(min_value=0), st.integers(min_value=1, max_value=255))
@settings(max_examples=60)
def test_any_flipped_byte_is_found(place: int, flip: int) -> None:
    content = bytearray(written([b"a line of a backup"] * 20))
    content[place % len(content)] ^= flip
    with pytest.raises(ArchiveFault):
        read(bytes(content))


@given(st.integers(min_value=0))
@settings(max_examples=40)
def test_a_file_cut_off_anywhere_is_found(place: int) -> None:
    content = written([b"a line of a backup"] * 20)
    with pytest.raises(ArchiveFault):
        read(content[: place % len(content)])


def test_a_file_cut_off_between_chunks_is_found() -> None:
    content = large()[1]
    with pytest.raises(ArchiveFault, match="does not open: the file was changed or cut off"):
        read(content[: -len(chunks(content)[-1])])


@pytest.mark.parametrize("order", [[1, 0, 2, 3], [0, 0, 1, 2, 3], [0, 2, 3]])
def test_chunks_swapped_repeated_or_left_out_are_found(order: list[int]) -> None:
    content = large()[1]
    parts = chunks(content)
    with pytest.raises(ArchiveFault, match="does not open"):
        read(content[:HEAD] + b"".join(parts[no] for no in order))


def test_a_chunk_of_another_backup_does_not_open_here() -> None:
    mine, other = written([b"mine"]), written([b"other"])
    with pytest.raises(ArchiveFault, match="chunk 1"):
        read(mine[:HEAD] + b"".join(chunks(other)))


def test_another_key_is_named_by_its_id() -> None:
    with pytest.raises(ArchiveFault, match="another BACKUP_KEY") as caught:
        read(written([b"mine"]), hashlib.sha256(b"other").digest())
    assert KEY.hex() not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", MAGIC, MAGIC + bytes(20)])
def test_what_is_no_backup_is_said(content: bytes) -> None:
    with pytest.raises(ArchiveFault):
        read(content)
