"""The invariants a database can answer by itself: each counts the rows that break it, on one snapshot that holds up nobody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from sms_service import schema
from sms_service.models import audit, state
from sms_service.models.numbers import number
from sms_service.security.audit_chain import verify
from sms_service.security.vault import Unsealable
from sms_service.usecases.context import Context
from sms_service.usecases.invariant_checks import CHECKS
from sms_service.usecases.replay import replay_dialogues

REPLAYED = 1000
"""Dialogues, and as many dials, that are played again unless another number is asked for: the newest."""
OPENED = 1000

ELSEWHERE: dict[str, str] = {
    "I1": "what was answered 200 only the gateway knows: its record is joined with the rows after every fault (./run faults)",
    "I13": "played: the queue store emptied, killed, full and back with old data (./run faults F6 F7 F8 F9)",
    "I15": "times and screens are measured where dials are answered (./run faults F10 F12 F13, ./run bench ussd)",
    "I16": "every file and log that the processes wrote is searched after every fault (./run faults)",
    "I19": "an erasure is followed by a search of everything that is kept: the proof is that of the act, not of the rows left",
    "I20": "a restored copy is held until somebody looks: played by restoring one under load (./run faults F45)",
    "I22": "bounds on what comes in are proved by the tests of each surface; here only what is kept",
    "I23": "an import that failed leaves no row to count: its tests compare the database before and after",
}
"""What a database cannot answer, or only in part, and where it is proved instead."""


@dataclass(frozen=True, slots=True)
class Checked:
    """One invariant: how many rows were looked at, how many break it (0 holds), and what it says."""

    rule: str
    checked: int
    broken: int
    says: str


def check_invariants(context: Context, *, sample: int | None = REPLAYED) -> list[Checked]:
    """Run every checker on one snapshot, then play the newest ``sample`` dialogues and dials again, all of them with None.

    Nothing is changed or locked; the memory it takes does not grow with what is stored. ``ELSEWHERE`` says what is not asked here.
    """
    with context.database.snapshot() as db:
        now = context.now(db)
        found = [Checked(rule, *check(db, now), says) for rule, says, check in CHECKS]
        found += [Checked(rule, *look(context, db), says) for rule, says, look in _LOOKS]
    found.append(_follow(context, sample))
    return sorted(found, key=lambda one: (one.rule[0] != "I", int(one.rule[1:]) if one.rule[0] == "I" else 0))


def _follow(context: Context, sample: int | None) -> Checked:
    """Decision 5 over the dialogues: what cannot be played for want of its texts or of another dialogue breaks nothing."""
    played = broken = 0
    for one in replay_dialogues(context, limit=sample):
        played += 1
        broken += one.verdict == "different"
    which = "all" if sample is None else f"the newest {sample}"
    return Checked(
        "D5", played, broken, f"{which} dialogues and dials follow from their stored events, texts too (design decision 5)"
    )


def _chain(context: Context, db: Connection) -> tuple[int, int]:
    bad = verify(audit.chain(db), context.audit_key)
    return int(db.execute(select(func.count()).select_from(audit.audit)).scalar_one()), int(bad is not None)


def _sealed(context: Context, db: Connection) -> tuple[int, int]:
    """The newest numbers open with the keys at hand, each under the keyed hash it is found by."""
    looked = broken = 0
    for row in db.execute(select(number).order_by(number.c.id.desc()).limit(OPENED)):
        looked += 1
        try:
            broken += context.vault.number_hash(context.vault.open("number", "sealed", row.id, row.sealed)) != row.hash
        except Unsealable:
            broken += 1
    return looked, broken


def _schema(_context: Context, db: Connection) -> tuple[int, int]:
    return 1, int(not schema.is_current(db))


def _single(_context: Context, db: Connection) -> tuple[int, int]:
    """The one state row that every transaction reads its time and switch from."""
    rows = db.execute(select(func.count()).select_from(state.service_state)).scalar_one()
    return 1, int(rows != 1)


_LOOKS: tuple[tuple[str, str, Callable[[Context, Connection], tuple[int, int]]], ...] = (
    ("I16", f"the newest {OPENED} numbers are sealed, open with these keys and are found by their own hash", _sealed),
    ("I17", "the audit chain verifies from its first entry to its last", _chain),
    ("I21", "there is one state row to read time and switch from", _single),
    ("I24", "the schema is the newest this program knows", _schema),
)
