"""Referrals of a concern: to which service somebody was pointed, with whose consent, and what came of it (S28, S29)."""

from __future__ import annotations

from flask import request
from werkzeug.wrappers import Response

from handlers.console import guard, labels
from handlers.console.acting import carried_out, fresh_form, once, sent_form
from handlers.console.forms import Form
from handlers.console.frame import say
from handlers.console.language import gettext as _
from handlers.console.language import later
from handlers.console.pages import Pages
from sms_service.usecases import referrals as work

pages = Pages("referrals")

CONSENTS = {"oral": later("Agreed, by word of mouth"), "written": later("Agreed, in writing")}
NO_CONSENT = {work.IMMINENT: later("Not asked: imminent danger to a life or a child")}
OUTCOMES = {"yes": later("Got it"), "not_yet": later("Not yet"), "not_needed": later("No longer needed")}


def _page(code: str, form: Form, status: int = 200) -> Response:
    context = guard.service()
    with context.database.begin() as db:
        found = work.view(context, db, guard.me(), code)
    if found is None:
        guard.missing()
    return guard.show(
        "referrals.html",
        status,
        view=found,
        row=found.concern,
        form=form,
        services=[(str(one.id), f"{one.name} · {one.area} · {one.hours}") for one in found.services],
        consents=labels.options({**CONSENTS, **NO_CONSENT} if found.grave else CONSENTS),
        consent_words={**CONSENTS, **NO_CONSENT},
        outcomes=labels.options(OUTCOMES),
        outcome_words=OUTCOMES,
        label=labels.label,
    )


@pages.page("/concerns/<code>/referrals", needs="work_tasks", methods=["GET", "POST"])
def made(code: str) -> Response:
    """The referrals of a concern; a sent form makes one, or records what came of one."""
    if request.method == "GET":
        return _page(code, fresh_form())
    form = sent_form()
    act = form.choice("act", ("refer", "outcome"))
    if form.errors or not (_refer if act == "refer" else _outcome)(code, form):
        return _page(code, form, 422)
    say(_("Saved."))
    return guard.back_to("referrals_made", code=code)


def _refer(code: str, form: Form) -> bool:
    entry = form.value("entry")
    entry_id = int(entry) if entry.isascii() and entry.isdigit() and len(entry) < 20 else 0
    consent = form.choice("consent", work.CONSENTS)
    decision = form.text("decision", most=work.DECISION_LIMIT, required=consent == work.IMMINENT, lines=True)
    return carried_out(form, lambda: work.refer(guard.service(), guard.me(), code, entry_id, consent, decision, once(form)))


def _outcome(code: str, form: Form) -> bool:
    sent = form.value("referral")
    row_id = int(sent) if sent.isascii() and sent.isdigit() and len(sent) < 20 else 0
    outcome = form.choice("outcome", work.OUTCOMES)
    return carried_out(form, lambda: work.record_outcome(guard.service(), guard.me(), code, row_id, outcome))
