"""The commands of `sms-service inbox`: what the gateway still holds after an outage."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import click

from sms_service.clock import KIGALI, local
from sms_service.config import Settings
from sms_service.gateway.africastalking import InboxFault
from sms_service.gateway.registry import client_for
from sms_service.usecases import fetch_inbox

ACTOR = "command"


def add_to(main: click.Group, using: Any, settings: Callable[[], Settings], failed: type[click.ClickException]) -> None:
    """Put the group on the console script."""

    @main.group()
    def inbox() -> None:
        """The gateway's inbox, for repairing gaps."""

    @inbox.command()
    @click.option("--since", type=click.DateTime(["%Y-%m-%dT%H:%M"]), help="Africa/Kigali; the outages, else 24 hours")
    @click.option("--apply", "apply_all", is_flag=True, help="bring in every text listed")
    @click.option("--only", type=int, multiple=True, help="bring in this one; give it again for more")
    @click.option("--json", "as_json", is_flag=True, help="one JSON object a line")
    def fetch(since: datetime | None, apply_all: bool, only: tuple[int, ...], as_json: bool) -> None:
        """List the texts the gateway has and this database has not; a person then brings them in."""
        if apply_all and only:
            raise click.UsageError("--apply brings in all of them, --only some: give one of the two")
        client = client_for(settings())
        with using() as context:
            start = since.replace(tzinfo=KIGALI) if since else fetch_inbox.since_when(context)
            try:
                texts = fetch_inbox.missing_texts(context, client, start)
            except InboxFault as fault:
                raise failed(str(fault)) from None
            for one in texts:
                sent = local(one.sent_at).strftime("%Y-%m-%d %H:%M") if one.sent_at else None
                if as_json:
                    click.echo(json.dumps({"id": one.inbox_id, "ending": one.ending, "sent": sent, "length": one.length}))
                else:
                    click.echo(f"{one.inbox_id:8}  ...{one.ending:4} {sent or 'time unknown':16}  {one.length} characters")
            said = f"{len(texts)} missing since {local(start):%Y-%m-%d %H:%M}"
            if apply_all or only:
                said += f", {fetch_inbox.bring_in(context, texts, only, start, ACTOR)} brought in"
            elif texts:
                said += ": look at the list, then give --apply, or --only with a number"
            else:
                said += ": give --apply to say that this was looked into"
        click.echo(said, err=True)
