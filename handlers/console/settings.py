"""Settings of a running site: the outbound switch, pause windows, the duty rota and the service directory."""

from __future__ import annotations

from datetime import timedelta

from flask import request
from werkzeug.wrappers import Response

from handlers.console import duty_chart, guard, labels
from handlers.console.acting import carried_out, fresh_form, once, sent_form
from handlers.console.forms import Form
from handlers.console.frame import say
from handlers.console.language import gettext as _
from handlers.console.language import later
from handlers.console.pages import Pages
from sms_service.usecases import directory, duty_care, pauses, read_settings, rota
from sms_service.usecases.find import local_moment
from sms_service.usecases.outbound_switch import set_outbound

pages = Pages("settings")
BEHAVIOURS = {
    "block": later("No texts, no meetings"),
    "allow_urgent": later("Only texts about moved or cancelled meetings"),
    "reword": later("Texts go, in sober words"),
}
REASONS = {
    "remembrance": later("Remembrance"),
    "holiday": later("Holiday"),
    "harvest": later("Planting or harvest"),
    "security": later("Security"),
    "weather": later("Weather"),
    "other": later("Other"),
}
SLOTS = {
    "police": later("Police"),
    "ambulance": later("Ambulance"),
    "health": later("Health line"),
    "other": later("Other"),
}
KINDS = {
    "emergency": later("Emergency"),
    "health": later("Health"),
    "protection": later("Protection"),
    "legal": later("Legal"),
    "support": later("Support"),
    "other": later("Other"),
}


@pages.page("/settings", needs="see_health")
def settings() -> Response:
    """What is set now; the forms show to those who may change them."""
    return _page()


def _page(form: Form | None = None) -> Response:
    """The page; an act that was refused says so at the top."""
    context = guard.service()
    with context.database.begin() as db:
        now = context.now(db)
        view = read_settings.view_settings(db, now)
    status = 422 if form is not None and form.errors else 200
    words = {"behaviour": BEHAVIOURS, "reason": REASONS, "slot": SLOTS}
    shown_until = now + timedelta(days=duty_chart.DAYS)
    return guard.show(
        "settings.html",
        status,
        view=view,
        form=form or fresh_form(),
        now=now,
        soon=[turn for turn in view.duty if turn.starts_at < shown_until],
        much_later=[turn for turn in view.duty if turn.starts_at >= shown_until],
        chart=duty_chart.draw(view.duty, rota.LINES, now),
        words=words,
        label=labels.label,
    )


def _adding(what: str, form: Form) -> Response:
    """The form of a new pause, turn of duty or service."""
    return guard.show(
        "setting_add.html",
        422 if form.errors else 200,
        what=what,
        form=form,
        behaviours=labels.options(BEHAVIOURS),
        reasons=labels.options(REASONS),
        slots=labels.options(SLOTS),
        kinds=labels.options(KINDS),
    )


def _saved() -> Response:
    say(_("Saved."))
    return guard.back_to("settings_settings")


@pages.page("/settings/halt", needs="halt_outbound", methods=["POST"])
def halt() -> Response:
    """Stop all texts to participants (S41)."""
    form = sent_form()
    reason = form.text("reason", most=60)
    done = carried_out(form, lambda: set_outbound(guard.service(), False, guard.me().code, reason))
    return _saved() if done else _page(form)


@pages.page("/settings/resume", needs="resume_outbound", methods=["POST"])
def resume() -> Response:
    """Let texts to participants go again."""
    form = sent_form()
    return _saved() if carried_out(form, lambda: set_outbound(guard.service(), True, guard.me().code)) else _page(form)


@pages.page("/settings/pauses/add", needs="manage_groups", methods=["GET", "POST"])
def pause() -> Response:
    """A new pause window."""
    if request.method == "GET":
        return _adding("pause", fresh_form())
    form, actor = sent_form(), guard.me().code
    first, last = form.day("first_day"), form.day("last_day")
    behaviour, reason = form.choice("behaviour", BEHAVIOURS), form.choice("reason", REASONS)
    group = form.text("group", most=8, required=False)
    done = (
        first is not None
        and last is not None
        and carried_out(
            form,
            lambda: pauses.add_pause(guard.service(), first, last, behaviour, reason, actor, group_code=group, once=once(form)),
        )
    )
    return _saved() if done else _adding("pause", form)


@pages.page("/settings/pauses/<int:pause_id>/end", needs="manage_groups", methods=["POST"])
def end_pause(pause_id: int) -> Response:
    """End a window now."""
    form = sent_form()
    return _saved() if carried_out(form, lambda: pauses.end_pause(guard.service(), pause_id, guard.me().code)) else _page(form)


@pages.page("/settings/rota/add", needs="manage_rota", methods=["GET", "POST"])
def duty() -> Response:
    """A new turn of duty."""
    if request.method == "GET":
        return _adding("duty", fresh_form(begins="08:00", ends="08:00"))
    form, actor = sent_form(), guard.me().code
    who, phone = form.text("who", most=60), form.text("phone", most=30)
    line = form.whole("line", low=1, high=3)
    first, begins = form.day("first_day"), form.clock("begins")
    last, ends = form.day("last_day"), form.clock("ends")
    if first is None or begins is None or last is None or ends is None or line is None:
        return _adding("duty", form)
    starts_at, ends_at = local_moment(first, begins), local_moment(last, ends)
    done = carried_out(form, lambda: rota.add_duty(guard.service(), who, line, starts_at, ends_at, phone, actor, once(form)))
    return _saved() if done else _adding("duty", form)


@pages.page("/settings/rota/<int:duty_id>/end", needs="manage_rota", methods=["POST"])
def end_duty(duty_id: int) -> Response:
    """Take a turn off the rota."""
    form = sent_form()
    return _saved() if carried_out(form, lambda: rota.end_duty(guard.service(), duty_id, guard.me().code)) else _page(form)


@pages.page("/settings/rota/debrief", needs=("manage_rota", "work_concerns"), methods=["POST"])
def debrief() -> Response:
    """A debrief was held with somebody on duty."""
    form, context, actor = sent_form(), guard.service(), guard.me().code
    who = form.text("who", most=60)
    return _saved() if carried_out(form, lambda: duty_care.debrief_held(context, who, actor)) else _page(form)


@pages.page("/settings/directory/add", needs="manage_directory", methods=["GET", "POST"])
def entry() -> Response:
    """A service whose number was just checked."""
    if request.method == "GET":
        return _adding("entry", fresh_form())
    form, actor = sent_form(), guard.me().code
    new = directory.Entry(
        slot=form.choice("slot", SLOTS),
        name=form.text("name", most=80),
        kind=form.choice("kind", KINDS),
        phone=form.text("phone", most=20),
        area=form.text("area", most=60),
        hours=form.text("hours", most=60),
        cost=form.text("cost", most=20),
    )
    done = carried_out(form, lambda: directory.add_entry(guard.service(), new, actor, once(form)))
    return _saved() if done else _adding("entry", form)


@pages.page("/settings/directory/<int:entry_id>/check", needs="manage_directory", methods=["POST"])
def check(entry_id: int) -> Response:
    """The number was called: right (or corrected), or wrong."""
    form, context, actor = sent_form(), guard.service(), guard.me().code
    act, phone = form.choice("act", ("right", "wrong")), form.text("phone", most=20)
    if act == "right":
        done = carried_out(form, lambda: directory.verify_entry(context, entry_id, phone, actor))
    else:
        done = carried_out(form, lambda: directory.expire_entry(context, entry_id, actor))
    return _saved() if done else _page(form)
