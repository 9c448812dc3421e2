"""Every class of fault comes with what would put it right, in words an author can use."""

from __future__ import annotations

import pytest

from sms_service.conversation.faults import MOST_NAMED, MOST_SAID, Fault, nearest, refusing
from tests.unit.conversation.broken import ROWS, Change, drop, faults_after, put, text

SAYS_IT_ALREADY = {
    "wrong type",
    "step is no table",
    "no steps",
    "missing name",
    "missing start",
    "no closing time",
    "closing never heard of",
    "class C",
    "channel never heard of",
    "no review mark",
    "brace",
    "option 0",
    "unknown kind of step",
    "text given twice",
    "text is no table",
    "unknown key of a text",
    "text of class C",
    "no forms",
    "six weekdays",
    "eleven hours",
}
"""Faults whose reason names the only thing there is to do."""

SUGGESTED: list[tuple[Change, str, str]] = [
    # what is changed, the words of the fault, and of its suggestion
    (put("c/missed.toml/steps/ask/recrd", "x"), "unknown key 'recrd'", "did you mean 'record'?"),
    (put("c/missed.toml/steps/ask/kind", "aks"), "unknown kind of step", "did you mean 'ask'?"),
    (put("c/missed.toml/steps/ask/answer", "option"), "unknown answer", "did you mean 'options'?"),
    (put("c/missed.toml/args/day", "name"), "unknown kind 'name'", "no kind for a name or for anybody's words"),
    (put("c/missed.toml/start", "aske"), "'start' names 'aske'", "did you mean 'ask'?"),
    (put("c/missed.toml/steps/ask/options/0/next", "thnks"), "goes to 'thnks'", "did you mean 'thanks'?"),
    (put("c/home.toml/steps/meeting/fact", "next_meting"), "unknown fact", "did you mean 'next_meeting'?"),
    (put("c/home.toml/steps/stopped/effects/0/name", "stp"), "unknown effect", "did you mean 'stop'?"),
    (drop("c/home.toml/steps/meeting/cases/none"), "'cases' must be exactly", "add none"),
    (put("c/home.toml/steps/stopped/effects/0/why", "x"), "takes exactly", "remove why"),
    (drop("m/sw/texts.toml/missed"), "text 'missed' is missing", 'in en it is "Servas: we missed you'),
    (put("c/missed.toml/steps/ask/sms", "mised"), "text 'mised' is missing", "did you mean 'missed'?"),
    (text("fr", "missed", "Servas: être reçu œuf {day:weekday}"), "outside GSM-7", "ê -> e, ç -> c, œ -> oe"),
    (
        text("en", "missed", "Servas: a \N{GRINNING FACE} \N{RIGHT SINGLE QUOTATION MARK} {day:weekday}"),
        "outside GSM-7",
        "leave out",
    ),
    (text("en", "missed", "Servas: {day:weekday} " + "x" * 150), "at most 160 fit", "shorten it by"),
    (text("en", "missed", "Servas: {dy:weekday}"), "asks for 'dy'", "did you mean 'day'?"),
    (put("c/missed.toml/steps/ask/values", ["rain"]), "value 'rain' is neither", "there are day, person"),
    (text("en", "missed", "Servas: {day:time}"), "says 'day' as 'time'", "{day:day} or {day:weekday}"),
    (text("en", "missed", "Servas: call 112 {day:weekday}"), "number 112 is written into the text", "kind phone"),
    (put("m/en/forms.toml/forms/or", "trauma"), "topic word 'trauma' in what fills a text", "say it otherwise"),
]


@pytest.mark.parametrize(("_what", "change", "step", "_language", "words"), [row for row in ROWS if row[0] not in SAYS_IT_ALREADY])
def test_each_class_of_fault_suggests(_what: str, change: Change, step: str, _language: str, words: str) -> None:
    """Reliability, bad input: what to do next stands behind the reason, for every class of fault that has one."""
    matching = [fault for fault in faults_after(change) if words in fault.reason and fault.step == step]
    assert any(fault.fix for fault in matching), [str(fault) for fault in matching]


@pytest.mark.parametrize(("change", "words", "fix"), SUGGESTED, ids=[row[1] + " / " + row[2] for row in SUGGESTED])
def test_the_suggestion_is_the_right_one(change: Change, words: str, fix: str) -> None:
    """S5, S6, S31, S38: the near name, the plain twin, the number that must go, the text to add."""
    matching = [fault for fault in faults_after(change) if words in fault.reason]
    assert any(fix in fault.fix for fault in matching), "\n".join(map(str, matching))


def test_a_fault_is_one_bounded_line() -> None:
    """I22: an author's names of any length, and lines of any number, make one line that ends."""
    fault = Fault("a.toml", "s" * 9999, "rw", "r" * 9999, "f" * 9999, "notice")
    assert len(str(fault)) < MOST_NAMED + 2 * MOST_SAID + 100
    assert str(fault).startswith("notice: a.toml, step sss")
    assert " - suggested: fff" in str(fault)
    assert refusing([fault]) == ()
    assert nearest("x" * 10_000, ["xy", "ab"]) == ""
