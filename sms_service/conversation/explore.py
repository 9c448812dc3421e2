"""A conversation taken through every state by the engine itself, with every class of input and every result of a fact.

In: one definition whose steps hang together. Out: the states reached, the ways between them, and what was shown. Two dialogues
are one state when nothing that can still matter differs: the step, the flags and the lengths of lists that may yet be read, the
count of unclear answers. The search is bounded (I22); a definition too large to be proven is refused.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sms_service.conversation.definition import Ask, Branch, Conversation, Fetch, Pin, Say, Step
from sms_service.conversation.engine import step
from sms_service.conversation.graph import edges
from sms_service.conversation.moves import Move, moves_at
from sms_service.conversation.paging import PLACE
from sms_service.conversation.types import Begin, Channel, Dialogue, Need, Outcome
from sms_service.conversation.vocabulary import FACTS, MAX_ENTRIES, MAX_LISTED, Kind

MAX_STATES = 5_000
"""States of one conversation; beyond, it is refused unproven (I22)."""

MAX_TAKEN = 60_000
"""Events of one conversation, each with every result of the facts it asks for: look-ups one after another multiply (I22)."""

MAX_STARTS = 256
"""Ways to begin: every combination of the flags handed in."""

MAX_FACTS = 8
"""Facts that one event may need; the host fetches no more."""

LIST_LENGTHS = (1, 2, MAX_LISTED, MAX_LISTED + 1, MAX_ENTRIES)
"""One entry is taken unasked, up to a screen is one page, then pages; the longest list is the longest."""

SAMPLES: Mapping[Kind, Any] = {
    "code": "G07",
    "count": 3,
    "phone": "114",
    "clock": "15:42",
    "day": "2026-12-23",
    "time": "14:00",
    "moment": "2026-12-23T14:00",
    "choices": [1, 2],
    "soon": "soon",
    "row": 7,
}
"""A real value of each kind but flags and lists, which are tried in every way that matters."""

Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Taken:
    """One event taken by the engine: from a state (None: the beginning) by a move on a channel to an outcome."""

    source: Dialogue | None
    move: Move
    channel: Channel
    outcome: Outcome
    facts: Mapping[str, Any]
    needs: tuple[Need, ...]


@dataclass(frozen=True, slots=True)
class Broken:
    """An event the engine could not take, and how the dialogue came there, as an author would say it."""

    step: str
    reason: str
    path: str


@dataclass(slots=True)
class Exploration:
    """What was found: the events taken, the steps passed through, those broken, and the states nobody can finish from."""

    taken: list[Taken] = field(default_factory=list)
    visited: set[str] = field(default_factory=set)
    broken: list[Broken] = field(default_factory=list)
    dead: list[str] = field(default_factory=list)
    states: int = 0
    too_large: str = ""


class _Recorded(dict[str, Step]):
    """The steps of a conversation, noting each one that the engine looks at: those it passes through are not in an outcome."""

    def __init__(self, steps: Mapping[str, Step], visited: set[str]) -> None:
        super().__init__(steps)
        self.visited = visited

    def get(self, name: str, default: Any = None) -> Any:
        self.visited.add(name)
        return super().get(name, default)


def explore(conversation: Conversation) -> Exploration:
    """Every state and event of a conversation that ``check_graph`` and ``check_steps`` found whole."""
    found = Exploration()
    watched = dataclasses.replace(conversation, steps=_Recorded(conversation.steps, found.visited))
    _Explorer(watched, found).run()
    found.visited &= set(conversation.steps)
    return found


class _Explorer:
    def __init__(self, conversation: Conversation, found: Exploration) -> None:
        self.conversation = conversation
        self.found = found
        self.live = live_fields(conversation)
        both: tuple[Channel, ...] = ("sms", "ussd")
        self.channels: Sequence[Channel] = [one for one in both if one in conversation.channels]
        self.came_from: dict[Key, tuple[Key | None, str]] = {}
        self.waiting: deque[Dialogue] = deque()
        self.backwards: dict[Key, set[Key]] = {}
        self.finished: set[Key] = set()

    def run(self) -> None:
        for data in self._beginnings():
            said = ", ".join(name for name, value in sorted(data.items()) if value is True) or "no flag"
            for channel in self.channels:
                self._take(None, Move(f"begins with {said}", Begin(data)), channel)
        while self.waiting and not self.found.too_large:
            dialogue = self.waiting.popleft()
            for move in moves_at(self.conversation, dialogue):
                for channel in self.channels:
                    self._take(dialogue, move, channel)
        self.found.states = len(self.came_from)
        if not self.found.too_large:
            self.found.dead = sorted({key[0] for key in set(self.came_from) - self._finishing()})

    def _beginnings(self) -> Iterator[dict[str, Any]]:
        conversation = self.conversation
        live = self.live.get(conversation.start, frozenset())
        varied = {name: kind for name, kind in conversation.args.items() if name in live and kind in ("flag", "list")}
        fixed = {name: _plain(kind) for name, kind in conversation.args.items() if name not in varied}
        ways = [_variants(kind) for kind in varied.values()]
        for number, values in enumerate(itertools.product(*ways)):
            if number == MAX_STARTS:
                self.found.too_large = f"more than {MAX_STARTS} combinations of flags to begin with"
                return
            yield {**fixed, **dict(zip(varied, values, strict=True))}

    def _take(self, source: Dialogue | None, move: Move, channel: Channel) -> None:
        """Take one event with every result of every fact that it asks for."""
        pending: list[tuple[dict[str, Any], tuple[Need, ...]]] = [({}, ())]
        while pending and not self.found.too_large:
            facts, needs = pending.pop()
            try:
                result = step(self.conversation, source, move.event, facts, channel)
            except Exception as error:  # whatever the engine raises is what the proof looks for
                self._broken(source, move, error)
                return
            if isinstance(result, Outcome):
                self._arrive(Taken(source, move, channel, result, facts, needs))
            elif len(needs) == MAX_FACTS:
                self._broken(source, move, ValueError(f"asks for more than {MAX_FACTS} facts at once"))
                return
            else:
                pending.extend(({**facts, result.name: fact}, (*needs, result)) for fact in self._facts(result))

    def _facts(self, need: Need) -> Iterator[dict[str, Any]]:
        """Every result of a fact; flags and lists it carries in every way, where somebody may still read them."""
        shape = FACTS.get(need.name)
        if shape is None:  # a fault of the step, said by its check
            return
        fetches = [one for one in self.conversation.steps.values() if isinstance(one, Fetch) and one.fact == need.name]
        kept = {source for one in fetches for source in one.keep.values()}
        for result in sorted(shape.results):
            if result != shape.carries:
                yield {"result": result}
                continue
            varied = [name for name, kind in shape.fields.items() if kind in ("flag", "list") and name in kept]
            plain = {name: _plain(kind) for name, kind in shape.fields.items()}
            for values in itertools.product(*(_variants(shape.fields[name]) for name in varied)):
                yield {"result": result, **plain, **dict(zip(varied, values, strict=True))}

    def _arrive(self, taken: Taken) -> None:
        self.found.taken.append(taken)
        if len(self.found.taken) >= MAX_TAKEN:
            self.found.too_large = f"more than {MAX_TAKEN} events, each with every result of the facts it looks up"
            return
        after = taken.outcome.dialogue
        key = self._key(after)
        source = None if taken.source is None else self._key(taken.source)
        if taken.move.name != "lets the time run out" and source is not None:
            # time running out ends every question: it saves no dead state
            self.backwards.setdefault(key, set()).add(source)
        if key in self.came_from:
            return
        self.came_from[key] = (source, taken.move.name)
        if after.done:
            self.finished.add(key)
        elif len(self.came_from) >= MAX_STATES:
            self.found.too_large = f"more than {MAX_STATES} states"
        else:
            self.waiting.append(after)

    def _key(self, dialogue: Dialogue) -> Key:
        if dialogue.done:
            return (dialogue.step, "done")
        live = sorted(self.live.get(dialogue.step, frozenset()))
        current = self.conversation.steps[dialogue.step]
        page = dialogue.data.get(PLACE, 0) if isinstance(current, Ask) and (current.answer == "list" or current.page) else 0
        return (dialogue.step, dialogue.unclear, page, *(_abstract(dialogue.data.get(name)) for name in live))

    def _finishing(self) -> set[Key]:
        seen, waiting = set(self.finished), list(self.finished)
        while waiting:
            for key in self.backwards.get(waiting.pop(), ()):
                if key not in seen:
                    seen.add(key)
                    waiting.append(key)
        return seen

    def _broken(self, source: Dialogue | None, move: Move, error: Exception) -> None:
        where = source.step if source is not None else ""
        self.found.broken.append(Broken(where, f"{type(error).__name__}: {error}", f"{self._path(source)}{move.name}"))

    def _path(self, source: Dialogue | None) -> str:
        said: list[str] = []
        key = None if source is None else self._key(source)
        while key is not None and len(said) < MAX_STATES:
            key, name = self.came_from[key]
            said.append(name)
        return "".join(f"{name}; " for name in reversed(said))


def live_fields(conversation: Conversation) -> dict[str, frozenset[str]]:
    """Per step, the flags, lists and ``person`` that may still decide where the dialogue goes or what it shows."""
    live = {name: frozenset(_decides(one)) for name, one in conversation.steps.items()}
    ways = [edge for edge in edges(conversation) if edge.target in live]
    changed = True
    while changed:  # each round adds a field to a step or ends the loop, so rounds are bounded by fields times steps
        changed = False
        for edge in ways:
            wider = live[edge.source] | (live[edge.target] - edge.gains)
            if wider != live[edge.source]:
                live[edge.source] = wider
                changed = True
    return live


def _decides(one: Step) -> Iterator[str]:
    if isinstance(one, Branch):
        yield one.flag
    elif isinstance(one, Pin):
        yield "person"
    elif isinstance(one, Ask | Say):
        yield from (flag for flag, _ in one.message.ussd_when)
    if isinstance(one, Ask):
        yield from (choice.only_if for choice in one.choices if choice.only_if)
        if one.answer == "list":
            yield one.source


def _abstract(value: Any) -> Any:
    return len(value) if isinstance(value, list) else bool(value)


def _variants(kind: Kind) -> list[Any]:
    return [False, True] if kind == "flag" else [_codes(length) for length in LIST_LENGTHS]


def _plain(kind: Kind) -> Any:
    if kind == "flag":
        return False
    return _codes(1) if kind == "list" else SAMPLES[kind]


def _codes(length: int) -> list[str]:
    return [f"G{number:02d}" for number in range(1, length + 1)]
