"""A new field key while texts come and go: sealed anew, killed half-way, gone on with, and the old key taken away (F46)."""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import replace

import pytest

from sms_service.config import load_settings
from sms_service.security.vault import Vault
from sms_service.usecases import rotate_keys
from tests.faults.conftest import SHORT, Start
from tests.faults.load import InboundLoad
from tests.faults.processes import Process
from tests.faults.service import RunningService

NEW = hashlib.sha256(b"new field key").digest()


class Keys:
    """The ring of a running service, changed as an operator does it: one restart of everything for each step."""

    def __init__(self, service: RunningService) -> None:
        self.service = service
        settings = load_settings(service.env)
        self.known = {1: settings.field_keys[1], 2: NEW}
        self.hash_key = settings.hash_key

    def use(self, *ring: int) -> None:
        """Every process started from now on, and this test, has this ring; the first seals."""
        written = ",".join(f"{key_id}:{base64.b64encode(self.known[key_id]).decode()}" for key_id in ring)
        for held in (self.service.env, *(process.env for process in self.service.processes)):
            held["FIELD_KEYS"] = written
        vault = Vault({key_id: self.known[key_id] for key_id in ring}, self.hash_key)
        self.service.context = replace(self.service.context, vault=vault)

    def restart(self, *ring: int) -> None:
        """Give the whole service this ring, politely."""
        self.use(*ring)
        for process in (self.service.web, *self.service.workers, *self.service.clocks):
            process.terminate()
            process.wait(60)
        self.service.start()

    def command(self, *words: str) -> Process:
        """A process of ``sms-service keys``."""
        log = self.service.logs / f"keys-{'-'.join(words)}.log"
        return Process([sys.executable, "-m", "sms_service", "keys", *words], self.service.env, log)

    def run(self, *words: str) -> tuple[int, str]:
        """The exit code and what it said."""
        process = self.command(*words)
        process.start()
        return process.wait(120), process.log.read_text().splitlines()[-1]


def change_the_key(service: RunningService, first_rings: Sequence[tuple[int, ...]], *, people: int, each: int) -> None:
    """Rotate under load through ``first_rings`` and on to the new key alone."""
    keys = Keys(service)
    phones = service.people(people)
    service.queue("old", phones, each)
    keys.use(*first_rings[0])
    service.start()
    with InboundLoad(service, phones, every=0.2) as load, service.fault():
        for ring in first_rings[1:]:
            keys.restart(*ring)
        service.queue("both", phones)
        killed = keys.command("rotate")
        killed.start(SMS_FAILPOINT="after_reseal")
        killed.wait_killed(60)
        totals = json.loads(keys.run("status", "--json")[1])["values"]
        assert totals["1"] > 0
        assert totals["2"] > 0
        assert keys.run("retire", "1", "--yes")[0] == 1, "the old key is still needed"
        assert keys.run("rotate")[0] == 0
        assert rotate_keys.on_other_keys(service.context) == 0
        assert keys.run("retire", "1", "--yes")[0] == 0
        keys.restart(2)
        service.queue("new", phones)
    load.check()
    for tag, count in (("old", people * each), ("both", people), ("new", people)):
        service.arrive(tag, count)
    code, said = keys.run("verify")
    assert (code, said.endswith(", 0 do not")) == (0, True), said
    service.check()


@pytest.mark.fault("F46")
@SHORT
def test_a_field_key_is_changed_under_load(start_service: Start) -> None:
    """F46, I17, I8: everything is readable throughout; the old key is let go only when nothing needs it."""
    change_the_key(start_service(), [(2, 1)], people=5, each=8)


@pytest.mark.full
@pytest.mark.fault("F46")
def test_a_field_key_is_changed_step_by_step(start_service: Start) -> None:
    """F46 in full: the new key is first known everywhere, then seals, then is alone."""
    change_the_key(start_service(workers=2), [(1,), (1, 2), (2, 1)], people=20, each=100)
