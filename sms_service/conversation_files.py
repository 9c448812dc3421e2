"""`sms-service conversation export` and `import`: files for authors and translators, out and back in."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from sms_service.conversation.faults import refusing
from sms_service.conversation.toml_text import definition_text, words_text
from sms_service.usecases.bring_in import BroughtIn, Given, bring_in
from sms_service.usecases.bring_out import Out, take_out
from sms_service.usecases.translations import write_csv, write_xlsx
from sms_service.usecases.translations_po import write_po
from sms_service.usecases.versions import COMMAND

FORMATS = ("toml", "xlsx", "csv", "po")
PATH = click.Path(path_type=Path)


def add_to(conversation: click.Group, using: Any, failed: type[click.ClickException]) -> None:
    """Put both commands on the group."""
    _add_export(conversation, using, failed)
    _add_import(conversation, using, failed)


def _add_export(conversation: click.Group, using: Any, failed: type[click.ClickException]) -> None:
    @conversation.command(name="export")
    @click.argument("name", required=False, default="")
    @click.argument("number", type=int, required=False)
    @click.option("--format", "form", type=click.Choice(FORMATS), default="xlsx", show_default=True)
    @click.option("--language", default="", help="toml: the words of this language, not the definition; po: this one alone")
    @click.option("--output", type=PATH, help="a file; for po without --language a folder; standard output when left out")
    def export(name: str, number: int | None, form: str, language: str, output: Path | None) -> None:
        """Write NAME (its newest draft, else what runs, or version NUMBER) as a file; the words of everything without a NAME."""
        with using() as context, context.database.begin() as db:
            out = take_out(context, db, name, number)
        if language and language not in out.words.languages:
            raise failed(f"there are no words in {language}: there are {', '.join(out.words.languages)}")
        if form == "po" and not language:
            _write_each(out, name or "all", output, failed)
            return
        _write(_content(out, form, language, failed), form, output, failed)


def _content(out: Out, form: str, language: str, failed: type[click.ClickException]) -> bytes:
    if form == "xlsx":
        return write_xlsx(out.words, out.keys, out.places, out.reviews)
    if form == "csv":
        return write_csv(out.words, out.keys, out.places, out.reviews)
    if form == "po":
        return write_po(out.words, language, out.keys, out.places, out.reviews.get(language, ""))
    if language:
        return words_text(out.words, language, out.keys, out.reviews.get(language, "")).encode()
    if out.version is None or out.version.conversation is None:
        raise failed("only one conversation has a definition: name one, or give --language for words as TOML")
    return definition_text(out.version.conversation, json.loads(out.version.definition)).encode()


def _write_each(out: Out, name: str, folder: Path | None, failed: type[click.ClickException]) -> None:
    if folder is None:
        raise failed("a PO file holds one language: name it with --language, or a folder for all of them with --output")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise failed(f"{folder} cannot be made ({fault.strerror}): name another folder") from None
    for language in out.words.languages:
        _write(_content(out, "po", language, failed), "po", folder / f"{name}.{language}.po", failed)


def _write(content: bytes, form: str, output: Path | None, failed: type[click.ClickException]) -> None:
    if output is None:
        if form == "xlsx" and sys.stdout.isatty():
            raise failed("a spreadsheet is not shown on a terminal: name a file with --output")
        sys.stdout.buffer.write(content)
        return
    try:
        output.write_bytes(content)
    except OSError as fault:
        raise failed(f"{output} cannot be written ({fault.strerror}): name another file") from None
    click.echo(f"{output}", err=True)


def _add_import(conversation: click.Group, using: Any, failed: type[click.ClickException]) -> None:
    @conversation.command(name="import")
    @click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
    @click.option("--dry-run", is_flag=True, help="say what would happen and change nothing")
    @click.option(
        "--reviewed", is_flag=True, help="record the native reviewers that the files name: they signed off these very words"
    )
    @click.option("--json", "as_json", is_flag=True, help="one JSON object: faults, drafts, completeness")
    def import_command(files: tuple[Path, ...], dry_run: bool, reviewed: bool, as_json: bool) -> None:
        """Make drafts of FILES, all or none: definitions (.toml), words (.toml in a folder such as rw, .xlsx, .csv, .po)."""
        try:
            given = [Given(file.name, file.read_bytes(), file.resolve().parent.name) for file in files]
        except OSError as fault:
            raise failed(f"{fault.filename} cannot be read ({fault.strerror})") from None
        with using() as context:
            report = bring_in(context, given, COMMAND, "command", dry_run=dry_run, reviewed=reviewed)
        _say(report, as_json)
        wrong = refusing(report.faults)
        if wrong:
            raise failed(f"{len(wrong)} faults: nothing was changed; correct them and import the files again")


def _say(report: BroughtIn, as_json: bool) -> None:
    numbers = {one.name: one for one in report.made}
    if as_json:
        click.echo(
            json.dumps(
                {
                    "faults": [fault.to_json() for fault in report.faults],
                    "drafts": [{"name": one.name, "number": one.number, "new": one.new} for one in report.made],
                    "differences": dict(report.changes),
                    "signed": [list(one) for one in report.signed],
                    "complete": {language: list(counted) for language, counted in report.complete.items()},
                    "applied": report.applied,
                },
                ensure_ascii=False,
            )
        )
        return
    for fault in report.faults:
        click.echo(str(fault), err=fault.kind == "notice")
    for name, differences in report.changes.items():
        made = numbers.get(name)
        what = "would be a draft" if made is None else f"{made.number} {'is a new draft' if made.new else 'was there already'}"
        click.echo(f"{name} {what}: {differences} differences")
    for name, language in report.signed:
        click.echo(f"{name}: {language} is signed off")
    if not report.changes and not report.signed and not refusing(report.faults):
        click.echo("nothing differs from what stands")
    click.echo("complete: " + ", ".join(f"{one} {done} of {whole}" for one, (done, whole) in report.complete.items()), err=True)
