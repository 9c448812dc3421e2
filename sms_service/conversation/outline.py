"""A conversation told step by step: what each step does and where each answer leads; for the diagram and the list beside it.

In: a definition, checked or not. Out: plain records, in the order a person meets the steps. The few words are handed in by code
(``TERMS``), so that a page can say them in its own language.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sms_service.conversation.definition import END, Ask, Branch, Conversation, Fetch, Pin, Resume, Say, Step, Way

TERMS: Mapping[str, str] = {
    "ask": "asks",
    "pin": "asks for the PIN",
    "fetch": "looks up",
    "branch": "decides",
    "say": "says, and ends",
    "resume": "open question",
    "yes": "yes",
    "no": "no",
    "dont_know": "does not know",
    "list": "one of the list",
    "right": "right",
    "answered": "answered",
    "part": "part",
    "end": "end",
    "start": "start",
    "keys": "On every screen",
}
"""Code -> the English words the diagram and the list use."""


@dataclass(frozen=True, slots=True)
class WayOn:
    """One way to another step: ``label`` says by which answer or result, ``effects`` name what is done on the way."""

    label: str
    target: str
    effects: tuple[str, ...] = ()

    @property
    def ends(self) -> bool:
        return self.target == END


@dataclass(frozen=True, slots=True)
class Outlined:
    """One step: its kind as a code, what it is about (a fact, a flag, the shape of the answer), its texts, its ways on.

    ``texts`` are (channel, key). ``does`` names the effects of a last text, and what an answer is saved as. ``back`` is where 00
    leads, when it is its own.
    """

    name: str
    kind: str
    about: str
    texts: tuple[tuple[str, str], ...]
    ways: tuple[WayOn, ...]
    does: tuple[str, ...] = ()
    back: str = ""


def outline(conversation: Conversation, terms: Mapping[str, str] = TERMS) -> tuple[Outlined, ...]:
    """Every step, those reached first coming first; what no answer reaches comes last, by name."""
    told = {step.name: _told(step, terms) for step in conversation.steps.values()}
    ordered: list[str] = []
    seen: set[str] = set()
    for root in (conversation.start, conversation.home, conversation.exit, *sorted(told)):
        waiting = [root]
        while waiting:
            name = waiting.pop()
            if name in told and name not in seen:
                seen.add(name)
                ordered.append(name)
                waiting.extend(way.target for way in reversed(told[name].ways))
    return tuple(told[name] for name in ordered)


def _told(step: Step, terms: Mapping[str, str]) -> Outlined:
    ways = tuple(_merged(_ways(step, terms)))
    if isinstance(step, Ask):
        about = {"scale": f"{step.low}-{step.high}", "number": f"{step.low}-{step.high}", "date": "DDMM", "time": "HHMM"}
        saved = (f"save_answer {step.record}",) if step.record else ()
        return Outlined(step.name, "ask", about.get(step.answer, ""), step.message.shown(), ways, saved, step.back)
    if isinstance(step, Pin):
        texts = tuple(("ussd", key) for key in (step.ask, step.wrong, step.locked) if key)
        return Outlined(step.name, "pin", "", texts, ways)
    if isinstance(step, Fetch):
        return Outlined(step.name, "fetch", step.fact, (), ways)
    if isinstance(step, Branch):
        return Outlined(step.name, "branch", step.flag, (), ways)
    if isinstance(step, Say):
        return Outlined(step.name, "say", "", step.message.shown(), (), tuple(effect.name for effect in step.effects))
    return Outlined(step.name, "resume", "", (), ways)


def _ways(step: Step, terms: Mapping[str, str]) -> Iterator[WayOn]:
    if isinstance(step, Ask):
        yield from _answers(step, terms)
    elif isinstance(step, Pin):
        yield WayOn(terms["right"], step.next)
    elif isinstance(step, Fetch):
        for result, target in step.cases.items():
            yield WayOn(result, target)
    elif isinstance(step, Branch):
        yield WayOn(terms["yes"], step.yes)
        yield WayOn(terms["no"], step.no)
    elif isinstance(step, Resume):
        yield WayOn(terms["answered"], step.next)


def _answers(ask: Ask, terms: Mapping[str, str]) -> Iterator[WayOn]:
    if ask.answer == "yesno":
        for case in ("yes", "no", "dont_know"):
            yield _way(terms[case], (ask.ways or {}).get(case, ask.way))
    elif ask.answer == "list":
        yield _way(terms["list"], ask.way)
    elif ask.answer != "options":
        plain = {"date": "DDMM", "time": "HHMM"}.get(ask.answer, f"{ask.low}-{ask.high}")
        yield _way(plain, ask.way)
    for choice in ask.choices:
        yield _way(f"{choice.number} {choice.value}", choice.way)


def _way(label: str, way: Way) -> WayOn:
    return WayOn(label, way.next, tuple(effect.name for effect in way.effects))


def _merged(ways: Iterator[WayOn]) -> list[WayOn]:
    """Answers that lead to the same step and do the same, said in one line."""
    found: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for way in ways:
        found.setdefault((way.target, way.effects), []).append(way.label)
    return [WayOn(", ".join(labels), target, effects) for (target, effects), labels in found.items()]
