"""Carrying out what a sent form asks for: one way for every page that changes something."""

from __future__ import annotations

from collections.abc import Callable

from flask import request

from handlers.console.forms import Form
from sms_service.security.tokens import new_row_id
from sms_service.usecases.faults import UseFault


def once(form: Form) -> int:
    """The hidden id of a form, which makes a double submit meet its own row; a new one when it was tampered with."""
    sent = form.value("once")
    return int(sent) if sent.isascii() and sent.isdigit() and len(sent) < 20 else new_row_id()


def fresh_form(**initial: object) -> Form:
    """An empty form with its own hidden id."""
    return Form(initial={"once": new_row_id(), **initial})


def sent_form() -> Form:
    """The form as it was sent."""
    return Form(request.form)


def carried_out(form: Form, act: Callable[[], object]) -> bool:
    """Do ``act`` unless the form has faults; False when anything was refused, with the faults on the form."""
    if form.errors:
        return False
    try:
        act()
    except UseFault as fault:
        form.take_faults(fault)
        return False
    return True
