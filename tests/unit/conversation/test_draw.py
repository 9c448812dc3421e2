"""The diagram: every step and every way of a definition is in it, nothing lies on anything else, and no definition breaks it."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sms_service.conversation.definition import Conversation
from sms_service.conversation.draw import BOX, draw
from sms_service.conversation.layout import Line, layers_of, place
from sms_service.conversation.outline import TERMS, outline
from sms_service.conversation.parse import parse_conversation
from sms_service.conversation.parts import LONGEST_LINE, MOST_STEPS, parts_of
from sms_service.conversation.words import Words
from tests.unit.conversation.player import catalogue

SVG = "{http://www.w3.org/2000/svg}"
SHIPPED = sorted(catalogue().conversations)
NAMES = [f"s{number}" for number in range(12)]


def letters(svg: str) -> list[str]:
    """Every row of letters in the drawing."""
    return ["".join(node.itertext()) for node in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def built(steps: dict[str, Any], start: str = "s0") -> Conversation:
    conversation, _ = parse_conversation("made.toml", {"name": "made", "start": start, "class": "A", "steps": steps}, Words())
    assert conversation is not None
    return conversation


@pytest.mark.parametrize("name", SHIPPED)
def test_every_step_is_drawn_once_and_every_way_is_there(name: str) -> None:
    conversation = catalogue().conversations[name]
    rows = letters(draw(conversation, "en"))
    steps = {step.name: step for step in outline(conversation)}
    assert set(steps) == set(conversation.steps)
    parts = parts_of(conversation, steps)
    drawn = [one for part in parts for one in part.names]
    assert sorted(drawn) == sorted(steps)
    assert set(steps) <= set(rows)
    ways = [(part_way[0], part_way[1]) for part in parts for part_way in (*part.lines, *part.written)]
    assert len(ways) == sum(len(step.ways) for step in steps.values())


def test_a_long_conversation_comes_in_parts_that_fit_a_page() -> None:
    conversation = catalogue().conversations["home"]
    steps = {step.name: step for step in outline(conversation)}
    parts = parts_of(conversation, steps)
    assert len(parts) > 2
    assert max(len(part.names) for part in parts) <= MOST_STEPS
    assert "On every screen: 0 → meeting, 00 → home" in letters(draw(conversation))


def test_the_texts_quoted_are_those_of_the_language() -> None:
    conversation = catalogue().conversations["missed"]
    english, french, none = (draw(conversation, language) for language in ("en", "fr", ""))
    assert "thank you." in letters(english)
    assert "merci." in letters(french)
    assert "thanks" in letters(none)


def test_the_drawing_carries_no_style_no_script_and_no_address() -> None:
    """The pages' content policy refuses inline styles, and a text is data wherever it goes (W11)."""
    words = Words.build({"en": {"markup": {"text": "<script>1</script>&amp;", "class": "A"}, **forms()}})
    table = {"name": "made", "start": "a", "steps": {"a": {"kind": "say", "sms": "markup"}}}
    conversation, _ = parse_conversation("made.toml", table, words)
    assert conversation is not None
    svg = draw(conversation, "en")
    assert "<script" not in svg
    assert not re.search(r"\bstyle=|<style|href|<image|url\((?!#arrow)", svg)
    assert "<script>1</script>&amp;" in letters(svg)


def forms() -> dict[str, Any]:
    week = ["d"] * 7
    return {"forms": {"weekdays": week, "weekdays_short": week, "or": "or", "soon": {"soon": "soon", "tomorrow": "later"}}}


def test_the_words_of_the_drawing_are_handed_in() -> None:
    terms = {code: f"«{code}»" for code in TERMS}
    rows = letters(draw(catalogue().conversations["home"], "fr", terms))
    assert "«resume»" in rows
    assert not set(rows) & {TERMS["resume"], TERMS["pin"], TERMS["branch"]}


def test_kinds_are_told_apart_without_colour() -> None:
    """In black and white print: the shapes differ, and only ink, grey and white are used."""
    svg = draw(catalogue().conversations["home"], "en")
    assert set(re.findall(r"#[0-9a-f]{6}", svg)) == {"#1d2a2c", "#5a686a", "#ffffff"}
    assert {TERMS[kind] for kind in ("pin", "branch", "say", "resume")} <= set(letters(svg))


@st.composite
def definitions(draw_one: st.DrawFn) -> Conversation:
    """Any steps that lead anywhere: loops, steps nothing leads to, ways to steps that are not there."""
    targets = st.sampled_from([*NAMES, "end", "nowhere", ""])
    kinds = st.one_of(
        st.builds(lambda yes, no: {"kind": "branch", "flag": "f", "yes": yes, "no": no}, targets, targets),
        st.builds(lambda way: {"kind": "resume", "next": way}, targets),
        st.builds(lambda cases: {"kind": "fetch", "fact": "x", "cases": cases}, st.dictionaries(st.text(max_size=9), targets)),
        st.just({"kind": "say", "sms": "thanks"}),
        st.builds(lambda way: {"kind": "ask", "answer": "scale", "low": 1, "high": 5, "next": way}, targets),
    )
    return built(draw_one(st.dictionaries(st.sampled_from(NAMES), kinds, min_size=1)), draw_one(targets))


@settings(max_examples=150, deadline=None)
@given(definitions())
def test_any_definition_can_be_drawn(conversation: Conversation) -> None:
    """A draft with faults is looked at too: the drawing never fails and never loses a step."""
    assert set(conversation.steps) <= set(letters(draw(conversation)))


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=30), st.lists(st.floats(20, 200), min_size=12, max_size=12)
)
def test_no_box_lies_on_another_and_every_line_goes_down(pairs: list[tuple[int, int]], heights: list[float]) -> None:
    pairs = [(a, b) for a, b in pairs if a < b]
    sizes = {name: (BOX, height) for name, height in zip(NAMES, heights, strict=True)}
    placed = place(sizes, [Line(NAMES[a], NAMES[b]) for a, b in pairs], 14.0, 26.0)
    boxes = [(*placed.corners[name], *sizes[name]) for name in NAMES]
    for number, (x, y, width, height) in enumerate(boxes):
        assert x >= -0.01
        assert x + width <= placed.width + 0.01
        for other_x, other_y, other_width, other_height in boxes[number + 1 :]:
            beside = x + width <= other_x or other_x + other_width <= x
            assert beside or y + height <= other_y or other_y + other_height <= y
    for points in placed.points:
        assert all(above[1] <= below[1] + 0.01 for above, below in pairwise(points))


@pytest.mark.parametrize("name", SHIPPED)
def test_a_drawing_is_no_wider_than_a_page_across(name: str) -> None:
    """A4 lying down at a size that can be read: what leads nowhere stands lower rather than beside a crowd."""
    width = re.search(r'width="(\d+)"', draw(catalogue().conversations[name], "en"))
    assert width
    assert int(width.group(1)) <= 8 * (BOX + 22)


def test_a_box_stands_below_the_lowest_that_leads_to_it() -> None:
    assert layers_of(["a", "b", "c", "d"], [("a", "b"), ("b", "c"), ("a", "c"), ("a", "d")]) == {"a": 0, "b": 1, "c": 2, "d": 1}


def test_a_way_over_many_layers_is_written_instead() -> None:
    steps: dict[str, Any] = {f"s{n}": {"kind": "branch", "flag": "f", "yes": f"s{n + 1}", "no": "s7"} for n in range(7)}
    conversation = built({**steps, "s7": {"kind": "say", "sms": "thanks"}})
    told = {step.name: step for step in outline(conversation)}
    (part,) = parts_of(conversation, told)
    layer = layers_of(list(told), [(source, way.target) for source, way in part.lines])
    assert all(layer[way.target] - layer[source] <= LONGEST_LINE for source, way in part.lines if way.target != "s7")
    assert any("→ s7" in row for row in letters(draw(conversation)))
