"""Whoever can write to the queue store runs nothing in the worker: what is not one of our nudges is dropped (T23)."""

from __future__ import annotations

import json
import os
import pickle
import tempfile
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq import Queue

from sms_service import jobs, store
from tests.service import Service
from tests.usecases.site import Site
from workers.entry import run_worker
from workers.nudge import Nudger

PHONE = "+250788001001"


class Harm:
    """Unpickled, it writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.system, (f"touch {self.path}",))


def put(redis: Redis, name: str, data: bytes, **fields: str) -> None:
    """A job as anybody who reaches the store can write it."""
    stamp = "2026-05-13T07:00:00.000000Z"
    job: dict[Any, Any] = {
        "data": zlib.compress(data),
        "created_at": stamp,
        "enqueued_at": stamp,
        "status": "queued",
        "origin": jobs.QUEUE,
        "timeout": "60",
    }
    redis.hset(f"rq:job:{name}", mapping=job | dict(fields))
    redis.rpush(f"rq:queue:{jobs.QUEUE}", name)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_is_no_nudge_is_dropped_and_runs_nothing(service: Service, tmp_path: Path) -> None:
    """T23, I13: pickled, another function, arguments, a callback; and the nudge behind them is carried out."""
    Site.build(service.context)
    ran = tmp_path / "ran"
    with tempfile.TemporaryDirectory(prefix="kv-") as folder, store.private_store(Path(folder)) as url:
        client = store.connect(url, timeout=2)
        nudge = Nudger(client)
        put(client, "pickled", pickle.dumps(("workers.tasks.send", None, [Harm(ran)], {})))
        put(client, "shell", json.dumps(["os.system", None, [f"touch {ran}"], {}]).encode())
        put(client, "unknown", json.dumps(["workers.tasks.nothing_such", None, [], {}]).encode())
        put(client, "arguments", json.dumps(["workers.tasks.send", None, [1], {}]).encode())
        harmless = json.dumps(["workers.tasks.send", None, [], {}]).encode()
        put(client, "callback", harmless, success_callback_name="os.abort", failure_callback_name="os.abort")
        put(client, "rubbish", b"\x00not json")
        service.app.extensions["service"] = nudged = replace(service.context, nudge=nudge)
        assert service.text(PHONE, "ubufasha").status_code == 200
        queue = Queue(jobs.QUEUE, connection=client, serializer="json")
        assert queue.count == 7
        run_worker(nudged, client, burst=True)
        assert queue.count == 0
        assert not ran.exists()
        assert [one for one in service.gateway.sent if one[0] == PHONE], "the nudge behind them was carried out"
        assert client.keys("rq:job:*") == [b"rq:job:callback"], "what was refused does not stay in the store"
        assert client.zcard(f"rq:failed:{jobs.QUEUE}") == client.zcard(f"rq:wip:{jobs.QUEUE}") == 0
