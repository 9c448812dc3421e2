"""Cutting a long conversation into parts that each fit a page, and choosing which ways are drawn as lines.

A part is a step and what can only be reached through it (its dominated steps). In: the steps as outlined. Out: the parts, the first
with the start. All loops run over steps and ways; at most ``MAX_STEPS`` steps come in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sms_service.conversation.definition import Conversation
from sms_service.conversation.layout import layers_of
from sms_service.conversation.outline import Outlined, WayOn

MOST_STEPS = 16
"""Steps in a part, as far as it can be cut."""

FEWEST_STEPS = 5
"""A smaller group of steps is not worth a part of its own."""

MOST_ARRIVING = 3
"""Lines that may lead to one box; with more, the others are written."""

LONGEST_LINE = 3
"""Layers a line may span before it is written instead."""


@dataclass(frozen=True, slots=True)
class Part:
    """``root`` and the steps drawn with it; ``continued`` are roots of other parts shown as an empty box.

    ``lines`` are drawn ways, ``written`` those noted in the box of their source.
    """

    root: str
    names: tuple[str, ...]
    continued: tuple[str, ...]
    lines: tuple[tuple[str, WayOn], ...]
    written: tuple[tuple[str, WayOn], ...]


def parts_of(conversation: Conversation, steps: Mapping[str, Outlined]) -> list[Part]:
    """The parts, in the order in which a person meets them."""
    following = {name: [way.target for way in step.ways if way.target in steps] for name, step in steps.items()}
    roots = _roots(conversation.start, following)
    parents = _dominators(following, roots)
    cuts = _cuts(list(steps), parents)
    owner: dict[str, str] = {}
    for name in steps:
        at = name
        while at not in cuts and parents[at]:
            at = parents[at]
        owner[name] = at if at in cuts else roots[0]
    heads = list(dict.fromkeys(owner[name] for name in steps))
    return [_part(head, [name for name in steps if owner[name] == head], steps, parents) for head in heads]


def _roots(start: str, following: Mapping[str, Sequence[str]]) -> list[str]:
    """The start, and one step of each group that no answer reaches (only 0, 00 or nothing leads there)."""
    roots: list[str] = []
    seen: set[str] = set()
    for name in [start, *following]:
        if name in following and name not in seen:
            roots.append(name)
            waiting = [name]
            while waiting:
                one = waiting.pop()
                if one not in seen:
                    seen.add(one)
                    waiting.extend(following[one])
    return roots


def _dominators(following: Mapping[str, Sequence[str]], roots: Sequence[str]) -> dict[str, str]:
    """For each step the nearest one that every way to it passes; empty for a root."""
    order = _walked(following, roots)
    rank = {name: number for number, name in enumerate(order)}
    before: dict[str, list[str]] = {name: [] for name in order}
    for name, targets in following.items():
        for target in targets:
            before[target].append(name)
    found: dict[str, str | None] = dict.fromkeys(order)
    found.update(dict.fromkeys(roots, ""))
    changed = True
    while changed:  # each round moves a step up in a tree of bounded height, or ends the loop
        changed = False
        for name in order:
            if name in roots:
                continue
            nearest: str | None = None
            for one in before[name]:
                if found[one] is not None:
                    nearest = one if nearest is None else _common(nearest, one, found, rank)
            if nearest != found[name]:
                found[name], changed = nearest, True
    return {name: parent or "" for name, parent in found.items()}


def _common(one: str, other: str, parents: Mapping[str, str | None], rank: Mapping[str, int]) -> str:
    while one != other:
        if one == "" or other == "":
            return ""
        if rank[one] > rank[other]:
            one = parents[one] or ""
        else:
            other = parents[other] or ""
    return one


def _walked(following: Mapping[str, Sequence[str]], roots: Sequence[str]) -> list[str]:
    """Every step, a step before those only it leads to (reversed order of leaving)."""
    left: list[str] = []
    seen: set[str] = set()
    for root in reversed(roots):
        if root in seen:
            continue
        seen.add(root)
        waiting = [(root, iter(following[root]))]
        while waiting:
            name, targets = waiting[-1]
            target = next((one for one in targets if one not in seen), None)
            if target is None:
                left.append(name)
                waiting.pop()
            else:
                seen.add(target)
                waiting.append((target, iter(following[target])))
    return left[::-1]


def _cuts(names: Sequence[str], parents: Mapping[str, str]) -> set[str]:
    """The steps that begin a part: from the bottom up, the largest group below a step that would hold too many."""
    children: dict[str, list[str]] = {}
    for name in names:
        children.setdefault(parents[name], []).append(name)
    cuts: set[str] = set()
    size = {"": 0}
    waiting = [("", False)]
    while waiting:
        name, seen_below = waiting.pop()
        below = children.get(name, [])
        if not seen_below:
            waiting.append((name, True))
            waiting.extend((child, False) for child in below)
            continue
        size[name] = (1 if name else 0) + sum(size[child] for child in below)
        for child in sorted(below, key=lambda one: -size[one]):
            if size[name] <= MOST_STEPS or size[child] < FEWEST_STEPS:
                break
            cuts.add(child)
            size[name] -= size[child]
    return cuts


def _part(head: str, names: list[str], steps: Mapping[str, Outlined], parents: Mapping[str, str]) -> Part:
    own = set(names)
    lines: list[tuple[str, WayOn]] = []
    written: list[tuple[str, WayOn]] = []
    continued: list[str] = []
    arriving: dict[str, int] = {}
    back = _backward(head, names, steps)
    for name in names:
        for way in steps[name].ways:
            begins = way.target in steps and way.target not in own and parents[way.target] in own
            crowded = arriving.get(way.target, 0) >= (1 if begins else MOST_ARRIVING)
            if (name, way.target) in back or not (begins or way.target in own) or crowded:
                written.append((name, way))
                continue
            if begins and way.target not in continued:
                continued.append(way.target)
            arriving[way.target] = arriving.get(way.target, 0) + 1
            lines.append((name, way))
    layer = layers_of([*names, *continued], [(name, way.target) for name, way in lines])
    long = [one for one in lines if layer[one[1].target] - layer[one[0]] > LONGEST_LINE and arriving[one[1].target] > 1]
    kept = [one for one in lines if one not in long]
    return Part(head, tuple(names), tuple(continued), tuple(kept), tuple(written + long))


def _backward(head: str, names: Sequence[str], steps: Mapping[str, Outlined]) -> set[tuple[str, str]]:
    """Ways that lead back to a step on the way they came: with these as lines the drawing would run in circles."""
    own = set(names)
    following = {name: [way.target for way in steps[name].ways if way.target in own] for name in names}
    found: set[tuple[str, str]] = set()
    state: dict[str, int] = {}
    for root in [head, *names]:
        if root in state:
            continue
        state[root] = 1
        waiting = [(root, iter(following[root]))]
        while waiting:
            name, targets = waiting[-1]
            for target in targets:
                if state.get(target) == 1:
                    found.add((name, target))
                elif target not in state:
                    state[target] = 1
                    waiting.append((target, iter(following[target])))
                    break
            else:
                state[name] = 2
                waiting.pop()
    return found
