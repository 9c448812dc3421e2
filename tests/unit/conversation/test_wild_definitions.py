"""Definitions and words changed wildly: the check never raises, and whatever it lets through runs without an exception."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sms_service.conversation.check import check_catalogue, check_conversation
from sms_service.conversation.explore import explore
from sms_service.conversation.parse import parse_conversation
from sms_service.conversation.words import read_words
from tests.unit.conversation.broken import TOPICS, lexicon, shipped
from tests.unit.conversation.player import catalogue

_WILD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(allow_nan=True),
    st.text(max_size=20),
    st.sampled_from(
        ["", "end", "$person", "$", "{x}", "{day:day}", "x" * 100_000, "home", "ask", "thanks", ":page", "options", "ussd"]
    ),
    st.lists(st.text(max_size=3), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=3),
    st.just([[[[[["deep"]]]]]]),
    st.dates(),
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place inside a table, as keys and indices."""
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found += _places(inner, (*path, key))
    return found


def _changed(draw: st.DrawFn, table: dict[str, Any]) -> dict[str, Any]:
    """The table after one to four changes: a value dropped, replaced, renamed, moved or put inside itself."""
    changed = copy.deepcopy(table)
    for _ in range(draw(st.integers(1, 4))):
        places = _places(changed)
        if not places:
            break
        *way, last = draw(st.sampled_from(places))
        holder: Any = changed
        for key in way:
            holder = holder[key]
        kind = draw(st.sampled_from(["drop", "replace", "replace", "rename", "swap", "nest"]))
        if kind == "drop":
            del holder[last]
        elif kind == "replace":
            holder[last] = copy.deepcopy(draw(_WILD))
        elif kind == "rename" and isinstance(holder, dict):
            holder[draw(st.text(max_size=8))] = holder.pop(last)
        elif kind == "nest":
            holder[last] = {"a": [copy.deepcopy(holder[last])]}
        else:
            other = draw(st.sampled_from(list(holder) if isinstance(holder, dict) else range(len(holder))))
            holder[last], holder[other] = holder[other], holder[last]
    return changed


@st.composite
def wild_definitions(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A shipped definition, changed; the dial now and then, the short ones mostly."""
    conversations, _ = shipped()
    file = draw(st.sampled_from(sorted(conversations)))
    return file, _changed(draw, conversations[file])


@st.composite
def wild_words(draw: st.DrawFn) -> dict[str, dict[str, Any]]:
    """The shipped words of all languages, one file of them changed."""
    _, messages = shipped()
    language = draw(st.sampled_from(sorted(messages)))
    file = draw(st.sampled_from(sorted(messages[language])))
    return {**messages, language: {**messages[language], file: _changed(draw, messages[language][file])}}


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(wild_definitions())
def test_a_wild_definition_is_refused_or_runs(wild: tuple[str, dict[str, Any]]) -> None:
    """I22: no definition makes the check raise; one that passes is explored without an exception or a dead state."""
    file, table = wild
    words = catalogue().words
    conversation, faults = parse_conversation(file, table, words)
    if conversation is None:
        assert faults
        return
    found = [*faults, *check_conversation(conversation, words, TOPICS, lexicon())]
    assert all(len(str(fault)) < 5_000 for fault in found)
    if not found:
        explored = explore(conversation)
        assert (explored.broken, explored.dead, explored.too_large) == ([], [], "")
        assert explored.visited == set(conversation.steps)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(wild_words())
def test_wild_words_are_refused_or_said(messages: dict[str, dict[str, Any]]) -> None:
    """S6: no words file makes the check raise; whatever is wrong in it is named with its language."""
    words, faults = read_words(messages)
    conversations, _ = shipped()
    parsed = [parse_conversation(file, table, words)[0] for file, table in conversations.items() if file != "home.toml"]
    own = [one for one in parsed if one is not None]
    found = [*faults, *check_catalogue(own, words, TOPICS)]
    for conversation in own[:3]:
        found += check_conversation(conversation, words, TOPICS, lexicon())
    assert all(fault.reason for fault in found)
