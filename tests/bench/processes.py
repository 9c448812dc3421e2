"""Processes of a benchmark: started with a log of their own, measured from /proc, ended politely."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.simulator_process import ROOT

TICKS = os.sysconf("SC_CLK_TCK")
START_SECONDS = 60.0
STOP_SECONDS = 20.0


def family(pid: int) -> list[int]:
    """A process and everything it started that is still alive."""
    found, waiting = [], [pid]
    while waiting:
        one = waiting.pop()
        found.append(one)
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            waiting += [int(child) for child in _text(task).split()]
    return found


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and its living descendants, in seconds (resolution 10 ms)."""
    total = 0
    for one in family(pid):
        fields = _text(Path(f"/proc/{one}/stat")).rpartition(")")[2].split()
        total += sum(int(value) for value in fields[11:13])
    return total / TICKS


def pss_megabytes(pid: int) -> float:
    """Proportional set size of a process and its descendants, in MB of 1,000,000 bytes."""
    total = 0
    for one in family(pid):
        for line in _text(Path(f"/proc/{one}/smaps_rollup")).splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total * 1024 / 1e6


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""  # it ended meanwhile


@contextmanager
def running(name: str, command: Sequence[str], env: Mapping[str, str], folder: Path, *, ready: str = "") -> Iterator[int]:
    """The process id of ``python COMMAND`` while the block runs; output goes to NAME.log in ``folder``.

    ``ready`` is a text the log must show first. Raises ``RuntimeError`` with the log's end when it does not come up.
    """
    log = folder / f"{name}.log"
    with open(log, "ab") as sink:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
        )
    try:
        _wait_for(process, log, ready)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_for(process: subprocess.Popen[bytes], log: Path, ready: str) -> None:
    until = time.monotonic() + START_SECONDS
    while ready and ready not in log.read_text("utf-8", "replace"):
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"{log.name} never said {ready!r}: {log.read_text('utf-8', 'replace')[-2000:]}")
        time.sleep(0.05)


def wait_for_port(port: int, seconds: float = START_SECONDS) -> None:
    """Until something listens on the port; ``TimeoutError`` otherwise."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError(f"nothing listens on port {port} after {seconds:g} s")
