"""The console's menu: every entry names the page's endpoint; it shows only to those who may open the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask import current_app, request, url_for

from handlers.console import guard
from handlers.console.language import later
from handlers.console.pages import Page

#: (heading, [(label, endpoint)]); an endpoint whose module is not registered is left out.
MENU: Final = (
    (
        later("Today"),
        (
            (later("Home"), "home_home"),
            (later("Concerns"), "concerns_all_concerns"),
            (later("Conversation log"), "log_log"),
            (later("Unknown numbers"), "unknown_unknown"),
        ),
    ),
    (
        later("Programme"),
        (
            (later("Groups"), "groups_groups"),
            (later("The week"), "calendar_week"),
            (later("Pairs"), "pairs_pairs"),
            (later("People"), "people_people"),
            (later("Broadcasts"), "broadcasts_broadcasts"),
            (later("Campaigns"), "campaigns_campaigns"),
        ),
    ),
    (
        later("Service"),
        (
            (later("Conversations"), "conversations_conversations"),
            (later("Settings"), "settings_settings"),
            (later("Remembrance text"), "reports_yearly"),
            (later("Sends without an answer"), "unanswered_unanswered"),
            (later("Service health"), "health_health"),
            (later("Delivery reports"), "unmatched_unmatched"),
            (later("Harm log"), "harm_harm_log"),
            (later("Staff"), "staff_all_staff"),
            (later("Audit"), "audit_audit"),
        ),
    ),
)


@dataclass(frozen=True)
class Entry:
    """One line of the menu as it is shown."""

    label: str
    url: str
    here: bool
    count: int = 0


def entries(counts: dict[str, int]) -> list[tuple[str, list[Entry]]]:
    """The menu of the signed-in person; ``counts`` puts a number beside an endpoint."""
    pages: dict[str, Page] = current_app.extensions["console_pages"]
    shown = []
    for heading, lines in MENU:
        found = []
        for label, endpoint in lines:
            page = pages.get(endpoint)
            if page is not None and page.opens_for(guard.may):
                found.append(Entry(label, url_for(f"console.{endpoint}"), _is_here(endpoint), counts.get(endpoint, 0)))
        if found:
            shown.append((heading, found))
    return shown


def _is_here(endpoint: str) -> bool:
    """Whether the page shown belongs to this entry's module."""
    here = (request.endpoint or "").removeprefix("console.")
    return here.split("_", 1)[0] == endpoint.split("_", 1)[0]
