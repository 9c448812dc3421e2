"""The console's gate: who is asking, whether they may, and how every answer leaves (I18, T10-T12, T24).

Views use ``me()``, ``service()``, ``show()``, ``back_to()`` and ``missing()``; everything else here runs before and
after them. A page is refused unless its declaration names a permission that the role table allows.
"""

from __future__ import annotations

from typing import Any, NoReturn
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, current_app, g, make_response, redirect, render_template, request, url_for
from flask_wtf.csrf import CSRFProtect
from werkzeug.wrappers import Response as AnyResponse

from handlers.console import forms
from handlers.console.pages import ANYONE, Page
from sms_service.config import Settings
from sms_service.rules.roles import allows
from sms_service.usecases import sign_in
from sms_service.usecases.context import Context
from sms_service.usecases.overview import Frame, read_frame
from sms_service.usecases.sign_in import SignedIn

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
csrf = CSRFProtect()


def service() -> Context:
    """The service that the views act on."""
    found: Context = current_app.extensions["service"]
    return found


def settings() -> Settings:
    """The checked settings of this process."""
    found: Settings = current_app.extensions["settings"]
    return found


def me() -> SignedIn:
    """The signed-in person; only in views of pages that need one."""
    found: SignedIn = g.me
    return found


def signed_in() -> SignedIn | None:
    """The signed-in person, or None on the pages that work for anyone."""
    found: SignedIn | None = g.get("me")
    return found


def may(permission: str) -> bool:
    """Whether the signed-in person's roles allow this; nobody signed in: no. Also used by the templates."""
    found = signed_in()
    return found is not None and allows(found.roles, permission)


def source() -> str:
    """Where the request comes from, for lockouts; behind exactly the configured number of proxies (T24)."""
    return request.remote_addr or "unknown"


def facts() -> Frame:
    """What every page says around its own content: read once a request, by the gate, before the view runs."""
    if "frame_facts" not in g:
        with service().database.reading() as db:
            g.frame_facts = read_frame(db, service().now(db), signed_in())
    found: Frame = g.frame_facts
    return found


def show(template: str, status: int = 200, **values: Any) -> Response:
    """The page ``console/<template>`` with its values."""
    return make_response(render_template(f"console/{template}", **values), status)


def back_to(endpoint: str, **values: Any) -> AnyResponse:
    """After a change: on to a page of the console (a relative address), so that a reload does not send the form again."""
    return redirect(url_for(f"console.{endpoint}", **values), 303)


def missing() -> NoReturn:
    """The same answer for what is not there and for what is another's (T12). Never returns."""
    abort(404)


def own_path(wanted: str | None, otherwise: str) -> str:
    """``wanted`` when it is a path inside the console, else ``otherwise``: no address of anyone else's (T11)."""
    if not wanted or "\\" in wanted or any(ord(c) < 33 for c in wanted):
        return otherwise
    parts = urlsplit(wanted)
    inside = parts.path == "/console" or parts.path.startswith("/console/")
    return wanted if inside and not parts.scheme and not parts.netloc and not wanted.startswith("//") else otherwise


def cookie_name() -> str:
    """``__Host-`` binds the cookie to this host over TLS; a demo without TLS cannot carry that name."""
    return "__Host-login" if current_app.config["SESSION_COOKIE_SECURE"] else "console_login"


def set_login_cookie(answer: AnyResponse, token: str) -> None:
    """Hand the browser its new login (T10); a session cookie, gone when the browser closes."""
    answer.set_cookie(
        cookie_name(), token, secure=current_app.config["SESSION_COOKIE_SECURE"], httponly=True, samesite="Strict", path="/"
    )


def drop_login_cookie(answer: AnyResponse) -> None:
    answer.delete_cookie(
        cookie_name(), secure=current_app.config["SESSION_COOKIE_SECURE"], httponly=True, samesite="Strict", path="/"
    )


def login_token() -> str:
    return request.cookies.get(cookie_name(), "")


def _check_host() -> None:
    checked = settings()
    if checked.production and request.host != checked.public_host:
        abort(400, "This host name is not served here. Use the address in PUBLIC_URL.")


def _check_body(page: Page) -> None:
    request.max_content_length = page.body_limit
    if request.method in SAFE_METHODS:
        return
    csrf.protect()
    twice = forms.repeated_field(request.form)
    if twice is not None:
        abort(400, "A field of the form came twice. Go back, reload the page and send it again.")
    if any("\x00" in value for values in request.form.listvalues() for value in values):
        abort(400, "The form holds a NUL character, which cannot be stored. Remove it and send the form again.")


def _to_sign_in(page: Page) -> AnyResponse:
    if page.live:
        return make_response("", 401)
    wanted = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("console.signin_form", next=wanted if wanted != "/console/" else None), 303)


def install(blueprint: Blueprint, pages: dict[str, Page]) -> None:
    """Put the gate in front of every page of the console; ``pages`` maps endpoint to declaration."""

    @blueprint.before_request
    def gate() -> AnyResponse | None:
        page = pages.get((request.endpoint or "").removeprefix(f"{blueprint.name}."))
        if page is None:
            abort(404)
        _check_host()
        if any("\x00" in str(value) for value in (request.view_args or {}).values()):
            missing()  # PostgreSQL keeps no NUL: nothing is named so
        _check_body(page)
        g.me = sign_in.who(service(), login_token(), active=not page.live)
        if ANYONE in page.needs:
            return None
        if g.me is None:
            return _to_sign_in(page)
        if not page.opens_for(may):
            abort(403)
        if not page.live:
            facts()  # now, so that no page opens a second transaction inside a view's own
        if page.confirm and not g.me.confirmed:
            return redirect(url_for("console.signin_confirm", next=_way_back(page)), 303)
        return None

    @blueprint.after_request
    def seal(answer: Response) -> Response:
        for name, value in HEADERS.items():
            answer.headers.setdefault(name, value)
        answer.headers.setdefault("Cache-Control", "no-store")
        if current_app.config["SESSION_COOKIE_SECURE"]:
            answer.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        return answer


def _way_back(page: Page) -> str:
    """After the password was asked again: the form itself; a sent form is filled in again, never replayed."""
    if request.method == "GET":
        return request.full_path.rstrip("?")
    return own_path(urlsplit(request.referrer or "").path, "/console/") if "GET" not in page.methods else request.path
