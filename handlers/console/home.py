"""The first page: what needs a person now."""

from __future__ import annotations

from flask import redirect, url_for
from werkzeug.wrappers import Response

from handlers.console import guard
from handlers.console.pages import SIGNED_IN, Pages
from sms_service.usecases import concerns as work
from sms_service.usecases.overview import counts, today

pages = Pages("home")


@pages.page("/", needs=SIGNED_IN)
def home() -> Response:
    """Open concerns, meetings and today's texts; counts of 5 or more for readers; a facilitator goes to their groups."""
    if not guard.may("see_dashboard"):
        return redirect(url_for("console.groups_groups"), 303)
    context = guard.service()
    with context.database.begin() as db:
        now = context.now(db)
        if not guard.may("see_health"):
            return guard.show("counts.html", counts=counts(db, now))
        waiting = work.listed(db, guard.me(), work.Filter(), limit=8) if guard.may("see_tasks") else []
        return guard.show("home.html", waiting=waiting, today=today(db, now), now=now)
