"""Erasing a person for good: a page that lists every place, asks why, and shows the proof (I19, S33)."""

from __future__ import annotations

from typing import Any

from flask import request
from werkzeug.wrappers import Response

from handlers.console import guard
from handlers.console.forms import Form
from handlers.console.language import gettext as _
from handlers.console.language import later
from handlers.console.pages import Pages
from sms_service.models import people
from sms_service.usecases import erase as use
from sms_service.usecases.faults import UseFault

pages = Pages("erase")
NEEDS = "erase_people"
PLACES = {
    "name": later("Name"),
    "phones": later("Phones with code word and PIN"),
    "staff account": later("Name and login of a disabled account"),
    "numbers": later("Numbers of nobody else"),
    "texts out": later("Texts to the person"),
    "texts in": later("Texts from the person"),
    "dials": later("Dials with their screens"),
    "reports": later("Delivery reports"),
    "concern notes": later("Notes about concerns"),
    "harm notes": later("Notes in the harm log"),
    "referral reasons": later("Reasons of referrals"),
    "consents": later("Consents, for five years"),
    "dialogues": later("Coded answers"),
    "concerns": later("Concerns, as codes"),
    "memberships": later("Groups"),
    "texts on a shared phone, of nobody known": later("Texts on a shared phone, of nobody known"),
}


@pages.page("/people/<code>/erase", needs=NEEDS, methods=["GET", "POST"], confirm=True)
def one(code: str) -> Response:
    """Every place first; then, with a reason and a tick, all of them at once."""
    with guard.service().database.begin() as db:
        if people.by_code(db, code) is None:
            guard.missing()
    form = Form(request.form if request.method == "POST" else None)
    proof = _erased(code, form) if request.method == "POST" else None
    found = proof or use.places(guard.service(), code)
    shown: dict[str, Any] = {"code": code, "form": form, "proof": proof, "rows": _named(found.rows), "kept": _named(found.kept)}
    return guard.show("erase.html", 422 if form.errors else 200, **shown)


def _named(counts: dict[str, int]) -> list[tuple[Any, int]]:
    return [(PLACES[name], count) for name, count in counts.items() if count]


def _erased(code: str, form: Form) -> use.Places | None:
    reason = form.text("reason", most=use.MOST_REASON)
    if form.value("sure") != "1":
        form.fault("sure", _("Tick the box: nobody can bring this back."))
    if form.errors:
        return None
    try:
        proof = use.erase(guard.service(), code, reason, guard.me().code, patience=use.PAGE_PATIENCE)
    except UseFault as fault:
        form.take_faults(fault)
        return None
    return proof
