"""Signing in and out: password and code, the single-use link of a new account, and the demo's own links (T10)."""

from __future__ import annotations

from flask import redirect, request, session, url_for
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from werkzeug.wrappers import Response

from handlers.console import guard
from handlers.console.forms import Form
from handlers.console.language import gettext as _
from handlers.console.pages import ANYONE, SIGNED_IN, Pages
from sms_service.usecases import sign_in, staff_accounts
from sms_service.usecases.faults import UseFault

pages = Pages("signin")
limiter = Limiter(get_remote_address)
HOME = "/console/"


def _enter(token: str, wanted: str | None) -> Response:
    """A new login starts with nothing of the old one: form session cleared, cookie replaced (rotation)."""
    language = session.get("language")
    session.clear()
    if language:
        session["language"] = language
    answer = redirect(guard.own_path(wanted, HOME), 303)
    guard.set_login_cookie(answer, token)
    return answer


@pages.page("/sign-in", needs=ANYONE)
def form() -> Response:
    """Sign-in name, password and one-time code."""
    if guard.signed_in() is not None:
        return redirect(guard.own_path(request.args.get("next"), HOME), 303)
    return guard.show("sign_in.html", form=Form(), wanted=guard.own_path(request.args.get("next"), ""))


@pages.page("/sign-in/send", needs=ANYONE, methods=["POST"])
@limiter.limit("60 per minute")
def send() -> Response:
    """One answer for everything that does not fit: unknown, wrong, used, disabled, locked."""
    sent = request.form
    token = sign_in.sign_in(
        guard.service(), sent.get("login", "")[:200], sent.get("password", ""), sent.get("one_time", ""), guard.source()
    )
    wanted = guard.own_path(sent.get("next"), "")
    if token is not None:
        return _enter(token, wanted)
    again = Form(initial={"login": sent.get("login", "")[:60]})
    again.fault(
        "login",
        _("This did not fit, or there were too many tries. Check all three and try again; after five tries, wait 15 minutes."),
    )
    return guard.show("sign_in.html", 422, form=again, wanted=wanted)


@pages.page("/sign-out", needs=SIGNED_IN, methods=["POST"])
def leave() -> Response:
    """End this login."""
    sign_in.sign_out(guard.service(), guard.me())
    session.clear()
    answer = redirect(url_for("console.signin_form"), 303)
    guard.drop_login_cookie(answer)
    return answer


@pages.page("/link/<token>", needs=ANYONE)
def link(token: str) -> Response:
    """The page behind a new account's link; a demo's link signs in at once, in a demo only."""
    if guard.settings().app_env == "demo":
        entered = staff_accounts.enter_demo(guard.service(), token)
        if entered is not None:
            return _enter(entered, HOME)
    offered = staff_accounts.enrolment(guard.service(), token)
    if offered is None:
        return guard.show("link_gone.html", 404)
    return guard.show("enrol.html", form=Form(), offered=offered, token=token)


@pages.page("/link/<token>/send", needs=ANYONE, methods=["POST"])
@limiter.limit("30 per minute")
def enrol(token: str) -> Response:
    """Set the password and the authenticator, then sign in."""
    sent = request.form
    try:
        entered = staff_accounts.enrol(
            guard.service(), token, sent.get("password", ""), sent.get("again", ""), sent.get("one_time", "")
        )
    except UseFault as fault:
        offered = staff_accounts.enrolment(guard.service(), token)
        if offered is None:
            return guard.show("link_gone.html", 404)
        again = Form()
        again.take_faults(fault)
        return guard.show("enrol.html", 422, form=again, offered=offered, token=token)
    return _enter(entered, HOME)


@pages.page("/confirm", needs=SIGNED_IN, methods=["GET", "POST"])
@limiter.limit("30 per minute", methods=["POST"])
def confirm() -> Response:
    """The password and code once more, before roles change or data leave."""
    wanted = guard.own_path(request.values.get("next"), HOME)
    demo = guard.settings().app_env == "demo"
    again = Form()
    if request.method == "POST":
        done = demo and sign_in.confirm_demo(guard.service(), guard.me())
        if done or sign_in.confirm(
            guard.service(), guard.me(), request.form.get("password", ""), request.form.get("one_time", ""), guard.source()
        ):
            return redirect(wanted, 303)
        again.fault("password", _("This did not fit, or there were too many tries."))
    return guard.show("confirm.html", 422 if again.errors else 200, form=again, wanted=wanted)
