"""Playing a conversation and writing it down: what is recorded plays again, and what differs is named with its line."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from sms_service.conversation.play import Play, PlayFault, run_transcript
from sms_service.conversation.types import Channel
from sms_service.text.lexicon import Lexicon, build_lexicon
from tests.unit.conversation.player import LANGUAGES, TEMPLATES, catalogue

TRANSCRIPTS = sorted((TEMPLATES / "transcripts").glob("*.txt"))
CHECKIN = """\
# conversation checkin, language en, channel sms
phone< Servas: how was your week? ...
phone> 4
effect save_answer week 4
phone< Servas: thank you.
ends
"""


@cache
def lexicon() -> Lexicon:
    return build_lexicon(catalogue().lexicon)


def faults(text: str) -> list[str]:
    found = run_transcript("mine.txt", text, catalogue().conversations, catalogue().words, lexicon())
    return [str(one) for one in found]


def play(name: str, *lines: str, language: str = "en", channel: Channel = "sms") -> Play:
    made = Play.of(name, catalogue().conversations, catalogue().words, lexicon(), language=language, channel=channel)
    for line in lines:
        made.act(line)
    made.begin()
    return made


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda one: one.stem)
def test_authors_transcripts_hold(path: Path) -> None:
    """Each conversation as its author wrote it down, in four languages, on the definitions and words that ship."""
    assert faults(path.read_text(encoding="utf-8")) == []


def test_every_conversation_and_language_has_a_transcript() -> None:
    """Whoever changes a text or a step sees what a person would see."""
    whole = "\n".join(path.read_text(encoding="utf-8") for path in TRANSCRIPTS)
    for language in LANGUAGES:
        assert f", language {language}, channel sms" in whole
        assert f", language {language}, channel ussd" in whole
    assert [name for name in catalogue().conversations if f"# conversation {name}, " not in whole] == []


def test_a_transcript_as_an_author_writes_it() -> None:
    assert faults(CHECKIN) == []


DIFFERENT = {
    "another text": (
        CHECKIN.replace("thank you", "thanks"),
        "mine.txt:5, step thanks, language en: came 'phone< Servas: thank you.', expected 'phone< Servas: thanks.'",
    ),
    "another answer": (
        CHECKIN.replace("week 4", "week 5"),
        "mine.txt:4, step thanks, language en: came 'effect save_answer week 4', expected 'effect save_answer week 5'",
    ),
    "a text nobody named": (
        CHECKIN.replace("phone< Servas: thank you.\n", ""),
        "mine.txt:6, step thanks, language en: before this line came 'phone< Servas: thank you.', which no line names",
    ),
    "an end nobody named": (
        CHECKIN.replace("ends\n", ""),
        "mine.txt:6, step thanks, language en: before this line came 'ends', which no line names",
    ),
    "a text that never comes": (
        CHECKIN + "phone< Servas: good bye.\n",
        "mine.txt:7, step thanks, language en: came nothing of the kind, expected 'phone< Servas: good bye.'",
    ),
    "silence was written": (
        CHECKIN.replace("effect save", "nothing\neffect save"),
        "mine.txt:4, step thanks, language en: came 'phone< Servas: thank you.', expected nothing",
    ),
    "another step": (
        CHECKIN + "step call\n",
        "mine.txt:7, step thanks, language en: the dialogue stands at step 'thanks', expected step 'call'",
    ),
    "a line nobody knows": (CHECKIN + "phone 4\n", "mine.txt:7, step thanks, language en: 'phone 4' is no line of a transcript"),
    "no such conversation": (
        "# conversation lunch, language en, channel sms\n",
        "mine.txt:1: there is no conversation 'lunch': expected one of",
    ),
    "no such language": (
        "# conversation checkin, language de, channel sms\n",
        "mine.txt:1: 'checkin' has no language 'de': expected en, fr, rw, sw",
    ),
    "a channel it has not": (
        "# conversation home, language en, channel sms\n",
        "mine.txt:1: conversation 'home' does not run by sms: expected ussd",
    ),
    "nothing in it": ("# my first transcript\n", "mine.txt: no conversation in it"),
    "no header": ("phone> 4\n", "mine.txt:1: a conversation begins with the line '# conversation"),
    "set too late": (
        CHECKIN.replace("phone> 4", "given day = 2026-11-25"),
        "mine.txt:3, step ask, language en: 'given day' comes too late",
    ),
    "no such argument": (
        CHECKIN.replace("phone< Servas: how", "given day = 2026-11-25\nphone< Servas: how"),
        "mine.txt:2, language en: 'checkin' begins without 'day': its arguments are none",
    ),
    "no such fact": (CHECKIN + "fact weather = fine\n", "mine.txt:7, step thanks, language en: there is no fact 'weather'"),
    "no such result": (
        CHECKIN + "fact coming = maybe\n",
        "mine.txt:7, step thanks, language en: fact 'coming' has no result 'maybe': expected none, ok",
    ),
    "no such field": (
        CHECKIN + "fact coming = ok rain=1\n",
        "mine.txt:7, step thanks, language en: 'rain=1' does not fit fact 'coming'",
    ),
    "not a number": (
        CHECKIN + "fact coming = ok yes=many\n",
        "mine.txt:7, step thanks, language en: 'yes' is a number, not 'many'",
    ),
    "no dial to lose": (CHECKIN + "drop\n", "mine.txt:7, step thanks, language en: there is no dial to lose"),
}


@pytest.mark.parametrize("what", DIFFERENT)
def test_what_differs_is_named_with_its_line(what: str) -> None:
    """Line, step, language, what came and what was expected; the first difference of a conversation is the only one."""
    text, expected = DIFFERENT[what]
    found = faults(text)
    assert len(found) == 1
    assert found[0].startswith(expected), found


def test_each_conversation_of_a_file_is_judged_by_itself() -> None:
    wrong = CHECKIN.replace("thank you", "thanks")
    assert [one.partition(",")[0] for one in faults(wrong + CHECKIN + wrong)] == ["mine.txt:5", "mine.txt:17"]


def test_a_long_text_is_cut_in_the_fault() -> None:
    long = CHECKIN.replace("phone> 4", "phone> 4\nphone< " + "x" * 500)
    assert "x" * 100 in faults(long)[0]
    assert len(faults(long)[0]) < 500


@pytest.mark.parametrize("name", sorted(catalogue().conversations))
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_conversation_can_be_played_and_its_recording_holds(name: str, language: str) -> None:
    """From handset to test: whatever is keyed, the recording plays again to the letter."""
    for channel in catalogue().conversations[name].channels:
        made = play(name, language=language, channel="ussd" if channel == "ussd" else "sms")
        for line in ("phone> 1", "phone> ", "phone> 9", "phone> 2", "phone> 3", "phone> 0", "timeout"):
            try:
                made.act(line)
            except PlayFault:  # the dial is over
                break
        assert faults(made.recording) == []


def test_what_cannot_be_done_leaves_no_line() -> None:
    made = play("checkin", "phone> 4")
    before = made.recording
    for line in ("drop", "resume", "channel sms", "given day = 2026-11-25", "sing", "fact weather = fine"):
        with pytest.raises(PlayFault):
            made.act(line)
    assert made.recording == before


def test_a_text_of_several_lines_is_one_line_of_the_recording() -> None:
    made = play("checkin", "phone> good\u2028morning\n4")
    assert "phone> good morning 4" in made.recording.splitlines()
    assert faults(made.recording) == []


def test_channels_drop_and_resume() -> None:
    """S12: the line drops half-way, the dial shows the question again, and it can be finished by SMS."""
    made = play("checkin", "channel ussd")
    shown = made.player.texts[0]
    assert shown.startswith("CON ")
    made.act("drop")
    with pytest.raises(PlayFault, match="resume"):
        made.act("phone> 4")
    made.act("resume")
    assert made.player.texts == [shown]
    made.act("drop")
    assert made.act("channel sms") == []
    assert made.act("phone> 4") == ["effect save_answer week 4", "phone< Servas: thank you.", "ends"]


def test_a_dial_that_was_lost_begins_anew() -> None:
    """S12: nothing of the old dial is shown."""
    made = play("home", channel="ussd")
    menu = made.player.texts
    for line in ("phone> 3", "phone> 1", "drop", "resume"):
        made.act(line)
    assert made.player.texts == menu


def test_another_dialogues_question_waits_in_the_dial() -> None:
    """S11, S12: after the right PIN the question, its answer, the next question there is (none), and a plain meeting line."""
    made = play("home", "fact open_question = question dialogue=reminder", "phone> 2", "phone> 12", "phone> 1234", channel="ussd")
    assert "Will you come?" in made.player.texts[0]
    assert made.act("phone> 8") == [f"phone< {made.player.texts[0]}".replace("\n", " / ")]
    came = made.act("phone> 2")
    assert came[0] == "effect save_answer coming no"
    assert came[1].startswith("phone< END Servas: thank you. The next meeting is")
    with pytest.raises(PlayFault, match="no conversation 'lunch' can be waiting"):
        made.act("fact open_question = question dialogue=lunch")


def test_the_third_wrong_pin_locks() -> None:
    """S11: then the right one opens nothing either."""
    made = play("home", "phone> 2", "phone> 0000", "phone> 1111", channel="ussd")
    assert made.player.texts[0].startswith("CON ")
    made.act("phone> 2222")
    assert made.player.texts[0].startswith("END ")
    for line in ("resume", "phone> 2", "phone> 1234"):
        made.act(line)
    assert made.player.texts[0].startswith("END ")


@pytest.mark.parametrize(
    ("language", "text", "came"),
    [
        ("en", "STOP", ["effect stop", "phone< Servas: done. You will get no more messages. ..."]),
        ("en", "HELP", ["effect call_request", "phone< Servas: thank you. We will call you about the meeting."]),
        ("en", "who is this", ["effect freeze", "phone< Servas: local meeting information. ..."]),
        ("rw", "ndashaka kwiyahura", ["alert red", "phone< Servas: twabonye ubutumwa bwanyu, turabahamagara vuba. ..."]),
        ("fr", "English", ["effect set_language language=en", "phone< Servas: thank you."]),
    ],
)
def test_what_may_be_said_at_any_time(language: str, text: str, came: list[str]) -> None:
    """S14, S17, S22: answered as the service answers, and the question stays where it is; one text out (I2)."""
    made = play("checkin", f"phone> {text}", language=language)
    written = made.recording.splitlines()
    begun = written[:2]
    assert faults("\n".join([*begun, f"phone> {text}", *came, "step ask"])) == []
    assert made.player.wanted.kind == "scale"


def test_a_stopped_number_gets_nothing_until_start() -> None:
    """S17, S19: the answer is kept, no text leaves."""
    made = play("checkin", "phone> STOP")
    assert made.act("phone> 4") == ["effect save_answer week 4", "ends"]
    assert made.act("phone> START")[0] == "effect start"
    assert made.act("phone> 4") == ["effect unclear_task", "phone< Servas: thank you. We will call you about the meeting."]


def test_a_stop_in_words_ends_the_dial() -> None:
    """S17."""
    made = play("home", channel="ussd")
    assert made.act("phone> stop")[0] == "effect stop"
    assert made.player.texts[0].startswith("END ")
    assert not made.player.on_line
