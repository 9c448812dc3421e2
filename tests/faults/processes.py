"""Real processes of the service, started, killed and started again by the tests of faults."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).resolve().parents[2]
T = TypeVar("T")


def wait_for(found: Callable[[], T], seconds: float, what: str, every: float = 0.05) -> T:
    """The first true result of ``found``; ``TimeoutError`` saying ``what`` was waited for."""
    until = time.monotonic() + seconds
    while True:
        result = found()
        if result:
            return result
        if time.monotonic() > until:
            raise TimeoutError(f"{what} did not happen within {seconds:g} s; last seen: {result!r}")
        time.sleep(every)


class Process:
    """One process in a process group of its own; what it says is appended to ``log``."""

    def __init__(self, command: list[str], env: Mapping[str, str], log: Path) -> None:
        self.command, self.env, self.log = command, dict(env), log
        self.root = ROOT  # whose code it runs
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None, "the process was never started"
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, **env: str) -> None:
        """Start it, with further environment for this start only."""
        with open(self.log, "ab") as sink:
            self._process = subprocess.Popen(
                self.command,
                cwd=self.root,
                env=self.env | env,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                start_new_session=True,
            )

    def children(self) -> list[int]:
        """The process ids of its own children."""
        with suppress(OSError):
            listed = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text("ascii")
            return [int(pid) for pid in listed.split()]
        return []

    def kill(self, *, alone: bool = False) -> None:
        """``kill -9`` the whole group, or only the process itself."""
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            (os.kill if alone else os.killpg)(self.pid, signal.SIGKILL)
        self._process.wait(10)

    def wait_killed(self, seconds: float) -> None:
        """Wait until it has been killed, by itself at a failpoint; any other end is a fault of the test."""
        assert self._process is not None
        code = self._process.wait(seconds)
        assert code == -signal.SIGKILL, f"{self.command[-1]} ended with {code}: {self.log.read_text()[-2000:]}"

    def terminate(self) -> None:
        """Ask it to end (TERM)."""
        assert self._process is not None
        self._process.terminate()

    def wait(self, seconds: float) -> int:
        """Its exit code; ``TimeoutExpired`` when it is still there."""
        assert self._process is not None
        return self._process.wait(seconds)
