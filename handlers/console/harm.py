"""The harm log: who works with people records that a text caused trouble; safeguarding reviews, and may pause the text (S44)."""

from __future__ import annotations

from werkzeug.wrappers import Response

from handlers.console import guard, labels, meanings
from handlers.console.acting import carried_out, fresh_form, once, sent_form
from handlers.console.forms import Form
from handlers.console.frame import say
from handlers.console.language import gettext as _
from handlers.console.language import later
from handlers.console.pages import Pages
from sms_service.usecases import harm

pages = Pages("harm")
RECORD, REVIEW = "work_tasks", "work_concerns"
KINDS = {
    "seen": later("Somebody else saw the text"),
    "quarrel": later("A quarrel about it"),
    "threat": later("A threat"),
    "hurt": later("Somebody was hurt"),
    "upset": later("The person was upset by it"),
    "stranger": later("It reached a stranger"),
    "other": later("Other"),
}
DECISIONS = {
    "no_change": later("No change needed"),
    "wording": later("The wording is to change"),
    "paused": later("Pause this text for everybody"),
    "person_held": later("Settled with the person"),
}


@pages.page("/harm", needs=RECORD)
def harm_log() -> Response:
    """The form, and for safeguarding the cases: those to review first."""
    return _page(fresh_form())


def _page(form: Form) -> Response:
    context = guard.service()
    with context.database.begin() as db:
        now = context.now(db)
        sees = guard.may("see_concerns")
        cases = harm.cases(context, db) if sees else []
        paused, overdue = harm.paused(db), harm.review_overdue(db, now)
    return guard.show(
        "harm.html",
        422 if form.errors else 200,
        form=form,
        cases=cases,
        paused=paused,
        overdue=overdue and sees,
        kinds=labels.options(KINDS),
        kind_words=KINDS,
        decisions=labels.options(DECISIONS),
        decision_words=DECISIONS,
        texts=[(code, meanings.template(code)) for code in harm.PAUSABLE],
        label=labels.label,
    )


def _done(form: Form, done: bool) -> Response:
    if not done:
        return _page(form)
    say(_("Saved."))
    return guard.back_to("harm_harm_log")


@pages.page("/harm/add", needs=RECORD, methods=["POST"])
def add() -> Response:
    """A case, by whoever heard of it."""
    form = sent_form()
    kind, template = form.choice("kind", KINDS), form.choice("template", harm.PAUSABLE, required=False)
    person, note = form.text("person", most=12, required=False), form.text("note", most=harm.NOTE_LIMIT, required=False, lines=True)
    context, me = guard.service(), guard.me()
    return _done(form, carried_out(form, lambda: harm.record_harm(context, me, kind, template, person, note, once(form))))


@pages.page("/harm/review", needs=REVIEW, methods=["POST"])
def review() -> Response:
    """What was decided about a case."""
    form = sent_form()
    code, decision = form.text("case", most=12), form.choice("decision", DECISIONS)
    return _done(form, carried_out(form, lambda: harm.review(guard.service(), guard.me(), code, decision)))


@pages.page("/harm/release", needs=REVIEW, methods=["POST"])
def release() -> Response:
    """A paused text goes again."""
    form = sent_form()
    template = form.text("template", most=20)
    return _done(form, carried_out(form, lambda: harm.release(guard.service(), guard.me(), template)))
