"""The statistical layer: what it hears that the lists do not, how it explains itself, what it may never do, what it costs."""

from __future__ import annotations

import copy
import re
from dataclasses import replace
from typing import Any

import pytest

from sms_service.text.check_lexicon import check_lexicon
from sms_service.text.concepts import build_concepts, kind_of
from sms_service.text.crisis import crisis_alert, examine, spoken_words
from sms_service.text.lexicon import Lexicon
from sms_service.text.model import MOST_WORDS, WINDOW, Model, build_model, pieces, places_of
from sms_service.text.reading import is_stop
from sms_service.text.reply_types import ALERT_ORDER
from tests.bench.corpora import FOLDER, samples

Tables = dict[str, dict[str, Any]]


def model_of(lexicon: Lexicon) -> Model:
    assert lexicon.model is not None
    return lexicon.model


def test_it_explains_itself_by_concepts_alone(lexicon: Lexicon, tables: Tables) -> None:
    """S32: the code of an alert names concepts of concepts.toml; no word of the person is in it."""
    told = 0
    for one in samples(FOLDER / "heldout_3.toml"):
        code = examine(replace_lists(lexicon), one.text).code
        if code.endswith(":model"):
            severity, topic, _ = code.split(":")
            assert severity in ("red", "amber")
            assert set(re.split(r"[+&>]", topic)) <= {*tables["concepts"]["concept"], "letters"}
            told += 1
    assert told > 50


def replace_lists(lexicon: Lexicon) -> Lexicon:
    """The lexicon with crisis lists that know nothing, so that the layer stands alone."""
    return replace(
        lexicon,
        crisis=replace(lexicon.crisis, entries={}, stems={}, pairs=replace(lexicon.crisis.pairs, pairs=(), runs={}, starts={})),
    )


def test_it_raises_and_never_lowers(lexicon: Lexicon) -> None:
    """S23: whatever the lists found stays found."""
    bare = replace(lexicon, model=None)
    for one in samples(FOLDER / "heldout_1.toml"):
        assert ALERT_ORDER[crisis_alert(lexicon, one.text)] >= ALERT_ORDER[crisis_alert(bare, one.text)]


def test_what_the_lists_lowered_stays_amber(lexicon: Lexicon) -> None:
    """S23: a denied wish is AMBER, however its letters look."""
    assert examine(lexicon, "I never wanted to kill myself").alert == "amber"


def test_a_red_of_the_layer_never_speaks_of_the_writer_alone(lexicon: Lexicon) -> None:
    """V10, V11: weights do not tell whose doing it is, so the text that suits both is sent."""
    found = [examine(replace_lists(lexicon), one.text) for one in samples(FOLDER / "heldout_1.toml") if one.alert == "red"]
    assert any(one.alert == "red" for one in found)
    assert all(one.notes == ("other_person",) for one in found if one.code.startswith("red:") and one.code.endswith(":model"))


def test_digits_are_not_weighed(lexicon: Lexicon) -> None:
    """9.1: an answer in digits is an answer."""
    assert examine(lexicon, "3").code == ""


def test_long_texts_are_looked_at_in_pieces_and_only_so_far(lexicon: Lexicon) -> None:
    """I22: a bounded number of windows, and a cry in the middle of a long text is in one of them whole."""
    words = [f"w{number}" for number in range(3 * MOST_WORDS)]
    windows = list(pieces(words))
    assert all(len(window) == WINDOW for window in windows)
    assert len(windows) <= 2 * MOST_WORDS // WINDOW + 1
    assert {word for window in windows for word in window} == set(words[:MOST_WORDS])
    assert list(pieces(["one", "two"])) == [["one", "two"]]
    assert model_of(lexicon).weigh(words[: WINDOW * 2]).words


def test_a_word_has_the_concepts_of_its_stem(tables: Tables) -> None:
    """9.2: beginnings, endings and parts, in any Kinyarwanda form."""
    concepts = build_concepts(tables["concepts"])
    assert "selfkill" in concepts.of(spoken_words("sinzongera kwiyahura")[1])
    assert "selfkill" in concepts.of("suicidaire")
    assert concepts.of("xyz") == ()
    assert {"child", "lock", "child&lock"} <= concepts.said(spoken_words("abana yabakingiranye"))
    assert (kind_of("a*"), kind_of("*a"), kind_of("*a*"), kind_of("a")) == ("starts", "ends", "parts", "whole")


def test_places_do_not_depend_on_the_process(lexicon: Lexicon) -> None:
    """The table was trained elsewhere: the same word falls in the same place everywhere."""
    model = model_of(lexicon)
    places = places_of(["nta", "cyo"], model.concepts, 255)
    assert places == sorted(set(places))
    assert places_of(["nta", "cyo"], model.concepts, 255) == places


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda tables: tables["concepts"]["concept"]["child"].append("kiddo"), "trained on other concepts"),
        (lambda tables: tables["concepts"]["concept"]["child"].append("two words"), "not one word"),
        (lambda tables: tables["concepts"]["concept"]["child"].append(tables["concepts"]["concept"]["child"][0]), "twice"),
        (lambda tables: tables["concepts"]["concept"].update(child="kid"), "no list"),
        (lambda tables: tables["concepts"].update(concept={}), "is missing"),
        (lambda tables: tables.pop("concepts"), "the file is missing"),
        (lambda tables: tables.pop("model"), "the file is missing"),
        (lambda tables: tables["model"].update(weights=tables["model"]["weights"][:1]), "cannot be used"),
        (lambda tables: tables["model"].pop("limits"), "cannot be used"),
        (lambda tables: tables["model"].pop("source"), "source is missing"),
    ],
)
def test_a_slip_in_its_files_is_told(tables: Tables, change: Any, reason: str) -> None:
    """9.2: concepts changed without training, a table cut short, a file left out."""
    changed = copy.deepcopy(tables)
    change(changed)
    assert any(reason in problem.reason for problem in check_lexicon(changed) if problem.file in ("concepts", "model"))


def test_without_its_files_the_lists_read_alone(tables: Tables) -> None:
    """A programme may leave the layer out."""
    assert not check_lexicon({name: table for name, table in tables.items() if name not in ("concepts", "model")})


def test_the_table_belongs_to_the_concepts(tables: Tables) -> None:
    with pytest.raises(ValueError, match="other concepts"):
        build_model(tables["model"], {"concept": {"child": ["kid"]}})


@pytest.mark.parametrize(
    "text",
    [
        "I do not plan to see the morning. Thank you for the meetings they were good",
        "kugeza ubwo natekereje no kwiyahura inshuro zirenga enye njyewe",
        "I feel rather weary of life today and of all the long days before it",
    ],
)
def test_a_red_of_the_writer_is_never_found_unlikely(lexicon: Lexicon, text: str) -> None:
    """S23: weights lower no firm entry and nothing in a text in which the writer speaks of himself or herself."""
    found, bare = examine(lexicon, text), examine(replace(lexicon, model=None), text)
    assert "unlikely" not in found.code
    assert found.alert == bare.alert == "red"


@pytest.mark.parametrize("text", ["Fini", "basi", "Terminé", "Sihitaji tena"])
def test_a_word_or_two_that_say_something_is_over_end_no_messages(lexicon: Lexicon, text: str) -> None:
    """S17: so short a text is a stop by the lists alone; whoever has finished an exercise is not unsubscribed."""
    assert not is_stop(lexicon, text)
