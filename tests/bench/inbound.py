"""Inbound SMS until their 200 and until they are processed: workers paused, draining, and in a burst."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Iterator

from sqlalchemy import func, select

from sms_service.models.inbound import inbound
from tests.bench.figures import Figure
from tests.bench.load import Caller, Step, open_loop
from tests.bench.seed import Seeded, seed
from tests.bench.site import Site, site
from tests.bench.ussd import spread

NUMBERS = 500
PAUSED_RATE = {"postgresql": 200, "sqlite": 100}
DRAINING_RATE = 100
PEAK_RATE, BURST_RATE, BURST_SECONDS, CALLERS = 200, 500, 30.0, 40
MOST_PEAK_MS, MOST_PROCESSED_SECONDS, MOST_DRAIN_SECONDS = 50.0, 5.0, 120.0
SETTLE_SECONDS = 5.0
WHOLE_SECONDS = 10.0  # a shorter measurement leaves out the burst
MOST_PAUSED_MS, MOST_DRAINING_MS = 20.0, 100.0
TEXTS = ("1", "Yego", "Oya", "Murakoze cyane", "Muraho, inama ni ryari?", "Ndaza ejo mu gitondo", "3", "Merci, je viendrai")
_ids = itertools.count(1)


def texts(place: int, callers: int, people: Seeded) -> Iterator[Step]:
    """One caller's texts, from the next of its own numbers each time, every one under an id of its own."""
    own = random.Random(place).sample(people.phones[place::callers], len(people.phones[place::callers]))  # strangers among them
    for number, phone in enumerate(itertools.cycle(own)):
        yield _text(f"bench-{next(_ids)}", phone, TEXTS[number % len(TEXTS)])


def _text(provider_id: str, phone: str, text: str) -> Step:
    fields = {"id": provider_id, "from": phone, "to": "1234", "text": text, "date": "2026-05-13 07:00:00"}

    def post(caller: Caller) -> bool:
        return caller.post({**fields, "linkId": "", "networkCode": "63510"}).status == 200

    return post


def measure(kind: str, *, seconds: float = 12.0) -> list[Figure]:
    """p95 with no worker at all, then with one that reads and answers the backlog and what comes."""
    with site(kind, latency_ms=50) as here:
        people = seed(here.context, NUMBERS // 2, NUMBERS // 2)
        _, port = here.web()
        path = f"{here.callbacks}/sms"
        callers = [texts(place, 20, people) for place in range(20)]
        open_loop(port, path, callers, 50, min(1.0, seconds))
        rate = PAUSED_RATE[kind]
        paused = open_loop(port, path, callers, rate, seconds)
        here.worker()
        draining = open_loop(port, path, callers, DRAINING_RATE, seconds)
        drained = _processed(here)
    note = f"{spread(draining)}; {drained} processed"
    more = stream(kind) if kind == "postgresql" and seconds >= WHOLE_SECONDS else []
    return [
        *more,
        Figure(
            f"inbound: p95 at {rate}/s, workers paused",
            kind,
            paused.percentile(0.95),
            "ms",
            MOST_PAUSED_MS,
            wrong=paused.wrong,
            note=spread(paused),
        ),
        Figure(
            f"inbound: p95 at {DRAINING_RATE}/s, a worker draining",
            kind,
            draining.percentile(0.95),
            "ms",
            MOST_DRAINING_MS,
            wrong=draining.wrong + (not drained),
            note=note,
        ),
    ]


def stream(kind: str, *, workers: int = 2, normal: float = 20.0, burst: float = BURST_SECONDS) -> list[Figure]:
    """A normal hour's peak that is answered as it comes, then a burst that is accepted at once and drained afterwards."""
    with site(kind, latency_ms=50) as here:
        people = seed(here.context, NUMBERS * 4, NUMBERS * 4)
        _, port = here.web()
        here.clock()
        for number in range(workers):
            here.worker(f"worker{number}")
        path = f"{here.callbacks}/sms"
        callers = [texts(place, CALLERS, people) for place in range(CALLERS)]
        open_loop(port, path, callers, 50, 2.0)
        _drained(here, MOST_DRAIN_SECONDS)
        time.sleep(SETTLE_SECONDS)  # processes that are still starting are not what is measured
        peak = open_loop(port, path, callers, PEAK_RATE, normal)
        _drained(here, MOST_DRAIN_SECONDS)
        with here.context.database.begin() as db:
            rows = db.execute(select(inbound.c.received_at, inbound.c.processed_at)).all()
        delays = sorted((row.processed_at - row.received_at).total_seconds() for row in rows if row.processed_at)
        flood = open_loop(port, path, callers, BURST_RATE, burst)
        seconds = _drained(here, 2 * MOST_DRAIN_SECONDS)
        left = _waiting(here)
    answered = delays[int(0.95 * len(delays))] if delays else 0.0
    return [
        Figure(f"inbound: p95 to 200 at {PEAK_RATE}/s", kind, peak.percentile(0.95), "ms", MOST_PEAK_MS, wrong=peak.wrong),
        Figure(f"inbound: p95 until processed at {PEAK_RATE}/s", kind, answered, "s", MOST_PROCESSED_SECONDS, wrong=not delays),
        Figure(
            f"inbound: {BURST_RATE}/s for {burst:g} s accepted, then drained",
            kind,
            seconds,
            "s",
            MOST_DRAIN_SECONDS,
            wrong=flood.wrong + left,
            note=spread(flood),
        ),
    ]


def _drained(here: Site, most: float) -> float:
    """Seconds until no text waits any more, ``most`` at the longest."""
    began = time.monotonic()
    while _waiting(here) and time.monotonic() - began < most:
        time.sleep(0.25)
    return time.monotonic() - began


def _waiting(here: Site) -> int:
    with here.context.database.begin() as db:
        return int(db.execute(select(func.count()).where(inbound.c.state == "new")).scalar_one())


def _processed(here: Site) -> int:
    with here.context.database.begin() as db:
        return int(db.execute(select(func.count()).where(inbound.c.state == "done")).scalar_one())
