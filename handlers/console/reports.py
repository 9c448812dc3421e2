"""Reports in the console: the one on a meeting (V15), filed and shown on its page, and the yearly remembrance text (V17)."""

from __future__ import annotations

from werkzeug.wrappers import Response

from handlers.console import group_pages, guard, labels, report_card
from handlers.console.acting import carried_out, sent_form
from handlers.console.forms import Form
from handlers.console.frame import say
from handlers.console.language import gettext as _
from handlers.console.pages import Pages
from sms_service.usecases import meeting_reports as acts
from sms_service.usecases import read_groups, remembrance

pages = Pages("reports")


@pages.page("/groups/<code>/meetings/<int:meeting_id>/report", needs=("mark_attendance", "own_attendance"), methods=["POST"])
def file(code: str, meeting_id: int) -> Response:
    """File or correct the report; staff decide between two that differ, a facilitator's is compared with the other's."""
    context, whose = guard.service(), group_pages.side()
    with context.database.begin() as db:
        found = read_groups.view_meeting(db, group_pages.group_row(whose, db, code).id, meeting_id, context.now(db))
        actor = acts.person_code(db, whose.facilitator_id) or guard.me().code
    if found is None or not whose.may_mark:
        guard.missing()
    form = sent_form()
    counts = _counts(form)
    staff = whose.facilitator_id is None
    flagged: list[str] = []
    if counts is None or not carried_out(
        form, lambda: flagged.append(acts.file_by_staff(context, meeting_id, counts, actor, settles=staff))
    ):
        return group_pages.show_meeting(code, meeting_id, form)
    if flagged[0]:
        say(_("The report is saved, with a question: %(why)s.", why=labels.label(report_card.FLAGS, flagged[0])), "amber")
    else:
        say(_("The report is saved."))
    return guard.back_to("groups_meeting", code=code, meeting_id=meeting_id)


def _counts(form: Form) -> acts.Counts | None:
    """What was sent; None after noting the faults."""
    numbers = {name: form.whole(name, low=0, high=acts.MOST_PEOPLE) for name in report_card.COUNTS}
    incident, both = form.choice("incident", labels.INCIDENTS), form.choice("both_present", report_card.BOTH, required=False)
    if form.errors:
        return None
    present = {"yes": True, "no": False}.get(both)
    return acts.Counts(**{name: number or 0 for name, number in numbers.items()}, incident=incident, both_present=present)


@pages.page("/remembrance", needs=("approve_remembrance", "see_health"))
def yearly() -> Response:
    """The words of the remembrance text, and whether they are approved for the coming year."""
    return _yearly(Form())


def _yearly(form: Form) -> Response:
    context = guard.service()
    with context.database.begin() as db:
        view = remembrance.view_remembrance(context, db, context.now(db))
    return guard.show("remembrance.html", 422 if form.errors else 200, view=view, form=form)


@pages.page("/remembrance/decide", needs="approve_remembrance", methods=["POST"])
def decide() -> Response:
    """The director approves these words for the year, or takes the approval back."""
    form, context, actor = sent_form(), guard.service(), guard.me().code
    act = form.choice("act", ("approve", "withdraw"))
    if act == "approve":
        done = carried_out(form, lambda: remembrance.approve_remembrance(context, form.text("seen", most=64), actor))
    else:
        done = carried_out(form, lambda: remembrance.withdraw_remembrance(context, actor))
    if not done:
        return _yearly(form)
    say(_("Approved for this year.") if act == "approve" else _("The approval is taken back; no text leaves."))
    return guard.back_to("reports_yearly")
