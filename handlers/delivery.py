"""Delivery reports: any order, any number of times, and statuses nobody has documented yet (W7, I14)."""

from __future__ import annotations

from flask import Blueprint, Response

from handlers.guard import OK, callback, plain
from sms_service.gateway.wire import RawCallback, read_delivery
from sms_service.logs import describe, logger
from sms_service.usecases.context import Context
from sms_service.usecases.take_report import take_report

blueprint = Blueprint("callback_delivery", __name__)
log = logger("delivery")


@callback(blueprint, "delivery")
def delivery(context: Context, raw: RawCallback) -> Response:
    report = read_delivery(raw)
    try:
        take_report(context, report)
    except Exception as fault:
        log.error("report.not_stored", **describe(fault))
        return plain("not stored: send again", 503)
    return plain(OK)
