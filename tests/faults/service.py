"""The whole service as real processes on loopback, with the simulated gateway, for faults of every kind.

``RunningService`` starts and kills the parts; ``check`` is the standard check after a fault: the service's ledger
joined with the simulator's record, the invariants, and a search for anything personal where it must not be (I16).
"""

from __future__ import annotations

import os
import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import requests
from redis.exceptions import RedisError
from sqlalchemy import func, select

from sms_service import clock, store, wiring
from sms_service.config import load_settings
from sms_service.models import numbers, outbox
from sms_service.models.inbound import inbound
from sms_service.usecases.compose import LANE_REMINDER, Outgoing, queue_texts
from tests.faults.processes import Process, wait_for
from tests.faults.standard_check import CANARY, standard_check
from tests.faults.tally import Tally, Watch
from tests.free_ports import free_port
from tests.simulator_process import SimulatorProcess
from tests.usecases.site import Site

SECRET = "callback-secret-of-the-fault-tests"
LASTS = timedelta(hours=6)
MOVING = ("queued", "reserved", "calling")


class RunningService:
    """Every process of one service: ``redis``, ``web``, ``workers``, ``clocks`` and ``simulator``.

    ``folder`` takes data, logs and the simulator's record; ``database_url`` is a migrated, empty database. Simulator
    options are those of ``SimulatorProcess``; the group meets weekly from ``first_meeting``, or never. Nothing but the
    simulator and the queue store runs at first.
    """

    def __init__(
        self,
        folder: Path,
        database_url: str,
        *,
        workers: int = 1,
        clocks: int = 1,
        first_meeting: date | None = None,
        **simulator: Any,
    ) -> None:
        self.folder = folder
        self.first_meeting = first_meeting
        self.watch = Watch()
        self.tell: Callable[[Tally], object] = lambda tally: None
        self.note: Callable[[str], object] = print  # a figure that is shown and not judged
        self._queued: set[str] = set()
        self._let_go: list[Callable[[str, str], bool]] = []
        self.logs = folder / "logs"
        self.logs.mkdir(parents=True)
        self.redis_dir = Path(tempfile.mkdtemp(prefix="kv-"))
        self.url = f"http://127.0.0.1:{free_port()}"
        port = free_port()
        simulator = {"by_number": "off", "report_delay_ms": 20, "port": port, "seed": random.randrange(2**31)} | simulator
        self.simulator = SimulatorProcess(folder, f"{self.url}/callbacks/africastalking/{SECRET}", **simulator)
        self.env = self._environment(database_url, port)
        settings = load_settings(self.env)
        self.context = replace(wiring.context_from(settings), nudge=wiring.nudger(settings))
        self.site = Site.build(self.context)
        self.redis = Process(self._redis_command(), self.env, self.logs / "redis.log")
        own = [sys.executable, "-m", "sms_service"]
        web = [*own, "web", "--workers", "1", "--port", self.url.rpartition(":")[2]]
        self.web = Process(web, self.env, self.logs / "web.log")
        self.workers = [Process([*own, "worker"], self.env, self.logs / f"worker-{no}.log") for no in range(workers)]
        self.clocks = [Process([*own, "clock"], self.env, self.logs / f"clock-{no}.log") for no in range(clocks)]

    def _environment(self, database_url: str, gateway_port: int) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
        return kept | {
            "APP_ENV": "test",
            "DATA_DIR": str(self.folder / "data"),
            "DATABASE_URL": database_url,
            "REDIS_URL": f"unix://{self.redis_dir / 'kv.sock'}",
            "PUBLIC_URL": self.url,
            "WEBHOOK_SECRET": SECRET,
            "AT_USERNAME": SimulatorProcess.username,
            "AT_API_KEY": SimulatorProcess.api_key,
            "AT_BASE_URL": f"http://127.0.0.1:{gateway_port}",
            "AT_SHORT_CODE": SimulatorProcess.short_code,
            "AT_USSD_CODE": SimulatorProcess.ussd_code,
            "SEND_RATE_PER_SECOND": "500",
            "PYTHONUNBUFFERED": "1",
        }

    def _redis_command(self) -> list[str]:
        program = str(store.find_server().program)
        where = ["--unixsocket", str(self.redis_dir / "kv.sock"), "--dir", str(self.redis_dir)]
        return [program, "--port", "0", *where, "--appendonly", "yes", "--appendfsync", "everysec", "--save", ""]

    def __enter__(self) -> RunningService:
        self.simulator.start()
        self.start_redis()
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            process.kill()
        self.simulator.stop()
        self.context.database.dispose()
        shutil.rmtree(self.redis_dir, ignore_errors=True)

    @property
    def processes(self) -> list[Process]:
        """Every process but the simulator."""
        return [self.redis, self.web, *self.workers, *self.clocks]

    def start_redis(self) -> None:
        """Start the queue store and wait until it answers."""
        (self.redis_dir / "kv.sock").unlink(missing_ok=True)
        self.redis.start()
        self.wait_redis()

    def wait_redis(self) -> None:
        """Wait until the queue store answers."""
        wait_for(self._redis_answers, 10, "the queue store's answer")

    def _redis_answers(self) -> bool:
        try:
            return bool(store.connect(self.env["REDIS_URL"]).ping())
        except RedisError:
            return False

    def flush_redis(self) -> None:
        """Empty the queue store (F6)."""
        store.connect(self.env["REDIS_URL"]).flushall()

    def start(self, *processes: Process, seconds: float = 30.0) -> None:
        """Start these processes (all of them when none is named) and wait until the web answers, if it is among them."""
        for process in processes or self.processes[1:]:
            process.start()
        if not processes or self.web in processes:
            wait_for(lambda: self.web_answers() or not self.web.alive, seconds, "the web process's answer")
            assert self.web.alive, self.web.log.read_text()[-2000:]

    def web_answers(self) -> bool:
        """Whether the web process serves."""
        try:
            return requests.get(f"{self.url}/health/live", timeout=2).status_code == 200
        except requests.RequestException:
            return False

    def people(self, count: int, **values: Any) -> list[str]:
        """Enrol that many people with own phones, consent and a canary for a name; returns their numbers as E.164.

        They have answered their invitation, which therefore is not sent.
        """
        if not self.site.phones:
            self.site.group(first_day=self.first_meeting)
        first = self.site.phones + 1
        for _ in range(count):
            self.site.person(name=f"{CANARY} Nyirabizimana", **values)
        with self.context.database.begin() as db:
            outbox.cancel_queued(db, self.context.now(db), "answered", outbox.outbox.c.template == "V1")
        return [f"+250788{no:06d}" for no in range(first, first + count)]

    def queue(self, tag: str, phones: Sequence[str], each: int = 1, *, same: bool = False, lasts: timedelta = LASTS) -> None:
        """Queue ``each`` texts a phone, with keys ``tag:...``; ``same`` gives all the same body, so that they share calls."""
        with self.context.database.begin() as db:
            now = self.context.now(db)
            texts = []
            for phone in phones:
                number_id = numbers.ensure(db, self.context.vault, phone, now)
                for no in range(each):
                    body = f"{CANARY} {tag} {no}" if same else f"{CANARY} {tag} {no} {phone[-6:]}"
                    texts.append(
                        Outgoing(
                            key=f"{tag}:{phone[-6:]}:{no}",
                            number_id=number_id,
                            language="rw",
                            template="V4",
                            kind="v4",
                            text_class="A",
                            lane=LANE_REMINDER,
                            body=body,
                            not_before=now,
                            expires_at=now + lasts,
                        )
                    )
            random.shuffle(texts)
            queue_texts(self.context, db, texts, now)
            self._queued |= {text.key for text in texts}
        self.context.nudge("send", 0)

    def states(self, tag: str = "") -> dict[str, int]:
        """How many outbox rows (of a tag) are in each state."""
        where = [outbox.outbox.c.key.startswith(f"{tag}:")] if tag else []
        with self.context.database.begin() as db:
            return outbox.counts_by_state(db, *where)

    def settled(self, tag: str = "") -> bool:
        """Whether nothing of a tag is on its way; without a tag, nothing that is due now, in or out."""
        rows = outbox.outbox.c
        with self.context.database.begin() as db:
            now = self.context.now(db)
            ours = rows.key.startswith(f"{tag}:") if tag else (rows.state != "queued") | (rows.not_before <= now)
            moving = select(rows.id).where(rows.state.in_(MOVING), ours)
            waiting = select(inbound.c.id).where(inbound.c.state == "new")
            return not any(db.execute(query.limit(1)).first() for query in ([moving] if tag else [moving, waiting]))

    def settle(self, tag: str = "", seconds: float = 60.0) -> dict[str, int]:
        """Wait until nothing is on its way; returns the states."""
        try:
            wait_for(lambda: self.settled(tag), seconds, f"the end of every send {tag}", every=0.2)
        except TimeoutError as late:
            raise TimeoutError(f"{late}; states {self.states(tag)}") from None
        self._look_for_normal()
        return self.states(tag)

    def arrive(self, tag: str, count: int, seconds: float = 60.0) -> None:
        """Wait until all ``count`` texts of a tag are reported delivered."""
        wait_for(lambda: self.states(tag).get("delivered") == count, seconds, f"the arrival of {count} texts {tag}")
        self._look_for_normal()

    def arrive_at_gateway(self, tag: str, count: int, seconds: float) -> None:
        """Wait until all ``count`` texts of a tag are recorded as accepted."""
        wait_for(lambda: self.states(tag).get("accepted") == count, seconds, f"the acceptance of {count} texts {tag}")
        self._look_for_normal()

    def forward(self, by: timedelta) -> None:
        """Move the service's time forward, past the leases of processes that were killed."""
        with self.context.database.begin() as db:
            clock.set_now(db, self.context.now(db) + by)

    def forward_past_leases(self) -> None:
        """Past every lease that a killed or cut off process may hold, so that its rows are given back or named unknown."""
        self.forward(timedelta(seconds=100))

    def forward_to(self, moment: datetime) -> None:
        """Set the service's time."""
        self.site.at(moment)

    def taken(self, tag: str) -> list[dict[str, Any]]:
        """The messages of a tag that the gateway took, from its own record."""
        return [line for line in self.simulator.record("send") if line["taken"] and f" {tag} " in line["text"]]

    def in_flight(self) -> int:
        """Texts out that are due and not yet answered by the gateway, and texts in that are stored and not yet processed."""
        rows = outbox.outbox.c
        with self.context.database.begin() as db:
            due = rows.state.in_(MOVING) & ((rows.state != "queued") | (rows.not_before <= self.context.now(db)))
            out = db.execute(select(func.count()).where(due)).scalar_one()
            return int(out + db.execute(select(func.count()).where(inbound.c.state == "new")).scalar_one())

    @contextmanager
    def fault(self) -> Iterator[None]:
        """The block in which the fault lasts: what is in flight is counted at its start, normal is looked for from its end.

        ``settle``, ``arrive`` and ``check`` note when nothing is on its way any more; a fault that hits again starts anew.
        """
        self.watch.hit(self.in_flight())
        try:
            yield
        finally:
            self.watch.over()

    def let_go(self, phone: str = "", tag: str = "") -> None:
        """What the service was told to forget, of a phone or a tag: the gateway's record has it, the ledger rightly has not."""
        self._let_go.append(lambda number, text: (bool(phone) and number == phone) or (bool(tag) and f" {tag} " in text))
        forgotten = f":{phone[-6:]}:" if phone else f"{tag}:"
        self._queued = {key for key in self._queued if forgotten not in key}

    def _record(self) -> list[dict[str, Any]]:
        """The simulator's record without what was let go: a number that was erased may text again, and have rows again."""
        with self.context.database.begin() as db:
            there = {
                *db.execute(select(outbox.outbox.c.gateway_id)).scalars(),
                *db.execute(select(inbound.c.provider_id)).scalars(),
            }

        def kept(line: dict[str, Any]) -> bool:
            known = line.get("messageId") or (line.get("fields") or {}).get("id")
            return known in there or not any(gone(*_about(line)) for gone in self._let_go)

        return [line for line in self.simulator.record() if kept(line)]

    def _look_for_normal(self) -> None:
        if self.watch.waiting and self.settled():
            self.watch.normal()

    def check(self) -> None:
        """The standard check; tells the tally, and raises ``AssertionError`` with everything that is wrong."""
        self._look_for_normal()
        tally = Tally(in_flight=self.watch.in_flight, seconds=self.watch.seconds)
        faults = standard_check(self.context, self.env, self._record(), [self.logs, self.redis_dir], tally)
        faults += self._health_faults()
        with self.context.database.begin() as db:
            kept = set(db.execute(select(outbox.outbox.c.key)).scalars())
        gone = sorted(self._queued - kept)
        tally.lost += len(gone)
        faults += [f"{len(gone)} texts that were queued have no row: {gone[:5]} (I8)"] if gone else []
        self.tell(tally)
        assert not faults, "\n".join(faults)

    def _health_faults(self) -> list[str]:
        """Health is green again: a web that runs says ready, within ten seconds (I21)."""
        if not self.web.alive:
            return []
        try:
            wait_for(self.ready, 10, "the web's readiness")
        except TimeoutError as fault:
            return [f"{fault} (I21)"]
        return []

    def ready(self) -> bool:
        """Whether the web process says that the service may take traffic."""
        try:
            return requests.get(f"{self.url}/health/ready", timeout=5).status_code == 200
        except requests.RequestException:
            return False


def _about(line: dict[str, Any]) -> tuple[str, str]:
    """Whose line of the simulator's record this is, and what was said."""
    fields = line.get("fields") or {}
    return line.get("number") or fields.get("from") or fields.get("phoneNumber") or "", line.get("text") or ""
