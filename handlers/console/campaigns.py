"""Campaigns: a text to each person once, at a date or so many days from something; written, approved, paused, ended (S40)."""

from __future__ import annotations

from typing import Any

from flask import request
from werkzeug.wrappers import Response

from handlers.console import guard, labels
from handlers.console.acting import carried_out, fresh_form, once, sent_form
from handlers.console.broadcasts import PARTS as STATE_PARTS
from handlers.console.broadcasts import REASONS
from handlers.console.forms import Form
from handlers.console.frame import localday, say
from handlers.console.language import gettext as _
from handlers.console.language import later, ngettext
from handlers.console.pages import Pages
from sms_service.models import campaigns as rows_of
from sms_service.rules.roles import may_approve
from sms_service.usecases import campaigns as acts
from sms_service.usecases import read_groups
from sms_service.usecases.faults import UseFault

pages = Pages("campaigns")
NEEDS = "write_broadcast"
STATES = {
    "waiting": (later("Waits for approval"), "amber"),
    "running": (later("Running"), "green"),
    "paused": (later("Paused"), "amber"),
    "ended": (later("Ended"), "grey"),
    "refused": (later("Refused"), "grey"),
}
ANCHORS = {
    "date": later("On a day"),
    "enrolled": later("Days after joining a group"),
    "closed": later("Days after the group closed"),
    "before_meeting": later("Days before a meeting"),
    "after_meeting": later("Days after a meeting"),
}
CLASSES = {"A": later("Logistics: also to shared phones"), "B": later("Personal: own phones with consent to check-ins")}
PARTS = {"member": later("Members"), "partner": later("Partners")}


def when(row: Any) -> str:
    """When the campaign speaks, in words."""
    if row.anchor == "date":
        return localday(row.on_day)
    if row.anchor == "enrolled":
        return ngettext("%(n)s day after joining a group", "%(n)s days after joining a group", row.days)
    if row.anchor == "closed":
        return ngettext("%(n)s day after the group closed", "%(n)s days after the group closed", row.days)
    if row.anchor == "before_meeting":
        return ngettext("%(n)s day before meeting %(no)s", "%(n)s days before meeting %(no)s", row.days, no=row.meeting_no)
    return ngettext("%(n)s day after meeting %(no)s", "%(n)s days after meeting %(no)s", row.days, no=row.meeting_no)


@pages.page("/campaigns", needs=NEEDS)
def campaigns() -> Response:
    """The latest campaigns."""
    with guard.service().database.begin() as db:
        rows = rows_of.latest(db)
    return guard.show("campaigns.html", rows=rows, states=STATES, when=when, label=labels.label, tone=labels.tone)


@pages.page("/campaigns/write", needs=NEEDS, methods=["GET", "POST"])
def write() -> Response:
    """A new campaign, linted in every language; it waits for a second person."""
    context = guard.service()
    blank = {f"text_{one}": "Servas: " for one in context.languages}
    form = sent_form() if request.method == "POST" else fresh_form(anchor="date", text_class="A", **blank)
    with context.database.begin() as db:
        lines = read_groups.group_lines(db, context.now(db))
        programmes = read_groups.programmes(db)
    groups = [(line.row.code, f"{line.row.code} · {line.row.neutral_name}") for line in lines]
    if request.method == "POST":
        new = _new(form, dict(programmes), dict(groups))
        made: list[str] = []
        if carried_out(form, lambda: made.append(acts.write_campaign(context, new, guard.me().code, once(form)))):
            return guard.back_to("campaigns_one", code=made[0])
    return guard.show(
        "campaign_write.html",
        422 if form.errors else 200,
        form=form,
        groups=groups,
        programmes=programmes,
        anchors=labels.options(ANCHORS),
        classes=labels.options(CLASSES),
        parts=labels.options(PARTS),
        languages=labels.languages(context.languages),
    )


def _new(form: Form, programmes: dict[str, str], groups: dict[str, str]) -> acts.NewCampaign:
    anchor = form.choice("anchor", ANCHORS)
    meeting = anchor.endswith("_meeting")
    return acts.NewCampaign(
        texts={one: form.text(f"text_{one}", most=480) for one in guard.service().languages},
        anchor=anchor,
        text_class=form.choice("text_class", CLASSES),
        programme=form.choice("programme", programmes, required=False),
        group_codes=form.choices("groups_list", groups, required=False),
        part=form.choice("part", PARTS, required=False),
        on_day=form.day("on_day") if anchor == "date" else None,
        days=form.whole("days", low=1, high=acts.MOST_DAYS) if anchor not in ("date", "") else None,
        meeting_no=form.whole("meeting_no", low=1, high=99) if meeting else None,
    )


@pages.page("/campaigns/<code>", needs=NEEDS)
def one(code: str) -> Response:
    """One campaign: when, who, exclusions, words, state, progress."""
    return _page(code, Form())


def _page(code: str, form: Form, status: int = 200) -> Response:
    context, me = guard.service(), guard.me()
    with context.database.begin() as db:
        try:
            view = acts.view_campaign(context, db, code)
        except UseFault:
            guard.missing()
            raise
    counts = view.progress
    return guard.show(
        "campaign.html",
        status,
        view=view,
        row=view.row,
        when=when(view.row),
        parts=[(_(text), sum(counts.get(state, 0) for state in states), tone) for text, states, tone in STATE_PARTS],
        sent=sum(counts.values()),
        mine=view.row.author_id == me.staff_id,
        may_approve=may_approve(me.roles, me.code, view.author),
        by_language=view.audience.languages,
        part_words=PARTS,
        class_words=CLASSES,
        form=form,
        states=STATES,
        reasons=REASONS,
        languages=dict(labels.languages(list(view.texts))),
        label=labels.label,
        tone=labels.tone,
    )


@pages.page("/campaigns/<code>/act", needs=NEEDS, methods=["POST"])
def act(code: str) -> Response:
    """Pause, resume or end."""
    form = sent_form()
    wanted = form.choice("act", ("pause", "resume", "end"))
    context, me = guard.service(), guard.me().code
    done = {"pause": acts.pause_campaign, "resume": acts.resume_campaign, "end": acts.end_campaign}
    return _after(code, form, bool(wanted) and carried_out(form, lambda: done[wanted](context, code, me)))


@pages.page("/campaigns/<code>/decide", needs="approve_broadcast", methods=["POST"])
def decide(code: str) -> Response:
    """A second person approves or refuses."""
    form = sent_form()
    wanted = form.choice("act", ("approve", "refuse"))
    context, me = guard.service(), guard.me().code
    approve = wanted == "approve"
    return _after(code, form, bool(wanted) and carried_out(form, lambda: acts.decide_campaign(context, code, me, approve=approve)))


def _after(code: str, form: Form, done: bool) -> Response:
    if not done:
        return _page(code, form, 422)
    say(_("Saved."))
    return guard.back_to("campaigns_one", code=code)
