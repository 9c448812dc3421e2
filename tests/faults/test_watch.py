"""The watch calls somebody whatever is gone: database, queue store (F7), web, clock; and for a RED text nobody answers (I21)."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from tests.faults.conftest import SHORT, Start
from tests.faults.processes import Process, wait_for
from tests.faults.service import RunningService

EVERY = 0.3  # a hundredth of the real pace: two minutes are 1.2 s, half an hour 18 s
RED_TEXT = "arashaka kunyica"


class Receiver:
    """The outside monitor on loopback: alarms posted to it, heartbeats, and what the script was called with."""

    def __init__(self, folder: Path) -> None:
        self.posted: list[dict[str, Any]] = []
        self.beats = 0
        self._calls = folder / "calls"
        self.script = folder / "page-us"
        self.script.write_text(f'#!/bin/sh\nenv | grep -q KEY && exit 1\necho "$*" >> {self._calls}\n', "ascii")
        self.script.chmod(0o700)
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                receiver.beats += 1
                self._answer()

            def do_POST(self) -> None:
                receiver.posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self._answer()

            def _answer(self) -> None:
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Nothing to standard error."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def called(self) -> list[str]:
        return self._calls.read_text("ascii").splitlines() if self._calls.exists() else []

    def heard(self, name: str, state: str = "on") -> list[dict[str, Any]]:
        return [one for one in self.posted if one["alarm"] == name and one["state"] == state]


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    made = Receiver(tmp_path)
    yield made
    made.close()


@contextmanager
def watching(service: RunningService, receiver: Receiver) -> Iterator[Process]:
    routes = {"ALARM_COMMAND": f"{receiver.script} site-1", "ALARM_URL": receiver.url, "HEARTBEAT_URL": receiver.url}
    command = [sys.executable, "-m", "sms_service", "watch", "--every", str(EVERY)]
    watch = Process(command, service.env | routes, service.logs / "watch.log")
    watch.start()
    try:
        yield watch
    finally:
        watch.kill()


@contextmanager
def database_gone(service: RunningService) -> Iterator[None]:
    """Nobody can use the database while the block runs."""
    url = service.context.database.url
    if service.context.database.is_postgresql:
        admin = create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
        with admin.connect() as db:
            db.execute(text(f'ALTER DATABASE "{url.database}" ALLOW_CONNECTIONS false'))
            db.execute(text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"), {"name": url.database})
            yield
            db.execute(text(f'ALTER DATABASE "{url.database}" ALLOW_CONNECTIONS true'))
        admin.dispose()
        return
    held = sqlite3.connect(str(url.database), isolation_level=None, timeout=30)
    held.execute("BEGIN EXCLUSIVE")
    yield
    held.execute("ROLLBACK")
    held.close()


def everything_gone_in_turn(service: RunningService, receiver: Receiver, *, all_of_it: bool = True) -> None:
    """Each part is taken away and given back; every time somebody is called by both routes, and told of the end."""
    (phone,) = service.people(1)
    service.start()

    def call(name: str, seconds: float = 30) -> None:
        wait_for(lambda: receiver.heard(name), seconds, f"the alarm {name}")

    def end(name: str) -> None:
        wait_for(lambda: receiver.heard(name, "off"), 30, f"the end of the alarm {name}")

    with watching(service, receiver) as watch:
        wait_for(lambda: receiver.beats > 1, 30, "heartbeats while all is well")
        assert receiver.called() == []
        with service.fault(), database_gone(service):
            call("not_ready")
            beats = receiver.beats
        end("not_ready")
        assert receiver.beats <= beats + 1, "a heartbeat went out while an alarm stood"
        service.redis.kill()
        call("queue_store_away")
        service.start_redis()
        end("queue_store_away")
        if all_of_it:
            service.clocks[0].kill()
            service.forward(timedelta(minutes=4))
            call("clock")
            service.start(*service.clocks)
            end("clock")
            service.simulator.text(phone, RED_TEXT)
            call("alert_unacknowledged")
        service.web.kill()
        call("unreachable")
        watch.kill()
        watch.start()
        wait_for(partial(watch_looks, service), 20, "the watch's first look")
        service.start(service.web)
        end("unreachable")
        watch.terminate()
        assert watch.wait(20) == 0
    assert not receiver.heard("alert_unacknowledged", "off")
    first = Counter(one["alarm"] for one in receiver.posted if one["state"] == "on" and one["count"] == 1)
    assert first["unreachable"] == first["not_ready"] == 1, "what stood before the restart of the watch was announced anew"
    assert sorted(receiver.called()) == sorted(f"site-1 {one['alarm']} {one['state']} {one['count']}" for one in receiver.posted)
    service.check()


def watch_looks(service: RunningService) -> bool:
    """Whether the restarted watch has found the web away."""
    return (service.logs / "watch.log").read_text().count("watch.unreachable") > 12


@SHORT
@pytest.mark.fault("F7")
def test_somebody_is_called_whatever_is_gone(start_service: Start, receiver: Receiver) -> None:
    """F7, I21: by a route that needs no database, no queue store and no gateway."""
    everything_gone_in_turn(start_service(), receiver, all_of_it=False)


@pytest.mark.full
@pytest.mark.fault("F7")
def test_in_full_somebody_is_called_on_both_databases(start_service: Start, receiver: Receiver) -> None:
    """F7 and all the others in turn; connections to PostgreSQL are refused as well."""
    everything_gone_in_turn(start_service(), receiver)


def test_a_route_that_fails_is_tried_again(tmp_path: Path, receiver: Receiver) -> None:
    """I21: with the address gone and the script broken the alarm stays to be said; the watch has no database to look for."""
    receiver.script.chmod(0o600)
    env = {"PATH": os.environ["PATH"], "APP_ENV": "test", "DATA_DIR": str(tmp_path / "data"), "PUBLIC_URL": "http://127.0.0.1:9"}
    dead = {"ALARM_COMMAND": str(receiver.script), "ALARM_URL": "http://127.0.0.1:9/"}
    command = [sys.executable, "-m", "sms_service", "watch", "--every", str(EVERY)]
    watch = Process(command, env | dead, tmp_path / "watch.log")
    watch.start()
    try:
        wait_for(lambda: watch.log.exists() and watch.log.read_text().count("alarm.not_posted") > 1, 30, "two tries")
        receiver.script.chmod(0o700)
        wait_for(receiver.called, 30, "the announcement")
        assert receiver.called()[0] == "unreachable on 1"
    finally:
        watch.kill()
