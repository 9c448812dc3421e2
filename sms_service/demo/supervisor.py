"""The whole service on one machine: private store, database, simulator, web, worker and clock, started and ended together."""

from __future__ import annotations

import ctypes
import json
import multiprocessing
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import click

from sms_service import clock, logs, paths, schema, store, wiring
from sms_service.catalogue import CatalogueFault
from sms_service.config import Settings, load_settings
from sms_service.database import Database
from sms_service.demo import seed
from sms_service.demo.people import SHORT_CODE, USSD_CODE
from sms_service.models import pauses
from sms_service.models import staff as accounts
from sms_service.rules.timing import PauseWindow, is_paused
from sms_service.usecases.context import Context
from sms_service.usecases.staff_accounts import make_link

USERNAME = "demo"
LINK_LIFE = timedelta(hours=12)
READY_SECONDS = 60.0
RESTART_AFTER = 2.0
STOP_SECONDS = 40.0  # a call to the gateway under way takes 30 at most, and its answer must not be lost
DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of Linux
KEPT_OUT = ("DATABASE_URL", "REDIS_URL", "DATA_DIR", "PUBLIC_URL", "APP_ENV", "PORT", "TRUSTED_PROXIES")


class DemoFault(Exception):
    """The demo cannot start; the message says why and what to do."""


@dataclass(frozen=True)
class Options:
    """What the command line chose; ``at`` is local time as YYYY-MM-DDTHH:MM, for the first start."""

    port: int = 8000
    data_dir: Path | None = None
    seed: bool = True
    at: str | None = None
    database_url: str = ""
    redis_url: str = ""


@dataclass
class Part:
    """One process of the demo; it is started again when it dies on its own."""

    name: str
    command: list[str]
    env: dict[str, str]
    process: subprocess.Popen[str] | None = None
    died_at: float = 0.0
    log: Path = field(default_factory=Path)

    def start(self) -> None:
        with open(self.log, "ab") as sink:
            self.process = subprocess.Popen(
                self.command,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                start_new_session=True,
                text=True,
                preexec_fn=_end_with_demo,
            )

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def wait(self, seconds: float) -> None:
        if self.process is None:
            return
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)
            return
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def _end_with_demo() -> None:
    """In a new part, where the system can: a demo that is killed takes its parts with it, and its ports are free again."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGTERM)


def run(options: Options) -> int:
    """Start everything, print where it is, and stay until Ctrl-C or TERM; returns the exit code.

    Raises ``DemoFault``, ``SettingsFault``, ``CatalogueFault`` or ``StoreFault`` before anything is left running.
    """
    if os.environ.get("APP_ENV") == "production":
        raise DemoFault("APP_ENV is production: a demo never runs beside real people's data; unset it")
    began = time.monotonic()
    data_dir = (options.data_dir or paths.default_data_dir(os.environ) / "demo").absolute()
    os.umask(0o077)
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with store.private_store(data_dir, redis_url=options.redis_url) as redis_url:
        env = _environment(options, data_dir, redis_url)
        settings = load_settings(env)
        logs.configure("WARNING", "demo")
        (data_dir / "simulator").mkdir(exist_ok=True)
        phones = data_dir / "simulator" / "phones.json"
        parts = _parts(options, settings, env, data_dir, phones)
        try:
            # The phones need nothing of the database: they start while it is prepared, so that a warm start is a short one.
            parts[0].start()
            _say("preparing the database")
            _apart(lambda: _fill(settings, options, data_dir, phones))
            return _stay(options, wiring.context_from(settings), parts, data_dir, began)
        finally:
            for part in reversed(parts):
                part.stop()
            for part in reversed(parts):
                part.wait(STOP_SECONDS)
            _say("stopped; nothing is lost, start it again to go on")


def _fill(settings: Settings, options: Options, data_dir: Path, phones: Path) -> None:
    schema.migrate(Database(settings.database_url))
    context = wiring.context_from(settings)
    wiring.install_release(context)
    _prepare(context, options, data_dir, phones)


def _apart(work: Callable[[], None]) -> None:
    """Do ``work`` in a process of its own, for the memory it takes goes with it and the demo stays for days.

    Raises ``DemoFault`` with what it had to say, or with its exit code.
    """
    forked = multiprocessing.get_context("fork")
    here, there = forked.Pipe(duplex=False)

    def run_apart() -> None:
        try:
            work()
        except (DemoFault, CatalogueFault, schema.SchemaFault) as fault:
            there.send(str(fault))

    process = forked.Process(target=run_apart)
    process.start()
    process.join()
    if here.poll():
        raise DemoFault(here.recv())
    if process.exitcode:
        raise DemoFault(f"the database could not be prepared (exit code {process.exitcode})")


def _say(line: str) -> None:
    click.echo(f"demo: {line}", err=True)


def _environment(options: Options, data_dir: Path, redis_url: str) -> dict[str, str]:
    """The children's environment: nothing of the gateway's, the database's or the store's comes from outside."""
    env = {name: value for name, value in os.environ.items() if name not in KEPT_OUT and not name.startswith("AT_")}
    # glibc keeps an arena of its own for each thread that allocates: with two the demo's processes take some 15 MB less.
    env.setdefault("MALLOC_ARENA_MAX", "2")
    env |= {
        "APP_ENV": "demo",
        "DATA_DIR": str(data_dir),
        "DATABASE_URL": options.database_url or f"sqlite:///{data_dir / 'service.db'}",
        "REDIS_URL": redis_url,
        "PUBLIC_URL": f"http://127.0.0.1:{options.port}",
        "AT_USERNAME": USERNAME,
        "AT_API_KEY": _api_key(data_dir),
        "AT_BASE_URL": f"http://127.0.0.1:{options.port + 1}",
        "AT_SHORT_CODE": SHORT_CODE,
        "AT_USSD_CODE": USSD_CODE,
        "PYTHONUNBUFFERED": "1",
    }
    return env


def _api_key(data_dir: Path) -> str:
    """The simulator's own key, made once."""
    kept = data_dir / "simulator.key"
    if not kept.exists():
        kept.touch(mode=0o600)
        kept.write_text(secrets.token_hex(24))
    return kept.read_text().strip()


def _prepare(context: Context, options: Options, data_dir: Path, phones: Path) -> None:
    """Seed at the first start, set the clock, and write the handset's phones."""
    with context.database.begin() as db:
        seeded, empty = seed.is_seeded(db), seed.is_empty(db)
        first = clock.now(db)
        windows = [PauseWindow(row.first_day, row.last_day, row.behaviour) for row in pauses.active(db, first.date())]
    if options.seed and not seeded and not empty:
        raise DemoFault(f"the database holds an unfinished demo or another programme: remove {data_dir}, or use --no-seed")
    starts_at = _starts_at(options.at, first, windows)
    if options.seed and not seeded:
        _say("making the demo programme")
        made = seed.seed(context, starts_at)
        phones.write_text(json.dumps(made.phones, ensure_ascii=False, indent=1), "utf-8")
    elif not seeded and options.at and empty:
        with context.database.begin() as db:
            clock.set_now(db, starts_at)
    if not phones.exists():
        with context.database.begin() as db:
            known = seed.read_seed(db).phones if seeded else []
        phones.write_text(json.dumps(known, ensure_ascii=False, indent=1), "utf-8")


def _starts_at(at: str | None, now: datetime, windows: list[PauseWindow]) -> datetime:
    """The demo's first moment: as asked, else the next weekday 09:00 outside every pause, Africa/Kigali."""
    if at:
        try:
            return datetime.strptime(at, "%Y-%m-%dT%H:%M").replace(tzinfo=clock.KIGALI)
        except ValueError:
            raise DemoFault(f"--at: expected YYYY-MM-DDTHH:MM such as 2026-05-13T09:00, got {at!r}") from None
    start = clock.local(now).replace(hour=9, minute=0, second=0, microsecond=0)
    while start < now or start.weekday() > 4 or is_paused(start.date(), windows):
        start += timedelta(days=1)
    return start


def _parts(options: Options, settings: Settings, env: dict[str, str], data_dir: Path, phones: Path) -> list[Part]:
    secret = settings.webhook_secret[0]
    service = f"http://127.0.0.1:{options.port}"
    simulator = [
        *("--port", str(options.port + 1)),
        *("--record", str(data_dir / "simulator")),
        *("--service-url", f"{service}/callbacks/africastalking/{secret}"),
        *("--username", USERNAME),
        *("--api-key", env["AT_API_KEY"]),
        *("--short-code", SHORT_CODE),
        *("--ussd-code", USSD_CODE),
        *("--phones", str(phones)),
        *("--time-url", f"{service}/demo/{secret}/time"),
    ]
    own = [sys.executable, "-m", "sms_service"]
    commands = {
        "simulator": [sys.executable, "-m", "sms_service.simulator", *simulator],
        "web": [*own, "web", "--port", str(options.port), "--workers", "1", "--threads", "4"],
        "worker": [*own, "worker"],
        "clock": [*own, "clock"],
    }
    (data_dir / "logs").mkdir(exist_ok=True)
    return [Part(name, command, env, log=data_dir / "logs" / f"{name}.log") for name, command in commands.items()]


def _stay(options: Options, context: Context, parts: list[Part], data_dir: Path, began: float) -> int:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    simulator, web, *others = parts
    web.start()
    service, handset = f"http://127.0.0.1:{options.port}", f"http://127.0.0.1:{options.port + 1}/"
    up = _answers(handset, [simulator, web], stop) and _answers(f"{service}/health/live", [simulator, web], stop)
    if stop.is_set():
        return 0
    if not up:
        raise DemoFault(f"the service did not come up; the reason is in {data_dir / 'logs'}")
    for part in others:
        part.start()
    _announce(context, service, handset, time.monotonic() - began)
    while not stop.wait(0.5):
        _restart_dead(parts)
    return 0


def _answers(url: str, parts: list[Part], stop: threading.Event) -> bool:
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until and not stop.is_set():
        if any(part.process is not None and part.process.poll() is not None for part in parts):
            return False
        with suppress(OSError, urllib.error.URLError), urllib.request.urlopen(url, timeout=2) as answer:
            if answer.status == 200:
                return True
        stop.wait(0.1)
    return False


def _announce(context: Context, service: str, handset: str, seconds: float) -> None:
    """The addresses and sign-in links, new at every start; links need no second factor because this is a demo."""
    click.echo(f"Phones:   {handset}   dial {USSD_CODE}, text to {SHORT_CODE}")
    click.echo(f"Console:  {service}/console/")
    with context.database.begin() as db:
        for account in db.execute(accounts.staff.select().where(accounts.staff.c.disabled_at.is_(None))).all():
            roles = ", ".join(sorted(accounts.roles_of(db, account.id)))
            token = make_link(context, db, account.id, second_factor=False, life=LINK_LIFE)
            click.echo(f"  sign in as {roles:14} {service}/console/link/{token}")
    click.echo(f"ready in {seconds:.1f} s; Ctrl-C stops everything")
    sys.stdout.flush()


def _restart_dead(parts: list[Part]) -> None:
    for part in parts:
        if part.process is None or part.process.poll() is None:
            continue
        if not part.died_at:
            part.died_at = time.monotonic()
            _say(f"{part.name} ended with {part.process.returncode}; starting it again")
        elif time.monotonic() - part.died_at >= RESTART_AFTER:
            part.died_at = 0.0
            part.start()
