"""Staff accounts, for administrators: add, change roles, send a new link, disable."""

from __future__ import annotations

from flask import request, url_for
from werkzeug.wrappers import Response

from handlers.console import guard, labels
from handlers.console.forms import Form
from handlers.console.frame import say
from handlers.console.language import gettext as _
from handlers.console.pages import Pages
from sms_service.rules.roles import ROLES
from sms_service.usecases import staff_accounts
from sms_service.usecases.faults import UseFault

pages = Pages("staff")
NEEDS = "manage_staff"


def _page(form: Form, status: int = 200, link: str = "", code: str = "") -> Response:
    return guard.show(
        "staff.html",
        status,
        accounts=staff_accounts.all_accounts(guard.service()),
        form=form,
        roles=labels.options(labels.ROLES),
        link=link,
        link_code=code,
    )


def _shown_once(code: str, token: str) -> Response:
    """The link, shown this one time on the page itself: it is never put into an address or a cookie."""
    link = guard.settings().public_url.rstrip("/") + url_for("console.signin_link", token=token)
    return _page(Form(), link=link, code=code)


@pages.page("/staff", needs=NEEDS)
def all_staff() -> Response:
    """Every account with its roles."""
    return _page(Form())


@pages.page("/staff/add", needs=NEEDS, methods=["GET", "POST"], confirm=True)
def add() -> Response:
    """A new account; its sign-in link is shown once and works for 30 minutes."""
    form = Form(request.form if request.method == "POST" else None, initial={"language": "en"})
    if request.method == "GET":
        return guard.show("staff_add.html", form=form, roles=labels.options(labels.ROLES))
    login, name = form.text("login", most=60), form.text("name", most=80)
    roles = form.choices("roles_list", ROLES)
    language = form.choice("language", staff_accounts.LANGUAGES)
    person = form.text("person", most=12, required=False)
    if not form.errors:
        try:
            made = staff_accounts.add_staff(
                guard.service(), login, name, roles, actor=guard.me().code, language=language, person_code=person
            )
        except UseFault as fault:
            form.take_faults(fault)
        else:
            return _shown_once(made.code, made.token)
    return guard.show("staff_add.html", 422, form=form, roles=labels.options(labels.ROLES))


@pages.page("/staff/<code>", needs=NEEDS, methods=["GET", "POST"], confirm=True)
def one(code: str) -> Response:
    """One account: change its roles, send a new link, disable or enable it."""
    found = next((account for account in staff_accounts.all_accounts(guard.service()) if account.code == code), None)
    if found is None:
        guard.missing()
    form = Form(request.form if request.method == "POST" else None, initial={"roles_list": found.roles})
    if request.method == "POST":
        try:
            if _act(form, code):
                return _shown_once(code, staff_accounts.new_link(guard.service(), code, actor=guard.me().code))
        except UseFault as fault:
            form.take_faults(fault)
        if not form.errors:
            say(_("Saved."))
            return guard.back_to("staff_one", code=code)
    status = 422 if form.errors else 200
    return guard.show("staff_one.html", status, account=found, form=form, roles=labels.options(labels.ROLES))


def _act(form: Form, code: str) -> bool:
    """Carry out the pressed button; True when a new link is wanted."""
    act = form.choice("act", ("roles", "link", "disable", "enable"))
    actor = guard.me().code
    if act == "roles":
        roles = form.choices("roles_list", ROLES)
        if not form.errors:
            staff_accounts.set_roles(guard.service(), code, roles, actor=actor)
    elif act in ("disable", "enable"):
        staff_accounts.set_enabled(guard.service(), code, act == "enable", actor=actor)
    return act == "link"
