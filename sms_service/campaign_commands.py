"""The commands of `sms-service campaign`: what is planned, without a browser."""

from __future__ import annotations

import json
from typing import Any

import click

from sms_service.models import campaigns


def add_to(main: click.Group, using: Any) -> None:
    """Put the group on the console script."""

    @main.group()
    def campaign() -> None:
        """Campaigns: a text to each person once, at a date or so many days from something; written in the console."""

    @campaign.command("list")
    @click.option("--json", "as_json", is_flag=True, help="one JSON object a line")
    def list_them(as_json: bool) -> None:
        """The newest hundred with state, moment, author, approver and their texts by state."""
        with using() as context, context.database.begin() as db:
            lines = [(row, campaigns.progress(db, row.id)) for row in campaigns.latest(db)]
        for row, counts in lines:
            told = {
                "code": row.code,
                "state": row.state,
                "class": row.text_class,
                "anchor": row.anchor,
                "day": row.on_day.isoformat() if row.on_day else None,
                "days": row.days,
                "meeting": row.meeting_no,
                "author": row.author,
                "approver": row.approver,
                "texts": counts,
            }
            if as_json:
                click.echo(json.dumps(told))
            else:
                moment = told["day"] or f"{row.days} days {row.anchor}" + (f" {row.meeting_no}" if row.meeting_no else "")
                sent = ", ".join(f"{state} {count}" for state, count in sorted(counts.items())) or "no texts yet"
                click.echo(f"{row.code}  {row.state}  class {row.text_class}  {moment}  by {row.author}  {sent}")
