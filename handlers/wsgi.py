"""The application a web server loads: settings from the environment, nudges when a queue store is named."""

from __future__ import annotations

import os
from pathlib import Path

from flask import Flask

from handlers.app import create_app
from sms_service import logs, store
from sms_service.config import load_settings
from sms_service.database import CALLBACK_WAIT_MS
from sms_service.usecases.context import no_nudge
from sms_service.wiring import context_from
from workers.nudge import Nudger


def build() -> Flask:
    """The application from the process's own environment. Raises ``SettingsFault`` naming every fault."""
    settings = load_settings(os.environ, env_file=Path(".env"))
    logs.configure(settings.log_level, "web")
    nudge = Nudger(store.connect(settings.redis_url, timeout=0.3)) if settings.redis_url else no_nudge
    return create_app(context_from(settings, wait_ms=CALLBACK_WAIT_MS, nudge=nudge), settings)


app = build()
