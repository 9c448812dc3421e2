"""The host of a played conversation: what the service does around the engine, with a made-up person, phone and facts.

Nothing is stored and nobody is written to. In: what the person does. Out: lines of a transcript (``play`` has their grammar), and
beside them the texts as they are. The person is registered, alone on an own phone, and has the PIN 1234.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sms_service.conversation.definition import Conversation
from sms_service.conversation.engine import at_resume, step, wants
from sms_service.conversation.made_up import argument, begin_with, fact, made_up_fact
from sms_service.conversation.render import render
from sms_service.conversation.types import (
    Answered,
    Begin,
    Channel,
    Dialogue,
    Effect,
    Event,
    Need,
    Outcome,
    PinChecked,
    Reply,
    Shown,
    TimedOut,
)
from sms_service.conversation.words import Words
from sms_service.rules.replies import Situation, choose_reply
from sms_service.text.lexicon import Lexicon
from sms_service.text.reading import crisis_alert, is_stop, read_reply
from sms_service.text.reply_types import Alert, Expectation, Reading

PIN = "1234"
PERSON = "P1001"
MOST_TRIES = 3
MOST_FACTS = 8
URGENT: Mapping[str, str] = {"soon": "soon", "police": "112", "ambulance": "912", "health": "114"}


class PlayFault(ValueError):
    """Something that cannot be played, or that went otherwise than written; the message says what was expected."""


class Player:
    """One made-up person in one conversation. ``place`` is None until ``begin``; ``on_line`` says whether a dial is open."""

    def __init__(
        self,
        conversations: Mapping[str, Conversation],
        words: Words,
        lexicon: Lexicon,
        name: str,
        language: str,
        channel: Channel,
    ) -> None:
        if name not in conversations:
            raise PlayFault(f"there is no conversation '{name}': expected one of {', '.join(sorted(conversations))}")
        self.conversations = conversations
        self.conversation = conversations[name]
        self.words = words
        self.lexicon = lexicon
        self.language = language
        self.place: Dialogue | None = None
        self.other: tuple[Conversation, Dialogue] | None = None
        self.reading: Reading | None = None
        self.texts: list[str] = []
        self.stopped = False
        self.on_line = False
        self._wrong = 0
        self._facts: dict[str, dict[str, Any]] = {}
        if language not in self.conversation.words.languages:
            raise PlayFault(f"'{name}' has no language '{language}': expected {', '.join(self.conversation.words.languages)}")
        self.channel: Channel = self._allowed(channel)
        self._given = begin_with(self.conversation)

    @property
    def done(self) -> bool:
        """Whether the dialogue has ended."""
        return self.place is not None and self.place.done

    @property
    def wanted(self) -> Expectation:
        """What the next input is read against."""
        conversation, place = self._asking()
        return wants(conversation, place) if place else Expectation()

    def set_argument(self, name: str, text: str) -> None:
        """What the conversation begins with."""
        try:
            self._given[name] = argument(self.conversation, name, text)
        except ValueError as wrong:
            raise PlayFault(str(wrong)) from None

    def set_fact(self, name: str, text: str) -> None:
        """What the service answers from here on: a result and, as ``field=value``, what it carries."""
        try:
            found = fact(name, text)
        except ValueError as wrong:
            raise PlayFault(str(wrong)) from None
        waiting = str(found.get("dialogue", ""))
        if name == "open_question" and waiting and waiting not in self.conversations:
            raise PlayFault(f"no conversation '{waiting}' can be waiting: expected one of {', '.join(sorted(self.conversations))}")
        self._facts[name] = found

    def begin(self) -> list[str]:
        """Open the dialogue (on USSD by a dial): its first text."""
        self.on_line = self.channel == "ussd"
        return self._came(self._take(Begin(self._given)))

    def say(self, text: str) -> list[str]:
        """A text or a key."""
        if self.channel == "sms":
            return self._by_sms(text)
        if not self.on_line:
            raise PlayFault("the dial is closed: 'resume' dials again")
        return self._by_ussd(text.strip())

    def switch(self, channel: Channel) -> list[str]:
        """Go on by the other channel; a dial shows the question that stands, by SMS it was asked before."""
        if channel == self.channel:
            raise PlayFault(f"it runs by {channel} already")
        self.channel = self._allowed(channel)
        self.on_line = False
        return self.resume() if channel == "ussd" else []

    def drop(self) -> list[str]:
        """The dial is lost: nothing is sent because of it (S12)."""
        if not self.on_line:
            raise PlayFault("there is no dial to lose")
        self.on_line = False
        return []

    def resume(self) -> list[str]:
        """Dial again: what lives as long as a dial begins anew (S12), any other dialogue shows where it stands."""
        if self.channel != "ussd" or self.on_line:
            raise PlayFault("'resume' is a new dial: the conversation must be on ussd and the dial lost or over")
        if self.conversation.closes == "dial":
            self.on_line = True
            return self._came(self._take(Begin(self._given)))
        if self.done:
            raise PlayFault("the dialogue has ended: nothing of it can be dialled again")
        self.on_line = True
        return self._came(self._take(Shown()))

    def time_out(self) -> list[str]:
        """The question closes without an answer."""
        self.on_line = False
        return self._came(self._take(TimedOut()), silent=True)

    def _allowed(self, channel: Channel) -> Channel:
        if channel not in self.conversation.channels:
            allowed = ", ".join(self.conversation.channels)
            raise PlayFault(f"conversation '{self.conversation.name}' does not run by {channel}: expected {allowed}")
        return channel

    def _asking(self) -> tuple[Conversation, Dialogue | None]:
        """The dialogue whose question stands: another one's while the dial is at a resume step (S12)."""
        if self.other and self.place and at_resume(self.conversation, self.place):
            return self.other
        return self.conversation, self.place

    # by SMS

    def _by_sms(self, text: str) -> list[str]:
        """One text in, at most one text out (I2), as the service chooses it for a registered own phone."""
        stop = is_stop(self.lexicon, text)
        reading = self.reading = read_reply(self.lexicon, text, self.wanted, language=self.language)
        plan = choose_reply(
            Situation(
                registered=True,
                frozen=False,
                stopped=self.stopped,
                own_phone=True,
                question_open=self.place is not None and not self.done,
                alert=reading.alert,
                stop=stop,
                reading=reading,
                greeted_recently=False,
                late=False,
            )
        )
        came = _alert(reading.alert)
        outcome = self._take(Answered(reading)) if plan.take_step and self.place and not self.done else None
        if outcome:
            came += self._came(outcome, silent=bool(plan.reply or plan.silent_reply))
        if stop:
            self.stopped = True
            came.append("effect stop")
        if plan.start:
            self.stopped = False
            came.append("effect start")
        if plan.call_request:
            came.append("effect call_request")
        if plan.unclear_task:
            came.append("effect unclear_task")
        if plan.freeze:
            came.append("effect freeze")
        if plan.set_language:
            self.language = plan.set_language
            came.append(f"effect set_language language={plan.set_language}")
        if plan.reply:
            said = self.words.text(self.language, plan.reply, URGENT if plan.reply == "urgent" else None)
            came += self._text(said)
        return came

    # by USSD

    def _by_ussd(self, typed: str) -> list[str]:
        place = self.place
        if place is None or not typed:
            return self._came(self._take(Shown()))
        if not typed.isdigit() and is_stop(self.lexicon, typed):
            self.stopped = True
            self.on_line = False
            self.reading = Reading("stop", rule="stop")
            said = render(self.words, self.language, Reply("stopped_short", ends=True), "ussd")
            return [*_alert(crisis_alert(self.lexicon, typed)), "effect stop", *self._text(said)]
        if wants(self.conversation, place).kind == "pin":
            return self._at_pin(typed)
        raw_key = typed if typed in ("0", "00") else ""
        if raw_key and not (self.conversation.exit or self.conversation.home):
            return self.drop()  # inside a dial this leads back to the menu; alone there is none
        self.reading = read_reply(self.lexicon, typed, self.wanted, language=self.language)
        came = [] if typed.isdigit() else _alert(self.reading.alert)
        event = Answered(self.reading, raw_key)
        if self.other and at_resume(self.conversation, place) and not raw_key:
            return came + self._answer_other(event)
        return came + self._came(self._take(event))

    def _at_pin(self, typed: str) -> list[str]:
        """What is not four digits may be a mistyped PIN: it is not read and the screen comes again (S11)."""
        if not (len(typed) == len(PIN) and typed.isascii() and typed.isdigit()):
            self.reading = Reading("unclear", rule="pin form")
            alert = [] if typed.isdigit() else _alert(crisis_alert(self.lexicon, typed))
            return alert + self._came(self._take(Answered(self.reading, typed if typed in ("0", "00") else "")))
        right = typed == PIN and self._wrong < MOST_TRIES
        self._wrong = 0 if right else self._wrong + 1
        verdict = PinChecked("right", PERSON) if right else PinChecked("locked" if self._wrong >= MOST_TRIES else "wrong")
        self.reading = Reading("answer", verdict.verdict, rule="pin")
        return self._came(self._take(verdict))

    def _answer_other(self, event: Answered) -> list[str]:
        """The other dialogue takes the answer; done without a text, the dial goes on (S12)."""
        if self.other is None or self.place is None:
            return []
        conversation, place = self.other
        outcome = self._settled(conversation, place, event)
        self.other = (conversation, outcome.dialogue)
        came = self._effects(outcome.effects)
        if outcome.dialogue.done:
            self._facts["open_question"] = {"result": "none"}
        if outcome.dialogue.done and not outcome.replies:
            return came + self._came(self._take(event))
        ends = outcome.dialogue.done and outcome.replies[-1].ends
        self.place = replace(self.place, unclear=0, done=ends)
        return [*came, *self._screen(conversation, outcome), *(["ends"] if ends else [])]

    # what comes of it

    def _take(self, event: Event) -> Outcome:
        outcome = self._settled(self.conversation, self.place, event)
        self.place = outcome.dialogue
        return outcome

    def _settled(self, conversation: Conversation, place: Dialogue | None, event: Event) -> Outcome:
        """One step with whatever facts it asks for."""
        given: dict[str, Any] = {}
        for _ in range(MOST_FACTS):
            outcome = step(conversation, place, event, given, self.channel)
            if isinstance(outcome, Outcome):
                return outcome
            given[outcome.name] = self._fact(outcome)
        raise PlayFault(f"conversation '{conversation.name}' asks for more than {MOST_FACTS} facts in one step")

    def _fact(self, need: Need) -> dict[str, Any]:
        found = self._facts.get(need.name) or made_up_fact(need.name)
        if need.name == "open_question" and found["result"] == "question":
            waiting = self.conversations[str(found["dialogue"])]
            self.other = (waiting, self._settled(waiting, None, Begin(begin_with(waiting))).dialogue)
        return found

    def _came(self, outcome: Outcome, *, silent: bool = False) -> list[str]:
        """Effects first, then the text, then the end."""
        came = self._effects(outcome.effects)
        if silent:
            self.texts = []
        elif self.channel == "sms":
            came += self._first(outcome)
        else:
            came += self._screen(self.conversation, outcome)
        return [*came, "ends"] if outcome.dialogue.done else came

    def _first(self, outcome: Outcome) -> list[str]:
        self.texts = []
        if not outcome.replies:
            return []
        return self._text(render(self.conversation.words, self.language, outcome.replies[0], "sms"))

    def _screen(self, conversation: Conversation, outcome: Outcome) -> list[str]:
        """A dial always gets a screen: the last reply, the other dialogue's question, or thanks."""
        if self.other and self.place and conversation is self.conversation and at_resume(conversation, self.place):
            other, place = self.other
            return self._screen(other, self._settled(other, place, Shown()))
        words, reply = (conversation.words, outcome.replies[-1]) if outcome.replies else (self.words, Reply("thanks", ends=True))
        self.on_line = not reply.ends
        return self._text(render(words, self.language, reply, "ussd"))

    def _text(self, text: str) -> list[str]:
        self.texts = [text]
        return [f"phone< {text}"]

    def _effects(self, effects: Sequence[Effect]) -> list[str]:
        for effect in effects:
            if effect.name == "set_language":
                self.language = str(effect.args["language"])
            elif effect.name == "stop":
                self.stopped = True
        return [_effect_line(effect) for effect in effects]


def _alert(alert: Alert) -> list[str]:
    return [] if alert == "none" else [f"alert {alert}"]


def _effect_line(effect: Effect) -> str:
    if effect.name == "save_answer":
        return f"effect save_answer {effect.args['question']} {_coded(effect.args['value'])}"
    values = [f"{name}={_coded(value)}" for name, value in effect.args.items() if value not in ("", None)]
    return " ".join(["effect", effect.name, *values])


def _coded(value: Any) -> str:
    if value is None:
        return "dont_know"
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)
