"""Delivery reports that no text claims: the likely text beside each, accepted or dismissed by a person."""

from __future__ import annotations

from flask import request
from werkzeug.wrappers import Response

from handlers.console import guard
from handlers.console.acting import carried_out, sent_form
from handlers.console.forms import Form
from handlers.console.frame import say
from handlers.console.language import gettext as _
from handlers.console.pages import Pages
from sms_service.usecases import unmatched_reports

pages = Pages("unmatched")
NEEDS = "work_tasks"


@pages.page("/unmatched", needs=NEEDS)
def unmatched() -> Response:
    """The reports that have waited for ten minutes."""
    return _page(Form())


def _page(form: Form) -> Response:
    context = guard.service()
    with context.database.begin() as db:
        rows = unmatched_reports.unmatched(db, context.now(db))
    return guard.show("unmatched.html", 422 if form.errors else 200, rows=rows, form=form)


@pages.page("/unmatched/settle", needs=NEEDS, methods=["POST"])
def settle() -> Response:
    """Accept the suggested text, or say that the report is none of ours."""
    form, context, actor = sent_form(), guard.service(), guard.me().code
    gateway_id, text = form.text("report", most=128), request.form.get("text", "")
    if form.choice("act", ("accept", "dismiss")) == "accept":
        outbox_id = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0
        done = carried_out(form, lambda: unmatched_reports.accept_match(context, gateway_id, outbox_id, actor))
    else:
        done = carried_out(form, lambda: unmatched_reports.dismiss(context, gateway_id, actor))
    if not done:
        return _page(form)
    say(_("Saved."))
    return guard.back_to("unmatched_unmatched")
