"""The demo as a person meets it: one command starts everything, Ctrl-C ends everything, and nothing is missing afterwards."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.faults.processes import ROOT, wait_for
from tests.free_ports import free_port

TICKS = os.sysconf("SC_CLK_TCK")
MOST_MEGABYTES = 500
MOST_OF_A_CORE = 0.03
CALLER = "+250788000199"


class Demo:
    """One start of ``sms-service demo``."""

    def __init__(self, data_dir: Path, port: int) -> None:
        self.data_dir, self.service, self.phones = data_dir, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{port + 1}"
        env = {name: value for name, value in os.environ.items() if name != "APP_ENV"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sms_service", "demo", "--port", str(port), "--data-dir", str(data_dir)],
            cwd=ROOT,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.process.stdout is not None
        self.said = ""
        while "ready in" not in self.said:
            line = self.process.stdout.readline()
            assert line, f"the demo ended before it was ready: {self.said}"
            self.said += line

    def end(self, how: int) -> tuple[int, float]:
        """Send the signal; returns the exit code and the seconds it took."""
        began = time.monotonic()
        self.process.send_signal(how)
        return self.process.wait(60), time.monotonic() - began

    def parts(self) -> dict[int, str]:
        """Every process of this demo but the first, by process id, with its command line."""
        found = {}
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit() and int(folder.name) != self.process.pid:
                try:
                    environment = (folder / "environ").read_bytes()
                    command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                except OSError:
                    continue
                if command and (str(self.data_dir) in command or f"DATA_DIR={self.data_dir}".encode() in environment):
                    found[int(folder.name)] = command
        return found

    def pid_of(self, part: str) -> int | None:
        """The process id of a part such as ``worker``."""
        return next((pid for pid, command in self.parts().items() if f"sms_service {part}" in command), None)

    def texts_sent(self, number: str) -> list[dict[str, Any]]:
        """What the gateway sent to a number."""
        lines = [json.loads(line) for line in requests.get(f"{self.phones}/record", timeout=10).content.splitlines()]
        return [line for line in lines if line["kind"] == "send" and line["number"] == number]


@pytest.fixture
def demos() -> Iterator[list[Demo]]:
    """Demos started by a test; those still there at its end are ended with all their parts."""
    started: list[Demo] = []
    yield started
    for demo in started:
        left = [*demo.parts(), *([demo.process.pid] if demo.process.poll() is None else [])]
        for pid in left:
            os.kill(pid, signal.SIGKILL)


def share_of_a_core(pids: list[int], seconds: float) -> float:
    used = processor_seconds(pids)
    time.sleep(seconds)
    return (processor_seconds(pids) - used) / seconds


def megabytes(pids: list[int]) -> float:
    """What the processes hold in memory, shared pages counted once (PSS)."""
    total = 0
    for pid in pids:
        found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
        assert found is not None
        total += int(found[1])
    return total / 1024


def processor_seconds(pids: list[int]) -> float:
    """Processor time used so far."""
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return sum(int(one[11]) + int(one[12]) for one in fields) / TICKS


def rows(data_dir: Path) -> dict[str, int]:
    """How many rows each table holds."""
    with sqlite3.connect(data_dir / "service.db") as db:
        names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: db.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names}


def test_the_demo_starts_survives_a_dead_part_and_loses_nothing(tmp_path: Path, demos: list[Demo]) -> None:
    """One start, a text answered, a part killed, Ctrl-C, and a second start that has everything (F4, F5)."""
    port = free_port(in_a_row=2)
    demo = Demo(tmp_path / "demo", port)
    demos.append(demo)
    assert requests.get(f"{demo.service}/health/ready", timeout=5).json()["ready"] is True
    requests.post(f"{demo.phones}/phones/sms", json={"from": CALLER, "text": "ubufasha"}, timeout=10)
    wait_for(lambda: demo.texts_sent(CALLER), 30, "the answer to a text")

    worker = demo.pid_of("worker")
    assert worker is not None
    os.kill(worker, signal.SIGKILL)
    wait_for(lambda: demo.pid_of("worker") not in (None, worker), 20, "the worker's second start")

    code, seconds = demo.end(signal.SIGINT)
    assert (code, demo.parts()) == (0, {})
    assert seconds < 30
    before = rows(demo.data_dir)

    again = Demo(tmp_path / "demo", port)
    demos.append(again)
    after = rows(again.data_dir)
    missing = {name: (count, after[name]) for name, count in before.items() if after[name] < count}
    assert not missing
    assert len(again.texts_sent(CALLER)) == 1

    pids = [again.process.pid, *again.parts()]
    # Idle is what it comes to once each part has read its words: on a busy machine that takes a while.
    wait_for(lambda: share_of_a_core(pids, 5) < MOST_OF_A_CORE, 60, "the demo's rest")
    assert megabytes(pids) < MOST_MEGABYTES

    again.end(signal.SIGKILL)
    wait_for(lambda: all("unixsocket" in command for command in again.parts().values()), 30, "the end of a killed demo's parts")
