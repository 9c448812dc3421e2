"""Health and metrics for machines: nothing personal, no versions, constant cost (I16, I21)."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, current_app, jsonify
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from sms_service.usecases.read_health import read_health

blueprint = Blueprint("health", __name__)


@blueprint.get("/health/live")
def live() -> Response:
    return jsonify(live=True)


@blueprint.get("/health/ready")
def ready() -> tuple[Response, int]:
    health = read_health(current_app.extensions["service"])
    return jsonify(ready=health.ready, degraded=health.degraded), 200 if health.ready else 503


@blueprint.get("/metrics")
def metrics() -> Response:
    """Counts and ages from SQL, the same whichever process answers."""
    health = read_health(current_app.extensions["service"])
    registry = CollectorRegistry()
    Gauge("sms_service_ready", "1 when the service may take traffic", registry=registry).set(int(health.ready))
    rows = Gauge("sms_service_outbox_rows", "Outbox rows by state", ["state"], registry=registry)
    for name, count in health.counts.items():
        rows.labels(name.removeprefix("outbox_")).set(count)
    ages = Gauge("sms_service_oldest_seconds", "Age of the oldest waiting row", ["kind"], registry=registry)
    for kind in ("inbound", "outbox", "alert"):
        ages.labels(kind).set(health.ages.get(kind, 0.0))
    degraded = Gauge("sms_service_degraded", "1 for each degraded state by name", ["name"], registry=registry)
    for name in health.degraded:
        degraded.labels(name.replace(" ", "_")).set(1)
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def register(app: Flask) -> None:
    app.register_blueprint(blueprint)
