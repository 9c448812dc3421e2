"""Starts the simulated gateway as a process of its own and talks to it, for any test that needs the gateway."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import requests

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 20.0
STOP_SECONDS = 5.0


class SimulatorProcess:
    """A context manager around ``python -m sms_service.simulator``.

    ``record_dir`` receives ``record.jsonl``; ``service_url`` is the service's callbacks without a trailing slash.
    Further options are command line options with ``_`` for ``-``: ``latency_ms=50``, ``by_number="off"``,
    ``sender_id=["1234"]``. ``username``, ``api_key``, ``short_code`` and ``ussd_code`` have the defaults below.
    """

    username = "amahoro"
    api_key = "key-for-tests"
    short_code = "1234"
    ussd_code = "*384*123#"

    def __init__(self, record_dir: Path, service_url: str, **options: Any) -> None:
        self.record_path = record_dir / "record.jsonl"
        given = {
            "username": self.username,
            "api_key": self.api_key,
            "short_code": self.short_code,
            "ussd_code": self.ussd_code,
            "record": record_dir,
            "service_url": service_url,
            **options,
        }
        self.username, self.api_key = str(given["username"]), str(given["api_key"])
        self.command = [sys.executable, "-m", "sms_service.simulator"]
        for name, value in given.items():
            for item in value if isinstance(value, list) else [value]:
                self.command += [f"--{name.replace('_', '-')}", str(item)]
        self._process: subprocess.Popen[str] | None = None
        self._http = requests.Session()
        self._http.trust_env = False
        self.url = ""

    @property
    def pid(self) -> int:
        """The process id, for tests that kill it."""
        assert self._process is not None
        return self._process.pid

    def __enter__(self) -> SimulatorProcess:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Start and wait until it listens; ``RuntimeError`` when it does not."""
        # A session of its own: Ctrl-C is for the tests, and ends the gateway when they are done with it.
        process = subprocess.Popen(self.command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)
        self._process = process
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        if not line.startswith("simulator ready "):
            self.stop()
            raise RuntimeError(f"the simulator did not start: it said {line!r}; its standard error tells why")
        self.url = line.removeprefix("simulator ready ")

    def stop(self) -> None:
        """End it politely, then firmly."""
        process, self._process = self._process, None
        self._http.close()
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()

    def record(self, kind: str | None = None, *, since: int = 0) -> list[dict[str, Any]]:
        """The record's lines after number ``since``, of one kind (``send``, ``callback``, ...) or of all."""
        answer = self._http.get(f"{self.url}/record", params={"since": since}, timeout=30)
        answer.raise_for_status()
        lines = [json.loads(line) for line in answer.content.splitlines()]
        return [line for line in lines if kind in (None, line["kind"])]

    def callbacks(self, callback: str) -> list[dict[str, Any]]:
        """The recorded callbacks of one kind: ``sms``, ``ussd``, ``ussd-end``, ``delivery``, ``opt-out``."""
        return [line for line in self.record("callback") if line["callback"] == callback]

    def wait_for(self, found: Callable[[], Any], seconds: float = 5.0) -> Any:
        """The first true result of ``found``; ``TimeoutError`` when there is none in time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            result = found()
            if result:
                return result
            time.sleep(0.02)
        raise TimeoutError(f"what was waited for did not happen within {seconds:g} s")

    def switch(self, **changes: Any) -> dict[str, Any]:
        """Change switches and return them all: ``switch(send="500-after", times=2, latency_ms=50)``."""
        return self.post("/switch", changes)

    def text(self, from_: str, text: str, **options: Any) -> dict[str, Any]:
        """Write a text to the short code: ``{id, statuses}``. Options: id, to, date, date_form, copies, raw, omit..."""
        return self.post("/phones/sms", {"from": from_, "text": text, **options})

    def callback(self, kind: str, fields: dict[str, str], **options: Any) -> dict[str, Any]:
        """Post any callback to the service: ``{statuses, bodies}``. Options: copies, raw, redeliver."""
        return self.post("/phones/callback", {"kind": kind, "fields": fields, **options})

    def dial(self, number: str, code: str | None = None, **options: Any) -> dict[str, Any]:
        """Dial the code: ``{session, screen, open, error, ...}``. Option: network."""
        return self.post("/phones/dial", {"number": number, "code": code, **options})

    def key(self, session: str, text: str, **options: Any) -> dict[str, Any]:
        """Answer the open screen, as ``dial``. Options: copies (the same turn at once), exact (this whole text)."""
        return self.post("/phones/key", {"session": session, "text": text, **options})

    def hangup(self, session: str) -> dict[str, Any]:
        """Press the red key."""
        return self.post("/phones/hangup", {"session": session})

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """POST JSON to the simulator; ``ValueError`` carries its sentence when it refuses."""
        answer = self._http.post(f"{self.url}{path}", json=body, timeout=60)
        result: dict[str, Any] = answer.json()
        if answer.status_code != 200:
            raise ValueError(result["error"])
        return result
