"""The caller of a benchmark: keep-alive HTTP of little cost to itself, a closed loop for CPU, an open one for delays."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote_plus

FORM = "application/x-www-form-urlencoded; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and body of one answer."""

    status: int
    body: str


class Caller:
    """One keep-alive connection, opened at the first call and again when the far side closed it."""

    def __init__(self, port: int, path: str) -> None:
        self._port = port
        self._head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: {FORM}\r\n".encode()
        self._socket: socket.socket | None = None

    def post(self, fields: Mapping[str, str]) -> Answer:
        """Post a form; raises ``OSError`` when there is no answer within 30 s."""
        body = "&".join(f"{name}={quote_plus(value)}" for name, value in fields.items()).encode()
        request = self._head + b"Content-Length: %d\r\n\r\n" % len(body) + body
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), 30)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self._socket.sendall(request)
            return self._read(self._socket)
        except OSError:
            self.close()
            raise

    def _read(self, sock: socket.socket) -> Answer:
        got = b""
        while b"\r\n\r\n" not in got:
            got += self._more(sock)
        head, _, body = got.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        length = next(int(line[15:]) for line in lines if line.lower().startswith("content-length:"))
        while len(body) < length:
            body += self._more(sock)
        return Answer(int(lines[0].split()[1]), body.decode())

    def _more(self, sock: socket.socket) -> bytes:
        piece = sock.recv(65_536)
        if not piece:
            raise ConnectionError("the connection was closed in the middle of an answer")
        return piece

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = None


@dataclass
class Measured:
    """Delays in milliseconds and how many calls did not get the answer they should have."""

    delays: list[float] = field(default_factory=list)
    wrong: int = 0
    seconds: float = 0.0

    def percentile(self, share: float) -> float:
        """The delay that ``share`` (0..1) of the calls stay within, in ms."""
        ordered = sorted(self.delays)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


#: One call of one caller: it returns whether the answer was the one expected.
Step = Callable[[Caller], bool]


def closed_loop(port: int, path: str, callers: Sequence[Iterator[Step]], calls: int) -> Measured:
    """Each caller does ``calls`` calls, one after the other, at its own pace."""
    return _run(port, path, callers, calls, period=0.0)


def open_loop(port: int, path: str, callers: Sequence[Iterator[Step]], rate: float, seconds: float) -> Measured:
    """``rate`` calls a second in all, whatever the answers take; a delay counts from when the call was due."""
    return _run(port, path, callers, int(rate * seconds / len(callers)), period=len(callers) / rate)


def _run(port: int, path: str, callers: Sequence[Iterator[Step]], calls: int, period: float) -> Measured:
    measured = Measured()
    lock = threading.Lock()
    began = time.perf_counter() + 0.2

    def work(place: int, steps: Iterator[Step]) -> None:
        caller = Caller(port, path)
        delays, wrong = [], 0
        first = began + period * place / len(callers)
        for number in range(calls):
            due = max(first + period * number, began) if period else time.perf_counter()
            time.sleep(max(0.0, due - time.perf_counter()))
            try:
                wrong += not next(steps)(caller)
            except OSError:
                wrong += 1
            delays.append((time.perf_counter() - due) * 1000)
        caller.close()
        with lock:
            measured.delays += delays
            measured.wrong += wrong

    threads = [threading.Thread(target=work, args=one) for one in enumerate(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    measured.seconds = time.perf_counter() - began
    return measured
