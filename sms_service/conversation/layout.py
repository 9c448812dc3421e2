"""Where the boxes of a diagram go: layers from the top down, few crossings, every box near what leads to it.

In: sizes of the boxes and lines between them, without loops. Out: coordinates in the drawing's own units. The same input gives the
same drawing. Cost grows with boxes times lines; at most ``MAX_STEPS`` boxes come in.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

SPACE = 22.0
MOST_ACROSS = 6
"""Boxes side by side in one layer, as far as those that lead nowhere can stand lower."""

_ROUNDS = 6
_THIN = 8.0


@dataclass(frozen=True, slots=True)
class Line:
    """A line from one box to another; ``rows`` is the number of rows its label takes above the target."""

    source: str
    target: str
    rows: int = 1


@dataclass(slots=True)
class Placed:
    """Upper left corners of the boxes; for each line (by its place in the input) the points it passes, from top to bottom:
    straight from the first to the second, bending to the third, straight to the fourth, and so on.

    A line through other layers runs straight down beside their boxes. ``stack`` is the first row of the line's label above its
    target, counted upwards.
    """

    corners: dict[str, tuple[float, float]] = field(default_factory=dict)
    points: list[list[tuple[float, float]]] = field(default_factory=list)
    stack: list[int] = field(default_factory=list)
    width: float = 0.0
    height: float = 0.0


def layers_of(names: Sequence[str], lines: Sequence[tuple[str, str]]) -> dict[str, int]:
    """The layer of each box: one below the lowest box that leads to it. The lines must hold no loop."""
    layer = dict.fromkeys(names, 0)
    for _ in names:
        moved = False
        for source, target in lines:
            if layer[target] < layer[source] + 1:
                layer[target] = layer[source] + 1
                moved = True
        if not moved:
            break
    return layer


def place(sizes: Mapping[str, tuple[float, float]], lines: Sequence[Line], row_height: float, gap: float) -> Placed:
    """Coordinates for boxes of these (width, height); ``gap`` is the room between layers beside the labels' rows."""
    layer = layers_of(list(sizes), [(line.source, line.target) for line in lines])
    _narrow(layer, {line.source for line in lines})
    rows: list[list[str]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for name in sizes:
        rows[layer[name]].append(name)
    widths = {name: size[0] for name, size in sizes.items()}
    chains: list[list[str]] = []
    links: list[tuple[str, str]] = []
    for number, line in enumerate(lines):
        chain = [line.source]
        for between in range(layer[line.source] + 1, layer[line.target]):
            bend = f"\0{number}.{between}"
            widths[bend] = _THIN
            rows[between].append(bend)
            chain.append(bend)
        chain.append(line.target)
        chains.append(chain)
        links.extend(pairwise(chain))
    above, below = _neighbours(links)
    _order(rows, above, below)
    middles = _middles(rows, widths, above, below)
    return _placed(sizes, lines, rows, chains, middles, row_height, gap)


def _narrow(layer: dict[str, int], leading_on: Collection[str]) -> None:
    """Move boxes that lead nowhere down from a crowded layer: a page is narrower than a menu is wide."""
    at = 0
    while at <= max(layer.values(), default=-1):
        names = [name for name in layer if layer[name] == at]
        surplus = max(len(names) - MOST_ACROSS, 0)
        ends = [name for name in names if name not in leading_on]
        for name in ends[-surplus:] if surplus else []:
            layer[name] += 1
        at += 1


def _neighbours(links: Sequence[tuple[str, str]]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    above: dict[str, list[str]] = {}
    below: dict[str, list[str]] = {}
    for source, target in links:
        above.setdefault(target, []).append(source)
        below.setdefault(source, []).append(target)
    return above, below


def _order(rows: list[list[str]], above: Mapping[str, list[str]], below: Mapping[str, list[str]]) -> None:
    """Order each layer by the middle of its neighbours, down and up again, which leaves few crossings."""
    for _ in range(_ROUNDS):
        for fixed, free, near in (
            *((number - 1, number, above) for number in range(1, len(rows))),
            *((number + 1, number, below) for number in range(len(rows) - 2, -1, -1)),
        ):
            at = {name: float(position) for position, name in enumerate(rows[fixed])}
            own = {name: float(position) for position, name in enumerate(rows[free])}
            wanted = {name: _mean([at[one] for one in near.get(name, [])], own[name]) for name in rows[free]}
            rows[free].sort(key=wanted.__getitem__)


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _middles(
    rows: Sequence[Sequence[str]],
    widths: Mapping[str, float],
    above: Mapping[str, list[str]],
    below: Mapping[str, list[str]],
) -> dict[str, float]:
    """The middle of each box: as near to its neighbours' as the order and the boxes beside it allow."""
    middles: dict[str, float] = {}
    for row in rows:
        at = 0.0
        for name in row:
            middles[name] = at + widths[name] / 2
            at += widths[name] + SPACE
    for _ in range(_ROUNDS):
        for row, near in (*((row, above) for row in rows), *((row, below) for row in reversed(rows))):
            wanted = [_mean([middles[one] for one in near.get(name, [])], middles[name]) for name in row]
            middles.update(zip(row, _spread(wanted, [widths[name] for name in row]), strict=True))
    return middles


def _spread(wanted: Sequence[float], widths: Sequence[float]) -> list[float]:
    """The positions nearest to the wanted ones (least squares) that keep the order and the space between (pooled neighbours)."""
    offsets: list[float] = []
    at = 0.0
    for number, width in enumerate(widths):
        at += (widths[number - 1] + width) / 2 + SPACE if number else 0.0
        offsets.append(at)
    pools: list[tuple[float, int]] = []
    for goal, offset in zip(wanted, offsets, strict=True):
        mean, count = goal - offset, 1
        while pools and pools[-1][0] > mean:
            other, size = pools.pop()
            mean, count = (mean * count + other * size) / (count + size), count + size
        pools.append((mean, count))
    flat = [mean for mean, count in pools for _ in range(count)]
    return [base + offset for base, offset in zip(flat, offsets, strict=True)]


def _placed(
    sizes: Mapping[str, tuple[float, float]],
    lines: Sequence[Line],
    rows: Sequence[Sequence[str]],
    chains: Sequence[Sequence[str]],
    middles: Mapping[str, float],
    row_height: float,
    gap: float,
) -> Placed:
    made = Placed(points=[[] for _ in lines], stack=[0] * len(lines))
    arriving, leaving = _ports(lines, chains, sizes, middles)
    left = min((middles[name] - sizes[name][0] / 2 for name in sizes), default=0.0)
    left = min([left, *(middles[bend] for chain in chains for bend in chain[1:-1])])
    labels = dict.fromkeys(sizes, 0)
    for number in sorted(range(len(lines)), key=lambda one: arriving[one]):
        target = lines[number].target
        made.stack[number] = labels[target]
        labels[target] += lines[number].rows
    levels = _levels(rows, sizes, labels, row_height, gap)
    depth = {name: number for number, row in enumerate(rows) for name in row}
    for name, (width, _) in sizes.items():
        made.corners[name] = (middles[name] - width / 2 - left, levels[depth[name]].top)
        made.width = max(made.width, middles[name] + width / 2 - left)
    for number, (line, chain) in enumerate(zip(lines, chains, strict=True)):
        first = levels[depth[line.source]]
        points = [(leaving[number] - left, first.top + sizes[line.source][1]), (leaving[number] - left, first.bottom)]
        for bend in chain[1:-1]:
            x, level = middles[bend] - left, levels[depth[bend]]
            points += [(x, level.calm), (x, level.bottom)]
            made.width = max(made.width, x + _THIN)
        last = levels[depth[line.target]]
        made.points[number] = [*points, (arriving[number] - left, last.calm), (arriving[number] - left, last.top)]
    made.height = levels[-1].bottom if levels else 0.0
    return made


@dataclass(frozen=True, slots=True)
class _Level:
    """One layer: lines run straight from ``calm`` on, boxes from ``top`` to at most ``bottom``."""

    calm: float
    top: float
    bottom: float


def _levels(
    rows: Sequence[Sequence[str]],
    sizes: Mapping[str, tuple[float, float]],
    labels: Mapping[str, int],
    row_height: float,
    gap: float,
) -> list[_Level]:
    levels: list[_Level] = []
    for row in rows:
        boxes = [name for name in row if name in sizes]
        calm = levels[-1].bottom + gap if levels else 0.0
        top = calm + row_height * max((labels[name] for name in boxes), default=0) + _THIN if levels else 0.0
        levels.append(_Level(calm, top, top + max((sizes[name][1] for name in boxes), default=0.0)))
    return levels


def _ports(
    lines: Sequence[Line],
    chains: Sequence[Sequence[str]],
    sizes: Mapping[str, tuple[float, float]],
    middles: Mapping[str, float],
) -> tuple[list[float], list[float]]:
    """Where each line enters its target and leaves its source: side by side, in the order of where it comes from and goes to."""
    arriving, leaving = [0.0] * len(lines), [0.0] * len(lines)
    for name, (width, _) in sizes.items():
        coming = sorted((n for n, line in enumerate(lines) if line.target == name), key=lambda n: middles[chains[n][-2]])
        going = sorted((n for n, line in enumerate(lines) if line.source == name), key=lambda n: middles[chains[n][1]])
        for ports, found in ((arriving, coming), (leaving, going)):
            for position, number in enumerate(found, start=1):
                ports[number] = middles[name] - width / 2 + width * position / (len(found) + 1)
    return arriving, leaving
