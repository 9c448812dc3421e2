"""One HTTP exchange with a total deadline, a capped body, no redirects and no proxies.

``requests`` alone cannot keep a total deadline (its time-out is per read, so a dripping server holds a call for
ever) and raises one ConnectionError for "never connected" and "reset after we wrote". Here every read gets only the
time that is left, and the connection itself notes the moment before the first byte is written, so *proved not sent*
is a fact and not a guess (I7).
"""

from __future__ import annotations

import http.client
import io
import os
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

BODY_LIMIT = 1_048_576
CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 30.0
IDLE_SECONDS = 15.0
"""A kept connection older than this is opened anew: the far side may be closing it, and a reset after writing is
`unknown`.
"""


@dataclass(slots=True)
class Call:
    """One exchange under way. ``deadline`` is a monotonic time in seconds; ``wrote`` turns true before the first byte
    may leave.

    ``enqueue`` None leaves the field out, True sends 1, False sends 0 (the SDK itself cannot send 0).
    """

    deadline: float
    enqueue: bool | None = None
    wrote: bool = False

    @classmethod
    def within(cls, seconds: float, *, enqueue: bool | None = None) -> Call:
        """A call that may take ``seconds`` in all, counted from now."""
        return cls(time.monotonic() + seconds, enqueue)

    def left(self) -> float:
        """Seconds left; raises TimeoutError when none are."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the call's total deadline has passed")
        return left


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete HTTP answer: ``body`` is decoded from its content encoding and at most BODY_LIMIT bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class CallFault(Exception):
    """The exchange gave no 2xx answer that could be read.

    ``status`` and ``headers`` are those of the answer when its head arrived. ``wrote`` false proves that nothing
    was sent. The message holds the class of the fault only: never the address, the key, the numbers or the text
    (I16).
    """

    def __init__(
        self,
        what: str,
        *,
        wrote: bool,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.wrote = wrote
        self.status = status
        self.headers: Mapping[str, str] = headers if headers is not None else {}


class _Current(threading.local):
    call: Call | None = None


_current = _Current()


def _call() -> Call:
    call = _current.call
    if call is None:
        raise RuntimeError("a gateway connection was used outside an exchange; go through Transport.exchange")
    return call


class _DeadlineReader(io.RawIOBase):
    """Reads a socket, giving every read only the time the call has left."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(_call().left())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.fp = io.BufferedReader(_DeadlineReader(sock))


class _Watched(HTTPConnection):
    """A connection that keeps the call's deadline and notes when writing begins."""

    response_class = _Response
    used_at = 0.0

    @property
    def is_connected(self) -> bool:
        return super().is_connected and time.monotonic() - self.used_at < IDLE_SECONDS

    def connect(self) -> None:
        self.timeout = min(CONNECT_SECONDS, _call().left())
        super().connect()
        # Name look-up and several addresses can outlast the time-out above; past the deadline nothing may be written.
        self.used_at = time.monotonic()
        if self.used_at >= _call().deadline:
            raise ConnectTimeoutError("connected only after the deadline")

    def _new_conn(self) -> socket.socket:
        try:
            return super()._new_conn()
        except NewConnectionError as error:
            # Whether a reset on accept shows here or at the first read is a race; F22 has one answer: unknown.
            if isinstance(error.__cause__, ConnectionResetError):
                _call().wrote = True
            raise

    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is None:
            self.connect()
        self.used_at = time.monotonic()
        _call().wrote = True
        super().request(*args, **kwargs)


class _WatchedTLS(_Watched, HTTPSConnection):
    """The same over TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Watched


class _PoolTLS(HTTPSConnectionPool):
    ConnectionCls = _WatchedTLS


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _PoolTLS}


class _Session(requests.Session):
    """No redirect is ever looked at: `requests` would read its body whole and carry the key to another host."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        return None


def _new_session(connections: int) -> _Session:
    made = _Session()
    made.trust_env = False
    made.headers["Accept-Encoding"] = "gzip, deflate"
    made.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    adapter = _Adapter(pool_connections=2, pool_maxsize=connections, max_retries=0)
    made.mount("https://", adapter)
    made.mount("http://", adapter)
    return made


@dataclass(slots=True)
class Transport:
    """Kept-alive connections to the gateway, at most ``connections`` of them kept; safe across threads and after a
    fork.
    """

    connections: int = 32
    _session: _Session | None = None
    _pid: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def _for_this_process(self) -> _Session:
        # A connection inherited over a fork would carry two processes' answers; each process opens its own.
        if self._session is None or self._pid != os.getpid():
            with self._lock:
                if self._session is None or self._pid != os.getpid():
                    self._session, self._pid = _new_session(self.connections), os.getpid()
        return self._session

    def exchange(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        data: Mapping[str, Any] | None,
        params: Mapping[str, Any] | None,
        call: Call,
    ) -> Answer:
        """One request and its 2xx answer, ended by ``call.deadline`` at the latest.

        Raises CallFault for everything else. The answer's status counts even when its body does not arrive, except
        on 2xx, where the body is the answer.
        """
        status: int | None = None
        seen: Mapping[str, str] = {}
        what = ""
        body = b""
        _current.call = call
        try:
            session = self._for_this_process()
            request = session.prepare_request(requests.Request(method, url, headers=headers, data=data, params=params))
            response = session.send(
                request,
                stream=True,
                timeout=(CONNECT_SECONDS, call.left()),
                allow_redirects=False,
                verify=True,
                proxies={},
            )
            status, seen = response.status_code, response.headers
            try:
                body = _read_capped(response)
            finally:
                response.close()
        except Exception as error:
            # Whatever went wrong, what matters is whether a byte may have left. The error's own text may hold
            # the address and the fields, so only its class goes on, and not as a cause.
            what = type(error).__name__
        finally:
            _current.call = None
        if what or status is None or not 200 <= status < 300:
            raise CallFault(what or f"HTTP {status}", wrote=call.wrote, status=status, headers=seen)
        return Answer(status, seen, body)


def _read_capped(response: requests.Response) -> bytes:
    """The whole body; ValueError beyond BODY_LIMIT (counted after decompression)."""
    parts: list[bytes] = []
    room = BODY_LIMIT + 1
    while room > 0:
        part = response.raw.read(min(65_536, room), decode_content=True)
        if not part:
            return b"".join(parts)
        parts.append(part)
        room -= len(part)
    raise ValueError("the answer's body is over the limit")
