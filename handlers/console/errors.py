"""The console's answers when something is refused or goes wrong: what happened, what to do; never a traceback or a value."""

from __future__ import annotations

import logging
from typing import Final

from flask import Flask, Response, g, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, InternalServerError

from handlers.console import guard
from handlers.console.language import gettext as _
from handlers.console.language import later
from handlers.console.pages import PREFIX
from sms_service.database import is_busy

log = logging.getLogger("handlers.console")

SENTENCES: Final = {
    400: (later("The form could not be read"), later("Nothing was changed. Go back, reload the page and send it again.")),
    403: (later("Not for your role"), later("Your account does not open this page. Ask an administrator if it should.")),
    404: (later("Not here"), later("There is nothing under this address, or it is not yours to see.")),
    405: (later("Not here"), later("This address does not take that kind of request.")),
    409: (
        later("Somebody was quicker"),
        later("This has changed since you opened it. Nothing was changed by you: look at it again, then decide."),
    ),
    413: (later("Too large"), later("What you sent is larger than this page takes. Nothing was changed.")),
    429: (later("Too many tries"), later("Wait a few minutes, then try again.")),
    503: (later("Busy for a moment"), later("The database did not answer in time. Nothing was changed: try again.")),
}
FAULT: Final = (later("Something went wrong"), later("Nothing was changed by this. Tell an administrator the time it happened."))


def page(status: int) -> Response:
    """The error page of a status, bare where nobody is signed in."""
    title, text = SENTENCES.get(status, FAULT if status >= 500 else SENTENCES[400])
    if "me" not in g:
        g.me = None
    answer = make_response(render_template("console/error.html", heading=_(title), text=_(text), status=status), status)
    for name, value in guard.HEADERS.items():
        answer.headers.setdefault(name, value)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _is_console() -> bool:
    return request.path == PREFIX or request.path.startswith(f"{PREFIX}/")


def install(app: Flask) -> None:
    """Error pages for addresses under the console; other surfaces answer for themselves."""

    @app.errorhandler(CSRFError)
    def no_token(fault: CSRFError) -> Response:
        return page(400)

    @app.errorhandler(HTTPException)
    def refused(fault: HTTPException) -> Response | HTTPException:
        if not _is_console() or fault.code is None or fault.code < 400:
            return fault
        return page(fault.code)

    @app.errorhandler(InternalServerError)
    def broken(fault: InternalServerError) -> Response | HTTPException:
        if not _is_console():
            return fault
        cause = fault.original_exception
        if isinstance(cause, Exception) and is_busy(cause):
            return page(503)
        log.error("console_fault")
        g.me = None  # the frame may be what failed
        return page(500)
