"""The diagram of a conversation, drawn from its definition alone: an SVG that reads on a page, in print and in black and white.

In: a definition (with or without faults), the language of the texts to quote, the words for kinds of steps. Out: one SVG text with
nothing but shapes, lines and letters in it: no script, no style sheet, no address. Kinds of steps differ by shape, not by colour.
What would cross the drawing (a way back, a step many lead to, a step of another part) is written into the box as ``→ step``; a
long conversation is drawn in parts, each a page wide.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from textwrap import wrap

from sms_service.conversation.definition import END, Conversation
from sms_service.conversation.layout import Line, Placed, place
from sms_service.conversation.outline import TERMS, Outlined, WayOn, outline
from sms_service.conversation.parts import Part, parts_of

BOX = 184.0
ROW = 14.0
GAP = 26.0
MARGIN = 16.0
TITLE = 34.0
_LETTERS = 29  # of the small size that fit into a box
_LABEL_LETTERS = 30
_QUOTED_ROWS = 3
_BRAND = "Servas: "
_UNSPEAKABLE = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
_FONT = "Helvetica, Arial, sans-serif"
INK, SOFT, FAINT = "#1d2a2c", "#5a686a", "#ffffff"


@dataclass(frozen=True, slots=True)
class _Box:
    """What stands in one box, row by row, and how high that makes it; ``kind`` chooses the shape."""

    kind: str
    head: str
    name: str
    quoted: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def height(self) -> float:
        rows = 2 + len(self.quoted) + len(self.notes)
        return 14.0 + ROW * rows + (4.0 if self.notes else 0.0)


def draw(conversation: Conversation, language: str = "", terms: Mapping[str, str] = TERMS) -> str:
    """The SVG text. ``language`` chooses the words that are quoted; without it, or without words in it, keys are shown."""
    steps = {step.name: step for step in outline(conversation, terms)}
    parts = parts_of(conversation, steps)
    where = {name: number for number, part in enumerate(parts, start=1) for name in part.names}
    drawn: list[str] = []
    top, width = MARGIN, 0.0
    for number, part in enumerate(parts, start=1):
        sketch = _Sketch(conversation, language, terms, steps, part, number, where)
        placed = sketch.place()
        heading = 0.0
        if len(parts) > 1:
            heading = TITLE
            text = f"{terms['part'].capitalize()} {number}: {part.root}"
            drawn.append(_text(MARGIN, top + 18, text, 15, weight="bold"))
        drawn.append(f'<g transform="translate({MARGIN:.0f} {top + heading:.1f})">{sketch.svg(placed)}</g>')
        top += heading + placed.height + 2 * MARGIN
        width = max(width, placed.width)
    keys = _keys(conversation, terms)
    if keys:
        drawn.append(_text(MARGIN, top + 4, keys, 12))
        top += 20
        width = max(width, len(keys) * 6.5)
    return _document(conversation.name, width + 2 * MARGIN, top, drawn)


def _document(name: str, width: float, height: float, drawn: Sequence[str]) -> str:
    marker = (
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        f'<path d="M0 0L8 4L0 8z" fill="{INK}"/></marker></defs>'
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}" '
        f'font-family="{_FONT}" role="img"><title>{_letters(name)}</title>{marker}{"".join(drawn)}</svg>\n'
    )


def _keys(conversation: Conversation, terms: Mapping[str, str]) -> str:
    """Where 0 and 00 lead; drawn once, because they lead there from every screen (S12)."""
    ways = [f"{key} → {target}" for key, target in (("0", conversation.exit), ("00", conversation.home)) if target]
    return f"{terms['keys']}: {', '.join(ways)}" if ways else ""


class _Sketch:
    """One part being drawn: what stands in the boxes, which ways are lines and which are written into the box."""

    def __init__(
        self,
        conversation: Conversation,
        language: str,
        terms: Mapping[str, str],
        steps: Mapping[str, Outlined],
        part: Part,
        number: int,
        where: Mapping[str, int],
    ) -> None:
        self.conversation = conversation
        self.language = language
        self.terms = terms
        self.number = number
        self.where = where
        self.lines = [(source, way) for source, way in part.lines]
        self.starts = part.root if number == 1 else ""
        self.boxes = {name: self._box(steps[name], part) for name in part.names}
        for name in part.continued:
            self.boxes[name] = _Box("part", f"→ {terms['part']} {where[name]}", name)

    def place(self) -> Placed:
        sizes = {name: (BOX, box.height) for name, box in self.boxes.items()}
        lines = [Line(source, way.target, len(_label(way))) for source, way in self.lines]
        return place(sizes, lines, ROW, GAP)

    def svg(self, placed: Placed) -> str:
        lines = [_line(placed, number, way) for number, (_, way) in enumerate(self.lines)]
        boxes = [_shape(box, *placed.corners[name]) for name, box in self.boxes.items()]
        if self.starts:
            x, y = placed.corners[self.starts]
            boxes.append(f'<circle cx="{x + 8:.1f}" cy="{y:.1f}" r="7" fill="{INK}"/>')
        return "".join(lines + boxes)

    def _box(self, step: Outlined, part: Part) -> _Box:
        head = self.terms[step.kind] + (f" {step.about}" if step.kind == "ask" and step.about else "")
        quoted = [f"{step.about}"] if step.kind in ("fetch", "branch") else self._quoted(step)
        notes = [f"+ {effect}" for effect in step.does]
        notes += [self._written(way) for source, way in part.written if source == step.name]
        return _Box(step.kind, head, step.name, tuple(quoted), tuple(row for note in notes for row in wrap(note, _LETTERS + 1)))

    def _written(self, way: WayOn) -> str:
        done = f" (+ {', '.join(way.effects)})" if way.effects else ""
        if way.target == END:
            return f"{way.label}{done} → {self.terms['end']}"
        elsewhere = self.where.get(way.target, self.number)
        part = f" ({self.terms['part']} {elsewhere})" if elsewhere != self.number else ""
        return f"{way.label}{done} → {way.target}{part}"

    def _quoted(self, step: Outlined) -> list[str]:
        """The first text of the step in the language asked for, its first rows."""
        if not step.texts:
            return []
        key = step.texts[0][1]
        entry = self.conversation.words.entries.get(self.language, {}).get(key)
        if entry is None:
            return wrap(key, _LETTERS)[:1]
        rows = wrap(entry.text.removeprefix(_BRAND), _LETTERS)
        if len(rows) > _QUOTED_ROWS:
            rows = rows[:_QUOTED_ROWS]
            rows[-1] = f"{rows[-1][: _LETTERS - 2].rstrip()} …"
        return rows


def _label(way: WayOn) -> list[str]:
    """The rows written beside a line: the answers, then what is done on the way."""
    rows = wrap(way.label, _LABEL_LETTERS)
    if len(rows) > 2:
        rows = [rows[0], f"{rows[1][: _LABEL_LETTERS - 2].rstrip()} …"]
    return [*rows, *(f"+ {effect}" for effect in way.effects)]


def _line(placed: Placed, number: int, way: WayOn) -> str:
    points = placed.points[number]
    path = [f"M{points[0][0]:.1f} {points[0][1]:.1f}"]
    for at in range(1, len(points)):
        (x1, y1), (x2, y2) = points[at - 1], points[at]
        if at % 2 or x1 == x2:
            path.append(f"L{x2:.1f} {y2:.1f}")
        else:
            middle = (y1 + y2) / 2
            path.append(f"C{x1:.1f} {middle:.1f} {x2:.1f} {middle:.1f} {x2:.1f} {y2:.1f}")
    drawn = [f'<path d="{"".join(path)}" fill="none" stroke="{INK}" stroke-width="1.2" marker-end="url(#arrow)"/>']
    x, y = points[-1]
    rows = _label(way)
    for row, text in enumerate(rows):
        base = y - 11 - ROW * (placed.stack[number] + len(rows) - 1 - row)
        wide = len(text) * 6.0 + 6
        drawn.append(f'<rect x="{x - wide / 2:.1f}" y="{base - 10.5:.1f}" width="{wide:.1f}" height="13.5" fill="#ffffff"/>')
        drawn.append(_text(x, base, text, 11, anchor="middle"))
    return "".join(drawn)


def _shape(box: _Box, x: float, y: float) -> str:
    """Asking is round, deciding pointed, looking up slanted, saying the last word a thick pill: told apart without colour."""
    w, h = BOX, box.height
    stroke = f'fill="{FAINT}" stroke="{INK}" stroke-width="1.3"'
    shapes = {
        "ask": f'<rect x="{x:.1f}" y="{y:.1f}" width="{w}" height="{h}" rx="9" {stroke}/>',
        "pin": f'<rect x="{x:.1f}" y="{y:.1f}" width="{w}" height="{h}" rx="9" {stroke}/>'
        f'<rect x="{x + 3:.1f}" y="{y + 3:.1f}" width="{w - 6}" height="{h - 6}" rx="7" {stroke}/>',
        "say": f'<rect x="{x:.1f}" y="{y:.1f}" width="{w}" height="{h}" rx="18" fill="{FAINT}" stroke="{INK}" stroke-width="2.8"/>',
        "fetch": f'<path d="M{x + 9:.1f} {y:.1f}h{w - 9}l-9 {h}h-{w - 9}z" {stroke}/>',
        "branch": f'<path d="M{x + 14:.1f} {y:.1f}h{w - 28}l14 {h / 2}l-14 {h / 2}h-{w - 28}l-14 -{h / 2}z" {stroke}/>',
        "resume": f'<path d="M{x:.1f} {y:.1f}h{w}v{h}h-{w}zm7 0v{h}m{w - 14} 0v-{h}" {stroke}/>',
    }
    dashed = f'<rect x="{x:.1f}" y="{y:.1f}" width="{w}" height="{h}" rx="9" {stroke} stroke-dasharray="5 4"/>'
    drawn = [shapes.get(box.kind, dashed), _text(x + w / 2, y + 15, box.head, 10, anchor="middle", fill=SOFT)]
    at = y + 15 + ROW
    drawn.append(_text(x + w / 2, at, box.name, 12.5, anchor="middle", weight="bold"))
    for text in box.quoted:
        at += ROW
        drawn.append(_text(x + w / 2, at, text, 11, anchor="middle"))
    if box.notes:
        at += 4
    for text in box.notes:
        at += ROW
        drawn.append(_text(x + w / 2, at, text, 10.5, anchor="middle", style="italic"))
    return "".join(drawn)


def _text(x: float, y: float, text: str, size: float, **how: str) -> str:
    """One row of letters; ``how`` may say anchor, weight, style and fill."""
    names = {"anchor": "text-anchor", "weight": "font-weight", "style": "font-style", "fill": "fill"}
    extra = "".join(f' {names[name]}="{value}"' for name, value in {"fill": INK, **how}.items())
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}"{extra}>{_letters(text)}</text>'


def _letters(text: str) -> str:
    """As character data; what XML cannot hold is a question mark."""
    return escape(_UNSPEAKABLE.sub("?", text), quote=False)
