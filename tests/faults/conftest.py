"""A service of real processes over each database, seeded chance, and what a test says to the table of ``./run faults``."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from sms_service.database import Database
from tests.conftest import install
from tests.faults.private_postgresql import PrivatePostgresql
from tests.faults.service import RunningService

Start = Callable[..., RunningService]
Starting = Callable[[str], AbstractContextManager[Start]]

SEED = os.environ.get("FAULTS_SEED") or str(random.SystemRandom().randrange(1_000_000))
# A short form runs on SQLite with the other tests, and wherever ./run faults --short is told to.
_SHORT = os.environ.get("FAULTS_DATABASES", "sqlite").split(",")
SHORT = pytest.mark.parametrize("database_url", _SHORT, indirect=True)


@pytest.fixture(autouse=True)
def seeded(request: pytest.FixtureRequest) -> None:
    """Every choice by chance follows from one seed and the test's name; a failure shows the seed."""
    random.seed(f"{SEED}:{request.node.name}")
    print(f"seed {SEED}: ./run faults --seed {SEED} repeats the choices of this test")


@pytest.fixture
def starting(request: pytest.FixtureRequest, tmp_path: Path) -> Starting:
    """``with starting(database_url) as start``: what ``start_service`` gives, for a test that brings a database of its own."""

    @contextmanager
    def block(database_url: str) -> Iterator[Start]:
        with ExitStack() as running:

            def start(**options: Any) -> RunningService:
                service = RunningService(tmp_path / "service", database_url, **options)
                service.tell = lambda tally: request.node.user_properties.append(("tally", tally.as_dict()))
                service.note = lambda words: request.node.user_properties.append(("note", words))
                return running.enter_context(service)

            yield start

    return block


@pytest.fixture
def start_service(starting: Starting, database_url: str) -> Iterator[Start]:
    """``start_service(**options)``: a ``RunningService`` whose processes are killed at the end of the test."""
    with starting(database_url) as start:
        yield start


@pytest.fixture(scope="session")
def own_cluster() -> Iterator[PrivatePostgresql]:
    """A PostgreSQL that tests may kill, with everything published in its database ``template_one``."""
    server = PrivatePostgresql()
    server.start()
    server.execute("CREATE DATABASE template_one")
    install(Database(server.url("template_one")))
    yield server
    server.remove()


@pytest.fixture
def own_postgresql(own_cluster: PrivatePostgresql) -> PrivatePostgresql:
    """The same, running again whatever the test before did to it; mark with ``database="postgresql"``."""
    own_cluster.ensure_running()
    return own_cluster


@pytest.fixture
def start_on_own(starting: Starting, own_postgresql: PrivatePostgresql) -> Iterator[Start]:
    """As ``start_service``, on a fresh database of ``own_postgresql``."""
    with starting(own_postgresql.copy_of("template_one")) as start:
        yield start


@pytest.fixture
def not_played(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """``not_played(reason)``: this machine cannot play the fault; the table says so. The test then returns."""
    return lambda reason: request.node.user_properties.append(("not_played", reason))
