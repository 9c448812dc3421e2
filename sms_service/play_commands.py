"""`sms-service conversation play`: a conversation on the terminal, with a made-up person and facts; nobody is written to."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from sms_service import paths
from sms_service.catalogue import read_catalogue
from sms_service.conversation.definition import Conversation
from sms_service.conversation.engine import EngineFault
from sms_service.conversation.play import Play, PlayFault
from sms_service.conversation.types import Channel
from sms_service.conversation.words import Words, WordsFault
from sms_service.text.gsm import segments
from sms_service.text.lexicon import Lexicon, build_lexicon
from sms_service.usecases import read_versions
from sms_service.usecases.context import Context

Fail = type[click.ClickException]
HELP = """\
Whatever you type is a text, or a key on USSD. Lines with a colon do something else:
:channel ussd   go on by the other channel      :drop, :resume   lose the dial, dial again
:timeout        the question closes             :facts next_meeting=none   what the service answers from here on
:save FILE      keep this as a transcript       :quit"""


def add_to(conversation: click.Group, using: Any, failed: Fail) -> None:
    """Put ``play`` on the group."""

    @conversation.command()
    @click.argument("name")
    @click.option("--version", "number", type=int, help="a version of this site; what runs when left out")
    @click.option(
        "--draft",
        "drafts",
        multiple=True,
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="files laid over those that ship (a definition, words); no database is needed",
    )
    @click.option("--language", default="en", show_default=True)
    @click.option("--channel", type=click.Choice(["sms", "ussd"]), help="sms where the conversation runs by it")
    @click.option("--flags", default="", help="what it begins with: personal=no,unregistered=yes,day=2026-11-25")
    def play(name: str, number: int | None, drafts: tuple[Path, ...], language: str, channel: str | None, flags: str) -> None:
        """Play NAME here: read its texts, answer them, and keep what was said as a test (:save FILE)."""
        if drafts:
            conversations, words, lexicon = _from_files(drafts, failed)
        else:
            with using() as context:
                conversations, words, lexicon = _from_database(context, name, number, failed)
        if name not in conversations:
            raise failed(f"there is no conversation {name}: expected one of {', '.join(sorted(conversations))}")
        by: Channel = "sms" if (channel or conversations[name].channels[0]) == "sms" else "ussd"
        try:
            made = Play.of(name, conversations, words, lexicon, language=language, channel=by)
            for flag in filter(None, flags.split(",")):
                made.act(f"given {flag.strip().replace('=', ' = ', 1)}")
            _show(made, made.begin())
        except (PlayFault, EngineFault, WordsFault) as fault:
            raise failed(str(fault)) from None
        _converse(made)


def _from_files(drafts: tuple[Path, ...], failed: Fail) -> tuple[Mapping[str, Conversation], Words, Lexicon]:
    """What ships, with these files over it; a fault of theirs is told before anything is played."""
    read = read_catalogue(paths.templates_dir(), over=drafts, proof=False)
    for fault in read.faults:
        click.echo(str(fault), err=True)
    if read.faults:
        raise failed(f"{len(read.faults)} faults: correct them, then play it")
    return read.conversations, read.words, build_lexicon(read.lexicon)


def _from_database(
    context: Context, name: str, number: int | None, failed: Fail
) -> tuple[Mapping[str, Conversation], Words, Lexicon]:
    """What is published, with version ``number`` of this conversation in its place."""
    with context.database.begin() as db:
        _, version = read_versions.one_version(context, db, name, number)
    if version.conversation is None:
        raise failed(f"{name} are single texts: there is nothing to play")
    return {**context.conversations, name: version.conversation}, context.words, context.lexicon


def _converse(play: Play) -> None:
    """Line by line until :quit or the end of the input; what cannot be done is said and nothing is lost."""
    click.echo("(:help says what can be done besides answering)", err=True)
    for typed in _lines():
        word, _, rest = typed.partition(" ")
        if word == ":quit":
            return
        if word == ":help":
            click.echo(HELP, err=True)
            continue
        try:
            if word == ":save":
                _save(play, rest)
            else:
                _show(play, play.act(_line_for(word, rest, typed)))
        except (PlayFault, EngineFault, WordsFault) as fault:
            click.echo(f"! {fault}", err=True)


def _lines() -> Iterator[str]:
    asks = sys.stdin.isatty()
    while True:
        if asks:
            click.echo("> ", nl=False)
        line = sys.stdin.readline()
        if not line:
            return
        yield line.rstrip("\r\n")


_DEEDS: Mapping[str, Callable[[str], str]] = {
    ":channel": lambda rest: f"channel {rest}",
    ":drop": lambda _: "drop",
    ":resume": lambda _: "resume",
    ":timeout": lambda _: "timeout",
    ":facts": lambda rest: f"fact {rest.replace('=', ' = ', 1)}",
}


def _line_for(word: str, rest: str, typed: str) -> str:
    """The transcript's line for what was typed."""
    if not word.startswith(":"):
        return f"phone> {typed}"
    if word not in _DEEDS:
        raise PlayFault(f"{word} is not known: :help lists what is")
    return _DEEDS[word](rest.strip())


def _show(play: Play, came: list[str]) -> None:
    """Each text with its length, how the input was read, what the service is told, and where the dialogue stands."""
    player = play.player
    if player.reading is not None:
        read = player.reading
        click.echo(f"  read as {read.intent} {'' if read.value is None else read.value} (rule {read.rule}, {read.confidence:.2f})")
        player.reading = None
    for line in came:
        if not line.startswith("phone< "):
            click.echo(f"  {line}")
            continue
        for text in player.texts:
            counted = segments(text)
            click.echo(f"  {player.channel}, {counted.units} characters, {counted.parts} part{'s' if counted.parts > 1 else ''}")
            click.echo("\n".join(f"| {row}" for row in text.split("\n")))
    if player.place is not None:
        click.echo(f"  step {player.place.step}")


def _save(play: Play, name: str) -> None:
    """Add the recording to a file, which may hold others already."""
    if not name.strip():
        raise PlayFault("':save' needs the name of a file")
    path = Path(name.strip())
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(f"\n{play.recording}" if file.tell() else play.recording)
    except OSError as fault:
        raise PlayFault(f"{path} cannot be written ({fault.strerror}): name another file") from None
    click.echo(f"added to {path}; in templates/transcripts it is part of every check", err=True)
