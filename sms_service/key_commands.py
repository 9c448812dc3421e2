"""The commands of `sms-service keys`: what each field key still seals, sealing anew, letting a key go."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from sms_service.usecases import rotate_keys

ACTOR = "command"


def add_to(main: click.Group, using: Any, failed: type[click.ClickException]) -> None:
    """Put the group on the console script."""

    @main.group()
    def keys() -> None:
        """The field keys: FIELD_KEYS is a ring, whose first key seals and of which all open."""

    @keys.command()
    @click.option("--json", "as_json", is_flag=True)
    def status(as_json: bool) -> None:
        """How many values each key seals."""
        with using() as context:
            found = rotate_keys.sealed_with(context)
            ring = list(context.vault.fingerprints)
        totals = {key_id: sum(counts.get(key_id, 0) for counts in found.values()) for key_id in _ids(found, ring)}
        if as_json:
            click.echo(json.dumps({"seals": ring[0], "ring": ring, "values": totals, "columns": found}))
            return
        for key_id, count in totals.items():
            place = "seals" if key_id == ring[0] else "opens" if key_id in ring else "NOT IN FIELD_KEYS"
            click.echo(f"key {key_id:3} {place:18} {count:10} values")

    @keys.command()
    def rotate() -> None:
        """Seal everything anew with the first key, while the service runs; may be cut short and run again."""
        with using() as context:
            count = rotate_keys.on_other_keys(context)
            with click.progressbar(length=count, label="sealing", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
                made = rotate_keys.reseal(context, ACTOR, progress=bar.update)
            left = rotate_keys.on_other_keys(context)
        click.echo(f"{made.done} values sealed with key {context.vault.current_key_id}, {left} left on others")
        if made.closed:
            places = ", ".join(f"{name} {number}" for name, number in sorted(made.closed.items()))
            raise failed(f"some values do not open: {places}; is every key that ever sealed in FIELD_KEYS?")
        if left:
            raise failed("a process still seals with another key: restart all of them with the same FIELD_KEYS, then rotate again")

    _add_ends(keys, using, failed)


def _add_ends(keys: click.Group, using: Any, failed: type[click.ClickException]) -> None:
    @keys.command()
    @click.argument("key_id", metavar="ID", type=click.IntRange(1, 255))
    @click.option("--yes", is_flag=True, help="needed: a key that is gone opens nothing")
    def retire(key_id: int, yes: bool) -> None:
        """Allow a key to be taken out of FIELD_KEYS; refused while anything is sealed with it."""
        if not yes:
            raise click.UsageError(f"this allows key {key_id} to be taken away for good: give --yes")
        with using() as context:
            rotate_keys.retire(context, key_id, ACTOR)
        click.echo(f"nothing needs key {key_id}: take it out of FIELD_KEYS and restart every process")
        click.echo("keep it apart as long as there are backups made before: they need it (35 days)", err=True)

    @keys.command()
    def verify() -> None:
        """Open every sealed value; exit 1 if one does not open."""
        closed = opened = 0
        with using() as context, context.database.snapshot() as db:
            for name, right, wrong in rotate_keys.open_everything(context, db):
                opened, closed = opened + right, closed + wrong
                if wrong:
                    click.echo(f"{name}: {wrong} do not open")
        click.echo(f"{opened} values open, {closed} do not")
        if closed:
            raise failed("some values cannot be read: is every key that ever sealed in FIELD_KEYS?")


def _ids(found: dict[str, dict[int, int]], ring: list[int]) -> list[int]:
    """The ring's keys in its order, then those that seal something and are not in it."""
    used = {key_id for counts in found.values() for key_id in counts}
    return [*ring, *sorted(used - set(ring))]
