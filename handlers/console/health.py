"""How the service is: what is degraded in words, what waits and for how long, and what schedules missed (I21, F38)."""

from __future__ import annotations

from typing import Any, Final

from werkzeug.wrappers import Response

from handlers.console import guard
from handlers.console.language import gettext as _
from handlers.console.language import later, ngettext
from handlers.console.pages import Pages
from sms_service.usecases.read_figures import Figures, missed_rows, read_figures
from sms_service.usecases.read_health import read_health

pages = Pages("health")

#: What each degraded state of the service says to staff, and its tone.
STATES: Final = {
    "database": (later("No write to the database works."), "red"),
    "keys": (later("The keys do not open what they sealed."), "red"),
    "schema": (later("The database is not that of this release."), "red"),
    "clock": (later("No clock process has run for three minutes: nothing is planned."), "red"),
    "schedules held": (later("Schedules are held, because a clock is wrong."), "red"),
    "clock stepped": (later("A clock jumped a moment ago: see that the time is right."), "amber"),
    "clocks apart": (later("The clocks of the machines differ by more than a minute."), "red"),
    "texts may be missing": (later("The service was away for long: texts may lie at the gateway."), "amber"),
    "outbound off": (later("Sending to participants is switched off."), "amber"),
    "conversations not published": (later("Conversations of this release wait to be published."), "amber"),
    "channel paused": (later("The gateway refused the key, the sender or the account: sending waits."), "red"),
    "balance low": (later("The money at the gateway lasts for less than three days."), "amber"),
    "spend ceiling reached": (later("The spend ceiling is reached: reminders and broadcasts wait."), "amber"),
    "breaker open": (later("The gateway does not answer."), "red"),
    "nobody on duty": (later("Nobody is on duty."), "amber"),
    "alert unacknowledged": (later("An urgent alert has no answer."), "red"),
    "inbound waiting": (later("Texts received wait for more than a minute."), "red"),
    "alerts waiting": (later("Alerts wait for more than a minute."), "red"),
    "replies waiting": (later("Replies wait for more than five minutes."), "amber"),
    "sends unknown": (later("Too many sends have an unknown result."), "amber"),
    "occurrences missed": (later("Within a day texts were not sent, because their time passed unseen."), "amber"),
    "audit broken": (later("An entry of the audit was changed or cut off."), "red"),
    "backup old": (later("The last backup is more than 26 hours old."), "amber"),
    "queue store away": (later("The queue store does not answer: everything moves, but later."), "amber"),
    "disk filling": (later("A disk is more than 80 % full."), "amber"),
}
LANES: Final = {
    "alerts": later("Alerts"),
    "replies": later("Replies"),
    "reminders": later("Reminders"),
    "broadcasts": later("Broadcasts"),
}
ROLES: Final = {"web": later("Web"), "worker": later("Workers"), "clock": later("Clock")}


@pages.page("/health", needs="see_health")
def health() -> Response:
    """Counts, ages and states; no code of a person and no text."""
    context = guard.service()
    figures = read_figures(context, read_health(context))
    with context.database.begin() as db:
        rows = missed_rows(db, context.now(db))
    return guard.show(
        "health.html", figures=figures, states=_states(figures), lanes=_lanes(figures), facts=_facts(figures), missed=rows
    )


def _states(figures: Figures) -> list[tuple[str, str]]:
    """Each degraded state in words, with its tone; the urgent ones first."""
    known = [STATES.get(name, (name, "amber")) for name in figures.health.degraded]
    return [(_(text), tone) for text, tone in sorted(known, key=lambda one: one[1] != "red")]


def _lanes(figures: Figures) -> list[tuple[str, int, int, str]]:
    """Each lane's rows that wait, those with an unknown result, and for how long the oldest has been due."""
    return [
        (
            _(label),
            sum(figures.rows.get((state, lane), 0) for state in ("queued", "reserved", "calling")),
            figures.rows.get(("unknown", lane), 0),
            _age(figures.health.ages.get(lane)),
        )
        for lane, label in LANES.items()
    ]


def _facts(figures: Figures) -> list[tuple[str, Any]]:
    channel = figures.channel
    heard = ", ".join(f"{_(label)} {figures.processes[role]}" for role, label in ROLES.items() if role in figures.processes)
    return [
        (_("Oldest text received that waits"), _age(figures.health.ages.get("inbound"))),
        (_("Texts that need a person"), figures.needs_person),
        (_("Oldest alert without an answer"), _age(figures.health.ages.get("alert"))),
        (_("Clock last ran"), _age(figures.tick_age)),
        (_("Processes heard from"), heard),
        (_("Nudges in the queue store"), figures.nudges),
        (_("Gateway"), _channel(channel)),
        (_("Money at the gateway"), None if channel is None or channel.balance is None else f"{channel.balance:.0f}"),
        (_("Last backup"), _age(figures.backup_age)),
        (_("Fullest disk"), f"{max(figures.disks.values()) * 100:.0f} %" if figures.disks else None),
    ]


def _channel(channel: Any) -> str:
    if channel is None:
        return ""
    if channel.paused_at is not None:
        return _("paused")
    return _("does not answer") if channel.breaker_until is not None else _("sending")


def _age(seconds: float | None) -> str:
    """How long, in one unit."""
    if seconds is None:
        return ""
    if seconds < 120:
        return _("%(n)s s", n=int(seconds))
    if seconds < 7200:
        return _("%(n)s min", n=int(seconds // 60))
    if seconds < 48 * 3600:
        return _("%(n)s h", n=int(seconds // 3600))
    return ngettext("%(n)s day", "%(n)s days", int(seconds // 86_400))
