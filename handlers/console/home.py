"""The first page: what needs a person now."""

from __future__ import annotations

from typing import Any

from werkzeug.wrappers import Response

from handlers.console import guard
from handlers.console.pages import SIGNED_IN, Pages
from sms_service.models import groups, meetings
from sms_service.usecases import concerns as work
from sms_service.usecases.overview import counts, today

pages = Pages("home")


@pages.page("/", needs=SIGNED_IN)
def home() -> Response:
    """Open concerns, meetings and today's texts; counts of 5 or more for readers; their own groups for facilitators."""
    page: str
    values: dict[str, Any]
    context, me = guard.service(), guard.me()
    with context.database.begin() as db:
        now = context.now(db)
        if guard.may("see_health"):
            waiting = work.listed(db, me, work.Filter(), limit=8) if guard.may("see_tasks") else []
            page, values = "home.html", {"waiting": waiting, "today": today(db, now), "now": now}
        elif guard.may("see_reports"):
            page, values = "counts.html", {"counts": counts(db, now)}
        else:
            own = groups.of_facilitator(db, me.person_id) if me.person_id is not None else []
            page, values = "home_own.html", {"own": [(row, meetings.next_of_group(db, row.id, now)) for row in own]}
    return guard.show(page, **values)
