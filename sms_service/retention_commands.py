"""The commands `sms-service retention` and `sms-service erase`: what is over goes, and a person who asks for it (S33, I19)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click

from sms_service.usecases import erase as erasing
from sms_service.usecases import overwrite
from sms_service.usecases.purge import due, purge

ACTOR = "command"


def add_to(main: click.Group, using: Any, failed: type[click.ClickException]) -> None:
    """Put both on the console script."""

    @main.command()
    @click.option("--dry-run", is_flag=True, help="count what is over, change nothing")
    @click.option("--json", "as_json", is_flag=True, help="one JSON object")
    def retention(dry_run: bool, as_json: bool) -> None:
        """Let go what is over, class by class (the clock process does it once a day); may be run again at any time."""
        with using() as context:
            counts = due(context) if dry_run else purge(context)
        _print(counts, as_json)
        click.echo(f"{sum(counts.values())} rows {'are over' if dry_run else 'gone'}", err=True)

    @main.command()
    @click.argument("code")
    @click.option("--dry-run", is_flag=True, help="list every place, change nothing")
    @click.option("--yes", is_flag=True, help="erase for good")
    @click.option("--reason", default="asked by the person", show_default=True, help="for the audit; no name, no number")
    @click.option("--json", "as_json", is_flag=True, help="one JSON object: the proof")
    def erase(code: str, dry_run: bool, yes: bool, reason: str, as_json: bool) -> None:
        """Erase the person CODE: name, numbers, texts, notes, code word, PIN. The stop stays, as a keyed hash."""
        if dry_run == yes:
            raise click.UsageError("--dry-run lists every place, --yes erases for good: give one of the two")
        with using() as context:
            found = erasing.places(context, code) if dry_run else erasing.erase(context, code, reason, ACTOR)
            if not dry_run:
                overwrite.vacuum(context)
        if as_json:
            click.echo(json.dumps({"person": found.code, "erased": not dry_run, "rows": found.rows, "kept": found.kept}))
        else:
            _print(found.rows, as_json=False)
            for name, count in found.kept.items():
                click.echo(f"{count:8}  {name} (kept)")
        click.echo(f"{found.code}: {'nothing was changed' if dry_run else 'erased'}", err=True)


def _print(counts: Mapping[str, int], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(dict(counts)))
        return
    for name, count in counts.items():
        click.echo(f"{count:8}  {name}")
