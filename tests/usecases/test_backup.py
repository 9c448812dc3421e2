"""Backup and restore over both databases, in every direction: all of it, safe to run, or nothing (I20, T13)."""

from __future__ import annotations

import gzip
import hashlib
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from sms_service import schema
from sms_service.models import metadata, numbers, outbox, people, state, suppressions
from sms_service.models.inbound import inbound
from sms_service.models.numbers import number
from sms_service.models.outbox import attempt
from sms_service.models.people import identity, person
from sms_service.models.schedules import occurrence
from sms_service.models.staff import login
from sms_service.security.archive import read_lines
from sms_service.security.tokens import new_row_id
from sms_service.usecases.accept_inbound import stop_number
from sms_service.usecases.compose import LANE_REMINDER, Outgoing, queue_texts
from sms_service.usecases.context import Context
from sms_service.usecases.erase import erase, finish_begun
from sms_service.usecases.faults import UseFault
from sms_service.usecases.make_backup import backup_to_directory, backups_in, make_backup, remove_old
from sms_service.usecases.outbound_switch import set_outbound
from sms_service.usecases.read_health import read_health
from sms_service.usecases.restore_backup import drill, restore_backup
from sms_service.usecases.suppression_journal import read_journal, write_journal
from tests.usecases.conftest import BACKUP_KEY as KEY
from tests.usecases.conftest import Empty

CANARY = "Kanariya"


def queue(context: Context, key: str, minutes: int, kind: Any = "v4") -> None:
    with context.database.begin() as db:
        now = context.now(db)
        number_id = numbers.ensure(db, context.vault, "+250788000001", now)
        text = Outgoing(
            key=key, number_id=number_id, language="rw", template="V4", kind=kind, text_class="A", lane=LANE_REMINDER,
            body=f"{CANARY} {key}", not_before=now + timedelta(minutes=minutes), expires_at=now + timedelta(hours=9),
        )  # fmt: skip
        queue_texts(context, db, [text], now)


def states(context: Context) -> dict[str, str]:
    with context.database.begin() as db:
        return {row.key: row.state for row in db.execute(select(outbox.outbox.c.key, outbox.outbox.c.state))}


def everything(context: Context) -> dict[str, list[tuple[Any, ...]]]:
    with context.database.begin() as db:
        return {
            table.name: [tuple(row) for row in db.execute(select(table).order_by(*table.primary_key))]
            for table in metadata.sorted_tables
        }


CHANGED_BY_A_RESTORATION = {"audit", "outage", "wall_clock", "service_state", "occurrence", "outbox"}


@pytest.mark.parametrize("to", ["sqlite", "postgresql"])
def test_every_row_comes_back_in_either_kind_of_database(filled: Context, empty: Empty, tmp_path: Path, to: str) -> None:
    """I20: a site grows from a file into a server by its backup, and back."""
    before = everything(filled)
    path = tmp_path / "b"
    manifest = make_backup(filled, path, KEY)
    copy = empty(to)
    restored = restore_backup(copy, path, KEY, "command", journal=None)
    after = everything(copy)
    for name in before.keys() - CHANGED_BY_A_RESTORATION:
        assert after[name] == before[name], name
    assert restored.manifest == manifest
    assert len(after["audit"]) == manifest.rows["audit"] + 1
    with copy.database.begin() as db:
        row = state.read(db)
        assert (row.outbound_on, row.held_reason) == (False, "restored")
        assert schema.is_current(db)
    assert read_health(copy).ready
    assert "outbound off" in read_health(copy).degraded
    set_outbound(copy, True, "S00001")
    assert "outbound off" not in read_health(copy).degraded


def test_nothing_of_a_backup_can_be_read_without_its_key(filled: Context, tmp_path: Path) -> None:
    """T13: neither names nor what is not sealed in the database; the file is its owner's only."""
    path = tmp_path / "b"
    make_backup(filled, path, KEY)
    content = path.read_bytes()
    assert not any(word in content for word in (b"Kanariya", b"conversation_version", b"2026-05-20"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not list(tmp_path.glob(".*part"))
    assert len(content) < len(gzip.compress(b"".join(read_lines(path.open("rb"), KEY)), 1)) * 1.2


def test_what_may_have_gone_out_is_unknown_and_what_is_still_to_come_waits(filled: Context, empty: Empty, tmp_path: Path) -> None:
    """I20, I7, I9, S25: texts whose moment had come are never sent by the copy itself; alerts are."""
    for key, minutes in (("due", -1), ("later", 60), ("reserved", -1), ("calling", -1), ("over", -1)):
        queue(filled, key, minutes)
    queue(filled, "alert", -1, "alert")
    rows = outbox.outbox.c
    with filled.database.begin() as db:
        now = filled.now(db)
        for key, name in (("reserved", "reserved"), ("calling", "calling"), ("over", "delivered"), ("alert", "reserved")):
            change = update(outbox.outbox).where(rows.key == key).values(state=name, token="t", lease_until=now)
            db.execute(change)
        calling = db.execute(select(rows.id).where(rows.key == "calling")).scalar_one()
        db.execute(insert(attempt).values(id=new_row_id(), outbox_id=calling, call_id="c", token="t", started_at=now))
    make_backup(filled, tmp_path / "b", KEY)
    copy = empty("sqlite")
    settled = restore_backup(copy, tmp_path / "b", KEY, "command", journal=None).settled
    found = states(copy)
    assert {key: found[key] for key in ("due", "later", "reserved", "calling", "over", "alert")} == {
        "due": "unknown", "later": "queued", "reserved": "unknown", "calling": "unknown", "over": "delivered", "alert": "queued",
    }  # fmt: skip
    assert settled.unknown >= 3
    with copy.database.begin() as db:
        ended = db.execute(select(attempt.c.result, attempt.c.ended_at)).one()
        assert ended.result == "unknown"


def test_texts_nobody_had_read_and_logins_do_not_live_on(filled: Context, empty: Empty, tmp_path: Path) -> None:
    """I20, T10: a text in may have been answered since, so a person reads it; whoever was signed in signs in again."""
    with filled.database.begin() as db:
        now = filled.now(db)
        row_id = new_row_id()
        db.execute(
            insert(inbound).values(
                id=row_id, channel="sms", provider_id="p", body=filled.vault.seal("inbound", "body", row_id, "1"), text_hash=b"h",
                alert="none", is_stop=False, state="new", fails=0, received_at=now,
            )
        )  # fmt: skip
        db.execute(
            insert(occurrence),
            [
                {
                    "id": new_row_id(),
                    "schedule": kind,
                    "kind": kind,
                    "due_at": now,
                    "expires_at": now + timedelta(1),
                    "state": name,
                }
                for kind, name in (("check_in", "pending"), ("reminder_two_day", "pending"))
            ],
        )
    make_backup(filled, tmp_path / "b", KEY)
    copy = empty("sqlite")
    settled = restore_backup(copy, tmp_path / "b", KEY, "command", journal=None).settled
    assert (settled.read_by_a_person, settled.missed) == (1, 1)
    with copy.database.begin() as db:
        assert db.execute(select(inbound.c.state)).scalars().all() == ["needs_person"]
        assert db.execute(select(login.c.id).where(login.c.ended_at.is_(None))).first() is None
        ours = select(occurrence.c.kind).where(occurrence.c.schedule == occurrence.c.kind)
        assert db.execute(ours.where(occurrence.c.state == "pending")).scalars().all() == ["reminder_two_day"]
    assert "texts may be missing" in read_health(copy).degraded


def test_stops_made_since_the_backup_are_applied_again(filled: Context, empty: Empty, tmp_path: Path) -> None:
    """I6, I19: from the journal beside the backups, also for a number the backup does not know."""
    path, _ = backup_to_directory(filled, tmp_path / "backups", KEY)
    with filled.database.begin() as db:
        now = filled.now(db)
        for phone in ("+250788000001", "+250788777777"):
            stop_number(filled, db, numbers.ensure(db, filled.vault, phone, now), now, reason="text")
    assert write_journal(filled, path.parent, KEY) == 2
    assert write_journal(filled, path.parent, KEY) == 0
    copy = empty("sqlite")
    settled = restore_backup(copy, path, KEY, "command", journal=path.parent).settled
    assert settled.stopped == 2
    with copy.database.begin() as db:
        now = copy.now(db)
        for phone in ("+250788000001", "+250788777777"):
            assert numbers.get(db, numbers.ensure(db, copy.vault, phone, now)).stopped_at is not None


def test_who_was_erased_since_the_backup_is_erased_again(filled: Context, empty: Empty, tmp_path: Path) -> None:
    """I19, I20: withdrawn by the restoration, gone with the next purge."""
    path, _ = backup_to_directory(filled, tmp_path / "backups", KEY)
    with filled.database.begin() as db:
        code = db.execute(select(person.c.code).order_by(person.c.id).limit(1)).scalar_one()
        phone = db.execute(select(number).order_by(number.c.id).limit(1)).one()
        e164 = numbers.reveal(filled.vault, phone)
    erase(filled, code, "asked for it in person", "S00001")
    write_journal(filled, path.parent, KEY)
    copy = empty("sqlite")
    assert restore_backup(copy, path, KEY, "command", journal=path.parent).settled.erased == (code,)
    assert finish_begun(copy, "service") == 1
    with copy.database.begin() as db:
        who = people.by_code(db, code)
        assert who is not None
        assert who.status == "erased"
        assert db.execute(select(identity.c.person_id).where(identity.c.person_id == who.id)).first() is None
        assert numbers.find(db, copy.vault, e164) is None
        assert numbers.get(db, numbers.ensure(db, copy.vault, e164, copy.now(db))).stopped_at is not None


def test_what_the_backup_already_holds_is_not_applied_a_second_time(filled: Context, empty: Empty, tmp_path: Path) -> None:
    """Whoever stopped and started again before the backup stays started."""
    with filled.database.begin() as db:
        now = filled.now(db)
        number_id = numbers.ensure(db, filled.vault, "+250788000001", now)
        stop_number(filled, db, number_id, now, reason="text")
        numbers.change(db, number_id, stopped_at=None, stop_reason=None)
    write_journal(filled, tmp_path / "backups", KEY)
    path, _ = backup_to_directory(filled, tmp_path / "backups", KEY)
    copy = empty("sqlite")
    assert restore_backup(copy, path, KEY, "command", journal=path.parent).settled.stopped == 0
    with copy.database.begin() as db:
        assert numbers.get(db, number_id).stopped_at is None


def test_a_line_torn_by_a_power_cut_costs_no_other(filled: Context, tmp_path: Path) -> None:
    with filled.database.begin() as db:
        suppressions.note(db, "erasure", None, filled.now(db), "P4821")
    write_journal(filled, tmp_path, KEY)
    (file,) = tmp_path.glob("suppressions-*.journal")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.write_bytes(file.read_bytes()[:-9])
    with filled.database.begin() as db:
        suppressions.note(db, "stop", b"h" * 16, filled.now(db))
    write_journal(filled, tmp_path, KEY)
    read = read_journal(tmp_path, KEY)
    assert ([entry["kind"] for entry in read.entries], read.unreadable) == (["stop"], 1)
    assert read_journal(tmp_path, hashlib.sha256(b"other").digest()).entries == ()


def test_a_database_that_is_not_empty_is_left_alone(filled: Context, tmp_path: Path) -> None:
    make_backup(filled, tmp_path / "b", KEY)
    before = everything(filled)
    with pytest.raises(UseFault, match="restore into a new, empty one"):
        restore_backup(filled, tmp_path / "b", KEY, "command", journal=None)
    assert everything(filled) == before


def test_a_drill_opens_every_value_and_finds_nothing_that_would_leave(filled: Context, empty: Empty, tmp_path: Path) -> None:
    """Reliability section 11: one command that restores, looks, and times itself."""
    queue(filled, "due", -1)
    make_backup(filled, tmp_path / "b", KEY)
    steps = list(drill(empty("sqlite"), tmp_path / "b", KEY, journal=None))
    assert all(step.right for step in steps), steps
    assert next(step.count for step in steps if "sealed" in step.what) > 5
    assert all(step.seconds >= 0 for step in steps)


def test_old_backups_go_and_the_last_one_never(filled: Context, tmp_path: Path) -> None:
    """S33: 35 days."""
    path, _ = backup_to_directory(filled, tmp_path, KEY)
    old = tmp_path / "backup-20200101T000000Z.smsbackup"
    old.write_bytes(b"")
    other = tmp_path / "notes.txt"
    other.write_bytes(b"")
    with filled.database.begin() as db:
        now = filled.now(db)
    assert remove_old(tmp_path, now - timedelta(days=35)) == 1
    assert backups_in(tmp_path) == [path]
    assert other.exists()
    assert remove_old(tmp_path, now + timedelta(days=1)) == 0
