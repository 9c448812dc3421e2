"""The demo's clock, for the simulator's handset page: tell the time, or go forward to the next event. Never outside a demo."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, abort, current_app, request

from handlers.guard import check_secret, plain
from sms_service import clock
from sms_service.usecases.forward_time import forward_time

blueprint = Blueprint("demo_time", __name__)


@blueprint.get("/demo/<secret>/time")
def tell(secret: str) -> Response:
    check_secret(secret)
    context = current_app.extensions["service"]
    with context.database.begin() as db:
        return plain(clock.local(context.now(db)).isoformat(timespec="seconds"))


@blueprint.post("/demo/<secret>/time")
def forward(secret: str) -> Response:
    check_secret(secret)
    if request.form.get("action") != "next":
        abort(400)
    moment, moved = forward_time(current_app.extensions["service"])
    said = clock.local(moment).strftime("%A %d %B %Y, %H:%M")
    return plain(f"It is now {said}." if moved else f"Nothing is planned; it is still {said}.")


def register(app: Flask) -> None:
    if app.extensions["settings"].app_env == "demo":
        app.register_blueprint(blueprint)
