"""Sealing personal data field by field, and the keyed hashes it is found by (T13, design decision 6).

A sealed value is ``key id (1 byte) + AES-SIV(text)``: authenticated, and bound to its table, column and row id, so
that a ciphertext copied to another row does not open. Sealing is deterministic for one row and field, which is
harmless because the row id is part of what is authenticated. Hashes are HMAC-SHA256 under one subkey a purpose, cut
to the size each column needs; without the key they cannot be recomputed, with a stolen dump alone they cannot be
guessed.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MIN_KEY_BYTES = 32
HIGHEST_KEY_ID = 255
PIN_SALT_BYTES = 16
_WORD_BYTES = 3


class Unsealable(Exception):
    """A stored value cannot be opened: unknown key id, another row's value, or changed bytes. Carries no content."""


def derive_key(master: bytes, purpose: str, length: int = 32) -> bytes:
    """One subkey of ``length`` bytes for one purpose (HKDF-SHA256), so that no key does two jobs."""
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=b"sms-service/" + purpose.encode()).derive(master)


def fingerprint(key: bytes) -> str:
    """16 characters that tell one key from another and say nothing of it."""
    return derive_key(key, "fingerprint", 8).hex()


class Vault:
    """Seals and opens fields, and hashes what must be found without being read.

    ``field_keys`` maps key ids (1..255) to keys of at least 32 bytes; the first is the current one, the others still
    open what they sealed. ``hash_key`` (at least 32 bytes) is for lookups. Raises ``ValueError`` for a ring it cannot
    use. Safe to share between threads.
    """

    def __init__(self, field_keys: Mapping[int, bytes], hash_key: bytes) -> None:
        if not field_keys:
            raise ValueError("the field key ring is empty: at least one key is needed")
        for key_id, key in field_keys.items():
            if not 1 <= key_id <= HIGHEST_KEY_ID:
                raise ValueError(f"field key id {key_id} is outside 1..{HIGHEST_KEY_ID}")
            if len(key) < MIN_KEY_BYTES:
                raise ValueError(f"field key {key_id} has {len(key)} bytes, at least {MIN_KEY_BYTES} are needed")
        if len(hash_key) < MIN_KEY_BYTES:
            raise ValueError(f"the hash key has {len(hash_key)} bytes, at least {MIN_KEY_BYTES} are needed")
        self._ciphers = {key_id: AESSIV(derive_key(key, "field", 64)) for key_id, key in field_keys.items()}
        self.current_key_id = next(iter(field_keys))
        self.fingerprints = {key_id: fingerprint(key) for key_id, key in field_keys.items()}
        self.hash_fingerprints = (fingerprint(hash_key),)
        self._current = self._ciphers[self.current_key_id]
        self._current_prefix = bytes([self.current_key_id])
        self._places: dict[tuple[str, str], bytes] = {}
        self._number_key = derive_key(hash_key, "number")
        self._text_key = derive_key(hash_key, "text")
        self._word_key = derive_key(hash_key, "word")
        self._pin_key = derive_key(hash_key, "pin")

    def seal(self, table: str, column: str, row_id: int, text: str) -> bytes:
        """The sealed form of ``text`` for this one field of this one row, under the current key; 17 bytes longer."""
        data = text.encode("utf-8", "surrogatepass")
        return self._current_prefix + self._current.encrypt(data, [self._place(table, column, row_id)])

    def open(self, table: str, column: str, row_id: int, blob: bytes) -> str:
        """The text sealed for this field of this row.

        Raises ``Unsealable`` when the key is not in the ring or the value belongs to another field or was changed.
        """
        blob = bytes(blob)
        cipher = self._ciphers.get(blob[0]) if blob else None
        if cipher is None:
            held = f"key {blob[0]}" if blob else "no key id"
            raise Unsealable(f"{table}.{column} of row {row_id} is sealed with {held}, which is not in FIELD_KEYS")
        try:
            return cipher.decrypt(blob[1:], [self._place(table, column, row_id)]).decode("utf-8", "surrogatepass")
        except (InvalidTag, ValueError) as fault:
            raise Unsealable(
                f"{table}.{column} of row {row_id} does not open with key {blob[0]}:"
                " the value was changed, belongs to another row, or the key is not the one that sealed it"
            ) from fault

    def key_id(self, blob: bytes) -> int:
        """The id of the key a sealed value needs (for rotation); raises ``Unsealable`` for an empty value."""
        if not blob:
            raise Unsealable("a sealed value is empty: it has no key id")
        return bytes(blob)[0]

    def number_hash(self, e164: str) -> bytes:
        """16 bytes a number is found by. ``e164`` must be normalised (W9); raises ``ValueError`` otherwise.

        The check is here because a stop stored under the hash of an unnormalised form would be missed.
        """
        if not (e164[:1] == "+" and e164[1:].isdigit() and e164.isascii() and e164[1] != "0" and 9 <= len(e164) <= 16):
            raise ValueError("a number must be hashed in its E.164 form: '+' and 8 to 15 digits")
        return hmac.digest(self._number_key, e164.encode(), "sha256")[:16]

    def text_hash(self, scope: str, text: str) -> bytes:
        """16 bytes standing for ``text`` within ``scope``; equal texts in different scopes do not show as equal."""
        message = scope.encode() + b"\x00" + text.encode("utf-8", "surrogatepass")
        return hmac.digest(self._text_key, message, "sha256")[:16]

    def word_hash(self, word: str) -> int:
        """24 bits standing for one normalised search word: so few that collisions hide which word it was (T13)."""
        digest = hmac.digest(self._word_key, word.encode("utf-8", "surrogatepass"), "sha256")
        return int.from_bytes(digest[:_WORD_BYTES], "big")

    def pin_hash(self, salt: bytes, pin: str) -> bytes:
        """32 bytes standing for a person's PIN (S11).

        Keyed and salted but not slow: 10,000 values are protected by the key and the lockout, and a USSD hop has no
        100 ms to spend on a slow hash.
        """
        return hmac.digest(self._pin_key, len(salt).to_bytes(1, "big") + salt + pin.encode(), "sha256")

    def pin_matches(self, salt: bytes, pin: str, stored: bytes) -> bool:
        """Whether ``pin`` is the one stored, in time that does not depend on where they differ."""
        return hmac.compare_digest(self.pin_hash(salt, pin), bytes(stored))

    def _place(self, table: str, column: str, row_id: int) -> bytes:
        name = self._places.get((table, column))
        if name is None:
            name = self._places[table, column] = f"{table}\x00{column}\x00".encode()
        return name + row_id.to_bytes(8, "big", signed=True)


def new_pin_salt() -> bytes:
    """A salt for one person's PIN."""
    return secrets.token_bytes(PIN_SALT_BYTES)
