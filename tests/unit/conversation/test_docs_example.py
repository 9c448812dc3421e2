"""The example of docs/conversations.md is tried as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sms_service.catalogue import Catalogue, read_catalogue
from sms_service.conversation.discretion import may_begin_on
from tests.unit.conversation.player import TEMPLATES

PAGE = Path(__file__).parents[3] / "docs" / "conversations.md"


def block(kind: str) -> str:
    found = re.search(rf"^```{kind}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert found is not None
    return found.group(1)


def tried(folder: Path, words: str) -> Catalogue:
    """The example's two files laid over what ships."""
    definition = (TEMPLATES / "conversations" / "checkin.toml").read_text(encoding="utf-8")
    assert definition.count('next = "line"') == 1
    (folder / "checkin.toml").write_text(definition.replace('next = "line"', 'next = "busy"') + block("toml"), encoding="utf-8")
    (folder / "words.csv").write_text(words, encoding="utf-8")
    return read_catalogue(TEMPLATES, over=[folder / "checkin.toml", folder / "words.csv"])


def test_the_example_is_sound_and_changes_are_told_as_notices(tmp_path: Path) -> None:
    """A question is added in two files; the transcripts of what was there before tell of the difference and refuse nothing."""
    catalogue = tried(tmp_path, block("csv"))
    assert [str(fault) for fault in catalogue.faults] == []
    assert "busy" in catalogue.conversations["checkin"].steps
    differing = [one for one in catalogue.notices if one.file.startswith("transcripts/checkin.txt")]
    assert differing
    assert all("transcript if this was meant" in one.fix for one in differing)
    assert any(one.language == "fr" and "await native review" in one.reason for one in catalogue.notices)


def test_one_character_too_many_is_told_by_row_and_column(tmp_path: Path) -> None:
    """S6: the Kiswahili line is one too long: its row, its column, and that one character must go."""
    right = "Servas: asante. Ulikuwa na kazi nyingi? 1 = Ndiyo, 2 = Hapana"
    words = block("csv")
    assert words.count(right) == 1
    faults = tried(tmp_path, words.replace(right, right.replace("asante.", "asante." + "a" * (161 - len(right))))).faults
    (only,) = faults
    assert (only.file, only.language) == ("words.csv, row 2, column sw", "sw")
    assert "shorten it by 1 character" in str(only)


@pytest.mark.parametrize(("text_class", "phones"), [("A", {"own", "shared"}), ("B", {"own"})])
def test_the_table_of_phones_is_the_rule(text_class: str, phones: set[str], tmp_path: Path) -> None:
    """S3, S9: what the page says of classes and phones is what the proof holds."""
    catalogue = read_catalogue(TEMPLATES, proof=False)
    found = [one for one in catalogue.conversations.values() if one.text_class == text_class and one.closes != "dial"]
    assert found
    assert {phone for one in found for phone in may_begin_on(one)} == phones
