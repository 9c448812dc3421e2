"""The beat of a process that has no clock loop of its own: a thread that writes its time every ten seconds."""

from __future__ import annotations

import threading

from sqlalchemy.exc import SQLAlchemyError

from sms_service.logs import describe, logger
from sms_service.usecases.compare_clocks import EVERY_SECONDS, Beat, beat_once
from sms_service.usecases.context import Context

log = logger("beat")


def start_heartbeat(context: Context, role: str, stop: threading.Event | None = None) -> threading.Thread:
    """Beat until ``stop`` is set, or for as long as the process lives. A database that is away is tried again."""
    thread = threading.Thread(target=_keep_beating, args=(context, Beat(role), stop or threading.Event()), name="beat", daemon=True)
    thread.start()
    return thread


def _keep_beating(context: Context, beat: Beat, stop: threading.Event) -> None:
    said = False
    while not stop.is_set():
        try:
            gaps = beat_once(context, beat)
            if gaps and not said:
                # Texts may lie in the gateway's inbox: `sms-service inbox fetch` looks.
                log.warning("inbound.gap", count=gaps)
                said = True
        except SQLAlchemyError as fault:
            log.error("beat.waits", **describe(fault))
        stop.wait(EVERY_SECONDS)
