"""The web application: one factory, to which each surface (console, callbacks, health) adds itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from handlers import console, demo_time, guard, health
from sms_service import paths
from sms_service.config import Settings
from sms_service.database import USSD_WAIT_MS, Database
from sms_service.usecases.context import Context

MOST_BODY = 1024 * 1024

#: What an application can carry. A surface is a function that registers its blueprints on the application.
SURFACES: dict[str, Callable[[Flask], None]] = {
    "callbacks": guard.register,
    "health": health.register,
    "console": console.register,
    "demo_time": demo_time.register,
}


def create_app(context: Context, settings: Settings, *, surfaces: Iterable[str] = tuple(SURFACES)) -> Flask:
    """A WSGI application over ``context`` with the named surfaces. Raises ``KeyError`` for a surface there is none of."""
    app = Flask("sms_service.console", template_folder=str(paths.templates_dir()), static_folder=None)
    secure = settings.public_url.startswith("https://")
    app.config.update(
        SECRET_KEY=settings.secret_key,
        MAX_CONTENT_LENGTH=MOST_BODY,
        MAX_FORM_PARTS=2_000,
        SESSION_COOKIE_NAME="__Host-form" if secure else "console_form",
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Strict",
        PERMANENT_SESSION_LIFETIME=timedelta(hours=12),
        WTF_CSRF_CHECK_DEFAULT=False,  # the console's gate checks it; the callbacks have a check of their own
        WTF_CSRF_TIME_LIMIT=12 * 3600,
        RATELIMIT_STORAGE_URI="memory://",
        PROPAGATE_EXCEPTIONS=False,
    )
    app.extensions["service"] = context
    hurried = Database(context.database.url, wait_ms=USSD_WAIT_MS, pool=4)
    app.extensions["ussd_service"] = replace(context, database=hurried)  # a telephone hangs up in seconds
    app.extensions["settings"] = settings
    app.jinja_env.autoescape = True  # for every template, whatever its file name ends in (T7, W11)
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    for name in surfaces:
        SURFACES[name](app)
    if settings.trusted_proxies:
        count = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)
    return app
