"""The whole demo with nobody using it: the memory of all its processes and the CPU they take."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from tests.bench.figures import Figure
from tests.bench.processes import cpu_seconds, family, pss_megabytes, running
from tests.free_ports import free_port

MOST_MEGABYTES, MOST_PERCENT = 500.0, 3.0  # of which the words that replies are read by take 30 a process


def measure(*, settle: float = 15.0, seconds: float = 30.0) -> list[Figure]:
    """Proportional set size and the share of one core over ``seconds``, ``settle`` seconds after the ready line."""
    with tempfile.TemporaryDirectory(prefix="bench-demo-") as name:
        folder = Path(name)
        command = ["-m", "sms_service", "demo", "--port", str(free_port(in_a_row=2)), "--data-dir", str(folder / "data")]
        with running("demo", command, os.environ, folder, ready="ready in") as pid:
            time.sleep(settle)
            before = cpu_seconds(pid)
            time.sleep(seconds)
            share = (cpu_seconds(pid) - before) / seconds * 100
            memory, count = pss_megabytes(pid), len(family(pid))
    note = f"{count} processes"
    return [
        Figure("idle: proportional set size", "sqlite", memory, "MB", MOST_MEGABYTES, note=note),
        Figure("idle: share of one core", "sqlite", share, "%", MOST_PERCENT, note=f"over {seconds:g} s"),
    ]
