"""Random ``kill -9`` of every process of the service while broadcasts go out, people write and reports come back.

Every fifty kills, and at the end, all is left to settle and the ledger is joined with the gateway's own record: nothing
may be lost, nothing doubled, and what may have gone out is named (I2, I7-I9, I13). Progress and each kill on standard
error, one line of result on standard output; Ctrl-C ends the run and prints the result so far. Exit 1 for any fault.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from sms_service import schema, wiring
from sms_service.database import Database
from sms_service.models.inbound import inbound
from sms_service.models.outbox import outbox
from sms_service.usecases.invariants import check_invariants
from tests.conftest import postgresql_url
from tests.faults.books import Books, told
from tests.faults.crowd import Crowd, announce, gather
from tests.faults.load import InboundLoad
from tests.faults.processes import Process, wait_for
from tests.faults.service import RunningService

APART = (3.0, 3.15)  # seconds from one kill to the next
BACK_WITHIN = 1.5  # seconds until what was killed is started again
CHECK_EVERY = 50
GROUP = 500
TIMES_A_GROUP = 3  # the weekly cap of a number (S39)
LAST_WITHOUT = 4  # kills before a check in which no broadcast begins: what is under way suffices
KEEP_WAITING = 150  # broadcast rows that wait before the next broadcast is written
RATE, LATENCY_MS = 60, 120  # slow enough that a call is under way most of the time
LEASES = timedelta(seconds=100)
SETTLE_SECONDS = 180.0


def say(line: str) -> None:
    """One line of progress, at once."""
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)


@contextmanager
def may_wait(what: str) -> Iterator[None]:
    """A database that is busy for the moment is said and met again; anything else goes on up."""
    try:
        yield
    except SQLAlchemyError as fault:
        say(f"{what}: {type(fault).__name__}")


class Run:
    """One run over one service. ``faults`` are sentences; an empty list at the end is what is wanted."""

    def __init__(self, service: RunningService, seed: int) -> None:
        self.service, self.books = service, Books(service)
        self.chance = random.Random(seed)
        self.kills: Counter[str] = Counter()
        self.ended: Counter[str] = Counter()
        self.faults: list[str] = []
        self.slowest = 0.0
        self._author = service.site.staff("author", "staff")
        self._down: set[Process] = set()
        self._crowd: Crowd | None = None
        self._groups = self._used = 0
        self._names = {service.web: "web", service.redis: "redis"}
        self._names |= {one: f"worker-{no}" for no, one in enumerate(service.workers)}
        self._names |= {one: f"clock-{no}" for no, one in enumerate(service.clocks)}

    @property
    def killed(self) -> int:
        return sum(self.kills.values())

    def begin(self) -> None:
        """The first broadcast, before its people write: the number of a stranger's text would be there already."""
        self._feed()

    def play(self, count: int, until: float) -> None:
        """Kill ``count`` times or until the clock (monotonic) says so, checking in between."""
        due = time.monotonic() + APART[0]
        while self.killed < count and time.monotonic() < until:
            self._pass(due)
            due = time.monotonic() + self.chance.uniform(*APART)
            self._kill_one(count)
            if self.killed % CHECK_EVERY == 0 and self.killed < count:
                self.check()
                due = time.monotonic() + APART[0]

    def _pass(self, until: float) -> None:
        """Let time go by: broadcasts are fed, and what ended without being killed is noted and started again."""
        while time.monotonic() < until:
            self._feed()
            self._look()
            time.sleep(max(0.0, min(0.25, until - time.monotonic())))

    def _feed(self) -> None:
        if self.killed % CHECK_EVERY >= CHECK_EVERY - LAST_WITHOUT:
            return
        with may_wait("no broadcast was written"):
            rows = outbox.c
            with self.service.context.database.begin() as db:
                query = select(func.count()).select_from(outbox).where(rows.state == "queued", rows.broadcast_id.is_not(None))
                if db.execute(query).scalar_one() > KEEP_WAITING:
                    return
            if self._crowd is None or self._used == TIMES_A_GROUP:
                self._groups, self._used = self._groups + 1, 0  # first: half a group is not tried again
                self._crowd = gather(self.service, f"G{self._groups + 9}", GROUP, first=(self._groups - 1) * GROUP)
            announced = announce(self.service, self._author, self._crowd, f"kills-{self._groups}-{self._used}")
            self._used += 1
            self.books.opened(announced, self._crowd)

    def _look(self) -> None:
        for process, name in self._names.items():
            if not process.alive and process not in self._down:
                self.ended[name] += 1
                say(f"{name} ended by itself; started again")
                self._start(process)

    def _kill_one(self, count: int) -> None:
        part = self._choose()
        process = next((one for one, name in self._names.items() if name == part), self.service.web)
        children = process.children() if process is self.service.web else []
        if part == "web process" and children:
            pid = self.chance.choice(children)
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        else:
            pid = process.pid
            self._down.add(process)
            process.kill(alone=part == "web master")
        self.kills[part] += 1
        say(f"kill {self.killed}/{count}: {part}, process {pid}")
        if process in self._down:
            if children:
                self._orphans_end(children)
            self._pass(time.monotonic() + self.chance.uniform(0.0, BACK_WITHIN))
            self._start(process)

    def _choose(self) -> str:
        """Any part, but the web only when it serves: one that is killed at every start is no service under load."""
        others = [name for name in self._names.values() if name != "web"]
        part = self.chance.choice(["web process", "web master", *others])
        return part if part in others or self.service.web_answers() else self.chance.choice(others)

    def _orphans_end(self, children: list[int]) -> None:
        try:
            wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children), 15, "the end of the web's processes")
        except TimeoutError as late:
            self.faults.append(str(late))
            for pid in children:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def _start(self, process: Process) -> None:
        try:
            self.service.start_redis() if process is self.service.redis else process.start()
        except TimeoutError as late:
            say(f"{self._names[process]}: {late}")
        self._down.discard(process)

    def check(self) -> None:
        """Everything settles, then what each broadcast came to is joined with what the gateway took."""
        began = time.monotonic()
        self._settle()
        took = time.monotonic() - began
        self.slowest = max(self.slowest, took)
        before = len(self.books.tally.doubtful)
        self.books.close()
        tally = self.books.tally
        for key in tally.doubtful[before:]:
            say(f"doubtful {key}")
        for kind, keys in (("LOST", tally.lost), ("DOUBLED", tally.doubled)):
            for key in keys:
                say(f"{kind} {key}")
        say(
            f"after {self.killed} kills: settled in {took:.0f} s; {tally.rows} texts of {self.books.broadcasts} broadcasts,"
            f" {tally.accepted} accepted, {len(tally.doubtful)} doubtful, {len(tally.lost)} lost, {len(tally.doubled)} doubled"
        )

    def _settle(self) -> None:
        """Sends end; leases of the killed end by moving the time; then nothing may be on its way any more."""
        until = time.monotonic() + SETTLE_SECONDS
        forwarded = False
        while time.monotonic() < until:
            self._look()
            with may_wait("not settled yet"):
                states = self.service.states()
                if not states.get("queued") and not forwarded:
                    self.service.forward(LEASES)
                    forwarded = True
                elif forwarded and self.service.settled():
                    return
            time.sleep(0.5)
        self.faults.append(f"not settled within {SETTLE_SECONDS:g} s: {self.service.states()}")

    def finish(self, asked: list[str]) -> None:
        """The end: every text in was accepted and processed once, every invariant holds, and nothing personal lies about."""
        with suppress(TimeoutError):
            wait_for(partial(self._all_accepted, set(asked)), 120, "the acceptance of every text", every=1.0)
        self.check()
        if not self._all_accepted(set(asked)):
            self.faults.append(f"{len(set(asked) - self.books.texts_in)} texts in were never answered 200 (I1)")
        with self.service.context.database.begin() as db:
            rows = db.execute(select(inbound.c.provider_id, inbound.c.state)).all()
        if sorted(row.provider_id for row in rows) != sorted(asked) or any(row.state != "done" for row in rows):
            self.faults.append("not every text in is stored and processed once (I1, I2)")
        self._replies_once()
        broken = [one for one in check_invariants(self.service.context) if one.broken]
        self.faults += [f"{one.rule}: {one.broken} rows: {one.says}" for one in broken]
        url = self.service.context.database.url
        files = [path for folder in (self.service.logs, self.service.redis_dir) for path in folder.rglob("*") if path.is_file()]
        if url.get_backend_name() == "sqlite" and url.database:
            files += [*Path(url.database).parent.glob(f"{Path(url.database).name}*")]
        self.faults += told(files)

    def _all_accepted(self, asked: set[str]) -> bool:
        self.books.read()
        return asked <= self.books.texts_in

    def _replies_once(self) -> None:
        """I7 for what is no broadcast: the gateway has no more replies for a number and text than rows that may have gone."""
        rows = outbox.c
        query = select(func.count()).where(rows.broadcast_id.is_(None), rows.state.in_(("accepted", "delivered", "failed")))
        doubt = select(func.count()).where(rows.broadcast_id.is_(None), rows.state == "unknown")
        with self.service.context.database.begin() as db:
            sure, unsure = db.execute(query).scalar_one(), db.execute(doubt).scalar_one()
        taken = self.books.replies.total()
        if not sure <= taken <= sure + unsure:
            self.faults.append(f"the gateway took {taken} replies where {sure} to {sure + unsure} can have gone (I7, I8)")

    def result(self, database: str, seed: int, asked: int, began: float) -> dict[str, Any]:
        """The whole result as one object."""
        tally = self.books.tally
        held = not (tally.lost or tally.doubled or self.faults)
        return {
            "result": "held" if held else "broken",
            "kills": self.killed,
            "database": database,
            "seed": seed,
            "minutes": round((time.monotonic() - began) / 60, 1),
            "broadcasts": self.books.broadcasts,
            "texts": tally.rows,
            "accepted": tally.accepted,
            "lost": len(tally.lost),
            "doubled": len(tally.doubled),
            "doubtful": len(tally.doubtful),
            "doubtful_at_gateway": tally.doubtful_taken,
            "texts_in": asked,
            "slowest_settling_s": round(self.slowest),
            "killed": dict(sorted(self.kills.items())),
            "ended_by_themselves": dict(self.ended),
            "faults": self.faults,
            "doubtful_keys": tally.doubtful,
        }


def database_at(kind: str, folder: Path) -> str:
    """The URL of a migrated, empty database: a file, a private PostgreSQL that commits to disk, or the one that is named."""
    url = f"sqlite:///{folder / 'service.db'}" if kind == "sqlite" else kind
    if kind == "postgresql":
        url = postgresql_url(folder / "pg") or ""
        if not url:
            raise SystemExit("kills: no PostgreSQL: set TEST_POSTGRESQL_URL or install requirements-dev.lock")
    database = Database(url)
    schema.migrate(database)
    database.dispose()
    return url


def line_of(result: dict[str, Any]) -> str:
    """The result as one line for a person."""
    shown = ("kills", "database", "seed", "minutes", "broadcasts", "texts", "accepted", "lost", "doubled", "doubtful", "texts_in")
    faults = "".join(f"; {one}" for one in result["faults"])
    return f"{result['result']}: " + " ".join(f"{name}={result[name]}" for name in shown) + faults


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and print the result; 0 when everything held, 1 when something did not, 2 for wrong use."""
    parser = argparse.ArgumentParser(prog="run faults kills", description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--count", type=int, default=1000, help="how many kills (default 1000: about 55 minutes)")
    parser.add_argument("--database", default="sqlite", help="sqlite, postgresql, or the URL of an empty database")
    parser.add_argument("--seed", type=int, default=0, help="what is killed when; 0 draws one and says it")
    parser.add_argument("--minutes", type=float, default=0.0, help="end after this long, whatever the count is")
    parser.add_argument("--json", action="store_true", help="the whole result as one JSON object, doubtful rows by key")
    parser.add_argument("--keep", type=Path, help="a folder, not there yet, for data, logs and the gateway's record")
    options = parser.parse_args(arguments)
    if options.count < 1 or (options.keep and options.keep.exists()):
        parser.error("--count is 1 or more; --keep names a folder that is not there yet")
    seed = options.seed or random.SystemRandom().randrange(1, 1_000_000)
    folder = options.keep or Path(tempfile.mkdtemp(prefix="kills-"))
    folder.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    began = time.monotonic()
    try:
        with ExitStack() as running:
            url = database_at(options.database, folder)
            service = running.enter_context(
                RunningService(folder / "service", url, workers=2, clocks=2, latency_ms=LATENCY_MS, report_delay_ms=200)
            )
            wiring.install_release(service.context)
            for process in service.processes:
                process.env["SEND_RATE_PER_SECOND"] = str(RATE)
            service.start()
            say(f"seed {seed}, {options.database}, {options.count} kills; logs in {service.logs}")
            run = Run(service, seed)
            until = began + options.minutes * 60 if options.minutes else float("inf")
            run.begin()
            load = InboundLoad(service, [f"+25078{place:07d}" for place in range(GROUP)], every=1.0)
            try:
                with load:
                    # What gets no 200 comes again, as from the gateway, but not so often that it is a load of its own.
                    service.simulator.switch(retry_ms=500, retry_most_ms=8000)
                    run.play(options.count, until)
            except KeyboardInterrupt:
                say("ending: all settles, then the result; Ctrl-C again ends without one")
            run.finish(load.ids)
            result = run.result(options.database, seed, len(load.ids), began)
    finally:
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(result) if options.json else line_of(result), flush=True)
    return 0 if result["result"] == "held" else 1


if __name__ == "__main__":
    sys.exit(main())
