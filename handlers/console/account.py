"""One's own account: language and password."""

from __future__ import annotations

from flask import redirect, request, session
from werkzeug.wrappers import Response

from handlers.console import guard
from handlers.console.forms import Form
from handlers.console.frame import say
from handlers.console.language import LANGUAGES
from handlers.console.language import gettext as _
from handlers.console.pages import ANYONE, SIGNED_IN, Pages
from sms_service.usecases import staff_accounts
from sms_service.usecases.faults import UseFault

pages = Pages("account")


@pages.page("/language", needs=ANYONE, methods=["POST"])
def language() -> Response:
    """English or French, kept with the account; before signing in, with this browser."""
    wanted = request.form.get("language", "")
    if wanted in LANGUAGES:
        session["language"] = wanted
        me = guard.signed_in()
        if me is not None:
            staff_accounts.set_language(guard.service(), me, wanted)
    return redirect(guard.own_path(request.form.get("back"), "/console/"), 303)


@pages.page("/account", needs=SIGNED_IN)
def account() -> Response:
    """Name, roles, and the form for another password."""
    return guard.show("account.html", form=Form())


@pages.page("/account/password", needs=SIGNED_IN, methods=["POST"])
def password() -> Response:
    """Another password; every other login of this account ends."""
    sent = request.form
    try:
        staff_accounts.change_password(
            guard.service(),
            guard.me(),
            sent.get("old", ""),
            sent.get("password", ""),
            sent.get("again", ""),
            sent.get("one_time", ""),
        )
    except UseFault as fault:
        form = Form()
        form.take_faults(fault)
        return guard.show("account.html", 422, form=form)
    say(_("The password is changed. Every other browser you were signed in with is signed out."))
    return guard.back_to("account_account")
