"""A broadcast from its approval to the last text accepted, while people write in and staff look at pages."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import func, insert, select

from handlers.app import create_app
from sms_service import wiring
from sms_service.models.groups import group
from sms_service.models.inbound import inbound
from sms_service.models.outbox import attempt, counts_by_state, outbox
from sms_service.models.staff import staff, staff_role
from sms_service.security.tokens import new_row_id
from sms_service.usecases.broadcasts import approve_broadcast, broadcast_named, draft_broadcast, submit_broadcast
from sms_service.usecases.context import Context
from sms_service.usecases.sign_in import open_login, real_now
from tests.bench.figures import Figure
from tests.bench.inbound import texts
from tests.bench.load import Measured, open_loop
from tests.bench.processes import pss_megabytes
from tests.bench.seed import NOW, Seeded, seed
from tests.bench.site import Site, site

PEOPLE, GROUPS = 100_000, 200
MOST_SECONDS, MOST_REPLY_SECONDS, MOST_PAGE_SECONDS, MOST_GROWTH = 120.0, 2.0, 1.0, 1.25
REPLY_RATE = 2
WORDS = {
    "rw": "Servas: inama itaha ni ku wa Gatatu saa munani (14:00).",
    "fr": "Servas: prochaine réunion mercredi à 14:00.",
    "en": "Servas: the next meeting is on Wednesday at 14:00.",
    "sw": "Servas: mkutano ujao ni Jumatano saa nane (14:00).",
}
PAGES = ("/console/", "/console/log", "/console/broadcasts", "/console/broadcasts/{code}")


def measure(kind: str, *, people: int = PEOPLE, groups: int = GROUPS, workers: int = 2) -> list[Figure]:
    """Seconds to the last acceptance, delay of replies, time of the slowest page, growth of the workers' memory."""
    with site(kind, latency_ms=50, delay=0) as here:
        made = seed(here.context, people, 200, groups=groups)
        author, approver = _staff(here.context, "anne", "staff"), _staff(here.context, "ben", "safeguarding")
        codes = _codes(here, made)
        _, port = here.web()
        pids = [here.worker(f"worker{number}") for number in range(workers)]
        here.clock()
        code = draft_broadcast(here.context, author, codes, WORDS)
        submit_broadcast(here.context, code, author)
        with _looking(here, code, approver) as pages, _writing(here, port, made) as written:
            asked = time.monotonic()
            approve_broadcast(here.context, code, approver)
            approved = time.monotonic() - asked
            early, late = _until_sent(here, code, people, pids)
        return _figures(here, kind, code, people, approved, pages, written, early, late)


def _figures(
    here: Site, kind: str, code: str, people: int, approved: float, pages: Pages, written: Measured, early: float, late: float
) -> list[Figure]:
    with here.context.database.begin() as db:
        row = broadcast_named(db, code)
        ours = outbox.c.broadcast_id == row.id
        counts = counts_by_state(db, ours)
        last = db.execute(select(func.max(outbox.c.accepted_at)).where(ours)).scalar()
        calls = select(func.count(attempt.c.call_id.distinct())).join(outbox, outbox.c.id == attempt.c.outbox_id).where(ours)
        calls_made = int(db.execute(calls).scalar_one())
        delays = _reply_delays(db)
    seconds = (last - row.approved_at).total_seconds() if last else 0.0
    accepted = counts.get("accepted", 0)
    rate = f"{accepted / seconds:.0f}/s in {calls_made} calls; approving took {approved:.1f} s" if seconds else "nothing was sent"
    p95 = sorted(delays)[int(0.95 * len(delays))] if delays else 0.0
    slowest, left = max(max(taken) for taken in pages.seconds.values()), people - accepted
    note = "; ".join(f"{path} {max(taken):.2f} s" for path, taken in pages.seconds.items())
    return [
        Figure(f"broadcast: {people} from approval to the last accepted", kind, seconds, "s", MOST_SECONDS, wrong=left, note=rate),
        Figure(
            "broadcast: p95 from a text in to its reply accepted",
            kind,
            p95,
            "s",
            MOST_REPLY_SECONDS,
            wrong=written.wrong + (not delays),
            note=f"{len(delays)} replies, the slowest {max(delays, default=0.0):.2f} s",
        ),
        Figure("broadcast: slowest page meanwhile", kind, slowest, "s", MOST_PAGE_SECONDS, wrong=pages.wrong, note=note),
        Figure("broadcast: memory of the workers, end to early", kind, late / early, "", MOST_GROWTH, note=f"{late:.0f} MB in all"),
    ]


def _reply_delays(db: Any) -> list[float]:
    query = select(inbound.c.received_at, outbox.c.accepted_at).join(outbox, outbox.c.inbound_id == inbound.c.id)
    answered = db.execute(query.where(outbox.c.accepted_at.is_not(None)))
    return [(row.accepted_at - row.received_at).total_seconds() for row in answered]


def _until_sent(here: Site, code: str, people: int, pids: list[int]) -> tuple[float, float]:
    """Wait for the last text; the workers' memory when a tenth had gone, and at the end."""
    early, until = 0.0, time.monotonic() + 4 * MOST_SECONDS
    while True:
        time.sleep(1.0)
        with here.context.database.begin() as db:
            row = broadcast_named(db, code)
            counts = counts_by_state(db, outbox.c.broadcast_id == row.id)
        gone = sum(counts.values()) - sum(counts.get(state, 0) for state in ("queued", "reserved", "calling"))
        if not early and gone >= people // 10:
            early = sum(pss_megabytes(pid) for pid in pids)
        if gone >= people or time.monotonic() > until:
            late = sum(pss_megabytes(pid) for pid in pids)
            return early or late, late


@dataclass
class Pages:
    """Seconds of every look at each page, and how many did not show it."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    wrong: int = 0


@contextmanager
def _looking(here: Site, code: str, who: str) -> Iterator[Pages]:
    """A member of staff who goes round the pages, one look a second."""
    pages, stop = Pages(), threading.Event()
    context = wiring.context_from(here.settings)
    browser = _browser(context, here, who)

    def look() -> None:
        while not stop.is_set():
            for path in PAGES:
                began = time.perf_counter()
                pages.wrong += browser.get(path.format(code=code)).status_code != 200
                pages.seconds.setdefault(path, []).append(time.perf_counter() - began)
                stop.wait(1.0)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield pages
    finally:
        stop.set()
        thread.join()
        context.database.dispose()


def _browser(context: Context, here: Site, who: str) -> FlaskClient:
    app = create_app(context, here.settings, surfaces=("console",))
    with context.database.begin() as db:
        row = db.execute(select(staff).where(staff.c.code == who)).one()
        token = open_login(context, db, row, real_now(db))
    client: FlaskClient = app.test_client()
    client.set_cookie("console_login", token)
    return client


@contextmanager
def _writing(here: Site, port: int, people: Seeded) -> Iterator[Measured]:
    """People whom nobody registered write in, a few a second, each from a number of its own; each is answered once."""
    measured, stop = Measured(), threading.Event()
    path = f"{here.callbacks}/sms"
    strangers = Seeded(people.phones[-200:], [], [], 0, 0, [])
    callers = [texts(place, REPLY_RATE, strangers) for place in range(REPLY_RATE)]

    def write() -> None:
        while not stop.is_set():
            found = open_loop(port, path, callers, REPLY_RATE, 2.0)
            measured.delays += found.delays
            measured.wrong += found.wrong

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield measured
    finally:
        stop.set()
        thread.join()


def _codes(here: Site, made: Seeded) -> list[str]:
    with here.context.database.begin() as db:
        return list(db.execute(select(group.c.code).where(group.c.id.in_(made.group_ids))).scalars())


def _staff(context: Context, login: str, role: str) -> str:
    with context.database.begin() as db:
        row_id = new_row_id()
        name = context.vault.seal("staff", "name", row_id, login)
        made: datetime = NOW
        values = {"code": f"S{login}", "login": login, "name": name, "language": "en", "totp_step": 0, "created_at": made}
        db.execute(insert(staff).values(id=row_id, **values))
        db.execute(insert(staff_role).values(id=new_row_id(), staff_id=row_id, role=role))
    return f"S{login}"
