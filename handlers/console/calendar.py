"""A group's calendar: the weeks as they went and as they will go, drawn as a month and told day by day."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from flask import request
from werkzeug.wrappers import Response

from handlers.console import group_pages, guard, labels
from handlers.console.group_pages import MEETING_STATES, WEEKDAYS
from handlers.console.language import later
from handlers.console.pages import Pages
from sms_service import clock
from sms_service.usecases import read_groups
from sms_service.usecases.read_calendar import read_calendar
from sms_service.usecases.why_not import not_sent

pages = Pages("calendar")
WEEKS = 6
WEEKS_BEFORE = 2
GROUPS = 20

OUTCOMES: Final = {
    "went": (later("gone"), "green"),
    "failed": (later("did not arrive"), "red"),
    "unsure": (later("not known whether it went"), "amber"),
    "leaves": (later("leaves"), "blue"),
    "planned": (later("will leave"), "blue"),
    "dropped": (later("will not leave"), "amber"),
    "open": (later("is decided then"), "grey"),
    "stayed": (later("did not go"), "amber"),
    "missed": (later("was due while nothing could be sent"), "red"),
}
HELD: Final = {
    "remembrance": later("Remembrance week: no routine texts and no meetings"),
    "block": later("Pause: no routine texts and no meetings"),
    "allow_urgent": later("Pause: only changes of a meeting"),
    "reword": later("Careful wording"),
    "umuganda": later("Umuganda: nothing before 13:00"),
}


@pages.page("/groups/<code>/calendar", needs=("see_groups", "own_groups"))
def calendar(code: str) -> Response:
    """Six weeks of one group; ``from`` is any day of the first one."""
    with guard.service().database.begin() as db:
        now = guard.service().now(db)
        today = clock.local(now).date()
        row = group_pages.group_row(group_pages.side(), db, code)
        first = _monday(_asked(today))
        days = read_calendar(db, row, first, WEEKS, now, guard.service().caps)
    return guard.show(
        "calendar.html",
        row=row,
        weeks=[days[start : start + 7] for start in range(0, len(days), 7)],
        told=[one for one in days if one.meetings or one.lines or one.held],
        today=today,
        earlier=first - timedelta(weeks=WEEKS),
        later_on=first + timedelta(weeks=WEEKS),
        outcomes=OUTCOMES,
        held=HELD,
        meeting_states=MEETING_STATES,
        weekdays=WEEKDAYS,
        label=labels.label,
        tone=labels.tone,
    )


@pages.page("/calendar", needs=("see_groups", "own_groups"))
def week() -> Response:
    """All groups' week, a page of groups at a time; ``from`` is any day of it, ``page`` counts from 1 (I22)."""
    context = guard.service()
    number = request.args.get("page", "1")
    page = int(number) if number.isascii() and number.isdigit() and len(number) < 5 else 1
    with context.database.begin() as db:
        now = context.now(db)
        today = clock.local(now).date()
        first = _monday(_asked(today) if request.args.get("from") else today)
        lines = [
            line.row for line in read_groups.group_lines(db, now, group_pages.side().facilitator_id) if line.row.state != "closed"
        ]
        pages_of = max(1, -(-len(lines) // GROUPS))
        page = min(max(page, 1), pages_of)
        shown = lines[(page - 1) * GROUPS : page * GROUPS]
        rows = [(row, read_calendar(db, row, first, 1, now, context.caps)) for row in shown]
    return guard.show(
        "calendar_week.html",
        rows=rows,
        days=[first + timedelta(days=n) for n in range(7)],
        today=today,
        first=first,
        page=page,
        pages_of=pages_of,
        earlier=first - timedelta(weeks=1),
        later_on=first + timedelta(weeks=1),
        held=HELD,
        label=labels.label,
    )


@pages.page("/groups/<code>/calendar/<day>", needs="see_log")
def why(code: str, day: str) -> Response:
    """What of this group's texts did not go on a day: codes, the reason in a sentence, and the thread."""
    try:
        asked = date.fromisoformat(day)
    except ValueError:
        guard.missing()
    with guard.service().database.begin() as db:
        row = group_pages.group_row(group_pages.side(), db, code)
        found = not_sent(db, row.id, asked, guard.service().now(db))
    return guard.show("calendar_why.html", row=row, day=asked, found=found)


def _asked(today: date) -> date:
    """The day asked for, within what a calendar can show; two weeks ago when none is."""
    try:
        asked = date.fromisoformat(request.args.get("from", ""))
    except ValueError:
        return today - timedelta(weeks=WEEKS_BEFORE)
    return min(max(asked, today - timedelta(days=3660)), today + timedelta(days=3660))


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
