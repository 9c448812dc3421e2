"""The words catalogue: filling texts, saying days and hours in four languages, and refusing what cannot be said."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms_service.conversation.check_texts import fill_longest
from sms_service.conversation.paging import list_text
from sms_service.conversation.render import render
from sms_service.conversation.types import Reply
from sms_service.conversation.vocabulary import NOTICES
from sms_service.conversation.words import FORMATS, PLACEHOLDER, Words, WordsFault
from sms_service.text.gsm import segments
from tests.unit.conversation.player import LANGUAGES, catalogue

WEDNESDAY = dt.date(2025, 11, 12)
FORMS = {"weekdays": list("MTWTFSS"), "hours": [], "or": "or", "soon": {"soon": "soon", "tomorrow": "tomorrow"}}


@pytest.mark.parametrize(
    ("language", "day", "weekday"),
    [
        ("en", "Wed 12/11", "Wednesday"),
        ("rw", "ku wa Gatatu 12/11", "ku wa Gatatu"),
        ("fr", "mercredi 12/11", "mercredi"),
        ("sw", "Jumatano 12/11", "Jumatano"),
    ],
)
def test_days(language: str, day: str, weekday: str) -> None:
    words = catalogue().words
    assert words.day_text(WEDNESDAY, language) == day
    assert words.weekday_text(WEDNESDAY, language) == weekday


@pytest.mark.parametrize(
    ("language", "hour", "minute", "said"),
    [
        ("en", 14, 0, "14:00"),
        ("fr", 14, 0, "14:00"),
        ("rw", 14, 0, "saa munani (14:00)"),
        ("sw", 14, 0, "saa nane (14:00)"),
        ("rw", 7, 0, "saa moya (07:00)"),
        ("rw", 19, 0, "saa moya (19:00)"),
        ("rw", 12, 0, "saa sita (12:00)"),
        ("rw", 16, 0, "saa kumi (16:00)"),
        ("rw", 6, 0, "saa kumi n'ebyiri (06:00)"),
        ("sw", 0, 0, "saa sita (00:00)"),
        ("sw", 18, 0, "saa kumi na mbili (18:00)"),
        ("rw", 14, 30, "14:30"),
        ("sw", 9, 5, "09:05"),
    ],
)
def test_hours_are_offset_by_six_and_keep_their_digits(language: str, hour: int, minute: int, said: str) -> None:
    assert catalogue().words.time_text(hour, minute, language) == said


@pytest.mark.parametrize(
    ("choices", "language", "said"),
    [
        ([1, 2, 3], "en", "1, 2 or 3"),
        ([1, 2, 3], "rw", "1, 2 cyangwa 3"),
        ([1, 2, 3], "fr", "1, 2 ou 3"),
        ([1, 2], "sw", "1 au 2"),
        ([1], "en", "1"),
        ([], "en", ""),
        ("1-50", "rw", "1-50"),
    ],
)
def test_choices(choices: Any, language: str, said: str) -> None:
    assert catalogue().words.choices_text(choices, language) == said


def test_moments_lists_and_soon() -> None:
    words = catalogue().words
    assert words.text("en", "fac_remind_later", {"group": "G07", "at": "2025-11-10T08:00"}).startswith(
        "G07: the reminder will leave Mon 10/11, 08:00."
    )
    assert list_text(["G07", "G09"]) == "1) G07\n2) G09"
    assert words.text("fr", "urgent_plain", {"soon": "tomorrow"}).endswith("nous appelons demain matin.")


@pytest.mark.parametrize("language", LANGUAGES)
def test_urgent_text_has_a_form_with_and_one_without_numbers(language: str) -> None:
    """V11, S38: numbers come from the directory; without them the first sentence alone is whole."""
    words = catalogue().words
    numbers = {"police": "112", "ambulance": "912", "health": "114"}
    long = words.text(language, "urgent", {"soon": "soon", **numbers})
    short = words.text(language, "urgent_plain", {"soon": "soon"})
    assert long.startswith(short)
    assert all(number in long and number not in short for number in numbers.values())


def test_staff_alert_wording() -> None:
    """S25, S43: codes and counts, in the words agreed for English and French."""
    values = {"code": "C1042", "open": 2, "since": "15:42", "reply": "7731"}
    words = catalogue().words
    assert words.text("en", "alert", values) == ("Servas: RED C1042, 2 open, since 15:42. Reply 7731 = I have it. See the console.")
    assert words.text("fr", "alert", values) == (
        "Servas: ROUGE C1042, 2 ouverts, depuis 15:42. Répondez 7731 = je prends. Voir la console."
    )


@pytest.mark.parametrize(
    ("language", "key", "expected"),
    [
        ("en", "stopped", "done. You will get no more messages. You keep your place in the group."),
        ("rw", "started", "byemejwe. Muzongera kubona ubutumwa bw'inama."),
        ("fr", "who", "informations sur des réunions locales."),
        ("sw", "stopped_short", "imesitishwa. Hutapata ujumbe tena."),
        ("rw", "fault_screen", "ntibishobotse ubu. Mwongere muhamagare nyuma."),
        ("en", "fault_screen", "not possible now. Please dial again later."),
    ],
)
def test_texts_the_service_sends_by_itself(language: str, key: str, expected: str) -> None:
    """V12, V14 and the apology of a failed dial."""
    assert catalogue().words.text(language, key).startswith(f"Servas: {expected}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_cancelled_and_plain_reminder(language: str) -> None:
    """V3b, V4: no question, so a shared phone may get them."""
    words = catalogue().words
    for key in ("reminder_plain", "cancelled"):
        text = words.text(language, key, {"day": "2025-11-12", "time": "14:00"})
        assert "12/11" in text
        assert "?" not in text
        assert "1 = " not in text


def test_render_puts_the_prefix_of_a_screen() -> None:
    words = catalogue().words
    assert render(words, "en", Reply("thanks"), "sms") == "Servas: thank you."
    assert render(words, "en", Reply("thanks", ends=True), "ussd") == "END Servas: thank you."
    assert render(words, "en", Reply("thanks"), "ussd") == "CON Servas: thank you."


@pytest.mark.parametrize(
    ("language", "key", "values"),
    [
        ("en", "nowhere", {}),
        ("de", "thanks", {}),
        ("en", "reminder", {"day": "2025-11-12"}),
        ("en", "reminder", {"day": "12 November", "time": "14:00"}),
        ("en", "reminder", {"day": None, "time": "14:00"}),
        ("en", "urgent_plain", {"soon": "never"}),
        ("en", "fac_menu", {"group": ["G07"]}),
        ("en", "fac_menu", {"group": True}),
    ],
)
def test_what_cannot_be_said_is_refused(language: str, key: str, values: dict[str, Any]) -> None:
    """Never a text with a hole in it, and never another language instead."""
    with pytest.raises(WordsFault):
        catalogue().words.text(language, key, values)


def test_build_from_plain_tables() -> None:
    words = Words.build({"en": {"hello": {"text": "Servas: hello {name}", "class": "A"}, "forms": FORMS}})
    assert words.text("en", "hello", {"name": "G07"}) == "Servas: hello G07"
    with pytest.raises(WordsFault, match="class must be A or B"):
        Words.build({"en": {"hello": {"text": "Servas: hello", "class": "C"}, "forms": FORMS}})


DAYS = st.dates(dt.date(2025, 1, 1), dt.date(2035, 12, 31)).map(dt.date.isoformat)
TIMES = st.times().map(lambda time: time.strftime("%H:%M"))
SAMPLES: dict[str, st.SearchStrategy[Any]] = {
    "day": DAYS,
    "weekday": DAYS,
    "time": TIMES,
    "moment": st.tuples(DAYS, TIMES).map("T".join),
    "choices": st.lists(st.integers(1, 9), unique=True, max_size=6).map(sorted),
    "soon": st.sampled_from(["soon", "tomorrow"]),
    "list": st.lists(st.integers(1, 99999).map("G{}".format), max_size=9),
    "": st.integers(0, 999),
}


@given(st.data())
def test_no_real_value_is_longer_than_the_longest(data: st.DataObject) -> None:
    """S6: what is measured before a text may run is at least as long as anything that will be sent."""
    words = catalogue().words
    language = data.draw(st.sampled_from(LANGUAGES))
    key = data.draw(st.sampled_from(sorted(words.entries[language])))
    entry = words.entry(language, key)
    values = {name: data.draw(SAMPLES[form]) for name, form in entry.placeholders()}
    kinds = {name: next(iter(FORMATS[form])) for name, form in entry.placeholders() if form}
    kinds.update({name: "count" for name, form in entry.placeholders() if not form})
    filled = words.text(language, key, values)
    assert segments(filled).units <= segments(fill_longest(words, language, entry, kinds)).units
    assert segments(filled).parts == 1
    assert not PLACEHOLDER.search(filled)


def test_every_notice_can_be_filled() -> None:
    """The texts the service sends by itself exist in four languages and ask for nothing but the values promised."""
    words = catalogue().words
    for key, kinds in NOTICES.items():
        for language in LANGUAGES:
            assert {name for name, _ in words.entry(language, key).placeholders()} <= set(kinds), (key, language)
