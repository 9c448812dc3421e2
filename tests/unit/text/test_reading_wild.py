"""Whatever signs a text is made of, it is read, and what only looks or sounds different is read alike."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sms_service.text.crisis import crisis_alert
from sms_service.text.fuzzy import Neighbours, likely
from sms_service.text.lexicon import Lexicon, build_lexicon
from sms_service.text.normalise import plain, tokens
from sms_service.text.patterns import PatternFault, expand
from sms_service.text.reading import is_stop, read_reply
from tests.unit.text.conftest import lexicon_tables
from tests.unit.text.reply_rows import SCALE, TEXT, YESNO

LEXICON = build_lexicon(lexicon_tables())
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u202a\u202e\u2066\u2069\ufe0f\u0301\u0338"
_CYRILLIC = str.maketrans("aeopcyxi", "аеорсухі")
_MATHS = str.maketrans({chr(ord("a") + n): chr(0x1D41A + n) for n in range(26)})
_WIDE = str.maketrans({chr(ord("a") + n): chr(0xFF41 + n) for n in range(26)})


@pytest.mark.parametrize("disguise", [_CYRILLIC, _MATHS, _WIDE], ids=["Cyrillic", "mathematical", "full-width"])
@pytest.mark.parametrize("text", ["ndashaka gupfa", "i want to die", "je veux mourir", "nataka kujiua", "he has a knife"])
def test_look_alikes_hide_nothing(lexicon: Lexicon, text: str, disguise: dict[int, str]) -> None:
    """S22: letters of other alphabets that look Latin are read as Latin."""
    assert crisis_alert(lexicon, text.translate(disguise)) == "red"


@given(
    st.sampled_from(["ndashaka gupfa", "stop", "i want to die", "yego", "4"]), st.lists(st.sampled_from(_INVISIBLE), max_size=12)
)
@settings(max_examples=100, deadline=None)
def test_invisible_marks_change_nothing(text: str, marks: list[str]) -> None:
    """9.1: zero-width, direction and combining marks vanish before anything is read."""
    hidden = "".join(letter + (marks[place % len(marks)] if marks else "") for place, letter in enumerate(text))
    assert tokens(plain(hidden)) == tokens(plain(text))


@given(st.text(alphabet=st.characters(), max_size=400))
@settings(max_examples=200, deadline=None)
def test_any_unicode_is_read(text: str) -> None:
    """I22: no input makes reading fail, and the plain form is stable."""
    assert plain(plain(text)) == plain(text)
    assert crisis_alert(LEXICON, text) == read_reply(LEXICON, text, SCALE).alert == read_reply(LEXICON, text, TEXT).alert


_STORY = ["inama", "yagenze", "imvura", "market", "school", "marché", "réunion", "shamba", "mvua", "watoto", "hier", "kibuye"]


@given(st.lists(st.sampled_from(_STORY), min_size=14, max_size=60), st.sampled_from(["stop", "hagarika", "arrêter", "acha", "end"]))
@settings(max_examples=100, deadline=None)
def test_a_word_in_a_long_story_stops_nothing(story: list[str], word: str) -> None:
    """S17: a stop word inside a story is no request."""
    middle = len(story) // 2
    assert not is_stop(LEXICON, " ".join([*story[:middle], word, *story[middle:]]))


_POLITE = ["murakoze", "please", "asante sana", "merci beaucoup", "mwaramutse", "thank you"]


@given(
    st.sampled_from(["yego", "oya", "sinzaza", "1", "2", "oui", "hapana", "stop"]), st.lists(st.sampled_from(_POLITE), max_size=4)
)
@settings(max_examples=100, deadline=None)
def test_politeness_added_twice_changes_nothing(text: str, polite: list[str]) -> None:
    """9.1: one clear value wins over politeness around it, however much of it there is."""
    once = read_reply(LEXICON, " ".join([text, *polite]), YESNO)
    twice = read_reply(LEXICON, " ".join([*polite, text, *polite, *polite]), YESNO)
    bare = read_reply(LEXICON, text, YESNO)
    assert (once.intent, once.value) == (twice.intent, twice.value) == (bare.intent, bare.value)


def test_a_doubtful_reading_is_no_answer(lexicon: Lexicon) -> None:
    """9.1: below the threshold the reply is not understood, nothing is guessed."""
    reading = read_reply(lexicon, "labda 4", SCALE)
    assert (reading.intent, reading.value, reading.rule) == ("unclear", None, "unsure")


@pytest.mark.parametrize(
    ("meant", "written", "slip"),
    [("kujiua", "kujiuwa", True), ("mourir", "mouirr", True), ("gupfa", "gufa", True), ("ananipiga", "anazipiga", False)],
)
def test_slips_people_make(meant: str, written: str, slip: bool) -> None:
    """S22: a missing, doubled, swapped or like-sounding letter is a slip; another object in a Bantu verb is another verb."""
    assert likely(meant, written) is slip


def test_neighbours_are_found_by_true_distance() -> None:
    """I22: one edit for short words, two from the given length, nearest first; over-long words have none."""
    known = Neighbours(["ntabara", "mutabare", "niokoeniharaka"], twice=12)
    assert known.near("ntabra") == [(1, "ntabara")]
    assert known.near("niokoenharka") == [(2, "niokoeniharaka")]
    assert known.near("mutbre") == known.near("x" * 41) == []


@pytest.mark.parametrize("entry", ["(a|(b|c))", "(a", "a|b", "(" + "a|" * 30 + "b)" + "(" + "a|" * 30 + "b)"])
def test_malformed_entries_are_refused(entry: str) -> None:
    """An entry that cannot be written out says why."""
    with pytest.raises(PatternFault):
        expand(entry)
    assert expand("a(b|c) (d|)") == ("ab d", "ab", "ac d", "ac")
