"""The private queue store, with a real server."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from sms_service.store import SOCKET, WRITTEN_BY, Server, StoreFault, connect, find_server, private_store, socket_path


@pytest.fixture
def state() -> Iterator[Path]:
    """A short folder: a socket's path has a limit that pytest's own folders come near to."""
    with tempfile.TemporaryDirectory(prefix="kv-") as folder:
        yield Path(folder)


def test_a_store_is_started_used_and_stopped(state: Path) -> None:
    """T23: it listens on a socket that only its owner may open, and on no port."""
    with private_store(state) as url:
        assert url == f"unix://{state / SOCKET}"
        client = connect(url)
        client.set("nudge", "1")
        assert client.config_get("port")["port"] == "0"
        assert client.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"
        assert stat.S_IMODE((state / SOCKET).stat().st_mode) == 0o700
        client.close()
    with pytest.raises(redis.RedisError):
        connect(url).ping()
    assert (state / WRITTEN_BY).read_text().strip() == str(find_server())


def test_what_was_written_is_there_after_a_restart(state: Path) -> None:
    for expected in (1, 2):
        with private_store(state) as url:
            assert connect(url).incr("starts") == expected


def test_a_second_process_uses_the_first_ones_store_and_leaves_it_running(state: Path) -> None:
    with private_store(state) as url:
        connect(url).set("nudge", "1")
        with private_store(state) as again:
            assert again == url
            assert connect(again).get("nudge") == b"1"
        assert connect(url).ping()


def test_a_socket_left_by_a_killed_server_does_not_stand_in_the_way(state: Path) -> None:
    with private_store(state) as url:
        pid = int(connect(url).info("server")["process_id"])
        os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)
        with private_store(state) as again:
            assert connect(again).ping()


def test_a_named_store_is_used_and_nothing_is_started(state: Path) -> None:
    with private_store(state, redis_url="redis://127.0.0.1:1/0") as url:
        assert url == "redis://127.0.0.1:1/0"
    assert list(state.iterdir()) == []


def test_the_server_outlives_a_ctrl_c_and_is_stopped_last(state: Path) -> None:
    """The terminal sends SIGINT to a whole group; the store is in a group of its own."""
    with private_store(state) as url:
        pid = int(connect(url).info("server")["process_id"])
        assert os.getpgid(pid) == pid
        assert os.getpgid(pid) != os.getpgid(0)


def test_a_process_that_ends_by_ctrl_c_stops_its_store(state: Path) -> None:
    program = (
        "import signal, sys, time; from pathlib import Path; from sms_service.store import private_store\n"
        # A shell that runs the tests in the background has its children ignore Ctrl-C.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "with private_store(Path(sys.argv[1])) as url:\n    print(url, flush=True); time.sleep(30)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(state)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    assert connect(url).ping()
    process.send_signal(signal.SIGINT)
    process.wait(15)
    with pytest.raises(redis.RedisError):
        connect(url).ping()


def test_a_store_whose_starter_was_killed_is_used_and_then_stopped(state: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path; from sms_service.store import private_store\n"
        "with private_store(Path(sys.argv[1])):\n    os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", program, str(state)], check=False).returncode == -signal.SIGKILL
    pid = int(connect(f"unix://{state / SOCKET}").info("server")["process_id"])
    with private_store(state) as url:
        assert connect(url).info("server")["process_id"] == pid
    with pytest.raises(redis.RedisError):
        connect(url).ping()


def test_data_of_a_later_server_is_refused_in_a_sentence(state: Path) -> None:
    (state / WRITTEN_BY).write_text("valkey 99.0.0\n")
    with pytest.raises(StoreFault, match=r"written by valkey 99\.0\.0, which .* cannot read"), private_store(state):
        pass


def test_a_state_folder_too_deep_for_a_socket_gets_a_short_one(state: Path) -> None:
    """T23: in a folder that only its owner may enter."""
    deep = state / ("x" * 60) / ("y" * 60)
    with private_store(deep) as url:
        assert connect(url).ping()
        folder = socket_path(deep).parent
        assert folder != deep
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert (deep / WRITTEN_BY).is_file()
    folder.chmod(0o755)
    with pytest.raises(StoreFault, match="not ours alone"), private_store(deep):
        pass
    folder.chmod(0o700)
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("server", "version", "writer", "can"),
    [
        ("valkey", (9, 1), ("valkey", (9, 1, 2)), True),
        ("valkey", (9, 1), ("valkey", (8, 0)), True),
        ("valkey", (8, 0), ("valkey", (9, 0)), False),
        ("valkey", (9, 1), ("redis", (7, 0, 15)), True),
        ("valkey", (9, 1), ("redis", (8, 0)), False),
        ("redis", (7, 0), ("valkey", (9, 1)), False),
        ("redis", (7, 2), ("redis", (7, 0)), True),
    ],
)
def test_who_reads_whose_file(server: str, version: tuple[int, ...], writer: tuple[str, tuple[int, ...]], can: bool) -> None:
    assert Server(Path("x"), server, version).reads(writer) is can


def test_an_unreachable_store_answers_in_time() -> None:
    """I13: a lost store costs a caller no more than the time-out."""
    start = time.monotonic()
    with pytest.raises(redis.RedisError):
        connect("redis://127.0.0.1:1/0", timeout=0.5).ping()
    assert time.monotonic() - start < 3
