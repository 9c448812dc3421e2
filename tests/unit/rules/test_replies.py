"""Which texts a person must read although nothing in them was flagged."""

from __future__ import annotations

import pytest

from sms_service.rules.replies import needs_a_reader
from sms_service.text.reply_types import Alert, Reading


@pytest.mark.parametrize(
    ("reading", "alert", "words", "needed"),
    [
        (Reading("unclear", rule="no_value"), "none", 4, False),
        (Reading("unclear", rule="no_value"), "none", 5, True),
        (Reading("answer", 4, rule="scale"), "none", 8, False),
        (Reading("answer", 4, rule="scale"), "none", 9, True),
        (Reading("dont_know", rule="dont_know"), "none", 12, True),
        (Reading("unclear", rule="courtesy"), "none", 12, False),
        (Reading("stop", rule="stop"), "none", 20, False),
        (Reading("help", rule="help"), "none", 20, False),
        (Reading("crisis", rule="no_value"), "amber", 20, False),
    ],
)
def test_words_nobody_understood_are_read_by_somebody(reading: Reading, alert: Alert, words: int, needed: bool) -> None:
    """S22, S23: no list knows every way of asking for help; a flagged text already has its concern."""
    assert needs_a_reader(alert, reading, words) is needed


def test_a_late_answer_with_a_few_words_is_an_answer() -> None:
    """Domain 9.3: it is kept and offered for attaching; a long one is read."""
    reading = Reading("unclear", rule="no_question")
    assert [needs_a_reader("none", reading, words, late=True) for words in (5, 8, 9)] == [False, False, True]
