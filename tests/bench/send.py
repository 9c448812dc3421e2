"""Sends through claim, fence, call and record, against a simulated gateway that answers after 50 ms."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from sqlalchemy import func, select

from sms_service import jobs
from sms_service.gateway.registry import client_for
from sms_service.models import outbox
from sms_service.models.outbox import attempt, counts_by_state
from sms_service.usecases.claim_texts import CALLS_A_ROUND
from sms_service.usecases.compose import LANE_BROADCAST, LANE_REMINDER, Outgoing, queue_texts
from tests.bench.figures import Figure
from tests.bench.processes import cpu_seconds
from tests.bench.seed import NOW, Seeded, seed
from tests.bench.site import Site, site

LATENCY_MS = 50
LEAST_SINGLE, LEAST_BATCHED = 300.0, 3_000.0
LANGUAGES = ("rw", "fr", "en", "sw")
LONGEST_SECONDS = 120.0
_IN_HAND = outbox.outbox.c.state.in_(outbox.SENDING)
QUEUED_AT_ONCE = 1_000


def _text(people: Seeded, place: int, *, alone: bool) -> Outgoing:
    """A reminder in words of its own (one call each), or a broadcast in one of four languages (100 a call)."""
    language = LANGUAGES[place % len(LANGUAGES)]
    body = f"Muraho, inama {place} ni ejo 14:00. Murakaza neza." if alone else f"({language}) Inama ni ejo 14:00."
    return Outgoing(
        key=f"bench:{place}",
        number_id=people.number_ids[place],
        language=language,
        template="V3_morning" if alone else "broadcast",
        kind="scheduled" if alone else "broadcast",
        text_class="A",
        lane=LANE_REMINDER if alone else LANE_BROADCAST,
        body=body,
        not_before=NOW,
        expires_at=NOW + timedelta(hours=8),
        person_id=people.person_ids[place],
        group_id=people.group_id,
        meeting_id=people.meeting_id if alone else None,
    )


def measure(kind: str, *, single: int = 3_000, batched: int = 20_000, workers: tuple[int, ...] = (1, 2)) -> list[Figure]:
    """Recipients a second, one a call and up to 100 a call, by one worker process and by two."""
    figures = []
    for count in workers:
        for alone, amount, least in ((True, single, LEAST_SINGLE), (False, batched, LEAST_BATCHED)):
            rate, wrong, note = run(kind, amount, count, alone=alone)
            how = "one recipient a call" if alone else "up to 100 a call"
            name = f"send: {how}, {count} worker{'s' if count > 1 else ''}"
            figures.append(Figure(name, kind, rate, "/s", least, at_most=False, wrong=wrong, note=note))
    return figures


def run(kind: str, amount: int, workers: int, *, alone: bool, around: bool = False) -> tuple[float, int, str]:
    """Send ``amount`` texts; returns recipients a second, how many were not accepted, and a remark.

    ``around``: two web processes and two clocks run beside the workers, as on several machines.
    """
    with site(kind, latency_ms=LATENCY_MS) as here:
        people = seed(here.context, amount, 0)
        for start in range(0, amount, QUEUED_AT_ONCE):
            wanted = range(start, min(start + QUEUED_AT_ONCE, amount))
            with here.context.database.begin() as db:
                queue_texts(here.context, db, [_text(people, place, alone=alone) for place in wanted], NOW)
        if around:
            here.web()
            here.clock("clock0")
            here.clock("clock1")
        direct = simulator_alone(here) if alone else 0.0
        pids = [here.worker(f"worker{number}") for number in range(workers)]
        before = sum(cpu_seconds(pid) for pid in pids)
        wait_until_sent(here)
        cpu = (sum(cpu_seconds(pid) for pid in pids) - before) * 1000
        rate, wrong, calls = _read(here, amount)
    beside = f", {rate / direct:.2f} of the simulator's own {direct:.0f}/s" if direct else ""
    return rate, wrong, f"{amount} in {calls} calls, {cpu / amount:.2f} ms of CPU each{beside}"


def simulator_alone(here: Site, calls: int = 1_000) -> float:
    """The baseline of the same run: calls a second of the same client, with as many threads and no database."""
    client = client_for(here.settings, connections=CALLS_A_ROUND + 8)
    if client is None:
        raise RuntimeError("this site has no gateway to send to")
    with ThreadPoolExecutor(CALLS_A_ROUND) as pool:
        began = time.perf_counter()
        done = [pool.submit(client.send, [f"+25079{place:07d}"], "Servas: ejo 14:00.", sender=None) for place in range(calls)]
        accepted = sum(one.result().kind == "accepted" for one in done)
    return accepted / (time.perf_counter() - began)


def wait_until_sent(here: Site, seconds: float = LONGEST_SECONDS) -> None:
    """Until nothing is due or under way; workers are nudged meanwhile, as the clock would."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        here.context.nudge(jobs.SEND, 0)
        time.sleep(0.5)
        with here.context.database.reading() as db:
            moving = outbox.any_due(db, here.context.now(db)) or outbox.counts_by_state(db, outbox.MOVING, _IN_HAND)
        if not moving:
            return


def _read(here: Site, amount: int) -> tuple[float, int, int]:
    """Recipients a second from the first call's start to the last answer's record, rows not accepted, calls made."""
    with here.context.database.begin() as db:
        accepted = counts_by_state(db).get("accepted", 0)
        query = select(func.min(attempt.c.started_at), func.max(attempt.c.ended_at), func.count(attempt.c.call_id.distinct()))
        first, last, calls = db.execute(query).one()
    seconds = (last - first).total_seconds() if first and last else LONGEST_SECONDS
    return accepted / seconds, amount - accepted, int(calls)
