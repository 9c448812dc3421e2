"""Showing a person's name and numbers: a page that asks why, then one answer that shows them (S31, I17)."""

from __future__ import annotations

from flask import request
from werkzeug.wrappers import Response

from handlers.console import guard
from handlers.console.forms import Form
from handlers.console.pages import Pages
from sms_service.models import people
from sms_service.usecases import reveal as use
from sms_service.usecases.faults import UseFault

pages = Pages("reveal")
NEEDS = "reveal_identity"


def _known(code: str) -> None:
    with guard.service().database.begin() as db:
        if people.by_code(db, code) is None:
            guard.missing()


@pages.page("/people/<code>/identity", needs=NEEDS)
def ask(code: str) -> Response:
    """The question: why do you need to know?"""
    _known(code)
    return guard.show("reveal.html", code=code, form=Form(), found=None, concern=request.args.get("concern", "")[:12])


@pages.page("/people/<code>/identity/show", needs=NEEDS, methods=["POST"])
def show(code: str) -> Response:
    """Name and numbers, on this one answer only."""
    _known(code)
    form = Form(request.form)
    reason = form.text("reason", most=use.REASON_LIMIT)
    found = None
    if not form.errors:
        try:
            found = use.reveal(guard.service(), guard.me(), code, reason)
        except UseFault as fault:
            form.take_faults(fault)
    concern = request.form.get("concern", "")[:12]
    return guard.show("reveal.html", 422 if form.errors else 200, code=code, form=form, found=found, concern=concern)
