"""Bringing a draft in from files: a definition, a sheet of words, or both at once; all of it is taken, or nothing (I23)."""

from __future__ import annotations

from flask import request
from werkzeug.wrappers import Response

from handlers.console import guard, labels
from handlers.console.conversations import MOST_FAULTS, REVIEW
from handlers.console.forms import Form
from handlers.console.frame import say
from handlers.console.language import gettext as _
from handlers.console.pages import Pages
from sms_service.conversation.faults import refusing
from sms_service.usecases.bring_in import BroughtIn, Given, bring_in
from sms_service.usecases.faults import UseFault
from sms_service.usecases.list_file import MOST_BYTES

pages = Pages("conversations")
FILES = ("definition", "words")
BODY = 2 * MOST_BYTES + 64 * 1024


@pages.page("/conversation-drafts", needs=REVIEW, methods=["GET", "POST"], body_limit=BODY)
def bring() -> Response:
    """The form; first looked at, then carried out. Every fault is shown with its place, and then nothing was changed."""
    form, report = Form(request.form if request.method == "POST" else None), None
    if request.method == "POST":
        report = _brought(form)
    if report is not None and report.applied and report.made:
        say(_("Brought in as drafts: %(names)s.", names=", ".join(f"{one.name} {one.number}" for one in report.made)))
        first = report.made[0]
        return guard.back_to("conversations_version", name=first.name, number=first.number)
    refused = report is not None and bool(refusing(report.faults))
    return guard.show(
        "conversation_bring.html",
        422 if form.errors or refused else 200,
        form=form,
        report=report,
        refused=refused,
        faults=report.faults[:MOST_FAULTS] if report is not None else (),
        languages=labels.LANGUAGES,
    )


def _brought(form: Form) -> BroughtIn | None:
    act = form.choice("act", ("look", "do"))
    given = []
    for field in FILES:
        sent = request.files.get(field)
        if sent is not None and sent.filename:
            given.append(Given(sent.filename, sent.stream.read(MOST_BYTES + 1)))
    if not given:
        form.fault("definition", _("Choose a file first."))
    if form.errors:
        return None
    try:
        return bring_in(guard.service(), given, guard.me().code, "console", dry_run=act == "look")
    except UseFault as fault:
        form.take_faults(fault)
        return None
