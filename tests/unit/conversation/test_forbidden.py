"""No question on a phone asks what must not be asked, and no instrument that belongs into a room with two people runs (S4)."""

from __future__ import annotations

import copy
import tomllib
from typing import Any

import pytest

from sms_service.conversation.check import check_all, load
from sms_service.text.forbidden import LANGUAGES, SUBJECTS, forbidden_faults, instrument_in, subject_in
from tests.unit.conversation.broken import FORBIDDEN, Change, Tables, faults_after
from tests.unit.conversation.player import TEMPLATES, catalogue

LISTS: dict[str, Any] = tomllib.loads((TEMPLATES / "lexicon" / "forbidden.toml").read_text(encoding="utf-8"))

QUESTIONS = (
    ("Do you feel safe at home?", "safety at home"),
    ("Wakubiswe muri iki cyumweru?", "violence"),
    ("Est-ce qu'il vous a battue?", "violence"),
    ("Ulipigwa wiki hii?", "violence"),
    ("Ufite ubwoba?", "fear"),
    ("Avez-vous peur de rentrer?", "fear"),
    ("Unaogopa kurudi nyumbani?", "fear"),
    ("Mu 1994 byagenze bite?", "1994"),
    ("Do you remember the genocide?", "1994"),
    ("Do you think of killing yourself?", "self-harm"),
    ("Utekereza kwiyahura?", "self-harm"),
    ("Pensez-vous à mourir?", "self-harm"),
    ("Uri umuhutu cyangwa umututsi?", "ethnicity"),
    ("Kabila lako ni lipi?", "ethnicity"),
    ("Which church do you go to?", "religion"),
    ("Vous priez Dieu?", "religion"),
    ("Ulipiga kura?", "politics"),
    ("Pour quel parti avez-vous voté?", "politics"),
    ("How many beers this week?", "alcohol"),
    ("Unakunywa pombe mara ngapi?", "alcohol"),
    ("Munywa inzoga kangahe?", "alcohol"),
)


@pytest.mark.parametrize(("text", "about"), QUESTIONS, ids=[text for text, _ in QUESTIONS])
def test_a_question_about_it_is_found_in_every_language(text: str, about: str) -> None:
    """S4: whatever the accents, capitals and prefixes."""
    found = subject_in(text, FORBIDDEN)
    assert found is not None
    assert found[1] == about
    assert subject_in(text.upper(), FORBIDDEN) == found


@pytest.mark.parametrize("text", ["how was your week?", "Muzaza?", "avez-vous aidé un voisin?", "Utaweza kuja?", "police 112"])
def test_what_may_be_asked_is_left_alone(text: str) -> None:
    """S4: the lists refuse no question the service lives on."""
    assert subject_in(text, FORBIDDEN) is None


NAMES = (
    ("PHQ-9", "PHQ-9"),
    ("phq 9, short", "PHQ-9"),
    ("PHQ2", "PHQ-2"),
    ("gad-2", "GAD-2"),
    ("Edinburgh Postnatal Depression Scale", "EPDS"),
    ("PC-PTSD-5", "PC-PTSD-5"),
    ("PCL 5", "PCL-5"),
    ("hits", "HITS"),
    ("Session Rating Scale", "SRS / ORS / GSRS"),
    ("GSRS", "SRS / ORS / GSRS"),
    ("AUDIT-C", "AUDIT-C"),
    ("GEM scale, short form", "GEM scale"),
    ("any IPV item", "IPV items"),
    ("own items", None),
)


@pytest.mark.parametrize(("written", "name"), NAMES, ids=[written for written, _ in NAMES])
def test_an_instrument_is_known_by_any_spelling(written: str, name: str | None) -> None:
    """S4, domain section 5: on a screen as by text."""
    found = instrument_in(written, ("ussd",), FORBIDDEN)
    assert (found.name if found else None) == name


def test_the_short_well_being_form_may_run_on_a_screen_only() -> None:
    """Domain section 5: WHO-5 on USSD after the PIN, never by SMS (S4)."""
    assert instrument_in("WHO-5", ("ussd",), FORBIDDEN) is None
    assert instrument_in("WHO-5", ("sms", "ussd"), FORBIDDEN) is not None


def _asks_about(conversations: Tables, messages: Tables) -> None:
    messages["sw"]["question_sets.toml"]["cohesion_trust"]["text"] = "Servas: unaogopa majirani?\n1) ndiyo\n0) Toka"


def _label_names_it(conversations: Tables, messages: Tables) -> None:
    messages["fr"]["followup.toml"]["labels"]["practice_not_yet"] = "J'ai peur"


def _with(**values: Any) -> Change:
    def change(conversations: Tables, _messages: Tables) -> None:
        conversations["couple.toml"]["question_set"] |= values

    return change


def _forgets_the_answer(conversations: Tables, _messages: Tables) -> None:
    del conversations["couple.toml"]["steps"]["work"]["record"]


def _four_texts(conversations: Tables, _messages: Tables) -> None:
    steps = conversations["learning.toml"]["steps"]
    steps["again"] = copy.deepcopy(steps["confidence"])
    steps["confidence"]["next"] = "again"


def _screen_by_text_only(conversations: Tables, _messages: Tables) -> None:
    table = conversations["learning.toml"]
    table["channels"] = ["sms"]
    for step in table["steps"].values():
        step.pop("ussd", None)


ROWS: tuple[tuple[Change, str, str], ...] = (
    (_asks_about, "trust", "'unaogopa' asks about fear: no message asks about it (S4)"),
    (_label_names_it, "ask", "'peur' asks about fear"),
    (_with(instrument="PHQ-9"), "", "'PHQ-9' is PHQ-9, which never goes by SMS or USSD"),
    (_with(purpose="HITS"), "", "unsafe if somebody else reads it"),
    (_with(when=["daily"]), "", "'when' of the question set must name one or more of"),
    (_with(when=[]), "", "'when' of the question set must name one or more of"),
    (_with(cap_days=7), "", "'cap_days' must be 28 or more"),
    (_with(cap_days=0), "", "'cap_days' of the question set must be 1 to 366"),
    (_with(colour="red"), "", "unknown key 'colour'"),
    (_forgets_the_answer, "work", "give 'record'"),
    (_four_texts, "", "4 questions by SMS, at most 3"),
    (_screen_by_text_only, "", "can be answered on ussd"),
)


@pytest.mark.parametrize(("change", "step", "words"), ROWS, ids=[words for _, _, words in ROWS])
def test_check_refuses_and_names_word_and_rule(change: Change, step: str, words: str) -> None:
    """S4: the fault names the word, the step and the rule."""
    faults = faults_after(change)
    assert [fault for fault in faults if words in fault.reason and fault.step == step], "\n".join(map(str, faults))


def test_every_subject_has_words_in_every_language_with_source_and_review() -> None:
    """S4: a list without its source cannot be argued with, and a gap would let a question through."""
    assert forbidden_faults(LISTS) == []
    gap = {**LISTS, "subjects": [one for one in LISTS["subjects"] if (one["about"], one["language"]) != ("fear", "sw")]}
    assert forbidden_faults(gap) == ["no words for fear in sw: a question about it would pass (S4)"]
    bare = {"instruments": [{"name": "X", "names": ["X"], "channels": ["fax"]}], "subjects": [{"about": "money", "stems": "x"}]}
    found = " ".join(forbidden_faults(bare))
    assert all(words in found for words in ("'source' is missing", "'review' is missing", "sms, ussd or both", "lists of words"))
    assert {one["about"] for one in LISTS["subjects"]} == set(SUBJECTS)
    assert {one["language"] for one in LISTS["subjects"]} == set(LANGUAGES)


def test_a_catalogue_without_the_lists_asks_nothing_new() -> None:
    """S4: the shipped questions pass the lists they are checked against, and these are the lists that run."""
    shipped = catalogue()
    assert shipped.topics.forbidden == FORBIDDEN
    assert [str(fault) for fault in check_all(tuple(shipped.conversations.values()), shipped.words, shipped.topics)] == []
    assert load({}, {}).conversations == ()
