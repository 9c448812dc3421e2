"""What every callback passes first: the secret in its address, POST, the body's size (W1, W3, W15, T4)."""

from __future__ import annotations

import hmac
from collections.abc import Callable

from flask import Blueprint, Flask, Response, abort, current_app, request

from sms_service.config import Settings
from sms_service.gateway.wire import BODY_LIMIT, RawCallback, WireFault
from sms_service.usecases.context import Context

OK = "OK"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")  # all but POST are refused by us, after the secret (W1, W15)
PREFIX = "/callbacks/africastalking/<secret>"

Answer = Callable[[Context, RawCallback], Response]


def plain(text: str, status: int = 200) -> Response:
    """A short ``text/plain; charset=utf-8`` answer that never echoes input (W14)."""
    return Response(text, status=status, content_type="text/plain; charset=utf-8")


def callback(blueprint: Blueprint, name: str) -> Callable[[Answer], Answer]:
    """Register a callback under the gateway's secret address; the function gets the raw bytes and returns the answer."""

    def register(answer: Answer) -> Answer:
        def view(secret: str) -> Response:
            check_secret(secret)
            if request.method != "POST":
                return plain("method not allowed: POST only", 405)
            raw = _body()
            if raw is None:
                return plain("body too large: at most 65,536 bytes", 413)
            try:
                return answer(current_app.extensions["service"], raw)
            except WireFault as fault:
                return plain(fault.reason, fault.status)

        blueprint.add_url_rule(
            f"{PREFIX}/{name}", endpoint=name.replace("-", "_"), view_func=view, methods=METHODS, provide_automatic_options=False
        )
        return answer

    return register


def check_secret(given: str) -> None:
    """Constant-time compare with each valid secret (two during rotation); a wrong one is an unknown path (W15)."""
    settings: Settings = current_app.extensions["settings"]
    right = False
    for secret in settings.webhook_secret:
        right |= hmac.compare_digest(given.encode("utf-8", "surrogatepass"), secret.encode())
    if not right:
        abort(404)


def _body() -> RawCallback | None:
    """The body's bytes, read by ourselves: one raw non-UTF-8 byte empties the framework's form (contract 9.1)."""
    if request.content_length is not None and request.content_length > BODY_LIMIT:
        return None
    body = request.environ["wsgi.input"].read(BODY_LIMIT + 1) if request.content_length is None else request.get_data(cache=False)
    if len(body) > BODY_LIMIT:
        return None
    return RawCallback(request.headers.get("Content-Type", ""), body)


def register(app: Flask) -> None:
    """Add every callback of the gateway to the application."""
    from handlers import delivery, opt_out, sms, ussd

    for module in (sms, ussd, delivery, opt_out):
        app.register_blueprint(module.blueprint)
