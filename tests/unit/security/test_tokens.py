"""Codes, links, PINs and row ids."""

import os
import re
import secrets
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from sms_service.security import tokens


def test_row_ids_grow_and_never_repeat_across_threads() -> None:
    with ThreadPoolExecutor(8) as pool:
        batches = list(pool.map(lambda _: [tokens.new_row_id() for _ in range(2000)], range(8)))
    drawn = [row_id for batch in batches for row_id in batch]
    assert len(set(drawn)) == len(drawn)
    assert all(batch == sorted(batch) for batch in batches)


def test_row_ids_fit_a_signed_64_bit_column_and_tell_their_time() -> None:
    row_id = tokens.new_row_id()
    drawn_ms = (row_id >> tokens.COUNTER_BITS) + tokens.EPOCH_MS
    assert 0 < row_id < 2**63
    assert abs(drawn_ms / 1000 - time.time()) < 5


def test_row_ids_still_grow_when_the_clock_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = tokens.RowIds()
    before = ids.new()
    monkeypatch.setattr(time, "time_ns", lambda: tokens.EPOCH_MS * 1_000_000)
    assert ids.new() > before


def test_a_full_millisecond_spills_into_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: (tokens.EPOCH_MS + 5) * 1_000_000)
    monkeypatch.setattr(secrets, "randbelow", lambda size: size - 2)
    ids = tokens.RowIds()
    drawn = [ids.new() for _ in range(6)]
    assert drawn == sorted(set(drawn))
    assert drawn[-1] >> tokens.COUNTER_BITS > 5


def test_a_forked_child_does_not_repeat_its_parents_ids() -> None:
    ids = tokens.RowIds()
    ids.new()
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write_end, b"\n".join(str(ids.new()).encode() for _ in range(50)))
        os._exit(0)
    os.close(write_end)
    mine = {ids.new() for _ in range(50)}
    with os.fdopen(read_end, "rb") as pipe:
        theirs = {int(line) for line in pipe.read().split()}
    os.waitpid(child, 0)
    assert len(theirs) == 50
    assert not mine & theirs


def test_codes_have_their_prefix_and_digits() -> None:
    drawn = {tokens.new_code("P", 4) for _ in range(100)}
    assert len(drawn) > 50
    assert all(re.fullmatch(r"P\d{4}", code) for code in drawn)
    with pytest.raises(ValueError, match="at least one digit"):
        tokens.new_code("P", 0)


def test_links_hold_at_least_128_random_bits() -> None:
    """T4: the callback secret and every link are beyond guessing."""
    assert len({tokens.new_url_token() for _ in range(50)}) == 50
    assert len(tokens.new_url_token(16)) >= 22
    assert re.fullmatch(r"[A-Za-z0-9_-]+", tokens.new_url_token())
    with pytest.raises(ValueError, match="at least 16"):
        tokens.new_url_token(8)


def test_pins_are_not_the_first_guess() -> None:
    """S11: a PIN is drawn by the system and is no run, repeat or year."""
    drawn = {tokens.new_pin() for _ in range(3000)}
    assert all(re.fullmatch(r"\d{4}", pin) for pin in drawn)
    assert not drawn & {"0000", "1111", "1234", "4321", "9876", "0123", "2580"}
    assert not any(pin.startswith(("19", "20")) for pin in drawn)
