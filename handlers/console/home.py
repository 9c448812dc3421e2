"""The first page: what needs a person now."""

from __future__ import annotations

from typing import Any

from werkzeug.wrappers import Response

from handlers.console import guard
from handlers.console.pages import SIGNED_IN, Pages
from sms_service.usecases import concerns as work
from sms_service.usecases.overview import counts, today

pages = Pages("home")


@pages.page("/", needs=SIGNED_IN)
def home() -> Response:
    """Open concerns, meetings and today's texts; counts of 5 or more for readers; a facilitator goes to their groups."""
    page: str
    values: dict[str, Any]
    if not guard.may("see_dashboard"):
        return guard.back_to("groups_groups")
    context = guard.service()
    with context.database.reading() as db:
        now = context.now(db)
        if guard.may("see_health"):
            waiting = work.listed(db, guard.me(), work.Filter(), limit=8) if guard.may("see_tasks") else []
            page, values = "home.html", {"waiting": waiting, "today": today(db, now), "now": now}
        else:
            page, values = "counts.html", {"counts": counts(db, now)}
    return guard.show(page, **values)
