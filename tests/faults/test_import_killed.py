"""F48: an import that is killed has not happened, and can simply be run again; meanwhile people write and are written to."""

from __future__ import annotations

import json
import random
import sys
import time

import pytest
from sqlalchemy import func, select

from sms_service.models.people import consent, contact_point, identity, person
from tests.faults.conftest import Start
from tests.faults.load import InboundLoad
from tests.faults.processes import Process, wait_for
from tests.faults.service import RunningService
from tests.faults.standard_check import CANARY

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
HEADER = "code,name,phone,language,sex,age_band,group,phone_ownership,safe_hours,consents"
WRITTEN = (person, identity, contact_point, consent)


def listing(rows: int) -> str:
    """People on shared phones, two a number; one in a hundred has an own one, and is asked to opt in."""
    lines = [HEADER]
    for no in range(rows):
        own = no % 100 == 0
        phone = f"0788{500_000 + no // 2 if not own else 900_000 + no // 100:06d}"
        ownership = "own" if own else "shared_partner"
        lines.append(f",{CANARY} {no},{phone},rw,{'FM'[no % 2]},35-59,G07,{ownership},,reminders;calls")
    return "\n".join(lines)


def kill_imports(service: RunningService, rows: int, kills: int, beside: int) -> None:
    """Kill an import at random moments, each time before or after its one commit; then run it to its end, and once more."""
    phones = service.people(beside)
    path = service.folder / "list.csv"
    path.write_text(listing(rows), "utf-8")
    before = counts(service)
    command = [sys.executable, "-m", "sms_service", "import", "participants", str(path), "--json"]
    log = service.folder / "import.json"
    began = time.monotonic()
    preview = Process([*command, "--dry-run"], service.env, log)
    preview.start()
    assert preview.wait(600) == 0, log.read_text()
    seconds = time.monotonic() - began
    service.start()
    with InboundLoad(service, phones, every=0.3) as load:
        for _ in range(kills):
            importing = Process(command, service.env, service.folder / "killed.log")
            with service.fault():
                importing.start()
                time.sleep(random.uniform(0.3 * seconds, 1.6 * seconds))
                importing.kill()
            assert added(before, counts(service)) in ({0}, {rows}), "an import that was killed is there in part"
        for is_due in ("there in full", "unchanged"):
            log.unlink()
            last = Process(command, service.env, log)
            last.start()
            assert last.wait(600) == 0, log.read_text()
            assert added(before, counts(service)) == {rows}, is_due
    said = json.loads(log.read_text())
    assert (said["unchanged"], said["added"], said["updated"], said["rejected"]) == (rows, 0, 0, 0)
    load.check()
    wait_for(lambda: service.settled(), 300, "the invitations")
    service.check()


def counts(service: RunningService) -> list[int]:
    """People, names, phones and consents; each row of the list adds one, one, one and two."""
    with service.context.database.begin() as db:
        return [int(db.execute(select(func.count()).select_from(table)).scalar_one()) for table in WRITTEN]


def added(before: list[int], after: list[int]) -> set[int]:
    """How many people each table says have come: one number, unless only a part is there."""
    people, names, phones, consents = (now - then for then, now in zip(before, after, strict=True))
    return {people, names, phones, consents // 2}


@SQLITE
@pytest.mark.fault("F48")
def test_a_killed_import_has_not_happened(start_service: Start) -> None:
    """F48, I23: all rows or none, and run again all of them once."""
    kill_imports(start_service(reports="off"), rows=600, kills=1, beside=3)


@pytest.mark.full
@pytest.mark.fault("F48")
def test_in_full_fifty_thousand_rows(start_service: Start) -> None:
    """F48 at full length, on both databases."""
    kill_imports(start_service(reports="off"), rows=50_000, kills=5, beside=10)
