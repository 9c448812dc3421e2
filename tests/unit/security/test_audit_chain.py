"""The audit chain names the first entry that is not as it was written."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms_service.security.audit_chain import Entry, Head, entry_hash, verify

KEY = b"a" * 32
ACTS = ["sign-in", "reveal", "export", "role", "reveal", "key", "retention"]


def written(acts: Sequence[str], key: bytes = KEY) -> list[Entry]:
    """A chain with one entry an act, as the service writes it."""
    entries: list[Entry] = []
    previous = b""
    for seq, act in enumerate(acts, start=1):
        fields = [str(seq), "2026-05-13T07:00:00", "S01", act, f"P{seq:04d}"]
        digest = entry_hash(key, previous, fields)
        entries.append((seq, previous, digest, fields))
        previous = digest
    return entries


def head_of(entries: Sequence[Entry]) -> Head:
    return Head(entries[-1][0], entries[-1][2])


def edit(entries: list[Entry]) -> list[Entry]:
    seq, previous, digest, fields = entries[3]
    return [*entries[:3], (seq, previous, digest, [*fields[:3], "sign-in", fields[4]]), *entries[4:]]


def delete(entries: list[Entry]) -> list[Entry]:
    return entries[:3] + entries[4:]


def delete_and_renumber(entries: list[Entry]) -> list[Entry]:
    kept = delete(entries)
    return [(seq, e[1], e[2], [str(seq), *e[3][1:]]) for seq, e in enumerate(kept, start=1)]


def insert(entries: list[Entry]) -> list[Entry]:
    return [*entries[:3], (4, entries[2][2], b"x" * 32, ["4", "", "", "", ""]), *entries[3:]]


def swap(entries: list[Entry]) -> list[Entry]:
    return [*entries[:3], entries[4], entries[3], *entries[5:]]


def swap_contents(entries: list[Entry]) -> list[Entry]:
    fourth, fifth = entries[3], entries[4]
    return [*entries[:3], (4, *fourth[1:3], fifth[3]), (5, *fifth[1:3], fourth[3]), *entries[5:]]


def rebuild_from_the_fourth(entries: list[Entry]) -> list[Entry]:
    forged = written([*ACTS[:3], "nothing", *ACTS[4:]], key=b"g" * 32)
    return entries[:3] + forged[3:]


def cut_the_start(entries: list[Entry]) -> list[Entry]:
    return entries[1:]


def test_an_untouched_chain_verifies() -> None:
    """I17: with and without the head that was kept outside."""
    entries = written(ACTS)
    assert verify(entries, KEY) is None
    assert verify(entries, KEY, head=head_of(entries)) is None
    assert verify(entries, KEY, head=head_of(entries[:3])) is None
    assert verify([], KEY) is None


@pytest.mark.parametrize(
    ("tampering", "first_bad"),
    [
        (edit, 4),
        (delete, 4),
        (delete_and_renumber, 4),
        (insert, 4),
        (swap, 4),
        (swap_contents, 4),
        (rebuild_from_the_fourth, 4),
        (cut_the_start, 1),
    ],
)
def test_tampering_is_named_by_its_first_entry(tampering: Callable[[list[Entry]], list[Entry]], first_bad: int) -> None:
    """T19: edit, delete, insert, swap, rebuild without the key."""
    assert verify(tampering(written(ACTS)), KEY) == first_bad


@pytest.mark.parametrize("kept", range(len(ACTS)))
def test_a_tail_cut_off_is_seen_against_the_head_kept_outside(kept: int) -> None:
    """T19: the shortened chain is in itself whole, so only the head can tell."""
    entries = written(ACTS)
    assert verify(entries[:kept], KEY) is None
    assert verify(entries[:kept], KEY, head=head_of(entries)) == kept + 1


def test_a_chain_rebuilt_with_the_key_is_seen_against_the_head() -> None:
    """T19: someone who holds the key still cannot change what was anchored."""
    rebuilt = written([*ACTS[:-1], "nothing"])
    assert verify(rebuilt, KEY) is None
    assert verify(rebuilt, KEY, head=head_of(written(ACTS))) == len(ACTS)


def test_a_chain_may_begin_after_a_retention_cut() -> None:
    entries = written(ACTS)
    assert verify(entries[2:], KEY, start=head_of(entries[:2])) is None
    assert verify(entries[3:], KEY, start=head_of(entries[:2])) == 3


@given(st.lists(st.text(), max_size=5), st.lists(st.text(), max_size=5))
def test_different_fields_never_hash_alike(one: list[str], other: list[str]) -> None:
    """I17: moving a letter from one field to the next changes the hash."""
    assert (entry_hash(KEY, b"", one) == entry_hash(KEY, b"", other)) == (one == other)


def test_a_head_is_written_and_read_back() -> None:
    head = head_of(written(ACTS))
    assert Head.read(f" {head}\n") == head
    for wrong in ("", "12", "x:00", "12:zz"):
        with pytest.raises(ValueError, match=r"audit head|hex"):
            Head.read(wrong)
