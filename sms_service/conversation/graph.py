"""How the steps of one conversation hang together: jumps, loops, dead ends, and what is known on arrival at each step.

Everything here is a loop over edges, never a recursion, so its cost is bounded by the number of steps (I22).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from sms_service.conversation.definition import END, Ask, Branch, Conversation, Fetch, Pin, Resume, Say, Step
from sms_service.conversation.faults import Fault, meant, nearest
from sms_service.conversation.vocabulary import FACTS, MAX_HOPS


@dataclass(frozen=True, slots=True)
class Edge:
    """A way from one step to another (``key``: by 0 or 00); ``gains`` are the fields known afterwards."""

    source: str
    target: str
    kind: Literal["way", "key"] = "way"
    gains: frozenset[str] = frozenset()


def edges(conversation: Conversation) -> list[Edge]:
    """Every way on, those of the keys 0 and 00 included."""
    found: list[Edge] = []
    for step in conversation.steps.values():
        found.extend(_ways(step))
        if isinstance(step, Ask | Pin | Resume):
            back = step.back if isinstance(step, Ask) else ""
            keys = (conversation.exit, back or conversation.home)
            found.extend(Edge(step.name, target, "key") for target in keys if target)
    return found


def _ways(step: Step) -> Iterator[Edge]:
    if isinstance(step, Ask):
        gains = frozenset({step.save} - {""})
        for target in _answers(step):
            yield Edge(step.name, target, "way", gains)
    elif isinstance(step, Pin):
        yield Edge(step.name, step.next, "way", frozenset({"person"}))
    elif isinstance(step, Fetch):
        shape = FACTS.get(step.fact)
        for result, target in step.cases.items():
            carried = shape is not None and result == shape.carries
            yield Edge(step.name, target, "way", frozenset(step.keep) if carried else frozenset())
    elif isinstance(step, Branch):
        yield Edge(step.name, step.yes)
        yield Edge(step.name, step.no)
    elif isinstance(step, Resume):
        yield Edge(step.name, step.next)


def _answers(ask: Ask) -> list[str]:
    own = [way.next for way in (ask.ways or {}).values()]
    chosen = [choice.way.next for choice in ask.choices]
    cases = {"yes", "no", "dont_know"}
    plain = bool(ask.way.next) or ask.answer not in ("yesno", "options")
    if ask.answer == "options":
        plain = not ask.choices
    if ask.answer == "yesno":
        plain = set(ask.ways or {}) != cases
    return own + chosen + ([ask.way.next] if plain else [])


def check_graph(conversation: Conversation) -> list[Fault]:
    """Missing start, jumps to nowhere, steps never reached, dead ends, loops and chains without a question."""
    file, steps = conversation.file, conversation.steps
    all_edges = edges(conversation)
    faults = [
        Fault(file, "", "", f"'{role}' names '{name}', which is no step", meant(name, steps))
        for role, name in (("start", conversation.start), ("exit", conversation.exit), ("home", conversation.home))
        if name and name not in steps
    ]
    for edge in all_edges:
        if not edge.target:
            faults.append(
                Fault(file, edge.source, "", "an answer has no way on: give 'next'", "next = 'end' ends it without a text")
            )
        elif edge.target not in steps and edge.target != END and edge.kind == "way":
            fix = nearest(edge.target, {*steps, END}) or "add the step, or go to 'end'"
            faults.append(Fault(file, edge.source, "", f"goes to '{edge.target}', which is no step", fix))
    for step in steps.values():
        if isinstance(step, Ask) and step.back and step.back not in steps:
            faults.append(Fault(file, step.name, "", f"'back' names '{step.back}', which is no step", meant(step.back, steps)))
    reached = _closure({conversation.start}, [(edge.source, edge.target) for edge in all_edges])
    lost = "can never be reached from the start"
    faults.extend(Fault(file, name, "", lost, "lead a 'next' to it, or remove it") for name in steps if name not in reached)
    ends = {END} | {step.name for step in steps.values() if isinstance(step, Say)}
    # 0 is a way to the end: a menu on a dial may go round as long as the person likes
    finishing = _closure(ends, [(edge.target, edge.source) for edge in all_edges])
    faults.extend(
        Fault(
            file, name, "", "dead end: no answer ever leads to the end of the conversation", "let one answer go to 'end' or a 'say'"
        )
        for name in steps
        if name not in finishing
    )
    return faults + _silent(conversation, all_edges)


def _closure(start: set[str], pairs: Iterable[tuple[str, str]]) -> set[str]:
    following: dict[str, list[str]] = {}
    for source, target in pairs:
        following.setdefault(source, []).append(target)
    seen, waiting = set(start), list(start)
    while waiting:
        for target in following.get(waiting.pop(), []):
            if target not in seen:
                seen.add(target)
                waiting.append(target)
    return seen


def _silent(conversation: Conversation, all_edges: list[Edge]) -> list[Fault]:
    """Loops and long chains among the steps that may pass without a person doing anything (I22)."""
    silent = {
        step.name
        for step in conversation.steps.values()
        if isinstance(step, Branch | Fetch | Pin) or (isinstance(step, Ask) and step.answer == "list")
    }
    inner = [e for e in all_edges if e.kind == "way" and e.source in silent and e.target in silent]
    waiting_for = {name: sum(1 for edge in inner if edge.target == name) for name in silent}
    depth = dict.fromkeys(silent, 1)
    ready = sorted(name for name, count in waiting_for.items() if not count)
    ordered: set[str] = set()
    following: dict[str, list[str]] = {}
    for edge in inner:
        following.setdefault(edge.source, []).append(edge.target)
    while ready:
        name = ready.pop()
        ordered.add(name)
        for target in following.get(name, []):
            depth[target] = max(depth[target], depth[name] + 1)
            waiting_for[target] -= 1
            if not waiting_for[target]:
                ready.append(target)
    faults = [
        Fault(
            conversation.file, name, "", "loop without a question: the conversation would go round for ever", "ask something on it"
        )
        for name in sorted(silent - ordered)
    ]
    deepest = max(depth, key=lambda name: depth[name], default="")
    # one hop more is the step that finally shows something
    if deepest and depth[deepest] + 1 > MAX_HOPS and not faults:
        reason = f"{depth[deepest]} steps pass without a question, at most {MAX_HOPS - 1} may (I22)"
        faults.append(Fault(conversation.file, deepest, "", reason, "ask something on the way, or branch less"))
    return faults


def known_on_arrival(conversation: Conversation) -> dict[str, frozenset[str]]:
    """Per step, the fields that are there whatever way led to it."""
    given = frozenset(conversation.args)
    known: dict[str, frozenset[str]] = {conversation.start: given}
    incoming = [edge for edge in edges(conversation) if edge.target in conversation.steps]
    # each round either shrinks one set or ends the loop, so rounds are bounded by steps times fields
    changed = True
    while changed:
        changed = False
        for edge in incoming:
            if edge.source not in known:
                continue
            after = known[edge.source] | edge.gains
            before = known.get(edge.target)
            merged = after if before is None else before & after
            if merged != before:
                known[edge.target] = merged
                changed = True
    return known
