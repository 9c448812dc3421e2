"""A backup is made while texts go, the service sends on and is lost, and the backup is restored elsewhere and sends on (F45)."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from sms_service.database import Database
from sms_service.models import audit, state
from sms_service.models.outbox import outbox
from sms_service.security.audit_chain import Head, verify
from sms_service.usecases.context import Context
from sms_service.usecases.invariants import check_invariants
from sms_service.usecases.make_backup import backup_to_directory
from sms_service.usecases.outbound_switch import set_outbound
from sms_service.usecases.published import Published
from sms_service.usecases.restore_backup import restore_backup
from sms_service.usecases.suppression_journal import write_journal
from tests.faults.conftest import SHORT, Start
from tests.faults.load import InboundLoad
from tests.faults.processes import wait_for
from tests.faults.service import RunningService

KEY = hashlib.sha256(b"backup").digest()


def gone_out(service: RunningService, *tags: str) -> Counter[tuple[str, str]]:
    """How often the gateway took each text of these tags."""
    return Counter((line["number"], line["text"]) for tag in tags for line in service.taken(tag))


def states(context: Context, tag: str) -> dict[str, str]:
    with context.database.begin() as db:
        rows = db.execute(select(outbox.c.key, outbox.c.state).where(outbox.c.key.startswith(f"{tag}:")))
        return {row.key: row.state for row in rows}


def back_up_and_restore(service: RunningService, folder: Path, url: str, *, each: int, seconds: float) -> None:
    """Back up in the middle of sending, go on for ``seconds``, lose everything, restore into ``url``, and send on from there."""
    phones = service.people(8)
    service.queue("before", phones, each)
    service.simulator.switch(latency_ms=5000)  # the backup falls into the first calls
    service.start()
    with InboundLoad(service, phones[:4], every=0.2) as load, service.fault():
        wait_for(lambda: service.states("before").get("calling", 0), 60, "the first calls")
        path, manifest = backup_to_directory(service.context, folder, KEY)
        service.simulator.switch(latency_ms=20)
        until, rounds = time.monotonic() + seconds, 0
        while time.monotonic() < until or not rounds:
            service.queue(f"after-{rounds}", phones)
            rounds += 1
            time.sleep(min(2.0, seconds))
        service.arrive("before", 8 * each)
    load.check()
    service.simulator.text(phones[7], "STOP")
    wait_for(lambda: write_journal(service.context, folder, KEY) == 1, 30, "the stop in the journal")
    service.settle()
    service.check()
    for process in (service.web, *service.workers, *service.clocks):
        process.kill()
    went = gone_out(service, "before")

    copy = replace(service.context, database=Database(url), published=Published())
    settled = restore_backup(copy, path, KEY, "command", journal=folder).settled
    held = states(copy, "before")
    assert settled.unknown > 0, "the backup was made in the middle of sending"
    assert (settled.stopped, manifest.rows["person"], len(held)) == (1, 8, 8 * each)
    assert set(held.values()) <= {"accepted", "delivered", "unknown"}
    with copy.database.begin() as db:
        assert (state.read(db).outbound_on, state.read(db).held_reason) == (False, "restored")
        assert verify(audit.chain(db), copy.audit_key, head=Head.read(manifest.audit_head)) is None
    assert not any(one.broken for one in check_invariants(copy))

    for process in (*service.workers, *service.clocks):
        process.start(DATABASE_URL=url)
    service.context = copy
    service.queue("fresh", phones)
    time.sleep(2)
    assert not service.taken("fresh"), "nothing leaves before a person lets it"
    set_outbound(copy, True, "command")
    wait_for(lambda: Counter(states(copy, "fresh").values()) == {"accepted": 7, "suppressed": 1}, 60, "texts of the copy")
    assert gone_out(service, "before") == went
    assert max(went.values()) == max(gone_out(service, "fresh").values()) == 1
    copy.database.dispose()


@pytest.mark.fault("F45")
@SHORT
def test_a_backup_under_load_is_restored_elsewhere_and_sends_nothing_twice(start_service: Start, tmp_path: Path) -> None:
    """F45, I20, I7: counts and chain verify, what may have gone is never sent again, a stop since stays one."""
    back_up_and_restore(start_service(), tmp_path / "backups", f"sqlite:///{tmp_path / 'there.db'}", each=8, seconds=1.0)


@pytest.mark.full
@pytest.mark.fault("F45")
@pytest.mark.parametrize("to", ["sqlite", "postgresql"])
def test_a_backup_is_restored_after_ten_minutes_more(
    start_service: Start, tmp_path: Path, request: pytest.FixtureRequest, to: str
) -> None:
    """F45 in full, from either database into either."""
    url = request.getfixturevalue("empty_postgresql") if to == "postgresql" else f"sqlite:///{tmp_path / 'there.db'}"
    back_up_and_restore(start_service(), tmp_path / "backups", url, each=60, seconds=600.0)
