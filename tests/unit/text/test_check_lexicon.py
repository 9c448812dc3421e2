"""A slip in the lexicon's files is told with its file, entry and remedy; the shipped files have none."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from sms_service.text.check_lexicon import check_lexicon

Tables = dict[str, dict[str, Any]]
SIGNED = {"source": "D", "review": "awaiting native review"}


def test_the_shipped_lexicon_has_no_fault(tables: Tables) -> None:
    """9.2: every entry has its source and review state, and no two contradict each other."""
    assert check_lexicon(tables) == ()


@pytest.mark.parametrize(
    ("file", "entry", "reason"),
    [
        ("rw", {"meaning": "no", "words": ["yego"], **SIGNED}, "means both yes and no"),
        ("en", {"meaning": "yes", "words": ["unsubscribe"], **SIGNED}, "ends all messages and means yes"),
        ("sw", {"meaning": "number", "value": 7, "words": ["tano"], **SIGNED}, "means both number 5 and number 7"),
        ("fr", {"meaning": "yes", "words": ["tip top"], "review": "reviewed"}, "source is missing"),
        ("fr", {"meaning": "yes", "words": ["tip top"], "source": "D"}, "review state is missing"),
        ("en", {"meaning": "maybe", "words": ["tip top"], **SIGNED}, "meaning is unknown"),
        ("en", {"meaning": "scale", "words": ["tip top"], **SIGNED}, "have a value"),
        ("en", {"meaning": "yes", "words": [""], **SIGNED}, "is empty"),
        ("en", {"meaning": "yes", "words": ["a" * 61], **SIGNED}, "longer than 60"),
        ("en", {"meaning": "yes", "words": ["tip top", "Tip-top"], **SIGNED}, "twice"),
        ("en", {"meaning": "yes", "words": ["tip (top"], **SIGNED}, "brackets"),
        ("en", {"meaning": "yes", "words": ["да"], **SIGNED}, "normalising loses"),
        ("en", {"meaning": "yes", "words": "tip top", **SIGNED}, "no list"),
    ],
)
def test_a_slip_is_told(tables: Tables, file: str, entry: dict[str, Any], reason: str) -> None:
    """S17 and 9.2: contradictions, stop words that mean something else, unsigned and malformed entries."""
    changed = copy.deepcopy(tables)
    changed[file]["entry"].append(entry)
    assert any(reason in problem.reason and problem.file == file and problem.fix for problem in check_lexicon(changed))


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        ({"role": "idiom", "topic": "idiom", "rw": ["nipfira"], **SIGNED}, "RED and an idiom"),
        ({"role": "purple", "topic": "x", "rw": ["abc"], **SIGNED}, "role is unknown"),
        ({"role": "red", "rw": ["abcdef"], **SIGNED}, "topic is missing"),
        ({"role": "red", "topic": "x", "urgent": True, "rw": ["abcdef"], **SIGNED}, "'urgent' is unknown"),
        ({"role": "red", "topic": "x", "rw": ["abcdef"]}, "source is missing"),
    ],
)
def test_a_slip_in_the_crisis_list_is_told(tables: Tables, block: dict[str, Any], reason: str) -> None:
    """S23: a phrase cannot be a danger and harmless; every group says what it is, whence, and whether it was reviewed."""
    changed = copy.deepcopy(tables)
    changed["crisis"]["group"].append(block)
    assert any(reason in problem.reason for problem in check_lexicon(changed))


def test_missing_files_and_parts_are_told(tables: Tables) -> None:
    """A missing file or list is one fault; nothing is raised."""
    assert [problem.file for problem in check_lexicon({**tables, "sw": {}, "crisis": {}})] == ["crisis", "crisis", "sw"]
    assert {problem.file for problem in check_lexicon({})} == {"rw", "en", "fr", "sw", "crisis"}
