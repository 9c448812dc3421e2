"""Broadcasts: write, look at who gets it and who does not, hand in, approve, watch, recall (S40)."""

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
from sms_service.rules.roles import may_approve
from sms_service.usecases import broadcasts as acts
from sms_service.usecases import read_groups
from sms_service.usecases.faults import UseFault

pages = Pages("broadcasts")
STATES = {
    "draft": (later("Draft"), "grey"),
    "waiting": (later("Waits for approval"), "amber"),
    "approved": (later("Approved, about to start"), "blue"),
    "sending": (later("Being sent"), "blue"),
    "done": (later("Done"), "green"),
    "recalled": (later("Recalled"), "red"),
    "refused": (later("Refused"), "grey"),
}
REASONS = {
    "no_phone": later("No phone: through the facilitator"),
    "no_consent": later("No consent to reminders"),
    "not_opted_in": later("Has not agreed on the own phone yet"),
    "held": later("Texts held"),
    "stopped": later("Asked to stop"),
    "network_opt_out": later("Opted out at the network"),
    "frozen": later("Frozen until verified"),
    "cap_reached": later("Has had this week's texts"),
    "not_own_phone": later("Not an own phone"),
    "no_check_ins": later("No consent to check-ins"),
}
#: How the states of single texts are drawn, in the order of the bar.
PARTS = (
    (later("Delivered"), ("delivered",), "green"),
    (later("Handed over"), ("accepted", "calling", "reserved"), "blue"),
    (later("Waiting"), ("queued",), "grey"),
    (later("Unknown"), ("unknown",), "amber"),
    (later("Not delivered"), ("failed", "refused", "given_up"), "red"),
    (later("Stopped before sending"), ("cancelled", "expired", "suppressed"), "grey"),
)


@pages.page("/broadcasts", needs="write_broadcast")
def broadcasts() -> Response:
    """The latest broadcasts."""
    with guard.service().database.reading() as db:
        rows = acts.latest_broadcasts(db)
    return guard.show("broadcasts.html", rows=rows, states=STATES, label=labels.label, tone=labels.tone)


@pages.page("/broadcasts/write", needs="write_broadcast", methods=["GET", "POST"])
def write() -> Response:
    """A new draft, linted in every language."""
    spoken = guard.service().languages
    form = sent_form() if request.method == "POST" else fresh_form(**{f"text_{one}": "Servas: " for one in spoken})
    with guard.service().database.reading() as db:
        lines = read_groups.group_lines(db, guard.service().now(db))
    choices = [(line.row.code, f"{line.row.code} · {line.row.neutral_name}") for line in lines]
    if request.method == "POST":
        codes = form.choices("groups_list", [code for code, _words in choices])
        texts = {one: form.text(f"text_{one}", most=480) for one in spoken}
        made: list[str] = []
        context, author = guard.service(), guard.me().code
        if carried_out(form, lambda: made.append(acts.draft_broadcast(context, author, codes, texts, once(form)))):
            return guard.back_to("broadcasts_one", code=made[0])
    languages = labels.languages(spoken)
    return guard.show("broadcast_write.html", 422 if form.errors else 200, form=form, groups=choices, languages=languages)


@pages.page("/broadcasts/<code>", needs="write_broadcast")
def one(code: str) -> Response:
    """One broadcast: audience, exclusions, words, cost, state, progress."""
    return _page(code, Form())


def _page(code: str, form: Form, status: int = 200) -> Response:
    context, me = guard.service(), guard.me()
    with context.database.reading() as db:
        try:
            row = acts.broadcast_named(db, code)
        except UseFault:
            guard.missing()
            raise
        preview = acts.preview_broadcast(context, db, code)
        progress = acts.progress_of(db, row.id)
        author = acts.author_code(db, row.id)
    return guard.show(
        "broadcast.html",
        status,
        row=row,
        preview=preview,
        parts=[(_(text), sum(progress.get(state, 0) for state in states), tone) for text, states, tone in PARTS],
        sent=sum(progress.values()),
        author=author,
        mine=row.author_id == me.staff_id,
        may_approve=may_approve(me.roles, me.code, author),
        form=form,
        states=STATES,
        reasons=REASONS,
        languages=dict(labels.languages(list(preview.texts))),
        label=labels.label,
        tone=labels.tone,
        currency=context.currency,
    )


@pages.page("/broadcasts/<code>/act", needs="write_broadcast", methods=["POST"])
def act(code: str) -> Response:
    """Hand in, or recall."""
    form = sent_form()
    wanted = form.choice("act", ("submit", "recall"))
    done = {
        "submit": lambda: acts.submit_broadcast(guard.service(), code, guard.me().code),
        "recall": lambda: acts.recall_broadcast(guard.service(), code, guard.me().code),
    }
    return _after(code, form, bool(wanted) and carried_out(form, done[wanted]))


@pages.page("/broadcasts/<code>/decide", needs="approve_broadcast", methods=["POST"])
def decide(code: str) -> Response:
    """A second person approves or refuses."""
    form = sent_form()
    wanted = form.choice("act", ("approve", "refuse"))
    done = {
        "approve": lambda: acts.approve_broadcast(guard.service(), code, guard.me().code),
        "refuse": lambda: acts.refuse_broadcast(guard.service(), code, guard.me().code),
    }
    return _after(code, form, bool(wanted) and carried_out(form, done[wanted]))


def _after(code: str, form: Form, done: bool) -> Response:
    if not done:
        return _page(code, form, 422)
    say(_("Saved."))
    return guard.back_to("broadcasts_one", code=code)
