"""Health and metrics for machines: nothing personal, no versions, constant cost (I16, I21, I22)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from flask import Blueprint, Flask, Response, current_app, jsonify
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from sms_service.usecases.context import Context
from sms_service.usecases.count_up import ATTEMPTS, INBOUND, TURNS
from sms_service.usecases.read_figures import Figures, read_figures
from sms_service.usecases.read_health import LANES, read_health

blueprint = Blueprint("health", __name__)

#: Every metric: name -> (what it is, its label, whether it is a total that only grows). The list of docs/operations.md.
METRICS: Final[Mapping[str, tuple[str, tuple[str, ...], bool]]] = {
    "sms_service_ready": ("1 when the service may take traffic", (), False),
    "sms_service_degraded": ("1 for each degraded state by name", ("name",), False),
    "sms_service_outbox_rows": ("Outbox rows that are not final, counted up to 10000", ("state", "lane"), False),
    "sms_service_oldest_seconds": ("Age of the oldest that waits", ("kind",), False),
    "sms_service_last_hour_rows": ("Outbox rows of the last hour by state, the newest 10000", ("state",), False),
    "sms_service_attempts": ("Calls to the gateway by result and recipient", ("result",), True),
    "sms_service_inbound": ("Texts received by channel", ("channel",), True),
    "sms_service_ussd_turns": ("Screens shown in dials", (), True),
    "sms_service_needs_person_rows": ("Texts that failed three times, counted up to 1000", (), False),
    "sms_service_missed_occurrences": ("Occurrences missed within a day, counted up to 1000", (), False),
    "sms_service_outbound_on": ("1 when texts to participants may go", (), False),
    "sms_service_channel": ("1 when the sending channel is in this state", ("state",), False),
    "sms_service_nudges_waiting": ("Nudges in the queue store; absent when it does not answer", (), False),
    "sms_service_processes": ("Processes heard from within 30 seconds", ("role",), False),
    "sms_service_heard_seconds": ("Since a process of the role was last heard from", ("role",), False),
    "sms_service_tick_seconds": ("Since the clock last ticked", (), False),
    "sms_service_backup_seconds": ("Since the last backup", (), False),
    "sms_service_disk_used_ratio": ("How full a disk of this machine is, 0 to 1", ("disk",), False),
}


@blueprint.get("/health/live")
def live() -> Response:
    return jsonify(live=True)


@blueprint.get("/health/ready")
def ready() -> tuple[Response, int]:
    health = read_health(_service())
    return jsonify(ready=health.ready, degraded=health.degraded), 200 if health.ready else 503


@blueprint.get("/metrics")
def metrics() -> Response:
    """Counts, ages and totals from SQL, the same whichever process answers."""
    context = _service()
    registry = CollectorRegistry()
    registry.register(_Collected(read_figures(context, read_health(context))))
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _service() -> Context:
    found: Context = current_app.extensions["service"]
    return found


class _Collected:
    """What one request found, as the client library wants it handed over."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def collect(self) -> Iterable[Metric]:
        values = _values(self._figures)
        for name, (says, labels, grows) in METRICS.items():
            family = CounterMetricFamily(name, says, labels=labels) if grows else GaugeMetricFamily(name, says, labels=labels)
            for key, value in values.get(name, {}).items():
                family.add_metric(key, value)
            yield family


def _values(figures: Figures) -> dict[str, dict[tuple[str, ...], float]]:
    """Each metric's values by its labels."""
    health, channel = figures.health, figures.channel
    alone: dict[str, float | None] = {
        "sms_service_ready": float(health.ready),
        "sms_service_ussd_turns": figures.totals.get(TURNS, 0),
        "sms_service_nudges_waiting": figures.nudges,
        "sms_service_backup_seconds": figures.backup_age,
    }
    if figures.now is not None:
        alone |= {
            "sms_service_needs_person_rows": figures.needs_person,
            "sms_service_missed_occurrences": figures.missed,
            "sms_service_outbound_on": float(figures.outbound_on),
            "sms_service_tick_seconds": figures.tick_age,
        }
    values: dict[str, dict[tuple[str, ...], float]] = {
        name: {(): float(value)} for name, value in alone.items() if value is not None
    }
    ages = {(kind,): health.ages.get(kind, 0.0) for kind in ("inbound", *(name for name, _ in LANES), "alert")}
    values |= {
        "sms_service_degraded": {(name.replace(" ", "_"),): 1.0 for name in health.degraded},
        "sms_service_outbox_rows": {key: float(count) for key, count in figures.rows.items()},
        "sms_service_oldest_seconds": {key: float(age) for key, age in ages.items()},
        "sms_service_last_hour_rows": {(state,): float(count) for state, count in figures.last_hour.items()},
        "sms_service_attempts": _labelled(figures, ATTEMPTS),
        "sms_service_inbound": _labelled(figures, INBOUND),
        "sms_service_processes": {(role,): float(count) for role, count in figures.processes.items()},
        "sms_service_heard_seconds": {(role,): age for role, age in figures.beats.items()},
        "sms_service_disk_used_ratio": {(name,): round(share, 4) for name, share in figures.disks.items()},
    }
    if channel is not None and figures.now is not None:
        slow = channel.slow_until is not None and channel.slow_until > figures.now
        states = {"paused": channel.paused_at is not None, "breaker_open": channel.breaker_until is not None, "slow": slow}
        values["sms_service_channel"] = {(name,): float(holds) for name, holds in states.items()}
    return values


def _labelled(figures: Figures, name: str) -> dict[tuple[str, ...], float]:
    """The totals of a table by their label."""
    start = f"{name}."
    return {(full.removeprefix(start),): float(total) for full, total in figures.totals.items() if full.startswith(start)}


def register(app: Flask) -> None:
    app.register_blueprint(blueprint)
