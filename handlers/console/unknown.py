"""Numbers that wrote or dialled and belong to nobody: by code, linked to a person with a reason (domain section
9.1).
"""

from __future__ import annotations

from werkzeug.wrappers import Response

from handlers.console import guard, labels
from handlers.console.acting import carried_out, sent_form
from handlers.console.forms import Form
from handlers.console.frame import say
from handlers.console.language import gettext as _
from handlers.console.pages import Pages
from sms_service.usecases import unknown_numbers
from sms_service.usecases.contacts import OWNERSHIPS

pages = Pages("unknown")
NEEDS = "link_unknown"


@pages.page("/unknown", needs=NEEDS)
def unknown() -> Response:
    """The list, newest first."""
    return _page(Form(initial={"phone_ownership": "shared_other"}))


def _page(form: Form) -> Response:
    with guard.service().database.begin() as db:
        rows = unknown_numbers.unknown_numbers(db)
    ownerships = [(code, labels.label(labels.OWNERSHIP, code)) for code in OWNERSHIPS]
    return guard.show("unknown.html", 422 if form.errors else 200, rows=rows, form=form, ownerships=ownerships)


@pages.page("/unknown/link", needs=NEEDS, methods=["POST"])
def link() -> Response:
    """Give a number to a person."""
    form = sent_form()
    number, person = form.text("number", most=16), form.text("person", most=12)
    ownership, reason = form.choice("phone_ownership", OWNERSHIPS), form.text("reason", most=300)
    context, actor = guard.service(), guard.me().code
    if not carried_out(form, lambda: unknown_numbers.link_number(context, number, person, ownership, reason, actor)):
        return _page(form)
    say(_("The number now belongs to %(code)s.", code=person.upper()))
    return guard.back_to("unknown_unknown")
