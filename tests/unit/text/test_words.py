"""Search words and the topic lint (S1)."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms_service.text.search_words import search_words
from sms_service.text.topics import build_topics, topic_word_in
from tests.unit.text.conftest import LEXICON_DIR

TOPICS = build_topics(tomllib.loads((LEXICON_DIR / "topics.toml").read_text("utf-8")))


def test_search_words() -> None:
    """Accents, case and order do not matter; single letters and over-long words are left out."""
    assert search_words("Réunion à Kigali, RÉUNION 14 a " + "x" * 41) == ("reunion", "kigali", "14")
    assert search_words("n'umugore n’umugore") == ("numugore",)


@given(st.text(max_size=5000))
def test_search_words_are_bounded_and_stable(text: str) -> None:
    """I22: at most 60 distinct words of 2 to 40 characters; reading them again gives the same words."""
    words = search_words(text)
    assert len(words) == len(set(words)) <= 60
    assert all(2 <= len(word) <= 40 for word in words)
    assert search_words(" ".join(words)) == words


@pytest.mark.parametrize(
    "text",
    [
        "violence",
        "Gender group",
        "trauma care",
        "ihohoterwa",
        "n’ihohoterwa",
        "ihungabana",
        "jenoside",
        "kwiyahura",
        "l'abus",
        "traumatisme",
        "ukatili",
        "kiwewe",
        "HIV",
        "viol",
        "therapy",
        "raped",
        "suicide",
        "stop drinking",
        "survivors",
        "vioolence",
        "thérapie",
        "VIH",
        "perpetrator",
        "genocide",
        "ubusinzi",
        "pombe",
    ],
)
def test_topic_words_are_found(text: str) -> None:
    """S1: topic words in four languages, inflected, capitalised, stretched or behind an article."""
    assert topic_word_in(text, TOPICS) is not None


@pytest.mark.parametrize(
    "text",
    [
        "Servas: your meeting is Wed 12/11 at 14:00, usual place. Will you come? 1 = Yes, 2 = No",
        "Servas: inama yanyu ni ku wa Gatatu 12/11, saa munani (14:00), aho dusanzwe. Muzaza? 1 = Yego, 2 = Oya",
        "Servas: merci. Nous vous appellerons au sujet de la réunion.",
        "Servas: asante. Tutakupigia simu kuhusu mkutano.",
        "Servas / 1) Inama itaha / 2) Gusubiza ibibazo",
        "kubaka amahoro",
        "Kuhusu nini? 1) Afya 2) Ushauri wa familia 3) Sheria/ardhi",
        "violet",
        "",
    ],
)
def test_neutral_texts_pass(text: str) -> None:
    """S1: the drafts of the guide hold no topic word."""
    assert topic_word_in(text, TOPICS) is None
