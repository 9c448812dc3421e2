"""The watch: looks at the service from outside and calls somebody. It needs neither gateway nor Redis nor database.

What stands is kept in a small file, so that a restart neither forgets an alarm nor announces it anew. While nothing stands a
heartbeat goes out: whoever receives it calls when it stops, and so the watch is watched too.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import requests

from sms_service.logs import describe, logger
from sms_service.rules import alarms

LOOK_EVERY: Final = 30.0
HEARTBEAT_EVERY: Final = 60.0
CERTIFICATE_EVERY: Final = 3600.0
CERTIFICATE_LEFT: Final = 14 * 86_400.0
ANSWER_SECONDS: Final = 15.0
ANSWER_BYTES: Final = 65_536
COMMAND_SECONDS: Final = 20.0
STATE_FILE: Final = "watch.json"
AT_ONCE: Final = 4
_HANDED_ON: Final = ("PATH", "HOME", "LANG", "TZ")  # the script gets none of the service's secrets

log = logger("watch")


@dataclass(frozen=True)
class Routes:
    """Who is called: a program with its fixed arguments, an address, and where the heartbeat goes; each may be left out."""

    command: tuple[str, ...] = ()
    url: str = ""
    heartbeat_url: str = ""


@dataclass(frozen=True)
class Seen:
    """One look: the names of alarms, and whether the service said everything it knows."""

    names: frozenset[str]
    all_known: bool


class Watch:
    """Looks, keeps what stands in ``data_dir``, and announces. ``every`` seconds lie between two looks; all times follow it."""

    def __init__(self, url: str, data_dir: Path, routes: Routes, every: float = LOOK_EVERY) -> None:
        self._url, self._routes, self._every = url.rstrip("/"), routes, every
        self._scale = every / LOOK_EVERY
        self._file = data_dir / STATE_FILE
        self._http = requests.Session()
        self._http.trust_env = False  # no proxy between the watch and what it watches
        self._beat_at = self._certificate_at = float("-inf")
        self._certificate_ends = False
        data_dir.mkdir(parents=True, exist_ok=True)
        self._standing = self._read()

    def run(self, stop: threading.Event) -> None:
        """Look until ``stop`` is set."""
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="route") as pool:
            while not stop.is_set():
                began = time.monotonic()
                try:
                    self.look_once(pool)
                except Exception as fault:
                    log.error("watch.failed", **describe(fault))
                stop.wait(max(0.0, self._every - (time.monotonic() - began)))

    def look_once(self, pool: ThreadPoolExecutor) -> None:
        """One look, and the announcements that follow from it."""
        seen = self._look()
        now = time.time()
        self._standing = alarms.follow(self._standing, seen.names, now, all_known=seen.all_known)
        saying = alarms.due(self._standing, now, self._scale)
        told = [one for one, reached in zip(saying, pool.map(self._announce, saying), strict=True) if reached]
        self._standing = alarms.told(self._standing, told, now)
        self._write()
        if not self._standing:
            self._beat()

    def _look(self) -> Seen:
        names = set()
        if self._certificate_runs_out():
            names.add(alarms.CERTIFICATE)
        try:
            status, content = self._get(f"{self._url}/health/ready")
            told = json.loads(content)
            ready, degraded = told["ready"], told["degraded"]
            if status not in (200, 503) or not isinstance(degraded, list):
                raise ValueError("no answer of this service")
            told_names = alarms.alarm_names(degraded)
        except (requests.RequestException, ValueError, KeyError, TypeError) as fault:
            log.warning("watch.unreachable", error=type(fault).__name__)
            return Seen(frozenset({*names, alarms.UNREACHABLE}), all_known=False)
        names |= told_names
        if not ready:
            names = (names - {"database", "keys", "schema"}) | {alarms.NOT_READY}
        return Seen(frozenset(names - alarms.SOMEBODY_DECIDED), all_known=bool(ready))

    def _get(self, url: str) -> tuple[int, bytes]:
        """Status and the first 64 KB, within 15 s in all: a server that drips is no answer."""
        until = time.monotonic() + ANSWER_SECONDS
        with self._http.get(url, timeout=(5, 10), allow_redirects=False, stream=True) as answer:
            content = b""
            for part in answer.iter_content(4096):
                content += part
                if len(content) > ANSWER_BYTES or time.monotonic() > until:
                    raise requests.Timeout("the answer is too long or too slow")
            return answer.status_code, content

    def _certificate_runs_out(self) -> bool:
        """Whether the certificate of an https address ends within 14 days; asked once an hour."""
        parts = urlsplit(self._url)
        if parts.scheme != "https" or not parts.hostname or time.monotonic() - self._certificate_at < CERTIFICATE_EVERY:
            return self._certificate_ends
        try:
            where = (parts.hostname, parts.port or 443)
            with (
                socket.create_connection(where, timeout=5) as plain,
                ssl.create_default_context().wrap_socket(plain, server_hostname=parts.hostname) as secured,
            ):
                ends = ssl.cert_time_to_seconds(str((secured.getpeercert() or {})["notAfter"]))
        except ssl.SSLCertVerificationError:
            self._certificate_ends = True
        except (OSError, KeyError, ValueError):
            return self._certificate_ends  # nobody there: another alarm's business
        else:
            self._certificate_ends = ends - time.time() < CERTIFICATE_LEFT
        self._certificate_at = time.monotonic()
        return self._certificate_ends

    def _announce(self, say: alarms.Say) -> bool:
        """Whether the announcement reached anybody: one route is enough, and with none there is the log."""
        state = "on" if say.on else "off"
        log.error("alarm.raised" if say.on else "alarm.ended", kind=say.name, count=say.count)
        reached = []
        if self._routes.command:
            reached.append(_run([*self._routes.command, say.name, state, str(say.count)]))
        if self._routes.url:
            since = datetime.fromtimestamp(say.since, UTC).isoformat(timespec="seconds")
            reached.append(self._post({"alarm": say.name, "state": state, "since": since, "count": say.count}))
        return any(reached) or not reached

    def _post(self, said: Mapping[str, object]) -> bool:
        try:
            answer = requests.post(self._routes.url, json=said, timeout=(5, 10), allow_redirects=False, stream=True)
            answer.close()
        except requests.RequestException as fault:
            log.error("alarm.not_posted", error=type(fault).__name__)
            return False
        if not answer.ok or answer.is_redirect:
            log.error("alarm.not_posted", status=answer.status_code)
            return False
        return True

    def _beat(self) -> None:
        if not self._routes.heartbeat_url or time.monotonic() - self._beat_at < (HEARTBEAT_EVERY - LOOK_EVERY / 2) * self._scale:
            return
        try:
            with requests.get(self._routes.heartbeat_url, timeout=(5, 10), allow_redirects=False, stream=True) as answer:
                if answer.ok:
                    self._beat_at = time.monotonic()
                else:
                    log.warning("heartbeat.refused", status=answer.status_code)
        except requests.RequestException as fault:
            log.warning("heartbeat.failed", error=type(fault).__name__)

    def _read(self) -> dict[str, alarms.Standing]:
        try:
            return alarms.from_json(json.loads(self._file.read_text("utf-8")))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as fault:
            log.error("watch.state_lost", error=type(fault).__name__)
            return {}

    def _write(self) -> None:
        """All of it or nothing; a disk that is full costs the memory of a restart, not the watch."""
        fresh = self._file.with_suffix(".new")
        try:
            fresh.write_text(json.dumps(alarms.to_json(self._standing)), "utf-8")
            os.replace(fresh, self._file)
        except OSError as fault:
            log.error("watch.state_not_kept", error=type(fault).__name__)


def _run(command: Collection[str]) -> bool:
    """Run a program without a shell, for 20 s at most, and with nothing of this process's environment that could be a secret."""
    try:
        process = subprocess.Popen(
            list(command),
            env={name: os.environ[name] for name in _HANDED_ON if name in os.environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as fault:
        log.error("alarm.command_failed", error=type(fault).__name__)
        return False
    try:
        code = process.wait(COMMAND_SECONDS)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        log.error("alarm.command_failed", reason="too-slow")
        return False
    if code:
        log.error("alarm.command_failed", status=code)
    return code == 0
