"""Sends that got no answer: the evidence of each, and a person's decision, one by one or for a whole broadcast (I9)."""

from __future__ import annotations

from typing import Any, Final

from flask import request, url_for
from werkzeug.wrappers import Response

from handlers.console import guard, labels, reasons
from handlers.console.acting import carried_out, sent_form
from handlers.console.forms import Form
from handlers.console.frame import localtime, say
from handlers.console.language import gettext as _
from handlers.console.language import later, ngettext
from handlers.console.pages import Pages
from sms_service.usecases import decide_unanswered as decisions
from sms_service.usecases import unanswered as reading

pages = Pages("unanswered")
NEEDS = "work_tasks"

AGES: Final = {"all": later("ten minutes"), "hour": later("an hour"), "day": later("a day")}
SHOWN_AS: Final = {"sent": later("On its way"), "delivered": later("Delivered"), "failed": later("Not delivered")}
ACTS: Final = {
    "leave": later("Leave all as they are"),
    "again": later("Treat all as not sent: send again"),
}
ARRIVED: Final = {
    "accepted": later("Saved: the text is on its way."),
    "delivered": later("Saved: the text arrived."),
    "failed": later("Saved: the text was not delivered."),
}


@pages.page("/unanswered", needs=NEEDS)
def unanswered() -> Response:
    """Texts whose sending got no answer, oldest first, by age and broadcast."""
    return _page(Form())


def _page(form: Form) -> Response:
    context = guard.service()
    age, cast = request.args.get("age", "all"), request.args.get("broadcast", "").strip().upper()[:12]
    after = _whole(request.args.get("after", ""))
    with context.database.begin() as db:
        now = context.now(db)
        found = reading.unanswered(db, now, age=age, cast=cast, after=after)
        waiting = reading.waiting_count(db)
        of_cast = reading.of_broadcast(db, cast, now) if cast else 0
    shown = found[: reading.PAGE]
    query: dict[str, Any] = {"age": age, "broadcast": cast}
    more = len(found) > reading.PAGE
    return guard.show(
        "unanswered.html",
        422 if form.errors else 200,
        rows=shown,
        waiting=waiting,
        of_cast=of_cast,
        cast=cast,
        age=age,
        ages=labels.options(AGES),
        shown_as=labels.options(SHOWN_AS),
        acts=labels.options(ACTS),
        form=form,
        older=url_for("console.unanswered_unanswered", after=shown[-1].row.id, **query) if more else "",
        newer=url_for("console.unanswered_unanswered", **query) if after else "",
    )


@pages.page("/unanswered/settle", needs=NEEDS, methods=["POST"])
def settle() -> Response:
    """One decision about one text."""
    form, context, actor = sent_form(), guard.service(), guard.me().code
    row_id = _whole(form.value("text"))
    act = form.choice("act", ("arrived", "again", "leave"))
    if act == "arrived":
        shown = form.choice("shown", SHOWN_AS)
        gateway_id = form.text("report", most=128)
        came: list[str] = []
        done = carried_out(form, lambda: came.append(decisions.it_arrived(context, row_id, gateway_id, shown, actor)))
        if done:
            say(labels.label(ARRIVED, came[0]))
    elif act == "again":
        leaves: list[str] = []
        done = carried_out(form, lambda: leaves.append(localtime(decisions.send_again(context, row_id, actor))))
        if done:
            say(_("Saved. The text may leave from %(when)s on.", when=leaves[0]))
    else:
        done = act == "leave" and carried_out(form, lambda: decisions.leave(context, row_id, actor))
        if done:
            say(_("Saved: the text is left as it is."))
    if not done:
        if "why" in form.errors:
            form.errors = {"act": _("It cannot be sent again: %(why)s.", why=reasons.reason(form.errors["why"]))}
        return _page(form)
    return guard.back_to("unanswered_unanswered", **_place())


@pages.page("/unanswered/all", needs=NEEDS)
def all_of_one() -> Response:
    """The count of a broadcast's texts in doubt, and the confirmation of one decision about all of them."""
    return _confirm(Form())


def _confirm(form: Form) -> Response:
    context = guard.service()
    cast, act = request.values.get("broadcast", "").strip().upper()[:12], request.values.get("act", "leave")
    if act not in ACTS:
        act = "leave"
    with context.database.begin() as db:
        count = reading.of_broadcast(db, cast, context.now(db))
    return guard.show(
        "unanswered_all.html",
        422 if form.errors else 200,
        cast=cast,
        act=act,
        act_words=labels.label(ACTS, act),
        count=count,
        most=decisions.MOST_AT_ONCE,
        form=form,
    )


@pages.page("/unanswered/all/settle", needs=NEEDS, methods=["POST"])
def settle_all() -> Response:
    """One decision about every text in doubt of a broadcast, as confirmed."""
    form, context, actor = sent_form(), guard.service(), guard.me().code
    act = form.choice("act", ACTS)
    cast, seen = form.text("broadcast", most=12).upper(), form.whole("seen", low=1, high=10_000_000)
    made: list[tuple[int, dict[str, int]]] = []
    if not carried_out(
        form,
        lambda: made.append(decisions.decide_all(context, cast, "again" if act == "again" else "leave", seen or 0, actor)),
    ):
        return _confirm(form)
    decided, refused = made[0]
    say(ngettext("Saved for %(n)s text.", "Saved for %(n)s texts.", decided))
    for why, count in refused.items():
        words = reasons.reason(why)
        say(ngettext("%(n)s cannot be sent again: %(why)s.", "%(n)s cannot be sent again: %(why)s.", count, why=words), "amber")
    return guard.back_to("unanswered_unanswered", broadcast=cast)


def _place() -> dict[str, str]:
    """Where in the list the person was: the filter goes on, the page begins anew."""
    return {name: request.form[name] for name in ("age", "broadcast") if request.form.get(name)}


def _whole(sent: str) -> int:
    """A row id from the page; 0, which no row has, for anything else."""
    return int(sent) if sent.isascii() and sent.isdigit() and len(sent) < 20 else 0
