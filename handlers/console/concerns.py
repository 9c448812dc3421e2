"""Concerns: the list of what needs a person, and one concern with everything a caller needs (S25, S30, V20)."""

from __future__ import annotations

from flask import request
from werkzeug.exceptions import Conflict
from werkzeug.wrappers import Response

from handlers.console import guard, labels
from handlers.console.forms import Form
from handlers.console.frame import say
from handlers.console.language import gettext as _
from handlers.console.pages import Pages
from sms_service.models import groups
from sms_service.rules.roles import allows
from sms_service.usecases import concerns as work
from sms_service.usecases.faults import UseFault

pages = Pages("concerns")
SEE, WORK = "see_tasks", "work_tasks"
PAGE = 100


def _wanted() -> work.Filter:
    asked = request.args
    states = (*labels.CONCERN_STATES, "open", "all")
    return work.Filter(
        state=asked["state"] if asked.get("state") in states else "open",
        severity=asked.get("severity", "")[:8],
        kind=asked.get("kind", "")[:24],
        group=asked.get("group", "")[:8],
        overdue=asked.get("overdue") == "1",
    )


@pages.page("/concerns", needs=SEE)
def all_concerns() -> Response:
    """What needs a person: urgent first, then by when it is due."""
    context = guard.service()
    wanted = _wanted()
    with context.database.begin() as db:
        now = context.now(db)
        rows = work.listed(db, guard.me(), wanted, limit=PAGE + 1, now=now)
        codes = [group.code for group in groups.all_groups(db)]
    filters = Form(
        initial={
            "state": wanted.state,
            "severity": wanted.severity,
            "kind": wanted.kind,
            "group": wanted.group,
            "overdue": "1" if wanted.overdue else "",
        }
    )
    severities = [one for one in labels.options(labels.SEVERITIES) if one[0] not in work.GRAVE or guard.may("see_concerns")]
    return guard.show(
        "concerns.html",
        rows=rows[:PAGE],
        more=len(rows) > PAGE,
        now=now,
        filters=filters,
        severities=severities,
        kinds=labels.options(labels.CONCERN_KINDS),
        states=labels.options(labels.CONCERN_STATES),
        groups=[(code, code) for code in codes],
    )


def _page(code: str, form: Form, *, status: int = 200, words: str | None = None) -> Response:
    context, me = guard.service(), guard.me()
    with context.database.begin() as db:
        found = work.case(context, db, me, code)
        now = context.now(db)
    if found is None:
        guard.missing()
    grave = found.row.severity in work.GRAVE
    return guard.show(
        "concern.html",
        status,
        case=found,
        row=found.row,
        now=now,
        form=form,
        words=words,
        may_work=guard.may("work_concerns" if grave else WORK),
        may_open=found.has_text and guard.may("open_flagged" if found.flagged else "see_log"),
        results=labels.options(labels.ATTEMPTS),
        outcomes=labels.options(labels.OUTCOMES),
    )


@pages.page("/concerns/<code>", needs=SEE)
def one(code: str) -> Response:
    """One concern: safe-contact plan, script, history, and the forms to act on it."""
    return _page(code, Form())


@pages.page("/concerns/<code>/act", needs=WORK, methods=["POST"])
def act(code: str) -> Response:
    """Carry out the pressed button; an act on a state that has changed meanwhile is refused with 409."""
    context, me, form = guard.service(), guard.me(), Form(request.form)
    chosen = form.choice("act", ("acknowledge", "take", "attempt", "plan", "note", "close"))
    seen = request.form.get("seen", "")[:14]
    try:
        if chosen == "acknowledge":
            work.acknowledge(context, me, code, seen)
        elif chosen == "take":
            work.take_over(context, me, code, seen)
        elif chosen == "attempt":
            work.log_attempt(context, me, code, request.form.get("result", ""), seen)
        elif chosen == "plan":
            work.agree_plan(context, me, code, seen)
        elif chosen == "close":
            work.close(context, me, code, request.form.get("outcome", ""), seen)
        elif chosen == "note":
            note = form.text("note", most=work.NOTE_LIMIT, lines=True)
            if not form.errors:
                work.add_note(context, me, code, note)
    except work.Stale:
        raise Conflict from None
    except UseFault as fault:
        form.take_faults(fault)
    if form.errors:
        return _page(code, form, status=422)
    say(_("Saved."))
    return guard.back_to("concerns_one", code=code)


@pages.page("/concerns/<code>/text", needs=SEE, methods=["POST"])
def text(code: str) -> Response:
    """Open the text behind a concern, with a reason; the words are on this one answer only (S32, I17)."""
    form = Form(request.form)
    reason = form.text("reason", most=work.REASON_LIMIT)
    if form.errors:
        return _page(code, form, status=422)
    try:
        words = work.open_text(guard.service(), guard.me(), code, reason)
    except UseFault as fault:
        form.take_faults(fault)
        return _page(code, form, status=422 if allows(guard.me().roles, "open_flagged") else 403)
    return _page(code, Form(), words=words)
