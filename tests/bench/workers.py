"""One machine to many: sends a second of one, two and four workers on one PostgreSQL, beside two web processes and two clocks."""

from __future__ import annotations

from tests.bench.figures import Figure
from tests.bench.send import run

WORKERS = (1, 2, 4)


def measure(kind: str = "postgresql", *, single: int = 3_000, batched: int = 20_000) -> list[Figure]:
    """For information: what more workers bring depends on the cores; the ratio to one worker is in the remark."""
    figures = []
    for alone, amount in ((True, single), (False, batched)):
        first = 0.0
        for count in WORKERS:
            rate, wrong, note = run(kind, amount, count, alone=alone, around=True)
            first = first or rate
            how = "one recipient a call" if alone else "up to 100 a call"
            name = f"workers: {count}, {how}"
            figures.append(Figure(name, kind, rate, "/s", wrong=wrong, note=f"{rate / first:.2f} of one worker; {note}"))
    return figures
