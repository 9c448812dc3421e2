"""Opt-outs at the network: the number is suppressed at once, also one that is not on file (contract 10.3)."""

from __future__ import annotations

from flask import Blueprint, Response

from handlers.guard import OK, callback, plain
from sms_service.gateway.wire import RawCallback, read_opt_out
from sms_service.logs import describe, logger
from sms_service.usecases.accept_inbound import accept_opt_out
from sms_service.usecases.context import Context

blueprint = Blueprint("callback_opt_out", __name__)
log = logger("opt_out")


@callback(blueprint, "opt-out")
def opt_out(context: Context, raw: RawCallback) -> Response:
    message = read_opt_out(raw)
    try:
        accept_opt_out(context, message)
    except Exception as fault:
        log.error("opt_out.not_stored", **describe(fault))
        return plain("not stored: send again", 503)
    return plain(OK)
