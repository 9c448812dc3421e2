"""The duty rota as a drawing: one row a line, one block a turn, from today's midnight for two weeks, in Kigali's days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sms_service import clock

DAYS: Final = 14
LEFT, WIDTH, ROW = 22.0, 332.0, 24.0


@dataclass(frozen=True, slots=True)
class Block:
    """One turn on its line, in the drawing's own units; ``running`` when it is the turn of this moment."""

    line: int
    who: str
    x: float
    y: float
    width: float
    running: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """``days`` are (x, day) of the first day of each week; ``now_x`` is this moment; ``lines`` are (line, y) of each row."""

    blocks: list[Block]
    days: list[tuple[float, datetime]]
    lines: list[tuple[int, float]]
    now_x: float
    height: float


def draw(turns: Sequence[Any], lines: Sequence[int], now: datetime) -> Chart:
    """The turns (rows with line, staff_code, starts_at, ends_at) that touch the next two weeks; an empty row is a gap."""
    first = clock.local(now).replace(hour=0, minute=0, second=0, microsecond=0)
    last = first + timedelta(days=DAYS)

    def x_of(moment: datetime) -> float:
        share = (min(max(moment, first), last) - first) / timedelta(days=DAYS)
        return round(LEFT + WIDTH * share, 2)

    rows = {line: ROW * place for place, line in enumerate(lines)}
    blocks = [
        Block(
            turn.line,
            turn.staff_code,
            x_of(turn.starts_at),
            rows[turn.line],
            round(x_of(turn.ends_at) - x_of(turn.starts_at), 2),
            turn.starts_at <= now < turn.ends_at,
        )
        for turn in turns
        if turn.line in rows and turn.starts_at < last and turn.ends_at > first
    ]
    days = [(x_of(first + timedelta(days=day)), first + timedelta(days=day)) for day in (0, 7)]
    return Chart(blocks, days, list(rows.items()), x_of(now), ROW * len(rows))
