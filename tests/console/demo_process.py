"""The demo as its visitor has it: one process that is started, looked at through its printed addresses, and ended with Ctrl-C."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests

from tests.faults.processes import Process, wait_for
from tests.free_ports import free_port

READY = 90.0
ENDED = 40.0
FIRST_MOMENT = "2026-11-23T09:00"


class Phones:
    """The simulated phones by their HTTP interface: dial, key in, text, and what each has received."""

    def __init__(self, url: str) -> None:
        self._http = requests.Session()
        self._http.trust_env = False
        self.url = url

    def dial(self, number: str, *keys: str) -> list[str]:
        """The screens of one dial, the keys entered one after the other."""
        turn = self._post("/phones/dial", {"number": number})
        screens = [str(turn["screen"])]
        for key in keys:
            assert turn["open"], f"the dial ended before {key!r}: {screens}"
            turn = self._post("/phones/key", {"session": turn["session"], "text": key})
            assert not turn["error"], turn["error"]
            screens.append(str(turn["screen"]))
        return screens

    def text(self, number: str, words: str) -> None:
        """A text to the short code, which the service must take."""
        assert self._post("/phones/sms", {"from": number, "text": words})["statuses"] == [200]

    def received(self, number: str, *, since: int = 0) -> list[str]:
        """The texts that reached this phone after line ``since`` of the record, oldest first."""
        return [line["text"] for line in self._record(since) if line["kind"] == "send" and line["number"] == number]

    def last_line(self) -> int:
        """How far the record has come, as a start for ``received``."""
        return len(self._record(0))

    def await_text(self, number: str, has: str, *, since: int, seconds: float = 20.0) -> str:
        """The first text with these words on this phone; ``TimeoutError`` when none comes."""

        def found() -> str:
            return next((text for text in self.received(number, since=since) if has in text), "")

        return wait_for(found, seconds, f"a text with {has!r}")

    def _record(self, since: int) -> list[dict[str, Any]]:
        answer = self._http.get(f"{self.url}/record", params={"since": since}, timeout=30)
        return [json.loads(line) for line in answer.content.splitlines()]

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self._http.post(f"{self.url}{path}", json=body, timeout=30)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


class DemoProcess:
    """``python -m sms_service demo`` over ``folder``; ``links`` maps a role to its printed sign-in links."""

    def __init__(self, folder: Path) -> None:
        self.data_dir = folder / "demo"
        self.port = free_port(in_a_row=2)
        self.said = folder / "said.txt"
        self._starts = 0
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
        command = [sys.executable, "-m", "sms_service", "demo", "--port", str(self.port), "--data-dir", str(self.data_dir)]
        self._process = Process([*command, "--at", FIRST_MOMENT], kept, self.said)
        self.console = f"http://127.0.0.1:{self.port}/console/"
        self.phones = Phones(f"http://127.0.0.1:{self.port + 1}")
        self.links: dict[str, list[str]] = {}
        self.parts: list[int] = []

    def start(self) -> None:
        """Start it and wait for its ready line; ``AssertionError`` with what it said when it ends instead."""
        before = len(self.said.read_text()) if self.said.exists() else 0
        self._process.start()

        def ready() -> str:
            said = self.said.read_text()[before:]
            assert self._process.alive, said
            return said if "ready in" in said else ""

        said = wait_for(ready, READY, "the ready line", every=0.2)
        self.links = {}
        for role, link in re.findall(r"sign in as (\S+)\s+(\S+)", said):
            self.links.setdefault(role, []).append(link)
        self.parts = [self._process.pid, *_descendants(self._process.pid)]

    def ctrl_c(self) -> int:
        """What Ctrl-C does; the exit code."""
        os.kill(self._process.pid, signal.SIGINT)
        return self._process.wait(ENDED)

    def left_running(self) -> list[str]:
        """The command lines of those of its processes that are still there."""
        return [found for pid in self.parts if (found := _command_of(pid))]

    def end(self) -> None:
        """Leave nothing behind, whatever the test did."""
        if self._process.alive:
            self.ctrl_c()

    def personal_files(self) -> Iterator[Path]:
        """Every file it left but the simulator's own: database, logs, the queue store's files."""
        for path in sorted(self.data_dir.rglob("*")):
            if path.is_file() and self.data_dir / "simulator" not in path.parents:
                yield path


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text("ascii").split()):
            found += [child, *_descendants(child)]
    return found


def _command_of(pid: int) -> str:
    """The command line of a living process; empty when there is none, or only its exit code is left to be read."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(") ")[2][:1]
        return "" if state == "Z" else Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""
