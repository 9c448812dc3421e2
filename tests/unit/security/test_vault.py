"""The vault: what it seals opens only in its own place, and its hashes need the key."""

import os
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms_service.security.vault import PIN_SALT_BYTES, Unsealable, Vault, derive_key, new_pin_salt

HASH_KEY = bytes(range(32))
VAULT = Vault({1: b"k" * 32}, HASH_KEY)
NUMBER = "+250788123456"


@given(st.text(), st.integers(0, 2**63 - 1))
def test_what_was_sealed_opens_in_its_place(text: str, row_id: int) -> None:
    """T13: any text, also an empty one or one with a NUL or a lone surrogate."""
    blob = VAULT.seal("message", "text", row_id, text)
    assert VAULT.open("message", "text", row_id, blob) == text
    assert len(blob) == 17 + len(text.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize(
    ("table", "column", "row_id"),
    [("message", "text", 8), ("message", "note", 7), ("person", "text", 7), ("messag", "etext", 7)],
)
def test_a_value_copied_elsewhere_does_not_open(table: str, column: str, row_id: int) -> None:
    """T13: the row id, the column and the table are part of what is authenticated."""
    blob = VAULT.seal("message", "text", 7, "Uwase Claudine")
    with pytest.raises(Unsealable) as caught:
        VAULT.open(table, column, row_id, blob)
    assert "Uwase" not in str(caught.value)
    assert f"{table}.{column} of row {row_id}" in str(caught.value)


@given(st.integers(min_value=0), st.integers(1, 255))
def test_any_changed_byte_is_noticed(position: int, change: int) -> None:
    """T13: authenticated, the key id too."""
    blob = bytearray(VAULT.seal("message", "text", 7, "ejo saa munani"))
    blob[position % len(blob)] ^= change
    with pytest.raises(Unsealable):
        VAULT.open("message", "text", 7, bytes(blob))


@pytest.mark.parametrize("blob", [b"", b"\x01", b"\x09abc", b"\x01short"])
def test_what_is_no_sealed_value_is_named_as_such(blob: bytes) -> None:
    with pytest.raises(Unsealable):
        VAULT.open("message", "text", 7, blob)


def test_a_second_key_reads_the_old_and_seals_the_new() -> None:
    """Rotation: the first key of the ring seals, every key of it opens, a retired key is missed by name."""
    old = VAULT.seal("person", "name", 3, "Mukamana")
    both = Vault({2: b"n" * 32, 1: b"k" * 32}, HASH_KEY)
    new = both.seal("person", "name", 3, both.open("person", "name", 3, old))
    assert (both.key_id(old), both.key_id(new), both.current_key_id) == (1, 2, 2)
    with pytest.raises(Unsealable, match="key 2, which is not in FIELD_KEYS"):
        VAULT.open("person", "name", 3, new)


def test_a_phone_number_takes_29_bytes_and_does_not_show() -> None:
    blob = VAULT.seal("number", "e164", 1, NUMBER[1:])
    assert len(blob) == 29
    assert NUMBER[1:].encode() not in blob


@pytest.mark.parametrize(
    ("field_keys", "hash_key", "complaint"),
    [
        ({}, HASH_KEY, "ring is empty"),
        ({0: b"k" * 32}, HASH_KEY, "id 0 is outside"),
        ({256: b"k" * 32}, HASH_KEY, "id 256 is outside"),
        ({1: b"k" * 31}, HASH_KEY, "31 bytes"),
        ({1: b"k" * 32}, b"short", "hash key has 5 bytes"),
    ],
)
def test_a_ring_that_cannot_be_used_is_refused(field_keys: dict[int, bytes], hash_key: bytes, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Vault(field_keys, hash_key)


UNNORMALISED = [
    "250788123456",
    "0788123456",
    "+250 788 123 456",
    "",
    "+07881234",
    "+1234567",
    "+1234567890123456",
    "+٢٥٠٧٨٨١٢٣٤٥٦",
]


@pytest.mark.parametrize("form", UNNORMALISED)
def test_only_a_normalised_number_is_hashed(form: str) -> None:
    """W9: a stop stored under another spelling would be missed later."""
    with pytest.raises(ValueError, match=r"E\.164") as caught:
        VAULT.number_hash(form)
    assert "788" not in str(caught.value)


@pytest.mark.parametrize(
    "hash_with",
    [
        lambda vault: vault.number_hash(NUMBER),
        lambda vault: vault.text_hash("receipt", "1*2"),
        lambda vault: vault.word_hash("umuganda"),
        lambda vault: vault.pin_hash(b"s" * 16, "4821"),
    ],
)
def test_hashes_repeat_under_one_key_and_differ_under_another(hash_with: Callable[[Vault], bytes | int]) -> None:
    other = Vault({1: b"k" * 32}, os.urandom(32))
    assert hash_with(VAULT) == hash_with(Vault({9: b"z" * 32}, HASH_KEY))
    assert hash_with(VAULT) != hash_with(other)


def test_hashes_have_their_sizes_and_their_own_keys() -> None:
    """T13: word hashes are cut to 24 bits, so that a stolen index cannot be read back word by word."""
    assert len(VAULT.number_hash(NUMBER)) == 16
    assert len(VAULT.text_hash("receipt", NUMBER)) == 16
    assert VAULT.text_hash("receipt", NUMBER) != VAULT.text_hash("previous", NUMBER)
    assert VAULT.text_hash("", NUMBER) != VAULT.number_hash(NUMBER)
    assert all(0 <= VAULT.word_hash(f"word{n}") < 2**24 for n in range(200))
    assert derive_key(HASH_KEY, "a") != derive_key(HASH_KEY, "b")


def test_a_pin_is_compared_by_its_salted_hash() -> None:
    """S11: the same PIN of two people is stored differently."""
    salt, other = new_pin_salt(), new_pin_salt()
    stored = VAULT.pin_hash(salt, "4821")
    assert len(salt) == PIN_SALT_BYTES
    assert salt != other
    assert VAULT.pin_matches(salt, "4821", stored)
    assert not VAULT.pin_matches(salt, "4822", stored)
    assert not VAULT.pin_matches(other, "4821", stored)
