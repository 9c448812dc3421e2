"""The commands of `sms-service conversation`: what there is, what changed, who signed it off, and what runs."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from sms_service import conversation_files, play_commands
from sms_service.conversation.draw import draw
from sms_service.usecases import read_versions, versions
from sms_service.usecases.context import Context
from sms_service.usecases.draft_replay import DAYS, DraftReplay, replay_in_batches
from sms_service.usecases.versions import COMMAND


def add_to(main: click.Group, using: Any, failed: type[click.ClickException]) -> click.Group:
    """Put the group on the console script and return it, for those who add to it."""

    @main.group()
    def conversation() -> None:
        """Conversations: list, compare, export, import, sign off, publish, draw, play."""

    _add_lists(conversation, using)
    _add_publishing(conversation, using, failed)
    _add_drawing(conversation, using, failed)
    play_commands.add_to(conversation, using, failed)
    conversation_files.add_to(conversation, using, failed)
    return conversation


def _add_lists(conversation: click.Group, using: Any) -> None:
    @conversation.command(name="list")
    @click.argument("name", required=False)
    @click.option("--json", "as_json", is_flag=True, help="one JSON object a line")
    def list_command(name: str | None, as_json: bool) -> None:
        """Every version, or those of NAME: number, state, who brought it in and published it, languages not signed off."""
        with using() as context, context.database.begin() as db:
            found = read_versions.list_versions(context, db, name)
        for one in found:
            if as_json:
                click.echo(json.dumps(asdict(one), default=str))
                continue
            missing = f"  not signed off: {', '.join(one.unreviewed)}" if one.unreviewed else ""
            by = f"{one.imported_by}/{one.approved_by or '-'}/{one.published_by or '-'}"
            click.echo(f"{one.name:12} {one.number:3} {one.state:9} {one.imported_at:%Y-%m-%d} {by:26}{missing}")

    @conversation.command()
    @click.argument("name")
    @click.argument("older", type=int, required=False)
    @click.argument("newer", type=int, required=False)
    @click.option("--json", "as_json", is_flag=True, help="one JSON object a line")
    @click.option("--replay", is_flag=True, help="also play the latest dialogues on the newer version")
    @click.option("--days", type=click.IntRange(1, 3_660), default=DAYS, show_default=True, help="how far back --replay goes")
    def diff(name: str, older: int | None, newer: int | None, as_json: bool, replay: bool, days: int) -> None:
        """What differs: what runs against the newest draft, or version OLDER against NEWER."""
        with using() as context:
            with context.database.begin() as db:
                if newer is None:
                    newer = read_versions.newest_draft(context, db, name) if older is None else older
                    older = None
                if newer is None:
                    click.echo(f"{name}: there is no draft newer than what runs", err=True)
                    return
                found = read_versions.changes(context, db, name, older, newer)
            played = _play_draft(context, name, newer, days) if replay else None
        for one in found:
            if as_json:
                click.echo(json.dumps({**asdict(one), "kind": one.kind}, ensure_ascii=False))
                continue
            click.echo(str(one))
            for sign, text in (("-", one.before), ("+", one.after)):
                if text:
                    click.echo(f"  {sign} {text}")
        click.echo(f"{len(found)} differences", err=True)
        if played is not None:
            _say_played(played, as_json)


def _play_draft(context: Context, name: str, number: int, days: int) -> DraftReplay:
    """The dialogues of the last days on this version, telling on standard error how far it has come."""
    played = DraftReplay(name, number, days)
    for played in replay_in_batches(context, name, number, days):
        click.echo(f"{played.dialogues} dialogues played", err=True)
    return played


def _say_played(played: DraftReplay, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(played.to_json()))
        return
    for one in played.differences:
        click.echo(f"{one.code} at {one.step}: {one.what} {one.was or 'nothing'} -> {one.would or 'nothing'}")
    for reason, count in sorted(played.reasons.items()):
        click.echo(f"{count} not comparable: {reason}")
    click.echo(
        f"{played.dialogues} dialogues of {played.days} days: same {played.same}, different {played.different}, "
        f"not comparable {played.not_comparable}; another text in {played.reworded}"
    )


def _add_publishing(conversation: click.Group, using: Any, failed: type[click.ClickException]) -> None:
    @conversation.command(name="sign-off")
    @click.argument("name")
    @click.argument("number", type=int)
    @click.argument("language")
    @click.option("--reviewer", required=True, help="the native reviewer's name; kept sealed")
    def sign_off(name: str, number: int, language: str, reviewer: str) -> None:
        """Record that a native reviewer approved what version NUMBER of NAME says in LANGUAGE."""
        with using() as context:
            versions.sign_off(context, name, number, language, reviewer, COMMAND)
        click.echo(f"{name} {number}: {language} is signed off")

    @conversation.command()
    @click.argument("name")
    @click.argument("number", type=int, required=False)
    @click.option("--approve", is_flag=True, help="approve it as well, where a second person has looked at it")
    def publish(name: str, number: int | None, approve: bool) -> None:
        """Make version NUMBER of NAME, or its newest draft, the one that runs on every machine."""
        with using() as context:
            if number is None:
                with context.database.begin() as db:
                    number = read_versions.newest_draft(context, db, name)
            if number is None:
                raise failed(f"{name}: there is no draft newer than what runs; name a version (conversation list {name})")
            if approve:
                versions.approve(context, name, number, COMMAND)
            versions.publish(context, name, number, COMMAND)
        click.echo(f"{name} {number} runs from now on")


def _add_drawing(conversation: click.Group, using: Any, failed: type[click.ClickException]) -> None:
    @conversation.command(name="draw")
    @click.argument("name")
    @click.argument("number", type=int, required=False)
    @click.option("--language", default="", help="quote the texts of this language; their keys when left out")
    @click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="an .svg file; standard output when left out")
    def draw_command(name: str, number: int | None, language: str, output: Path | None) -> None:
        """Draw what runs, or version NUMBER, as an SVG that any browser shows and prints."""
        with using() as context, context.database.begin() as db:
            _, version = read_versions.one_version(context, db, name, number)
        if version.conversation is None:
            raise failed(f"{name} are single texts: they have no steps to draw")
        if language and language not in version.words.languages:
            raise failed(f"{name} has no words in {language}: it has {', '.join(version.words.languages)}")
        drawn = draw(version.conversation, language)
        if output is None:
            click.echo(drawn)
            return
        try:
            output.write_text(drawn, encoding="utf-8")
        except OSError as fault:
            raise failed(f"{output} cannot be written ({fault.strerror}): name another file") from None
        click.echo(f"{output}", err=True)
