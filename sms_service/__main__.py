"""The console script: processes, the demo, and the commands an operator needs. Exit 0 done, 1 failed, 2 wrong use."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

import click

from sms_service import logs
from sms_service.config import Settings, SettingsFault, load_settings

# On a machine that carries web and workers, a callback or a dial that waits for its answer goes before what a worker does.
WORKER_NICE = 5


class Failed(click.ClickException):
    """Something could not be done: the message says what, and the exit code is 1."""

    exit_code = 1


def settings() -> Settings:
    """The settings of this process; every fault on its own line."""
    try:
        return load_settings(os.environ, env_file=Path(".env"))
    except SettingsFault as fault:
        raise Failed("the settings cannot be used:\n" + str(fault)) from None


class Commands(click.Group):
    """The operator's commands are loaded when one is asked for: a process that runs for weeks carries only what it works with."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        self._load()
        return super().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.commands:
            self._load()
        return super().get_command(ctx, cmd_name)

    def _load(self) -> None:
        from sms_service import commands

        if "check" not in self.commands:
            commands.add_to(self, settings, Failed)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """SMS and USSD for peace-building groups: reminders, one-key answers, requests for a call."""


@main.command()
def migrate() -> None:
    """Bring the database to the current schema and add new programmes and conversations (the release process)."""
    from sms_service import schema, wiring
    from sms_service.catalogue import CatalogueFault
    from sms_service.database import Database

    chosen = settings()
    for line in chosen.warnings():
        click.echo(f"note: {line}", err=True)
    chosen.data_dir.mkdir(parents=True, exist_ok=True)
    schema.migrate(Database(chosen.database_url))
    try:
        installed = wiring.install_release(wiring.context_from(chosen))
    except CatalogueFault as fault:
        raise Failed(f"the templates cannot be used:\n{fault}") from None
    click.echo("the schema is current" + "".join(f"; {line}" for line in installed), err=True)


@main.command()
@click.option("--port", type=int, default=lambda: int(os.environ.get("PORT", "8000")), help="default $PORT, else 8000")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--workers", type=click.IntRange(1, 32), default=2, show_default=True, help="web processes")
@click.option("--threads", type=click.IntRange(1, 32), default=4, show_default=True, help="threads of each")
def web(port: int, host: str, workers: int, threads: int) -> None:
    """Serve callbacks, console and health."""
    settings()
    from granian import Granian
    from granian.constants import Interfaces

    server = Granian(
        "sms_service.wiring:web_application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        factory=True,
        workers=workers,
        blocking_threads=threads,
        log_access=False,
        log_dictconfig=logs.GRANIAN_LOGGING,
        respawn_failed_workers=True,
        workers_kill_timeout=10,
    )
    server.serve()


@main.command()
def worker() -> None:
    """Work on nudges: inbound texts, sends, broadcasts. Without REDIS_URL a private queue store is started here."""
    chosen = settings()
    logs.configure(chosen.log_level, "worker")
    os.nice(WORKER_NICE)
    from sms_service import store, wiring
    from workers.entry import run_worker

    try:
        with store.private_store(chosen.data_dir, redis_url=chosen.redis_url) as url:
            context = wiring.context_from(chosen, nudge=wiring.nudger(chosen), sends=True, pool=4)
            wiring.get_ready(context)
            run_worker(context, store.connect(url))
    except store.StoreFault as fault:
        raise Failed(str(fault)) from None


@main.command()
def clock() -> None:
    """Tick: schedules, alerts, and the sweep that finds what a lost nudge meant."""
    chosen = settings()
    logs.configure(chosen.log_level, "clock")
    from sms_service import wiring
    from workers.clock import run_clock

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    run_clock(wiring.context_from(chosen, nudge=wiring.nudger(chosen), sends=True, pool=4), stop, wiring.backups_of(chosen))


@main.command()
@click.option("--every", type=click.FloatRange(0.1, 300), default=30.0, show_default=True, help="seconds between looks")
@click.option("--url", default="", help="the address to look at; PUBLIC_URL when left out")
def watch(every: float, url: str) -> None:
    """Look at the service from outside and call somebody: works with database, queue store and gateway gone."""
    chosen = settings()
    logs.configure(chosen.log_level, "watch")
    from sms_service.watch import Routes, Watch

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    routes = Routes(chosen.alarm_command, chosen.alarm_url, chosen.heartbeat_url)
    Watch(url or chosen.public_url, chosen.data_dir, routes, every).run(stop)


@main.command(name="demo")
@click.option("--port", type=click.IntRange(1, 65_534), default=8000, show_default=True, help="the phones get the next port")
@click.option("--data-dir", type=click.Path(path_type=Path, file_okay=False), help="where the demo keeps its data")
@click.option("--no-seed", is_flag=True, help="start with an empty programme")
@click.option("--at", help="the service's time at the first start, as 2026-05-13T09:00 (Africa/Kigali)")
@click.option("--database-url", default="", help="another database, empty or a demo's")
@click.option("--redis-url", default="", help="another queue store, empty or a demo's")
def demo_command(port: int, data_dir: Path | None, no_seed: bool, at: str | None, database_url: str, redis_url: str) -> None:
    """The whole service with a phone simulator and demo data; one Ctrl-C ends all of it."""
    from sms_service import store
    from sms_service.catalogue import CatalogueFault
    from sms_service.demo import supervisor  # only this process carries the demo

    try:
        code = supervisor.run(
            supervisor.Options(
                port=port, data_dir=data_dir, seed=not no_seed, at=at, database_url=database_url, redis_url=redis_url
            )
        )
    except (supervisor.DemoFault, SettingsFault, CatalogueFault, store.StoreFault) as fault:
        raise Failed(str(fault)) from None
    sys.exit(code)


if __name__ == "__main__":
    main()
