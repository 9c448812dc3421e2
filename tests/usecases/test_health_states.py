"""Each degraded state of the health page begins and ends with what it names, and the figures are those of the tables (I21)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, update

from sms_service import clock
from sms_service.models import numbers, state, wall_clocks
from sms_service.models.audit import audit
from sms_service.models.outbox import attempt, outbox
from sms_service.models.schedules import occurrence
from sms_service.security.tokens import new_row_id
from sms_service.usecases import read_health as health
from sms_service.usecases.context import Context
from sms_service.usecases.count_up import count_up
from sms_service.usecases.read_audit import check_by_itself
from sms_service.usecases.read_figures import missed_rows, read_figures


def degraded(context: Context) -> set[str]:
    return set(health.read_health(context).degraded)


def rows(context: Context, count: int, age: timedelta = timedelta(), **values: Any) -> list[int]:
    """Outbox rows that have been due for ``age``; returns their ids."""
    with context.database.begin() as db:
        now = context.now(db)
        number_id = numbers.ensure(db, context.vault, "+250788000001", now)
        row = {
            "number_id": number_id, "template": "V3", "kind": "scheduled", "text_class": "A", "lane": 2, "language": "rw",
            "body": b"x", "body_hash": b"x", "state": "queued", "not_before": now - age, "expires_at": now + timedelta(days=1),
            "created_at": now - age, **values,
        }  # fmt: skip
        made = [{"id": new_row_id(), "key": f"k{no}-{new_row_id()}", **row} for no in range(count)]
        db.execute(insert(outbox), made)
        return [one["id"] for one in made]


def calls(context: Context, count: int, result: str = "accepted") -> None:
    (row_id,) = rows(context, 1, state="delivered")
    with context.database.begin() as db:
        now = context.now(db)
        some = {"outbox_id": row_id, "call_id": "c", "token": "t", "started_at": now, "result": result}
        db.execute(insert(attempt), [{"id": new_row_id(), **some} for _ in range(count)])


@pytest.mark.parametrize(
    ("lane", "most", "named"), [(0, timedelta(seconds=60), "alerts waiting"), (1, timedelta(minutes=5), "replies waiting")]
)
def test_the_oldest_of_a_lane_waits_too_long(context: Context, lane: int, most: timedelta, named: str) -> None:
    """I21: a minute for an alert, five for a reply."""
    rows(context, 1, most - timedelta(seconds=10), lane=lane)
    assert named not in degraded(context)
    rows(context, 1, most + timedelta(seconds=10), lane=lane)
    assert named in degraded(context)
    with context.database.begin() as db:
        db.execute(update(outbox).values(state="delivered"))
    assert named not in degraded(context)


def test_more_than_twenty_unknown_or_one_in_a_hundred(context: Context) -> None:
    """I21: by the number that nobody has settled, and by their share of the day's calls."""
    calls(context, 300)
    rows(context, 3, state="unknown")
    assert "sends unknown" not in degraded(context)
    rows(context, 1, state="unknown")
    assert "sends unknown" in degraded(context), "4 of 300"
    calls(context, 4000)
    rows(context, 16, state="unknown")
    assert "sends unknown" not in degraded(context)
    rows(context, 1, state="unknown")
    assert "sends unknown" in degraded(context), "21"


def test_a_missed_occurrence_is_named_for_a_day_and_listed_for_a_week(context: Context) -> None:
    """F38, I21: what was not sent is told to staff."""
    with context.database.begin() as db:
        now = context.now(db)
        values = {"id": new_row_id(), "schedule": "s", "kind": "check_in", "state": "missed", "fired_at": now}
        db.execute(insert(occurrence).values(**values, due_at=now - timedelta(days=2), expires_at=now - timedelta(days=1)))
    assert "occurrences missed" in degraded(context)
    assert read_figures(context, health.read_health(context)).missed == 1
    with context.database.begin() as db:
        clock.set_now(db, now + timedelta(days=2))
        assert [row.kind for row in missed_rows(db, context.now(db))] == ["check_in"]
    assert "occurrences missed" not in degraded(context)


def test_a_disk_over_four_fifths_full(context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """I21: the disk of the state folder, by what this machine says of it."""
    here = replace(context, data_dir=tmp_path)
    share = health.disk_shares(here)["data"]
    for bound, named in ((share + 0.01, False), (share - 0.01, True)):
        monkeypatch.setattr(health, "DISK_SHARE", bound)
        assert ("disk filling" in degraded(here)) is named


@pytest.mark.parametrize("age", [None, timedelta(hours=25), timedelta(hours=27)])
def test_a_backup_over_26_hours_old(context: Context, age: timedelta | None) -> None:
    """I21: a site with real people must have one."""
    real = replace(context, reviewed_only=True)
    if age is not None:
        with context.database.begin() as db:
            state.change(db, backup_at=context.now(db) - age)
    assert ("backup old" in degraded(real)) is (age != timedelta(hours=25))
    assert ("backup old" in degraded(context)) is (age == timedelta(hours=27))


def cut_the_tail(db: Any) -> None:
    db.execute(delete(audit).where(audit.c.seq > 2))


def edit(db: Any) -> None:
    db.execute(update(audit).where(audit.c.seq == 2).values(actor="S9"))


@pytest.mark.parametrize("harm", [cut_the_tail, edit])
def test_a_broken_audit_is_found_by_itself(context: Context, harm: Callable[[Any], None]) -> None:
    """I17, I21: the hourly walk notices an entry that was changed and a tail that was cut off."""
    with context.database.begin() as db:
        db.execute(delete(audit))
        for no in range(3):
            context.record(db, "S1", "test.act", str(no))
    assert check_by_itself(context, lambda: False)
    assert not check_by_itself(context, lambda: False), "once an hour"
    assert "audit broken" not in degraded(context)
    with context.database.begin() as db:
        harm(db)
    for _ in range(2):
        with context.database.begin() as db:
            clock.set_now(db, context.now(db) + timedelta(minutes=61))
        assert check_by_itself(context, lambda: False)
        assert "audit broken" in degraded(context)


def test_a_queue_store_that_does_not_answer_is_named(context: Context) -> None:
    """I13, I21."""
    assert "queue store away" not in degraded(context)
    assert "queue store away" in degraded(replace(context, queue_length=lambda: None))


def test_totals_grow_by_what_is_new_and_count_nothing_twice(context: Context) -> None:
    """I22: the first count marks the place; every row after it is counted once, when it is two minutes old."""
    real = clock.wall()
    calls(context, 5)
    assert count_up(context, real + timedelta(minutes=3)) == 0
    calls(context, 7)
    calls(context, 2, result="refused")
    assert count_up(context, clock.wall()) == 0, "not yet two minutes old"
    later = clock.wall() + timedelta(minutes=6)
    with context.database.begin() as db:
        db.execute(update(attempt).values(id=attempt.c.id + (int(timedelta(minutes=3.5).total_seconds() * 1000) << 21)))
    assert count_up(context, later) == 14
    assert count_up(context, later) == 0
    totals = read_figures(context, health.read_health(context)).totals
    assert (totals["attempts"], totals["attempts.accepted"], totals["attempts.refused"]) == (14, 12, 2)


def test_counts_stop_at_their_bound(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """I22: by state and lane, never further than the bound."""
    monkeypatch.setattr("sms_service.usecases.read_figures.MOST_COUNTED", 5)
    rows(context, 9)
    rows(context, 3, lane=0, state="calling")
    found = read_figures(context, health.read_health(context)).rows
    assert (found[("queued", "reminders")], found[("calling", "alerts")], found[("unknown", "replies")]) == (5, 3, 0)


def test_processes_that_were_heard_from_are_counted_by_role(context: Context) -> None:
    """I21: those silent for over half a minute have ended."""

    def real(db: Any) -> datetime:
        row = clock.read(db)
        return clock.of(row) - timedelta(microseconds=row.clock_offset_us)

    with context.database.begin() as db:
        for name, role, age in (("w1", "web", 5), ("w2", "web", 8), ("w3", "web", 90), ("k1", "worker", 90)):
            wall_clocks.write(db, name, role, real(db) - timedelta(seconds=age), None)
    figures = read_figures(context, health.read_health(context))
    assert figures.processes == {"web": 2}
    assert 4 < figures.beats["web"] < 8 < 89 < figures.beats["worker"]
