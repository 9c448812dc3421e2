"""Playing a conversation with made-up facts, and transcripts: conversations written down, which are played again as tests.

A transcript reads like the conversation it was. A file holds any number of them; each begins with the line

    # conversation checkin, language en, channel sms

Any other ``#`` begins a comment. What is set up beforehand (kinds and results are those of the definition and of ``FACTS``):

    given day = 2026-11-25          an argument the conversation begins with; what is not given is made up
    fact next_meeting = none        what the service would answer from here on; ``fact coming = ok yes=3 no=1`` names fields
    fact open_question = question dialogue=checkin      another conversation's question waits in the dial

What is done:

    phone> 4                        a text or a key; nothing after the sign is a blank reply; PIN 1234 is right, any other wrong
    channel ussd                    on to the other channel: a dial shows where the dialogue stands, a text waits for the answer
    drop / resume                   the dial is lost, and dialled again
    timeout                         the question closes without an answer

What must come of it:

    phone< Servas: thank you.       the text, or the screen with CON or END; `` / `` is a new line, ``...`` is anything
    nothing                         no text came
    effect save_answer week 4       what the service is told to do; other effects name their values: ``call_request slot=noon``
    alert red                       the crisis check spoke (S22)
    ends                            the dialogue is done
    step thanks                     where the dialogue stands

Whatever comes and is not named before the next act is a fault; only ``nothing`` and ``step`` may be left out. Stop, help, crisis
and the other things a person may say at any time are answered as the service answers a registered own phone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sms_service.conversation.definition import Conversation
from sms_service.conversation.engine import EngineFault
from sms_service.conversation.faults import Fault
from sms_service.conversation.player import Player, PlayFault
from sms_service.conversation.types import Channel
from sms_service.conversation.words import Words, WordsFault
from sms_service.text.lexicon import Lexicon

__all__ = ["Play", "PlayFault", "run_transcript"]

_HEADER = re.compile(r"#\s*conversation (?P<name>\w+), language (?P<language>[a-z]+), channel (?P<channel>sms|ussd)\s*")
_SETTING = re.compile(r"(?P<what>given|fact) (?P<name>\w+) = (?P<rest>.+)")
_SETS = ("given", "fact")
_ACTS = ("phone>", "channel", "drop", "resume", "timeout")
_COMES = ("phone<", "effect", "alert", "ends")
_NEW_LINE = " / "
MOST_SHOWN = 120
"""Characters of a differing text that a fault repeats."""


@dataclass(slots=True)
class Play:
    """One conversation being played and written down at once.

    ``begin`` and ``act`` return what came of it, as lines of a transcript; ``player`` shows the texts themselves (``texts``), how
    the last input was read (``reading``) and where the dialogue stands (``place``). ``PlayFault`` says what cannot be played and
    leaves everything as it was.
    """

    player: Player
    lines: list[str] = field(default_factory=list)
    begun: bool = False

    @classmethod
    def of(
        cls,
        name: str,
        conversations: Mapping[str, Conversation],
        words: Words,
        lexicon: Lexicon,
        *,
        language: str = "en",
        channel: Channel = "sms",
    ) -> Play:
        """A play of one of ``conversations``; ``words`` are the texts the service sends by itself (``NOTICES``)."""
        player = Player(conversations, words, lexicon, name, language, channel)
        return cls(player, [f"# conversation {name}, language {language}, channel {channel}"])

    @property
    def recording(self) -> str:
        """The transcript so far; as a file it is a test."""
        return "\n".join(self.lines) + "\n"

    def begin(self) -> list[str]:
        """Open the dialogue, unless it is open."""
        if self.begun:
            return []
        came = self._write("", self.player.begin)
        self.begun = True
        return came

    def act(self, line: str) -> list[str]:
        """Do what one line of a transcript says (set-up or act); the first act opens the dialogue before it is done.

        A text of several lines is written down and read as one.
        """
        line = " ".join(line.splitlines()).strip()
        found = _SETTING.fullmatch(line)
        if found:
            self._set(**found.groupdict())
            self.lines.append(line)
            return []
        do = self._deed(line)
        return self.begin() + self._write(line, do)

    def _set(self, what: str, name: str, rest: str) -> None:
        if what == "fact":
            self.player.set_fact(name, rest)
        elif self.begun:
            raise PlayFault(f"'given {name}' comes too late: what the conversation begins with stands before the first text")
        else:
            self.player.set_argument(name, rest)

    def _deed(self, line: str) -> Callable[[], list[str]]:
        what, _, rest = line.partition(" ")
        if what == "phone>":
            return lambda: self.player.say(rest)
        if what == "channel" and rest in ("sms", "ussd"):
            channel: Channel = "sms" if rest == "sms" else "ussd"
            return lambda: self.player.switch(channel)
        plain = {"drop": self.player.drop, "resume": self.player.resume, "timeout": self.player.time_out}
        if line in plain:
            return plain[line]
        raise PlayFault(f"'{_short(line)}' is no line of a transcript: expected {', '.join((*_SETS, *_ACTS, *_COMES))} or step")

    def _write(self, line: str, do: Callable[[], list[str]]) -> list[str]:
        """Do it, then write down the line and what came; what cannot be done leaves no line."""
        came = [one.replace("\n", _NEW_LINE) for one in do()]
        silent = _is(line, ("phone>",)) and not any(_is(one, ("phone<",)) for one in came)
        self.lines += [*([line] if line else []), *(["nothing"] if silent else []), *came]
        return came


def run_transcript(name: str, text: str, conversations: Mapping[str, Conversation], words: Words, lexicon: Lexicon) -> list[Fault]:
    """Play every conversation of a transcript; one fault for each that went otherwise, at the first line that differs.

    ``name`` says in the faults which file it was. What is broken in a conversation is a fault, never an exception.
    """
    faults: list[Fault] = []
    running: _Running | None = None
    skip = False
    found = False
    lines = [(number, raw.strip()) for number, raw in enumerate(text.splitlines(), start=1)]
    for number, line in [*lines, (len(lines) + 1, "")]:
        header = _HEADER.fullmatch(line)
        at_end = number > len(lines)
        if not (header or at_end or (line and not line.startswith("#") and not skip)):
            continue
        try:
            if header or at_end:
                if running is not None and not skip:
                    running.settled()
                running, skip = None, False
            if header:
                found = True
                running = _Running(_opened(header, conversations, words, lexicon))
            elif running is not None:
                running.line(line)
            elif not at_end:
                raise PlayFault("a conversation begins with the line '# conversation ..., language ..., channel ...'")
        except (PlayFault, EngineFault, WordsFault) as fault:
            faults.append(_fault(name, number, running, str(fault)))
            skip = True
    if not found and not faults:
        faults.append(Fault(name, "", "", "no conversation in it: begin with '# conversation NAME, language en, channel sms'"))
    return faults


def _opened(header: re.Match[str], conversations: Mapping[str, Conversation], words: Words, lexicon: Lexicon) -> Play:
    channel: Channel = "sms" if header["channel"] == "sms" else "ussd"
    return Play.of(header["name"], conversations, words, lexicon, language=header["language"], channel=channel)


def _fault(name: str, number: int, running: _Running | None, reason: str) -> Fault:
    player = running.play.player if running else None
    step = player.place.step if player and player.place else ""
    return Fault(f"{name}:{number}", step, player.language if player else "", reason)


@dataclass(slots=True)
class _Running:
    """A play whose lines are compared; ``came`` is what no line has named yet."""

    play: Play
    came: list[str] = field(default_factory=list)

    def line(self, line: str) -> None:
        """Do or compare one line; ``PlayFault`` says what came and what was expected."""
        if _is(line, _SETS):
            self.play.act(line)
            return
        self.came += self.play.begin()
        if _is(line, _ACTS):
            self.settled()
            self.came = self.play.act(line)
        elif line == "nothing":
            self._none("phone<")
        elif _is(line, ("step",)):
            self._stands(line.partition(" ")[2])
        elif _is(line, _COMES):
            self._named(line)
        else:
            self.play.act(line)

    def settled(self) -> None:
        """Everything that came has been named."""
        self.came += self.play.begin()
        if self.came:
            raise PlayFault(f"before this line came '{_short(self.came[0])}', which no line names")

    def _none(self, kind: str) -> None:
        found = next((one for one in self.came if one.startswith(kind)), "")
        if found:
            raise PlayFault(f"came '{_short(found)}', expected nothing")

    def _stands(self, step: str) -> None:
        place = self.play.player.place
        if place is None or place.step != step:
            raise PlayFault(f"the dialogue stands at step '{place.step if place else ''}', expected step '{step}'")

    def _named(self, line: str) -> None:
        kind = line.partition(" ")[0]
        alike = [one for one in self.came if _is(one, (kind,))]
        chosen = next((one for one in alike if _same(line, one)), None)
        if chosen is None:
            raise PlayFault(f"came {_listed(alike) or 'nothing of the kind'}, expected '{_short(line)}'")
        self.came.remove(chosen)


def _is(line: str, kinds: tuple[str, ...]) -> bool:
    return line.partition(" ")[0] in kinds


def _same(expected: str, came: str) -> bool:
    parts = [re.escape(part) for part in expected.split("...")]
    return re.fullmatch(".*".join(parts), came) is not None


def _listed(lines: list[str]) -> str:
    return " and ".join(f"'{_short(line)}'" for line in lines)


def _short(line: str) -> str:
    return line if len(line) <= MOST_SHOWN else f"{line[:MOST_SHOWN]}..."
