"""What surrounds every page: language, menu, banners, words said after a change, and how times are shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask import Flask, flash, g, get_flashed_messages, request, url_for
from flask_babel import format_date, format_datetime

from handlers.console import guard, labels, language, meanings, menu, tables
from handlers.console.assets import asset_url
from handlers.console.language import gettext as _
from handlers.console.language import ngettext
from sms_service import clock


@dataclass(frozen=True)
class Banner:
    """A line across every page: something is wrong and somebody should know."""

    tone: str
    text: str
    url: str = ""
    link: str = ""


def say(text: str, tone: str = "green") -> None:
    """A sentence on the next page shown to this person: what was done. Never personal data: it lies in a cookie."""
    flash(text, tone)


def banners() -> list[Banner]:
    """RED not acknowledged, outbound held, nobody on duty (S25, S41); codes and counts only."""
    now = guard.facts()
    lines = []
    if now.red:
        text = ngettext("%(n)s urgent concern is not acknowledged.", "%(n)s urgent concerns are not acknowledged.", now.red)
        own = guard.may("see_concerns")
        url = url_for("console.concerns_all_concerns", severity="red") if own else ""
        lines.append(Banner("red", text, url, _("Open concerns") if own else ""))
    if not now.outbound_on:
        lines.append(Banner("amber", _("Sending to participants is switched off. Texts are kept until it is switched on.")))
    if not now.on_duty:
        lines.append(Banner("amber", _("Nobody is on duty now. Urgent alerts go to every safeguarding account.")))
    if now.channel_paused:
        lines.append(Banner("amber", _("The sending channel is paused. An administrator must look at the gateway account.")))
    return lines


def since(moment: datetime | None) -> str:
    """How long ago, in one unit, by the service's clock."""
    if moment is None:
        return ""
    minutes = int((guard.facts().now - moment).total_seconds() // 60)
    if minutes < 1:
        return _("just now")
    if minutes < 60:
        return _("%(n)s min", n=minutes)
    if minutes < 48 * 60:
        return _("%(n)s h", n=minutes // 60)
    return ngettext("%(n)s day", "%(n)s days", minutes // (24 * 60))


def localtime(moment: datetime) -> str:
    """Day and time in Kigali, e.g. 13 May, 14:05; the year where it is another one."""
    pattern = "d MMM, HH:mm" if clock.local(moment).year == clock.local(guard.facts().now).year else "d MMM y, HH:mm"
    return format_datetime(moment, pattern)


def clocktime(moment: datetime) -> str:
    """The time of day in Kigali in 24-hour digits."""
    return f"{clock.local(moment):%H:%M}"


def localday(day: date) -> str:
    """A day such as Wed 13 May 2026; a moment is first brought to Kigali."""
    return format_date(clock.local(day).date() if isinstance(day, datetime) else day, "EEE d MMM y")


def _context() -> dict[str, Any]:
    me = g.get("me")
    return {
        "me": me,
        "may": guard.may,
        "language": language.current(),
        "all_languages": list(language.LANGUAGES.items()),
        "menu": lambda: menu.entries({"concerns_all_concerns": guard.facts().open_concerns}),
        "banners": banners,
        "said": lambda: get_flashed_messages(with_categories=True),
        "role_names": lambda: ", ".join(labels.label(labels.ROLES, role) for role in sorted(me.roles)) if me else "",
        "here": lambda: request.full_path.rstrip("?") if request.method == "GET" else "",
    }


def install(app: Flask) -> None:
    """Languages, filters and the values every template may use."""
    language.install(app)
    app.jinja_env.globals["asset"] = asset_url
    app.jinja_env.filters.update(since=since, localtime=localtime, localday=localday, clocktime=clocktime)
    app.jinja_env.filters.update(labels.FILTERS)
    app.jinja_env.filters.update(meanings.FILTERS)
    app.jinja_env.filters.update(labelled=tables.labelled)
    app.context_processor(_context)
