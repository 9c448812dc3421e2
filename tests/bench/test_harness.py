"""The benchmarks' own machinery, in miniature and untimed: a short run that measures nothing must not look like one that did."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator
from typing import cast

import pytest
from sqlalchemy import func, select

from sms_service.models.dials import turn
from tests.bench import baseline, send
from tests.bench.__main__ import PARTS
from tests.bench.figures import Figure, as_json, as_table
from tests.bench.load import Answer, Caller, Measured, Step, closed_loop
from tests.bench.processes import cpu_seconds, family, pss_megabytes
from tests.bench.seed import seed
from tests.bench.site import site
from tests.bench.ussd import dials


class Scripted(Caller):
    """A caller whose answers are given beforehand; it keeps what it was asked to post."""

    def __init__(self, *answers: str) -> None:
        super().__init__(0, "/")
        self.answers = iter(answers)
        self.posted: list[dict[str, str]] = []

    def post(self, fields: object) -> Answer:
        self.posted.append(dict(cast("dict[str, str]", fields)))
        return Answer(200, next(self.answers))


@pytest.mark.long
def test_hops_reach_the_service_and_the_baseline_and_cpu_is_seen() -> None:
    """The real web process stores a turn for each hop of a small mix; the baseline a row; both cost something."""
    with site("sqlite") as here:
        people = seed(here.context, 6, 6)
        baseline.prepare(here.context.database, people.phones)
        pid, port = here.web()
        before = cpu_seconds(pid)
        done = closed_loop(port, f"{here.callbacks}/ussd", [dials(0, 1, people)], 30)
        assert (done.wrong, len(done.delays)) == (0, 30)
        assert cpu_seconds(pid) > before
        assert len(family(pid)) >= 3  # the supervisor and two web processes
        with here.context.database.begin() as db:
            assert db.execute(select(func.count()).select_from(turn)).scalar_one() == 30


def test_a_dial_of_the_mix_adds_key_to_key_and_ends_when_the_screen_ends() -> None:
    """Cumulative text, five dials side by side, and no hop after END: an apology on the first screen counts as wrong."""
    with site("sqlite") as here:
        people = seed(here.context, 5, 0)
    steps = dials(0, 1, people)
    caller = Scripted(*["CON menu"] * 10, *["END"] * 10)
    asked = [next(steps)(caller) for _ in range(10)]
    assert all(asked)
    texts: dict[str, list[str]] = {}
    for fields in caller.posted:
        texts.setdefault(fields["sessionId"], []).append(fields["text"])
    assert len(texts) == 5
    assert {len(each) for each in texts.values()} == {2}
    assert texts["dial-0-1"] == ["", "3"]
    fresh = dials(0, 1, people)
    assert not next(fresh)(Scripted("END apology"))


@pytest.mark.long
def test_sends_are_counted_only_when_accepted() -> None:
    """A few texts go through a real worker and the simulated gateway; what is not accepted shows as wrong."""
    rate, wrong, note = send.run("sqlite", 8, 1, alone=False)
    assert rate > 0
    assert wrong == 0
    assert note.startswith("8 in 4 calls")  # one call a language


def test_a_call_without_an_answer_is_wrong() -> None:
    def steps() -> Iterator[Step]:
        return itertools.repeat(lambda caller: bool(caller.post({"text": "1"}).status))

    nobody = closed_loop(1, "/", [steps()], 3)
    assert (nobody.wrong, len(nobody.delays)) == (3, 3)


def test_figures_say_ok_or_short() -> None:
    ceiling = Figure("hop", "sqlite", 2.5, "times", 3.0)
    floor = Figure("send", "sqlite", 90.0, "/s", 150.0, at_most=False)
    wrong = Figure("hop", "sqlite", 2.5, "times", 3.0, wrong=1)
    told = Figure("rows", "sqlite", 7, "")
    assert [one.verdict for one in (ceiling, floor, wrong, told)] == ["ok", "short", "short", ""]
    assert [one["verdict"] for one in json.loads(as_json([ceiling, floor]))] == ["ok", "short"]
    lines = as_table([ceiling, wrong]).splitlines()
    assert "<= 3 times" in lines[1]
    assert "1 wrong" in lines[2]


def test_percentiles_and_memory() -> None:
    assert Measured([float(one) for one in range(100)]).percentile(0.95) == 95.0
    assert Measured().percentile(0.5) == 0.0
    assert pss_megabytes(os.getpid()) > 1
    assert {"ussd", "inbound", "send", "engine"} <= set(PARTS)
