"""A handset that plays a version turn by turn: what was said, how it was read, where the dialogue stood after it.

In: how the play starts and the lines done so far (``play`` has their grammar). Out: every turn and the transcript. Nothing is kept
between calls: the lines are played again each time, which costs well under a millisecond each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sms_service.conversation.definition import Ask, Conversation, Fetch
from sms_service.conversation.engine import EngineFault
from sms_service.conversation.play import Play, PlayFault
from sms_service.conversation.types import Channel
from sms_service.conversation.vocabulary import FACTS, SMS_LIMIT
from sms_service.conversation.words import Words, WordsFault
from sms_service.text.gsm import segments
from sms_service.text.lexicon import Lexicon
from sms_service.text.reply_types import Reading

MOST_LINES = 120
"""Lines one play may hold; a longer one is begun anew."""


@dataclass(frozen=True, slots=True)
class Start:
    """What is played, and how it begins."""

    name: str
    language: str
    channel: Channel


@dataclass(frozen=True, slots=True)
class Shown:
    """A text or screen on the phone, with its length in GSM-7 units of those that fit, and its segments."""

    text: str
    units: int
    limit: int
    parts: int


@dataclass(frozen=True, slots=True)
class Turn:
    """One line done and what came: ``did`` is the line (empty for the first text), ``typed`` what was keyed in, None for none.

    ``came`` are the transcript's lines that are no texts (effects, alert, the end). ``step`` is where the dialogue stands.
    """

    did: str
    typed: str | None
    channel: Channel
    language: str
    shown: tuple[Shown, ...]
    came: tuple[str, ...]
    step: str
    reading: Reading | None


@dataclass(frozen=True, slots=True)
class Handset:
    """The phone as it is now. ``fault`` says why the last line could not be done; it is not among ``lines`` then.

    ``open`` says whether something can be keyed in, ``dropped`` whether the dial can be taken up again.
    """

    turns: tuple[Turn, ...]
    lines: tuple[str, ...]
    recording: str
    channel: Channel
    language: str
    open: bool
    dropped: bool
    done: bool
    fault: str = ""


def play_handset(
    start: Start, lines: Sequence[str], conversations: Mapping[str, Conversation], words: Words, lexicon: Lexicon
) -> Handset:
    """Begin, and do every line in turn. Raises ``PlayFault`` when it cannot even begin; what fails later is the ``fault``."""
    if len(lines) > MOST_LINES:
        raise PlayFault(f"this play has {len(lines)} lines, at most {MOST_LINES} are played: save it and begin anew")
    play = Play.of(start.name, conversations, words, lexicon, language=start.language, channel=start.channel)
    turns: list[Turn] = []
    done: list[str] = []
    fault = ""
    try:
        for line in lines:
            if not play.begun and not _sets(line):
                turns.append(_turn(play, "", play.begin()))
            play.player.reading = None
            came = play.act(line)
            done.append(line)
            if not _sets(line):
                turns.append(_turn(play, line, came))
        if not play.begun:
            turns.append(_turn(play, "", play.begin()))
    except (PlayFault, EngineFault, WordsFault) as refused:
        fault = str(refused)
    player = play.player
    by_sms = player.channel == "sms"
    return Handset(
        turns=tuple(turns),
        lines=tuple(done),
        recording=play.recording,
        channel=player.channel,
        language=player.language,
        open=play.begun and (by_sms or player.on_line),
        dropped=play.begun and not by_sms and not player.on_line,
        done=player.done,
        fault=fault,
    )


def _sets(line: str) -> bool:
    return line.startswith(("fact ", "given "))


def _turn(play: Play, did: str, came: Sequence[str]) -> Turn:
    player = play.player
    texts = player.texts if any(line.startswith("phone< ") for line in came) else []
    return Turn(
        did=did,
        typed=did.partition(" ")[2] if did.startswith("phone>") else None,
        channel=player.channel,
        language=player.language,
        shown=tuple(_shown(text) for text in texts),
        came=tuple(line for line in came if not line.startswith("phone< ")),
        step=player.place.step if player.place else "",
        reading=player.reading,
    )


def _shown(text: str) -> Shown:
    """A screen keeps its ``CON `` or ``END ``: they count, 160 in all."""
    measured = segments(text)
    return Shown(text, measured.units, SMS_LIMIT, measured.parts)


def facts_asked(conversation: Conversation, others: Mapping[str, Conversation]) -> dict[str, list[str]]:
    """The facts this conversation looks up, each with the answers one may choose from, as a transcript writes them.

    Where a fact hands over another conversation's question, each that can be asked in a dial is a choice.
    """
    asked = dict.fromkeys(step.fact for step in conversation.steps.values() if isinstance(step, Fetch) and step.fact in FACTS)
    waiting = sorted(one.name for one in others.values() if _can_wait(one))
    choices: dict[str, list[str]] = {}
    for name in asked:
        shape = FACTS[name]
        handed = next((field for field, kind in shape.fields.items() if kind == "row"), "")
        found: list[str] = []
        for result in sorted(shape.results):
            found += [f"{result} {handed}={one}" for one in waiting] if handed and result == shape.carries else [result]
        choices[name] = found
    return choices


def _can_wait(conversation: Conversation) -> bool:
    return (
        "ussd" in conversation.channels
        and conversation.closes != "dial"
        and isinstance(conversation.steps.get(conversation.start), Ask)
    )
