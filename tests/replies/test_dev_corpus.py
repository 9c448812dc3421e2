"""The replies the reader was developed on are read right, and none of the grave mistakes is made."""

from __future__ import annotations

import pytest

from tests.bench.corpora import ASKED, FOLDER, Outcome, read_all, samples, shipped_lexicon


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    return read_all(shipped_lexicon(), list(samples(FOLDER / "dev.toml")))


def test_corpus_is_wide(outcomes: list[Outcome]) -> None:
    """9.2, 9.3: every intent and alert, every kind of question, four languages, no reply twice."""
    given = [one.sample for one in outcomes]
    assert len(given) >= 1200
    assert len({(one.text, one.asked, one.language) for one in given}) == len(given)
    assert {one.asked for one in given} == set(ASKED)
    assert {one.language for one in given} == {"rw", "en", "fr", "sw"}
    assert {one.alert for one in given} == {"none", "amber", "red"}


def test_nearly_all_are_read_right(outcomes: list[Outcome]) -> None:
    """9.1: intent, value and alert of at least 99 in 100."""
    wrong = [
        f"{one.sample.text}: {one.reading.intent} {one.reading.value} {one.reading.alert}" for one in outcomes if not one.right
    ]
    assert len(wrong) <= len(outcomes) / 100, wrong


def test_no_red_is_missed(outcomes: list[Outcome]) -> None:
    """S22-S24: recall before everything."""
    assert not [one.sample.text for one in outcomes if one.sample.alert == "red" != one.reading.alert]


def test_stop_is_neither_missed_nor_made_up(outcomes: list[Outcome]) -> None:
    """S17: every request to stop is one, and no story is."""
    assert not [one.sample.text for one in outcomes if (one.sample.intent == "stop") != (one.reading.intent == "stop")]


def test_every_alert_explains_itself_without_the_words(outcomes: list[Outcome]) -> None:
    """S32: severity, topic and layer as codes; nothing of what the person wrote."""
    for one in outcomes:
        severity, _, rest = one.reading.alert_rule.partition(":")
        assert severity == (one.reading.alert if one.reading.alert != "none" else "")
        assert (rest.count(":") in (1, 2)) == bool(severity)


def test_the_spent_corpus_stays_read() -> None:
    """S17, S22: heldout_1 is development data; no RED of it is missed again, no stop, and no story is one."""
    spent = read_all(shipped_lexicon(), list(samples(FOLDER / "heldout_1.toml")))
    assert not [one.sample.text for one in spent if one.sample.alert == "red" != one.reading.alert]
    assert not [one.sample.text for one in spent if (one.sample.intent == "stop") != (one.reading.intent == "stop")]
