"""The queue store goes and comes back: texts move without it, the worker outlives its absence, and nudges work again."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rq import Queue

from sms_service import jobs, store
from tests.service import Service
from tests.usecases.site import Site
from workers.entry import run_worker
from workers.nudge import Nudger

PHONE = "+250788001001"


@pytest.fixture
def state() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="kv-") as folder:
        yield Path(folder)


def heard(service: Service) -> int:
    """How many texts have gone to the phone."""
    return len([one for one in service.gateway.sent if one[0] == PHONE])


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_texts_flow_without_the_store_and_nudges_resume_with_it(service: Service, state: Path) -> None:
    """F7, I13: store up, killed, up again; the same worker loop, one answer each time."""
    Site.build(service.context)
    ticks = [0.0]
    with store.private_store(state) as url:
        client = store.connect(url, timeout=0.3)
        nudge = Nudger(client, lambda: ticks[0])
        service.app.extensions["service"] = nudged = replace(service.context, nudge=nudge)
        queue = Queue(jobs.QUEUE, connection=client, serializer="json")

        assert service.text(PHONE, "help").status_code == 200
        assert queue.count == 1
        run_worker(nudged, client, burst=True)
        assert (queue.count, heard(service)) == (0, 1)

        os.kill(int(client.info("server")["process_id"]), signal.SIGKILL)
        began = time.monotonic()
        assert service.text(PHONE, "ubufasha").status_code == 200
        run_worker(nudged, client, burst=True)
        assert time.monotonic() - began < 5, "neither the callback nor the worker hangs or ends with a fault"
        assert heard(service) == 1
        service.work()
        assert heard(service) == 2, "the sweep needs no store"

    with store.private_store(state):
        assert service.text(PHONE, "msaada").status_code == 200
        assert queue.count == 0, "within two seconds of a fault the store is left alone"
        ticks[0] += 3
        assert service.text(PHONE, "aide").status_code == 200
        assert queue.count == 1
        run_worker(nudged, client, burst=True)
        assert (queue.count, heard(service)) == (0, 4)
