"""A site to measure: a private database and queue store, and the service's own processes over them."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from sms_service import schema, store, wiring
from sms_service.config import Settings, load_settings
from sms_service.database import Database
from sms_service.usecases.context import Context
from tests.bench.processes import running, wait_for_port
from tests.conftest import postgresql_url
from tests.free_ports import free_port
from tests.simulator_process import SimulatorProcess

DATABASES = ("sqlite", "postgresql")
WEB_PROCESSES, WEB_THREADS = 2, 4
SEND_RATE = 20_000  # the gateway's pace is not what is measured
OUTSIDE = ("DATABASE_URL", "REDIS_URL", "DATA_DIR", "APP_ENV", "PORT", "LOG_LEVEL")


@dataclass
class Site:
    """One migrated, empty service. ``env`` is what its processes are started with."""

    kind: str
    folder: Path
    env: dict[str, str]
    settings: Settings
    context: Context
    stack: ExitStack

    @property
    def callbacks(self) -> str:
        return f"/callbacks/africastalking/{self.settings.webhook_secret[0]}"

    def web(self) -> tuple[int, int]:
        """Start the web processes; returns the supervisor's process id and the port."""
        port = free_port()
        command = ["-m", "sms_service", "web", "--port", str(port), "--workers", str(WEB_PROCESSES)]
        pid = self.start("web", [*command, "--threads", str(WEB_THREADS)])
        wait_for_port(port)
        return pid, port

    def baseline(self) -> tuple[int, int]:
        """Start the comparison's handler, served with the very same settings; returns process id and port."""
        port = free_port()
        command = ["-m", "granian", "--interface", "wsgi", "--factory", "--port", str(port), "--no-access-log"]
        command += ["--workers", str(WEB_PROCESSES), "--blocking-threads", str(WEB_THREADS)]
        pid = self.start("baseline", [*command, "tests.bench.baseline:application"])
        wait_for_port(port)
        return pid, port

    def clock(self, name: str = "clock") -> int:
        return self.start(name, ["-m", "sms_service", "clock"])

    def worker(self, name: str = "worker") -> int:
        return self.start(name, ["-m", "sms_service", "worker"])

    def start(self, name: str, command: list[str]) -> int:
        return self.stack.enter_context(running(name, command, self.env, self.folder))


@contextmanager
def site(kind: str, *, latency_ms: int | None = None, delay: int = 300) -> Iterator[Site]:
    """A site on ``sqlite`` or ``postgresql``; ``latency_ms`` adds a simulated gateway that answers after that long;
    ``delay`` is a broadcast's wait in seconds.

    Everything started in the block is ended with it, and its folder is removed.
    """
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        with ExitStack() as outer:
            url = _database(outer, kind, folder)
            env = {name: value for name, value in os.environ.items() if name not in OUTSIDE and name[:3] != "AT_"}
            env |= {"APP_ENV": "test", "DATA_DIR": str(folder), "DATABASE_URL": url, "PYTHONUNBUFFERED": "1"}
            env |= {"REDIS_URL": outer.enter_context(store.private_store(folder)), "SEND_RATE_PER_SECOND": str(SEND_RATE)}
            env["BROADCAST_DELAY_SECONDS"] = str(delay)
            env |= {"AT_USERNAME": SimulatorProcess.username, "AT_API_KEY": SimulatorProcess.api_key}
            env |= {"AT_SHORT_CODE": SimulatorProcess.short_code}
            if latency_ms is not None:
                env["AT_BASE_URL"] = outer.enter_context(_gateway(folder, latency_ms)).url
            settings = load_settings(env)
            schema.migrate(Database(url))
            context = wiring.context_from(settings, nudge=wiring.nudger(settings))
            wiring.install_release(context)
            outer.callback(context.database.dispose)
            stack = outer.enter_context(ExitStack())
            yield Site(kind, folder, env, settings, context, stack)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _gateway(folder: Path, latency_ms: int) -> SimulatorProcess:
    options = {"latency_ms": latency_ms, "by_number": "off", "reports": "off"}
    return SimulatorProcess(folder / "simulator", "http://127.0.0.1:9/callbacks", **options)


def _database(stack: ExitStack, kind: str, folder: Path) -> str:
    if kind == "sqlite":
        return f"sqlite:///{folder / 'service.db'}"
    server = _server()
    name = f"bench_{os.getpid()}_{folder.name[-8:].lower()}"
    _admin(server, f'CREATE DATABASE "{name}"')
    stack.callback(_admin, server, f'DROP DATABASE "{name}" WITH (FORCE)')
    return make_url(server).set(database=name).render_as_string(hide_password=False)


_servers: list[str] = []


def _server() -> str:
    """One PostgreSQL for the whole run, ended when this process ends."""
    if not _servers:
        folder = Path(tempfile.mkdtemp(prefix="bench-pg-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)  # registered first, so done after the server's end
        url = postgresql_url(folder)
        if url is None:
            raise RuntimeError("no PostgreSQL: set TEST_POSTGRESQL_URL or install requirements-dev.lock")
        _servers.append(url)
    return _servers[0]


def _admin(server: str, statement: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as db:
        db.execute(text(statement))
    engine.dispose()
