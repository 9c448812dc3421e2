"""`sms-service check`: the proof before publishing, over what ships and over files laid upon it for a trial."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from sms_service import paths
from sms_service.catalogue import read_catalogue
from sms_service.conversation.check_standing import directory_notices
from sms_service.conversation.faults import Fault
from sms_service.models import directory


def add_to(main: click.Group, using: Any, failed: type[click.ClickException]) -> None:
    """Put the command on the console script."""

    @main.command()
    @click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
    @click.option("--json", "as_json", is_flag=True, help="one JSON object a line: file, step, language, reason, fix, kind")
    @click.option("--directory", "with_directory", is_flag=True, help="also the public numbers of the database: which have run out")
    def check(files: tuple[Path, ...], as_json: bool, with_directory: bool) -> None:
        """Every fault of every conversation and language, each with what would put it right; exit 1 if there is any.

        FILES are laid over those that ship, for a trial: definitions (.toml), words (.toml in the folder of a language, or a
        translators' file: .xlsx, .csv, .po), transcripts (.txt). Notices (a language nobody has signed off) refuse nothing.
        """
        catalogue = read_catalogue(paths.templates_dir(), over=files)
        notices = [*catalogue.notices]
        if with_directory:
            with using() as context, context.database.begin() as db:
                conversations = list(catalogue.conversations.values())
                notices += directory_notices(conversations, directory.valid_until(db), context.now(db))
        _say(catalogue.faults, as_json)
        _say(notices if as_json or files else _together(notices), as_json)
        if catalogue.faults:
            raise failed(f"{len(catalogue.faults)} faults: correct them, then check again")
        figures = f"{len(catalogue.conversations)} conversations, {len(catalogue.words.languages)} languages"
        click.echo(f"{figures}: no fault, {len(notices)} notices", err=True)


def _together(notices: Sequence[Fault]) -> list[Fault]:
    """Notices that say the same of many places, as one: a release as a whole awaits its reviewers language by language."""
    alike: dict[tuple[str, str], list[Fault]] = {}
    for one in notices:
        alike.setdefault((one.language, one.reason.partition(" texts ")[2] or one.reason), []).append(one)
    return [
        found[0]
        if len(found) == 1
        else Fault(f"{len(found)} conversations", "", language, reason, "conversation list names them", "notice")
        for (language, reason), found in alike.items()
    ]


def _say(found: Sequence[Fault], as_json: bool) -> None:
    for one in found:
        click.echo(json.dumps(one.to_json(), ensure_ascii=False) if as_json else str(one))
