"""What a transcript says of reports: the one on a meeting (V15), and a pair's of a month (V16)."""

from __future__ import annotations

from sms_service.models import reports
from sms_service.usecases.cascade_reports import months_filed
from tests.scenarios.world import Broken, World

BOTH = {True: " both=yes", False: " both=no", None: ""}


def meeting_report(world: World, words: list[str]) -> None:
    """``G07 1 nothing``, or the report as ``M4 W0 D1 R0 none [both=yes|no] by P9001 [other=..] [flags=..,..]``."""
    meeting = world.site.meetings(words[0])[int(words[1]) - 1]
    with world.service.context.database.begin() as db:
        row = reports.of_meeting(db, meeting.id)
    real = "nothing"
    if row is not None:
        counts = f"M{row.men} W{row.women} D{row.distressed} R{row.referred} {row.incident}"
        real = f"{counts}{BOTH[row.both_present]} by {row.reported_by}"
        real += f" other={row.other_by}" if row.other_by else ""
        real += f" flags={','.join(row.flags)}" if row.flags else ""
        if meeting.state != "reported":
            raise Broken(f"the meeting is {meeting.state}")
    if real != " ".join(words[2:]):
        raise Broken(f"the report is: {real}")


def pair_month(world: World, words: list[str]) -> None:
    """``R12 2026-11 nothing``, or ``3 activities W10 M8 [both=yes|no] by P1001 [other=..]``; the other one when it differs."""
    with world.service.context.database.begin() as db:
        found = [one for one in months_filed(db) if [one.pair, one.month] == words[:2]]
    real = "nothing"
    for one in found:
        counts = one.counts
        real = f"{counts.activities} activities W{counts.women} M{counts.men}{BOTH[counts.co_led]} by {one.by}"
        real += f" other={one.other_by}" if one.other else ""
    if real != " ".join(words[2:]):
        raise Broken(f"the month is: {real}")
