"""Groups: all of them for staff, with what a real site must set up; the own ones, and no other, for a facilitator."""

from __future__ import annotations

from flask import request
from werkzeug.wrappers import Response

from handlers.console import group_pages, guard, labels
from handlers.console.acting import carried_out, fresh_form, once, sent_form
from handlers.console.forms import Form
from handlers.console.frame import say
from handlers.console.group_pages import STATES, WEEKDAYS
from handlers.console.language import gettext as _
from handlers.console.pages import Pages
from sms_service.usecases import check_ins, question_sets, read_groups
from sms_service.usecases import groups as acts
from sms_service.usecases.outbound_switch import hold
from sms_service.usecases.plan_meetings import plan_meetings

pages = Pages("groups")
PARTS = ("member", "partner")


CHANGE_MEETING = ("manage_groups", "mark_attendance", "own_meetings", "own_attendance")
SEE = ("see_groups", "own_groups")


@pages.page("/groups", needs=SEE)
def groups() -> Response:
    """Every group, or a facilitator's own."""
    return group_pages.show_list()


@pages.page("/groups/add", needs="manage_groups", methods=["GET", "POST"])
def add() -> Response:
    """A new group, with its meetings when a first day is given."""
    form = sent_form() if request.method == "POST" else fresh_form(start_time="14:00")
    if request.method == "POST":
        made: list[str] = []
        new = _new_group(form)
        if carried_out(form, lambda: made.append(acts.add_group(guard.service(), new, guard.me().code, once(form)))):
            say(_("Group %(code)s is added.", code=made[0]))
            return guard.back_to("groups_one", code=made[0])
    with guard.service().database.begin() as db:
        programmes = read_groups.programmes(db)
    status = 422 if form.errors else 200
    return guard.show("group_add.html", status, form=form, programmes=programmes, weekdays=labels.options(WEEKDAYS))


def _new_group(form: Form) -> acts.NewGroup:
    day = form.choice("weekday", WEEKDAYS)
    return acts.NewGroup(
        programme=form.text("programme", most=8),
        neutral_name=form.text("neutral_name", most=60),
        cell_code=form.text("cell_code", most=20),
        weekday=int(day or 0),
        start_time=form.text("start_time", most=5),
        venue_code=form.text("venue_code", most=20),
        code=form.text("code", most=6, required=False),
        first_day=form.day("first_day", required=False),
    )


@pages.page("/groups/<code>", needs=SEE)
def one(code: str) -> Response:
    """One group: meetings, members by code, its pair."""
    return group_pages.show_group(code, Form())


@pages.page("/groups/<code>/remind", needs=("manage_groups", "own_reminder"), methods=["POST"])
def remind(code: str) -> Response:
    """Remind the group now."""
    return group_pages.remind(code)


@pages.page("/groups/<code>/change", needs="manage_groups", methods=["POST"])
def change(code: str) -> Response:
    """What the pressed button says: settings, pair, plan, members, hold."""
    form = sent_form()
    act = form.choice("act", (*_ACTS, "check_ins_look"))
    if act == "check_ins_look":
        group_pages.rule_of(form)
        return group_pages.show_group(code, form, 422 if form.errors else 200)
    if form.errors or not _ACTS[act](code, form):
        return group_pages.show_group(code, form, 422)
    say(_("Saved."))
    return guard.back_to("groups_one", code=code)


def _settings(code: str, form: Form) -> bool:
    state, venue = form.choice("state", STATES), form.text("venue_code", most=20)
    return carried_out(form, lambda: acts.change_group(guard.service(), code, guard.me().code, state=state, venue_code=venue))


def _check_ins(code: str, form: Form) -> bool:
    rule = group_pages.rule_of(form)
    return carried_out(form, lambda: check_ins.set_check_ins(guard.service(), code, rule, guard.me().code))


def _pair(code: str, form: Form) -> bool:
    woman, man = form.text("woman", most=12), form.text("man", most=12)
    return carried_out(form, lambda: acts.set_facilitators(guard.service(), code, woman, man, guard.me().code))


def _plan(code: str, form: Form) -> bool:
    day = form.day("first_day")
    return day is not None and carried_out(form, lambda: plan_meetings(guard.service(), code, day, guard.me().code))


def _member_add(code: str, form: Form) -> bool:
    who, part = form.text("person", most=12), form.choice("part", PARTS)
    return carried_out(form, lambda: acts.add_member(guard.service(), code, who, part, guard.me().code))


def _member_remove(code: str, form: Form) -> bool:
    who = form.text("person", most=12)
    return carried_out(form, lambda: acts.remove_member(guard.service(), code, who, guard.me().code))


def _hold(code: str, form: Form) -> bool:
    held = form.choice("held", ("0", "1"))
    return carried_out(form, lambda: hold(guard.service(), "group", code, held == "1", guard.me().code))


def _set(code: str, form: Form) -> bool:
    name, on = form.text("set", most=40), form.choice("on", ("0", "1"))
    return carried_out(form, lambda: question_sets.turn_set(guard.service(), code, name, guard.me().code, on=on == "1"))


_ACTS = {
    "settings": _settings,
    "pair": _pair,
    "plan": _plan,
    "member_add": _member_add,
    "member_remove": _member_remove,
    "hold": _hold,
    "check_ins": _check_ins,
    "set": _set,
}


@pages.page("/groups/<code>/meetings/<int:meeting_id>", needs=SEE)
def meeting(code: str, meeting_id: int) -> Response:
    """One meeting."""
    return group_pages.show_meeting(code, meeting_id)


@pages.page("/groups/<code>/meetings/<int:meeting_id>/change", needs=CHANGE_MEETING, methods=["POST"])
def change_meeting(code: str, meeting_id: int) -> Response:
    """Move, cancel or mark."""
    return group_pages.change_meeting(code, meeting_id, sent_form())
