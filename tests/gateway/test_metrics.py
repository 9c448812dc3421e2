"""The metrics a monitor reads: those of the documented list, valid Prometheus text, nothing personal (I16, I21)."""

from __future__ import annotations

import re
from dataclasses import replace

from prometheus_client.parser import text_string_to_metric_families

from handlers.health import METRICS
from sms_service.usecases.read_health import read_health
from tests.laws.rules import ROOT
from tests.service import Service

OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


def test_the_documented_metrics_are_those_there_are() -> None:
    """I21: names and labels of docs/operations.md, in its order."""
    listed = re.findall(r"^\| `(sms_service_\w+)(?:\{([\w,]+)\})?` \|", OPERATIONS, re.MULTILINE)
    named = [(f"{name}_total" if grows else name, ",".join(labels)) for name, (_, labels, grows) in METRICS.items()]
    assert listed == named


def test_a_scrape_is_valid_and_holds_what_happened(service: Service) -> None:
    """I16, I21: a text that came in and its answer, counted by state and lane."""
    service.text("+250788000001", "ndashaka gupfa")
    before = service.app.test_client().get("/metrics").get_data(as_text=True)
    service.work()
    after = service.app.test_client().get("/metrics").get_data(as_text=True)
    for shown in (before, after):
        families = {one.name: one for one in text_string_to_metric_families(shown)}
        assert set(families) == set(METRICS)
        assert "788000001" not in shown
        assert "gupfa" not in shown
    oldest = next(one for one in text_string_to_metric_families(before) if one.name == "sms_service_oldest_seconds")
    waited = {sample.labels["kind"]: sample.value for sample in oldest.samples}
    assert waited["inbound"] > 0
    assert re.search(r'sms_service_last_hour_rows\{state="accepted"\} [1-9]', after)


def test_with_the_database_gone_the_metrics_still_answer(service: Service) -> None:
    """I21: not ready is a figure too."""
    client = service.app.test_client()
    with service.context.database.begin() as db:
        db.exec_driver_sql("ALTER TABLE service_state RENAME TO elsewhere")
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert "sms_service_ready 0.0" in answer.get_data(as_text=True)
    assert client.get("/health/ready").status_code == 503


def test_every_degraded_state_is_explained_to_the_operator(service: Service) -> None:
    """I21: each name of the health page has its line in docs/operations.md."""
    explained = set(
        re.findall(r"`([a-z ]+)`", "".join(re.findall(r"^\| (`[a-z ]+`(?:, `[a-z ]+`)*) \|", OPERATIONS, re.MULTILINE)))
    )
    context = replace(service.context, reviewed_only=True, queue_length=lambda: None)
    assert set(read_health(context).degraded) <= explained
    source = (ROOT / "sms_service" / "usecases" / "read_health.py").read_text(encoding="utf-8")
    yielded = set(re.findall(r'yield "([a-z ]+)"', source)) | set(re.findall(r'degraded\.append\("([a-z ]+)"\)', source))
    assert len(yielded) > 20
    assert yielded <= explained
