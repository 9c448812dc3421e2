"""Any course of two senders over the real claim, fence and record, with deaths, late answers and leases that end (I7, I9)."""

from __future__ import annotations

import random
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import select

from sms_service import clock
from sms_service.database import Database
from sms_service.gateway.results import CallResult, RecipientResult
from sms_service.models import outbox, state
from sms_service.security.tokens import new_url_token
from sms_service.usecases.claim_texts import claim
from sms_service.usecases.compose import Outgoing, queue_texts
from sms_service.usecases.fence_texts import Call, fence
from sms_service.usecases.record_answer import record_answers
from sms_service.usecases.send_texts import give_back_stale
from sms_service.wiring import build_context
from tests.bench.seed import NOW, seed
from tests.conftest import KEYS

TEXTS = 4
SENDERS = st.sampled_from([0, 1])
RESULTS = st.sampled_from(["accepted", "lost", "refused connection", "no balance", "slow down"])


class Senders(RuleBasedStateMachine):
    """Each sender holds what its process would hold in memory; the gateway keeps its own count of what it took."""

    template: ClassVar[Path]

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="machine-"))
        shutil.copy(self.template, self.folder / "service.db")
        self.context = build_context(Database(f"sqlite:///{self.folder / 'service.db'}"), **KEYS)
        people = seed(self.context, TEXTS, 0)
        self.texts = [self._text(place, people.number_ids[place]) for place in range(TEXTS)]
        with self.context.database.begin() as db:
            queue_texts(self.context, db, self.texts, NOW)
        self.claimed: list[tuple[str, list[Any]]] = [("", []), ("", [])]
        self.fenced: list[list[Call]] = [[], []]
        self.answered: list[list[Call]] = [[], []]
        self.taken: dict[str, int] = {}
        self.before: dict[int, str] = {}

    @staticmethod
    def _text(place: int, number_id: int) -> Outgoing:
        """Two texts of one body, which share a call, and two of their own."""
        return Outgoing(
            key=f"machine:{place}",
            number_id=number_id,
            language="rw",
            template="V4",
            kind="v4",
            text_class="A",
            lane=2,
            body=f"Servas: {max(place, 1)}.",
            not_before=NOW,
            expires_at=NOW + timedelta(days=1),
        )

    @rule(who=SENDERS)
    def claims(self, who: int) -> None:
        if self.claimed[who][1] or self.fenced[who]:
            return
        token = new_url_token()
        with self.context.database.begin() as db:
            found = claim(self.context, db, token, 8, 0, timedelta())
        self.claimed[who] = (token, list(found.rows))

    @rule(who=SENDERS)
    def fences(self, who: int) -> None:
        token, rows = self.claimed[who]
        if not rows:
            return
        with self.context.database.begin() as db:
            self.fenced[who] = fence(self.context, db, rows, token)
        self.claimed[who] = ("", [])

    @rule(who=SENDERS, what=RESULTS, taken=st.booleans())
    def calls(self, who: int, what: str, taken: bool) -> None:
        for call in self.fenced[who]:
            if what == "accepted" or (what == "lost" and taken):
                for number in call.numbers:
                    self.taken[number] = self.taken.get(number, 0) + 1
            call.result = _result(what, call.numbers)
        self.answered[who] += self.fenced[who]
        self.fenced[who] = []

    @rule(who=SENDERS)
    def records(self, who: int) -> None:
        if self.answered[who]:
            with self.context.database.begin() as db:
                record_answers(self.context, db, self.answered[who], random.Random(1).random)
            self.answered[who] = []

    @rule(who=SENDERS)
    def dies(self, who: int) -> None:
        self.claimed[who], self.fenced[who], self.answered[who] = ("", []), [], []

    @rule(seconds=st.sampled_from([20, 70, 100]))
    def time_passes(self, seconds: int) -> None:
        with self.context.database.begin() as db:
            now = self.context.now(db) + timedelta(seconds=seconds)
            clock.set_now(db, now)
            give_back_stale(self.context, db, now)

    @rule()
    def staff_resume_the_channel(self) -> None:
        with self.context.database.begin() as db:
            state.change_channel(db, paused_at=None, pause_reason=None, breaker_until=None, slow_until=None, failures=0)

    @invariant()
    def nothing_is_doubled_and_doubt_is_kept(self) -> None:
        """I7: the gateway took each text once at most. I9: unknown never becomes queued again; accepted is with the gateway."""
        assert all(count == 1 for count in self.taken.values())
        with self.context.database.begin() as db:
            rows = db.execute(select(outbox.outbox.c.number_id, outbox.outbox.c.state)).all()
        for row in rows:
            assert (self.before.get(row.number_id), row.state) not in {("unknown", "queued"), ("accepted", "queued")}
            self.before[row.number_id] = row.state
        assert sum(row.state == "accepted" for row in rows) <= len(self.taken)

    def teardown(self) -> None:
        self.context.database.dispose()
        shutil.rmtree(self.folder, ignore_errors=True)


def _result(what: str, numbers: list[str]) -> CallResult:
    if what == "accepted":
        return CallResult("accepted", {one: RecipientResult("accepted", 101, f"AT-{one}") for one in numbers}, 201, None, "")
    kind: Any = {"lost": "unknown", "refused connection": "not_sent", "no balance": "not_sent_balance"}.get(what, "not_sent_rate")
    status = None if what in ("lost", "refused connection") else 429
    return CallResult(kind, {one: RecipientResult(kind) for one in numbers}, status, None, what)


@pytest.mark.parametrize("examples", [12, pytest.param(500, marks=pytest.mark.full)])
def test_any_course_sends_each_text_once_at_most(sqlite_template: Path, examples: int) -> None:
    """I7, I9: the courses are drawn anew in the full form and are the same ones each day in the short one."""
    drawn = settings(
        max_examples=examples,
        stateful_step_count=20,
        deadline=None,
        derandomize=examples < 100,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    Senders.template = sqlite_template
    run_state_machine_as_test(Senders, settings=drawn)
