"""Inbound SMS: stored with its crisis verdict, stop and alert, then 200; 503 when it could not be stored (I1, W13)."""

from __future__ import annotations

from flask import Blueprint, Response

from handlers.guard import OK, callback, plain
from sms_service.gateway.wire import RawCallback, read_sms
from sms_service.logs import describe, logger
from sms_service.usecases.accept_inbound import accept_inbound
from sms_service.usecases.context import Context

blueprint = Blueprint("callback_sms", __name__)
log = logger("sms")


@callback(blueprint, "sms")
def sms(context: Context, raw: RawCallback) -> Response:
    message = read_sms(raw)
    try:
        row_id = accept_inbound(context, message)
    except Exception as fault:
        log.error("inbound.not_stored", **describe(fault))
        return plain("not stored: send again", 503)
    log.info("inbound.stored" if row_id else "inbound.duplicate", row=row_id)
    return plain(OK)
