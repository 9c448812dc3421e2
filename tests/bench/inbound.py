"""Inbound SMS until their 200: with workers paused, and while one drains."""

from __future__ import annotations

import itertools
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
MOST_PAUSED_MS, MOST_DRAINING_MS = 20.0, 100.0
TEXTS = ("1", "Yego", "Oya", "Murakoze cyane", "Muraho, inama ni ryari?", "Ndaza ejo mu gitondo", "3", "Merci, je viendrai")
_ids = itertools.count(1)


def texts(place: int, callers: int, people: Seeded) -> Iterator[Step]:
    """One caller's texts, from the next of its own numbers each time, every one under an id of its own."""
    own = people.phones[place::callers]
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
    return [
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


def _processed(here: Site) -> int:
    with here.context.database.begin() as db:
        return int(db.execute(select(func.count()).where(inbound.c.state == "done")).scalar_one())
