"""The operator's commands: results on standard output, progress on standard error, `--json` where a machine reads."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from sqlalchemy import select
from sqlalchemy.exc import OperationalError, ProgrammingError

from sms_service import (
    backup_commands,
    campaign_commands,
    check_commands,
    conversation_commands,
    inbox_commands,
    key_commands,
    retention_commands,
    wiring,
)
from sms_service.config import Settings
from sms_service.conversation.toml_read import TomlFault, read_toml
from sms_service.models import state
from sms_service.models.numbers import number
from sms_service.models.outbox import outbox
from sms_service.usecases import broadcasts, groups, invariants, outbound_switch, sign_in, staff_accounts
from sms_service.usecases import replay as replays
from sms_service.usecases.context import Context
from sms_service.usecases.faults import UseFault
from sms_service.usecases.import_participants import ImportReport, import_participants
from sms_service.usecases.list_file import MOST_ROWS

ACTOR = "command"
Fail = type[click.ClickException]


def add_to(main: click.Group, settings: Callable[[], Settings], failed: Fail) -> None:
    """Put every command on the console script."""

    @contextmanager
    def using() -> Iterator[Context]:
        chosen = settings()
        context = wiring.context_from(chosen, nudge=wiring.nudger(chosen))
        try:
            yield context
        except UseFault as fault:
            raise failed(str(fault)) from None
        except (OperationalError, ProgrammingError) as fault:
            what = str(fault.orig).partition("\n")[0][:120]
            raise failed(f"the database cannot be used: {what}. Is DATABASE_URL right, and was sms-service migrate run?") from None
        finally:
            context.database.dispose()

    _add_checks(main, using, failed)
    _add_replay(main, using, failed)
    _add_people(main, using, settings, failed)
    _add_broadcasts(main, using, failed)
    _add_switches(main, using)
    check_commands.add_to(main, using, failed)
    conversation_commands.add_to(main, using, failed)
    inbox_commands.add_to(main, using, settings, failed)
    retention_commands.add_to(main, using, failed)
    backup_commands.add_to(main, using, settings, failed)
    campaign_commands.add_to(main, using)
    key_commands.add_to(main, using, failed)


def _add_checks(main: click.Group, using: Any, failed: Fail) -> None:
    @main.command(name="invariants")
    @click.option("--json", "as_json", is_flag=True)
    @click.option("--sample", type=click.IntRange(min=1), default=invariants.REPLAYED, show_default=True, help="newest dialogues")
    @click.option("--all", "everything", is_flag=True, help="play every dialogue and dial again, not a sample")
    def invariants_command(as_json: bool, sample: int, everything: bool) -> None:
        """The invariants that a database can answer by itself, beside a working service; exit 1 if one is broken."""
        with using() as context:
            found = invariants.check_invariants(context, sample=None if everything else sample)
        if as_json:
            click.echo(json.dumps([asdict(one) for one in found]))
        else:
            for one in found:
                click.echo(
                    f"{one.rule:4} {'broken ' + str(one.broken) if one.broken else 'holds':12} {one.says} ({one.checked} looked at)"
                )
            for rule, where in invariants.ELSEWHERE.items():
                click.echo(f"{rule:4} {'elsewhere':12} {where}")
        if any(one.broken for one in found):
            raise failed("an invariant is broken: hold outbound (sms-service outbound off) and look at the rows named")

    @main.command()
    @click.option("--json", "as_json", is_flag=True, help="one JSON object a line (the only form there is)")
    def ledger(as_json: bool) -> None:
        """One line per outbox row: key, number code, state, attempts, gateway id, times; nothing personal."""
        with using() as context, context.database.begin() as db:
            rows = outbox.c
            query = (
                select(rows.key, number.c.code, rows.state, rows.attempts, rows.gateway_id, rows.created_at, rows.accepted_at)
                .join(number, number.c.id == rows.number_id)
                .order_by(rows.id)
            )
            for row in db.execute(query.execution_options(yield_per=1000)):
                click.echo(
                    json.dumps(
                        {
                            "key": row.key,
                            "number": row.code,
                            "state": row.state,
                            "attempts": row.attempts,
                            "gateway_id": row.gateway_id,
                            "created": row.created_at.isoformat(),
                            "accepted": row.accepted_at.isoformat() if row.accepted_at else None,
                        }
                    )
                )


def _add_replay(main: click.Group, using: Any, failed: Fail) -> None:
    @main.command()
    @click.option("--json", "as_json", is_flag=True, help="one JSON object a line: every dialogue and dial, the good ones too")
    @click.option("--limit", type=click.IntRange(min=1), help="the newest so many dialogues and as many dials; all when left out")
    def replay(as_json: bool, limit: int | None) -> None:
        """Play stored dialogues and dials again from their events; exit 1 if one does not lead where it led."""
        verdicts: Counter[str] = Counter()
        with using() as context:
            for one in replays.replay_dialogues(context, limit=limit):
                verdicts[one.verdict] += 1
                if as_json:
                    click.echo(json.dumps(asdict(one)))
                elif not one.same:
                    click.echo(str(one))
        figures = ", ".join(f"{name} {verdicts[name]}" for name in ("same", "different", "not replayable"))
        click.echo(figures, err=as_json)
        if verdicts["different"]:
            raise failed("a dialogue does not follow from its events: something else changed it; compare with a backup")


def _add_people(main: click.Group, using: Any, settings: Callable[[], Settings], failed: Fail) -> None:
    @main.group()
    def staff() -> None:
        """Staff accounts."""

    @staff.command(name="add")
    @click.argument("login")
    @click.option("--role", "roles", multiple=True, required=True, help="admin, safeguarding, staff, facilitator, read_only")
    @click.option("--name", default="", help="the person's name; the login when left out")
    @click.option("--language", type=click.Choice(["en", "fr"]), default="en", show_default=True)
    @click.option("--person", default="", help="the code of a facilitator's own person")
    def add(login: str, roles: tuple[str, ...], name: str, language: str, person: str) -> None:
        """Make an account and print its single-use sign-in link, valid 30 minutes."""
        with using() as context:
            made = staff_accounts.add_staff(
                context,
                login,
                name or login,
                [role.replace("-", "_") for role in roles],
                actor=ACTOR,
                language=language,
                person_code=person,
            )
        click.echo(f"{settings().public_url}/console/link/{made.token}")

    @main.group()
    def group() -> None:
        """Groups."""

    @group.command(name="add")
    @click.option("--code", default="", help="G and digits; drawn when left out")
    @click.option("--programme", required=True, help="CSG or WMP")
    @click.option("--name", "neutral_name", required=True, help="the neutral name its members chose")
    @click.option("--cell", "cell_code", required=True)
    @click.option("--weekday", type=click.Choice(["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]), required=True)
    @click.option("--time", "start_time", required=True, help="HH:MM, Africa/Kigali")
    @click.option("--venue", "venue_code", required=True)
    @click.option("--first-day", type=click.DateTime(["%Y-%m-%d"]), help="makes the meetings from this day on")
    def add_group(weekday: str, first_day: Any, **fields: Any) -> None:
        """Make a group and print its code."""
        day = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].index(weekday)
        new = groups.NewGroup(weekday=day, first_day=first_day.date() if first_day else None, **fields)
        with using() as context:
            click.echo(groups.add_group(context, new, ACTOR))

    @main.group(name="import")
    def import_group() -> None:
        """Lists in bulk."""

    @import_group.command()
    @click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
    @click.option("--dry-run", is_flag=True, help="say what would happen and change nothing")
    @click.option("--json", "as_json", is_flag=True)
    def participants(file: Path, dry_run: bool, as_json: bool) -> None:
        """Import a participant list (.csv or .xlsx): all of it, or nothing with the reasons."""
        with using() as context:
            report = import_participants(context, file.name, file.read_bytes(), ACTOR, dry_run=dry_run, most_rows=MOST_ROWS)
        _say_import(report, as_json)
        if report.rejected or (report.faults and not report.applied):
            raise failed(f"{report.rejected} rows rejected: nothing was changed; correct the list and import it again")


def _say_import(report: ImportReport, as_json: bool) -> None:
    figures = {name: getattr(report, name) for name in ("rows", "added", "updated", "unchanged", "rejected", "stopped", "applied")}
    if as_json:
        click.echo(json.dumps({**figures, "faults": [str(fault) for fault in report.faults]}))
        return
    for fault in report.faults:
        click.echo(str(fault))
    click.echo(", ".join(f"{name} {value}" for name, value in figures.items()))


def _add_broadcasts(main: click.Group, using: Any, failed: Fail) -> None:
    @main.group(invoke_without_command=True)
    @click.option("--group", "group_codes", multiple=True, help="a group's code; give it again for more groups")
    @click.option("--message-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="TOML with rw, fr, en, sw")
    @click.option("--author", default="", help="the staff account that writes it")
    @click.option("--dry-run", is_flag=True, help="show recipients, exclusions and cost, keep nothing")
    @click.pass_context
    def broadcast(
        click_context: click.Context, group_codes: tuple[str, ...], message_file: Path | None, author: str, dry_run: bool
    ) -> None:
        """Draft a broadcast; it is sent only after a second person approves."""
        if click_context.invoked_subcommand is not None:
            return
        if not group_codes or message_file is None or not author:
            raise click.UsageError("--group, --message-file and --author are needed")
        try:
            texts = read_toml(message_file.read_text("utf-8"))
        except TomlFault as fault:
            raise failed(f"{message_file.name} {fault}") from None
        except UnicodeDecodeError:
            raise failed(f"{message_file.name} is not UTF-8: save it as UTF-8") from None
        with using() as context:
            if dry_run:
                preview = broadcasts.preview_texts(context, author, group_codes, texts)
            else:
                code = broadcasts.draft_broadcast(context, author, group_codes, texts)
                broadcasts.submit_broadcast(context, code, author)
                with context.database.begin() as db:
                    preview = broadcasts.preview_broadcast(context, db, code)
                click.echo(code)
        click.echo(f"recipients {preview.recipients}, segments {preview.segments}, cost {preview.cost:.0f}", err=True)
        for reason, count in sorted(preview.excluded.items()):
            click.echo(f"left out {count}: {reason}", err=True)

    @broadcast.command()
    @click.argument("code")
    @click.option("--as", "login", required=True, help="the approver's account, not the author's")
    def approve(code: str, login: str) -> None:
        """Approve with the approver's one-time code, asked for on the terminal."""
        one_time = click.prompt("one-time code", hide_input=True, err=True)
        with using() as context:
            if not sign_in.check_one_time(context, login, one_time):
                raise failed("the account and code do not fit together: nothing was approved")
            starts_at = broadcasts.approve_broadcast(context, code, login)
        click.echo(starts_at.isoformat())


def _add_switches(main: click.Group, using: Any) -> None:
    @main.command()
    @click.argument("position", type=click.Choice(["on", "off"]))
    @click.option("--reason", default="", help="kept in the audit")
    def outbound(position: str, reason: str) -> None:
        """The one switch: off stops every text to participants, on lets them go again; inbound stays alive (S41)."""
        with using() as context:
            outbound_switch.set_outbound(context, position == "on", ACTOR, reason)
        click.echo(f"outbound is {position}")

    @main.command()
    def resume() -> None:
        """Let the sending channel go on after the gateway refused a key, a sender or for want of balance."""
        with using() as context, context.database.begin() as db:
            state.change_channel(db, paused_at=None, pause_reason=None, failures=0, breaker_until=None, slow_until=None)
            context.record(db, ACTOR, "channel.resume", "sms")
        click.echo("the channel may send again")
