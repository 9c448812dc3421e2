"""What is proven of every state of a conversation before it may be published.

In: a definition whose steps hang together, and what ``explore`` found of it. Out: faults, each with the step and the way there.
Proven: nothing the engine cannot take; every step reached; every state can end (S12); one text out per text in; V13 at most
twice, then a person; nothing repeated that was answered (S5); what a phone may show before it is known whose it is (S3, S9,
S11); 0 always leaves a dial for the plain meeting line (S12); a question taken up again, on either channel, is asked again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sms_service.conversation.check_steps import answers_of, fields_of
from sms_service.conversation.definition import Conversation, Resume
from sms_service.conversation.discretion import is_known
from sms_service.conversation.engine import at_resume
from sms_service.conversation.explore import Exploration, Taken
from sms_service.conversation.faults import Fault
from sms_service.conversation.moves import PASSING
from sms_service.conversation.types import Answered, Reply, Shown, TimedOut
from sms_service.conversation.vocabulary import EFFECTS, FACTS, MAX_UNCLEAR, OPEN_FACTS, PERSONAL_FLAG, Kind
from sms_service.conversation.words import Words

_MEETING_LINE: frozenset[Kind] = frozenset({"day", "time", "moment"})
"""What the last screen of a dial that was left may fill in (S12)."""

Said = Iterator[tuple[str, str]]
"""Reasons, each with its suggestion or an empty one."""


def prove(conversation: Conversation, words: Words, found: Exploration, *, whole: bool = True) -> list[Fault]:
    """The faults of every state and event, one for each step and reason.

    With ``whole`` false the steps are known not to hang together: what the engine trips over then, or never reaches, has been
    said already.
    """
    file = conversation.file
    if found.too_large:
        fix = "split the conversation, or branch on fewer flags"
        return [Fault(file, "", "", f"cannot be proven: {found.too_large} (I22)", fix)]
    faults = list(_unsound(conversation, found)) if whole else []
    prover = _Prover(conversation, words)
    said: dict[tuple[str, str], str] = {}
    for taken in found.taken:
        for reason, fix in prover.reasons(taken):
            said.setdefault((_where(taken), reason), fix)
    return faults + [Fault(file, step, "", reason, fix) for (step, reason), fix in said.items()]


def _unsound(conversation: Conversation, found: Exploration) -> Iterator[Fault]:
    """What the engine cannot take, what it never reaches, and where it can never end."""
    file, stuck, lost = conversation.file, "the engine cannot go on", "no input ever leads here, whatever the flags"
    for one in found.broken:
        yield Fault(file, one.step, "", f"{stuck}: {one.reason}", f"try it: {one.path}")
    if not found.broken:
        for name in sorted(set(conversation.steps) - found.visited):
            yield Fault(file, name, "", lost, "lead a way to it, or remove it")
    for name in found.dead:
        yield Fault(file, name, "", "dead state: from here the conversation can never end", "let an answer go to 'end' or a 'say'")


def _where(taken: Taken) -> str:
    return taken.outcome.dialogue.step if taken.source is None else taken.source.step


class _Prover:
    def __init__(self, conversation: Conversation, words: Words) -> None:
        self.conversation = conversation
        self.dial = conversation.closes == "dial"
        self.answers = answers_of(conversation)
        self.fields = fields_of(conversation)
        self.classes: dict[str, str] = {}
        for table in words.entries.values():
            for key, entry in table.items():
                self.classes[key] = max(entry.text_class, self.classes.get(key, ""))

    def reasons(self, taken: Taken) -> Said:
        """What one event does that must not be."""
        outcome = taken.outcome
        if len(outcome.replies) > 1:
            yield f"'{taken.move.name}' sends {len(outcome.replies)} texts: one text in, at most one out", ""
        for effect in outcome.effects:
            if EFFECTS.get(effect.name) != frozenset(effect.args):
                yield f"asks for effect '{effect.name}', which is not in the vocabulary", ""
        for reply in outcome.replies:
            yield from self._reply(taken, reply)
        if taken.source is None and not self.dial:
            yield from self._beginning(taken)
        yield from self._silence(taken)
        yield from self._unclear(taken)
        yield from self._personal(taken)
        if isinstance(taken.move.event, Answered) and taken.move.event.raw_key == "0" and self.dial:
            yield from self._leaving(taken)

    def _reply(self, taken: Taken, reply: Reply) -> Said:
        repeated = sorted(self.answers & set(reply.values))
        if repeated:
            yield f"shows {', '.join(repeated)}, which a person answered (S5)", "leave it out"
        # S3, S9: on a dial a text of class B waits until the phone is known to be the person's own, or a PIN was right
        if self.dial and self.classes.get(reply.key) == "B" and not is_known(taken.outcome.dialogue):
            yield (
                f"text '{reply.key}' is class B and can show on a phone that several people use (S3, S9)",
                f"branch on '{PERSONAL_FLAG}' or ask for the PIN before it",
            )
        if taken.channel == "ussd" and reply.ends != taken.outcome.dialogue.done:
            yield "a screen ends the dial although the conversation goes on, or keeps it open at its end", ""

    def _beginning(self, taken: Taken) -> Said:
        """A conversation that the service begins asks or says something at once, and needs no fact for it."""
        if taken.needs:
            yield (
                f"begins with fact '{taken.needs[0].name}', which nobody can answer before the text leaves",
                "hand it in under [args]",
            )
        if not taken.outcome.replies:
            yield f"begins without a text on {taken.channel}", f"start at a step with a text for {taken.channel}"

    def _silence(self, taken: Taken) -> Said:
        """S12: taken up again, on either channel, a question is asked again; a dial is never left without a screen."""
        event, after = taken.move.event, taken.outcome.dialogue
        if isinstance(event, TimedOut):
            if not after.done or taken.outcome.replies or taken.outcome.effects:
                yield "a question out of time must end without a text", ""
        elif after.done or at_resume(self.conversation, after):
            if self.dial and not taken.outcome.replies and after.done:
                yield f"'{taken.move.name}' ends the dial without a last screen", "go on to a step of kind 'say'"
        elif (taken.channel == "ussd" or isinstance(event, Shown)) and not taken.outcome.replies:
            yield f"'{taken.move.name}' is answered by no text on {taken.channel}", f"give the step a text for {taken.channel}"
        passing = isinstance(event, Answered) and event.reading.intent in PASSING and not event.raw_key
        # at a resume step the reading belongs to the other dialogue, which is done with it
        if passing and taken.source is not None and not at_resume(self.conversation, taken.source) and after != taken.source:
            yield f"'{taken.move.name}' changes the dialogue, but belongs to the service", ""

    def _unclear(self, taken: Taken) -> Said:
        """V13 at most twice in a row, then one task for a person; on a screen the question simply stays."""
        before, event, after = taken.source, taken.move.event, taken.outcome.dialogue
        unread = isinstance(event, Answered) and event.reading.intent == "unclear"
        if before is None or taken.channel != "sms" or not unread:
            return
        texts, tasks = len(taken.outcome.replies), sum(effect.name == "unclear_task" for effect in taken.outcome.effects)
        if (texts, tasks) != (int(before.unclear < MAX_UNCLEAR), int(before.unclear == MAX_UNCLEAR)):
            yield f"after {before.unclear} unclear answers {texts} texts leave and {tasks} tasks open (V13)", ""
        if after.unclear != min(before.unclear + 1, MAX_UNCLEAR + 1):
            yield "unclear answers are not counted, so that V13 could be sent without end", ""

    def _personal(self, taken: Taken) -> Said:
        """S11: what is a person's own is asked for, and another question shown, only after the right PIN."""
        for need in taken.needs:
            shape = FACTS.get(need.name)
            if shape is not None and "person" in shape.args and need.name not in OPEN_FACTS and not need.args.get("person"):
                yield f"fact '{need.name}' is asked for before anyone has given a PIN (S11)", "put a 'pin' step before it"
        after = taken.outcome.dialogue
        if isinstance(self.conversation.steps[after.step], Resume) and not after.data.get("person"):
            yield f"step '{after.step}' shows a person's question before the PIN (S11)", "put a 'pin' step before it"

    def _leaving(self, taken: Taken) -> Said:
        """S12: 0 leaves every screen at once, by a plain line about the meeting, and has no other effect."""
        outcome = taken.outcome
        fix = "let 'exit' lead to 'next_meeting' and a 'say'"
        if not outcome.dialogue.done:
            yield "0 does not leave the dial (S12)", fix
        if outcome.effects:
            yield f"0 has an effect: {', '.join(effect.name for effect in outcome.effects)} (S12)", fix
        for reply in outcome.replies:
            kinds: Mapping[str, Kind] = {name: self.fields.get(name, "row") for name in reply.values}
            if self.classes.get(reply.key) != "A" or not set(kinds.values()) <= _MEETING_LINE:
                yield f"0 leads to '{reply.key}', which is not a plain line about the meeting (S12)", fix
