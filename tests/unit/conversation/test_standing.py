"""What refuses nothing and is told before publishing: unreviewed languages, and public numbers that have run out."""

from __future__ import annotations

import datetime as dt

from sms_service.conversation.check_standing import directory_notices, review_notices, signed_off
from sms_service.conversation.faults import refusing
from tests.unit.conversation.player import LANGUAGES, catalogue

NOW = dt.datetime(2026, 11, 16, 8, tzinfo=dt.UTC)
FRESH = {name: NOW + dt.timedelta(days=30) for name in ("police", "ambulance", "health")}


def _numbers(directory: dict[str, dt.datetime]) -> list[str]:
    found = directory_notices(list(catalogue().conversations.values()), directory, NOW)
    assert refusing(found) == ()
    return [str(one) for one in found]


def test_numbers_that_are_fresh_are_not_mentioned() -> None:
    """S38: nothing to tell while every number a text draws on is verified."""
    assert _numbers(FRESH) == []


def test_a_number_that_ran_out_names_the_text_that_goes_instead() -> None:
    """S38, V11: on the very minute it runs out it may no longer be used; the urgent text goes without numbers."""
    lines = _numbers({**FRESH, "police": NOW})
    assert len(lines) == 1
    assert "notices, step urgent: the number of 'police' ran out on 2026-11-16: 'urgent_plain' goes instead (S38)" in lines[0]
    assert "record it as verified" in lines[0]


def test_a_number_nobody_ever_entered_is_told_for_each_text() -> None:
    """S38: the check-in's thanks in the months of remembrance draws on the health line as well."""
    lines = _numbers({name: until for name, until in FRESH.items() if name != "health"})
    assert all("the number of 'health' is not in the directory" in line for line in lines)
    assert {line.split(", step ")[1].split(":")[0] for line in lines} >= {"urgent", "thanks_line"}


def test_a_language_is_told_until_every_file_of_it_names_a_reader() -> None:
    """One notice for each conversation and language; a name in the file takes it away, 'awaiting' or nothing does not."""
    conversations, words = list(catalogue().conversations.values()), catalogue().words
    files = {entry.file for table in words.entries.values() for entry in table.values()}
    nobody = review_notices(conversations, words, {})
    assert len(nobody) == (len(conversations) + 1) * len(LANGUAGES)
    french = {file: "A. Reader, 2026-11-01" for file in files if "/fr/" in file}
    left = review_notices(conversations, words, {**dict.fromkeys(files, "awaiting native review"), **french})
    assert {one.language for one in left} == set(LANGUAGES) - {"fr"}
    assert [signed_off(text) for text in ("", "  ", "Awaiting native review", "A. Reader")] == [False, False, False, True]
