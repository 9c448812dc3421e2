"""What the pages of all groups and of a facilitator's own groups share: reading, showing and acting on one group."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from werkzeug.wrappers import Response

from handlers.console import guard, labels, report_card
from handlers.console.acting import carried_out
from handlers.console.forms import Form
from handlers.console.frame import localtime, say
from handlers.console.language import gettext as _
from handlers.console.language import later
from sms_service import clock
from sms_service.rules.recurrence import Recurrence, chosen, read_rule
from sms_service.usecases import attendance, check_ins, move_meeting, question_sets, read_groups, remind_group
from sms_service.usecases.find import local_moment

STATES = {
    "planned": (later("Planned"), "grey"),
    "enrolling": (later("Enrolling"), "blue"),
    "running": (later("Running"), "green"),
    "paused": (later("Paused"), "amber"),
    "closed": (later("Closed"), "grey"),
}
MEETING_STATES = {
    "planned": (later("Planned"), "blue"),
    "confirmed": (later("Confirmed"), "blue"),
    "moved": (later("Moved"), "amber"),
    "cancelled": (later("Cancelled"), "grey"),
    "held": (later("Took place"), "green"),
    "reported": (later("Reported"), "green"),
}
MARKS = {"present": later("Present"), "absent": later("Absent"), "unknown": later("Unknown")}
WEEKDAYS = {
    "0": later("Monday"),
    "1": later("Tuesday"),
    "2": later("Wednesday"),
    "3": later("Thursday"),
    "4": later("Friday"),
    "5": later("Saturday"),
    "6": later("Sunday"),
}


EVERY = {"week": later("Every week"), "two_weeks": later("Every two weeks"), "month": later("Every month")}
NTH = {
    "1": later("the first"),
    "2": later("the second"),
    "3": later("the third"),
    "4": later("the fourth"),
    "-1": later("the last"),
}
_NOBODY = 0


@dataclass(frozen=True, slots=True)
class Side:
    """Whose groups are meant (``facilitator_id``: a person's own ones only; None: all), and what the pages offer."""

    facilitator_id: int | None
    may_change: bool
    may_remind: bool
    may_move: bool
    may_mark: bool


def side() -> Side:
    """The signed-in person's side: staff see all groups, a facilitator the own ones and no other (S31)."""
    everything = guard.may("see_groups")
    return Side(
        facilitator_id=None if everything else guard.me().person_id or _NOBODY,
        may_change=guard.may("manage_groups"),
        may_remind=guard.may("manage_groups") or (not everything and guard.may("own_reminder")),
        may_move=guard.may("manage_groups") or (not everything and guard.may("own_meetings")),
        may_mark=guard.may("mark_attendance") or (not everything and guard.may("own_attendance")),
    )


def time_of(moment: datetime) -> str:
    """The time of day in Kigali, with 24 hours."""
    return f"{clock.local(moment):%H:%M}"


def group_row(whose: Side, db: Any, code: str) -> Any:
    """The group, or the same 404 for none and for another's (T12)."""
    row = read_groups.find_group(db, code, whose.facilitator_id)
    if row is None:
        guard.missing()
    return row


def rule_of(form: Form) -> str:
    """The rule that the form's choices make, empty for none; what is wrong is noted on the form."""
    every = form.choice("every", EVERY, required=False)
    if not every:
        return ""
    weekday, nth = form.choice("weekday", WEEKDAYS), form.choice("nth", NTH)
    if form.errors:
        return ""
    return chosen("month" if every == "month" else "two_weeks" if every == "two_weeks" else "week", int(weekday), int(nth)).text


def _check_ins(form: Form, group_id: int, db: Any, now: datetime) -> dict[str, Any]:
    """The group's rule in words and its next moments; those of the choices on the form, when it was sent to look at them."""
    kept = check_ins.check_ins_of(db, group_id, now)
    looked = rule_of(form) if form.value("act") == "check_ins_look" and not form.errors else ""
    shown = check_ins.preview(db, group_id, read_rule(looked), now) if looked else kept
    rule = shown.rule
    values = {"every": "", "weekday": "1", "nth": "1"}
    if rule is not None:
        values = {"every": rule.every or "", "weekday": str(rule.weekday), "nth": str(rule.nth or 1)}
    return {"kept": kept, "shown": shown, "looked": bool(looked), "words": _rule_words(rule), "values": values}


def _rule_words(rule: Recurrence | None) -> str:
    if rule is None:
        return _("No check-ins")
    day = labels.label(WEEKDAYS, str(rule.weekday))
    if rule.nth is not None:
        which = labels.label(NTH, str(rule.nth))
        return (
            _("Every %(n)s months on %(which)s %(day)s", n=rule.interval, which=which, day=day)
            if rule.interval > 1
            else _("Every month on %(which)s %(day)s", which=which, day=day)
        )
    if rule.interval == 1:
        return _("Every week on %(day)s", day=day)
    return _("Every %(n)s weeks on %(day)s", n=rule.interval, day=day)


def show_list() -> Response:
    """The list of groups."""
    context = guard.service()
    with context.database.begin() as db:
        lines = read_groups.group_lines(db, context.now(db), side().facilitator_id)
    return guard.show("groups.html", lines=lines, side=side(), states=STATES, label=labels.label, tone=labels.tone, time_of=time_of)


def show_group(code: str, form: Form, status: int = 200) -> Response:
    """One group's page."""
    context = guard.service()
    with context.database.begin() as db:
        now = context.now(db)
        view = read_groups.view_group(db, group_row(side(), db, code), now)
        sets = question_sets.sets_of_group(context, db, view.row.id) if guard.may("see_groups") else []
        recurring = _check_ins(form, view.row.id, db, now)
    return guard.show(
        "group.html",
        status,
        view=view,
        sets=sets,
        recurring=recurring,
        every=labels.options(EVERY),
        nth=labels.options(NTH),
        set_words=labels.QUESTION_SETS,
        side=side(),
        form=form,
        now=now,
        states=STATES,
        meeting_states=MEETING_STATES,
        weekdays=labels.options(WEEKDAYS),
        label=labels.label,
        tone=labels.tone,
        options=labels.options,
        time_of=time_of,
    )


def show_meeting(code: str, meeting_id: int, form: Form | None = None) -> Response:
    """One meeting's page: who comes, moving and cancelling, attendance."""
    context = guard.service()
    with context.database.begin() as db:
        now = context.now(db)
        row = group_row(side(), db, code)
        view = read_groups.view_meeting(db, row.id, meeting_id, now)
        if view is None:
            guard.missing()
        report = report_card.shown(db, meeting_id, form or Form())
    return guard.show(
        "meeting.html",
        422 if form is not None and form.errors else 200,
        group=row,
        view=view,
        side=side(),
        form=form or Form(initial={"time": row.start_time}),
        marks=labels.options(MARKS),
        **report,
        meeting_states=MEETING_STATES,
        label=labels.label,
        tone=labels.tone,
        time_of=time_of,
    )


def remind(code: str) -> Response:
    """Remind the group of its next meeting, once a meeting and day."""
    context = guard.service()
    with context.database.begin() as db:
        row = group_row(side(), db, code)
        result, when = remind_group.remind_group_in(context, db, row, guard.me().code, context.now(db))
    if result == "sent":
        say(_("The reminder is on its way."))
    elif result == "later" and when is not None:
        say(_("The reminder will leave from %(when)s on.", when=localtime(when)), "blue")
    elif result == "already":
        say(_("This group has had its reminder for today."), "amber")
    else:
        say(_("Nobody to remind: no meeting is planned, or nobody can be texted now."), "amber")
    return guard.back_to("groups_one", code=code)


def change_meeting(code: str, meeting_id: int, form: Form) -> Response:
    """Move, cancel or mark: the button pressed says which."""
    context, actor = guard.service(), guard.me().code
    with context.database.begin() as db:
        found = read_groups.view_meeting(db, group_row(side(), db, code).id, meeting_id, context.now(db))
        if found is None:
            guard.missing()
            raise LookupError("unreachable: missing() never returns")
    whose = side()
    act = form.choice("act", ("move", "cancel", "mark"))
    if (act == "mark" and not whose.may_mark) or (act in ("move", "cancel") and not whose.may_move):
        guard.missing()
    seen = _seen(form)
    if act == "move":
        day, at = form.day("day"), form.clock("time")
        new_start = local_moment(day, at) if day is not None and at is not None else found.row.starts_at
        done = carried_out(form, lambda: move_meeting.move_meeting(context, meeting_id, new_start, actor, seen=seen))
    elif act == "cancel":
        done = carried_out(form, lambda: move_meeting.cancel_meeting(context, meeting_id, actor, seen=seen))
    else:
        done = act == "mark" and _mark(found, meeting_id, form, actor)
    if not done:
        return show_meeting(code, meeting_id, form)
    say(_("Saved.") if act == "mark" else _("Saved. Those who were invited are told by text."))
    return guard.back_to("groups_meeting", code=code, meeting_id=meeting_id)


def _mark(found: read_groups.MeetingView, meeting_id: int, form: Form, actor: str) -> bool:
    marks = {one.code: form.choice(f"mark_{one.code}", MARKS) for one in found.members}
    source = "facilitator" if side().facilitator_id is not None else "staff"
    return carried_out(form, lambda: attendance.mark_attendance(guard.service(), meeting_id, marks, actor, source=source))


def _seen(form: Form) -> datetime | None:
    """The start the person saw: a form sent after somebody else's change is refused (reliability section 10)."""
    try:
        return datetime.fromisoformat(form.value("seen"))
    except ValueError:
        form.fault("act", _("This page is out of date. Open the meeting again."))
        return None
