"""The clock process: ticks every five seconds and sweeps by itself, so that all still moves with Redis gone (I13, F6, F7)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from sqlalchemy.exc import SQLAlchemyError

from sms_service.logs import describe, logger
from sms_service.usecases.context import Context
from sms_service.usecases.count_up import count_up
from sms_service.usecases.keep_draft_replay import replay_waiting
from sms_service.usecases.nightly_backup import Backups, back_up_when_due
from sms_service.usecases.poll_balance import poll_balance
from sms_service.usecases.purge import purge_by_itself
from sms_service.usecases.read_audit import check_by_itself
from sms_service.usecases.send_texts import send_due
from sms_service.usecases.suppression_journal import write_journal
from sms_service.usecases.sweep import drain_inbound
from sms_service.usecases.tick import Pace, tick

EVERY_SECONDS = 5.0
GRACE = timedelta(seconds=5)
IN_EVERY_SECONDS = 0.25  # while every worker is busy with a broadcast's calls, the clock is who takes texts in (I5, F36)
IN_GRACE = timedelta(seconds=0.25)
CHORES_SECONDS = 30.0
BACKUP_AGAIN_SECONDS = 300.0
SWEEP_CALLS = 8

log = logger("clock")


def run_clock(context: Context, stop: threading.Event, backups: Backups | None = None) -> None:
    """Tick and sweep until ``stop`` is set; a fault is logged and the next round tries again. Each night there is a backup."""
    pool = ThreadPoolExecutor(SWEEP_CALLS, thread_name_prefix="sweep")
    taker = threading.Thread(target=_sweep_in, args=(context, stop), name="sweep-in", daemon=True)
    taker.start()
    sweeper = threading.Thread(target=_sweep_out, args=(context, pool, stop), name="sweep-out", daemon=True)
    sweeper.start()
    replayer = threading.Thread(target=_replay, args=(context, stop), name="replay", daemon=True)
    replayer.start()
    chores = threading.Thread(target=_chores, args=(context, stop), name="chores", daemon=True)
    chores.start()
    if backups is not None:
        for name, work in (("journal", _keep_journal), ("backup", _back_up)):
            threading.Thread(target=work, args=(context, backups, stop), name=name, daemon=True).start()
    pace = Pace()
    while not stop.is_set():
        _guarded("tick", lambda: tick(context, pace))
        stop.wait(EVERY_SECONDS)
    taker.join(timeout=20)
    sweeper.join(timeout=40)
    replayer.join(timeout=5)
    chores.join(timeout=5)
    pool.shutdown(wait=True)


def _sweep_in(context: Context, stop: threading.Event) -> None:
    """Texts in that no worker took at once; by itself, so that a long broadcast keeps nobody's answer waiting (F36)."""
    while not stop.is_set():
        _guarded("inbound", lambda: drain_inbound(context, older_than=IN_GRACE, stopping=stop.is_set))
        stop.wait(IN_EVERY_SECONDS)


def _sweep_out(context: Context, pool: ThreadPoolExecutor, stop: threading.Event) -> None:
    """Alerts, and any text whose nudge is over five seconds old, through the same use cases as the workers."""
    while not stop.is_set():
        _guarded("outbox", lambda: send_due(context, pool, grace=GRACE, most=SWEEP_CALLS, stopping=stop.is_set))
        _guarded("balance", lambda: poll_balance(context))
        stop.wait(EVERY_SECONDS)


def _replay(context: Context, stop: threading.Event) -> None:
    """Drafts that somebody wants replayed: minutes of work at most, in short transactions, and nobody's phone waits for it."""
    while not stop.is_set():
        _guarded("replay", lambda: replay_waiting(context, stop.is_set))
        stop.wait(EVERY_SECONDS)


def _chores(context: Context, stop: threading.Event) -> None:
    """What health and metrics read as a row instead of asking a whole table: the audit's chain and the totals (I21, I22); and, once
    a day, retention (S33).
    """
    while not stop.wait(CHORES_SECONDS):
        _guarded("totals", lambda: count_up(context))
        _guarded("audit", lambda: check_by_itself(context, stop.is_set))
        _guarded("retention", lambda: purge_by_itself(context, stop.is_set))


def _keep_journal(context: Context, backups: Backups, stop: threading.Event) -> None:
    """Stops and erasures into the file beside the backups: a lost database loses a few seconds of them (I19)."""
    while not stop.is_set():
        _guarded("journal", lambda: write_journal(context, backups.directory, backups.key))
        stop.wait(EVERY_SECONDS)


def _back_up(context: Context, backups: Backups, stop: threading.Event) -> None:
    """The nightly backup and its trial; one that failed is tried again some minutes later."""
    while not stop.is_set():
        _guarded("backup", lambda: _backed_up(context, backups))
        stop.wait(BACKUP_AGAIN_SECONDS)


def _backed_up(context: Context, backups: Backups) -> None:
    steps = back_up_when_due(context, backups)
    if steps is not None:
        right = all(step.right for step in steps)
        spent = 1000 * sum(step.seconds for step in steps)
        (log.info if right else log.error)("backup.tried", outcome="right" if right else "wrong", duration_ms=round(spent))


def _guarded(part: str, work: Callable[[], object]) -> None:
    try:
        work()
    except SQLAlchemyError as fault:
        log.error("sweep.waits", step=part, **describe(fault))
    except Exception as fault:
        log.error("sweep.failed", step=part, **describe(fault))
