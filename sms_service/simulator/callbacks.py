"""Posting to the service, and doing it again later when it did not answer 200.

Contract section 9: inbound texts (and, assumed, reports) are delivered again until 200 or 12 hours; a USSD turn is not.
"""

from __future__ import annotations

import heapq
import http.client
import itertools
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from sms_service.simulator.record import Record
from sms_service.simulator.switches import SwitchBoard
from sms_service.simulator.wire import FORM_TYPE, form_encode

KINDS = ("sms", "ussd", "ussd-end", "delivery", "opt-out")
GIVE_UP_SECONDS = 12 * 3600
CALLBACK_TIMEOUT_SECONDS = 30.0
LARGEST_ANSWER = 65_536


@dataclass(frozen=True, slots=True)
class ServiceAnswer:
    """What the service said. ``status`` is None when there was no whole answer; ``error`` then says why in plain words.

    ``headers`` have lower-case names; ``milliseconds`` is the time from the start of the call to the end of the body.
    """

    status: int | None
    headers: Mapping[str, str]
    body: bytes
    milliseconds: int
    error: str = ""


class Scheduler:
    """Runs small functions later, on a fixed set of threads; nothing is kept over a restart."""

    def __init__(self, threads: int = 16) -> None:
        self._ready = threading.Condition()
        self._heap: list[tuple[float, int, Callable[[], object]]] = []
        self._order = itertools.count()
        for number in range(threads):
            threading.Thread(target=self._run, name=f"callback-{number}", daemon=True).start()

    def after(self, seconds: float, work: Callable[[], object]) -> None:
        """Run ``work`` once, ``seconds`` from now or as soon after as a thread is free."""
        with self._ready:
            heapq.heappush(self._heap, (time.monotonic() + seconds, next(self._order), work))
            self._ready.notify()

    def _run(self) -> None:
        while True:
            with self._ready:
                while not self._heap or self._heap[0][0] > time.monotonic():
                    wait = self._heap[0][0] - time.monotonic() if self._heap else None
                    self._ready.wait(wait)
                work = heapq.heappop(self._heap)[2]
            try:
                work()
            except OSError as fault:
                # The record could not be written; the thread must live on for when it can be again.
                print(f"simulator: a callback was lost: {fault.strerror or fault}", file=sys.stderr)


class Poster:
    """Posts callbacks to the service and records each with its answer, but not the URL, which holds a secret."""

    def __init__(self, board: SwitchBoard, record: Record, scheduler: Scheduler) -> None:
        self._board = board
        self._record = record
        self._scheduler = scheduler

    def post(
        self,
        kind: str,
        fields: Mapping[str, str],
        *,
        timeout: float = CALLBACK_TIMEOUT_SECONDS,
        headers: Mapping[str, str] | None = None,
        raw: bool | None = None,
        attempt: int = 1,
    ) -> ServiceAnswer:
        """Post one callback of a kind in ``KINDS`` once. ``raw`` overrides the switch of that name. Never raises."""
        switches = self._board.now
        body = form_encode(fields, raw=switches.raw if raw is None else raw)
        sent = {"Content-Type": FORM_TYPE, "Accept": "*/*", **(headers or {})}
        answer = exchange("POST", f"{switches.service_url}/{kind}", body, timeout, sent)
        self._record.write(
            {
                "kind": "callback",
                "callback": kind,
                "attempt": attempt,
                "fields": dict(fields),
                "status": answer.status,
                "answer": answer.body.decode("utf-8", "replace")[:2000],
                "milliseconds": answer.milliseconds,
                "error": answer.error,
            }
        )
        return answer

    def post_until_accepted(
        self, kind: str, fields: Mapping[str, str], *, raw: bool | None = None, attempt: int = 1, age: float = 0.0
    ) -> ServiceAnswer:
        """Post now and, unless answered 200, again later with a doubling wait, for at most 12 hours."""
        answer = self.post(kind, fields, raw=raw, attempt=attempt)
        if answer.status != 200:
            switches = self._board.now
            wait = min(switches.retry_ms * 2 ** min(attempt - 1, 20), switches.retry_most_ms) / 1000
            if age + wait <= GIVE_UP_SECONDS:
                self.later(
                    wait,
                    lambda: self.post_until_accepted(kind, fields, raw=raw, attempt=attempt + 1, age=age + wait),
                )
        return answer

    def later(self, seconds: float, work: Callable[[], object]) -> None:
        """Run ``work`` after some seconds, on the callback threads."""
        self._scheduler.after(seconds, work)


def exchange(method: str, url: str, body: bytes, timeout: float, headers: Mapping[str, str]) -> ServiceAnswer:
    """One request on a connection of its own, with a deadline in seconds for the whole of it. Never raises."""
    started = time.monotonic()
    address = urlsplit(url)
    secure = address.scheme == "https"
    connection_class = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = connection_class(address.hostname or "", address.port, timeout=timeout)
    status: int | None = None
    found: dict[str, str] = {}
    data = b""
    error = ""
    try:
        connection.request(method, address.path or "/", body, {"Connection": "close", **headers})
        response = connection.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        while len(data) <= LARGEST_ANSWER and (piece := response.read1(8192)):
            data += piece
            if time.monotonic() - started > timeout:
                raise TimeoutError
        if response.length:
            raise http.client.IncompleteRead(data)
        status = response.status
    except TimeoutError:
        error = f"no whole answer within {timeout:g} s"
    except ConnectionRefusedError:
        error = "nothing listens at the service's address"
    except (OSError, http.client.HTTPException) as fault:
        error = f"the connection failed ({type(fault).__name__})"
    finally:
        connection.close()
    elapsed = round((time.monotonic() - started) * 1000)
    return ServiceAnswer(status, found, data, elapsed, error)
