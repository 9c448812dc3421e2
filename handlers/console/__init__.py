"""The staff console: pages for the people who answer, behind one gate (guard), deny by default (I18).

To add pages: write a module with ``pages = Pages("name")`` and list it in ``MODULES``. Nothing else is needed; a page
for the menu is added in ``menu.py``.
"""

from __future__ import annotations

from importlib import import_module

from flask import Blueprint, Flask

from handlers.console import errors, frame, guard, signin
from handlers.console.pages import PREFIX, Page

#: Every module of pages, in no special order.
MODULES = (
    "home",
    "signin",
    "account",
    "staff",
    "log",
    "thread",
    "concerns",
    "referrals",
    "audit",
    "groups",
    "calendar",
    "pairs",
    "reports",
    "people",
    "broadcasts",
    "campaigns",
    "conversations",
    "conversation_try",
    "conversation_bring",
    "settings",
    "health",
    "unknown",
    "unmatched",
    "unanswered",
    "harm",
    "reveal",
    "erase",
    "assets",
)


def declared() -> dict[str, Page]:
    """Every page of the console by endpoint; raises ``ValueError`` when two share one."""
    found: dict[str, Page] = {}
    for name in MODULES:
        for page in import_module(f"handlers.console.{name}").pages.pages:
            if page.endpoint in found:
                raise ValueError(f"two console pages share the endpoint {page.endpoint}: rename a view")
            found[page.endpoint] = page
    return found


def register(app: Flask) -> None:
    """Put the console into the application: its gate, its pages, its frame and its own error pages."""
    blueprint = Blueprint("console", __name__, url_prefix=PREFIX)
    pages = declared()
    app.extensions["console_pages"] = pages
    guard.install(blueprint, pages)
    for endpoint, page in pages.items():
        blueprint.add_url_rule(page.path, endpoint, page.view, methods=list(page.methods))
    guard.csrf.init_app(app)
    signin.limiter.init_app(app)
    frame.install(app)
    app.register_blueprint(blueprint)
    errors.install(app)
