"""The audit: who did what to which code and when, and whether the chain is whole (I17, T19)."""

from __future__ import annotations

from typing import Any

from flask import request, url_for
from werkzeug.wrappers import Response

from handlers.console import guard
from handlers.console.forms import Form
from handlers.console.pages import Pages
from sms_service.usecases import read_audit

pages = Pages("audit")
ROWS = 100


def _before() -> int | None:
    given = request.args.get("before", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 18 else None


def _show(**more: Any) -> Response:
    context = guard.service()
    before, act = _before(), request.args.get("act", "")[:40]
    with context.database.begin() as db:
        entries = read_audit.entries(context, db, guard.me(), limit=ROWS + 1, before=before, act=act)
        acts = read_audit.acts(db)
    shown = entries[:ROWS]
    older = url_for("console.audit_audit", act=act or None, before=shown[-1].seq) if len(entries) > ROWS else ""
    return guard.show(
        "audit.html",
        entries=shown,
        acts=[(one, one) for one in acts],
        filters=Form(initial={"act": act}),
        older=older,
        newer=url_for("console.audit_audit", act=act or None) if before else "",
        **{"checked": None, **more},
    )


@pages.page("/audit", needs="see_audit")
def audit() -> Response:
    """The entries, newest first; reasons are shown to safeguarding only."""
    return _show()


@pages.page("/audit/check", needs="see_audit", methods=["POST"])
def check() -> Response:
    """Walk the whole chain and say whether every entry is as it was written."""
    return _show(checked=read_audit.check(guard.service()))
