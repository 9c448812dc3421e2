"""USSD hops: CPU a request against the baseline's, and the delay at 100 hops/s with two web processes."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench import baseline
from tests.bench.figures import Figure
from tests.bench.load import Caller, Measured, Step, closed_loop, open_loop
from tests.bench.processes import cpu_seconds
from tests.bench.seed import Seeded, seed
from tests.bench.site import Site, site

NUMBERS = 500
MOST_RATIO = 3.0
MOST_P99_MS = {"postgresql": 50.0, "sqlite": 100.0}
HOPS_A_SECOND = 100
SLOTS = 5  # dials a caller keeps open side by side: each hop of a dial comes about a second after the last
#: What people key in after dialling: the next meeting, a call request, the language and the meeting, nothing to answer.
REGISTERED = (("1",), ("3", "1", "2"), ("4", "1", "1"), ("3", "2", "4"), ("9", "1"))
UNKNOWN = (("1", "1"), ("1", "3"), ("2", "9", "1"), ("1", "4", "3", "1"))


def dials(place: int, callers: int, people: Seeded) -> Iterator[Step]:
    """The hops of one caller: several dials side by side, each from the next of its own numbers."""
    own = [number for number in range(len(people.phones)) if number % callers == place]
    open_dials: list[Iterator[Step] | None] = [None] * SLOTS
    made = 0
    while True:
        for slot in range(SLOTS):
            step = next(open_dials[slot] or iter(()), None)
            if step is None:
                number = own[made % len(own)]
                keys = REGISTERED if number < len(people.person_ids) else UNKNOWN
                fresh = _dial(f"dial-{place}-{made}", people.phones[number], keys[made % len(keys)])
                open_dials[slot], step, made = fresh, next(fresh), made + 1
            yield step


def _dial(session: str, phone: str, keys: tuple[str, ...]) -> Iterator[Step]:
    text, ended = "", False

    def hop(caller: Caller) -> bool:
        nonlocal ended
        fields = {"sessionId": session, "serviceCode": "*384*123#", "phoneNumber": phone, "networkCode": "63510"}
        answer = caller.post({**fields, "text": text})
        ended = not answer.body.startswith("CON ")
        # An apology would be an END on a hop that has more to come, or a first screen that is not CON.
        return answer.status == 200 and answer.body[:4] in ("CON ", "END ") and (bool(text) or not ended)

    yield hop
    for key in keys:
        if ended:
            return
        text = f"{text}*{key}" if text else key
        yield hop


def measure(kind: str, *, hops: int = 3_000, seconds: float = 12.0) -> list[Figure]:
    """The three figures on one database: milliseconds of CPU, their ratio, and the open loop's p99."""
    with site(kind) as here:
        people = seed(here.context, NUMBERS // 2, NUMBERS // 2)
        base = _baseline(here, people, hops)
        pid, port = here.web()
        path = f"{here.callbacks}/ussd"
        callers = [dials(place, 4, people) for place in range(4)]
        own, wrong = _cpu_a_call(pid, port, path, callers, hops)
        timed = open_loop(port, path, [dials(20 + place, 40, people) for place in range(20)], HOPS_A_SECOND, seconds)
    note = f"{own:.2f} ms against {base:.2f} ms"
    limit = MOST_P99_MS[kind]
    return [
        Figure("ussd: CPU a hop over the baseline", kind, own / base, "times", MOST_RATIO, wrong=wrong, note=note),
        Figure("ussd: p99 at 100 hops/s", kind, timed.percentile(0.99), "ms", limit, wrong=timed.wrong, note=spread(timed)),
    ]


def spread(timed: Measured) -> str:
    """Median and worst delay, and how many calls there were."""
    worst = max(timed.delays, default=0.0)
    return f"p50 {timed.percentile(0.5):.1f}, p95 {timed.percentile(0.95):.1f}, worst {worst:.0f} ms of {len(timed.delays)}"


def _baseline(here: Site, people: Seeded, hops: int) -> float:
    baseline.prepare(here.context.database, people.phones)
    pid, port = here.baseline()
    cpu, wrong = _cpu_a_call(pid, port, "/ussd", [dials(place, 4, people) for place in range(4)], hops)
    if wrong:
        raise RuntimeError(f"the baseline answered {wrong} calls wrongly: see baseline.log")
    return cpu


def _cpu_a_call(pid: int, port: int, path: str, callers: list[Iterator[Step]], hops: int) -> tuple[float, int]:
    """Milliseconds of user and system time a request over all of the server's processes, after a warm-up."""
    each = hops // len(callers)
    warm = closed_loop(port, path, callers, max(1, each // 10))
    before = cpu_seconds(pid)
    done = closed_loop(port, path, callers, each)
    return (cpu_seconds(pid) - before) * 1000 / (each * len(callers)), warm.wrong + done.wrong
