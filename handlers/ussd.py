"""USSD turns and end events: a turn is always answered 200 with ``CON `` or ``END ``, whatever fails inside (I15)."""

from __future__ import annotations

from flask import Blueprint, Response, current_app

from handlers.guard import OK, callback, plain
from sms_service.gateway.wire import RawCallback, read_end, read_ussd
from sms_service.logs import describe, logger
from sms_service.usecases.context import Context
from sms_service.usecases.dial_rows import end_dial
from sms_service.usecases.take_turn import OtherCaller, take_turn

blueprint = Blueprint("callback_ussd", __name__)
log = logger("ussd")
APOLOGY_LANGUAGE = "rw"  # the language cannot be read when the database cannot


@callback(blueprint, "ussd")
def ussd(context: Context, raw: RawCallback) -> Response:
    hop = read_ussd(raw)
    try:
        return plain(take_turn(current_app.extensions["ussd_service"], hop))
    except OtherCaller:
        return plain("this dial belongs to another caller or code", 409)
    except Exception as fault:
        log.error("turn.failed", **describe(fault))
        return plain("END " + context.shipped.text(APOLOGY_LANGUAGE, "fault_screen"))


@callback(blueprint, "ussd-end")
def ussd_end(context: Context, raw: RawCallback) -> Response:
    end = read_end(raw)
    try:
        end_dial(context, end)
    except Exception as fault:
        log.error("end.not_stored", **describe(fault))
        return plain("not stored: send again", 503)
    return plain(OK)
