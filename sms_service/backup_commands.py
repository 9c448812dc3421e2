"""The commands that make, check, restore and try backups."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from sms_service.config import Settings
from sms_service.security.archive import ArchiveFault
from sms_service.usecases import suppression_journal
from sms_service.usecases.context import Context
from sms_service.usecases.make_backup import KEEP_DAYS, Manifest, backup_to_directory, make_backup
from sms_service.usecases.nightly_backup import Backups, run_drill
from sms_service.usecases.read_backup import verify_backup
from sms_service.usecases.restore_backup import Restored, restore_backup

ACTOR = "command"
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)


class _MakeByDefault(click.Group):
    """``backup FILE`` and ``backup --directory D`` make one; ``backup verify FILE`` is the other command."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args.insert(0, "make")
        return super().parse_args(ctx, args)


@dataclass(frozen=True)
class _Use:
    """What the commands work with: the context, the settings, and how a command fails."""

    using: Any
    settings: Callable[[], Settings]
    failed: type[click.ClickException]

    @contextmanager
    def context(self) -> Iterator[Context]:
        """The context; a file that cannot be read as a backup ends the command with its sentence."""
        try:
            with self.using() as context:
                yield context
        except ArchiveFault as fault:
            raise self.failed(str(fault)) from None

    def key(self) -> bytes:
        """The key backups are sealed with."""
        chosen = self.settings().backup_key
        if chosen is None:
            raise self.failed("BACKUP_KEY is missing: backups are sealed with it; python -m sms_service.keys prints one")
        return chosen

    def folder(self, given: Path | None) -> Path:
        """The folder of backups."""
        chosen = given or self.settings().backup_dir
        if chosen is None:
            raise click.UsageError("--directory, or the setting BACKUP_DIR, is needed")
        return chosen


def add_to(main: click.Group, using: Any, settings: Callable[[], Settings], failed: type[click.ClickException]) -> None:
    """Put the commands on the console script."""
    use = _Use(using, settings, failed)
    _add_making(main, use)
    _add_restoring(main, use)


def _add_making(main: click.Group, use: _Use) -> None:
    @main.group(cls=_MakeByDefault, no_args_is_help=True)
    def backup() -> None:
        """Backups: `backup FILE` or `backup --directory D` makes one while the service runs."""

    @backup.command()
    @click.argument("file", type=click.Path(dir_okay=False, path_type=Path), required=False)
    @click.option("--directory", type=FOLDER, help="a folder of backups, with the journal beside them; default BACKUP_DIR")
    @click.option("--keep-days", type=click.IntRange(1, 3650), default=KEEP_DAYS, show_default=True, help="older ones there go")
    @click.option("--json", "as_json", is_flag=True)
    def make(file: Path | None, directory: Path | None, keep_days: int, as_json: bool) -> None:
        """Make a backup, to FILE or under a name of its own in a folder."""
        if file is not None and directory is not None:
            raise click.UsageError("give FILE or --directory, not both")
        with use.context() as context:
            if file is not None:
                manifest = make_backup(context, file, use.key())
            else:
                into = use.folder(directory)
                file, manifest = backup_to_directory(context, into, use.key(), keep_days=keep_days)
                suppression_journal.write_journal(context, into, use.key())
                suppression_journal.remove_old(into, manifest.made_at - timedelta(days=keep_days))
        _say(manifest, file, as_json)

    @backup.command()
    @click.argument("file", type=FILE)
    @click.option("--json", "as_json", is_flag=True)
    def verify(file: Path, as_json: bool) -> None:
        """Read all of a backup and change nothing: its chunks, counts, keys, and the audit's chain."""
        with use.context() as context:
            manifest = verify_backup(context, file, use.key())
        _say(manifest, file, as_json)


def _add_restoring(main: click.Group, use: _Use) -> None:
    @main.command()
    @click.argument("file", type=FILE)
    @click.option("--journal", type=FOLDER, help="the folder of the suppression journal; default: the backup's own")
    @click.option("--without-journal", is_flag=True, help="stops and erasures since the backup are lost: say so knowingly")
    def restore(file: Path, journal: Path | None, without_journal: bool) -> None:
        """Restore a backup into the empty database that DATABASE_URL names; outbound stays off until a person turns it on."""
        beside = None if without_journal else journal or file.absolute().parent
        if beside is not None and not any(beside.glob("suppressions-*.journal")):
            raise use.failed(
                f"there is no suppressions-*.journal in {beside}: name its folder with --journal, or give --without-journal "
                "and accept that whoever stopped or was erased since the backup is written to again"
            )
        with use.context() as context:
            restored = restore_backup(context, file, use.key(), ACTOR, journal=beside, progress=_progress())
        _say_restored(restored)

    @main.command()
    @click.option("--directory", type=FOLDER, help="the folder of backups; default BACKUP_DIR")
    @click.option("--json", "as_json", is_flag=True)
    def drill(directory: Path | None, as_json: bool) -> None:
        """Restore the newest backup into a private scratch database, look at everything in it, and remove it."""
        with use.context() as context:
            steps = []
            for step in run_drill(context, Backups(use.folder(directory), use.key())):
                steps.append(step)
                if as_json:
                    click.echo(json.dumps({"what": step.what, "count": step.count, "right": step.right, "seconds": step.seconds}))
                else:
                    click.echo(f"{'right' if step.right else 'WRONG':6} {step.seconds:8.2f} s {step.count:10}  {step.what}")
        click.echo(f"{sum(step.seconds for step in steps):.2f} s in all", err=True)
        if not all(step.right for step in steps):
            raise use.failed("the newest backup is not one to rely on: make another, try it, and look for what changed")


def _progress() -> Callable[[str], None]:
    return (lambda what: click.echo(what, err=True)) if sys.stderr.isatty() else (lambda what: None)


def _say(manifest: Manifest, file: Path, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"file": str(file), **manifest.as_json()}))
        return
    click.echo(str(file))
    click.echo(f"made {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC from {manifest.database}, schema {manifest.revision}", err=True)
    for name, count in manifest.rows.items():
        if count:
            click.echo(f"{count:10}  {name}", err=True)
    keys = ", ".join(map(str, manifest.keys_in_use)) or "none"
    click.echo(f"field keys in use: {keys}; audit head {manifest.audit_head}", err=True)


def _say_restored(restored: Restored) -> None:
    done = restored.settled
    click.echo(f"restored {sum(restored.manifest.rows.values())} rows of {restored.manifest.made_at:%Y-%m-%d %H:%M} UTC")
    click.echo(f"{done.unknown} texts that may have gone out since are unknown: a person decides about each")
    click.echo(f"{done.read_by_a_person} texts in wait for a person; {done.missed} moments of schedules are listed as missed")
    click.echo(f"{done.stopped} stops made since were applied again")
    if done.recalled:
        click.echo(f"broadcasts under way were recalled: {', '.join(done.recalled)}")
    if done.erased:
        click.echo(f"erased since, and erased again by the next purge: {', '.join(done.erased)}")
    if restored.unreadable:
        click.echo(f"{restored.unreadable} lines of the journal could not be read: torn by a power cut, or changed", err=True)
    click.echo("outbound is off: look at the console, then sms-service outbound on", err=True)
